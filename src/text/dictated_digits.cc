#include "text/dictated_digits.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace sotto {
namespace {

using Part = NumberPart;

constexpr size_t kMaxDigits = 32;

class DigitReader {
 public:
  DigitReader(const NumberGrammar& grammar, int length, std::vector<NumberReading>& readings)
      : grammar_(grammar), wanted_(static_cast<size_t>(length)), readings_(readings) {}

  void Run() {
    size_t b = 0;
    while (b < grammar_.size()) {
      std::vector<Chunk> run;
      size_t at = b;
      while (at < grammar_.size()) {
        Chunk chunk = ChunkAt(run.empty() ? SkipArticle(at) : SkipBetween(at));
        if (chunk.digits.empty() || (!run.empty() && IsOtherThanTakenBack(run.front(), chunk))) break;
        at = chunk.end;
        run.push_back(std::move(chunk));
      }
      if (run.empty()) {
        ++b;
        continue;
      }
      ReadRun(run);
      b = run.back().end;
    }
  }

 private:
  struct Chunk {
    size_t begin = 0;
    size_t end = 0;
    std::string digits;
    bool homophone = false;
  };

  bool Is(size_t i, Part part) const { return grammar_.Is(i, part); }

  // "not 4532, 7788"
  bool IsOtherThanTakenBack(const Chunk& first, const Chunk& chunk) const {
    if (first.begin == 0 || !NumberLexicon::English().Is(NumberCue::kNot, At(first.begin - 1).text))
      return false;
    return At(chunk.begin).pause_before || Is(chunk.begin, Part::kNumeral);
  }

  const NumberToken& At(size_t i) const { return grammar_.At(i); }

  // "a one" among digits.
  size_t SkipArticle(size_t at) const {
    return Is(at, Part::kArticle) && grammar_.IsSingleDigit(at + 1) ? at + 1 : at;
  }

  // "and", "then", "dash" between digits, and the "a" of "a one".
  size_t SkipBetween(size_t at) const {
    size_t next = at;
    if (Is(next, Part::kDash)) ++next;
    if (Is(next, Part::kAnd)) ++next;
    if (Is(next, Part::kThen)) ++next;
    return SkipArticle(next);
  }

  static char Digit(double value) { return static_cast<char>('0' + static_cast<int>(value)); }

  // One piece: "four", "oh", "double seven", "forty five", "eight hundred", "three nines", "4532".
  Chunk ChunkAt(size_t b) const {
    const NumberToken& token = At(b);
    if (token.blocked || IsCounted(b + 1)) return {};
    if (token.part == Part::kRepeat) {
      if (!grammar_.IsSingleDigit(b + 1) || IsCounted(b + 2)) return {};
      return {b, b + 2, std::string(static_cast<size_t>(token.value), Digit(At(b + 1).value)), false};
    }
    if (token.part == Part::kOh) return {b, b + 1, "0", false};
    if (token.part == Part::kNumeral) return NumeralChunk(b);
    const NumberParse small = grammar_.Below100(b);
    if (!small.ok() || IsCounted(small.end)) return {};
    if (Is(small.end, Part::kPlural) && At(small.end).value < 10 && small.value >= 2 && small.value < 10)
      return {b, small.end + 1, std::string(static_cast<size_t>(small.value), Digit(At(small.end).value)),
              small.homophone};
    if (grammar_.BindsOn(small.end)) return HundredsChunk(b, small);
    return {b, small.end, fmt::format("{:.0f}", small.value), small.homophone};
  }

  Chunk NumeralChunk(size_t b) const {
    const NumberToken& token = At(b);
    if (!token.whole_word || !token.currency.empty()) return {};
    std::string digits(token.digits);
    if (token.decimal_comma) {
      digits = token.text;
      std::erase(digits, '.');
    }
    if (digits.empty() || digits.size() > kMaxDigits) return {};
    return {b, b + 1, std::move(digits), false};
  }

  // "eight hundred", "four thousand five hundred thirty two"; the number in front of three single digits
  // leaves them alone.
  Chunk HundredsChunk(size_t b, const NumberParse& small) const {
    const bool scale = Is(small.end, Part::kScale);
    if (small.value < 1 || (scale && (!At(small.end).bare || At(small.end).value != 1000))) return {};
    const NumberParse whole = BeforeDigits(grammar_, b, grammar_.Cardinal(b));
    if (!whole.ok() || grammar_.BindsOn(whole.end) || whole.value != std::floor(whole.value) ||
        IsCounted(whole.end))
      return {};
    return {b, whole.end, fmt::format("{:.0f}", whole.value), whole.homophone};
  }

  // Money, a share or a measure: no digits of a string.
  bool IsCounted(size_t at) const {
    const NumberToken& token = At(at);
    return token.part == Part::kCurrency || token.part == Part::kCoin || token.part == Part::kPercent ||
           token.part == Part::kMeasure ||
           (!token.pause_before && NumberLexicon::English().Is(NumberCue::kMeasure, token.text));
  }

  bool IsYear(const std::vector<Chunk>& run, const std::string& digits) const {
    if (digits.size() != 4 || run.front().begin == 0 || (digits[0] != '1' && digits[0] != '2')) return false;
    return NumberLexicon::English().Is(NumberCue::kMonth, At(run.front().begin - 1).text);
  }

  void ReadRun(const std::vector<Chunk>& run) {
    for (size_t i = 0; i < run.size(); ++i) {
      std::string digits;
      bool homophone = false;
      for (size_t j = i; j < run.size(); ++j) {
        digits += run[j].digits;
        homophone = homophone || run[j].homophone;
        if (digits.size() > kMaxDigits) break;
        if (i == 0 && j + 1 == run.size() && IsYear(run, digits)) continue;
        const bool single_oh = i == j && Is(run[i].begin, Part::kOh);
        if (wanted_ == 0 ? !single_oh : digits.size() == wanted_) Emit(run, i, j, digits, homophone);
        // The last digits of one longer word: "4111111111114532".
        if (wanted_ != 0 && i == j && digits.size() > wanted_)
          Emit(run, i, j, digits.substr(digits.size() - wanted_), homophone);
      }
    }
    ReadSplitTail(run);
  }

  // The last digits of a run whose pieces do not end where they begin: "41 11 145 32" asked for four.
  void ReadSplitTail(const std::vector<Chunk>& run) {
    if (wanted_ == 0 || run.size() < 2) return;
    std::string digits;
    size_t i = run.size();
    bool homophone = false;
    while (i > 0 && digits.size() < wanted_) {
      digits.insert(0, run[--i].digits);
      homophone = homophone || run[i].homophone;
    }
    if (digits.size() > wanted_)
      Emit(run, i, run.size() - 1, digits.substr(digits.size() - wanted_), homophone);
  }

  void Emit(const std::vector<Chunk>& run, size_t first, size_t last, std::string digits, bool homophone) {
    NumberReading reading;
    reading.kind = NumberKind::kDigits;
    reading.value = digits.size() <= 15 ? ToDouble(digits) : 0;
    reading.text = std::move(digits);
    reading.begin = At(run[first].begin).word;
    reading.end = At(run[last].end - 1).word + 1;
    reading.homophone = homophone;
    reading.form = last > first ? NumberForm::kSpelled : NumberForm::kPlain;
    readings_.push_back(std::move(reading));
  }

  const NumberGrammar& grammar_;
  const size_t wanted_;
  std::vector<NumberReading>& readings_;
};

}  // namespace

void ReadDictatedDigits(const NumberGrammar& grammar, int length, std::vector<NumberReading>& readings) {
  DigitReader(grammar, length, readings).Run();
}

}  // namespace sotto
