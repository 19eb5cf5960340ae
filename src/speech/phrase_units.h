// Values of several words ("a little bit of milk") as single units of the recognizer: a trigram over units
// sees far beyond three words, and a unit that is not a value ("a little lot of milk") cannot be heard. A
// unit is its words joined by '_'. (Multiwords: Finke and Waibel 1997, "Speaking mode dependent pronunciation
// modeling".) Immutable; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speech/pronunciation.h"

namespace sotto {

class PhraseUnits {
 public:
  // Phrases of words with single spaces; those of a single word count for nothing.
  explicit PhraseUnits(std::span<const std::string> phrases);

  // `sentence` with the longest phrases, from the left, as units.
  std::string Join(std::string_view sentence) const;

  // Every way of saying a unit or a word, most ordinary first; empty where a word of it cannot be said.
  static std::vector<std::string> Pronounce(std::string_view unit, const Pronunciations& pronunciations);

  static bool IsUnit(std::string_view word) { return word.find('_') != std::string_view::npos; }
  // The words of a text with units.
  static std::string Split(std::string_view text);

 private:
  std::map<std::string, std::vector<std::vector<std::string>>, std::less<>> by_first_word_;  // longest first
};

}  // namespace sotto
