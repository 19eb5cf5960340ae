// A ring of samples between exactly one writing and one reading thread, for audio callbacks: no locks, no
// allocation, wait-free. Layout: positions grow forever, the slot is position & (capacity - 1) (Lamport's
// queue).
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace sotto {

template <typename T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Holds at least `capacity` items (rounded up to a power of two).
  explicit SpscRing(size_t capacity) : slots_(std::bit_ceil(std::max<size_t>(capacity, 1))) {}

  // Writer's thread. Returns how many were taken: fewer than items.size() when the ring is full.
  size_t Write(std::span<const T> items) {
    const size_t head = head_.load(std::memory_order_relaxed);
    const size_t room = slots_.size() - (head - tail_.load(std::memory_order_acquire));
    const size_t count = std::min(room, items.size());
    for (size_t i = 0; i < count; ++i) slots_[(head + i) & (slots_.size() - 1)] = items[i];
    head_.store(head + count, std::memory_order_release);
    return count;
  }

  // Reader's thread. Returns how many were given.
  size_t Read(std::span<T> out) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    const size_t count = std::min(head_.load(std::memory_order_acquire) - tail, out.size());
    for (size_t i = 0; i < count; ++i) out[i] = slots_[(tail + i) & (slots_.size() - 1)];
    tail_.store(tail + count, std::memory_order_release);
    return count;
  }

  // Items that can be read now: exact on the reader's thread, a lower bound on any other.
  size_t size() const {
    return head_.load(std::memory_order_acquire) - tail_.load(std::memory_order_acquire);
  }
  size_t capacity() const { return slots_.size(); }

 private:
  std::vector<T> slots_;
  alignas(64) std::atomic<size_t> head_{0};
  alignas(64) std::atomic<size_t> tail_{0};
};

}  // namespace sotto
