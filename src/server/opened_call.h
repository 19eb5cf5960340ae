// The call of a line that is opened later than the line is there, and may be gone before: what comes from the line
// finds no call until it is open, and a call that comes too late is hung up. Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

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
};

}  // namespace sotto
