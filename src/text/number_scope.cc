#include "text/number_scope.h"

#include <algorithm>
#include <string_view>

#include "text/number_lexicon.h"

namespace sotto {
namespace {

constexpr size_t kLongestPhrase = 6;  // words
constexpr double kFiveDigits = 10000;

class ScopeMarker {
 public:
  ScopeMarker(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings)
      : words_(words), readings_(readings), lexicon_(NumberLexicon::English()) {
    for (const NormalisedWord& word : words) views_.push_back(word.text);
  }

  void Names() {
    for (NumberReading& reading : readings_) {
      if (StandsBefore(NumberPhrase::kSecretBefore, reading.begin, 0)) reading.secret = true;
      if (!IsNumber(reading) || !reading.unit.empty() || !reading.currency.empty()) continue;
      const bool long_name =
          reading.value >= kFiveDigits && StandsBefore(NumberPhrase::kLongNameBefore, reading.begin, 0);
      if (long_name || StandsBefore(NumberPhrase::kNameBefore, reading.begin, 0) || IsYear(reading))
        reading.unit = views_[reading.begin - 1];
    }
  }

  void Scope() {
    for (NumberReading& reading : readings_) {
      if (IsCandidate(reading) && IsVague(reading)) reading.standing = NumberStanding::kAlternative;
    }
    std::vector<NumberReading*> asides;
    bool others = false;
    for (NumberReading& reading : readings_) {
      if (!IsCandidate(reading)) continue;
      if (IsAside(reading)) {
        asides.push_back(&reading);
      } else {
        others = true;
      }
    }
    if (!others) return;
    for (NumberReading* aside : asides) aside->standing = NumberStanding::kTakenBack;
  }

 private:
  static bool IsNumber(const NumberReading& reading) {
    return reading.kind == NumberKind::kCount || reading.kind == NumberKind::kAmount;
  }
  static bool IsCandidate(const NumberReading& reading) {
    return IsNumber(reading) && reading.maximal && !reading.homophone && reading.unit.empty() &&
           reading.standing != NumberStanding::kTakenBack;
  }

  bool Pause(size_t word) const { return (words_[word].before & NormalisedWord::kPause) != 0; }

  // A phrase ends in front of word `at`, maybe with words between that say nothing.
  bool StandsBefore(NumberPhrase which, size_t at, size_t most_fillers) const {
    const PhraseList& phrases = lexicon_.Phrases(which);
    for (size_t end = at, fillers = 0; end > 0 && !(end < words_.size() && Pause(end)); --end, ++fillers) {
      const size_t first = end > kLongestPhrase ? end - kLongestPhrase : 0;
      for (size_t begin = first; begin < end; ++begin) {
        const std::vector<size_t> lengths = phrases.LengthsAt(std::span(views_).first(end), begin);
        if (std::find(lengths.begin(), lengths.end(), end - begin) != lengths.end()) return true;
      }
      const bool filler = lexicon_.Is(NumberCue::kScopeFiller, views_[end - 1]) ||
                          lexicon_.Is(NumberCue::kFiller, views_[end - 1]);
      if (fillers == most_fillers || !filler) return false;
    }
    return false;
  }

  bool StandsBehind(NumberPhrase which, size_t at) const {
    return at < words_.size() && !Pause(at) && lexicon_.Phrases(which).MatchesAt(views_, at) > 0;
  }

  // "june 2024"
  bool IsYear(const NumberReading& reading) const {
    return reading.begin > 0 && reading.value >= 1900 && reading.value < 2100 &&
           reading.end == reading.begin + 1 && reading.kind == NumberKind::kCount &&
           lexicon_.Is(NumberCue::kMonth, views_[reading.begin - 1]);
  }

  bool IsVague(const NumberReading& reading) const {
    if (StandsBehind(NumberPhrase::kVagueAfter, reading.end)) return true;
    // "Leave 500 in checking": what stays, not what is moved.
    if (StandsBehind(NumberPhrase::kKeptAfter, reading.end) &&
        StandsBefore(NumberPhrase::kKeptBefore, reading.begin, 0))
      return true;
    if (!StandsBefore(NumberPhrase::kVagueBefore, reading.begin, 0)) return false;
    // "bump it up to 300"
    for (size_t i = reading.begin; i > 0 && reading.begin - i < 6; --i) {
      if (lexicon_.Is(NumberCue::kChangeFrom, views_[i - 1])) return false;
    }
    return true;
  }

  bool IsAside(const NumberReading& reading) const {
    return StandsBefore(NumberPhrase::kAsideBefore, reading.begin, 3) ||
           StandsBehind(NumberPhrase::kAsideAfter, reading.end);
  }

  const std::span<const NormalisedWord> words_;
  std::vector<NumberReading>& readings_;
  const NumberLexicon& lexicon_;
  std::vector<std::string_view> views_;
};

}  // namespace

void MarkNames(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings) {
  ScopeMarker(words, readings).Names();
}

void MarkScope(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings) {
  ScopeMarker(words, readings).Scope();
}

}  // namespace sotto
