#include "extract/values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/ascii.h"
#include "core/calendar.h"
#include "privacy/checksums.h"

namespace sotto {
namespace {

bool IsDigitAt(std::string_view text, size_t at) {
  return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
}
bool IsWordAt(std::string_view text, size_t at) {
  return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 ||
                              static_cast<unsigned char>(text[at]) >= 0x80);
}

struct Figure {
  size_t begin = 0, end = 0;
  double value = 0;
  int decimals = 0;
  bool grouped = false;
};

// A number as it is written: "1,234.56", "1.234,56", "1 234,56", "250". The last mark with one or two digits behind it,
// or with other marks before it, is the decimal one.
std::optional<Figure> FigureAt(std::string_view line, size_t begin) {
  if (!IsDigitAt(line, begin) ||
      (begin > 0 && (IsWordAt(line, begin - 1) || line[begin - 1] == '.' || line[begin - 1] == '/')))
    return std::nullopt;
  size_t end = begin;
  std::string digits;
  std::vector<std::pair<char, size_t>> marks;  // and how many digits stood before
  while (end < line.size()) {
    const char c = line[end];
    if (IsDigitAt(line, end)) {
      digits += c;
      ++end;
    } else if ((c == '.' || c == ',' || c == '\'' || (c == ' ' && marks.size() < 4)) &&
               IsDigitAt(line, end + 1)) {
      // A space groups only threes: "1 234".
      if (c == ' ') {
        const bool three = IsDigitAt(line, end + 2) && IsDigitAt(line, end + 3) && !IsDigitAt(line, end + 4);
        const size_t since = marks.empty() ? digits.size() : digits.size() - marks.back().second;
        if (!three || since > 3 || (!marks.empty() && marks.back().first != ' ')) break;
      }
      marks.emplace_back(c, digits.size());
      ++end;
    } else {
      break;
    }
  }
  if (IsWordAt(line, end) || (end < line.size() && line[end] == '/') || digits.size() > 15)
    return std::nullopt;
  Figure figure;
  figure.begin = begin;
  figure.end = end;
  int decimals = 0;
  if (!marks.empty()) {
    const auto after = static_cast<int>(digits.size() - marks.back().second);
    const auto same = std::count_if(marks.begin(), marks.end(),
                                    [&](const auto& mark) { return mark.first == marks.back().first; });
    const bool last_alone = same == 1;
    if (marks.back().first != ' ' && marks.back().first != '\'' && last_alone &&
        (after != 3 || marks.size() > 1))
      decimals = after;
    figure.grouped = marks.size() > (decimals > 0 ? 1u : 0u);
    // Groups of other than three digits: no number ("192.168.1.1", a date).
    for (size_t i = 1; i < marks.size(); ++i)
      if (marks[i].second - marks[i - 1].second != 3) return std::nullopt;
    if (decimals == 0 && after != 3) return std::nullopt;
    if (marks.size() > (decimals > 0 ? 1u : 0u) && marks[0].second > 3) return std::nullopt;
  }
  double whole = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  figure.decimals = decimals;
  for (int i = 0; i < decimals; ++i) whole /= 10;
  figure.value = whole;
  return figure;
}

// Bytes of a currency sign or code that ends at (or begins at) `at`; 0: none.
size_t CurrencyBefore(std::string_view line, size_t at) {
  while (at > 0 && line[at - 1] == ' ') --at;
  const size_t end = at;
  for (const std::string_view sign :
       {"$", "\xE2\x82\xAC", "\xC2\xA3", "\xC2\xA5", "USD", "EUR", "GBP", "CHF", "Rs.", "RM"})
    if (end >= sign.size() && line.substr(end - sign.size(), sign.size()) == sign)
      return end - sign.size() + 1;
  return 0;
}
size_t CurrencyAfter(std::string_view line, size_t at) {
  size_t begin = at;
  while (begin < line.size() && line[begin] == ' ') ++begin;
  for (const std::string_view sign :
       {"$", "\xE2\x82\xAC", "\xC2\xA3", "USD", "EUR", "GBP", "CHF", "euro", "dollars"})
    if (line.substr(begin, sign.size()) == sign) return begin + sign.size();
  return 0;
}

std::vector<FoundValue> FindFigures(std::string_view line, ExtractField::Type type) {
  std::vector<FoundValue> found;
  for (size_t i = 0; i < line.size(); ++i) {
    const auto figure = FigureAt(line, i);
    if (!figure) continue;
    FoundValue value{figure->begin, figure->end, Json(figure->value), false};
    const bool percent = figure->end < line.size() && line[figure->end] == '%';
    const bool minus = figure->begin > 0 && line[figure->begin - 1] == '-' &&
                       (figure->begin < 2 || !IsWordAt(line, figure->begin - 2));
    if (minus) value.value = -figure->value;
    if (type == ExtractField::Type::kMoney) {
      const size_t before = CurrencyBefore(line, figure->begin - (minus ? 1 : 0));
      const size_t after = CurrencyAfter(line, figure->end);
      value.sure = before > 0 || after > 0 || figure->decimals == 2;
      if (before > 0) value.begin = before - 1;
      if (before == 0 && after > 0) value.end = after;
      if (percent || (!value.sure && figure->end - figure->begin > 7)) {
        i = figure->end;
        continue;
      }
    } else if (type == ExtractField::Type::kInteger) {
      if (figure->decimals > 0) {
        i = figure->end;
        continue;
      }
      value.value = static_cast<int64_t>(minus ? -figure->value : figure->value);
    }
    i = figure->end;
    found.push_back(std::move(value));
  }
  return found;
}

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

std::optional<int> NumberIn(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int> MonthIn(std::string_view word) {
  const std::string lower = LowerAscii(word);
  static constexpr std::array<std::string_view, 12> kFull = {"january",   "february", "march",    "april",
                                                             "may",       "june",     "july",     "august",
                                                             "september", "october",  "november", "december"};
  for (size_t i = 0; i < kMonths.size(); ++i)
    if (lower == kMonths[i] || lower == kFull[i] || (i == 8 && lower == "sept"))
      return static_cast<int>(i) + 1;
  return std::nullopt;
}

std::optional<std::string> IsoDate(int year, int month, int day) {
  if (year < 100) year += year < 70 ? 2000 : 1900;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1900 || year > 2200 || month < 1 || day < 1 || !date.ok()) return std::nullopt;
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

// Runs of letters or digits with where they stand.
struct Piece {
  std::string_view text;
  size_t begin = 0, end = 0;
};
std::vector<Piece> PiecesOf(std::string_view line) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < line.size();) {
    if (!IsWordAt(line, i)) {
      ++i;
      continue;
    }
    const bool digit = IsDigitAt(line, i);
    size_t end = i;
    while (IsWordAt(line, end) && IsDigitAt(line, end) == digit) ++end;
    pieces.push_back({line.substr(i, end - i), i, end});
    i = end;
  }
  return pieces;
}

std::vector<FoundValue> FindDates(std::string_view line, bool day_first) {
  std::vector<FoundValue> found;
  const std::vector<Piece> p = PiecesOf(line);
  for (size_t i = 0; i + 2 < p.size(); ++i) {
    const auto between = [&](size_t a) { return line.substr(p[a].end, p[a + 1].begin - p[a].end); };
    const auto close = [&](size_t a) {
      return between(a).size() <= 3 && between(a).find_first_not_of(" ,.-/") == std::string_view::npos;
    };
    if (!close(i)) continue;
    // "5th of March 2026": a day's ending, "of" are passed over.
    size_t second = i + 1;
    const auto filler = [&](size_t a) {
      return a < p.size() && (p[a].text == "st" || p[a].text == "nd" || p[a].text == "rd" ||
                              p[a].text == "th" || p[a].text == "of");
    };
    while (filler(second)) ++second;
    size_t third = second + 1;
    while (filler(third)) ++third;
    if (third >= p.size() || p[third].end - p[i].begin > 30) continue;
    const auto a = NumberIn(p[i].text);
    const auto b = NumberIn(p[second].text);
    const auto c = NumberIn(p[third].text);
    const auto month_a = MonthIn(p[i].text);
    const auto month_b = MonthIn(p[second].text);
    std::optional<std::string> date;
    bool sure = true;
    const bool year_last = c && (p[third].text.size() == 4 || p[third].text.size() == 2);
    if (a && p[i].text.size() == 4 && b && c) {
      date = IsoDate(*a, *b, *c);
    } else if (a && month_b && year_last) {
      date = IsoDate(*c, *month_b, *a);
    } else if (month_a && b && c && p[third].text.size() == 4) {
      date = IsoDate(*c, *month_a, *b);
    } else if (a && b && year_last && second == i + 1 && between(i) == between(i + 1) && between(i) != " ") {
      const bool dotted = between(i) == ".";
      const bool days_first = dotted || day_first || *a > 12;
      date = days_first ? IsoDate(*c, *b, *a) : IsoDate(*c, *a, *b);
      if (!date) date = days_first ? IsoDate(*c, *a, *b) : IsoDate(*c, *b, *a);
      sure = dotted || *a > 12 || *b > 12 || *a == *b;
    }
    if (!date) continue;
    found.push_back({p[i].begin, p[third].end, *date, sure});
    i = third;
  }
  return found;
}

std::vector<FoundValue> FindIbans(std::string_view line) {
  std::vector<FoundValue> found;
  for (size_t i = 0; i + 4 < line.size(); ++i) {
    if ((i > 0 && IsWordAt(line, i - 1)) || !std::isupper(static_cast<unsigned char>(line[i])) ||
        !std::isupper(static_cast<unsigned char>(line[i + 1])) || !IsDigitAt(line, i + 2) ||
        !IsDigitAt(line, i + 3))
      continue;
    const size_t wanted = IbanLength(line.substr(i, 2));
    if (wanted == 0) continue;
    std::string iban;
    size_t end = i;
    while (end < line.size() && iban.size() < wanted &&
           (std::isupper(static_cast<unsigned char>(line[end])) != 0 || IsDigitAt(line, end) ||
            line[end] == ' ')) {
      if (line[end] != ' ') iban += line[end];
      ++end;
    }
    if (iban.size() != wanted || IsWordAt(line, end)) continue;
    const bool right = PassesMod97(iban);
    found.push_back({i, end, iban, right});
    i = end;
  }
  return found;
}

std::vector<FoundValue> FindTokens(std::string_view line, const ExtractField& field) {
  std::vector<FoundValue> found;
  for (size_t i = 0; i < line.size();) {
    if (line[i] == ' ') {
      ++i;
      continue;
    }
    size_t end = std::min(line.find(' ', i), line.size());
    const size_t next = end;
    size_t begin = i;
    while (begin < end && std::string_view("(<[:;,\"'#").find(line[begin]) != std::string_view::npos) ++begin;
    while (end > begin && std::string_view(")>],;:.\"'").find(line[end - 1]) != std::string_view::npos) --end;
    const std::string token(line.substr(begin, end - begin));
    i = next;
    if (token.empty() || token.size() > 128) continue;
    if (field.type == ExtractField::Type::kEmail) {
      const size_t at = token.find('@');
      if (at != std::string::npos && at > 0 && token.find('.', at) != std::string::npos &&
          token.back() != '.' && token.find('@', at + 1) == std::string::npos)
        found.push_back({begin, end, token, true});
    } else if (field.pattern && std::regex_match(token, *field.pattern)) {
      found.push_back({begin, end, token, false});
    }
  }
  return found;
}

std::vector<FoundValue> FindPhones(std::string_view line) {
  std::vector<FoundValue> found;
  for (size_t i = 0; i < line.size(); ++i) {
    if ((i > 0 && IsWordAt(line, i - 1)) || !(line[i] == '+' || line[i] == '(' || IsDigitAt(line, i)))
      continue;
    std::string digits;
    size_t end = i;
    size_t last = i;
    while (end < line.size() &&
           (IsDigitAt(line, end) || std::string_view("+()- ./").find(line[end]) != std::string_view::npos)) {
      if (IsDigitAt(line, end) || line[end] == '+') {
        digits += line[end];
        last = end + 1;
      }
      ++end;
    }
    if (digits.size() >= 7 && digits.size() <= 16 && !IsWordAt(line, last)) {
      found.push_back({i, last, digits, digits[0] == '+'});
      i = last;
    } else {
      i = std::max(i, last);
    }
  }
  return found;
}

std::vector<FoundValue> FindListed(std::string_view line, const ExtractField& field) {
  std::vector<FoundValue> found;
  const std::string lower = LowerAscii(line);
  for (const std::string& value : field.values) {
    std::string wanted = LowerAscii(value);
    std::ranges::replace(wanted, '_', ' ');
    for (size_t at = lower.find(wanted); !wanted.empty() && at != std::string::npos;
         at = lower.find(wanted, at + 1)) {
      if ((at == 0 || !IsWordAt(lower, at - 1)) && !IsWordAt(lower, at + wanted.size()))
        found.push_back({at, at + wanted.size(), value, true});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const FoundValue& a, const FoundValue& b) { return a.begin < b.begin; });
  return found;
}

}  // namespace

std::vector<FoundValue> FindValues(const ExtractField& field, std::string_view line, bool day_first) {
  using Type = ExtractField::Type;
  switch (field.type) {
    case Type::kNumber:
    case Type::kInteger:
    case Type::kMoney:
      return FindFigures(line, field.type);
    case Type::kDate:
      return FindDates(line, day_first);
    case Type::kIban:
      return FindIbans(line);
    case Type::kPhone:
      return FindPhones(line);
    case Type::kEnum:
      return FindListed(line, field);
    case Type::kEmail:
    case Type::kPattern:
      return FindTokens(line, field);
    case Type::kText:
    case Type::kLines:
      break;
  }
  return {};
}

}  // namespace sotto
