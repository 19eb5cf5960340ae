#include "text/spoken_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "text/dictated_digits.h"
#include "text/number_grammar.h"
#include "text/number_scope.h"
#include "text/number_standing.h"

namespace sotto {
namespace {

using Part = NumberPart;

constexpr size_t kMaxWords = 400;

// Numbers, left to right: at each place the readings that come farthest are the maximal ones, and the next
// number begins behind them.
class NumberReader {
 public:
  NumberReader(const NumberGrammar& grammar, std::vector<NumberReading>& readings)
      : grammar_(grammar), readings_(readings) {}

  void Run() {
    size_t free = 0;   // the first token behind the last maximal reading
    size_t owned = 0;  // the first behind the last number that is built of its words, not by position
    for (size_t b = 0; b < grammar_.size(); ++b) {
      found_.clear();
      ReadAt(b, free);
      if (found_.empty()) continue;
      size_t farthest = 0;
      for (const Found& found : found_) farthest = std::max(farthest, found.end);
      const bool maximal = b >= free;
      if (!maximal && b < owned) continue;
      for (const Found& found : found_) Emit(b, found, maximal && found.end == farthest);
      if (!maximal) continue;
      free = farthest;
      if (canonical_end_ > 0) owned = std::max(owned, canonical_end_);
    }
  }

 private:
  struct Found {
    NumberKind kind = NumberKind::kCount;
    size_t end = 0;
    double value = 0;
    NumberForm form = NumberForm::kPlain;
    std::string_view currency;
    bool homophone = false;
    bool vague = false;
  };

  static Found Of(NumberKind kind, size_t end, double value) {
    Found found;
    found.kind = kind;
    found.end = end;
    found.value = value;
    return found;
  }

  bool Is(size_t i, Part part) const { return grammar_.Is(i, part); }
  const NumberToken& At(size_t i) const { return grammar_.At(i); }

  void ReadAt(size_t b, size_t free) {
    canonical_end_ = 0;
    sign_ = 1;
    if (const NumberParse ordinal = grammar_.Ordinal(b); ordinal.ok()) {
      found_.push_back(Of(NumberKind::kOrdinal, ordinal.end, ordinal.value));
      canonical_end_ = ordinal.end;
      return;
    }
    if (Is(b, Part::kMinus)) {
      ReadNumberAt(b + 1);
      sign_ = -1;
      return;
    }
    // The currency in front: "usd 20".
    if (Is(b, Part::kCurrency) && b >= free && !At(b + 1).pause_before && grammar_.Starts(b + 1) &&
        !Is(b + 1, Part::kArticle)) {
      ReadNumberAt(b + 1);
      for (Found& found : found_) {
        found.kind = NumberKind::kAmount;
        // The sign is read as the word in front: "£20".
        if (found.currency.empty()) found.currency = At(b).text == "pounds" ? "GBP" : At(b).currency;
      }
      return;
    }
    ReadNumberAt(b);
  }

  void ReadNumberAt(size_t b) {
    if (!grammar_.Starts(b)) return;
    NumberParse number = BeforeDigits(grammar_, b, grammar_.Cardinal(b));
    if (number.ok() && grammar_.BindsOn(number.end)) number = {};
    if (const NumberParse both = TensAndUnit(b, number); both.ok()) number = both;
    // "not sixty six hundred"
    if (IsTakenBack(b) && Is(b, Part::kTens) && Is(b + 1, Part::kUnit) && grammar_.BindsOn(b + 2))
      number = {b + 1, At(b).value, At(b).homophone};
    MoneyParse money = grammar_.Money(b, number);
    // "five bills" and nothing else: hundreds.
    if (!money.ok() && number.ok() && b == 0 && Is(number.end, Part::kBill) &&
        number.end + 1 == grammar_.size())
      money = {number.end + 1, number.value * 100, {}, number.homophone};
    canonical_end_ = money.ok() ? money.end : number.end;
    if (money.ok()) {
      found_.push_back(
          {NumberKind::kAmount, money.end, money.value, NumberForm::kPlain, money.currency, money.homophone});
    } else if (number.ok()) {
      AddNumber(b, number, NumberForm::kPlain);
    } else {
      AddShare(b);
    }
    const NumberParse spelled = grammar_.Spelled(b);
    if (number.ok()) AddSaidTwice(b, number, grammar_.Spelled(number.end));
    if (spelled.ok()) AddSaidTwice(b, spelled, grammar_.Cardinal(spelled.end));
    if (number.ok() && number.value == std::floor(number.value) && !number.vague && !IsMoney(b))
      ReadJoined(b, number);
    if (!spelled.ok()) return;
    if (Is(spelled.end, Part::kCurrency) && spelled.value == std::floor(spelled.value)) {
      const MoneyParse both = grammar_.WithCents(spelled.end, spelled, At(spelled.end).currency);
      found_.push_back(
          {NumberKind::kAmount, both.end, both.value, NumberForm::kSpelled, both.currency, both.homophone});
    } else {
      AddNumber(b, spelled, NumberForm::kSpelled);
    }
  }

  // "fifteen one five", "five zero fifty": the same number again in the other way.
  void AddSaidTwice(size_t b, const NumberParse& first, const NumberParse& again) {
    if (!again.ok() || again.value != first.value || first.value < 10 || grammar_.BindsOn(again.end)) return;
    AddNumber(b, {again.end, first.value, first.homophone || again.homophone}, NumberForm::kPlain);
  }

  // "forty nine and ninety nine": nothing else is said so of two numbers.
  void ReadAndHundredths(size_t b, const NumberParse& first) {
    const bool round = Is(first.end - 1, Part::kTens) || Is(first.end - 1, Part::kHundred) ||
                       Is(first.end - 1, Part::kScale) || Is(first.end - 1, Part::kNumeral);
    if (round || first.value < 11 || !Is(first.end, Part::kAnd) || IsTakenBack(b)) return;
    if (b > 0 && NumberLexicon::English().Is(NumberCue::kBetween, At(b - 1).text)) return;
    const NumberParse rest = grammar_.Below100(first.end + 1);
    if (!rest.ok() || rest.value < 10 || Is(first.end + 1, Part::kNumeral) || grammar_.BindsOn(rest.end))
      return;
    const NumberToken& after = At(rest.end);
    if (NumberLexicon::English().Is(NumberCue::kMeasure, after.text) || after.part == Part::kUnit ||
        after.part == Part::kOh || after.part == Part::kCurrency || after.part == Part::kCoin)
      return;
    AddNumber(b, {rest.end, Hundredths(first.value, rest.value), first.homophone || rest.homophone},
              NumberForm::kPosition, true);
  }

  bool IsMoney(size_t b) const { return !At(b).currency.empty(); }

  // "thirty and six dollars"
  NumberParse TensAndUnit(size_t b, const NumberParse& number) const {
    if (!number.ok() || number.end != b + 1 || !Is(b, Part::kTens) || !Is(b + 1, Part::kAnd)) return {};
    if (!Is(b + 2, Part::kUnit) || At(b + 2).value < 1 || !Is(b + 3, Part::kCurrency)) return {};
    return {b + 3, number.value + At(b + 2).value, number.homophone || At(b + 2).homophone};
  }

  // "half a percent"
  void AddShare(size_t b) {
    for (const auto& [part, value] : {std::pair(Part::kHalf, 0.5), std::pair(Part::kQuarter, 0.25)}) {
      if (!Is(b, part)) continue;
      size_t end = b + 1;
      if (Is(end, Part::kOf)) ++end;
      if (Is(end, Part::kArticle)) ++end;
      if (Is(end, Part::kPercent)) found_.push_back(Of(NumberKind::kPercent, end + 1, value));
    }
  }

  // A number with what stands behind it: a currency, "percent", or nothing.
  void AddNumber(size_t b, const NumberParse& parse, NumberForm form, bool amount = false) {
    Found found{amount || IsMoney(b) ? NumberKind::kAmount : NumberKind::kCount,
                parse.end,
                parse.value,
                form,
                At(b).part == Part::kNumeral ? At(b).currency : std::string_view(),
                parse.homophone,
                parse.vague};
    if (Is(found.end, Part::kCurrency)) {
      found.kind = NumberKind::kAmount;
      found.currency = At(found.end++).currency;
    } else if (Is(found.end, Part::kPercent)) {
      found.kind = NumberKind::kPercent;
      ++found.end;
    }
    found_.push_back(found);
  }

  // `first` followed by two more places: once as a whole number, once as hundredths.
  void ReadJoined(size_t b, const NumberParse& first) {
    ReadAndHundredths(b, first);
    const NumberParse tail = grammar_.Tail(first.end);
    // "ninety ninety six eighty": begun, then said; "thirty forty dollars": one or the other
    const bool tens = Is(b, Part::kTens) && first.end == b + 1 && Is(first.end, Part::kTens);
    const bool begun = tens && At(b).value == At(b + 1).value && tail.end > b + 2;
    if (begun && grammar_.Tail(tail.end).ok()) return;
    if (tens && At(b).value + 10 == At(b + 1).value && tail.end == b + 2 && Is(tail.end, Part::kCurrency))
      return;
    if (!tail.ok() || first.value < 1 || IsTakenBack(b)) return;
    const bool homophone = first.homophone || tail.homophone;
    if (grammar_.BindsOn(tail.end)) {
      // "two fifty thousand": 250,000.
      if (first.value < 10 && Is(tail.end, Part::kScale))
        AddNumber(b, {tail.end + 1, (first.value * 100 + tail.value) * At(tail.end).value, homophone},
                  NumberForm::kPlain);
      return;
    }
    if (Is(tail.end, Part::kCoin)) return;
    // "twenty twenty dollars": said twice.
    if (tail.value == first.value && Is(tail.end, Part::kCurrency) && tail.value != 99) {
      AddNumber(b, {tail.end, first.value, homophone}, NumberForm::kPlain);
      return;
    }
    const NumberParse cents = grammar_.Tail(tail.end);
    const bool three = cents.ok() && !grammar_.BindsOn(cents.end) && first.value < 100;
    if (three) {  // "one twenty five fifty": 125.50
      const double whole = first.value * 100 + tail.value;
      AddNumber(b, {cents.end, Hundredths(whole, cents.value), homophone || cents.homophone},
                NumberForm::kPosition, true);
      return;
    }
    AddNumber(b, {tail.end, Hundredths(first.value, tail.value), homophone}, NumberForm::kPosition, true);
    if (first.value < 100)
      AddNumber(b, {tail.end, first.value * 100 + tail.value, homophone}, NumberForm::kPosition);
  }

  // "not ninety nineteen" is no 90.19.
  bool IsTakenBack(size_t b) const {
    return b > 0 && NumberLexicon::English().Is(NumberCue::kNot, At(b - 1).text);
  }

  // What is counted: the word behind the number, or the month that it is a day of.
  std::string UnitOf(size_t b, const Found& found) const {
    const NumberLexicon& lexicon = NumberLexicon::English();
    const NumberToken& after = At(found.end);
    if (!after.pause_before && (after.part == Part::kMeasure || lexicon.Is(NumberCue::kMeasure, after.text)))
      return std::string(after.text);
    const bool is_day = found.value >= 1 && found.value <= 31 && found.value == std::floor(found.value);
    if (!is_day) return {};
    if (b > 0 && lexicon.Is(NumberCue::kMonth, At(b - 1).text)) return std::string(At(b - 1).text);
    return lexicon.Is(NumberCue::kMonth, after.text) ? std::string(after.text) : std::string();
  }

  void Emit(size_t b, const Found& found, bool maximal) {
    if (!(found.value < NumberGrammar::kLargest) || found.end == 0) return;
    NumberReading reading;
    reading.kind = found.kind;
    reading.value = sign_ * found.value;
    reading.text = NumberText(reading.value);
    reading.begin = At(b).word;
    reading.end = At(found.end - 1).word + 1;
    reading.currency = found.currency;
    reading.form = found.form;
    reading.maximal = maximal;
    reading.homophone = found.homophone || At(b).homophone;
    if (found.vague) reading.standing = NumberStanding::kAlternative;
    if (found.kind == NumberKind::kCount || found.form == NumberForm::kPosition)
      reading.unit = UnitOf(b, found);
    readings_.push_back(std::move(reading));
  }

  const NumberGrammar& grammar_;
  std::vector<NumberReading>& readings_;
  std::vector<Found> found_;
  size_t canonical_end_ = 0;
  double sign_ = 1;
};

size_t Family(NumberKind kind) {
  return kind == NumberKind::kDigits ? 1 : kind == NumberKind::kOrdinal ? 2 : 0;
}

void SortUnique(std::vector<NumberReading>& readings) {
  std::stable_sort(readings.begin(), readings.end(), [](const NumberReading& a, const NumberReading& b) {
    return std::tuple(a.begin, b.end, a.kind) < std::tuple(b.begin, a.end, b.kind);
  });
  const auto same = [](const NumberReading& a, const NumberReading& b) {
    return a.kind == b.kind && a.begin == b.begin && a.end == b.end && a.text == b.text;
  };
  readings.erase(std::unique(readings.begin(), readings.end(), same), readings.end());
}

// Marks digit strings that stand inside a longer one. One that needed a homophone does not outdo one that did
// not. REQUIRES: sorted.
void MarkInnerDigits(std::vector<NumberReading>& readings) {
  std::array<size_t, 2> earlier{};  // ends reached from earlier begins, by need of homophones
  std::array<size_t, 2> here{};
  size_t begin = 0;
  for (NumberReading& reading : readings) {
    if (reading.kind != NumberKind::kDigits) continue;
    if (reading.begin != begin) {
      for (size_t i = 0; i < 2; ++i) earlier[i] = std::max(earlier[i], here[i]);
      here = {};
      begin = reading.begin;
    }
    for (size_t i = 0; i <= (reading.homophone ? 1u : 0u); ++i) {
      if (earlier[i] >= reading.end || here[i] > reading.end) reading.maximal = false;
    }
    size_t& reached = here[reading.homophone ? 1 : 0];
    reached = std::max(reached, reading.end);
  }
}

// "forty five" is no number of its own in the dictated "forty five three two".
void MarkInsideDictated(std::span<const NormalisedWord> words, std::vector<NumberReading>& readings) {
  constexpr size_t kDictated = 3;  // words
  const auto without_and = [&](const NumberReading& digits) {
    return std::none_of(words.begin() + static_cast<std::ptrdiff_t>(digits.begin),
                        words.begin() + static_cast<std::ptrdiff_t>(digits.end), [](const auto& word) {
                          const auto* entry = NumberLexicon::English().Find(word.text);
                          return entry != nullptr && entry->part == Part::kAnd;
                        });
  };
  for (NumberReading& reading : readings) {
    if (reading.kind != NumberKind::kCount || reading.value >= 100 || !reading.maximal) continue;
    reading.maximal = std::none_of(readings.begin(), readings.end(), [&](const NumberReading& digits) {
      return digits.kind == NumberKind::kDigits && !digits.homophone && digits.begin <= reading.begin &&
             digits.end >= reading.end && digits.end - digits.begin >= kDictated &&
             digits.end - digits.begin > reading.end - reading.begin && without_and(digits);
    });
  }
}

// A digit string inside a longer number is none: "2" of "2 million", "fifty" of "a buck fifty".
void DropDigitsInNumbers(std::vector<NumberReading>& readings) {
  std::vector<std::pair<size_t, size_t>> numbers;
  for (const NumberReading& reading : readings) {
    if (reading.kind != NumberKind::kDigits && reading.kind != NumberKind::kOrdinal && reading.maximal &&
        reading.form == NumberForm::kPlain && !reading.homophone)
      numbers.emplace_back(reading.begin, reading.end);
  }
  std::erase_if(readings, [&](const NumberReading& digits) {
    if (digits.kind != NumberKind::kDigits) return false;
    return std::any_of(numbers.begin(), numbers.end(), [&](const auto& number) {
      return number.first <= digits.begin && number.second >= digits.end &&
             number.second - number.first > digits.end - digits.begin;
    });
  });
}

std::vector<NumberReading> Read(std::span<const NormalisedWord> words, const NumberOptions& options) {
  const std::vector<NumberToken> tokens = TokeniseNumbers(words, options.homophones);
  const NumberGrammar grammar(tokens);
  std::vector<NumberReading> readings;
  if (options.numbers) NumberReader(grammar, readings).Run();
  if (options.digits) ReadDictatedDigits(grammar, options.digits_length, readings);
  return readings;
}

// A word that sounds like a number beside a number is that number's neighbour ("transfer to fifty"), unless
// what is left without it is no number of its own ("to hundred").
bool IsAgainstPlain(const NumberReading& sound, std::span<const NumberReading> plain,
                    std::span<const NormalisedWord> words) {
  return std::any_of(plain.begin(), plain.end(), [&](const NumberReading& reading) {
    if (Family(reading.kind) != Family(sound.kind) || reading.end <= sound.begin ||
        sound.end <= reading.begin)
      return false;
    const auto* first = NumberLexicon::English().Find(words[reading.begin].text);
    return first == nullptr || (first->part != Part::kHundred && first->part != Part::kScale);
  });
}

}  // namespace

bool IsAnswerFiller(std::string_view word) {
  return NumberLexicon::English().Is(NumberCue::kAnswerFiller, word);
}

std::string NumberText(double value) {
  if (value == 0) return "0";
  return fmt::format("{}", value);
}

std::vector<NumberReading> ReadNumbers(std::span<const NormalisedWord> words, const NumberOptions& options) {
  words = words.first(std::min(words.size(), kMaxWords));
  NumberOptions plain_options = options;
  plain_options.homophones = false;
  std::vector<NumberReading> readings = Read(words, plain_options);
  if (options.homophones) {
    const size_t n_plain = readings.size();
    for (NumberReading& reading : Read(words, options)) {
      if (!reading.homophone) continue;
      const bool digits = reading.kind == NumberKind::kDigits;
      if (!digits && IsAgainstPlain(reading, std::span(readings).first(n_plain), words)) continue;
      readings.push_back(std::move(reading));
    }
  }
  SortUnique(readings);
  MarkInnerDigits(readings);
  MarkInsideDictated(words, readings);
  DropDigitsInNumbers(readings);
  MarkNames(words, readings);
  MarkStanding(words, readings);
  MarkScope(words, readings);
  return readings;
}

std::vector<NumberReading> ReadNumbers(std::span<const std::string_view> words,
                                       const NumberOptions& options) {
  std::vector<NormalisedWord> plain;
  for (const std::string_view word : words.first(std::min(words.size(), kMaxWords)))
    plain.push_back({std::string(word), 0, 0, 0});
  return ReadNumbers(plain, options);
}

std::vector<NumberReading> ReadNumbers(std::string_view text, const NumberOptions& options) {
  return ReadNumbers(NormaliseSpokenWords(text), options);
}

}  // namespace sotto
