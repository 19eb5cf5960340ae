// The call of a line that is opened later than the line is there, and may be gone before: what comes from the line
// finds no call until it is open, what is typed waits for it, and a call that comes too late is hung up. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/voice_call.h"

namespace sotto {

class OpenedCall {
 public:
  // Null: not open yet.
  std::shared_ptr<VoiceCall> get() const {
    const std::lock_guard lock(mutex_);
    return call_;
  }
  void Set(std::shared_ptr<VoiceCall> call) {
    const std::lock_guard lock(mutex_);
    if (gone_) return call->HangUp("hung_up");
    call_ = std::move(call);
    for (std::string& text : typed_) call_->Type(std::move(text));
    typed_.clear();
  }
  void Type(std::string text) {
    const std::lock_guard lock(mutex_);
    if (call_ != nullptr) return call_->Type(std::move(text));
    if (!gone_) typed_.push_back(std::move(text));
  }
  // The line is gone.
  void HangUp(const std::string& reason = "hung_up") {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    if (call_ != nullptr) call_->HangUp(reason);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<VoiceCall> call_;  // guarded by mutex_
  bool gone_ = false;                // guarded by mutex_
  std::vector<std::string> typed_;   // guarded by mutex_; before it was open
};

}  // namespace sotto
