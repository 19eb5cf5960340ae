#include "text/said_numbers.h"

#include <algorithm>
#include <cmath>

#include "text/speak.h"

namespace sotto {
namespace {

constexpr size_t kIdentifier = 4;  // digits: a bare figure this long may name a card rather than an amount

class SaidNumbersReader {
 public:
  SaidNumbersReader(std::span<const NumberReading> readings, const NumberWanted& wanted)
      : readings_(readings), wanted_(wanted) {
    for (const NumberReading& reading : readings) {
      if (IsCandidate(reading) && !reading.homophone) {
        any_money_ =
            any_money_ || (reading.kind == NumberKind::kAmount && reading.form == NumberForm::kPlain);
        any_unspelled_ = any_unspelled_ || reading.form != NumberForm::kSpelled;
      }
    }
  }

  std::vector<SaidNumber> Run() const {
    std::vector<SaidNumber> said;
    for (const NumberReading& reading : readings_) {
      if (!IsCandidate(reading) || (reading.homophone && !StandsForAllPlain(reading))) continue;
      if (IsIdentifier(reading) || IsUnusual(reading)) continue;
      SaidNumber number{reading.value, SaidNumber::Fit::kPlain, reading.currency};
      if (reading.standing == NumberStanding::kAlternative) number.fit = SaidNumber::Fit::kAlternative;
      if (wanted_.money && !wanted_.currency.empty() && !reading.currency.empty() &&
          CurrencyName(reading.currency) != CurrencyName(wanted_.currency))
        number.fit = SaidNumber::Fit::kOtherCurrency;
      said.push_back(std::move(number));
    }
    return said;
  }

 private:
  bool IsCandidate(const NumberReading& reading) const {
    if (!reading.maximal || reading.standing == NumberStanding::kTakenBack) return false;
    switch (reading.kind) {
      case NumberKind::kOrdinal:
      case NumberKind::kDigits:
        return false;
      case NumberKind::kPercent:
        return !wanted_.money;
      case NumberKind::kCount:
      case NumberKind::kAmount:
        return !wanted_.money || reading.unit.empty();
    }
    return false;
  }

  // Nothing plain was said, or only within what this sounds like: "for hundred".
  bool StandsForAllPlain(const NumberReading& homophone) const {
    return std::all_of(readings_.begin(), readings_.end(), [&](const NumberReading& plain) {
      return plain.homophone || !IsCandidate(plain) ||
             (plain.begin >= homophone.begin && plain.end <= homophone.end);
    });
  }

  // "it was 40 dollars and the card is 4532": beside an amount that was said as one, a bare string of digits
  // is a name.
  bool IsIdentifier(const NumberReading& reading) const {
    if (reading.kind != NumberKind::kCount || reading.form == NumberForm::kPosition) return false;
    const bool beside = reading.form == NumberForm::kSpelled ? any_unspelled_ : any_money_;
    if (!beside) return false;
    return std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& digits) {
      return digits.kind == NumberKind::kDigits && digits.begin == reading.begin &&
             digits.end == reading.end && digits.text.size() >= kIdentifier;
    });
  }

  bool IsUsual(double value) const {
    return (!wanted_.usual_min || value >= *wanted_.usual_min) &&
           (!wanted_.usual_max || value <= *wanted_.usual_max);
  }

  // "twelve fifty dollars, one thousand two hundred fifty"
  bool IsSaidPlainly(double value) const {
    return std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& other) {
      return other.form != NumberForm::kPosition && IsCandidate(other) && !other.homophone &&
             std::abs(other.value - value) < 1e-9;
    });
  }

  // By position it could be another figure, and that is the usual one.
  bool IsUnusual(const NumberReading& reading) const {
    if (reading.form != NumberForm::kPosition) return false;
    const bool restated = std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& other) {
      return other.form == NumberForm::kPosition && other.begin == reading.begin &&
             other.end == reading.end && other.value != reading.value && IsSaidPlainly(other.value);
    });
    if (restated && !IsSaidPlainly(reading.value)) return true;
    if (IsUsual(reading.value)) return false;
    return std::any_of(readings_.begin(), readings_.end(), [&](const NumberReading& other) {
      return other.form == NumberForm::kPosition && other.begin == reading.begin &&
             other.end == reading.end && IsCandidate(other) && IsUsual(other.value);
    });
  }

  const std::span<const NumberReading> readings_;
  const NumberWanted wanted_;
  bool any_money_ = false;
  bool any_unspelled_ = false;
};

}  // namespace

std::vector<SaidNumber> SaidNumbers(std::span<const NumberReading> readings, const NumberWanted& wanted) {
  return SaidNumbersReader(readings, wanted).Run();
}

}  // namespace sotto
