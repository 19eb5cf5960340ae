#include "specialist/formats.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/check.h"
#include "privacy/checksums.h"

namespace sotto {
namespace {

bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }
bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool AllDigits(std::string_view text) { return std::ranges::all_of(text, IsAsciiDigit); }

// "1234 5678 9": groups of `size`.
std::string Grouped(std::string_view text, size_t size) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && i % size == 0) out += ' ';
    out += text[i];
  }
  return out;
}

struct CardScheme {
  std::string_view name;
  int low, high;  // of the first `digits` digits
  int digits;
  std::array<uint8_t, 4> lengths;  // 0: none
};
// The narrower ranges first.
constexpr CardScheme kSchemes[] = {{"amex", 34, 34, 2, {15}},
                                   {"amex", 37, 37, 2, {15}},
                                   {"diners", 300, 305, 3, {14, 16, 19}},
                                   {"diners", 36, 36, 2, {14, 16, 19}},
                                   {"diners", 38, 39, 2, {14, 16, 19}},
                                   {"jcb", 3528, 3589, 4, {16, 17, 18, 19}},
                                   {"discover", 6011, 6011, 4, {16, 19}},
                                   {"discover", 644, 649, 3, {16, 19}},
                                   {"discover", 65, 65, 2, {16, 19}},
                                   {"unionpay", 62, 62, 2, {16, 17, 18, 19}},
                                   {"mastercard", 51, 55, 2, {16}},
                                   {"mastercard", 2221, 2720, 4, {16}},
                                   {"maestro", 5018, 5018, 4, {16, 18, 19, 12}},
                                   {"maestro", 5020, 5020, 4, {16, 18, 19, 12}},
                                   {"maestro", 5038, 5038, 4, {16, 18, 19, 12}},
                                   {"maestro", 6304, 6304, 4, {16, 18, 19, 12}},
                                   {"maestro", 6759, 6763, 4, {16, 18, 19, 12}},
                                   {"visa", 4, 4, 1, {16, 13, 19}}};

const CardScheme* SchemeOf(std::string_view digits) {
  for (const CardScheme& scheme : kSchemes) {
    int prefix = 0;
    if (digits.size() < static_cast<size_t>(scheme.digits)) continue;
    for (int i = 0; i < scheme.digits; ++i) prefix = prefix * 10 + (digits[static_cast<size_t>(i)] - '0');
    if (prefix >= scheme.low && prefix <= scheme.high) return &scheme;
  }
  return nullptr;
}

// A postcode's shape: 9 a digit, A a letter, a blank where one is written.
struct PostcodeShape {
  std::string_view region;
  std::string_view shape;
};
constexpr PostcodeShape kShapes[] = {
    {"GB", "A9 9AA"},  {"GB", "A99 9AA"},  {"GB", "AA9 9AA"}, {"GB", "AA99 9AA"},
    {"GB", "A9A 9AA"}, {"GB", "AA9A 9AA"}, {"US", "99999"},   {"US", "99999-9999"},
    {"DE", "99999"},   {"FR", "99999"},    {"ES", "99999"},   {"IT", "99999"},
    {"NL", "9999 AA"}, {"CA", "A9A 9A9"},  {"AT", "9999"},    {"CH", "9999"}};
constexpr std::string_view kPostcodeRegions[] = {"GB", "US", "DE", "FR", "NL", "CA", "AT", "CH", "ES", "IT"};

// The characters put into the shape; empty: they do not fit.
std::string Fit(std::string_view characters, std::string_view shape) {
  std::string out;
  size_t at = 0;
  for (const char c : shape) {
    if (c == ' ' || c == '-') {
      out += c;
      continue;
    }
    if (at >= characters.size()) return {};
    const char have = characters[at++];
    if (c == '9' ? !IsAsciiDigit(have) : !IsCapital(have)) return {};
    out += have;
  }
  return at == characters.size() ? out : std::string();
}

bool HasAny(std::string_view text, std::string_view letters) {
  return text.find_first_of(letters) != std::string_view::npos;
}

// What a region forbids beyond the shape; empty: nothing.
std::string ForbiddenPostcode(std::string_view characters, std::string_view region) {
  const auto first = [&](size_t n) { return std::stoi(std::string(characters.substr(0, n))); };
  if (region == "GB") {
    const std::string_view inward = characters.substr(characters.size() - 3);
    if (HasAny(inward.substr(1), "CIKMOV")) return "no postcode ends in these letters";
    if (HasAny(characters.substr(0, 1), "QVX")) return fmt::format("no area begins with {}", characters[0]);
    if (IsCapital(characters[1]) && HasAny(characters.substr(1, 1), "IJZ"))
      return fmt::format("no area is {}", characters.substr(0, 2));
    return {};
  }
  if (region == "DE" && (first(5) < 1001 || first(5) > 99998)) return "Germany's run from 01001 to 99998";
  if (region == "FR" && (first(2) == 0 || first(2) == 96 || first(2) == 99)) return "no such departement";
  if (region == "ES" && (first(2) == 0 || first(2) > 52)) return "Spain's provinces are 01 to 52";
  if (region == "IT" && first(5) < 10) return "Italy's run from 00010";
  if (region == "US" && characters == "00000") return "no such ZIP code";
  if (region == "NL") {
    const std::string_view letters = characters.substr(4);
    if (characters[0] == '0') return "Dutch ones do not begin with 0";
    if (letters == "SA" || letters == "SD" || letters == "SS") return "these letters are not used";
  }
  if (region == "CA") {
    if (HasAny(characters, "DFIOQU") || characters[0] == 'W' || characters[0] == 'Z')
      return "Canada does not use this letter there";
  }
  if ((region == "AT" || region == "CH") && first(4) < 1000) return "begins with 0";
  return {};
}

}  // namespace

FormatVerdict CheckIban(std::string_view characters) {
  FormatVerdict out;
  out.value = Grouped(characters, 4);
  const std::string country(characters.substr(0, 2));
  out.detail = country;
  const size_t wanted = IbanLength(country);
  if (wanted == 0) {
    out.why = fmt::format("no country '{}' has IBANs", country);
  } else if (characters.size() != wanted) {
    out.why = fmt::format("has {} characters, those of {} have {}", characters.size(), country, wanted);
  } else if (!PassesMod97(characters)) {
    out.why = "its check digits are wrong";
  }
  out.valid = out.why.empty();
  return out;
}

FormatVerdict CheckCard(std::string_view digits) {
  FormatVerdict out;
  const CardScheme* scheme = SchemeOf(digits);
  out.value = scheme != nullptr && scheme->name == "amex" && digits.size() == 15
                  ? fmt::format("{} {} {}", digits.substr(0, 4), digits.substr(4, 6), digits.substr(10))
                  : Grouped(digits, 4);
  out.detail = scheme == nullptr ? "" : std::string(scheme->name);
  if (digits.size() < 12 || digits.size() > 19) {
    out.why = fmt::format("has {} digits, cards have 12 to 19", digits.size());
  } else if (scheme != nullptr &&
             std::ranges::find(scheme->lengths, digits.size()) == scheme->lengths.end()) {
    std::string lengths;
    for (const uint8_t length : scheme->lengths) {
      if (length != 0) lengths += fmt::format("{}{}", lengths.empty() ? "" : " or ", length);
    }
    out.why = fmt::format("has {} digits, those of {} have {}", digits.size(), scheme->name, lengths);
  } else if (!PassesLuhn(digits)) {
    out.why = "its check digit is wrong";
  } else if (scheme == nullptr) {
    out.why = "no scheme's numbers begin like this";
  }
  out.valid = out.why.empty();
  return out;
}

FormatVerdict CheckSortCode(std::string_view digits) {
  FormatVerdict out;
  out.detail = "GB";
  out.value = std::string(digits);
  if (digits.size() != 6 || !AllDigits(digits)) {
    out.why = fmt::format("has {} digits, a sort code has 6", digits.size());
    return out;
  }
  out.value = fmt::format("{}-{}-{}", digits.substr(0, 2), digits.substr(2, 2), digits.substr(4));
  if (digits == "000000") out.why = "is no bank's";
  out.valid = out.why.empty();
  return out;
}

FormatVerdict CheckRoutingNumber(std::string_view digits) {
  FormatVerdict out;
  out.detail = "US";
  out.value = std::string(digits);
  if (digits.size() != 9 || !AllDigits(digits)) {
    out.why = fmt::format("has {} digits, a routing number has 9", digits.size());
    return out;
  }
  const int district = (digits[0] - '0') * 10 + (digits[1] - '0');
  const bool known = (district >= 1 && district <= 12) || (district >= 21 && district <= 32) ||
                     (district >= 61 && district <= 72) || district == 80;
  int sum = 0;
  constexpr int kWeights[] = {3, 7, 1};
  for (size_t i = 0; i < 9; ++i) sum += (digits[i] - '0') * kWeights[i % 3];
  if (!known) {
    out.why = fmt::format("no Federal Reserve district begins with {}", digits.substr(0, 2));
  } else if (sum % 10 != 0) {
    out.why = "its check digit is wrong";
  }
  out.valid = out.why.empty();
  return out;
}

FormatVerdict CheckEmail(std::string_view address) {
  FormatVerdict out;
  const std::string lower = LowerAscii(address);
  out.value = lower;
  const size_t at = lower.find('@');
  if (at == std::string::npos || lower.find('@', at + 1) != std::string::npos) {
    out.why = "has not one @";
    return out;
  }
  const std::string_view name = std::string_view(lower).substr(0, at);
  const std::string_view domain = std::string_view(lower).substr(at + 1);
  out.detail = domain;
  const auto dots = [](std::string_view part) {
    return part.starts_with('.') || part.ends_with('.') || part.find("..") != std::string_view::npos;
  };
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || IsAsciiDigit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  };
  if (name.empty() || name.size() > 64) {
    out.why = "the name before the @ has not 1 to 64 letters";
  } else if (!std::ranges::all_of(name, in_name) || dots(name)) {
    out.why = "the name before the @ is none";
  } else if (domain.size() > 253 || domain.find('.') == std::string_view::npos || dots(domain)) {
    out.why = "what stands behind the @ is no domain";
  } else {
    for (size_t begin = 0; begin <= domain.size() && out.why.empty();) {
      const size_t end = std::min(domain.find('.', begin), domain.size());
      const std::string_view label = domain.substr(begin, end - begin);
      const auto in_label = [](char c) {
        return (c >= 'a' && c <= 'z') || IsAsciiDigit(c) || c == '-' || static_cast<unsigned char>(c) >= 0x80;
      };
      if (label.size() > 63 || label.starts_with('-') || label.ends_with('-') ||
          !std::ranges::all_of(label, in_label))
        out.why = "what stands behind the @ is no domain";
      if (end == domain.size() && (label.size() < 2 || std::ranges::any_of(label, IsAsciiDigit)) &&
          !label.starts_with("xn--"))
        out.why = fmt::format("there is no top-level domain '{}'", label);
      begin = end + 1;
    }
  }
  out.valid = out.why.empty();
  return out;
}

std::span<const std::string_view> PostcodeRegions() { return kPostcodeRegions; }

FormatVerdict CheckPostcode(std::string_view characters, std::string_view region) {
  FormatVerdict out;
  out.detail = region;
  out.value = characters;
  if (region == "GB" && characters == "GIR0AA") {
    out.value = "GIR 0AA";
    out.valid = true;
    return out;
  }
  for (const PostcodeShape& shape : kShapes) {
    if (shape.region != region) continue;
    const std::string fitted = Fit(characters, shape.shape);
    if (fitted.empty()) continue;
    out.value = fitted;
    out.why = ForbiddenPostcode(characters, region);
    out.valid = out.why.empty();
    return out;
  }
  out.why = fmt::format("is not of the form of {}'s", region);
  return out;
}

FormatVerdict CheckBirthDate(Date date, Date today) {
  FormatVerdict out;
  out.value = DateText(date);
  if (date > today) {
    out.why = "lies ahead";
  } else if (AddMonths(date, 130 * 12) < today) {
    out.why = "is more than 130 years ago";
  }
  out.valid = out.why.empty();
  return out;
}

}  // namespace sotto
