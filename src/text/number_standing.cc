#include "text/number_standing.h"

#include <algorithm>
#include <cmath>

#include "text/number_lexicon.h"

namespace sotto {
namespace {

// Farther apart nobody means a range: "send 50 to 4532".
constexpr double kWidestRange = 20;
// Words between what is corrected and the correction, or between what is begun and what is said.
constexpr size_t kCorrectWithin = 10;
constexpr size_t kBegunWithin = 6;

// The readings of one stretch of words.
struct Said {
  size_t begin = 0;
  size_t end = 0;
  std::vector<NumberReading*> readings;

  double value() const { return readings.front()->value; }
  void Set(NumberStanding standing) const {
    for (NumberReading* reading : readings) reading->standing = standing;
  }
};

class StandingMarker {
 public:
  StandingMarker(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings, bool digits)
      : words_(words), lexicon_(NumberLexicon::English()), digits_(digits) {
    for (NumberReading& reading : readings) {
      if ((reading.kind == NumberKind::kDigits) != digits || reading.kind == NumberKind::kOrdinal ||
          !reading.maximal || reading.homophone)
        continue;
      if (said_.empty() || said_.back().begin != reading.begin || said_.back().end != reading.end)
        said_.push_back({reading.begin, reading.end, {}});
      said_.back().readings.push_back(&reading);
    }
  }

  void Run() {
    for (size_t i = 0; i < said_.size(); ++i) {
      if (IsNegated(said_[i])) said_[i].Set(NumberStanding::kTakenBack);
    }
    for (size_t i = 0; i + 1 < said_.size(); ++i) Relate(said_[i], said_[i + 1]);
    if (digits_) return;
    for (size_t i = 1; i < said_.size(); ++i) {
      if (IsCentsAgain(said_[i - 1], said_[i])) said_[i - 1].Set(NumberStanding::kTakenBack);
      if (!Concludes(said_[i])) continue;
      for (size_t before = 0; before < i; ++before) said_[before].Set(NumberStanding::kTakenBack);
    }
  }

 private:
  bool Is(NumberCue cue, size_t word) const {
    return word < words_.size() && lexicon_.Is(cue, words_[word].text);
  }

  // "not ninety", "instead of ninety".
  bool IsNegated(const Said& said) const {
    size_t at = said.begin;
    for (int skipped = 0; at > 0 && skipped < 2 && Is(NumberCue::kNotFiller, at - 1) &&
                          (words_[at - 1].before & NormalisedWord::kPause) == 0;
         ++skipped)
      --at;
    if (at > 0 && Is(NumberCue::kNot, at - 1) && !(at > 1 && words_[at - 2].text == "why")) return true;
    std::vector<std::string_view> before;
    for (size_t i = said.begin > 3 ? said.begin - 3 : 0; i < said.begin; ++i)
      before.push_back(words_[i].text);
    return lexicon_.EndsWithInsteadOf(before);
  }

  void Relate(const Said& a, const Said& b) {
    if (b.begin < a.end) return;
    const bool adjacent = b.begin == a.end;
    if (adjacent && digits_) return;
    if (adjacent && IsFalseStart(a, b)) return a.Set(NumberStanding::kTakenBack);
    if (adjacent && (words_[b.begin].before & NormalisedWord::kHyphen) != 0 && IsRange(a, b))
      return Alternatives(a, b);
    if (adjacent && IsNextTens(a, b)) return Alternatives(a, b);
    if (adjacent) return;
    if (!digits_ && IsBegunAgain(a, b)) return a.Set(NumberStanding::kTakenBack);
    if (Between(a, b, NumberCue::kCorrect, NumberCue::kCorrectFiller)) {
      if (b.readings.front()->standing != NumberStanding::kTakenBack) a.Set(NumberStanding::kTakenBack);
      return;
    }
    if (b.begin == a.end + 1 && Is(NumberCue::kOr, a.end)) return Alternatives(a, b);
    if (b.begin == a.end + 2 && Is(NumberCue::kOr, a.end) && Is(NumberCue::kOr, a.end + 1))
      return Alternatives(a, b);
    if (digits_) return;
    if (CorrectsFarther(a, b)) {
      if (b.readings.front()->standing != NumberStanding::kTakenBack) a.Set(NumberStanding::kTakenBack);
      return;
    }
    if (IsOrSo(a, b)) return Alternatives(a, b);
    const bool opened = a.begin > 0 && Is(NumberCue::kBetween, a.begin - 1);
    if (opened && b.begin == a.end + 1) return Alternatives(a, b);
    if (b.begin != a.end + 1 || !Is(NumberCue::kRange, a.end) || !IsRange(a, b)) return;
    if (ChangesFrom(a)) return a.Set(NumberStanding::kTakenBack);
    Alternatives(a, b);
  }

  // "three or four hundred": three hundred or four.
  void ShareScale(const Said& a, const Said& b) const {
    const auto scale = [&](size_t end) {
      const auto* word = end > b.begin ? lexicon_.Find(words_[end - 1].text) : nullptr;
      return word != nullptr && (word->part == NumberPart::kHundred || word->part == NumberPart::kScale)
                 ? word
                 : nullptr;
    };
    const auto* last = scale(b.end);
    if (last == nullptr) last = scale(b.end - 1);  // "... dollars"
    if (last == nullptr) return;
    if (a.end != a.begin + 1 || a.value() >= b.value() / last->value) return;
    for (NumberReading* reading : a.readings) {
      reading->value *= last->value;
      reading->text = NumberText(reading->value);
    }
  }

  void Alternatives(const Said& a, const Said& b) const {
    ShareScale(a, b);
    if (a.readings.front()->standing != NumberStanding::kTakenBack) a.Set(NumberStanding::kAlternative);
    if (b.readings.front()->standing != NumberStanding::kTakenBack) b.Set(NumberStanding::kAlternative);
  }

  // The words between are of these two kinds, one of the first at least.
  bool Between(const Said& a, const Said& b, NumberCue cue, NumberCue filler) const {
    bool found = false;
    for (size_t i = a.end; i < b.begin; ++i) {
      const bool is_cue = Is(cue, i);
      if (!is_cue && !Is(filler, i) && !Is(NumberCue::kFiller, i) && !Is(NumberCue::kOr, i) &&
          !(Is(NumberCue::kNot, i) && i + 1 < b.begin))
        return false;
      found = found || is_cue;
    }
    return found;
  }

  // "two two hundred": begun, then said.
  bool IsFalseStart(const Said& a, const Said& b) const {
    if (a.end - a.begin >= b.end - b.begin) return false;
    for (size_t i = 0; i < a.end - a.begin; ++i) {
      if (words_[a.begin + i].text != words_[b.begin + i].text) return false;
    }
    return true;
  }

  static bool IsMeasured(const Said& said) { return !said.readings.front()->unit.empty(); }

  // "fifty from checking to savings, strike that, thirty": whatever else stands between.
  bool CorrectsFarther(const Said& a, const Said& b) const {
    if (b.begin - a.end > kCorrectWithin || IsMeasured(a) || IsMeasured(b)) return false;
    std::vector<std::string_view> gap;
    for (size_t i = a.end; i < b.begin; ++i) {
      if (Is(NumberCue::kFurther, i)) return false;
    }
    for (size_t i = a.end; i < b.begin; ++i) {
      if (Is(NumberCue::kCorrect, i) && words_[i].text != "make") return true;
      gap.push_back(words_[i].text);
    }
    return lexicon_.Phrases(NumberPhrase::kCorrect).Found(gap);
  }

  // "thirty forty dollars"
  bool IsNextTens(const Said& a, const Said& b) const {
    const auto* first = lexicon_.Find(words_[a.begin].text);
    const auto* next = lexicon_.Find(words_[b.begin].text);
    return a.end == a.begin + 1 && first != nullptr && next != nullptr && first->part == NumberPart::kTens &&
           next->part == NumberPart::kTens && b.value() == a.value() + 10;
  }

  // "a hundred or so, maybe a hundred ten"
  bool IsOrSo(const Said& a, const Said& b) const {
    if (b.begin - a.end > 3) return false;
    bool any = false;
    for (size_t i = a.end; i < b.begin; ++i) {
      if (!Is(NumberCue::kOr, i) && words_[i].text != "so") return false;
      any = any || Is(NumberCue::kOr, i);
    }
    return any;
  }

  // "seventy, uh, seventy two", "one hun one hundred": begun, something else, then said.
  bool IsBegunAgain(const Said& a, const Said& b) const {
    if (a.end - a.begin >= b.end - b.begin || b.begin - a.end > kBegunWithin) return false;
    for (size_t i = 0; i < a.end - a.begin; ++i) {
      if (words_[a.begin + i].text != words_[b.begin + i].text) return false;
    }
    for (size_t i = a.end; i < b.begin; ++i) {
      if (Is(NumberCue::kRange, i) || Is(NumberCue::kOr, i) || words_[i].text == "from" ||
          words_[i].text == "into")
        return false;
    }
    return true;
  }

  // "no, twelve cents, ninety two twelve"
  static bool IsCentsAgain(const Said& cents, const Said& whole) {
    const double value = cents.value();
    if (value <= 0 || value >= 1 || whole.begin != cents.end) return false;
    return std::any_of(whole.readings.begin(), whole.readings.end(), [&](const NumberReading* reading) {
      return std::abs(reading->value - std::floor(reading->value) - value) < 1e-6;
    });
  }

  // "so twenty five", "the total is 60": what all before come to.
  bool Concludes(const Said& said) const {
    if (IsMeasured(said)) return false;
    for (size_t at = said.begin, skipped = 0; at > 0 && skipped < 3; --at, ++skipped) {
      if (Is(NumberCue::kConclude, at - 1)) return true;
      if (!Is(NumberCue::kScopeFiller, at - 1)) return false;
    }
    return false;
  }

  static bool IsRange(const Said& a, const Said& b) {
    double low = a.value();
    const double high = b.value();
    // "two to three hundred"
    if (low < 100 && high >= 100 && std::fmod(high, 100) == 0) low *= high >= 1000 ? 1000 : 100;
    return low > 0 && high > a.value() && high <= kWidestRange * std::max(low, a.value());
  }

  // "change it from 50 to 60".
  bool ChangesFrom(const Said& a) const {
    if (a.begin == 0 || words_[a.begin - 1].text != "from") return false;
    for (size_t i = a.begin - 1; i > 0 && a.begin - i < 8; --i) {
      if (Is(NumberCue::kChangeFrom, i - 1)) return true;
    }
    return false;
  }

  const std::span<const NormalisedWord> words_;
  const NumberLexicon& lexicon_;
  const bool digits_;
  std::vector<Said> said_;
};

}  // namespace

void MarkStanding(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings) {
  StandingMarker(words, readings, false).Run();
  StandingMarker(words, readings, true).Run();
}

}  // namespace sotto
