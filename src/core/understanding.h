// What the brain made of one utterance.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tool.h"

namespace sotto {

// How an understanding came about.
enum class MadeBy {
  kModel,       // the specialist of the workflow, or the model that stands in for it
  kRule,        // without a model: nothing was said, or calls were given as such
  kCache,       // the same was understood before
  kEscalation,  // a larger model was asked
  kPerson,      // somebody said what was meant
};
std::string_view MadeByName(MadeBy made_by);  // "model"
// The error names the name and those that there are.
Result<MadeBy> MadeByFromName(std::string_view name);
// Something that was said for an argument and cannot be its value: it is not in the call. The dialogue says
// so.
struct UnfitValue {
  std::string argument;
  // The message that says so (workflow/messages.h): too_large, too_small, wrong_length, other_currency,
  // ambiguous, either, not_a_value, not_listed (what was said is not known).
  std::string why;
  Json value;  // ambiguous, either: an array of the alternatives; other_currency: {amount, currency}

  bool operator==(const UnfitValue&) const = default;
};

// One of those who were asked on the way to an understanding (route/cascade.h).
struct RouteStep {
  enum class Outcome {
    kAccepted,  // sure enough: its answer is the understanding
    kTaken,     // nobody was sure enough; of their answers this was the best
    kUnsure,    // answered below its threshold, or had no answer
    kRefused,   // its answer breaks the schema or names what nobody said
    kLate,      // missed its budget
    kFailed,
    kSkipped,  // not asked: price, privacy, its endpoint is left alone, not its turn
  };
  std::string step;  // its name
  Outcome outcome = Outcome::kSkipped;
  std::string why = {};   // one line; nothing that was said
  double confidence = 0;  // of its answer; 0: none
  double ms = 0;          // until it answered
  double cost = 0;        // USD

  bool operator==(const RouteStep&) const = default;
};
std::string_view OutcomeName(RouteStep::Outcome outcome);  // "accepted"
// The error names the name and those that there are.
Result<RouteStep::Outcome> RouteOutcomeFromName(std::string_view name);

struct Understanding {
  // Confidences are calibrated probabilities in [0, 1] (raw where no calibration is stored beside the model).
  struct Call {
    ToolCall call;
    double confidence = 0;
    std::vector<std::pair<std::string, double>>
        arguments;  // name, confidence; in the order of call.arguments
    std::vector<UnfitValue> unfit = {};
  };
  std::vector<Call> calls;  // at least one
  double confidence = 0;    // of the whole list
  std::string transcript;   // the hypothesis that was understood, of those given
  MadeBy made_by = MadeBy::kModel;
  std::string model;                  // id of the model that decided (Model::id()); empty: none did
  std::vector<RouteStep> route = {};  // who was asked, in order; empty: there was nobody to choose between

  struct Cost {
    int prefilled = 0;  // tokens computed after commit, before the first decision
    int forced = 0;     // tokens appended without asking the model
    int decided = 0;    // model decisions
    double commit_to_call_ms = 0;
  } cost;
};

}  // namespace sotto
