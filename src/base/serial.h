// Work of several threads, one piece after the other, without a thread of its own and without a lock that is
// held while it runs: whoever comes first also does what comes meanwhile. For state that completions from
// anywhere change (they may come from inside the very call that asked for them).
//
//   serial_.Do([self = shared_from_this()] { self->OnAnswer(); });
//
// Pieces are short and never block. Whoever calls Do keeps the object alive until it returns.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace sotto {

class Serial {
 public:
  using Work = std::function<void()>;

  // Runs `work` before it returns, unless other work runs: then after that, on that thread. In the order of
  // the calls. Any thread, also from inside `work`.
  void Do(Work work) {
    {
      const std::lock_guard lock(mutex_);
      if (busy_) {
        waiting_.push_back(std::move(work));
        return;
      }
      busy_ = true;
    }
    while (true) {
      work();
      work = nullptr;  // what it held goes outside of the lock
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        busy_ = false;
        return;
      }
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<Work> waiting_;  // guarded by mutex_
  bool busy_ = false;         // guarded by mutex_
};

}  // namespace sotto
