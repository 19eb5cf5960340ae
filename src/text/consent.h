// Whether somebody said yes. At a read-back only a yes is a yes: money moves on it. Judged by rules, which
// are a language's data (text/language_data.h, consent.txt), and by a trained classifier; both must agree.
//
// The rule: the whole sentence must be made of words that agree, of the act and the values that were read
// back ("yes, cancel my debit card", "yep two hundred"), and of words that change nothing ("thanks"). Or it ends with
// "go ahead" or the like, and nothing before that speaks against it, is about somebody else or names another value.
// Whatever else is in it (a question, a condition, another value, a delay, a doubt, something else) makes it
// no yes, and says what was meant instead. A word that is none may be a slip for one that agrees ("yse"). Pure
// functions; any thread; some 50 us.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "text/language_data.h"

namespace sotto {

// What the answer to a read-back, an offer or a "did you want to ...?" was.
enum class Answer {
  kYes,
  kNo,        // not so
  kDrop,      // leave it altogether
  kChange,    // another value, or something else about it
  kLater,     // yes, but not now
  kWait,      // a moment, please
  kQuestion,  // about it
  kUnsure,    // perhaps
  kOther,     // none of these, or not recognised
};
std::string_view AnswerName(Answer answer);  // "yes"

// The words of a tool that a yes may repeat. The classifier reads them as <act>, <acted>, <noun>, <object>,
// <value> and <name>, other numbers as <number>: it knows no tool. Made once of a workflow's tool
// (workflow/tool_words.h).
struct ToolWords {
  PhraseList verbs;    // "cancel", "block", "get rid of"
  PhraseList past;     // "cancelled"
  PhraseList nouns;    // of the act: "cancellation"
  PhraseList objects;  // "card", "card type"
  PhraseList names;    // of the assistant
  struct Value {
    std::string value;  // as in the call
    PhraseList forms;   // as people say it
  };
  struct Slot {
    std::string name;
    std::string entity;
    bool number = false;  // compared as a number
    bool digits = false;  // compared as digits
    std::vector<Value> values;
    PhraseList markers;  // what stands before its value: "from", "ending in"
  };
  std::vector<Slot> slots;
};

// What stands to be agreed to. Without `words`: an offer.
struct ReadBack {
  const ToolWords* words = nullptr;
  Json slots = Json::object();  // name -> value, as read back
  // What was read back in words, in each way it is put: "You'd be on the basic plan from next month." A yes may repeat
  // of it what is no question.
  std::vector<std::string> said = {};
};

struct Judgement {
  Answer answer = Answer::kOther;
  bool by_rules = false;  // the rules alone say yes
  double p_yes = 0;       // of the classifier, which is asked where the rules say yes
};

// `text` as said or typed: punctuation counts.
Judgement JudgeAnswer(const LanguageData& language, std::string_view text, const ReadBack& read_back = {});

// The other values that the words give to slots of what was read back ("go ahead with a hundred"): name ->
// value, of each slot that only one value was said for and that no other slot could take.
Json OtherValues(const LanguageData& language, std::string_view text, const ReadBack& read_back);

// Whether the text is only the act of the tool: "cancel it", "just pay the bill".
bool IsActRestated(const LanguageData& language, std::string_view text, const ReadBack& read_back);

// Whether all words are a listener's "uh-huh". `answer_expected`: a yes or no is waited for, so that "yes" is
// none.
bool IsBackchannel(const LanguageData& language, std::string_view text, bool answer_expected);

}  // namespace sotto
