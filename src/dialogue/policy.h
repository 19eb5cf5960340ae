// The policy: from the state and what came in to what happened, what is said, what is expected next and what
// must be done. Pure functions of their arguments; the new state is the fold of the events
// (dialogue/state.h). A decision takes some microseconds. Any thread.
//
// The patterns (elicitation, correction, digression, confirmation, repair, hand-off, verification) follow
// Rasa CALM's idea that they belong to the machinery and not to a workflow.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.h"
#include "core/understanding.h"
#include "dialogue/program.h"
#include "dialogue/state.h"

namespace sotto {

struct TurnInput {
  std::string text;                             // the user's words
  std::vector<Understanding::Call> calls;       // none: not understood
  double heard = 1;                             // how well the words were heard (core/transcript.h)
  std::vector<std::string> may_have_been = {};  // what else may have been said, nearly as likely
  std::optional<Date> today = std::nullopt;     // the day it is, where that is known
  bool hand_off = false;                        // a rule of the network says so: whatever was understood
};

// Calls that are certain: scripts, simulators, tests.
TurnInput CertainInput(std::string text, const std::vector<ToolCall>& calls);

// Given to the human side.
struct HandOff {
  std::string reason;              // asked, failures, no_input, verification, action_failed, rule, screened
  std::string summary;             // one line for a person
  Json tasks = Json::array();      // [{tool, slots, status}]: open, suspended, queued, done, failed
  std::vector<std::string> words;  // what the user said last
};

struct Decision {
  std::vector<Event> events;
  Reply reply;  // empty only where `action` is set
  Expectation expectation;
  std::optional<ActionRequest>
      action;  // run it and give the result to DecideResult; nothing else before that
  std::optional<HandOff> hand_off;
  bool ended = false;
};

// The greeting. `caller`: what the host knows.
Decision DecideBegin(const DialogueProgram& program, const DialogueState& state, std::string session,
                     const Caller& caller);
// REQUIRES (all below but DecideResult): state.acting == 0.
Decision DecideTurn(const DialogueProgram& program, const DialogueState& state, const TurnInput& input);
Decision DecideNoInput(const DialogueProgram& program, const DialogueState& state);
// REQUIRES: state.acting != 0. `at`: ISO 8601, UTC; since when the caller is verified, if this verified them.
Decision DecideResult(const DialogueProgram& program, const DialogueState& state, const ToolResult& result,
                      std::string_view at);
// The request of the action that runs, for a session that was cut off meanwhile. REQUIRES: state.acting != 0.
ActionRequest RunningAction(const DialogueProgram& program, const DialogueState& state);

// Names of the tools that make sense now: the workflow's, and the control tools this state allows.
std::vector<std::string> OfferedTools(const DialogueProgram& program, const DialogueState& state);

}  // namespace sotto
