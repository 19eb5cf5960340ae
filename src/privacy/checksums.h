// Check digits and shapes of numbers that are handed out by somebody. Pure; of ASCII digits and capitals.
#pragma once

#include <cstddef>
#include <string_view>

namespace sotto {

// ISO/IEC 7812: payment cards. False for anything but digits, and for none.
bool PassesLuhn(std::string_view digits);

// ISO 13616, ISO 7064 mod 97-10: "GB82WEST12345698765432". Length and country are not looked at.
bool PassesMod97(std::string_view iban);

// The length of an IBAN of the country of two capitals; 0: it has none (SWIFT's registry).
size_t IbanLength(std::string_view country);

// Whether nine digits may be a US social security number: no area 000, 666 or 9xx, no group 00, no serial
// 0000.
bool MayBeSsn(std::string_view digits);

}  // namespace sotto
