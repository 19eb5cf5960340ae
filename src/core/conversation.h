// What has been said so far, as the brain reads it: user texts and the calls they became; never replies or
// results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/calendar.h"
#include "core/tool.h"

namespace sotto {

// What the driver of the conversation waits for: given to the brain with the next utterance, so that "4532",
// "yes" or "savings" alone is understood. kNone: nothing in particular, or not known (datasets).
struct Expectation {
  enum class Kind {
    kNone,
    kSlots,    // `slots` of `tool` were asked for
    kConfirm,  // `tool` was read back: yes, no, or a correction
    kOffer,    // offered to come back to `tool`, or "anything else?"
  };
  Kind kind = Kind::kNone;
  std::string tool;                // empty for kNone and for an open offer
  std::vector<std::string> slots;  // kSlots only, in the order they were asked
  bool operator==(const Expectation&) const = default;
};

// How the user's words come. What only sounds like a value is a reading of speech, never of typed text.
enum class Channel : uint8_t { kTyped, kSpoken };

// One user turn and what it meant. `calls` is empty while the turn is not yet understood.
struct Turn {
  std::string user;
  Expectation expectation;  // what stood before the user spoke
  std::vector<ToolCall> calls;
};

struct Conversation {
  std::vector<Turn> turns;
  std::vector<ToolSpec> tools;  // of this conversation; empty: the workflow's
  Channel channel = Channel::kTyped;
  // The day it is held on, in the caller's place: "tomorrow" is the day after it. Unknown: no date can be
  // read.
  std::optional<Date> today;
};

// Names of the control tools that every workflow has besides its own (design 3.2). Offered to the model only
// where the dialogue state allows them.
namespace control {
inline constexpr const char* kAffirm = "affirm";         // yes, go ahead
inline constexpr const char* kDeny = "deny";             // no
inline constexpr const char* kNeverMind = "never_mind";  // drop this task
inline constexpr const char* kRepeat = "repeat";         // say that again
inline constexpr const char* kWait = "wait";             // hold on
inline constexpr const char* kStartOver = "start_over";  // from the beginning
inline constexpr const char* kHelp = "help";             // what can you do
}  // namespace control
// All of the above, in that order, without parameters, with descriptions.
const std::vector<ToolSpec>& ControlTools();
const std::vector<std::string>& ControlToolNames();
bool IsControlTool(std::string_view name);

}  // namespace sotto
