// How words sound, in the phones of the CMU dictionary: looked up in a dictionary file, else worked out by
// flite's letter-to-sound rules, so that every word that can be spelled has a pronunciation.
// Immutable after Load; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace sotto {

class Pronunciations {
 public:
  // `dictionary` as CMU writes it: "word PH PH", alternatives as "word(2) PH PH".
  static Result<Pronunciations> Load(const std::filesystem::path& dictionary);

  // All pronunciations of `word` (lower case letters and apostrophes), at least one: phones with single
  // spaces. Compound words ("e-mail", "atm's") that the dictionary does not have go to the rules. A word
  // nothing can be made of (no letter) gives an empty list.
  std::vector<std::string> Find(std::string_view word) const;

 private:
  std::unordered_map<std::string, std::vector<std::string>> words_;
};

// flite's rules alone. Any thread.
std::string PhonesByRule(std::string_view word);

}  // namespace sotto
