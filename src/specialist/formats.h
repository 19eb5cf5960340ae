// Whether a code can be right: its length, its check digits, the rules that its issuer publishes. Of digits and capitals
// as one would type them (privacy/said_codes.h reads them from texts). Pure functions; any thread.
//
// Sources: ISO 13616 and SWIFT's IBAN registry; ISO/IEC 7812 and the schemes' ranges; the American Bankers
// Association's routing numbers; Royal Mail's and BS 7666's postcodes; USPS, Deutsche Post, La Poste, PostNL, Canada Post
// for theirs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/calendar.h"

namespace sotto {

struct FormatVerdict {
  bool valid = false;
  std::string why;     // where it is not: one clause, "has 21 characters, GB's have 22"
  std::string value;   // as it is written by the book: "GB82 WEST 1234 5698 7654 32"
  std::string detail;  // scheme of a card, country of an IBAN, region of a postcode
};

// "GB82WEST12345698765432".
FormatVerdict CheckIban(std::string_view characters);
// Digits. `detail`: visa, mastercard, amex, ...
FormatVerdict CheckCard(std::string_view digits);
// Six digits; which bank has it is not known here. "12-34-56".
FormatVerdict CheckSortCode(std::string_view digits);
// Nine digits: Federal Reserve district and checksum (3 7 1).
FormatVerdict CheckRoutingNumber(std::string_view digits);
// One @, a name of at most 64 and a domain of at most 253 letters, a top-level domain of letters.
FormatVerdict CheckEmail(std::string_view address);

// Regions whose postcodes are known: "GB", "US", "DE", "FR", "NL", "CA", "AT", "CH", "ES", "IT".
std::span<const std::string_view> PostcodeRegions();
// Of one region. REQUIRES: it is one of PostcodeRegions().
FormatVerdict CheckPostcode(std::string_view characters, std::string_view region);

// In the past, at most 130 years ago.
FormatVerdict CheckBirthDate(Date date, Date today);

}  // namespace sotto
