// Any bytes as something a user said: the number, digit and amount readers must not fail, and what they read
// lies within the words.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/said_digits.h"
#include "text/said_numbers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<NormalisedWord> words = NormaliseSpokenWords(text);
  std::vector<std::string_view> views;
  for (const NormalisedWord& word : words) views.push_back(word.text);
  for (const bool homophones : {false, true}) {
    const std::vector<NumberReading> readings = ReadNumbers(words, {.homophones = homophones});
    for (const NumberReading& reading : readings) {
      SOTTO_CHECK(reading.begin < reading.end && reading.end <= words.size());
      SOTTO_CHECK(std::isfinite(reading.value) && !reading.text.empty());
    }
    for (const size_t n_digits : {size_t{0}, size_t{1}, size_t{4}, size_t{16}}) {
      for (const std::string& digits : SaidDigits(views, readings, n_digits))
        SOTTO_CHECK(n_digits == 0 || digits.size() == n_digits);
      for (const std::string& digits : OtherDigits(views, readings, n_digits)) SOTTO_CHECK(!digits.empty());
    }
    NumberWanted dollars;
    dollars.money = true;
    dollars.currency = "USD";
    for (const SaidNumber& number : SaidNumbers(readings, dollars))
      SOTTO_CHECK(std::isfinite(number.value));
  }
  return 0;
}
