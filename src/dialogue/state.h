// Where a dialogue stands: a value, the fold of its events. Nothing else changes it.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/caller.h"
#include "core/conversation.h"
#include "core/reply.h"
#include "dialogue/event.h"

namespace sotto {

// One thing the user wants done.
struct Task {
  int id = 0;  // from 1, in the order they were begun
  std::string tool;
  Json slots = Json::object();  // name -> value that fits its entity
  // Digits of a slot that came in several turns, until they are all there.
  std::map<std::string, std::string> partial;
  bool doubted = false;     // understood with low confidence: is read back even where no confirm text is
  bool confirmed = false;   // yes was said to exactly these slots
  bool asked = false;       // its first question was put
  bool suspended = false;   // left for another task
  bool waits = false;       // suspended until the caller is verified
  int actions = 0;          // begun for it
  int failed_attempts = 0;  // kVerify
  bool stepped_up = false;  // its action was held back once until the caller was verified anew
  // Of a plan (workflow.h):
  Json results = Json::object();  // step ("1") -> its result's data
  Json acted = Json::array();     // [{step, arguments}]: what has been done, in order
  bool replanned = false;         // once is allowed
  Json failed_step = nullptr;     // {step, arguments, data, failure}: why it was planned again

  bool operator==(const Task&) const = default;
};

// Asked for in one breath with something else, and not begun yet.
struct QueuedTask {
  ToolCall call;
  bool doubted = false;
  bool operator==(const QueuedTask& other) const {
    return doubted == other.doubted && SameCall(call, other.call);
  }
};

struct FinishedTask {
  int id = 0;
  std::string tool;
  Json slots = Json::object();
  std::string failure;  // empty: done
  int turn = 0;         // in which it ended
  bool operator==(const FinishedTask&) const = default;
};

// What the last question was.
struct Pending {
  enum class Kind {
    kNone,
    kSlots,         // `slots` of the open task
    kChange,        // no to the read-back: what should change?
    kConfirm,       // the open task was read back
    kClarify,       // did you want `call`?
    kOfferReturn,   // back to the suspended task?
    kOfferGoodbye,  // goodbye was said with a task open: finish it first?
    kAnythingElse,
  };
  static std::string_view KindName(Kind kind);  // "confirm": as events are stored
  Kind kind = Kind::kNone;
  std::vector<std::string> slots;  // kSlots
  bool resumed = false;  // kSlots, kConfirm: Sotto came back to the task by itself, so "no" leaves it
  ToolCall call;         // kClarify

  bool operator==(const Pending& other) const {
    return kind == other.kind && slots == other.slots && resumed == other.resumed &&
           SameCall(call, other.call);
  }
};

struct DialogueState {
  std::string session;
  Caller caller;              // as far as it is known by now
  Caller known_as;            // as the host said it
  std::optional<Date> today;  // the day of the call, where it is known
  int turn = 0;               // turns of the user, silent ones too
  std::vector<Task> stack;    // back(): the open task; below: suspended ones, the last left last
  std::vector<QueuedTask> queue;
  std::vector<FinishedTask> finished;
  Pending pending;
  int next_task = 1;
  int acting = 0;  // the task whose action runs, 0: none
  std::string acting_key;
  int failures = 0;   // turns in a row without progress
  int no_inputs = 0;  // silent turns in a row
  bool ended = false;
  Reply last_reply;  // what "repeat" says; asides ("take your time") do not replace it
  int last_reply_turn = -1;
  std::map<std::string, int> said;  // text -> how often, so that variants alternate
  std::vector<std::string> words;   // the last turns of the user, at most 8

  // The open task, or null.
  const Task* open() const { return stack.empty() ? nullptr : &stack.back(); }
  const Task* FindTask(int id) const;
  bool operator==(const DialogueState& other) const;
};

void Apply(DialogueState& state, const Event& event);
DialogueState Fold(std::span<const Event> events);

// What the brain is told with the next utterance.
Expectation ToExpectation(const DialogueState& state);

}  // namespace sotto
