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
#include <future>
#include <memory>
#include <mutex>
#include <thread>
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
      Enter();
    }
    Run(std::move(work));
  }

  // The same, but `work` has run when it returns, and so has all that came before: for the end of what others'
  // work uses. Not from inside work, where nothing could be waited for: there it is Do.
  void DoAndWait(Work work) {
    const auto ran = std::make_shared<std::promise<void>>();
    bool entered = false;
    {
      const std::lock_guard lock(mutex_);
      if (busy_) {
        const bool inside = runs_on_ == std::this_thread::get_id();
        waiting_.push_back([work = std::move(work), ran] {
          work();
          ran->set_value();
        });
        if (inside) return;
      } else {
        Enter();
        entered = true;
      }
    }
    if (entered) return Run(std::move(work));
    ran->get_future().wait();
  }

 private:
  // Under the lock.
  void Enter() {
    busy_ = true;
    runs_on_ = std::this_thread::get_id();
  }

  // All there is, beginning with `work`. REQUIRES: entered.
  void Run(Work work) {
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

  std::mutex mutex_;
  // All below are guarded by mutex_.
  std::deque<Work> waiting_;
  bool busy_ = false;
  std::thread::id runs_on_;  // where it is busy
};

}  // namespace sotto
