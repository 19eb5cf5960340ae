#include "text/speak.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "text/calendar_speech.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

constexpr std::array<std::string_view, 20> kSmall = {
    "zero",     "one",     "two",     "three",     "four",     "five",    "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::array<std::string_view, 20> kOrdinals = {
    "zeroth",     "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
struct Currency {
  std::string_view code;
  std::string_view one;
  std::string_view many;
  std::string_view cent;
  std::string_view cents;
  std::string_view sign;
};
constexpr Currency kCurrencies[] = {
    {"USD", "dollar", "dollars", "cent", "cents", "$"},
    {"CAD", "dollar", "dollars", "cent", "cents", "$"},
    {"AUD", "dollar", "dollars", "cent", "cents", "$"},
    {"EUR", "euro", "euros", "cent", "cents", "€"},
    {"GBP", "pound", "pounds", "penny", "pence", "£"},
    {"CHF", "franc", "francs", "centime", "centimes", "CHF "},
    {"INR", "rupee", "rupees", "paisa", "paise", "₹"},
    {"MXN", "peso", "pesos", "centavo", "centavos", "$"},
    {"JPY", "yen", "yen", "sen", "sen", "¥"},
};

void AddWord(std::string& out, std::string_view word) {
  if (word.empty()) return;
  if (!out.empty()) out += ' ';
  out += word;
}

std::string Below1000(int64_t value) {
  std::string out;
  if (value >= 100) {
    AddWord(out, kSmall[static_cast<size_t>(value / 100)]);
    AddWord(out, "hundred");
    value %= 100;
    if (value == 0) return out;
  }
  if (value >= 20) {
    AddWord(out, kTens[static_cast<size_t>(value / 10)]);
    if (value % 10 != 0) AddWord(out, kSmall[static_cast<size_t>(value % 10)]);
  } else {
    AddWord(out, kSmall[static_cast<size_t>(value)]);
  }
  return out;
}

// REQUIRES: 0 <= value < 1e15.
std::string Cardinal(int64_t value) {
  if (value < 1000) return Below1000(value);
  static constexpr std::pair<int64_t, std::string_view> kScales[] = {
      {1000000000000, "trillion"}, {1000000000, "billion"}, {1000000, "million"}, {1000, "thousand"}};
  std::string out;
  for (const auto& [scale, name] : kScales) {
    if (value < scale) continue;
    AddWord(out, Below1000(value / scale));
    AddWord(out, name);
    value %= scale;
  }
  if (value > 0) AddWord(out, Below1000(value));
  return out;
}

std::string Thousands(int64_t value) {
  std::string digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), 1, ',');
  }
  return digits;
}

const Currency* FindCurrency(std::string_view code) {
  const auto* found = std::find_if(std::begin(kCurrencies), std::end(kCurrencies),
                                   [&](const Currency& currency) { return currency.code == code; });
  return found == std::end(kCurrencies) ? nullptr : found;
}

bool IsSpeakable(double value) { return std::isfinite(value) && std::abs(value) < 1e15; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string SpeakNumber(double value) {
  if (!IsSpeakable(value)) return SpeakDigits(NumberText(value));
  std::string out;
  if (value < 0) AddWord(out, "minus");
  const std::string text = fmt::format("{}", std::abs(value));
  const size_t point = text.find('.');
  if (text.find('e') != std::string::npos) {  // smaller than any spoken number
    AddWord(out, "zero");
    return out;
  }
  AddWord(out, Cardinal(std::strtoll(text.substr(0, point).c_str(), nullptr, 10)));
  if (point == std::string::npos) return out;
  AddWord(out, "point");
  AddWord(out, SpeakDigits(std::string_view(text).substr(point + 1)));
  return out;
}

std::string SpeakOrdinal(int64_t value) {
  SOTTO_CHECK(value >= 0);
  if (value < 20) return std::string(kOrdinals[static_cast<size_t>(value)]);
  const int64_t last = value % 100;
  if (last == 0) return Cardinal(value) + "th";
  std::string out = value >= 100 ? Cardinal(value - last) : "";
  if (last < 20) {
    AddWord(out, kOrdinals[static_cast<size_t>(last)]);
  } else if (last % 10 == 0) {
    std::string tens(kTens[static_cast<size_t>(last / 10)]);
    tens.replace(tens.size() - 1, 1, "ieth");
    AddWord(out, tens);
  } else {
    AddWord(out, kTens[static_cast<size_t>(last / 10)]);
    AddWord(out, kOrdinals[static_cast<size_t>(last % 10)]);
  }
  return out;
}

std::string SpeakMoney(double value, std::string_view currency) {
  const Currency* names = FindCurrency(currency);
  if (names == nullptr) return fmt::format("{} {}", SpeakNumber(value), currency);
  if (!IsSpeakable(value)) return fmt::format("{} {}", SpeakNumber(value), names->many);
  const int64_t hundredths = std::llround(std::abs(value) * 100);
  const int64_t whole = hundredths / 100;
  const int64_t cents = hundredths % 100;
  std::string out;
  if (value < 0 && hundredths > 0) AddWord(out, "minus");
  if (whole > 0 || cents == 0) {
    AddWord(out, Cardinal(whole));
    AddWord(out, whole == 1 ? names->one : names->many);
  }
  if (cents == 0) return out;
  if (whole > 0) AddWord(out, "and");
  AddWord(out, Cardinal(cents));
  AddWord(out, cents == 1 ? names->cent : names->cents);
  return out;
}

std::string SpeakDigits(std::string_view digits) {
  std::string out;
  for (const char c : digits) {
    if (IsDigit(c)) {
      AddWord(out, kSmall[static_cast<size_t>(c - '0')]);
    } else if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      AddWord(out, std::string_view(&c, 1));
    }
  }
  return out;
}

std::string SpeakPercent(double value) { return SpeakNumber(value) + " percent"; }

std::string_view CurrencyName(std::string_view currency) {
  const Currency* names = FindCurrency(currency);
  return names != nullptr ? names->many : currency;
}

std::string ShowMoney(double value, std::string_view currency) {
  const Currency* names = FindCurrency(currency);
  const std::string sign = names != nullptr ? std::string(names->sign) : std::string(currency) + " ";
  if (!IsSpeakable(value)) return sign + NumberText(value);
  const int64_t hundredths = std::llround(std::abs(value) * 100);
  const char* minus = value < 0 && hundredths > 0 ? "-" : "";
  return fmt::format("{}{}{}.{:02}", minus, sign, Thousands(hundredths / 100), hundredths % 100);
}

std::string ShowPercent(double value) { return NumberText(value) + "%"; }

namespace {

struct Abbreviation {
  std::string_view written;
  std::string_view spoken;
};
constexpr Abbreviation kAbbreviations[] = {
    {"e.g.", "for example"}, {"i.e.", "that is"}, {"etc.", "and so on"}, {"Mr.", "Mister"},
    {"Mrs.", "Missus"},      {"Dr.", "Doctor"},   {"No.", "number"},     {"vs.", "versus"},
    {"approx.", "about"},    {"&", "and"},        {"acct.", "account"},  {"min.", "minutes"},
    {"St.", "Street"},
};

// Reads "1,250.50" at `at`; returns its value and the index behind it.
std::optional<std::pair<double, size_t>> NumberAt(std::string_view text, size_t at) {
  std::string plain;
  size_t i = at;
  bool point = false;
  while (i < text.size()) {
    const bool digit_next = i + 1 < text.size() && IsDigit(text[i + 1]);
    if (IsDigit(text[i])) {
      plain += text[i];
    } else if (text[i] == '.' && !point && digit_next && !plain.empty()) {
      plain += '.', point = true;
    } else if (!(text[i] == ',' && !point && digit_next && !plain.empty() && i + 3 < text.size() &&
                 IsDigit(text[i + 2]) && IsDigit(text[i + 3]) &&
                 (i + 4 >= text.size() || !IsDigit(text[i + 4])))) {
      break;
    }
    ++i;
  }
  if (plain.empty()) return std::nullopt;
  return std::pair(std::strtod(plain.c_str(), nullptr), i);
}

// One number of free text with what stands around it; the index behind it.
size_t SpeakNumberIn(std::string_view text, size_t at, std::string& out) {
  if (const std::string_view date = text.substr(at, 10); ParseDate(date)) {
    out += SpeakDate(date);
    return at + 10;
  }
  std::string_view currency;
  size_t begin = at;
  for (const Currency& entry : kCurrencies) {
    if (text.substr(at).starts_with(entry.sign)) {
      currency = entry.code;
      begin = at + entry.sign.size();
      break;
    }
  }
  const auto number = NumberAt(text, begin);
  if (!number) {
    out += text[at];
    return at + 1;
  }
  const auto [value, end] = *number;
  const bool code = text[begin] == '0' && end - begin > 1 && text[begin + 1] != '.';
  if (!currency.empty()) {
    out += SpeakMoney(value, currency);
  } else if (end < text.size() && text[end] == '%') {
    out += SpeakPercent(value);
    return end + 1;
  } else if (code || end - begin >= 16) {
    out += SpeakDigits(text.substr(begin, end - begin));
  } else {
    out += SpeakNumber(value);
    const std::string_view suffix = text.substr(end, 2);
    if (value < 1e9 && (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th")) {
      out.resize(out.size() - SpeakNumber(value).size());
      out += SpeakOrdinal(static_cast<int64_t>(value));
      return end + 2;
    }
  }
  return end;
}

}  // namespace

std::string SpeakText(std::string_view text) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const bool word_start = at == 0 || std::isalnum(static_cast<unsigned char>(text[at - 1])) == 0;
    const bool sign = std::any_of(std::begin(kCurrencies), std::end(kCurrencies), [&](const Currency& entry) {
      return text.substr(at).starts_with(entry.sign) && at + entry.sign.size() < text.size() &&
             IsDigit(text[at + entry.sign.size()]);
    });
    if (sign || (IsDigit(text[at]) && word_start)) {
      at = SpeakNumberIn(text, at, out);
      continue;
    }
    const auto* abbreviation =
        std::find_if(std::begin(kAbbreviations), std::end(kAbbreviations), [&](const Abbreviation& entry) {
          const size_t end = at + entry.written.size();
          return word_start && text.substr(at).starts_with(entry.written) &&
                 (end >= text.size() || text[end] == ' ');
        });
    if (abbreviation != std::end(kAbbreviations)) {
      out += abbreviation->spoken;
      at += abbreviation->written.size();
      continue;
    }
    out += text[at++];
  }
  return out;
}

}  // namespace sotto
