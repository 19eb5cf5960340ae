// What a call does when a machine has answered it (`policy: {voicemail: hang_up | leave_message}` of the workflow): it
// listens along, and says when to hang up, or plays the message when the machine listens. A person's call goes on as if
// nothing listened.
//
//   watching --a machine--> hang_up: over
//       |        '--------> leave_message: waiting --beep, or silence--> saying --its last word--> over
//       '--a person, for long enough: nothing more
//
// One thread at a time: the pacer's.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "speech/voicemail_detector.h"
#include "workflow/workflow.h"

namespace sotto {

class VoicemailWatch {
 public:
  enum class Rule : uint8_t { kNone, kHangUp, kLeaveMessage };
  using Message = std::shared_ptr<const std::vector<float>>;  // 16 kHz; null: there is nothing to say

  static Rule RuleOf(const Workflow& workflow);

  // REQUIRES: a rule but kNone.
  VoicemailWatch(const Workflow& workflow, Rule rule, Message message);

  // 10 ms of the other side. True: a machine has answered; from now on the conversation stands still, and what is heard
  // is Say's.
  bool Hear(std::span<const float> frame);
  void Words(std::string_view heard) { detector_.Words(heard); }
  // REQUIRES: Hear said true. The frame that the machine hears; false: it is over, hang up.
  bool Say(std::span<float> frame);

  // "voicemail", or "voicemail_message": one was left, to its end.
  std::string_view reason() const { return said_ ? "voicemail_message" : "voicemail"; }
  std::string_view why() const { return detector_.why(); }

 private:
  const Rule rule_;
  const Message message_;
  VoicemailDetector detector_;
  size_t position_ = 0;  // in the message
  int waited_ = 0;       // frames, for the machine to listen
  bool begun_ = false;
  bool said_ = false;
};

}  // namespace sotto
