// What other threads have to tell somebody who looks between steps of their own: completions of work that was
// posted, each as a function that runs on the reader's thread. Its sender shares the inbox, not the reader:
// what comes after the reader has gone is dropped with the inbox.
//
//   runner.Start(request, [inbox = inbox_, this, id](ToolResult result) {        // on any thread
//     inbox->Put([this, id, result = std::move(result)] { OnActed(id, result); });  // runs inside Read()
//   });
//
// Unbounded: everything in it was asked for by its reader. Put from any thread, the rest from the reader's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sotto {

class Inbox {
 public:
  using Message = std::function<void()>;

  void Put(Message message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    any_.store(true, std::memory_order_release);
    arrived_.notify_one();
  }

  // Runs all that is there, in order, and what is put meanwhile. From inside a message: no effect.
  void Read() {
    if (reading_) return;
    reading_ = true;
    while (any_.load(std::memory_order_acquire)) {
      std::vector<Message> messages;
      {
        const std::lock_guard lock(mutex_);
        messages.swap(messages_);
        any_.store(false, std::memory_order_relaxed);
      }
      for (const Message& message : messages) message();
    }
    reading_ = false;
  }

  // Until something is there, at most `limit`.
  void Wait(Duration limit) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, limit, [&] { return !messages_.empty(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Message> messages_;  // guarded by mutex_
  std::atomic<bool> any_{false};   // Read() costs nothing where there is none
  bool reading_ = false;           // the reader's
};

}  // namespace sotto
