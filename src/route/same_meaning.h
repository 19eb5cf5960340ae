// Whether one sentence may be taken for another that was understood before. Nearness of vectors does not tell
// "block it" from "unblock it", nor 40 from 400; what does is compared word by word: numbers, days, negations,
// what kind of speech act it is, and opposites (text/languages/*/opposites.txt, after WordNet's antonyms).
// Pure functions; any thread; some 50 us.
#pragma once

#include <optional>
#include <string_view>

#include "core/calendar.h"
#include "text/language_data.h"

namespace sotto {

enum class Likeness {
  kLoose,   // somebody else vouches for what both mean
  kStrict,  // nobody does: every word that says something must stand in both
};

// Null: nothing speaks against it; else what differs, in a word or two that quote nothing.
const char* WhyNotTheSame(const LanguageData& language, std::string_view a, std::string_view b,
                          const std::optional<Date>& today, Likeness likeness);

}  // namespace sotto
