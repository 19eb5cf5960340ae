#include "route/same_meaning.h"

#include <algorithm>

#include "text/dates.h"
#include "text/spoken_numbers.h"

namespace sotto {

ComparedSentence::ComparedSentence(const LanguageData& language, std::string_view said,
                                   const std::optional<Date>& today)
    : language_(language), marked_(NormaliseSpokenWords(said)) {
  for (const NormalisedWord& word : marked_) words_.push_back(word.text);
  std::set<size_t> in_day;
  if (today) {
    for (const DateReading& reading : ReadDates(said, marked_, {.today = *today})) {
      days_.insert(DateText(reading.date));
      for (size_t i = reading.begin; i < reading.end; ++i) in_day.insert(i);
    }
  }
  for (const NumberReading& reading : ReadNumbers(marked_)) {
    if (!reading.maximal || in_day.count(reading.begin) > 0) continue;
    numbers_.insert({static_cast<int>(reading.standing), reading.text});
    for (size_t i = reading.begin; i < reading.end; ++i) in_number_.insert(i);
  }
  for (size_t at = 0; at < words_.size(); ++at)
    negations_ += language.negations.MatchesAt(words_, at, at == 0) > 0 ? 1 : 0;
  act_ = JudgeRequest(language, said).act;
}

std::multiset<std::string_view> ComparedSentence::Telling() const {
  std::multiset<std::string_view> telling;
  for (size_t at = 0; at < words_.size();) {
    const size_t around =
        std::max({language_.fillers.MatchesAt(words_, at), language_.please.MatchesAt(words_, at),
                  language_.polite.MatchesAt(words_, at), language_.address.MatchesAt(words_, at),
                  language_.leads.MatchesAt(words_, at), language_.weak_leads.MatchesAt(words_, at),
                  language_.determiners.MatchesAt(words_, at), language_.now.MatchesAt(words_, at)});
    if (around > 0 && around < words_.size()) {
      at += around;
      continue;
    }
    if (in_number_.count(at) == 0) telling.insert(words_[at]);
    ++at;
  }
  return telling;
}

bool ComparedSentence::Holds(std::string_view word) const {
  return std::find(words_.begin(), words_.end(), word) != words_.end();
}

bool ComparedSentence::OpposedTo(const ComparedSentence& other) const {
  for (const std::string_view mine : words_) {
    if (other.Holds(mine)) continue;
    for (const std::string_view theirs : other.words_) {
      if (Holds(theirs)) continue;
      if (language_.opposites.Contains(std::string(mine) + " " + std::string(theirs))) return true;
    }
  }
  return false;
}

SpeechAct ComparedSentence::ActFor(Likeness likeness) const {
  const bool asks = act_ == SpeechAct::kQuestion || act_ == SpeechAct::kHowTo;
  return asks && likeness == Likeness::kLoose ? SpeechAct::kRequest : act_;
}

const char* WhyNotTheSame(const ComparedSentence& a, const ComparedSentence& b, Likeness likeness) {
  if (a.numbers_ != b.numbers_) return "another number";
  if (a.days_ != b.days_) return "another day";
  if (a.negations_ != b.negations_) return "a negation";
  if (a.ActFor(likeness) != b.ActFor(likeness)) return "another kind of sentence";
  if (a.OpposedTo(b)) return "an opposite";
  if (likeness == Likeness::kStrict && a.Telling() != b.Telling()) return "other words";
  return nullptr;
}

}  // namespace sotto
