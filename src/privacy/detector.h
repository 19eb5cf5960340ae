// Finds personal data in text, typed or as spoken: names, cards, accounts, IBANs, social security numbers,
// phones, e-mails, addresses, birth dates, PINs, passwords, and what else may name one person.
//
//   "my social is one two three forty five sixty seven eight nine"   ssn  [13, 62)  cue
//   "jane dot doe at example dot com"                                email
//   "4111 1111 1111 1112"                                            card: 13 to 19 digits are one, whatever
//                                                                    their check digit says
//
// Rules with check digits and cues for what is made of digits and signs, a trained tagger (privacy/tagger.h)
// for names, addresses and what else needs the sentence. What a language says beside its values is data
// (privacy/language.h). Where rules doubt, they find: a number too long to be harmless is found whatever it
// is. Immutable; any thread; 20 to 50 us for 20 words, linear in the text.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "privacy/language.h"
#include "privacy/personal_kind.h"

namespace sotto {

class Detector {
 public:
  // REQUIRES: language not null.
  explicit Detector(std::shared_ptr<const PrivacyLanguage> language) : language_(std::move(language)) {}
  // Of a compiled-in language ("en"). The error names those there are.
  static Result<std::shared_ptr<const Detector>> For(std::string_view language);

  // Disjoint, in order; bytes of `text`, whatever they are (invalid UTF-8 separates words). `before`: what was
  // asked or said just before ("What is your PIN?"), so that "four three two one" is a PIN.
  std::vector<PersonalSpan> Scan(std::string_view text, std::string_view before = {}) const;

  const PrivacyLanguage& language() const { return *language_; }

 private:
  std::shared_ptr<const PrivacyLanguage> language_;
};

// `text` with every span of `kinds` replaced by its typed placeholder: "<card>".
std::string Redact(std::string_view text, const std::vector<PersonalSpan>& spans,
                   KindSet kinds = KindSet::Identifying());

}  // namespace sotto
