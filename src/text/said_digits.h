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

// `readings`: of `words` (ReadNumbers). `n_digits` 0: any length; otherwise exactly so many, or the last of
// at least eight and at least twice as many. In the order of the readings, the same digits as often as they
// were read.
std::vector<std::string> SaidDigits(std::span<const std::string_view> words,
                                    std::span<const NumberReading> readings, size_t n_digits);

}  // namespace sotto
