#include "text/consent.h"

#include <algorithm>

#include "text/normalise.h"

namespace sotto {
namespace {

constexpr std::string_view kWords[] = {
    "absolutely", "accept", "affirmative", "agree", "agreed",    "ahead",   "alright",   "approve",
    "approved",   "aye",    "bet",         "carry", "certainly", "confirm", "confirmed", "continue",
    "correct",    "course", "definitely",  "do",    "does",      "exactly", "fine",      "go",
    "good",       "great",  "guess",       "huh",   "indeed",    "it",      "k",         "mhm",
    "mmhmm",      "ok",     "okay",        "okey",  "percent",   "perfect", "please",    "positive",
    "proceed",    "right",  "suppose",     "sure",  "surely",    "totally", "true",      "uhhuh",
    "works",      "why",    "would",       "ya",    "yah",       "yea",     "yeah",      "yeh",
    "yep",        "yes",    "yessir",      "yup"};

}  // namespace

bool HasWordOfConsent(std::string_view spoken) {
  const auto words = SplitWords(spoken);
  return std::any_of(words.begin(), words.end(), [](std::string_view word) {
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
  });
}

}  // namespace sotto
