#include "speech/speakable_words.h"

#include <cctype>

#include "text/speak.h"

namespace sotto {

std::string NumberWords(int64_t number) { return SpeakNumber(static_cast<double>(number)); }

std::string DigitWords(std::string_view digits, Random& random) {
  const size_t style = random.Below(10);
  std::string out;
  auto add = [&](std::string_view word) {
    if (!out.empty()) out += ' ';
    out += word;
  };
  if (digits.size() % 2 == 0 && style >= 8) {  // "forty five thirty two", "twelve oh five"
    for (size_t i = 0; i < digits.size(); i += 2) {
      const int tens = digits[i] - '0', ones = digits[i + 1] - '0';
      if (tens == 0) {
        add(ones == 0 ? "double zero" : "oh");
        if (ones != 0) add(NumberWords(ones));
      } else {
        add(NumberWords(tens * 10 + ones));
      }
    }
    return out;
  }
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[i] - '0';
    if (style == 7 && i + 1 < digits.size() && digits[i] == digits[i + 1]) {
      add("double");
      ++i;
    }
    add(digit == 0 && style % 2 == 1 ? "oh" : NumberWords(digit));
  }
  return out;
}

std::string SpeakableWords(std::string_view sentence, unsigned variant) {
  std::string out;
  auto add = [&](std::string_view word) {
    if (!out.empty()) out += ' ';
    out += word;
  };
  Random random(variant + 1);
  size_t i = 0;
  while (i < sentence.size()) {
    const auto c = static_cast<unsigned char>(sentence[i]);
    if (std::isdigit(c)) {
      const bool money = i > 0 && sentence[i - 1] == '$';
      std::string whole, cents;
      while (i < sentence.size() && (std::isdigit(static_cast<unsigned char>(sentence[i])) ||
                                     (sentence[i] == ',' && i + 1 < sentence.size() &&
                                      std::isdigit(static_cast<unsigned char>(sentence[i + 1]))))) {
        if (sentence[i] != ',') whole += sentence[i];
        ++i;
      }
      if (i + 1 < sentence.size() && sentence[i] == '.' &&
          std::isdigit(static_cast<unsigned char>(sentence[i + 1]))) {
        for (++i; i < sentence.size() && std::isdigit(static_cast<unsigned char>(sentence[i])); ++i)
          cents += sentence[i];
      }
      const bool ordinal = sentence.substr(i, 2) == "st" || sentence.substr(i, 2) == "nd" ||
                           sentence.substr(i, 2) == "rd" || sentence.substr(i, 2) == "th";
      if (ordinal) i += 2;
      const bool round = whole.size() >= 3 && whole.ends_with("00");
      const bool one_by_one = !money && cents.empty() && !round && whole.size() >= 4;
      if (whole.size() > 9 || whole.starts_with("0") || (one_by_one && variant % 4 != 3)) {
        add(DigitWords(whole, random));
      } else {
        add(NumberWords(std::stoll(whole)));
        if (money && variant % 2 == 0) add("dollars");
        if (!cents.empty()) {
          if (money && variant % 2 == 0) add("and");
          add(cents.size() == 2 ? NumberWords(std::stoll(cents)) : DigitWords(cents, random));
          if (money && variant % 2 == 0) add("cents");
        }
      }
      continue;
    }
    if (std::isalpha(c)) {
      std::string word;
      for (; i < sentence.size(); ++i) {
        const auto d = static_cast<unsigned char>(sentence[i]);
        if (std::isalpha(d)) {
          word += static_cast<char>(std::tolower(d));
        } else if (d == '\'') {
          word += '\'';
        } else if (sentence.substr(i, 3) == "\xE2\x80\x99") {  // typographic apostrophe
          word += '\'';
          i += 2;
        } else {
          break;
        }
      }
      while (!word.empty() && word.back() == '\'') word.pop_back();
      if (!word.empty()) add(word);
      continue;
    }
    ++i;
  }
  return out;
}

}  // namespace sotto
