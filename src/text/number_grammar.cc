#include "text/number_grammar.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace sotto {

using Part = NumberPart;

double ToDouble(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool NumberGrammar::IsSingleDigit(size_t i) const {
  const NumberToken& token = At(i);
  return !token.blocked && token.whole_word &&
         (token.part == Part::kUnit || token.part == Part::kOh ||
          (token.part == Part::kNumeral && token.digits.size() == 1));
}

bool NumberGrammar::Starts(size_t b) const {
  switch (At(b).part) {
    case Part::kUnit:
    case Part::kTeen:
    case Part::kTens:
    case Part::kNumeral:
    case Part::kHundred:
      return !At(b).blocked;
    case Part::kArticle:
    case Part::kHalf:
    case Part::kQuarter:
    case Part::kCouple:
    case Part::kVague:
    case Part::kHundreds:
    case Part::kPoint:
    case Part::kNote:
      return true;
    case Part::kScale:
      return At(b).bare;
    default:
      return false;
  }
}

NumberParse NumberGrammar::Below100(size_t b) const {
  const NumberToken& token = At(b);
  if (token.blocked) return {};
  const NumberParse parse{b + 1, token.value, token.homophone};
  if (Is(b + 1, Part::kDenominator)) return {};  // "three quarters"
  switch (token.part) {
    case Part::kUnit:
    case Part::kTeen:
      return parse;
    case Part::kTens:
      if (Is(b + 1, Part::kUnit) && At(b + 1).value >= 1 && !At(b + 1).pause_before)
        return {b + 2, token.value + At(b + 1).value, At(b + 1).homophone};
      return parse;
    case Part::kNumeral:
      return token.value < 100 && token.decimals == 0 && !token.leading_zero ? parse : NumberParse{};
    default:
      return {};
  }
}

// The multiplier before "hundred", "thousand", ...: "a", "half a", "a couple of", "three quarters of a", "a
// few".
NumberParse NumberGrammar::Multiplier(size_t b) const {
  const size_t at = Is(b, Part::kArticle) ? b + 1 : b;
  const auto behind_of = [&](size_t end) { return Is(end, Part::kOf) ? end + 1 : end; };
  switch (At(at).part) {
    case Part::kCouple:
      return {behind_of(at + 1), 2};
    case Part::kVague:
      return {behind_of(at + 1), 1, false, true};
    case Part::kHundreds:
      return {behind_of(at + 1), At(at).value, false, true};
    case Part::kHalf:
      return Fraction(at, 0.5);
    case Part::kQuarter:
      return Fraction(at, 0.25);
    default:
      break;
  }
  if (at > b) return {at, 1};
  if (Is(b, Part::kUnit) && Is(b + 1, Part::kDenominator))
    return Fraction(b + 1, At(b).value / At(b + 1).value);
  return {};
}

// "half", "half a", "half of a".
NumberParse NumberGrammar::Fraction(size_t b, double value) const {
  size_t end = b + 1;
  if (Is(end, Part::kOf)) ++end;
  if (Is(end, Part::kArticle)) return {end + 1, value};
  return {b + 1, value};
}

// "two hundred", "two hundred and five", "three hundred oh two", "twenty five hundred", "two and a half
// hundred".
NumberParse NumberGrammar::Hundreds(size_t b) const {
  if (Is(b, Part::kHundred)) return AfterHundred({b + 1, 100});
  NumberParse many = Below100(b);
  if (Is(b, Part::kNumeral) && At(b).value < 10000 && !At(b).leading_zero) many = {b + 1, At(b).value};
  if (many.ok()) many = WithDecimals(b, many);
  if (!many.ok() || many.value == 0 || !Is(many.end, Part::kHundred)) many = Multiplier(b);
  if (!many.ok() || !Is(many.end, Part::kHundred)) return {};
  const NumberParse whole{many.end + 1, many.value * 100, many.homophone, many.vague};
  return many.value == std::floor(many.value) && !many.vague ? AfterHundred(whole) : whole;
}

NumberParse NumberGrammar::AfterHundred(NumberParse parse) const {
  size_t at = parse.end;
  if (AndFraction(at, 1).ok()) return parse;
  if (Is(at, Part::kOh) && Is(at + 1, Part::kUnit) && !At(at + 1).homophone)
    return {at + 2, parse.value + At(at + 1).value, parse.homophone};
  if (Is(at, Part::kAnd)) ++at;
  const NumberParse rest = Below100(at);
  if (!rest.ok() || rest.value == 0 || Is(rest.end, Part::kHundred)) return parse;
  return {rest.end, parse.value + rest.value, parse.homophone || rest.homophone};
}

// "three fifty", "one oh five" behind thousands.
NumberParse NumberGrammar::ShortHundred(size_t b) const {
  if (!Is(b, Part::kUnit) || At(b).value < 1 || At(b).homophone) return {};
  const NumberParse tail = Tail(b + 1);
  if (!tail.ok() || BindsOn(tail.end)) return {};
  return {tail.end, At(b).value * 100 + tail.value, tail.homophone};
}

// "10 000", "1 234 567.50": figures in groups of three.
NumberParse NumberGrammar::SpacedGroups(size_t b) const {
  const NumberToken& first = At(b);
  if (first.part != Part::kNumeral || first.digits.empty() || first.digits.size() > 3 || first.leading_zero ||
      first.value == 0)
    return {};
  double value = first.value;
  size_t at = b + 1;
  for (; Is(at, Part::kNumeral) && !At(at).pause_before && !At(at).hyphen_before; ++at) {
    const bool three = At(at).digits.size() == 3 || (At(at).decimals > 0 && At(at).text.find('.') == 3);
    if (!three) break;
    value = value * 1000 + At(at).value;
    if (At(at).decimals > 0) {
      ++at;
      break;
    }
  }
  return at > b + 1 && value < kLargest ? NumberParse{at, value} : NumberParse{};
}

// What may stand before "thousand", or alone.
NumberParse NumberGrammar::Group(size_t b, bool first) const {
  if (first) {
    if (Is(b, Part::kPoint) && At(b).value == 0) {  // a comma is none
      const auto [digits, end] = DecimalDigits(b + 1);
      return digits.empty() ? NumberParse{} : NumberParse{end, ToDouble("0." + digits)};
    }
    if (const NumberParse spaced = SpacedGroups(b); spaced.ok()) return spaced;
  } else if (const NumberParse hundred = ShortHundred(b); hundred.ok()) {
    return hundred;
  }
  if (const NumberParse hundreds = Hundreds(b); hundreds.ok()) return hundreds;
  if (Is(b, Part::kNumeral) && !At(b).leading_zero) return {b + 1, At(b).value};
  return Below100(b);
}

NumberParse NumberGrammar::Cardinal(size_t b) const {
  NumberParse total;
  double scale_before = kLargest;
  size_t at = b;
  while (true) {
    const bool first = !total.ok();
    size_t begin = at;
    if (!first && AndFraction(begin, 1).ok()) break;
    if (!first && Is(begin, Part::kAnd)) ++begin;
    if (!first && Is(begin, Part::kOh) && Is(begin + 1, Part::kUnit)) ++begin;  // "a thousand oh one"
    NumberParse group = Group(begin, first);
    if (!group.ok() || !Is(group.end, Part::kScale)) {
      if (const NumberParse many = Multiplier(begin); many.ok() && Is(many.end, Part::kScale)) group = many;
    }
    const bool bare = !group.ok() && first && Is(begin, Part::kScale) && At(begin).bare;
    if (bare) group = {begin, 1};
    if (!group.ok() && !bare) break;
    if (!first && Is(begin, Part::kNumeral) && At(begin).value >= 1000) break;
    if (first && !bare) group = WithDecimals(begin, group);
    double scale = 1;
    size_t end = group.end;
    while (Is(end, Part::kScale) && scale < kLargest) scale *= At(end++).value;
    if (scale >= scale_before || group.value * scale >= scale_before ||
        (scale == 1 && group.value == 0 && !first))
      break;
    if (!first && BindsOn(end)) break;
    double value = group.value * scale;
    if (scale > 1) {
      // "a grand and a half": of the grand
      const NumberParse more = AndFraction(end, scale);
      if (more.ok()) value += more.value, end = more.end;
    }
    total = {end, total.value + value, total.homophone || group.homophone, total.vague || group.vague};
    if (scale == 1 || end == at || total.value >= kLargest || total.vague) break;
    at = end;
    scale_before = scale;
  }
  return total.value < kLargest ? total : NumberParse{};
}

// "and a half", "and three quarters" of `of`.
NumberParse NumberGrammar::AndFraction(size_t b, double of) const {
  if (!Is(b, Part::kAnd)) return {};
  if (Is(b + 1, Part::kUnit) && Is(b + 2, Part::kDenominator))
    return {b + 3, of * At(b + 1).value / At(b + 2).value};
  if (Is(b + 1, Part::kUnit) && Is(b + 2, Part::kQuarter)) return {b + 3, of * At(b + 1).value / 4};
  const bool one = Is(b + 1, Part::kArticle) || (Is(b + 1, Part::kUnit) && At(b + 1).value == 1);
  if (!one) return {};
  if (Is(b + 2, Part::kHalf)) return {b + 3, of / 2};
  if (Is(b + 2, Part::kQuarter)) return {b + 3, of / 4};
  return {};
}

// "and a half", "point nine nine" behind a whole number; "2 1/2" as it is written ("2½").
NumberParse NumberGrammar::WithDecimals(size_t b, NumberParse group) const {
  if (group.vague || group.end <= b || group.value != std::floor(group.value) || group.value < 0)
    return group;
  if (const NumberParse part = AndFraction(group.end, 1); part.ok())
    return {part.end, group.value + part.value, group.homophone};
  if (Is(group.end - 1, Part::kNumeral) && Is(group.end, Part::kHalf) && !At(group.end).pause_before)
    return {group.end + 1, group.value + 0.5, group.homophone};
  if (!Is(group.end, Part::kPoint)) return group;
  const auto [digits, after] = DecimalDigits(group.end + 1);
  if (digits.empty()) return group;
  return {after, ToDouble(fmt::format("{:.0f}.{}", group.value, digits)), group.homophone};
}

// The digits after "point": "nine nine", "ninety nine", "oh five", "25".
std::pair<std::string, size_t> NumberGrammar::DecimalDigits(size_t b) const {
  std::string digits;
  size_t at = b;
  while (digits.size() < 9) {
    const NumberToken& token = At(at);
    if (token.homophone || token.blocked) break;
    if (token.part == Part::kUnit || token.part == Part::kOh) {
      digits += static_cast<char>('0' + static_cast<int>(token.value));
      ++at;
    } else if (digits.empty() && token.part == Part::kNumeral && token.decimals == 0 &&
               token.digits.size() < 10) {
      return {std::string(token.digits), at + 1};
    } else if (digits.empty() && (token.part == Part::kTens || token.part == Part::kTeen)) {
      const NumberParse parse = Below100(at);
      return {fmt::format("{:.0f}", parse.value), parse.end};
    } else {
      break;
    }
  }
  return {digits, at};
}

NumberParse NumberGrammar::Tail(size_t b) const {
  const NumberToken& token = At(b);
  if (token.pause_before || token.hyphen_before || token.blocked) return {};
  if (token.part == Part::kOh && Is(b + 1, Part::kUnit) && !At(b + 1).homophone)
    return {b + 2, At(b + 1).value};
  if (token.part == Part::kNumeral) {
    return token.digits.size() == 2 && token.whole_word ? NumberParse{b + 1, token.value} : NumberParse{};
  }
  const NumberParse parse = Below100(b);
  return parse.ok() && parse.value >= 10 ? parse : NumberParse{};
}

NumberParse NumberGrammar::Ordinal(size_t b) const {
  if (Is(b, Part::kOrdinal)) return At(b).blocked ? NumberParse{} : NumberParse{b + 1, At(b).value};
  if (Is(b, Part::kTens) && Is(b + 1, Part::kOrdinal) && At(b + 1).value < 10)
    return {b + 2, At(b).value + At(b + 1).value};
  if (!Is(b, Part::kUnit) || !Is(b + 1, Part::kHundred)) return {};
  const size_t at = Is(b + 2, Part::kAnd) ? b + 3 : b + 2;
  if (!Is(at, Part::kOrdinal) && !Is(at, Part::kTens)) return {};
  const NumberParse rest = Ordinal(at);
  return rest.ok() ? NumberParse{rest.end, At(b).value * 100 + rest.value} : NumberParse{};
}

NumberParse NumberGrammar::Spelled(size_t b) const {
  std::string digits;
  size_t end = b;
  bool homophone = false;
  while (digits.size() < 15) {
    const bool repeat = Is(end, Part::kRepeat);
    const size_t at = repeat ? end + 1 : end;
    if (!IsSingleDigit(at) || BindsOn(at + 1)) break;
    if (at > b && (At(at).pause_before || At(at).hyphen_before)) break;
    digits.append(repeat ? static_cast<size_t>(At(end).value) : 1,
                  static_cast<char>('0' + static_cast<int>(At(at).value)));
    homophone = homophone || At(at).homophone;
    end = at + 1;
  }
  if (digits.size() < 2 || digits[0] == '0') return {};
  if (Is(end, Part::kPoint)) {
    const auto [decimals, after] = DecimalDigits(end + 1);
    if (!decimals.empty()) return {after, ToDouble(digits + "." + decimals), homophone};
  }
  return {end, ToDouble(digits), homophone};
}

// ---- money

// How many notes: "three", "a", "a couple of".
NumberParse NumberGrammar::Count(size_t b) const {
  const NumberParse count = Below100(b);
  if (count.ok() && count.value >= 1) return count;
  const NumberParse many = Multiplier(b);
  return many.ok() && !many.vague && many.value >= 1 ? many : NumberParse{};
}

MoneyParse NumberGrammar::Notes(size_t b) const {
  if (Is(b, Part::kNote)) return {b + 1, At(b).value, {}, false};
  const NumberParse count = Count(b);
  if (!count.ok()) return {};
  if (Is(count.end, Part::kNote))
    return {count.end + 1, count.value * At(count.end).value, {}, count.homophone};
  if (Is(count.end, Part::kPlural)) {
    const double note = At(count.end).value;
    const bool is_note = note == 1 || note == 5 || note == 10 || note == 20 || note == 50;
    if (!is_note) return {};
    const size_t end = Is(count.end + 1, Part::kBill) ? count.end + 2 : count.end + 1;
    return {end, count.value * note, {}, count.homophone};
  }
  // "three twenty dollar bills"
  const NumberParse value = Cardinal(count.end);
  if (!value.ok() || value.vague) return {};
  size_t end = value.end;
  std::string_view currency;
  if (Is(end, Part::kCurrency)) currency = At(end++).currency;
  constexpr double kValues[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
  const bool is_note = std::find(std::begin(kValues), std::end(kValues), value.value) != std::end(kValues);
  if (!is_note || !Is(end, Part::kBill)) return {};
  return {end + 1, count.value * value.value, currency, count.homophone};
}

MoneyParse NumberGrammar::Money(size_t b, const NumberParse& number) const {
  if (const MoneyParse notes = Notes(b); notes.ok()) {
    const MoneyParse more = AndCents({notes.end, notes.value, notes.homophone});
    return more.ok() ? more : notes;
  }
  NumberParse amount = number;
  if (!amount.ok()) amount = Multiplier(b);
  if (!amount.ok() || amount.vague) return {};
  size_t at = amount.end;
  if (Is(at, Part::kOf) && Is(at + 1, Part::kCurrency)) ++at;
  if (Is(at, Part::kCoin)) {
    // Whole hundredths: 0.35 is not 0.35000000000000003.
    const double value = std::round(amount.value * At(at).value * 1000) / 1000;
    return {at + 1, value, {}, amount.homophone};
  }
  if (!Is(at, Part::kCurrency)) return AndCents(amount);
  return WithCents(at, amount, At(at).currency);
}

// "four zero" as 40.
NumberParse NumberGrammar::TwoDigits(size_t b) const {
  const NumberParse spelled = Spelled(b);
  return spelled.end == b + 2 && spelled.value < 100 ? spelled : NumberParse{};
}

MoneyParse NumberGrammar::AndCents(const NumberParse& number) const {
  if (!number.ok() || number.vague || number.value != std::floor(number.value)) return {};
  size_t next = number.end;
  const bool joined = Is(next, Part::kAnd) || At(next).text == "with";
  while (Is(next, Part::kAnd) || Is(next, Part::kThen) || At(next).text == "with") ++next;
  NumberParse cents = TwoDigits(next);
  if (!cents.ok()) cents = joined ? Below100(next) : Tail(next);
  if (!cents.ok() && Is(next, Part::kUnit) && At(next).value == 0) cents = {next + 1, 0};
  if (!cents.ok() || cents.homophone || !Is(cents.end, Part::kCoin)) return {};
  return {cents.end + 1,
          (number.value * 100 + std::round(cents.value * At(cents.end).value * 100)) / 100,
          {},
          number.homophone};
}

MoneyParse NumberGrammar::WithCents(size_t at, const NumberParse& number, std::string_view currency) const {
  const MoneyParse money{at + 1, number.value, currency, number.homophone};
  size_t next = at + 1;
  if (Is(next, Part::kBill)) return {next + 1, number.value, currency, number.homophone};
  if (number.value != std::floor(number.value)) return money;
  if (const NumberParse half = AndFraction(next, 1); half.ok())
    return {half.end, number.value + half.value, currency, number.homophone};
  if (Is(next, Part::kPoint) && At(next).value == 0) {  // "dollars point two oh"
    const auto [digits, end] = DecimalDigits(next + 1);
    if (digits.size() == 1 || digits.size() == 2)
      return {end, Hundredths(number.value, std::round(100 * ToDouble("0." + digits))), currency,
              number.homophone};
  }
  if (const MoneyParse more = AndCents({at + 1, number.value, number.homophone}); more.ok())
    return {more.end, more.value, currency, more.homophone};
  const bool with_and = Is(next, Part::kAnd);
  if (with_and) ++next;
  NumberParse cents = Below100(next);
  if (Is(next, Part::kOh) && Is(next + 1, Part::kUnit)) cents = {next + 2, At(next + 1).value};
  if (Is(next, Part::kArticle) && Is(next + 1, Part::kCoin)) cents = {next + 1, 1};
  if (!cents.ok() || cents.value < 1 || BindsOn(cents.end)) return money;
  if (Is(cents.end, Part::kCoin))
    return {cents.end + 1, (number.value * 100 + std::round(cents.value * At(cents.end).value * 100)) / 100,
            currency, number.homophone || cents.homophone};
  // Without "cents" nothing else may be meant by the figure that follows.
  const NumberToken& after = At(cents.end);
  const bool last = after.part == Part::kNone || after.part == Part::kAnd || after.part == Part::kOf ||
                    after.part == Part::kArticle || after.pause_before;
  const bool counted = NumberLexicon::English().Is(NumberCue::kMeasure, after.text) && !after.pause_before;
  if (!last || counted || cents.homophone || At(next).pause_before || !At(next).whole_word ||
      !At(next).currency.empty())
    return money;
  if (cents.value == number.value && !with_and)  // said twice
    return {cents.end, number.value, currency, number.homophone};
  return {cents.end, Hundredths(number.value, cents.value), currency, number.homophone};
}

NumberParse BeforeDigits(const NumberGrammar& grammar, size_t b, const NumberParse& number) {
  if (!number.ok()) return number;
  const size_t last = number.end - 1;
  if (last == b || !grammar.Is(last, Part::kUnit) || grammar.At(last).homophone) return number;
  size_t run = 0;
  while (run < 4 && grammar.IsSingleDigit(last + run)) ++run;
  if (run < 3) return number;
  // "sixty three oh nine": no digits, but 63 and two more places
  const bool oh = grammar.Is(last + 1, Part::kOh) && grammar.Is(last - 1, Part::kTens);
  if (run == 3 && oh) return number;
  const NumberParse shorter = grammar.Until(last).Cardinal(b);
  return shorter.end == last ? shorter : number;
}

}  // namespace sotto
