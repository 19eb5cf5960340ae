#include "text/number_words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <unordered_map>

namespace sotto {
namespace {

using Type = NumberWord::Type;

struct Entry {
  std::string_view word;
  Type type;
  double value;
};

constexpr Entry kLexicon[] = {
    {"zero", Type::kUnit, 0},
    {"nought", Type::kUnit, 0},
    {"naught", Type::kUnit, 0},
    {"one", Type::kUnit, 1},
    {"two", Type::kUnit, 2},
    {"three", Type::kUnit, 3},
    {"four", Type::kUnit, 4},
    {"five", Type::kUnit, 5},
    {"six", Type::kUnit, 6},
    {"seven", Type::kUnit, 7},
    {"eight", Type::kUnit, 8},
    {"nine", Type::kUnit, 9},
    {"niner", Type::kUnit, 9},
    {"ten", Type::kTeen, 10},
    {"eleven", Type::kTeen, 11},
    {"twelve", Type::kTeen, 12},
    {"thirteen", Type::kTeen, 13},
    {"fourteen", Type::kTeen, 14},
    {"fifteen", Type::kTeen, 15},
    {"sixteen", Type::kTeen, 16},
    {"seventeen", Type::kTeen, 17},
    {"eighteen", Type::kTeen, 18},
    {"nineteen", Type::kTeen, 19},
    {"twenty", Type::kTens, 20},
    {"thirty", Type::kTens, 30},
    {"forty", Type::kTens, 40},
    {"fourty", Type::kTens, 40},
    {"fifty", Type::kTens, 50},
    {"sixty", Type::kTens, 60},
    {"seventy", Type::kTens, 70},
    {"eighty", Type::kTens, 80},
    {"ninety", Type::kTens, 90},
    {"ninty", Type::kTens, 90},
    {"hundred", Type::kHundred, 100},
    {"hundreds", Type::kHundred, 100},
    {"dozen", Type::kScale, 12},
    {"thousand", Type::kScale, 1e3},
    {"k", Type::kScale, 1e3},
    {"grand", Type::kScale, 1e3},
    {"million", Type::kScale, 1e6},
    {"mil", Type::kScale, 1e6},
    {"billion", Type::kScale, 1e9},
    {"trillion", Type::kScale, 1e12},
    {"oh", Type::kOh, 0},
    {"o", Type::kOh, 0},
    {"a", Type::kArticle, 1},
    {"an", Type::kArticle, 1},
    {"and", Type::kAnd, 0},
    {"n", Type::kAnd, 0},
    {"of", Type::kOf, 0},
    {"half", Type::kHalf, 0.5},
    {"quarter", Type::kQuarter, 0.25},
    {"quarters", Type::kQuarters, 0},
    {"couple", Type::kCouple, 2},
    {"point", Type::kPoint, 0},
    {"dot", Type::kPoint, 0},
    {"dollar", Type::kCurrency, 0},
    {"dollars", Type::kCurrency, 0},
    {"buck", Type::kCurrency, 0},
    {"bucks", Type::kCurrency, 0},
    {"usd", Type::kCurrency, 0},
    {"euro", Type::kCurrency, 0},
    {"euros", Type::kCurrency, 0},
    {"eur", Type::kCurrency, 0},
    {"pound", Type::kCurrency, 0},
    {"pounds", Type::kCurrency, 0},
    {"quid", Type::kCurrency, 0},
    {"gbp", Type::kCurrency, 0},
    {"cent", Type::kCents, 0},
    {"cents", Type::kCents, 0},
    {"pence", Type::kCents, 0},
    {"double", Type::kRepeat, 2},
    {"triple", Type::kRepeat, 3},
    {"treble", Type::kRepeat, 3},
    {"quadruple", Type::kRepeat, 4},
    {"dash", Type::kDash, 0},
    {"hyphen", Type::kDash, 0},
    {"first", Type::kOrdinal, 1},
    {"second", Type::kOrdinal, 2},
    {"third", Type::kOrdinal, 3},
    {"fourth", Type::kOrdinal, 4},
    {"fifth", Type::kOrdinal, 5},
    {"sixth", Type::kOrdinal, 6},
    {"seventh", Type::kOrdinal, 7},
    {"eighth", Type::kOrdinal, 8},
    {"ninth", Type::kOrdinal, 9},
    {"tenth", Type::kOrdinal, 10},
    {"eleventh", Type::kOrdinal, 11},
    {"twelfth", Type::kOrdinal, 12},
    {"thirteenth", Type::kOrdinal, 13},
    {"fourteenth", Type::kOrdinal, 14},
    {"fifteenth", Type::kOrdinal, 15},
    {"sixteenth", Type::kOrdinal, 16},
    {"seventeenth", Type::kOrdinal, 17},
    {"eighteenth", Type::kOrdinal, 18},
    {"nineteenth", Type::kOrdinal, 19},
    {"twentieth", Type::kOrdinal, 20},
    {"thirtieth", Type::kOrdinal, 30},
    {"fortieth", Type::kOrdinal, 40},
    {"fiftieth", Type::kOrdinal, 50},
    {"sixtieth", Type::kOrdinal, 60},
    {"seventieth", Type::kOrdinal, 70},
    {"eightieth", Type::kOrdinal, 80},
    {"ninetieth", Type::kOrdinal, 90},
    {"hundredth", Type::kOrdinal, 100},
    {"thousandth", Type::kOrdinal, 1000},
};

constexpr Entry kHomophones[] = {
    {"to", Type::kUnit, 2},   {"too", Type::kUnit, 2},  {"tu", Type::kUnit, 2},   {"for", Type::kUnit, 4},
    {"fore", Type::kUnit, 4}, {"won", Type::kUnit, 1},  {"ate", Type::kUnit, 8},  {"tree", Type::kUnit, 3},
    {"free", Type::kUnit, 3}, {"sex", Type::kUnit, 6},  {"fife", Type::kUnit, 5}, {"tenth", Type::kTeen, 10},
    {"tin", Type::kTeen, 10}, {"nein", Type::kUnit, 9},
};

// "one" is a word behind and before these.
constexpr std::string_view kBeforeOne[] = {"this",  "that",   "the",     "which", "no",   "any", "some",
                                           "every", "each",   "another", "other", "new",  "old", "wrong",
                                           "right", "same",   "only",    "first", "last", "my",  "second",
                                           "just",  "credit", "debit",   "your",  "good", "next"};
constexpr std::string_view kAfterOne[] = {"of",    "more",    "moment", "second", "sec",  "minute",
                                          "thing", "another", "day",    "time",   "that", "i",
                                          "who",   "which",   "last",   "at"};
constexpr std::string_view kBeforeSecond[] = {"a", "one", "just", "wait", "per", "split", "hold", "another"};

template <typename List>
bool Contains(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

using Map = std::unordered_map<std::string_view, Entry>;

template <typename List>
Map MakeMap(const List& list) {
  Map map;
  for (const Entry& entry : list) map.emplace(entry.word, entry);
  return map;
}

double SuffixScale(std::string_view suffix) {
  if (suffix == "k") return 1e3;
  if (suffix == "m" || suffix == "mil" || suffix == "mm") return 1e6;
  if (suffix == "b" || suffix == "bn") return 1e9;
  return 0;
}

// "250", "15.99", "0453", "5k", "1.5m", "20usd", "4th".
NumberWord Numeral(std::string_view word) {
  NumberWord result;
  size_t end = 0;
  size_t points = 0;
  while (end < word.size() && ((word[end] >= '0' && word[end] <= '9') || (word[end] == '.' && points == 0))) {
    points += word[end] == '.' ? 1 : 0;
    ++end;
  }
  const std::string_view number = word.substr(0, end);
  const std::string_view suffix = word.substr(end);
  if (number.empty() || number.front() == '.' || number.back() == '.') return result;
  double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  if (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th") {
    if (points == 0) result.type = Type::kOrdinal, result.value = value;
    return result;
  }
  result.has_point = points > 0;
  result.leading_zero = points == 0 && number.size() > 1 && number.front() == '0';
  if (suffix.empty()) {
    result.plain = points == 0;
    result.digits = points == 0 ? number : std::string_view{};
  } else if (const double scale = SuffixScale(suffix); scale > 0) {
    value = std::round(value * scale * 100) / 100;
  } else if (suffix == "usd" || suffix == "dollars" || suffix == "bucks" || suffix == "eur" ||
             suffix == "gbp" || suffix == "euros" || suffix == "pounds") {
    result.money = true;
  } else {
    return {};
  }
  result.type = Type::kNumeral;
  result.value = value;
  return result;
}

bool IsNumberLike(const NumberWord& word) {
  switch (word.type) {
    case Type::kUnit:
    case Type::kTeen:
    case Type::kTens:
    case Type::kHundred:
    case Type::kScale:
    case Type::kNumeral:
    case Type::kOh:
    case Type::kRepeat:
    case Type::kPoint:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<NumberWord> ClassifyNumberWords(std::span<const std::string_view> words, bool homophones) {
  static const Map lexicon = MakeMap(kLexicon);
  static const Map sounds = MakeMap(kHomophones);
  std::vector<NumberWord> tokens(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.empty() || word.size() > 64) continue;
    if (word[0] >= '0' && word[0] <= '9') {
      tokens[i] = Numeral(word);
    } else if (const auto found = lexicon.find(word); found != lexicon.end()) {
      tokens[i].type = found->second.type;
      tokens[i].value = found->second.value;
      tokens[i].bare = word == "thousand" || word == "million" || word == "billion";
    }
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const bool number_before = i > 0 && IsNumberLike(tokens[i - 1]) && tokens[i - 1].type != Type::kOrdinal;
    const bool number_after = i + 1 < words.size() && IsNumberLike(tokens[i + 1]);
    const std::string_view before = i > 0 ? words[i - 1] : std::string_view{};
    const std::string_view after = i + 1 < words.size() ? words[i + 1] : std::string_view{};
    if (words[i] == "one" && !number_before && !number_after &&
        (Contains(kBeforeOne, before) || Contains(kAfterOne, after))) {
      tokens[i].blocked = !homophones;
      tokens[i].homophone = homophones;
    }
    if (words[i] == "second" && Contains(kBeforeSecond, before)) tokens[i].blocked = true;
  }
  if (!homophones) return tokens;
  const std::vector<NumberWord> plain = tokens;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto found = sounds.find(words[i]);
    if (found == sounds.end()) continue;
    const bool beside = (i > 0 && IsNumberLike(plain[i - 1])) ||
                        (i + 1 < words.size() && IsNumberLike(plain[i + 1])) ||
                        (i > 0 && tokens[i - 1].homophone);
    if (!beside && words.size() > 3) continue;
    tokens[i] = NumberWord{};
    tokens[i].type = found->second.type;
    tokens[i].value = found->second.value;
    tokens[i].homophone = true;
  }
  return tokens;
}

}  // namespace sotto
