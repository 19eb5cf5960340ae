#include "text/number_words.h"

#include <algorithm>
#include <charconv>

namespace sotto {
namespace {

using Part = NumberPart;

constexpr size_t kMaxWord = 64;
constexpr size_t kShortText = 3;  // words: hardly anything else was said

bool IsNumberLike(Part part) {
  switch (part) {
    case Part::kUnit:
    case Part::kTeen:
    case Part::kTens:
    case Part::kHundred:
    case Part::kScale:
    case Part::kNumeral:
    case Part::kOh:
    case Part::kRepeat:
    case Part::kPoint:
      return true;
    default:
      return false;
  }
}

class Tokeniser {
 public:
  Tokeniser(std::span<const NormalisedWord> words, bool homophones)
      : words_(words), lexicon_(NumberLexicon::English()), homophones_(homophones) {}

  std::vector<NumberToken> Run() {
    for (const NormalisedWord& word : words_) views_.push_back(word.text);
    for (size_t i = 0; i < words_.size();) {
      const size_t filler = FillerInsideNumber(i);
      if (filler == 0) AddWord(i);
      i += std::max<size_t>(filler, 1);
    }
    if (homophones_) SoundAlikes();
    for (size_t i = 0; i < tokens_.size(); ++i) BlockOne(i);
    return std::move(tokens_);
  }

 private:
  std::string_view Word(size_t i) const { return i < words_.size() ? words_[i].text : std::string_view(); }

  const NumberLexicon::Entry* FindWord(std::string_view word) const {
    const auto* entry = lexicon_.Find(word);
    return entry != nullptr ? entry : lexicon_.FindSlip(word);
  }

  Part PartOf(size_t i) const {
    const std::string_view word = Word(i);
    if (word.empty()) return Part::kNone;
    if (word[0] >= '0' && word[0] <= '9') return Part::kNumeral;
    const auto* entry = FindWord(word);
    return entry != nullptr ? entry->part : Part::kNone;
  }

  // The words from `i` on that say nothing inside a number: "three hundred and (you know) seventy five",
  // "eighty eight (well) dollars". Only where what stands on both sides belongs together.
  size_t FillerInsideNumber(size_t i) const {
    if (tokens_.empty()) return 0;
    const PhraseList& fillers = lexicon_.Phrases(NumberPhrase::kFiller);
    size_t length = 0;
    size_t end = i;
    for (size_t n = 0; end < words_.size(); end += n) {
      n = lexicon_.Is(NumberCue::kFiller, views_[end]) ? 1 : fillers.MatchesAt(views_, end);
      if (n == 0) break;
      length = std::max(length, lexicon_.Is(NumberCue::kFiller, views_[end]) ? 0 : n);
    }
    if (length == 0) return 0;
    const Part before = tokens_.back().part;
    const Part next = PartOf(end);
    const bool number_next = IsNumberLike(next) && next != Part::kOh && next != Part::kPoint;
    if (before == Part::kAnd && tokens_.size() > 1) {
      const Part first = tokens_[tokens_.size() - 2].part;
      return (IsNumberLike(first) || first == Part::kCurrency) && (number_next || next == Part::kArticle)
                 ? end - i
                 : 0;
    }
    if (!IsNumberLike(before)) return 0;
    if (next == Part::kCurrency || next == Part::kCoin) return end - i;
    if (next == Part::kAnd && Word(i) != "and") {
      const Part behind = PartOf(end + 1);
      return IsNumberLike(behind) && behind != Part::kOh ? end - i : 0;
    }
    const bool goes_on = (before == Part::kHundred || before == Part::kScale) &&
                         (next == Part::kUnit || next == Part::kTeen || next == Part::kTens);
    return goes_on && (length > 1 || PartOf(end + 1) == Part::kHundred) ? end - i : 0;
  }

  NumberToken& Add(size_t i, const NumberLexicon::Entry* entry) {
    NumberToken& token = tokens_.emplace_back();
    token.text = words_[i].text;
    token.word = i;
    if (entry != nullptr) {
      token.part = entry->part;
      token.value = entry->value;
      token.currency = entry->currency;
      token.bare = entry->bare;
    }
    return token;
  }

  void AddWord(size_t i) {
    const NormalisedWord& word = words_[i];
    if (lexicon_.Is(NumberCue::kFiller, word.text)) {
      carried_pause_ = carried_pause_ || (word.before & NormalisedWord::kPause) != 0;
      return;
    }
    // "a cool thousand"
    if (lexicon_.Is(NumberCue::kAdjective, word.text) && !tokens_.empty() &&
        tokens_.back().part == Part::kArticle &&
        (IsScaleWord(Word(i + 1)) || PartOf(i + 1) == Part::kCurrency))
      return;
    const size_t first = tokens_.size();
    if (word.text.size() > kMaxWord || word.text.empty()) {
      Add(i, nullptr);
    } else if (word.text[0] >= '0' && word.text[0] <= '9') {
      AddNumeral(i, word.text);
    } else if (const auto* entry = lexicon_.Find(word.text)) {
      AddPart(i, *entry);
    } else if (!AddGlued(i)) {
      if (const auto* slip = lexicon_.FindSlip(word.text)) {
        AddPart(i, *slip);
      } else {
        Add(i, nullptr);
      }
    }
    NumberToken& token = tokens_[first];
    token.pause_before = carried_pause_ || (word.before & NormalisedWord::kPause) != 0;
    token.hyphen_before = (word.before & NormalisedWord::kHyphen) != 0;
    if ((word.before & NormalisedWord::kDollar) != 0 && token.currency.empty()) token.currency = "USD";
    carried_pause_ = false;
    for (size_t t = first; t < tokens_.size(); ++t) tokens_[t].whole_word = tokens_.size() == first + 1;
  }

  bool IsScaleWord(std::string_view word) const {
    const auto* entry = lexicon_.Find(word);
    return entry != nullptr && (entry->part == Part::kHundred || entry->part == Part::kScale);
  }

  void AddPart(size_t i, const NumberLexicon::Entry& entry) {
    NumberToken& token = Add(i, &entry);
    // "three hundreds" is a number, "hundreds" alone is none.
    if (entry.part == Part::kHundreds && tokens_.size() > 1 && IsNumberLike(tokens_[tokens_.size() - 2].part))
      token.part = entry.value == 100 ? Part::kHundred : Part::kScale;
    if (token.part == Part::kOrdinal && token.value == 2 && i > 0 &&
        lexicon_.Is(NumberCue::kBeforeSecond, Word(i - 1)))
      token.blocked = true;
  }

  // "twentyone", "fivehundred", "usd50".
  bool AddGlued(size_t i) {
    const std::string_view word = words_[i].text;
    if (const size_t digit = word.find_first_of("0123456789"); digit != std::string_view::npos) {
      const auto* currency = lexicon_.Find(word.substr(0, digit));
      if (currency == nullptr || currency->part != Part::kCurrency) return false;
      Add(i, currency);
      AddNumeral(i, word.substr(digit));
      return true;
    }
    for (size_t cut = 3; cut + 3 <= word.size(); ++cut) {
      const auto* front = lexicon_.Find(word.substr(0, cut));
      const auto* back = lexicon_.Find(word.substr(cut));
      if (front == nullptr || back == nullptr) continue;
      const bool tens = front->part == Part::kTens && back->part == Part::kUnit && back->value > 0;
      const bool many =
          (front->part == Part::kUnit || front->part == Part::kTens || front->part == Part::kTeen) &&
          (back->part == Part::kHundred || (back->part == Part::kScale && back->bare));
      if (!tens && !many) continue;
      Add(i, front);
      Add(i, back);
      return true;
    }
    return false;
  }

  // "250", "15.99", "0453", "5k", "1.5m", "20usd", "50c", "30gb", "4th".
  void AddNumeral(size_t i, std::string_view word) {
    const bool comma = (words_[i].before & NormalisedWord::kDecimalComma) != 0;
    size_t end = 0;
    size_t point = std::string_view::npos;
    while (end < word.size() && ((word[end] >= '0' && word[end] <= '9') ||
                                 (word[end] == '.' && point == std::string_view::npos))) {
      if (word[end] == '.') point = end;
      ++end;
    }
    const std::string_view number = word.substr(0, end);
    const std::string_view suffix = word.substr(end);
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    const auto* tail = suffix.empty() ? nullptr : lexicon_.FindSuffix(suffix);
    const bool ordinal = suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th";
    if (number.back() == '.' || (ordinal && point != std::string_view::npos) ||
        (!suffix.empty() && tail == nullptr && !ordinal)) {
      Add(i, nullptr);
      return;
    }
    NumberToken& token = Add(i, nullptr);
    token.part = ordinal ? Part::kOrdinal : Part::kNumeral;
    token.value = value;
    if (point == std::string_view::npos) {
      token.digits = number;
      token.leading_zero = number.size() > 1 && number.front() == '0';
    } else {
      token.decimals = static_cast<int>(number.size() - point - 1);
      token.decimal_comma = comma;
    }
    if (tail != nullptr) Add(i, tail);
  }

  // "one" in "one of my cards".
  void BlockOne(size_t t) {
    NumberToken& token = tokens_[t];
    if (token.part != Part::kUnit || token.value != 1 || token.homophone || !token.whole_word) return;
    if (!lexicon_.Is(NumberCue::kBeforeOne, Word(token.word - 1)) &&
        !lexicon_.Is(NumberCue::kAfterOne, Word(token.word + 1)))
      return;
    const auto beside = [&](size_t other) {
      return other < tokens_.size() && IsNumberLike(tokens_[other].part) && !tokens_[other].homophone;
    };
    if (beside(t - 1) || beside(t + 1)) return;
    token.blocked = !homophones_;
    token.homophone = homophones_;
  }

  void SoundAlikes() {
    std::vector<Part> plain;
    for (const NumberToken& token : tokens_) plain.push_back(token.part);
    for (size_t t = 0; t < tokens_.size(); ++t) {
      const auto* sound = lexicon_.FindHomophone(tokens_[t].text);
      if (sound == nullptr) continue;
      const bool beside = (t > 0 && (IsNumberLike(plain[t - 1]) || tokens_[t - 1].homophone)) ||
                          (t + 1 < tokens_.size() && IsNumberLike(plain[t + 1]));
      if (!beside && words_.size() > kShortText) continue;
      tokens_[t].part = sound->part;
      tokens_[t].value = sound->value;
      tokens_[t].homophone = true;
      tokens_[t].blocked = false;
    }
  }

  const std::span<const NormalisedWord> words_;
  const NumberLexicon& lexicon_;
  const bool homophones_;
  bool carried_pause_ = false;
  std::vector<std::string_view> views_;
  std::vector<NumberToken> tokens_;
};

}  // namespace

std::vector<NumberToken> TokeniseNumbers(std::span<const NormalisedWord> words, bool homophones) {
  return Tokeniser(words, homophones).Run();
}

}  // namespace sotto
