#include "text/number_lexicon.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "text/compiled_languages.h"
#include "text/edit_distance.h"
#include "text/normalise.h"

namespace sotto {

extern const char* const kEnglishNumberWords;  // number_lexicon.cc.in

namespace {

constexpr std::pair<std::string_view, NumberPart> kParts[] = {
    {"unit", NumberPart::kUnit},
    {"teen", NumberPart::kTeen},
    {"tens", NumberPart::kTens},
    {"hundred", NumberPart::kHundred},
    {"scale", NumberPart::kScale},
    {"bare_scale", NumberPart::kScale},
    {"hundreds", NumberPart::kHundreds},
    {"oh", NumberPart::kOh},
    {"article", NumberPart::kArticle},
    {"and", NumberPart::kAnd},
    {"of", NumberPart::kOf},
    {"half", NumberPart::kHalf},
    {"quarter", NumberPart::kQuarter},
    {"denominator", NumberPart::kDenominator},
    {"couple", NumberPart::kCouple},
    {"vague", NumberPart::kVague},
    {"point", NumberPart::kPoint},
    {"minus", NumberPart::kMinus},
    {"percent", NumberPart::kPercent},
    {"currency", NumberPart::kCurrency},
    {"coin", NumberPart::kCoin},
    {"note", NumberPart::kNote},
    {"bill", NumberPart::kBill},
    {"plural", NumberPart::kPlural},
    {"repeat", NumberPart::kRepeat},
    {"dash", NumberPart::kDash},
    {"then", NumberPart::kThen},
    {"ordinal", NumberPart::kOrdinal},
};

constexpr std::pair<std::string_view, NumberCue> kCues[] = {
    {"measure", NumberCue::kMeasure},
    {"before_one", NumberCue::kBeforeOne},
    {"after_one", NumberCue::kAfterOne},
    {"before_second", NumberCue::kBeforeSecond},
    {"filler", NumberCue::kFiller},
    {"adjective", NumberCue::kAdjective},
    {"or", NumberCue::kOr},
    {"range", NumberCue::kRange},
    {"between", NumberCue::kBetween},
    {"correct", NumberCue::kCorrect},
    {"correct_filler", NumberCue::kCorrectFiller},
    {"not", NumberCue::kNot},
    {"not_filler", NumberCue::kNotFiller},
    {"change_from", NumberCue::kChangeFrom},
    {"month", NumberCue::kMonth},
    {"answer_filler", NumberCue::kAnswerFiller},
    {"conclude", NumberCue::kConclude},
    {"further", NumberCue::kFurther},
    {"scope_filler", NumberCue::kScopeFiller},
};

constexpr std::pair<std::string_view, NumberPhrase> kPhrases[] = {
    {"filler_phrase", NumberPhrase::kFiller},       {"correct_phrase", NumberPhrase::kCorrect},
    {"vague_before", NumberPhrase::kVagueBefore},   {"vague_after", NumberPhrase::kVagueAfter},
    {"kept_before", NumberPhrase::kKeptBefore},     {"kept_after", NumberPhrase::kKeptAfter},
    {"secret_before", NumberPhrase::kSecretBefore}, {"long_name_before", NumberPhrase::kLongNameBefore},
    {"name_before", NumberPhrase::kNameBefore},     {"aside_before", NumberPhrase::kAsideBefore},
    {"aside_after", NumberPhrase::kAsideAfter},
};

constexpr size_t kSlipLetters = 4;
constexpr size_t kUnitSlipLetters = 5;  // "sven" is no seven

// The ordinary words of English; a language without a list has no slips.
const WordList& EnglishWords() {
  static const WordList words = [] {
    for (const CompiledLanguage& language : CompiledLanguages()) {
      if (language.code != "en") continue;
      for (const LanguageFile& file : language.files) {
        if (file.name != "words.txt") continue;
        Result<WordList> list = WordList::Parse(file.text, "en/words.txt");
        SOTTO_CHECK(list.has_value(), "{}", list.error().message);
        return *std::move(list);
      }
    }
    return WordList();
  }();
  return words;
}

bool MayBeMistyped(const NumberLexicon::Entry& entry, std::string_view word) {
  if (word.size() < kSlipLetters) return false;
  switch (entry.part) {
    case NumberPart::kUnit:
    case NumberPart::kTeen:
    case NumberPart::kTens:
    case NumberPart::kHundred:
    case NumberPart::kCurrency:
      return true;
    case NumberPart::kScale:
      return entry.bare;
    default:
      return false;
  }
}

// One letter swapped with its neighbour, and nothing else.
bool IsSwapped(std::string_view a, std::string_view b) {
  return a.size() == b.size() && EditDistance(a, b, Edits::kPlain) == 2;
}

template <typename Table>
auto Lookup(const Table& table, std::string_view name) -> const decltype(std::begin(table)->second)* {
  const auto found = std::find_if(std::begin(table), std::end(table),
                                  [&](const auto& entry) { return entry.first == name; });
  return found == std::end(table) ? nullptr : &found->second;
}

double ToNumber(std::string_view text, int line) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  SOTTO_CHECK(error == std::errc() && end == text.data() + text.size(),
              "number words, line {}: '{}' is no number", line, text);
  return value;
}

std::vector<std::string_view> SplitList(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    const size_t end = std::min(list.find(", "), list.size());
    items.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 2, list.size()));
  }
  return items;
}

}  // namespace

const NumberLexicon& NumberLexicon::English() {
  static const NumberLexicon lexicon(kEnglishNumberWords);
  return lexicon;
}

NumberLexicon::NumberLexicon(std::string_view data) {
  int number = 0;
  while (!data.empty()) {
    const size_t end = std::min(data.find('\n'), data.size());
    const std::string_view line = data.substr(0, end);
    data.remove_prefix(std::min(end + 1, data.size()));
    ++number;
    if (!line.empty() && line[0] != '#') AddLine(line, number);
  }
}

void NumberLexicon::AddLine(std::string_view line, int number) {
  const size_t first = line.find('\t');
  const size_t second = line.find('\t', first + 1);
  SOTTO_CHECK(first != std::string_view::npos && second != std::string_view::npos,
              "number words, line {}: three columns are needed", number);
  const std::string_view kind = line.substr(0, first);
  std::string_view value = line.substr(first + 1, second - first - 1);
  const std::vector<std::string_view> words = SplitList(line.substr(second + 1));
  std::string_view name = kind;
  Map* map = &parts_;
  if (kind == "suffix") {
    const size_t space = value.find(' ');
    name = value.substr(0, space);
    value.remove_prefix(std::min(space + 1, value.size()));
    map = &suffixes_;
  }
  if (kind == "instead_of") {
    for (const std::string_view words_of : words) instead_of_.push_back(SplitWords(words_of));
    return;
  }
  if (const NumberPhrase* which = Lookup(kPhrases, kind)) {
    for (const std::string_view pattern : words) {
      const Result<void> added = phrases_[static_cast<size_t>(*which)].Add(pattern);
      SOTTO_CHECK(added.has_value(), "number words, line {}: {}", number, added.error().message);
    }
    return;
  }
  if (const NumberCue* cue = Lookup(kCues, kind)) {
    cues_[static_cast<size_t>(*cue)].insert(words.begin(), words.end());
    return;
  }
  Entry entry;
  if (kind == "homophone") {
    map = &homophones_;
    entry.value = ToNumber(value, number);
    entry.part = entry.value < 10 ? NumberPart::kUnit : NumberPart::kTeen;
  } else if (name == "measure") {
    entry.part = NumberPart::kMeasure;
  } else {
    const NumberPart* part = Lookup(kParts, name);
    SOTTO_CHECK(part != nullptr, "number words, line {}: unknown kind '{}'", number, name);
    entry.part = *part;
    entry.bare = name == "bare_scale";
    if (*part == NumberPart::kCurrency) {
      entry.currency = value == "any" ? std::string_view() : value;
    } else {
      entry.value = ToNumber(value, number);
    }
  }
  for (const std::string_view word : words) {
    const bool fresh = map->emplace(word, entry).second;
    SOTTO_CHECK(fresh, "number words, line {}: '{}' stands twice", number, word);
  }
}

const NumberLexicon::Entry* NumberLexicon::FindSlip(std::string_view word) const {
  constexpr size_t kLongest = 12;
  const bool letters = std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (word.size() < kSlipLetters || word.size() > kLongest || !letters || EnglishWords().empty() ||
      EnglishWords().Contains(word))
    return nullptr;
  const Entry* found = nullptr;
  for (const auto& [form, entry] : parts_) {
    if (!MayBeMistyped(entry, form) || !WithinEdits(form, word, 1, Edits::kSwaps)) continue;
    const bool sure = entry.part != NumberPart::kUnit || word.size() >= kUnitSlipLetters;
    if (!sure && !IsSwapped(form, word)) continue;
    if (found != nullptr && (found->part != entry.part || found->value != entry.value)) return nullptr;
    found = &entry;
  }
  return found;
}

bool NumberLexicon::EndsWithInsteadOf(std::span<const std::string_view> words) const {
  return std::any_of(instead_of_.begin(), instead_of_.end(), [&](const auto& phrase) {
    return words.size() >= phrase.size() &&
           std::equal(phrase.begin(), phrase.end(), words.end() - static_cast<std::ptrdiff_t>(phrase.size()));
  });
}

}  // namespace sotto
