#include "assistant/voicemail_watch.h"

#include <algorithm>

#include "text/voicemail_phrases.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kSilence{2500};  // of a machine without a beep: it listens
constexpr int kLongestWait = 6000;                   // frames: no greeting is longer than a minute

}  // namespace

VoicemailWatch::Rule VoicemailWatch::RuleOf(const Workflow& workflow) {
  const std::string rule = workflow.policy.is_object() ? workflow.policy.value("voicemail", "none") : "none";
  return rule == "hang_up" ? Rule::kHangUp : rule == "leave_message" ? Rule::kLeaveMessage : Rule::kNone;
}

VoicemailWatch::VoicemailWatch(const Workflow& workflow, Rule rule, Message message)
    : rule_(rule), message_(std::move(message)), detector_(VoicemailPhrases(workflow.language)) {}

bool VoicemailWatch::Hear(std::span<const float> frame) {
  detector_.Hear(frame);
  return detector_.verdict() == VoicemailDetector::Verdict::kMachineAnswered;
}

bool VoicemailWatch::Say(std::span<float> frame) {
  std::fill(frame.begin(), frame.end(), 0.0F);
  if (rule_ == Rule::kHangUp || message_ == nullptr) return false;
  begun_ = begun_ || detector_.Listens(kSilence);
  if (!begun_) return ++waited_ < kLongestWait;
  const size_t n = std::min(frame.size(), message_->size() - position_);
  std::copy_n(message_->begin() + static_cast<std::ptrdiff_t>(position_), n, frame.begin());
  position_ += n;
  said_ = position_ == message_->size();
  return !said_;
}

}  // namespace sotto
