// A turn sink for sessions that must not wait for a disk: records are written in order, on a thread that may
// block; what cannot be written is logged. Its destructor waits until all of them are. Any thread.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "base/scheduler.h"
#include "core/turn_log.h"

namespace sotto {

class TurnQueue final : public TurnSink {
 public:
  // Both outlive it.
  TurnQueue(TurnSink& sink, Scheduler& scheduler)
      : sink_(sink), scheduler_(scheduler), strand_(scheduler.NewStrand()) {}
  ~TurnQueue() override {
    std::unique_lock lock(mutex_);
    written_.wait(lock, [this] { return waiting_ == 0; });
  }
  TurnQueue(const TurnQueue&) = delete;
  TurnQueue& operator=(const TurnQueue&) = delete;

  Result<void> Write(const TurnRecord& record) override {
    {
      const std::lock_guard lock(mutex_);
      ++waiting_;
    }
    scheduler_.Post(
        {.strand = strand_, .blocks = true, .what = "turn record"},
        [this, record](std::stop_token) { return sink_.Write(record); },
        [this, session = record.session, turn = record.turn](const Result<void>& written) {
          if (!written) Log().error("{}: turn {}: {}", session, turn, written.error().message);
          const std::lock_guard lock(mutex_);
          if (--waiting_ == 0) written_.notify_all();
        });
    return {};
  }

 private:
  TurnSink& sink_;
  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  std::mutex mutex_;
  std::condition_variable written_;
  size_t waiting_ = 0;  // guarded by mutex_
};

}  // namespace sotto
