#include "learn/number_forms.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/check.h"
#include "text/speak.h"

namespace sotto {
namespace {

std::string Words(int64_t value) { return SpeakNumber(static_cast<double>(value)); }

std::string BelowThousand(int64_t value, bool with_and) {
  if (value < 100) return Words(value);
  std::string text = fmt::format("{} hundred", Words(value / 100));
  if (value % 100 != 0) text += fmt::format("{}{}", with_and ? " and " : " ", Words(value % 100));
  return text;
}

std::string Grouped(int64_t value) {
  if (value < 1000) return fmt::format("{}", value);
  return fmt::format("{},{:03}", Grouped(value / 1000), value % 1000);
}

// "two fifty", "twelve hundred", "a hundred", ...: what people say where the plain form is long.
std::string ShortWords(int64_t value, Random& random) {
  const int64_t hundreds = value / 100;
  const int64_t rest = value % 100;
  if (value == 100) return random.Chance(0.7) ? "a hundred" : "hundred";
  if (value == 1000) return random.Chance(0.7) ? "a thousand" : "thousand";
  if (value > 100 && value < 200) {
    const double form = random.Uniform();
    if (form < 0.3) return fmt::format("a hundred and {}", Words(rest));
    if (form < 0.5) return fmt::format("hundred and {}", Words(rest));
    if (form < 0.7) return fmt::format("a hundred {}", Words(rest));
    if (rest >= 10) return fmt::format("one {}", Words(rest));
  }
  if (value >= 200 && value < 1000 && rest >= 10 && random.Chance(0.4))
    return fmt::format("{} {}", Words(hundreds), Words(rest));
  if (value >= 1100 && value < 10000 && hundreds % 10 != 0 && rest == 0)
    return fmt::format("{} hundred", Words(hundreds));
  if (value >= 1100 && value < 10000 && hundreds % 10 != 0 && rest >= 10 && rest != hundreds &&
      random.Chance(0.4))  // "fifteen fifteen" is fifteen, said twice
    return fmt::format("{} {}", Words(hundreds), Words(rest));
  if (value >= 2000 && value % 1000 == 0 && random.Chance(0.25))
    return fmt::format("{} grand", BelowThousand(value / 1000, false));
  return NumberInWords(value, random.Chance(0.5));
}

std::string Unit(Random& random) {
  const double form = random.Uniform();
  return form < 0.66 ? " dollars" : form < 0.93 ? " bucks" : " dollar";
}

std::string WholeMoney(int64_t value, bool bare, Random& random) {
  const double form = random.Uniform();
  if (form < 0.52) {
    const bool grouped = value >= 1000 && random.Chance(0.5);
    const std::string digits = grouped ? Grouped(value) : std::to_string(value);
    if (bare) return digits;
    const double unit = random.Uniform();
    if (unit < 0.35) return fmt::format("${}", digits);
    if (unit < 0.45) return digits + ".00";
    return unit < 0.75 ? digits + Unit(random) : digits;
  }
  if (form < 0.56 && value >= 1000 && value % 1000 == 0)
    return fmt::format("{} thousand{}", value / 1000, bare ? "" : Unit(random));
  if (form < 0.58 && value >= 200 && value < 1000 && value % 100 == 0)
    return fmt::format("{} hundred{}", value / 100, bare ? "" : Unit(random));
  const std::string words = form < 0.8 ? NumberInWords(value, random.Chance(0.4)) : ShortWords(value, random);
  return bare || random.Chance(0.3) ? words : words + Unit(random);
}

std::string CentsMoney(int64_t whole, int64_t cents, bool bare, Random& random) {
  const double form = random.Uniform();
  if (bare || form < 0.35) return fmt::format("{}.{:02}", whole, cents);
  if (form < 0.5)
    return fmt::format("${}.{:02}", whole >= 1000 ? Grouped(whole) : std::to_string(whole), cents);
  if (form < 0.58) return fmt::format("{}.{:02} dollars", whole, cents);
  if (form < 0.68) return fmt::format("{} dollars and {} cents", whole, cents);
  const std::string words = whole < 100 ? Words(whole) : NumberInWords(whole, random.Chance(0.4));
  // Without "cents" the end must not be readable as part of the whole: "three thousand two hundred twenty
  // four".
  if (form < 0.82 || cents < 10) return fmt::format("{} dollars and {} cents", words, Words(cents));
  if (form < 0.90 || whole >= 100 || whole < 1) return fmt::format("{} dollars {}", words, Words(cents));
  return fmt::format("{} {}", words, Words(cents));
}

}  // namespace

std::string NumberInWords(int64_t value, bool with_and) {
  SOTTO_CHECK(value >= 0 && value < 1'000'000'000);
  if (value < 1000) return BelowThousand(value, with_and);
  std::string text;
  if (value >= 1'000'000) text = fmt::format("{} million", BelowThousand(value / 1'000'000, with_and));
  if (const int64_t thousands = value / 1000 % 1000; thousands != 0)
    text += fmt::format("{}{} thousand", text.empty() ? "" : " ", BelowThousand(thousands, with_and));
  if (const int64_t rest = value % 1000; rest != 0)
    text += fmt::format("{}{}", rest < 100 && with_and ? " and " : " ", BelowThousand(rest, with_and));
  return text;
}

std::string SayMoney(double value, bool bare, Random& random) {
  const auto cents = static_cast<int64_t>(std::llround(value * 100));
  SOTTO_CHECK(cents >= 0 && cents < 100'000'000'000);
  if (cents % 100 == 0) return WholeMoney(cents / 100, bare, random);
  return CentsMoney(cents / 100, cents % 100, bare, random);
}

std::string SayNumber(double value, Random& random) {
  const auto whole = static_cast<int64_t>(std::llround(value));
  if (std::abs(value - static_cast<double>(whole)) > 1e-9 || whole < 0) return fmt::format("{}", value);
  return random.Chance(0.5) ? std::to_string(whole) : NumberInWords(whole, random.Chance(0.3));
}

namespace {

std::string DigitByDigit(std::string_view digits, bool words, bool doubles, bool oh) {
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (!text.empty()) text += ' ';
    if (doubles && i + 1 < digits.size() && digits[i] == digits[i + 1]) {
      text += "double ";
      ++i;
    }
    const int digit = digits[i] - '0';
    if (!words)
      text += digits[i];
    else
      text += digit == 0 && oh ? "oh" : Words(digit);
  }
  return text;
}

}  // namespace

std::string SayDigits(std::string_view digits, Random& random) {
  const double form = random.Uniform();
  const bool oh = random.Chance(0.4);
  if (form < 0.5) return std::string(digits);
  if (form < 0.8 || digits.size() % 2 != 0) return DigitByDigit(digits, true, random.Chance(0.15), oh);
  if (form < 0.86) return DigitByDigit(digits, false, false, oh);
  std::string text;
  const bool words = form < 0.96;
  for (size_t i = 0; i < digits.size(); i += 2) {
    if (!text.empty()) text += ' ';
    const std::string_view pair = digits.substr(i, 2);
    const int value = (pair[0] - '0') * 10 + (pair[1] - '0');
    if (!words)
      text += pair;
    else if (value < 10 || (i == 0 && random.Chance(0.2)))
      text += DigitByDigit(pair, true, false, oh);
    else
      text += Words(value);
  }
  return text;
}

}  // namespace sotto
