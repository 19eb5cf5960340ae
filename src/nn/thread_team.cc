#include "nn/thread_team.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sotto {
namespace {

inline void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until `done` or for `limit`. Returns whether it is done.
template <typename Done>
bool SpinUntil(std::chrono::microseconds limit, Done done) {
  for (int i = 0; i < 64; ++i) {
    if (done()) return true;
    Pause();
  }
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < 16; ++i) {
      if (done()) return true;
      Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

}  // namespace

// `gate` is epoch << 32 | open << 31 | members inside. Workers enter an open epoch once; the caller closes it
// when the shares are empty and waits only for those inside.
struct ThreadTeam::State {
  static constexpr uint64_t kOpen = uint64_t{1} << 31;
  static constexpr uint64_t kInside = kOpen - 1;

  alignas(64) std::atomic<uint64_t> gate{0};
  // The items of a member's share that are not taken yet.
  struct alignas(64) Share {
    std::atomic<size_t> next{0};
    size_t end = 0;
  };
  std::vector<Share> shares;
  size_t chunk = 1;
  Function function = nullptr;
  void* context = nullptr;

  alignas(64) std::atomic<size_t> n_sleeping{0};
  std::atomic<bool> caller_sleeps{false};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable done;
  std::vector<std::thread> workers;

  // Empties the member's own share, then those of the others.
  void TakeChunks(size_t member) {
    for (size_t i = 0; i < shares.size(); ++i) {
      Share& share = shares[(member + i) % shares.size()];
      for (;;) {
        const size_t begin = share.next.fetch_add(chunk, std::memory_order_relaxed);
        if (begin >= share.end) break;
        function(context, begin, share.end - begin < chunk ? share.end : begin + chunk, member);
      }
    }
  }

  // Cuts the items into shares of whole chunks.
  void Divide(size_t n_items) {
    const size_t n_chunks = (n_items + chunk - 1) / chunk;
    size_t begin = 0;
    for (size_t i = 0; i < shares.size(); ++i) {
      const size_t end = n_chunks * (i + 1) / shares.size() * chunk;
      shares[i].next.store(begin, std::memory_order_relaxed);
      shares[i].end = end < n_items ? end : n_items;
      begin = shares[i].end;
    }
  }

  // Enters the epoch if it is open and not `seen`. Sets `seen` to the epoch found.
  bool Enter(uint64_t& seen) {
    uint64_t value = gate.load(std::memory_order_acquire);
    while ((value & kOpen) != 0 && (value >> 32) != seen) {
      if (gate.compare_exchange_weak(value, value + 1, std::memory_order_acq_rel)) {
        seen = value >> 32;
        return true;
      }
    }
    return false;
  }

  bool HasWork(uint64_t seen) const {
    const uint64_t value = gate.load(std::memory_order_seq_cst);
    return stop.load(std::memory_order_relaxed) || ((value & kOpen) != 0 && (value >> 32) != seen);
  }

  void Leave() {
    const uint64_t before = gate.fetch_sub(1, std::memory_order_seq_cst);
    if ((before & kInside) == 1 && caller_sleeps.load(std::memory_order_seq_cst)) {
      const std::lock_guard lock(mutex);
      done.notify_one();
    }
  }

  void Work(size_t member) {
    uint64_t seen = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      if (!SpinUntil(kSpin, [&] { return HasWork(seen); })) {
        std::unique_lock lock(mutex);
        n_sleeping.fetch_add(1, std::memory_order_seq_cst);
        work.wait(lock, [&] { return HasWork(seen); });
        n_sleeping.fetch_sub(1, std::memory_order_relaxed);
      }
      if (Enter(seen)) {
        TakeChunks(member);
        Leave();
      }
    }
  }
};

ThreadTeam::ThreadTeam(size_t n_threads) : state_(std::make_unique<State>()) {
  SOTTO_CHECK(n_threads >= 1 && n_threads < 1024, "{} threads", n_threads);
  state_->shares = std::vector<State::Share>(n_threads);
  for (size_t member = 1; member < n_threads; ++member) {
    state_->workers.emplace_back([state = state_.get(), member] { state->Work(member); });
  }
}

ThreadTeam::~ThreadTeam() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop.store(true);
  }
  state_->work.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

size_t ThreadTeam::size() const { return state_->workers.size() + 1; }

void ThreadTeam::Run(size_t n_items, size_t chunk, Function function, void* context) {
  State& s = *state_;
  s.chunk = chunk;
  s.Divide(n_items);
  s.function = function;
  s.context = context;
  const uint64_t epoch = ((s.gate.load(std::memory_order_relaxed) >> 32) + 1) & 0xFFFFFFFFu;
  s.gate.store(epoch << 32 | State::kOpen, std::memory_order_seq_cst);
  if (s.n_sleeping.load(std::memory_order_seq_cst) > 0) {
    { const std::lock_guard lock(s.mutex); }
    s.work.notify_all();
  }
  s.TakeChunks(0);
  s.gate.fetch_and(~State::kOpen, std::memory_order_seq_cst);
  const auto all_left = [&s] { return (s.gate.load(std::memory_order_seq_cst) & State::kInside) == 0; };
  if (SpinUntil(kSpin, all_left)) return;
  // A worker lost its core inside a chunk: leave ours to it.
  std::unique_lock lock(s.mutex);
  s.caller_sleeps.store(true, std::memory_order_seq_cst);
  s.done.wait(lock, all_left);
  s.caller_sleeps.store(false, std::memory_order_relaxed);
}

}  // namespace sotto
