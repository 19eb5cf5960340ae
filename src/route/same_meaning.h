// Whether one sentence may be taken for another that was understood before. Nearness of vectors does not tell
// "block it" from "unblock it", nor 40 from 400; what does is compared word by word: numbers, days, negations,
// what kind of speech act it is, and opposites (text/languages/*/opposites.txt, after WordNet's antonyms).
// Pure; any thread; to read two sentences and compare them takes some 50 us.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/calendar.h"
#include "text/language_data.h"
#include "text/normalise.h"
#include "text/speech_act.h"

namespace sotto {

enum class Likeness {
  kLoose,   // somebody else vouches for what both mean
  kStrict,  // nobody does: every word that says something must stand in both
};

// One sentence, read once for all that it is compared with.
class ComparedSentence {
 public:
  // `today` null: days are not read. `language` outlives it, `said` need not.
  ComparedSentence(const LanguageData& language, std::string_view said, const std::optional<Date>& today);
  ComparedSentence(const ComparedSentence&) = delete;
  ComparedSentence& operator=(const ComparedSentence&) = delete;

 private:
  friend const char* WhyNotTheSame(const ComparedSentence& a, const ComparedSentence& b, Likeness likeness);

  // Words that are no politeness, hesitation or lead, and no part of a number.
  std::multiset<std::string_view> Telling() const;
  // A word of this one that is not in the other, whose opposite is in the other and not in this one.
  bool OpposedTo(const ComparedSentence& other) const;
  bool Holds(std::string_view word) const;
  // Who vouches for both knows a question from an order where that matters: "what's my balance" and "tell me
  // my balance" ask for the same.
  SpeechAct ActFor(Likeness likeness) const;

  const LanguageData& language_;
  const std::vector<NormalisedWord> marked_;
  std::vector<std::string_view> words_;            // into marked_
  std::set<std::pair<int, std::string>> numbers_;  // how they stand, and what they are
  std::set<size_t> in_number_;                     // words
  std::set<std::string> days_;
  int negations_ = 0;
  SpeechAct act_ = SpeechAct::kRequest;
};

// Null: nothing speaks against it; else what differs, in a word or two that quote nothing.
// REQUIRES: both read in the same language, with the same today.
const char* WhyNotTheSame(const ComparedSentence& a, const ComparedSentence& b, Likeness likeness);

}  // namespace sotto
