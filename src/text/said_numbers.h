// Which of the numbers of an utterance a slot may take. What the decoder may write and what generated
// conversations are checked by.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/spoken_numbers.h"

namespace sotto {

// What the slot holds.
struct NumberWanted {
  bool money = false;
  std::string currency;             // money: ISO code; empty: any
  std::optional<double> usual_min;  // what it usually holds: decides between readings by position
  std::optional<double> usual_max;  // ("fifteen forty nine" of a bill is 15.49)
};

struct SaidNumber {
  enum class Fit {
    kPlain,
    kAlternative,    // one of several without a choice: must be asked
    kOtherCurrency,  // `currency`
  };
  double value = 0;
  Fit fit = Fit::kPlain;
  std::string currency;
};

// In the order they were said. `readings`: of one utterance, ReadNumbers.
std::vector<SaidNumber> SaidNumbers(std::span<const NumberReading> readings, const NumberWanted& wanted);

}  // namespace sotto
