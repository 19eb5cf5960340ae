// How people say and how recognisers write numbers: the inverse of text/spoken_numbers. Every form returned
// here is meant to be read back by it; the validators (brain/label_rules.h) drop what is not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"

namespace sotto {

// 0..999,999,999 in words: 250 -> "two hundred fifty", or with an "and" before the last part.
std::string NumberInWords(int64_t value, bool with_and = false);

// An amount: "$200", "two hundred bucks", "fifteen ninety nine", "1,500 dollars". `bare`: without a unit.
// REQUIRES: 0 <= value < 1e9, at most two decimals.
std::string SayMoney(double value, bool bare, Random& random);

// A count: "3", "three".
std::string SayNumber(double value, Random& random);

// A string of digits: "4532", "four five three two", "forty five thirty two", "4 5 3 2", "double five".
std::string SayDigits(std::string_view digits, Random& random);

}  // namespace sotto
