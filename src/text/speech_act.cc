#include "text/speech_act.h"

#include <algorithm>
#include <string>

#include "text/normalise.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

constexpr size_t kNegatedWords = 4;  // after "not", at most

using Words = std::vector<std::string_view>;

// Where the sentence's punctuation cuts it. A point or comma inside a number does not.
std::vector<std::string_view> SplitAtPunctuation(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool last = i + 1 == text.size() || text[i + 1] == ' ';
    const bool cuts = c == ';' || c == '!' || c == '?' || ((c == '.' || c == ',' || c == ':') && last);
    if (!cuts) continue;
    parts.push_back(text.substr(begin, i + 1 - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

struct Clause {
  SpeechAct act = SpeechAct::kRequest;
  bool asks_for = false;  // says so: "can you", "I want to"
  bool has_act = false;   // a verb of something that tools do
  bool orders = false;    // begins with one
  bool is_aside = false;  // only says when or on what condition: "tomorrow", "if it's free"
};

class Judge {
 public:
  explicit Judge(const LanguageData& language) : language_(language) {}

  SpeechAct Run(std::string_view text) {
    for (const std::string_view part : SplitAtPunctuation(text)) AddPart(part);
    const std::string whole = NormaliseSpoken(text);
    if (Withdrawn(SplitWords(whole))) return SpeechAct::kNegated;
    const auto is_request = [](const Clause& clause) { return clause.act == SpeechAct::kRequest; };
    const auto wants = [&](const Clause& clause) {
      return is_request(clause) && (clause.asks_for || clause.has_act || clause.orders);
    };
    const auto first = std::find_if_not(clauses_.begin(), clauses_.end(), is_request);
    if (first == clauses_.end()) return SpeechAct::kRequest;
    const auto wanted = std::find_if(clauses_.rbegin(), clauses_.rend(), wants);
    if (wanted == clauses_.rend()) return first->act;
    // "Cancel my card ... no, don't cancel it": what was said last counts.
    for (auto later = clauses_.rbegin(); later != wanted; ++later) {
      if (later->act == SpeechAct::kNegated && later->has_act) return SpeechAct::kNegated;
    }
    // "Pay it, if there's enough": a delay or a condition beside a request belongs to it.
    for (const Clause& clause : clauses_) {
      if (clause.is_aside) return clause.act;
    }
    return SpeechAct::kRequest;
  }

 private:
  void AddPart(std::string_view part) {
    const std::string spoken = NormaliseSpoken(part);
    const Words words = SplitWords(spoken);
    size_t begin = 0;
    bool follows = false;
    for (size_t i = 1; i < words.size(); ++i) {
      // "... and move 50": an act behind a joining word.
      const size_t joins = language_.interjections.MatchesAt(words, i);
      const bool act = joins > 0 && language_.act_verbs.MatchesAt(words, i + joins) > 0;
      if (language_.clause_breaks.MatchesAt(words, i) == 0 && !act) continue;
      AddClause(std::span(words).subspan(begin, i - begin), follows);
      begin = i;
      follows = act;
    }
    AddClause(std::span(words).subspan(begin), follows);
  }

  void AddClause(std::span<const std::string_view> words, bool follows) {
    const size_t begin = Beginning(words);
    if (begin >= words.size() || language_.reasons.MatchesAt(words, begin, true) > 0) return;
    Clause clause;
    clause.has_act = HasAct(words);
    clause.orders =
        language_.act_verbs.MatchesAt(words, begin) > 0 || language_.reading.MatchesAt(words, begin) > 0;
    size_t longest = language_.requests.MatchesAt(words, begin, true);
    clause.asks_for = longest > 0;
    const auto consider = [&](const PhraseList& list, SpeechAct act) {
      const size_t length = list.MatchesAt(words, begin, true);
      if (length <= longest) return;
      longest = length;
      clause.act = act;
      clause.asks_for = false;
    };
    consider(language_.how_to, SpeechAct::kHowTo);
    consider(language_.asked, SpeechAct::kQuestion);
    consider(language_.hypothetical, SpeechAct::kHypothetical);
    consider(language_.reported, SpeechAct::kReported);
    consider(language_.done_before, SpeechAct::kDoneBefore);
    consider(language_.conditional, SpeechAct::kConditional);
    if (language_.negated.MatchesAt(words, begin, true) > LongestHarmless(words)) {
      consider(language_.negated, SpeechAct::kNegated);
    }
    const auto anywhere = [&](const PhraseList& list, SpeechAct act) {
      if (clause.act == SpeechAct::kRequest && Found(list, words)) {
        clause.act = act;
        clause.asks_for = false;
      }
    };
    anywhere(language_.negated_anywhere, SpeechAct::kNegated);
    anywhere(language_.hypothetical, SpeechAct::kHypothetical);
    anywhere(language_.over, SpeechAct::kOver);
    anywhere(language_.done_before, SpeechAct::kDoneBefore);
    anywhere(language_.conditional, SpeechAct::kConditional);
    // "We fly tomorrow" delays nothing; "pay it tomorrow" and ", tomorrow" do.
    const bool only_when = language_.delayed.MatchesAt(words, begin, true) > 0;
    if (only_when || clause.orders || clause.asks_for) anywhere(language_.delayed, SpeechAct::kDelayed);
    clause.is_aside =
        clause.act == SpeechAct::kConditional || (clause.act == SpeechAct::kDelayed && only_when);
    clause.asks_for =
        clause.asks_for || (clause.act == SpeechAct::kRequest && Found(language_.please, words));
    // "Should I cancel it and order another", "don't go and pay it": all of it is asked, denied. "What's in
    // savings and move fifty": the question is over.
    if (follows && !clauses_.empty() && clause.act == SpeechAct::kRequest) {
      const Clause& before = clauses_.back();
      const bool goes_on = before.act == SpeechAct::kNegated || before.act == SpeechAct::kHypothetical ||
                           before.act == SpeechAct::kHowTo || before.act == SpeechAct::kReported;
      if (goes_on || (before.act == SpeechAct::kQuestion && before.has_act)) clause.act = before.act;
    }
    clauses_.push_back(clause);
  }

  // "I can't find my card" denies nothing; "you don't have to" does, though "I don't have" does not.
  size_t LongestHarmless(std::span<const std::string_view> words) const {
    size_t longest = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      longest = std::max(longest, language_.harmless.MatchesAt(words, i, i == 0));
    }
    return longest;
  }

  static bool Found(const PhraseList& list, std::span<const std::string_view> words) {
    for (size_t i = 0; i < words.size(); ++i) {
      if (list.MatchesAt(words, i, false) > 0) return true;
    }
    return false;
  }

  // The first word that is not politeness or an interjection.
  size_t Beginning(std::span<const std::string_view> words) const {
    size_t at = 0;
    while (at < words.size()) {
      size_t length = 0;
      for (const PhraseList* list :
           {&language_.fillers, &language_.polite, &language_.please, &language_.address}) {
        length = std::max(length, list->MatchesAt(words, at));
      }
      if (length == 0) length = language_.interjections.MatchesAt(words, at);
      // "No need to": the "no" is no interjection.
      if (length == 0 || LongestOpening(words, at) >= length) break;
      at += length;
    }
    return at;
  }

  // Of the phrases of several words that say what a clause is.
  size_t LongestOpening(std::span<const std::string_view> words, size_t at) const {
    size_t longest = 0;
    for (const PhraseList* list :
         {&language_.requests, &language_.negated, &language_.asked, &language_.how_to,
          &language_.hypothetical, &language_.reported, &language_.done_before}) {
      longest = std::max(longest, list->MatchesAt(words, at, true));
    }
    return longest;
  }

  bool HasAct(std::span<const std::string_view> words) const {
    for (size_t i = 0; i < words.size(); ++i) {
      if (language_.act_verbs.MatchesAt(words, i) > 0) return true;
    }
    return false;
  }

  bool Withdrawn(std::span<const std::string_view> words) const {
    for (size_t i = 1; i < words.size(); ++i) {
      if (language_.withdrawn.MatchesAt(words, i) > 0) return true;
    }
    return false;
  }

  const LanguageData& language_;
  std::vector<Clause> clauses_;
};

}  // namespace

std::string_view SpeechActName(SpeechAct act) {
  switch (act) {
    case SpeechAct::kRequest:
      return "request";
    case SpeechAct::kNegated:
      return "negated";
    case SpeechAct::kOver:
      return "over";
    case SpeechAct::kDoneBefore:
      return "done_before";
    case SpeechAct::kQuestion:
      return "question";
    case SpeechAct::kHypothetical:
      return "hypothetical";
    case SpeechAct::kHowTo:
      return "how_to";
    case SpeechAct::kReported:
      return "reported";
    case SpeechAct::kDelayed:
      return "delayed";
    case SpeechAct::kConditional:
      return "conditional";
  }
  return "request";
}

RequestJudgement JudgeRequest(const LanguageData& language, std::string_view text) {
  RequestJudgement judged;
  judged.act = Judge(language).Run(text);
  const std::vector<std::string> tokens = RequestTokens(language, text);
  if (!tokens.empty())
    judged.p_request = language.request_model.Probability(Words(tokens.begin(), tokens.end()), "request");
  return judged;
}

std::vector<std::string> RequestTokens(const LanguageData& language, std::string_view text) {
  const std::string spoken = NormaliseSpoken(text);
  const Words words = SplitWords(spoken);
  const std::vector<NumberReading> readings = ReadNumbers(words);
  std::vector<std::string> tokens;
  for (size_t at = 0; at < words.size();) {
    const auto add = [&](std::string_view token, size_t length) {
      if (length == 0) return false;
      tokens.emplace_back(token);
      at += length;
      return true;
    };
    size_t number = 0;
    for (const NumberReading& reading : readings) {
      if (reading.begin == at && reading.kind != NumberKind::kOrdinal)
        number = std::max(number, reading.end - at);
    }
    if (add("<number>", number) || add("<act>", language.act_verbs.MatchesAt(words, at)) ||
        add("<acted>", language.act_pasts.MatchesAt(words, at)))
      continue;
    tokens.emplace_back(words[at++]);
  }
  if (text.find('?') != std::string_view::npos) tokens.emplace_back("<?>");
  return tokens;
}

std::vector<WordSpan> NegatedSpans(const LanguageData& language, std::span<const std::string_view> words) {
  std::vector<WordSpan> spans;
  for (size_t at = 0; at < words.size();) {
    const size_t length = language.negations.MatchesAt(words, at);
    // "Why not", "not sure" take nothing away.
    const bool harmless = language.harmless.MatchesAt(words, at) > 0 ||
                          (at > 0 && at - 1 + language.harmless.MatchesAt(words, at - 1) > at);
    if (length == 0 || harmless) {
      ++at;
      continue;
    }
    WordSpan span{at + length, at + length};
    while (span.end < words.size() && span.end - span.begin < kNegatedWords) {
      // "not from savings": a marker right behind the negation belongs to it.
      if (span.end > span.begin && language.negation_ends.MatchesAt(words, span.end) > 0) break;
      if (language.negations.MatchesAt(words, span.end) > 0) break;
      ++span.end;
    }
    if (span.end > span.begin) spans.push_back(span);
    at = std::max(span.end, at + length);
  }
  return spans;
}

}  // namespace sotto
