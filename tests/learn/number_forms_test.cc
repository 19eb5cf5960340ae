#include "learn/number_forms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

bool Reads(const std::string& said, double value) {
  for (const NumberReading& reading : ReadNumbers(NormaliseSpoken(said)))
    if (std::abs(reading.value - value) < 1e-9) return true;
  return false;
}

TEST(NumberFormsTest, Words) {
  EXPECT_EQ(NumberInWords(0), "zero");
  EXPECT_EQ(NumberInWords(115, true), "one hundred and fifteen");
  EXPECT_EQ(NumberInWords(1'250), "one thousand two hundred fifty");
  EXPECT_EQ(NumberInWords(2'000'031, true), "two million and thirty one");
}

// Whatever is said must be readable by what reads it.
TEST(NumberFormsTest, EveryAmountIsReadBack) {
  Random random(7);
  int unread = 0;
  for (int i = 0; i < 4000; ++i) {
    const double value = i % 3 == 0 ? static_cast<double>(1 + random.Below(999'999)) / 100
                                    : static_cast<double>(1 + random.Below(20'000));
    const std::string said = SayMoney(value, i % 5 == 0, random);
    if (!Reads(said, value)) {
      ++unread;
      ADD_FAILURE() << value << " said as '" << said << "'";
    }
    if (unread > 5) break;
  }
}

TEST(NumberFormsTest, EveryDigitStringIsReadBack) {
  Random random(9);
  NumberOptions options;
  options.digits_length = 4;
  options.numbers = false;
  for (int i = 0; i < 2000; ++i) {
    std::string digits;
    for (int k = 0; k < 4; ++k) digits += static_cast<char>('0' + random.Below(10));
    const std::string said = SayDigits(digits, random);
    bool found = false;
    for (const NumberReading& reading : ReadNumbers(NormaliseSpoken(said), options))
      found = found || reading.text == digits;
    ASSERT_TRUE(found) << digits << " said as '" << said << "'";
  }
}

}  // namespace
}  // namespace sotto
