#include "text/said_digits.h"

#include <algorithm>
#include <array>

namespace sotto {
namespace {

constexpr size_t kLongNumber = 8;  // digits of a card or an account, which are known by their last ones

// A number word that counts or points and is no digit: "last four, five five three one", "that one, four five
// three two".
bool IsNoDigit(std::span<const std::string_view> words, size_t at) {
  constexpr std::array<std::string_view, 7> kBeforeOne = {"that", "this", "the", "other",
                                                          "new",  "old",  "same"};
  if (at == 0) return false;
  const std::string_view before = words[at - 1];
  if (before == "last" || before == "final") return true;
  return words[at] == "one" && std::find(kBeforeOne.begin(), kBeforeOne.end(), before) != kBeforeOne.end();
}

bool IsWhole(std::span<const std::string_view> words, std::span<const NumberReading> readings,
             const NumberReading& reading, size_t n_digits) {
  const bool fits =
      reading.text.size() == n_digits || reading.text.size() >= std::max(kLongNumber, 2 * n_digits);
  if (!fits) return false;
  if (reading.end == reading.begin + 1) return true;
  return std::none_of(readings.begin(), readings.end(), [&](const NumberReading& other) {
    if (other.kind != NumberKind::kDigits || (other.homophone && !reading.homophone)) return false;
    const bool around = other.begin <= reading.begin && other.end >= reading.end &&
                        other.end - other.begin > reading.end - reading.begin;
    return around && !(other.begin + 1 == reading.begin && IsNoDigit(words, other.begin));
  });
}

}  // namespace

std::vector<std::string> SaidDigits(std::span<const std::string_view> words,
                                    std::span<const NumberReading> readings, size_t n_digits) {
  std::vector<std::string> said;
  for (const NumberReading& reading : readings) {
    if (reading.kind != NumberKind::kDigits) continue;
    if (n_digits != 0 && !IsWhole(words, readings, reading, n_digits)) continue;
    said.push_back(n_digits == 0 ? reading.text : reading.text.substr(reading.text.size() - n_digits));
  }
  return said;
}

}  // namespace sotto
