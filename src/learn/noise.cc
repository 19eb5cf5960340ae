#include "learn/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "base/ascii.h"
#include "learn/general_book.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

using Carries = SpokenWord::Carries;

bool IsVowel(char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; }
bool IsAlpha(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// Spelling slips of a recogniser that writes what it hears: "endin", "stolin", "kard", "acount".
std::string Misspell(std::string word, Random& random) {
  struct Change {
    const char* from;
    const char* to;
  };
  static constexpr Change kChanges[] = {
      {"ing", "in"}, {"ck", "k"},   {"ph", "f"},  {"tion", "shun"}, {"ou", "o"}, {"ee", "ea"}, {"ea", "ee"},
      {"ai", "a"},   {"ll", "l"},   {"ss", "s"},  {"cc", "c"},      {"tt", "t"}, {"pp", "p"},  {"rr", "r"},
      {"er", "a"},   {"en", "in"},  {"an", "en"}, {"ti", "te"},     {"i", "e"},  {"e", "i"},   {"a", "o"},
      {"o", "a"},    {"u", "o"},    {"y", "ie"},  {"c", "k"},       {"k", "c"},  {"s", "z"},   {"v", "b"},
      {"d", "t"},    {"t", "d"},    {"p", "b"},   {"b", "p"},       {"g", "k"},  {"m", "n"},   {"n", "m"},
      {"th", "t"},   {"wh", "w"},   {"w", "wh"},  {"qu", "kw"},     {"x", "ks"}, {"le", "el"}, {"re", "er"},
      {"igh", "i"},  {"ough", "o"}, {"sc", "s"},  {"kn", "n"},      {"gh", ""},  {"mb", "m"},  {"ate", "et"}};
  for (int attempt = 0; attempt < 8; ++attempt) {
    const Change& change = random.Pick(kChanges);
    const size_t at = word.find(change.from, random.Chance(0.5) ? word.size() / 2 : 0);
    if (at == std::string::npos || (at == 0 && word.size() < 5)) continue;
    word.replace(at, std::string_view(change.from).size(), change.to);
    return word;
  }
  return word;
}

// "transfer" -> "trans fer": between two consonants after a vowel, or after a vowel.
std::string Split(const std::string& word, Random& random) {
  std::vector<size_t> places;
  for (size_t i = 2; i + 2 <= word.size(); ++i) {
    const bool between = !IsVowel(word[i - 1]) && !IsVowel(word[i]) &&
                         word.substr(0, i).find_first_of("aeiou") != std::string::npos;
    const bool after_vowel = IsVowel(word[i - 1]) && !IsVowel(word[i]) && i + 2 < word.size();
    if ((between || after_vowel) && word.find_first_of("aeiouy", i) != std::string::npos) places.push_back(i);
  }
  if (places.empty()) return {};
  const size_t at = random.Pick(places);
  return word.substr(0, at) + " " + word.substr(at);
}

std::string DropEnding(const std::string& word) {
  for (const std::string_view ending : {"ing", "ed", "s", "t", "d", "er"})
    if (word.size() > ending.size() + 2 && word.ends_with(ending))
      return ending == "ing" ? word.substr(0, word.size() - 1) : word.substr(0, word.size() - ending.size());
  return {};
}

bool IsSmallWord(std::string_view word) {
  static const std::set<std::string, std::less<>> kSmall = {"a",   "an", "the",  "to", "my", "is",
                                                            "i",   "of", "it",   "in", "on", "for",
                                                            "and", "me", "that", "at", "be", "do"};
  return kSmall.contains(word);
}

// Word without the punctuation around it, and that punctuation.
struct Bare {
  std::string before, word, after;
};
Bare Strip(std::string_view text) {
  size_t start = 0;
  size_t end = text.size();
  while (start < end && std::ispunct(static_cast<unsigned char>(text[start])) && text[start] != '$') ++start;
  while (end > start && std::ispunct(static_cast<unsigned char>(text[end - 1]))) --end;
  return {std::string(text.substr(0, start)), std::string(text.substr(start, end - start)),
          std::string(text.substr(end))};
}

const char* Filler(Random& random) {
  static constexpr const char* kFillers[] = {"uh",  "um", "uh",  "um",       "like", "er",
                                             "uhm", "ah", "hmm", "you know", "well", "so"};
  return random.Pick(kFillers);
}

// A misheard version of one word that carries nothing.
std::string Mishear(const std::string& word, double homophones, const Confusions& confusions,
                    Random& random) {
  if (random.Chance(homophones)) {
    if (std::string heard = confusions.Homophone(word, random); !heard.empty()) return heard;
    if (homophones > 0.8) return word;
  }
  const double kind = random.Uniform();
  if (!IsAlpha(word)) return word;
  if (IsSmallWord(word) && kind < 0.7)
    return kind < 0.4 ? std::string() : word == "a" ? "the" : word == "the" ? "a" : "uh";
  if (kind < 0.35 && word.size() >= 6)
    if (std::string split = Split(word, random); !split.empty()) return split;
  if (kind < 0.55)
    if (std::string dropped = DropEnding(word); !dropped.empty()) return dropped;
  if (word.size() >= 4) return Misspell(word, random);
  return word;
}

}  // namespace

Confusions Confusions::BuiltIn() {
  Confusions confusions;
  confusions.AddLines(kGeneralConfusions);
  return confusions;
}

void Confusions::AddLines(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const size_t tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    const std::string_view word = line.substr(0, tab);
    line.remove_prefix(tab + 1);
    while (!line.empty()) {
      const size_t next = std::min(line.find('\t'), line.size());
      if (next > 0) Add(word, line.substr(0, next));
      line.remove_prefix(std::min(next + 1, line.size()));
    }
  }
}

Result<void> Confusions::AddFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return MakeError(ErrorCode::kNotFound, "cannot read {}", path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    if (line.find('\t') == std::string::npos)
      return MakeError(ErrorCode::kInvalidArgument, "{}:{}: expected word TAB heard", path, number);
    AddLines(line);
  }
  return {};
}

void Confusions::Add(std::string_view word, std::string_view heard) {
  table_[std::string(word)].emplace_back(heard);
}

std::string Confusions::Homophone(std::string_view word, Random& random) const {
  const auto found = table_.find(word);
  return found == table_.end() ? std::string() : found->second[random.Below(found->second.size())];
}

std::string Confusions::SoundsLike(std::string_view word, Random& random) const {
  if (std::string heard = Homophone(word, random); !heard.empty()) return heard;
  return IsAlpha(word) && word.size() >= 4 ? Misspell(std::string(word), random) : std::string();
}

void AddNoise(SpokenWords& words, const NoiseLevel& level, const Confusions& confusions, Random& random) {
  SpokenWords noisy;
  for (size_t i = 0; i < words.size(); ++i) {
    SpokenWord& word = words[i];
    const Bare bare = Strip(word.text);
    const std::string lower = LowerAscii(bare.word);
    const bool inside_text =
        word.carries == Carries::kText && i > 0 && words[i - 1].carries == Carries::kText;
    if (!inside_text && random.Chance(level.fillers))
      noisy.push_back({Filler(random), Carries::kNothing, {}});
    if (word.carries == Carries::kNothing && IsAlpha(lower) && lower.size() >= 3 &&
        random.Chance(level.false_starts)) {
      const bool whole = random.Chance(0.35);
      const size_t length = 1 + random.Below(lower.size() - 1);
      noisy.push_back(
          {whole ? lower : lower.substr(0, length) + (random.Chance(0.6) ? "-" : ""), Carries::kNothing, {}});
    }
    if (word.carries != Carries::kText && random.Chance(level.word_errors)) {
      if (word.carries == Carries::kValue) {
        if (std::string heard = confusions.Homophone(lower, random); !heard.empty())
          word.text = heard + bare.after;
      } else {
        const std::string heard = Mishear(lower, level.homophones, confusions, random);
        if (heard.empty() && words.size() > 1) continue;
        if (!heard.empty() && heard != lower) word.text = bare.before + heard + bare.after;
      }
    }
    // Two short words run together: "to savings" stays, "a lot" -> "alot".
    if (!noisy.empty() && word.carries == Carries::kNothing && noisy.back().carries == Carries::kNothing &&
        lower.size() <= 4 && IsAlpha(lower) && IsAlpha(LowerAscii(noisy.back().text)) &&
        noisy.back().text.size() <= 3 && random.Chance(level.word_errors * 0.15)) {
      noisy.back().text += word.text;
      continue;
    }
    noisy.push_back(std::move(word));
  }
  if (!noisy.empty()) words = std::move(noisy);
}

namespace {

// Words by which values of the calls may be carried in the text.
std::set<std::string> ValueWords(const std::vector<ToolCall>& calls) {
  std::set<std::string> words;
  for (const ToolCall& call : calls) {
    for (const auto& [name, value] : call.arguments.items()) {
      if (!value.is_string()) continue;
      for (SpokenWord& word : ToWords(PlainWords(LowerAscii(value.get<std::string>()))))
        words.insert(Strip(word.text).word);
    }
  }
  return words;
}

// A number by itself, or a word that is part of one.
bool IsNumberWord(std::string_view word) {
  static const std::set<std::string, std::less<>> kParts = {"oh",    "grand", "double", "triple", "point",
                                                            "cents", "half",  "dozen",  "couple"};
  const std::vector<std::string_view> alone{word};
  return kParts.contains(word) || !ReadNumbers(alone, {}).empty();
}

}  // namespace

void CorruptConversation(Conversation& conversation, double word_errors, const Confusions& confusions,
                         Random& random) {
  const NoiseLevel level{.word_errors = word_errors};
  for (Turn& turn : conversation.turns) {
    const std::set<std::string> values = ValueWords(turn.calls);
    SpokenWords words = ToWords(turn.user);
    for (SpokenWord& word : words) {
      const std::string lower = LowerAscii(Strip(word.text).word);
      const bool in_value =
          values.contains(lower) ||
          (lower.size() >= 4 && std::any_of(values.begin(), values.end(), [&](const auto& v) {
             return v.size() >= 4 && (v.starts_with(lower) || lower.starts_with(v));
           }));
      if (in_value || IsNumberWord(lower)) word.carries = Carries::kValue;
    }
    AddNoise(words, level, confusions, random);
    turn.user = ToText(words);
  }
}

}  // namespace sotto
