#include "privacy/code_runs.h"

#include <algorithm>
#include <optional>

#include "privacy/checksums.h"
#include "text/number_lexicon.h"

namespace sotto {
namespace {

using Part = NumberPart;

constexpr size_t kMaxJoiners = 6;      // words between two pieces of a number
constexpr size_t kWholeNumber = 13;    // digits written together that need no more
constexpr size_t kSecondThoughts = 5;  // digits written together that no "and" joins to others

class Reader {
 public:
  explicit Reader(const MarkedText& text)
      : text_(text), words_(text.words()), lexicon_(NumberLexicon::English()) {}

  std::vector<CodeRun> Run() {
    std::vector<CodeRun> runs;
    for (size_t at = 0; at < words_.size();) {
      std::optional<CodeElement> element = ElementAt(at, false);
      if (!element) {
        ++at;
        continue;
      }
      CodeRun run;
      at = element->last;
      run.elements.push_back(*std::move(element));
      while (std::optional<CodeElement> next = NextElement(run)) {
        at = next->last;
        run.elements.push_back(*std::move(next));
      }
      if (!Trim(run)) continue;
      run.counted = IsCounted(run);
      runs.push_back(std::move(run));
    }
    return runs;
  }

 private:
  const NumberLexicon::Entry* Entry(size_t i) const {
    return i < words_.size() && !words_[i].digits ? lexicon_.Find(words_.Lower(i)) : nullptr;
  }
  bool Is(size_t i, Part part) const {
    const auto* entry = Entry(i);
    return entry != nullptr && entry->part == part;
  }
  // Nothing but blanks and hyphens before the word.
  bool Close(size_t i) const { return i < words_.size() && (words_[i].gap & ~(kGapSpace | kGapHyphen)) == 0; }

  static CodeElement Digits(size_t first, size_t last, std::string digits) {
    return {first, last, std::move(digits), true, true, false};
  }

  std::optional<CodeElement> ElementAt(size_t i, bool inside) const {
    if (i >= words_.size()) return std::nullopt;
    const TextWord& word = words_[i];
    if (word.digits) return NumeralAt(i);
    const auto* entry = lexicon_.Find(word.lower);
    if (entry == nullptr && inside && word.lower.size() >= 4) entry = lexicon_.FindSlip(word.lower);
    if (entry != nullptr) {
      switch (entry->part) {
        case Part::kUnit:
          if (!inside && entry->value == 1 && i > 0 && text_.Within(PrivacyList::kBeforeOne, i - 1))
            return std::nullopt;
          return NumberAt(i, *entry);
        case Part::kTeen:
        case Part::kTens:
          return NumberAt(i, *entry);
        case Part::kOh:
          if (inside || IsDigitWord(i + 1) ||
              IsDigitWord(i + 1 + text_.Matches(PrivacyList::kJoiners, i + 1)))
            return Digits(i, i + 1, "0");
          return LetterAt(i);
        case Part::kRepeat:
          return RepeatAt(i, static_cast<size_t>(entry->value));
        default:
          break;
      }
    }
    return LetterAt(i);
  }

  bool IsDigitWord(size_t i) const {
    if (i >= words_.size()) return false;
    return words_[i].digits || Is(i, Part::kUnit) || Is(i, Part::kOh) || Is(i, Part::kRepeat) ||
           Is(i, Part::kTeen) || Is(i, Part::kTens);
  }

  std::optional<CodeElement> NumeralAt(size_t i) const {
    CodeElement element{i, i + 1, std::string(words_.Lower(i)), true, false, false};
    if (words_.Glued(i + 1) && !words_[i + 1].digits && i + 1 < words_.size()) {
      const std::string_view suffix = words_.Lower(i + 1);
      const bool ordinal = suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th";
      if (ordinal ||
          (element.chars.size() < 6 && suffix.size() > 1 && lexicon_.FindSuffix(suffix) != nullptr))
        return std::nullopt;
    }
    return element;
  }

  std::optional<CodeElement> RepeatAt(size_t i, size_t times) const {
    if (i + 1 >= words_.size()) return std::nullopt;
    const TextWord& word = words_[i + 1];
    char what = '\0';
    const auto* entry = Entry(i + 1);
    if (word.digits && word.lower.size() == 1) what = word.lower[0];
    if (entry != nullptr && (entry->part == Part::kUnit || entry->part == Part::kOh))
      what = static_cast<char>('0' + static_cast<int>(entry->value));
    if (what != '\0') return Digits(i, i + 2, std::string(times, what));
    const char letter = text_.language().LetterOf(word.lower);
    if (letter == '\0') return std::nullopt;
    return CodeElement{i,     i + 2, std::string(times, static_cast<char>(letter - 'a' + 'A')),
                       false, true,  false};
  }

  // "four", "forty one", "three nines", "eight hundred", "two thousand three hundred and six".
  std::optional<CodeElement> NumberAt(size_t i, const NumberLexicon::Entry& entry) const {
    double value = entry.value;
    size_t end = i + 1;
    const auto* next = Entry(end);
    if (entry.part == Part::kTens && next != nullptr && next->part == Part::kUnit && next->value > 0 &&
        Close(end)) {
      value += next->value;
      ++end;
    } else if (entry.part == Part::kUnit && next != nullptr && next->part == Part::kPlural &&
               next->value < 10 && value >= 2) {
      return Digits(
          i, end + 1,
          std::string(static_cast<size_t>(value), static_cast<char>('0' + static_cast<int>(next->value))));
    }
    if (!IsBig(end)) return Digits(i, end, fmt::format("{:.0f}", value));
    return CardinalAt(i, end, value);
  }

  bool IsBig(size_t i) const {
    const auto* entry = Entry(i);
    return entry != nullptr && Close(i) && words_[i].lower.size() > 1 &&  // "k" is a letter here
           (entry->part == Part::kHundred || (entry->part == Part::kScale && entry->value >= 1000));
  }

  // A number below 100 at `i`: its value and end, or 0, 0. The first of several single digits is none.
  std::pair<double, size_t> SmallAt(size_t i) const {
    const auto* entry = Entry(i);
    if (entry == nullptr) return {0, 0};
    if (entry->part == Part::kTens) {
      const auto* unit = Entry(i + 1);
      if (unit != nullptr && unit->part == Part::kUnit && unit->value > 0 && Close(i + 1))
        return {entry->value + unit->value, i + 2};
      return {entry->value, i + 1};
    }
    if (entry->part == Part::kTeen) return {entry->value, i + 1};
    if (entry->part == Part::kUnit && !Is(i + 1, Part::kUnit) && !Is(i + 1, Part::kOh))
      return {entry->value, i + 1};
    return {0, 0};
  }

  std::optional<CodeElement> CardinalAt(size_t first, size_t at, double value) const {
    double total = 0;
    double group = value;
    size_t end = at;
    while (end < words_.size() && IsBig(end)) {
      const auto* entry = Entry(end);
      if (entry->part == Part::kHundred) {
        group *= 100;
      } else {
        total += group * entry->value;
        group = 0;
      }
      ++end;
      size_t small_at = end;
      if (Is(small_at, Part::kAnd)) ++small_at;
      const auto [small, small_end] = Close(small_at) ? SmallAt(small_at) : std::pair<double, size_t>{0, 0};
      if (small_end == 0) continue;
      group += small;
      end = small_end;
    }
    total += group;
    if (total >= 1e15) return std::nullopt;
    CodeElement element = Digits(first, end, fmt::format("{:.0f}", total));
    element.cardinal = true;
    return element;
  }

  // "g", "golf", "g for golf", "gb" glued to digits.
  std::optional<CodeElement> LetterAt(size_t i) const {
    const std::string_view word = words_.Lower(i);
    const bool beside_digits = (words_.Glued(i) && words_[i - 1].digits) ||
                               (words_.Glued(i + 1) && i + 1 < words_.size() && words_[i + 1].digits);
    if (beside_digits && word.size() <= 6) return Letters(i, i + 1, word);
    const char letter = text_.language().LetterOf(word);
    if (letter == '\0') {
      // The country of an IBAN: "GB twenty nine".
      if (word.size() == 2 && IsDigitWord(i + 1) && IbanLength(Letters(i, i + 1, word)->chars) > 0 &&
          (text_.Bits(i) & kOrdinary) == 0)
        return Letters(i, i + 1, word);
      return std::nullopt;
    }
    const size_t as_in = text_.Matches(PrivacyList::kAsIn, i + 1);
    if (as_in > 0 && word.size() == 1 && !text_.Lower(i + 1 + as_in).empty() &&
        text_.Lower(i + 1 + as_in)[0] == letter && text_.Lower(i + 1 + as_in).size() > 1)
      return Letters(i, i + 2 + as_in, std::string_view(&letter, 1));
    return Letters(i, i + 1, std::string_view(&letter, 1));
  }

  static std::optional<CodeElement> Letters(size_t first, size_t last, std::string_view lower) {
    std::string chars;
    for (const char c : lower) {
      if (c < 'a' || c > 'z') return std::nullopt;
      chars += static_cast<char>(c - 'a' + 'A');
    }
    return CodeElement{first, last, std::move(chars), false, false, false};
  }

  std::optional<CodeElement> NextElement(const CodeRun& run) const {
    const CodeElement& last = run.elements.back();
    size_t at = last.last;
    if (std::optional<CodeElement> near = Joined(last, at, at)) return near;
    if (std::optional<CodeElement> sound = SoundAlike(last, at)) return sound;
    if (last.chars.size() >= kSecondThoughts) return std::nullopt;
    for (size_t n; at < words_.size() && at - last.last < kMaxJoiners; at += n) {
      n = text_.Matches(PrivacyList::kJoiners, at);
      if (n == 0) return std::nullopt;
      if (last.chars.size() > 2 && (words_[at].gap & (kGapSentence | kGapOther)) != 0) return std::nullopt;
      if (last.chars.size() > 2 && at + n < words_.size() && (words_[at + n].gap & kGapSentence) != 0)
        return std::nullopt;
      std::optional<CodeElement> next = Joined(last, last.last, at + n);
      if (next && next->digits && next->chars.size() < kSecondThoughts) return next;
    }
    return std::nullopt;
  }

  // The element at `at`, if what stands between it and `last` may stand inside a number.
  std::optional<CodeElement> Joined(const CodeElement& last, size_t from, size_t at) const {
    if (at >= words_.size() || (last.digits && last.chars.size() >= kWholeNumber && !words_.Glued(at)))
      return std::nullopt;
    std::optional<CodeElement> next = ElementAt(at, true);
    if (!next || (next->digits && next->chars.size() >= kWholeNumber && !words_.Glued(at)))
      return std::nullopt;
    uint16_t gap = 0;
    for (size_t i = from; i <= at; ++i) gap |= words_[i].gap;
    if ((gap & (kGapMoney | kGapQuote | kGapAt)) != 0) return std::nullopt;
    const size_t shorter = std::min(last.chars.size(), next->chars.size());
    if ((gap & (kGapLine | kGapColon)) != 0 && !(shorter >= 4 && last.digits && next->digits))
      return std::nullopt;
    if ((gap & kGapSlash) != 0 && shorter < 3) return std::nullopt;
    return next;
  }

  // "four to five", "eight ate for": only between single digits.
  std::optional<CodeElement> SoundAlike(const CodeElement& last, size_t at) const {
    if (!last.digits || last.chars.size() != 1 || at >= words_.size() || words_[at].digits || !Close(at))
      return std::nullopt;
    const auto* sound = lexicon_.FindHomophone(words_.Lower(at));
    if (sound == nullptr || sound->value > 9) return std::nullopt;
    const auto next = ElementAt(at + 1, true);
    const bool sound_next =
        !next && at + 1 < words_.size() && lexicon_.FindHomophone(words_.Lower(at + 1)) != nullptr;
    if (!(next && next->digits && next->chars.size() <= 2) && !sound_next) return std::nullopt;
    return Digits(at, at + 1, fmt::format("{:.0f}", sound->value));
  }

  // Letters at the ends that are words ("a", "i"), and runs that are none. False: nothing is left.
  bool Trim(CodeRun& run) const {
    std::vector<CodeElement>& elements = run.elements;
    const auto is_word = [&](const CodeElement& element, const CodeElement* beside) {
      if (element.digits) return false;
      const std::string_view word = words_.Lower(element.first);
      if (element.last - element.first > 1 || word.size() != 1 || words_.Glued(element.first) ||
          words_.Glued(element.last))
        return false;
      return (word == "a" || word == "i") && (beside == nullptr || beside->digits);
    };
    while (!elements.empty() && is_word(elements.front(), elements.size() > 1 ? &elements[1] : nullptr))
      elements.erase(elements.begin());
    while (!elements.empty() &&
           is_word(elements.back(), elements.size() > 1 ? &elements[elements.size() - 2] : nullptr))
      elements.pop_back();
    if (elements.empty()) return false;
    if (std::any_of(elements.begin(), elements.end(), [](const CodeElement& e) { return e.digits; }))
      return true;
    return elements.size() >= 3;
  }

  bool IsCounted(const CodeRun& run) const {
    const std::vector<CodeElement>& elements = run.elements;
    const TextWord& first = words_[elements.front().first];
    if ((first.gap & kGapMoney) != 0) return true;
    const size_t behind = elements.back().last;
    if (behind < words_.size() && (words_[behind].gap & (kGapSentence | kGapComma | kGapLine)) == 0) {
      const auto* entry = Entry(behind);
      if (entry != nullptr && (entry->part == Part::kCurrency || entry->part == Part::kCoin ||
                               entry->part == Part::kPercent || entry->part == Part::kMeasure))
        return true;
      if (lexicon_.Is(NumberCue::kMeasure, words_.Lower(behind))) return true;
      if ((words_[behind].gap & kGapMoney) != 0 && words_[behind].gap != (kGapMoney | kGapSpace)) return true;
    }
    if (elements.size() == 1) return elements[0].cardinal;
    // "1250.50", "1,250,000.00": what stands behind the point has one or two digits, groups have three.
    for (size_t e = 1; e < elements.size(); ++e) {
      const CodeElement& element = elements[e];
      const uint16_t gap = words_[element.first].gap;
      if (element.said || !element.digits) return false;
      const bool decimals = gap == kGapDot && e + 1 == elements.size() && element.chars.size() <= 2;
      if (!decimals && !(gap == kGapComma && element.chars.size() == 3 && elements[0].chars.size() <= 3))
        return false;
    }
    return true;
  }

  const MarkedText& text_;
  const TextWords& words_;
  const NumberLexicon& lexicon_;
};

}  // namespace

std::vector<CodeRun> ReadCodeRuns(const MarkedText& text) { return Reader(text).Run(); }

std::string CodeCharacters(const MarkedText& text, const CodeRun& run) {
  std::string chars;
  std::vector<size_t> letters;  // places of an "o", which may be the letter
  for (const CodeElement& element : run.elements) {
    if (element.chars == "0" && text.Lower(element.first) == "o") letters.push_back(chars.size());
    chars += element.chars;
  }
  constexpr size_t kMostLetters = 6;
  if (letters.empty() || letters.size() > kMostLetters || chars.size() < 4 ||
      IbanLength(std::string_view(chars).substr(0, 2)) != chars.size() || PassesMod97(chars))
    return chars;
  for (unsigned choice = 1; choice < 1U << letters.size(); ++choice) {
    std::string other = chars;
    for (size_t l = 0; l < letters.size(); ++l)
      if ((choice >> l & 1U) != 0) other[letters[l]] = 'O';
    if (PassesMod97(other)) return other;
  }
  return chars;
}

}  // namespace sotto
