#include "nn/shared_team.h"

namespace sotto {

void SharedTeam::Take() {
  std::unique_lock lock(mutex_);
  const uint64_t mine = next_ticket_++;
  passed_.wait(lock, [&] { return serving_ == mine; });
}

void SharedTeam::Pass() {
  bool others = false;
  {
    std::lock_guard lock(mutex_);
    ++serving_;
    others = next_ticket_ != serving_;
  }
  if (others) passed_.notify_all();
}

void SharedTeam::LetOthers() {
  {
    std::lock_guard lock(mutex_);
    if (next_ticket_ == serving_ + 1) return;
  }
  Pass();
  Take();
}

int SharedTeam::waiting() const {
  std::lock_guard lock(mutex_);
  return next_ticket_ == serving_ ? 0 : static_cast<int>(next_ticket_ - serving_ - 1);
}

}  // namespace sotto
