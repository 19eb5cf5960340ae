// A blocking queue of at most `capacity` items between threads, with the policy for a full queue stated at
// its making.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace sotto {

enum class WhenFull {
  kDropOldest,  // the newest matters most (microphone); drops are counted
  kBlock,       // nothing may be lost (control)
};

// Any thread may call anything.
template <typename T>
class BoundedQueue {
 public:
  BoundedQueue(size_t capacity, WhenFull when_full) : capacity_(capacity), when_full_(when_full) {
    SOTTO_CHECK(capacity > 0);
  }

  // False after Close(): the item was not taken.
  bool Push(T item) {
    std::unique_lock lock(mutex_);
    if (when_full_ == WhenFull::kBlock) {
      not_full_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    }
    if (closed_) return false;
    if (items_.size() == capacity_) {
      items_.pop_front();
      ++dropped_;
    }
    items_.push_back(std::move(item));
    not_empty_.notify_one();
    return true;
  }

  // Waits for an item; nullopt once the queue is closed and empty.
  std::optional<T> Pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return TakeLocked();
  }

  // Waits at most `limit`.
  std::optional<T> PopFor(Duration limit) {
    std::unique_lock lock(mutex_);
    not_empty_.wait_for(lock, limit, [&] { return closed_ || !items_.empty(); });
    return TakeLocked();
  }

  std::optional<T> TryPop() {
    std::lock_guard lock(mutex_);
    return TakeLocked();
  }

  // Wakes everybody; items already in the queue can still be popped.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }
  uint64_t dropped() const {
    std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  std::optional<T> TakeLocked() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    not_full_.notify_one();
    return item;
  }

  const size_t capacity_;
  const WhenFull when_full_;
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<T> items_;
  uint64_t dropped_ = 0;
  bool closed_ = false;
};

}  // namespace sotto
