// Writes numbers for the ear: words that any synthesizer pronounces as meant. Pure functions, English, lower
// case except names of months and currencies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sotto {

// 250 -> "two hundred fifty", -3.5 -> "minus three point five". Beyond 1e15: digit by digit.
std::string SpeakNumber(double value);
// 3 -> "third", 21 -> "twenty first". REQUIRES: value >= 0.
std::string SpeakOrdinal(int64_t value);
// 250.05 -> "two hundred fifty dollars and five cents". Rounded to cents. Unknown codes are spelled as they
// are.
std::string SpeakMoney(double value, std::string_view currency = "USD");
// "4532" -> "four five three two". Other characters are skipped, letters spelled.
std::string SpeakDigits(std::string_view digits);
// 12.5 -> "twelve point five percent".
std::string SpeakPercent(double value);

// For the eye: 1250.5 -> "$1,250.50", 12.5 -> "12.5%".
// "dollars" for USD, CAD and AUD; the code where no name is known.
std::string_view CurrencyName(std::string_view currency);
std::string ShowMoney(double value, std::string_view currency = "USD");
std::string ShowPercent(double value);

// Free text for the ear: digits, amounts, percentages and common abbreviations inside it become words.
std::string SpeakText(std::string_view text);

}  // namespace sotto
