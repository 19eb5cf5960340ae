#include "text/spoken_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tuple>
#include <utility>

#include "text/normalise.h"
#include "text/number_words.h"

namespace sotto {
namespace {

constexpr double kLargest = 1e15;
constexpr size_t kMaxDigits = 32;
constexpr size_t kMaxWords = 400;

using Type = NumberWord::Type;

// A number read from the words [begin, end).
struct Parse {
  size_t end = 0;
  double value = 0;
  bool amount = false;  // has a currency, or hundredths by position
  bool joined = false;  // put together by position ("two fifty"): its parts are readings too
  bool homophone = false;
  bool ok() const { return end > 0; }
};

class Reader {
 public:
  Reader(std::span<const std::string_view> words, const NumberOptions& options) : options_(options) {
    tokens_ = ClassifyNumberWords(words.first(std::min(words.size(), kMaxWords)), options.homophones);
  }

  explicit Reader(std::vector<NumberWord> tokens) : tokens_(std::move(tokens)) {}

  // All readings, each marked with whether it needed a homophone; unordered.
  std::vector<NumberReading> Read() {
    for (size_t b = 0; b < tokens_.size(); ++b) {
      if (options_.numbers) ReadNumbersAt(b);
    }
    if (options_.numbers) ReadSpelled();
    if (options_.digits) ReadDigits();
    DropInsideCanonical();
    return std::move(readings_);
  }

 private:
  const NumberWord& At(size_t i) const {
    static constexpr NumberWord kNone{};
    return i < tokens_.size() ? tokens_[i] : kNone;
  }
  bool Is(size_t i, Type type) const { return At(i).type == type; }

  // ---- cardinals
  // ---------------------------------------------------------------------------------------------------

  // 0..99: "seven", "seventeen", "seventy", "seventy seven"; a numeral below 100 without a point.
  Parse Below100(size_t b) const {
    const NumberWord& word = At(b);
    Parse parse{b + 1, word.value, false, false, word.homophone};
    switch (word.type) {
      case Type::kUnit:
      case Type::kTeen:
        return parse;
      case Type::kTens:
        if (Is(b + 1, Type::kUnit) && At(b + 1).value >= 1) {
          return {b + 2, word.value + At(b + 1).value, false, false, At(b + 1).homophone};
        }
        return parse;
      case Type::kNumeral:
        return word.value < 100 && !word.has_point && !word.leading_zero ? parse : Parse{};
      default:
        return {};
    }
  }

  // The multiplier before "hundred", "thousand", ...: also "a", "half a", "a couple of", "2.5", "two and a
  // half".
  Parse Multiplier(size_t b) const {
    if (Is(b, Type::kArticle)) {
      if (Is(b + 1, Type::kCouple)) return {Is(b + 2, Type::kOf) ? b + 3 : b + 2, 2};
      if (Is(b + 1, Type::kQuarter)) return Fraction(b + 1, 0.25);
      if (Is(b + 1, Type::kHalf)) return Fraction(b + 1, 0.5);
      return {b + 1, 1};
    }
    if (Is(b, Type::kCouple)) return {Is(b + 1, Type::kOf) ? b + 2 : b + 1, 2};
    if (Is(b, Type::kHalf)) return Fraction(b, 0.5);
    if (Is(b, Type::kQuarter)) return Fraction(b, 0.25);
    if (Is(b, Type::kUnit) && At(b).value == 3 && Is(b + 1, Type::kQuarters)) return Fraction(b + 1, 0.75);
    return {};
  }

  // "half", "half a", "half of a".
  Parse Fraction(size_t b, double value) const {
    size_t end = b + 1;
    if (Is(end, Type::kOf) && Is(end + 1, Type::kArticle)) return {end + 2, value};
    if (Is(end, Type::kArticle)) ++end;
    return {end, value};
  }

  // "two hundred", "two hundred and five", "twenty five hundred": below 1000, or below 10000 by hundreds.
  Parse Hundreds(size_t b) const {
    Parse many = Below100(b);
    if (!many.ok() || many.value == 0 || !Is(many.end, Type::kHundred)) {
      many = Is(b, Type::kHundred) ? Parse{b, 1} : Multiplier(b);
      if (Is(b, Type::kHundred)) return AfterHundred({b + 1, 100});
      if (!many.ok() || !Is(many.end, Type::kHundred) || many.value < 1) return {};
    }
    return AfterHundred({many.end + 1, many.value * 100, false, false, many.homophone});
  }

  Parse AfterHundred(Parse parse) const {
    size_t at = parse.end;
    if (Is(at, Type::kAnd)) ++at;
    const Parse rest = Below100(at);
    if (!rest.ok() || rest.value == 0 || Is(rest.end, Type::kHundred)) return parse;
    return {rest.end, parse.value + rest.value, false, false, parse.homophone || rest.homophone};
  }

  // Does the word at `i` multiply what stands before it?
  bool BindsOn(size_t i) const { return Is(i, Type::kHundred) || Is(i, Type::kScale); }

  // One group: what may stand before "thousand", or alone.
  Parse Group(size_t b) const {
    if (const Parse hundreds = Hundreds(b); hundreds.ok()) return hundreds;
    if (Is(b, Type::kNumeral) && !At(b).leading_zero) return {b + 1, At(b).value, false, false, false};
    return Below100(b);
  }

  // Canonical cardinals: "one million two hundred thousand and five", "a grand and a half", "1.5 million",
  // "two and a half".
  Parse Cardinal(size_t b) const {
    Parse total;
    double scale_before = kLargest;
    size_t at = b;
    bool homophone = false;
    while (true) {
      const size_t from = at;
      size_t begin = at;
      if (total.ok() && Is(begin, Type::kAnd)) ++begin;
      Parse group = Group(begin);
      if (!group.ok() || (group.end < tokens_.size() && !Is(group.end, Type::kScale))) {
        if (const Parse many = Multiplier(begin); many.ok() && Is(many.end, Type::kScale)) group = many;
      }
      const bool bare = !group.ok() && !total.ok() && Is(begin, Type::kScale) && At(begin).bare;
      if (bare) group = {begin, 1};
      if (!group.ok() && !bare) break;
      if (total.ok() && Is(begin, Type::kNumeral) && At(begin).value >= 1000) break;
      group = WithDecimals(begin, group, scale_before == kLargest);
      double scale = 1;
      size_t end = group.end;
      while (Is(end, Type::kScale)) scale *= At(end++).value;
      if (scale >= scale_before || group.value * scale >= scale_before ||
          (scale == 1 && group.value == 0 && total.ok()))
        break;
      if (total.ok() && BindsOn(end)) break;
      double value = group.value * scale;
      if (scale > 1 && Is(end, Type::kAnd) && Is(end + 1, Type::kArticle) && Is(end + 2, Type::kHalf)) {
        value += scale / 2, end += 3;  // "a grand and a half"
      }
      homophone = homophone || group.homophone;
      total = {end, total.value + value, false, false, homophone};
      at = end;
      scale_before = scale;
      if (scale == 1 || at == from || value >= kLargest) break;
    }
    if (total.value >= kLargest) return {};
    return total;
  }

  // "and a half", "point nine nine" behind a group; only in front ("two and a half million").
  Parse WithDecimals(size_t b, Parse group, bool first) const {
    if (!first) return group;
    const size_t end = group.end;
    const bool whole = group.value == std::floor(group.value);
    if (whole && Is(end, Type::kAnd) && Is(end + 1, Type::kArticle) && Is(end + 2, Type::kHalf)) {
      return {end + 3, group.value + 0.5, false, false, group.homophone};
    }
    if (whole && end > b && Is(end, Type::kPoint)) {
      const auto [digits, after] = DecimalDigits(end + 1);
      if (!digits.empty()) {
        return {after, ToDouble(fmt::format("{:.0f}.{}", group.value, digits)), false, false,
                group.homophone};
      }
    }
    return group;
  }

  // The digits after "point": "nine nine", "ninety nine", "oh five", "25".
  std::pair<std::string, size_t> DecimalDigits(size_t b) const {
    std::string digits;
    size_t at = b;
    while (digits.size() < 9) {
      const NumberWord& word = At(at);
      if (word.type == Type::kUnit || word.type == Type::kOh) {
        digits += static_cast<char>('0' + static_cast<int>(word.value));
        ++at;
      } else if (digits.empty() && word.type == Type::kNumeral && !word.has_point) {
        return {std::string(word.digits), at + 1};
      } else if (digits.empty() && (word.type == Type::kTens || word.type == Type::kTeen)) {
        const Parse parse = Below100(at);
        return {fmt::format("{:.0f}", parse.value), parse.end};
      } else {
        break;
      }
    }
    return {digits, at};
  }

  static double ToDouble(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  // ---- money
  // -------------------------------------------------------------------------------------------------------

  // "dollars and five cents", "bucks fifty", behind a whole number.
  Parse WithCurrency(Parse number) const {
    size_t at = number.end;
    if (Is(at, Type::kOf) && Is(at + 1, Type::kCurrency)) ++at;
    if (Is(at, Type::kCents)) {
      if (number.value >= 1000) return {};
      return {at + 1, std::round(number.value) / 100, true, false, number.homophone};
    }
    if (!Is(at, Type::kCurrency)) return {};
    ++at;
    Parse money{at, number.value, true, false, number.homophone};
    if (number.value != std::floor(number.value)) return money;
    if (Is(at, Type::kAnd) && Is(at + 1, Type::kArticle) && Is(at + 2, Type::kHalf)) {
      return {at + 3, number.value + 0.5, true, false, number.homophone};
    }
    const bool with_and = Is(at, Type::kAnd);
    const Parse cents = CentsAt(with_and ? at + 1 : at);
    if (!cents.ok()) return money;
    const bool said_cents = Is(cents.end, Type::kCents);
    if (!said_cents &&
        (with_and || cents.value < 10 || BindsOn(cents.end) || Is(cents.end, Type::kCurrency))) {
      return money;
    }
    return {said_cents ? cents.end + 1 : cents.end, Hundredths(number.value, cents.value), true, false,
            number.homophone || cents.homophone};
  }

  Parse CentsAt(size_t b) const {
    if (Is(b, Type::kOh) && Is(b + 1, Type::kUnit)) return {b + 2, At(b + 1).value};
    const Parse parse = Below100(b);
    return parse.ok() && parse.value >= 1 ? parse : Parse{};
  }

  static double Hundredths(double whole, double hundredths) { return (whole * 100 + hundredths) / 100; }

  // ---- numbers by position
  // -----------------------------------------------------------------------------------------

  // The second half of "two fifty", "nineteen oh five", "15 99": 10..99 or "oh five".
  Parse Tail(size_t b) const {
    if (Is(b, Type::kOh) && Is(b + 1, Type::kUnit) && !At(b + 1).homophone) return {b + 2, At(b + 1).value};
    if (Is(b, Type::kNumeral) && At(b).digits.size() == 2 && !At(b).has_point && At(b).plain) {
      return {b + 1, At(b).value};
    }
    const Parse parse = Below100(b);
    return parse.ok() && !Is(b, Type::kNumeral) && parse.value >= 10 ? parse : Parse{};
  }

  void ReadNumbersAt(size_t b) {
    if (const Parse ordinal = Ordinal(b); ordinal.ok()) {
      Emit(NumberKind::kOrdinal, b, ordinal, ordinal.value);
      return;
    }
    if (!StartsNumber(b)) return;
    if (Is(b, Type::kPoint)) {
      const auto [digits, end] = DecimalDigits(b + 1);
      if (!digits.empty()) EmitNumber(b, {end, ToDouble("0." + digits)});
      return;
    }
    const Parse number = Cardinal(b);
    if (!number.ok()) {
      const Parse many =
          Multiplier(b);  // "a dollar", "a buck fifty", "half a dozen" has been read as a scale
      if (many.ok()) EmitMoney(b, many);
      return;
    }
    if (!BindsOn(number.end)) EmitNumber(b, number);
    if (const Parse shorter = BeforeDigits(b, number); shorter.ok()) {
      Emit(NumberKind::kCount, b, shorter, shorter.value);
    }
    if (number.value == std::floor(number.value) && !Is(number.end - 1, Type::kCurrency))
      ReadJoined(b, number);
  }

  // "two hundred | four five three two": where dictated digits follow, the number in front of the first of
  // them.
  Parse BeforeDigits(size_t b, const Parse& number) const {
    const size_t last = number.end - 1;
    if (last == b || !Is(last, Type::kUnit) || At(last).homophone) return {};
    size_t run = 0;
    while (IsSingleDigit(last + run)) ++run;
    if (run < 3) return {};
    const Reader front(
        std::vector<NumberWord>(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(last)));
    const Parse shorter = front.Cardinal(b);
    return shorter.end == last ? shorter : Parse{};
  }

  bool IsSingleDigit(size_t i) const {
    const NumberWord& word = At(i);
    return word.type == Type::kUnit || word.type == Type::kOh ||
           (word.type == Type::kNumeral && word.digits.size() == 1);
  }

  // `first` followed by two more places: once as a whole number, once as hundredths.
  void ReadJoined(size_t b, const Parse& first) {
    const Parse tail = Tail(first.end);
    if (!tail.ok() || BindsOn(tail.end) || first.value < 1) {
      ReadJoinedScale(b, first, tail);
      return;
    }
    const bool homophone = first.homophone || tail.homophone;
    const Parse amount{tail.end, Hundredths(first.value, tail.value), true, true, homophone};
    if (Is(tail.end, Type::kCents)) return;
    Emit(NumberKind::kAmount, b, amount, amount.value, HasCurrency(tail.end));
    if (first.value >= 100) return;
    const Parse whole{tail.end, first.value * 100 + tail.value, false, true, homophone};
    EmitNumber(b, whole);
    const Parse cents = Tail(tail.end);  // "one twenty five fifty": 125.50
    if (cents.ok() && !BindsOn(cents.end)) {
      const Parse both{cents.end, Hundredths(whole.value, cents.value), true, true, homophone};
      Emit(NumberKind::kAmount, b, both, both.value, HasCurrency(cents.end));
    }
  }

  // "two fifty thousand": 250,000.
  void ReadJoinedScale(size_t b, const Parse& first, const Parse& tail) {
    if (!tail.ok() || first.value < 1 || first.value >= 10 || !Is(tail.end, Type::kScale)) return;
    const double value = (first.value * 100 + tail.value) * At(tail.end).value;
    EmitNumber(b, {tail.end + 1, value, false, true, first.homophone});
  }

  bool HasCurrency(size_t at) const { return Is(at, Type::kCurrency); }

  // "one five point nine nine", "two zero zero dollars": a number spelled digit by digit.
  void ReadSpelled() {
    size_t b = 0;
    while (b < tokens_.size()) {
      size_t end = b;
      std::string digits;
      bool homophone = false;
      while (end < tokens_.size() && digits.size() < 15) {
        const bool repeat = Is(end, Type::kRepeat);
        const size_t at = repeat ? end + 1 : end;
        if (!IsSingleDigit(at) || Blocked(at)) break;
        digits.append(repeat ? static_cast<size_t>(At(end).value) : 1,
                      static_cast<char>('0' + static_cast<int>(At(at).value)));
        homophone = homophone || At(at).homophone;
        end = at + 1;
      }
      if (digits.size() >= 2 && digits[0] != '0' && !BindsOn(end)) {
        Parse parse{end, ToDouble(digits), false, true, homophone};
        if (Is(end, Type::kPoint)) {
          const auto [decimals, after] = DecimalDigits(end + 1);
          if (!decimals.empty()) parse = {after, ToDouble(digits + "." + decimals), false, true, homophone};
        }
        EmitNumber(b, parse);
      }
      b = std::max(end, b + 1);
    }
  }

  // ---- ordinals
  // ----------------------------------------------------------------------------------------------------

  Parse Ordinal(size_t b) const {
    if (Is(b, Type::kOrdinal)) return At(b).blocked ? Parse{} : Parse{b + 1, At(b).value};
    if (Is(b, Type::kTens) && Is(b + 1, Type::kOrdinal) && At(b + 1).value < 10) {
      return {b + 2, At(b).value + At(b + 1).value};
    }
    if (Is(b + 1, Type::kHundred) && Is(b, Type::kUnit)) {
      const size_t at = Is(b + 2, Type::kAnd) ? b + 3 : b + 2;
      if (!Is(at, Type::kOrdinal) && !Is(at, Type::kTens)) return {};
      const Parse rest = Ordinal(at);
      if (rest.ok()) return {rest.end, At(b).value * 100 + rest.value};
    }
    return {};
  }

  // ---- digit strings
  // -----------------------------------------------------------------------------------------------

  struct Chunk {
    size_t begin;
    size_t end;
    std::string digits;
    bool homophone;
  };

  // One piece of a dictated digit string: "four", "oh", "double seven", "forty five", "eight hundred",
  // "4532".
  Chunk ChunkAt(size_t b) const {
    const NumberWord& word = At(b);
    const Chunk none{b, b, "", false};
    const auto digit = [](double value) { return static_cast<char>('0' + static_cast<int>(value)); };
    if (word.type == Type::kRepeat) {
      if (!IsSingleDigit(b + 1)) return none;
      return {b, b + 2, std::string(static_cast<size_t>(word.value), digit(At(b + 1).value)), false};
    }
    if (Blocked(b)) return none;
    if (word.type == Type::kOh) return {b, b + 1, "0", false};
    if (word.type == Type::kNumeral) {
      if (!word.plain || word.has_point || word.digits.size() > kMaxDigits) return none;
      return {b, b + 1, std::string(word.digits), false};
    }
    const Parse small = Below100(b);
    if (!small.ok()) return none;
    if (small.value >= 1 && Is(small.end, Type::kHundred)) {
      Parse whole = Cardinal(b);
      if (const Parse shorter = BeforeDigits(b, whole); shorter.ok()) whole = shorter;
      if (whole.ok() && !BindsOn(whole.end))
        return {b, whole.end, fmt::format("{:.0f}", whole.value), whole.homophone};
      return none;
    }
    if (Is(small.end, Type::kScale)) {
      const Parse whole = Cardinal(b);
      if (!At(small.end).bare || At(small.end).value != 1000 || !whole.ok() ||
          whole.value != std::floor(whole.value))
        return none;
      return {b, whole.end, fmt::format("{:.0f}", whole.value), whole.homophone};
    }
    return {b, small.end, fmt::format("{:.0f}", small.value), small.homophone};
  }

  void ReadDigits() {
    size_t b = 0;
    while (b < tokens_.size()) {
      std::vector<Chunk> run;
      size_t at = b;
      while (at < tokens_.size()) {
        if (!run.empty() && Is(at, Type::kDash)) ++at;
        Chunk chunk = ChunkAt(at);
        if (chunk.digits.empty()) break;
        at = chunk.end;
        run.push_back(std::move(chunk));
      }
      if (run.empty()) {
        ++b;
        continue;
      }
      ReadDigitRun(run);
      b = run.back().end;
    }
  }

  void ReadDigitRun(const std::vector<Chunk>& run) {
    const auto wanted = static_cast<size_t>(options_.digits_length);
    for (size_t i = 0; i < run.size(); ++i) {
      std::string digits;
      bool homophone = false;
      for (size_t j = i; j < run.size() && digits.size() <= kMaxDigits; ++j) {
        digits += run[j].digits;
        homophone = homophone || run[j].homophone;
        if (digits.size() > kMaxDigits) break;
        const bool single_oh = i == j && Is(run[i].begin, Type::kOh) && !At(run[i].begin).bare;
        if (wanted == 0 ? !single_oh : digits.size() == wanted) {
          EmitDigits(run[i].begin, run[j].end, digits, homophone);
        }
        // The last digits of one longer word: "4111111111114532".
        if (wanted != 0 && i == j && digits.size() > wanted) {
          EmitDigits(run[i].begin, run[j].end, digits.substr(digits.size() - wanted), homophone);
        }
      }
    }
    ReadSplitTail(run);
  }

  // The last digits of a run whose pieces do not end where they begin: "41 11 145 32" asked for four.
  void ReadSplitTail(const std::vector<Chunk>& run) {
    const auto wanted = static_cast<size_t>(options_.digits_length);
    if (wanted == 0 || run.size() < 2) return;
    std::string digits;
    size_t i = run.size();
    bool homophone = false;
    while (i > 0 && digits.size() < wanted) {
      digits.insert(0, run[--i].digits);
      homophone = homophone || run[i].homophone;
    }
    if (digits.size() > wanted) {
      EmitDigits(run[i].begin, run.back().end, digits.substr(digits.size() - wanted), homophone);
    }
  }

  // ---- results
  // -----------------------------------------------------------------------------------------------------

  bool Blocked(size_t i) const { return At(i).blocked; }

  bool StartsNumber(size_t b) const {
    switch (At(b).type) {
      case Type::kUnit:
      case Type::kTeen:
      case Type::kTens:
      case Type::kNumeral:
      case Type::kHundred:
        return !Blocked(b);
      case Type::kArticle:
      case Type::kHalf:
      case Type::kQuarter:
      case Type::kCouple:
      case Type::kPoint:
        return true;
      case Type::kScale:
        return At(b).bare;
      default:
        return false;
    }
  }

  void EmitNumber(size_t b, const Parse& parse) {
    if (EmitMoney(b, parse)) return;
    const bool money = At(b).money && parse.end == b + 1;
    Emit(money ? NumberKind::kAmount : NumberKind::kCount, b, parse, parse.value);
  }

  bool EmitMoney(size_t b, const Parse& parse) {
    const Parse money = WithCurrency(parse);
    if (money.ok()) {
      Emit(NumberKind::kAmount, b, money, money.value);
      return true;
    }
    if (Is(b, Type::kArticle) && parse.end == b + 1) return true;
    // "a buck fifty" has no number of its own; "a couple" alone is no number.
    return parse.end > b &&
           (Is(parse.end - 1, Type::kCouple) || Is(parse.end - 1, Type::kOf) ||
            ((Is(b, Type::kHalf) || Is(b, Type::kQuarter) || Is(b, Type::kArticle)) && parse.value < 1));
  }

  void Emit(NumberKind kind, size_t b, const Parse& parse, double value, bool currency = false) {
    if (!(value < kLargest)) return;
    readings_.push_back({kind, value, NumberText(value), b, currency ? parse.end + 1 : parse.end, true,
                         parse.homophone || At(b).homophone});
  }

  void EmitDigits(size_t b, size_t end, std::string digits, bool homophone) {
    double value = digits.size() <= 15 ? ToDouble(digits) : 0;
    readings_.push_back({NumberKind::kDigits, value, std::move(digits), b, end, true, homophone});
  }

  // "two" and "thirty four" are not said in "two hundred thirty four": a canonical number owns its words.
  void DropInsideCanonical() {
    if (!options_.numbers) return;
    std::vector<Parse> owners(tokens_.size());
    for (size_t b = 0; b < tokens_.size(); ++b) {
      if (!StartsNumber(b)) continue;
      if (Is(b, Type::kPoint)) {
        if (const auto [digits, end] = DecimalDigits(b + 1); !digits.empty()) owners[b] = {end, 0};
        continue;
      }
      Parse number = Cardinal(b);
      if (!number.ok()) number = Multiplier(b);
      if (!number.ok() || BindsOn(number.end)) continue;
      if (const Parse money = WithCurrency(number); money.ok()) number = money;
      owners[b] = number;
    }
    std::vector<size_t> ordinal_ends(tokens_.size() + 1);  // reached by ordinals that begin earlier
    for (const NumberReading& reading : readings_) {
      if (reading.kind != NumberKind::kOrdinal) continue;
      for (size_t i = reading.begin + 1; i < reading.end; ++i) ordinal_ends[i] = reading.end;
    }
    std::erase_if(readings_, [&](const NumberReading& reading) {
      if (reading.kind == NumberKind::kDigits) return false;
      if (reading.kind == NumberKind::kOrdinal) return reading.begin < ordinal_ends[reading.begin];
      if (reading.begin > 0 && Is(reading.begin - 1, Type::kRepeat)) return true;
      for (size_t b = 0; b < reading.begin; ++b) {
        const Parse& owner = owners[b];
        if (owner.ok() && owner.end > reading.begin && (!owner.homophone || reading.homophone)) return true;
      }
      return false;
    });
  }

  NumberOptions options_;
  std::vector<NumberWord> tokens_;
  std::vector<NumberReading> readings_;
};

size_t Family(NumberKind kind) {
  return kind == NumberKind::kDigits ? 1 : kind == NumberKind::kOrdinal ? 2 : 0;
}

// Orders, removes duplicates, and marks what stands inside a longer reading of its family. A reading that
// needed a homophone does not outdo one that did not.
void SortAndMark(std::vector<NumberReading>& readings) {
  std::stable_sort(readings.begin(), readings.end(), [](const NumberReading& a, const NumberReading& b) {
    return std::tuple(a.begin, b.end, a.kind) < std::tuple(b.begin, a.end, b.kind);
  });
  const auto same = [](const NumberReading& a, const NumberReading& b) {
    return a.kind == b.kind && a.begin == b.begin && a.end == b.end && a.text == b.text;
  };
  readings.erase(std::unique(readings.begin(), readings.end(), same), readings.end());
  // Ends reached so far, by family and need of homophones: from earlier begins, and from the same begin.
  std::array<size_t, 6> earlier{};
  std::array<size_t, 6> here{};
  size_t begin = 0;
  for (NumberReading& reading : readings) {
    if (reading.begin != begin) {
      for (size_t i = 0; i < here.size(); ++i) earlier[i] = std::max(earlier[i], here[i]);
      here = {};
      begin = reading.begin;
    }
    const size_t plain = Family(reading.kind) * 2;
    const size_t last = reading.homophone ? plain + 1 : plain;
    for (size_t i = plain; i <= last; ++i) {
      if (earlier[i] >= reading.end || here[i] > reading.end) reading.maximal = false;
    }
    size_t& reached = here[reading.homophone ? plain + 1 : plain];
    reached = std::max(reached, reading.end);
  }
}

}  // namespace

std::string NumberText(double value) {
  if (value == 0) return "0";
  return fmt::format("{}", value);
}

std::vector<NumberReading> ReadNumbers(std::span<const std::string_view> words,
                                       const NumberOptions& options) {
  NumberOptions plain = options;
  plain.homophones = false;
  std::vector<NumberReading> readings = Reader(words, plain).Read();
  if (options.homophones) {
    for (NumberReading& reading : Reader(words, options).Read()) {
      if (reading.homophone) readings.push_back(std::move(reading));
    }
  }
  SortAndMark(readings);
  return readings;
}

std::vector<NumberReading> ReadNumbers(std::string_view spoken_text, const NumberOptions& options) {
  return ReadNumbers(SplitWords(spoken_text), options);
}

}  // namespace sotto
