#include "route/same_meaning.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "text/dates.h"
#include "text/normalise.h"
#include "text/speech_act.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

// One sentence, as far as it is compared.
struct Sentence {
  Sentence(const LanguageData& language, std::string_view said, const std::optional<Date>& today)
      : text(said), marked(NormaliseSpokenWords(said)) {
    for (const NormalisedWord& word : marked) words.push_back(word.text);
    std::set<size_t> in_day;
    if (today) {
      for (const DateReading& reading : ReadDates(said, marked, {.today = *today})) {
        days.insert(DateText(reading.date));
        for (size_t i = reading.begin; i < reading.end; ++i) in_day.insert(i);
      }
    }
    for (const NumberReading& reading : ReadNumbers(marked)) {
      if (!reading.maximal || in_day.count(reading.begin) > 0) continue;
      numbers.insert({static_cast<int>(reading.standing), reading.text});
      for (size_t i = reading.begin; i < reading.end; ++i) in_number.insert(i);
    }
    for (size_t at = 0; at < words.size(); ++at)
      negations += language.negations.MatchesAt(words, at, at == 0) > 0 ? 1 : 0;
    act = JudgeRequest(language, said).act;
  }

  // Words that are no politeness, hesitation or lead, and no part of a number.
  std::multiset<std::string_view> Telling(const LanguageData& language) const {
    std::multiset<std::string_view> telling;
    for (size_t at = 0; at < words.size();) {
      const size_t around =
          std::max({language.fillers.MatchesAt(words, at), language.please.MatchesAt(words, at),
                    language.polite.MatchesAt(words, at), language.address.MatchesAt(words, at),
                    language.leads.MatchesAt(words, at), language.weak_leads.MatchesAt(words, at),
                    language.determiners.MatchesAt(words, at), language.now.MatchesAt(words, at)});
      if (around > 0 && around < words.size()) {
        at += around;
        continue;
      }
      if (in_number.count(at) == 0) telling.insert(words[at]);
      ++at;
    }
    return telling;
  }

  std::string_view text;
  std::vector<NormalisedWord> marked;
  std::vector<std::string_view> words;
  std::set<std::pair<int, std::string>> numbers;  // how they stand, and what they are
  std::set<size_t> in_number;                     // words
  std::set<std::string> days;
  int negations = 0;
  SpeechAct act = SpeechAct::kRequest;
};

// A word of one that is not in the other, whose opposite is in the other and not in the one.
bool Opposed(const LanguageData& language, const Sentence& a, const Sentence& b) {
  const auto holds = [](const Sentence& sentence, std::string_view word) {
    return std::find(sentence.words.begin(), sentence.words.end(), word) != sentence.words.end();
  };
  for (const std::string_view mine : a.words) {
    if (holds(b, mine)) continue;
    for (const std::string_view theirs : b.words) {
      if (holds(a, theirs)) continue;
      if (language.opposites.Contains(std::string(mine) + " " + std::string(theirs))) return true;
    }
  }
  return false;
}

// Who vouches for both knows a question from an order where that matters: "what's my balance" and "tell me my
// balance" ask for the same.
SpeechAct ActOf(const Sentence& sentence, Likeness likeness) {
  const bool asks = sentence.act == SpeechAct::kQuestion || sentence.act == SpeechAct::kHowTo;
  return asks && likeness == Likeness::kLoose ? SpeechAct::kRequest : sentence.act;
}

}  // namespace

const char* WhyNotTheSame(const LanguageData& language, std::string_view a, std::string_view b,
                          const std::optional<Date>& today, Likeness likeness) {
  const Sentence one(language, a, today);
  const Sentence other(language, b, today);
  if (one.numbers != other.numbers) return "another number";
  if (one.days != other.days) return "another day";
  if (one.negations != other.negations) return "a negation";
  if (ActOf(one, likeness) != ActOf(other, likeness)) return "another kind of sentence";
  if (Opposed(language, one, other)) return "an opposite";
  if (likeness == Likeness::kStrict && one.Telling(language) != other.Telling(language)) return "other words";
  return nullptr;
}

}  // namespace sotto
