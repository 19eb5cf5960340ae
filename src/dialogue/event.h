// What happened in a dialogue, in order. The state is the fold of these (dialogue/state.h); a session is
// stored as the list of them.
#pragma once

#include <string>
#include <string_view>

#include "core/json.h"

namespace sotto {

struct Event {
  enum class Type {
    kBegan,          // name: session id
    kCaller,         // value: who calls, as the host knows it (core/caller.h)
    kDay,            // name: the day it is, as ISO text: what relative dates hang on
    kUserSaid,       // name: words, value: [calls]
    kNotTaken,       // name: why calls of the words were not taken: negated, question, answer_unsure, ...
    kNoInput,        // silence
    kTaskBegan,      // task, name: tool, value: {doubted}
    kTaskQueued,     // name: tool, value: {arguments, doubted}
    kTaskDequeued,   // the first of the queue
    kTaskSuspended,  // task, name: verification, or "" for another task
    kTaskResumed,    // task: is on top again
    kTaskDropped,    // task, name: why (never_mind, declined, start_over, full, goodbye)
    kTaskDone,       // task, name: failure or "", value: result data
    kSlotSet,        // task, name: slot, value
    kSlotInherited,  // the same, from a related task
    kSlotCleared,    // task, name: slot, value: the rule that failed
    kSlotRejected,   // task, name: slot, value: {value, why}
    kSlotPartial,    // task, name: slot, value: its digits so far; "": begin again
    kDoubted,        // task: a call of low confidence went into it: reads back
    kConfirmed,      // task
    kDenied,         // task: no to the read-back
    kClarify,        // name: tool, value: call that was not believed
    kActionBegan,    // task, name: idempotency key, value: arguments
    kStepDone,       // task, name: step of the plan ("2"), value: {data, arguments} and, if it acted, {acted}
    kReplanned,      // task, name: failure, value: {step, arguments, data} or {again}: what is done once more
    kScreened,       // task, name: step_up or held, value: {score, reasons}: the action was not begun
    kVerified,       // name: tool, value: {customer, at}: the caller is who they say
    kVerifyFailed,   // task
    kNoProgress,     // the turn brought nothing
    kStartedOver,    // everything dropped
    kReplied,        // name: text, value: {parts, pending, slots, keys, ...}
    kHandedOff,      // name: reason, value: {summary, tasks}
    kEnded,          // the conversation is over
    kReopened,       // a turn after the end: a new conversation
  };
  Type type = Type::kBegan;
  int task = 0;  // id, 0: none
  std::string name;
  Json value;

  bool operator==(const Event&) const = default;
};

std::string_view EventName(Event::Type type);  // "task_began"
// `slot_set 1 amount=200`: one line for people and dialogue tests.
std::string ToString(const Event& event);
Json ToJson(const Event& event);
Result<Event> EventFromJson(const Json& json);

}  // namespace sotto
