// Digits that were said as a number of their own: four of a zip code's five are no PIN, but the last four of
// a card's whole number are its last four. What the decoder may write and what generated conversations are
// checked by.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/spoken_numbers.h"

namespace sotto {

// `readings`: of `words` (ReadNumbers with any digits_length of 0). `n_digits` 0: any length; otherwise
// exactly so many, or, up to four, the last of at least eight and at least twice as many. What was taken back is not among
// them; a correction of the end of a number is made ("4532, no, 33": 4533). Sound-alikes only where nothing
// plain fits. In the order they were said.
// Of a `secret` those that were said as one, where any were; of everything else never those.
std::vector<std::string> SaidDigits(std::span<const std::string_view> words,
                                    std::span<const NumberReading> readings, size_t n_digits,
                                    bool secret = false);

// Whole strings of another length than `n_digits`, where none of that length was said: a part of the number,
// or too much of it.
std::vector<std::string> OtherDigits(std::span<const std::string_view> words,
                                     std::span<const NumberReading> readings, size_t n_digits);

// Does an answer begin by taking back what was said before it: "no, three three"?
bool BeginsWithCorrection(std::string_view text);

}  // namespace sotto
