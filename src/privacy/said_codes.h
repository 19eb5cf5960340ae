// The codes and e-mail addresses of a text as one would type them, whatever way they were written or spoken: "double four
// oh two" -> "4402", "golf bravo two nine" -> "GB29", "jane dot doe at example dot com" -> "jane.doe@example.com". For
// who judges what they are worth (specialist/formats.h); what is personal in a text says privacy/detector.h. Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "privacy/language.h"

namespace sotto {

struct SaidCode {
  // Digits and capitals that belong together, with where each piece of them stands.
  struct Piece {
    std::string characters;
    size_t begin = 0;  // bytes of the text
    size_t end = 0;
  };
  std::vector<Piece> pieces;  // at least one
  std::string
      characters;  // of all; in an IBAN an "o" is the letter where only then its check digits are right
  size_t begin = 0;
  size_t end = 0;
  bool plus = false;     // "+44 ...", "plus four four"
  bool counted = false;  // money, a measure, a decimal: no code
  // What the words around it call it.
  bool called_card = false, called_account = false, called_phone = false, called_postcode = false,
       called_birth = false, called_other = false;
};
// In order, disjoint.
std::vector<SaidCode> ReadSaidCodes(const PrivacyLanguage& language, std::string_view text);

struct SaidEmail {
  std::string address;  // as it is written; "" where the words make none
  size_t begin = 0;
  size_t end = 0;
};
std::vector<SaidEmail> ReadSaidEmails(const PrivacyLanguage& language, std::string_view text);

// Whether the words around the bytes [begin, end) speak of somebody's birth.
bool SpeaksOfBirth(const PrivacyLanguage& language, std::string_view text, size_t begin, size_t end);

}  // namespace sotto
