// What a simulated user says, word by word, with the knowledge of which words carry a gold value: the noise
// may change a value's words only to homophones, and a free-text value is read back from the words that were
// really said.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sotto {

struct SpokenWord {
  std::string text;
  // What the word carries. kText: part of a free-text value, never changed; kValue: part of an enum value,
  // number or digits.
  enum class Carries { kNothing, kValue, kText } carries = Carries::kNothing;
  std::string slot;  // of kText: which slot
};

using SpokenWords = std::vector<SpokenWord>;

// Splits at blanks; every word carries `carries` for `slot`.
SpokenWords ToWords(std::string_view text, SpokenWord::Carries carries = SpokenWord::Carries::kNothing,
                    std::string_view slot = {});
// Words joined by single blanks.
std::string ToText(const SpokenWords& words);
void Append(SpokenWords& to, const SpokenWords& more);

}  // namespace sotto
