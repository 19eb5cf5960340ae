// Written sentences and values as a recogniser hears them: lower case letters and apostrophes, numbers spelled
// out. English. Pure functions: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"

namespace sotto {

// `sentence` as one way of saying it: digits become words ("$15.99": amount; four digits in a row: one by one
// or as a number, chosen by `variant`), everything but letters and apostrophes goes. Empty if nothing is
// left.
std::string SpeakableWords(std::string_view sentence, unsigned variant = 0);

// 1234 -> "one thousand two hundred thirty four". REQUIRES: 0 <= number < 10^15.
std::string NumberWords(int64_t number);

// "4503" as people dictate it: one by one, with "oh" and "double", or in pairs ("forty five oh three").
// REQUIRES: digits only.
std::string DigitWords(std::string_view digits, Random& random);

}  // namespace sotto
