// Whether a sentence asks for what it talks about: "don't cancel my card", "is roaming on?", "what happens if
// I report fraud", "I already paid" and "my wife said ..." do not. Judged by rules, which are a language's
// data (requests.txt); a trained classifier says where the rules may have missed something. Pure functions;
// any thread; some 20 us.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "text/language_data.h"

namespace sotto {

enum class SpeechAct {
  kRequest,       // "cancel my card", "could you move 20 to savings", "my internet is down"
  kNegated,       // "don't ...", "no need to ...", "... never mind"
  kOver,          // "my internet works again"
  kDoneBefore,    // "I already paid it"
  kQuestion,      // "is roaming on?"
  kHypothetical,  // "what happens if ..."
  kHowTo,         // "how do I ...": a question that most ask who want it done
  kReported,      // "my wife said ..."
  kDelayed,       // "pay it tomorrow"
  kConditional,   // "if there's enough"
};
std::string_view SpeechActName(SpeechAct act);  // "how_to"

struct RequestJudgement {
  SpeechAct act = SpeechAct::kRequest;
  double p_request = 1;  // of the classifier
};

// `text` as said or typed: punctuation counts where there is any.
RequestJudgement JudgeRequest(const LanguageData& language, std::string_view text);

// What the classifier reads of a sentence: its words, those of acts as <act>, <acted>, numbers as <number>.
std::vector<std::string> RequestTokens(const LanguageData& language, std::string_view text);

// The words [begin, end) that a sentence takes away: "savings" in "not savings but checking", "from savings
// not checking" (checking). A value said only there is not meant. `words`: in spoken form.
struct WordSpan {
  size_t begin = 0;
  size_t end = 0;
};
std::vector<WordSpan> NegatedSpans(const LanguageData& language, std::span<const std::string_view> words);

}  // namespace sotto
