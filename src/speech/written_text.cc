#include "speech/written_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "speech/domain_text.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr std::array<const char*, 20> kOrdinals = {
    "zeroth",     "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
constexpr std::array<std::pair<int, const char*>, 3> kRoundOrdinals = {
    {{20, "twentieth"}, {30, "thirtieth"}, {100, "hundredth"}}};
constexpr const char* kNames[] = {"monday", "tuesday",   "wednesday", "thursday", "friday",   "saturday",
                                  "sunday", "january",   "february",  "april",    "june",     "july",
                                  "august", "september", "october",   "november", "december", "english"};
constexpr std::string_view kQuestionOpeners[] = {
    "can",    "could", "may", "what",  "what's", "whats", "how",   "how's", "where", "where's", "when",
    "who",    "who's", "why", "which", "is",     "are",   "do",    "does",  "did",   "will",    "would",
    "should", "am",    "was", "were",  "has",    "isn't", "don't", "can't", "shall"};

bool IsQuestion(std::string_view said) {
  const std::string_view first = said.substr(0, said.find(' '));
  return std::ranges::find(kQuestionOpeners, first) != std::end(kQuestionOpeners);
}

// 0..99 of "twenty", "seven", "oh"; -1: no such word.
int SmallNumber(std::string_view word) {
  static const auto* kWords = [] {
    auto* words = new std::map<std::string, int, std::less<>>;
    for (int n = 0; n < 100; ++n) {
      std::string text = NumberWords(n);
      if (text.find(' ') == std::string::npos) (*words)[std::move(text)] = n;
    }
    return words;
  }();
  const auto it = kWords->find(word);
  return it == kWords->end() ? -1 : it->second;
}

bool IsDigitWord(std::string_view word) {
  return word == "oh" || (SmallNumber(word) >= 0 && SmallNumber(word) < 10);
}

struct Read {
  std::string digits;
  size_t end = 0;      // behind its last word
  bool round = false;  // holds "hundred" or "thousand"
};

// Below a hundred: "forty five", "twelve", "seven".
std::optional<Read> ReadPair(const std::vector<std::string_view>& words, size_t at) {
  if (at >= words.size()) return std::nullopt;
  const int value = SmallNumber(words[at]);
  if (value < 0) return std::nullopt;
  if (value >= 20 && at + 1 < words.size()) {
    const int ones = SmallNumber(words[at + 1]);
    if (ones > 0 && ones < 10) return Read{std::to_string(value + ones), at + 2, false};
  }
  return Read{std::to_string(value), at + 1, false};
}

// "seven hundred and sixty one", "two thousand", "a hundred".
std::optional<Read> ReadCardinal(const std::vector<std::string_view>& words, size_t at) {
  int64_t total = 0;
  int64_t group = 0;
  size_t end = at;
  bool any = false;
  bool round = false;
  int64_t last_scale = 1000000000;
  size_t i = at;
  while (i < words.size()) {
    if (words[i] == "a" && !any && i + 1 < words.size() &&
        (words[i + 1] == "hundred" || words[i + 1] == "thousand")) {
      group = 1;
      any = true;
      end = ++i;
      continue;
    }
    if (words[i] == "hundred" && any && group > 0 && group < 100) {
      group *= 100;
      round = true;
      end = ++i;
      continue;
    }
    if ((words[i] == "thousand" || words[i] == "million") && any && group > 0) {
      const int64_t scale = words[i] == "thousand" ? 1000 : 1000000;
      if (scale >= last_scale) break;
      last_scale = scale;
      total += group * scale;
      group = 0;
      round = true;
      end = ++i;
      continue;
    }
    if (words[i] == "and" && round && i + 1 < words.size() && SmallNumber(words[i + 1]) > 0) {
      ++i;
      continue;
    }
    const auto pair = ReadPair(words, i);
    if (!pair || (any && (group % 100 != 0 || !round))) break;
    group += std::stoll(pair->digits);
    any = true;
    end = i = pair->end;
  }
  if (!any || end == at) return std::nullopt;
  return Read{std::to_string(total + group), end, round};
}

struct Piece {
  std::vector<std::string> ways;  // [0] as said
};

std::string Joined(const std::vector<std::string_view>& words, size_t from, size_t to) {
  std::string text;
  for (size_t i = from; i < to; ++i) text += (text.empty() ? "" : " ") + std::string(words[i]);
  return text;
}

std::string Separated(std::string_view digits, std::string_view by) {
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0) text += by;
    text += digits[i];
  }
  return text;
}

std::string WithThousands(const std::string& digits) {
  if (digits.size() <= 3) return digits;
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

bool IsUnitOfMoney(std::string_view word) { return word == "dollars" || word == "dollar"; }

// "fifteen dollars and ninety nine cents", "two hundred dollars": $15.99, $200.
std::optional<Read> ReadMoney(const std::vector<std::string_view>& words, size_t at) {
  auto whole = ReadCardinal(words, at);
  if (!whole || whole->end >= words.size() || !IsUnitOfMoney(words[whole->end])) return std::nullopt;
  Read money{"$" + WithThousands(whole->digits), whole->end + 1, false};
  size_t i = money.end;
  if (i < words.size() && words[i] == "and") ++i;
  const auto cents = ReadPair(words, i);
  if (cents && cents->end < words.size() && (words[cents->end] == "cents" || words[cents->end] == "cent")) {
    money.digits += (cents->digits.size() == 1 ? ".0" : ".") + cents->digits;
    money.end = cents->end + 1;
  }
  return money;
}

// Digits said one by one or in pairs, two or more: "four five three two", "double oh seven", "forty five thirty two".
std::optional<Read> ReadDigits(const std::vector<std::string_view>& words, size_t at) {
  Read read{"", at, false};
  size_t parts = 0;
  size_t i = at;
  while (i < words.size()) {
    const bool twice = words[i] == "double" || words[i] == "triple";
    const size_t word = i + (twice ? 1 : 0);
    if (word < words.size() && IsDigitWord(words[word])) {
      const std::string digit = words[word] == "oh" ? "0" : std::to_string(SmallNumber(words[word]));
      const size_t times = words[i] == "double" ? 2 : words[i] == "triple" ? 3 : 1;
      for (size_t n = 0; n < times; ++n) read.digits += digit;
      i = word + 1;
    } else if (const auto pair = ReadPair(words, i); pair && !twice) {
      read.digits += pair->digits;
      i = pair->end;
    } else {
      break;
    }
    ++parts;
    if (i < words.size() && (words[i] == "hundred" || words[i] == "thousand")) return std::nullopt;
    read.end = i;
  }
  if (parts < 2 || read.digits.size() < 2) return std::nullopt;
  return read;
}

int OrdinalOf(std::string_view word) {
  for (size_t n = 1; n < kOrdinals.size(); ++n) {
    if (word == kOrdinals[n]) return static_cast<int>(n);
  }
  for (const auto& [n, name] : kRoundOrdinals) {
    if (word == name) return n;
  }
  return 0;
}

std::string OrdinalText(int n) {
  const int last = n % 10;
  const bool teen = n % 100 >= 11 && n % 100 <= 13;
  return std::to_string(n) + (teen || last == 0 || last > 3 ? "th"
                              : last == 1                   ? "st"
                              : last == 2                   ? "nd"
                                                            : "rd");
}

// The sentence in pieces, each with its ways of being written.
std::vector<Piece> Pieces(const std::vector<std::string_view>& words, const SpellingMap& spelling) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < words.size();) {
    const auto add = [&](const Read& read, std::vector<std::string> ways) {
      ways.insert(ways.begin(), Joined(words, i, read.end));
      pieces.push_back({std::move(ways)});
      i = read.end;
    };
    if (const auto money = ReadMoney(words, i)) {
      add(*money, {money->digits, money->digits});
      continue;
    }
    if (const int tens = SmallNumber(words[i]); tens >= 20 && tens < 100 && i + 1 < words.size()) {
      if (const int ordinal = OrdinalOf(words[i + 1]); ordinal > 0 && ordinal < 10) {
        add({"", i + 2, false}, {OrdinalText(tens + ordinal)});
        continue;
      }
    }
    const auto cardinal = ReadCardinal(words, i);
    const auto digits = ReadDigits(words, i);
    if (digits && (!cardinal || !cardinal->round) && (!cardinal || digits->end > cardinal->end)) {
      add(*digits,
          {digits->digits, digits->digits.size() <= 8 ? Separated(digits->digits, ", ") : digits->digits});
      continue;
    }
    if (cardinal && (cardinal->round || cardinal->digits.size() > 1)) {
      add(*cardinal, {cardinal->digits, cardinal->digits.size() > 3 ? WithThousands(cardinal->digits)
                                        : cardinal->round           ? "$" + cardinal->digits
                                                                    : cardinal->digits});
      continue;
    }
    if (const int ordinal = OrdinalOf(words[i]); ordinal > 2) {
      add({"", i + 1, false}, {OrdinalText(ordinal)});
      continue;
    }
    std::string word(words[i]);
    if (word == "i" || word.starts_with("i'")) {
      word[0] = 'I';
    } else if (const auto it = spelling.find(word); it != spelling.end()) {
      word = it->second;
    } else if (std::ranges::find(kNames, word) != std::end(kNames)) {
      word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
    }
    pieces.push_back({{std::move(word)}});
    ++i;
  }
  return pieces;
}

std::string WrittenSentence(const std::vector<Piece>& pieces, size_t way) {
  std::string text;
  for (const Piece& piece : pieces) {
    if (!text.empty()) text += ' ';
    text += piece.ways[std::min(way, piece.ways.size() - 1)];
  }
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

std::vector<Writing> WaysToWrite(std::string_view said, const SpellingMap& spelling) {
  const std::vector<std::string_view> words = SplitWords(said);
  if (words.empty()) return {};
  const std::vector<Piece> pieces = Pieces(words, spelling);
  std::vector<Writing> sentences;
  for (size_t way = 0; way < 3; ++way) {
    const float weight = way == 0 ? 0.4f : 0.3f;
    std::string text = WrittenSentence(pieces, way);
    const auto same = std::ranges::find(sentences, text, &Writing::text);
    if (same != sentences.end()) {
      same->weight += weight;
    } else {
      sentences.push_back({std::move(text), weight});
    }
  }
  const bool question = IsQuestion(said);
  std::vector<Writing> ways;
  for (const Writing& sentence : sentences) {
    ways.push_back({sentence.text + (question ? '?' : '.'), sentence.weight * (question ? 0.75f : 0.85f)});
    ways.push_back({sentence.text + (question ? '.' : '?'), sentence.weight * (question ? 0.25f : 0.15f)});
  }
  return ways;
}

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

// A numeral of `written`, from `at`: "1,250.50".
struct Numeral {
  std::string whole;
  std::string fraction;  // behind a point
  bool thousands = false;
  size_t end = 0;
};

Numeral ReadNumeral(std::string_view text, size_t at) {
  Numeral numeral;
  size_t i = at;
  while (i < text.size() && IsDigit(text[i])) numeral.whole += text[i++];
  while (i + 3 < text.size() && text[i] == ',' && IsDigit(text[i + 1]) && IsDigit(text[i + 2]) &&
         IsDigit(text[i + 3]) && (i + 4 >= text.size() || !IsDigit(text[i + 4])) &&
         numeral.whole.size() <= 6 && (numeral.thousands || numeral.whole.size() <= 3)) {
    numeral.whole += text.substr(i + 1, 3);
    numeral.thousands = true;
    i += 4;
  }
  if (i + 1 < text.size() && text[i] == '.' && IsDigit(text[i + 1])) {
    for (++i; i < text.size() && IsDigit(text[i]); ++i) numeral.fraction += text[i];
  }
  numeral.end = i;
  return numeral;
}

std::string OneByOne(std::string_view digits) {
  std::string text;
  for (const char c : digits) text += (text.empty() ? "" : " ") + NumberWords(c - '0');
  return text;
}

std::string Ordinal(int64_t n) {
  if (n <= 0 || n > 999) return NumberWords(std::max<int64_t>(n, 0)) + (n > 0 ? "th" : "");
  std::string words = NumberWords(n);
  const size_t at = words.rfind(' ') == std::string::npos ? 0 : words.rfind(' ') + 1;
  const std::string last = words.substr(at);
  for (int k = 1; k < 20; ++k) {
    if (last == NumberWords(k)) return words.substr(0, at) + kOrdinals[static_cast<size_t>(k)];
  }
  if (last.ends_with("y")) return words.substr(0, words.size() - 1) + "ieth";
  return words + "th";
}

// A word that scales the number before it.
bool IsScale(std::string_view word) {
  return word == "thousand" || word == "million" || word == "billion" || word == "hundred";
}

std::string_view NextWord(std::string_view text, size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  size_t end = at;
  while (end < text.size() && IsLetter(text[end])) ++end;
  return text.substr(at, end - at);
}

class SaidReader {
 public:
  explicit SaidReader(std::string_view text) : text_(text) {}

  std::vector<SaidWord> Read() {
    size_t i = 0;
    while (i < text_.size()) {
      if (IsDigit(text_[i])) {
        i = Number(i);
      } else if (IsLetter(text_[i])) {
        i = Word(i);
      } else {
        if (text_[i] == '&') Say("and", i, i + 1);
        if (text_[i] == '%') Say("percent", i, i + 1);
        ++i;
      }
    }
    return std::move(words_);
  }

 private:
  void Say(std::string_view words, size_t begin, size_t end) {
    for (const std::string_view word : SplitWords(words)) words_.push_back({std::string(word), begin, end});
  }

  size_t Word(size_t at) {
    std::string word;
    size_t i = at;
    while (i < text_.size()) {
      if (IsLetter(text_[i])) {
        word += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[i])));
      } else if (text_[i] == '\'') {
        word += '\'';
      } else if (text_.substr(i, 3) == "\xE2\x80\x99") {  // typographic apostrophe
        word += '\'';
        i += 2;
      } else {
        break;
      }
      ++i;
    }
    while (!word.empty() && word.back() == '\'') word.pop_back();
    // As the model's books spell it: "to-day".
    if (word == "to" && i < text_.size() && text_[i] == '-') {
      for (const std::string_view rest : {"day", "morrow", "night"}) {
        if (NextWord(text_, i + 1) != rest) continue;
        word += rest;
        i += 1 + rest.size();
        break;
      }
    }
    Say(word == "ok" ? "okay" : word, at, i);
    return i;
  }

  size_t Number(size_t at) {
    Numeral n = ReadNumeral(text_, at);
    const bool money = at > 0 && text_[at - 1] == '$';
    const std::string_view behind = text_.substr(n.end, 2);
    const bool bare_suffix = n.end + 2 >= text_.size() || !IsLetter(text_[n.end + 2]);
    if (!money && n.fraction.empty() && bare_suffix && n.whole.size() <= 3 &&
        (behind == "st" || behind == "nd" || behind == "rd" || behind == "th")) {
      Say(Ordinal(std::stoll(n.whole)), at, n.end + 2);
      return n.end + 2;
    }
    // A time: "3:30", "10:05".
    if (!money && n.fraction.empty() && !n.thousands && n.whole.size() <= 2 && n.end + 2 < text_.size() &&
        text_[n.end] == ':' && IsDigit(text_[n.end + 1]) && IsDigit(text_[n.end + 2])) {
      const int minutes = (text_[n.end + 1] - '0') * 10 + (text_[n.end + 2] - '0');
      Say(NumberWords(std::stoll(n.whole)), at, n.end);
      if (minutes > 0 && minutes < 10) Say("oh", n.end, n.end + 2);
      if (minutes > 0) Say(NumberWords(minutes), n.end + 1, n.end + 3);
      if (minutes == 0) Say("o'clock", n.end + 1, n.end + 3);
      return n.end + 3;
    }
    const bool round = n.whole.size() >= 3 && n.whole.ends_with("00");
    const bool one_by_one = n.whole.size() > 9 || (n.whole.size() > 1 && n.whole.starts_with("0")) ||
                            (!money && !n.thousands && n.fraction.empty() && !round && n.whole.size() >= 4);
    const size_t begin = money ? at - 1 : at;
    if (one_by_one) {
      Say(OneByOne(n.whole), begin, n.end);
    } else {
      Say(NumberWords(std::stoll(n.whole)), begin, n.end);
    }
    const std::string_view scale = NextWord(text_, n.end);
    const bool scaled = IsScale(scale);
    if (!n.fraction.empty()) {
      if (money && n.fraction.size() == 2 && !scaled) {
        Say("dollars", begin, n.end);
        if (n.fraction != "00") Say("and " + NumberWords(std::stoll(n.fraction)) + " cents", begin, n.end);
        return n.end;
      }
      Say("point " + OneByOne(n.fraction), begin, n.end);
    }
    if (!money) return n.end;
    if (scaled) {  // "$2 million"
      const size_t word_end = static_cast<size_t>(scale.data() - text_.data()) + scale.size();
      Say(scale, word_end - scale.size(), word_end);
      Say("dollars", begin, n.end);
      return word_end;
    }
    if (scale != "dollars" && scale != "dollar") Say(n.whole == "1" ? "dollar" : "dollars", begin, n.end);
    return n.end;
  }

  std::string_view text_;
  std::vector<SaidWord> words_;
};

}  // namespace

std::vector<SaidWord> SplitSaidWords(std::string_view written) { return SaidReader(written).Read(); }

std::string SaidWords(std::string_view written) {
  std::string text;
  for (const SaidWord& word : SplitSaidWords(written)) {
    if (!text.empty()) text += ' ';
    text += word.text;
  }
  return text;
}

}  // namespace sotto
