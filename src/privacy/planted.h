// Texts with personal values planted in them, typed and as spoken, for measuring the detector and for proving
// that nothing gets through: who plants a value knows where it is. Sentences are data
// (languages/CODE/planted.txt), written apart from the detector's cues.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "privacy/marked_examples.h"
#include "privacy/personal_kind.h"

namespace sotto {

enum class PlantedForm : uint8_t { kTyped, kSpoken };

struct PlantedText {
  MarkedExample text;  // with one span: the value
  PlantedForm form = PlantedForm::kTyped;
  std::string value;  // as planted: "4111 1111 1111 1111", "four one double one ..."
  std::string bare;   // its digits and capitals, or the e-mail: "4111111111111111"
};

class Planter {
 public:
  // Of a compiled-in language. kNotFound names those with planted.txt.
  static Result<Planter> For(std::string_view language);

  // A kind of Kinds(), with right check digits.
  PlantedText Plant(PersonalKind kind, PlantedForm form, Random& random) const;
  static const std::vector<PersonalKind>& Kinds();  // card, iban, ssn, phone, email

 private:
  std::vector<std::string> any_;
  std::vector<std::vector<std::string>> frames_;  // one list a kind of Kinds()
};

// Digits as a person says them: one by one, in pairs, "double four", "oh", with hesitations and pauses.
std::string SpeakDigits(std::string_view digits, Random& random);

}  // namespace sotto
