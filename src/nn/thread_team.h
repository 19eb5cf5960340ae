// A fixed team of threads for fork-join inside one forward pass.
//
// The caller of ParallelFor is member 0 and works too, so a team of one has no threads at all. Every member
// has a share of neighbouring items, which it takes chunk by chunk from an atomic counter before it helps
// with the shares of others: memory is read in order, a member that lost its core to another program holds up
// at most the one chunk it has begun, and one that has not woken up yet is not waited for. A worker that
// finds nothing to do spins for `kSpin` and then sleeps in the kernel, so an idle team costs nothing.
//
// One thread at a time may call ParallelFor of a team; the calls of a body must not call it again.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

namespace sotto {

class ThreadTeam {
 public:
  static constexpr std::chrono::microseconds kSpin{40};

  // Starts n_threads - 1 workers. REQUIRES: n_threads >= 1.
  explicit ThreadTeam(size_t n_threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  size_t size() const;

  // Calls body(begin, end, member) for consecutive chunks of `chunk` items that cover [0, n_items), in any
  // order, on any members, and returns when all are done. What the bodies wrote is visible to the caller
  // afterwards. A single chunk runs on the caller. REQUIRES: chunk >= 1.
  template <typename Body>
  void ParallelFor(size_t n_items, size_t chunk, Body&& body) {
    if (n_items == 0) return;
    if (n_items <= chunk || size() == 1) {
      for (size_t begin = 0; begin < n_items; begin += chunk) {
        body(begin, begin + chunk < n_items ? begin + chunk : n_items, size_t{0});
      }
      return;
    }
    Run(n_items, chunk, &Invoke<Body>, &body);
  }

 private:
  using Function = void (*)(void* context, size_t begin, size_t end, size_t member);
  struct State;

  template <typename Body>
  static void Invoke(void* context, size_t begin, size_t end, size_t member) {
    (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end, member);
  }
  void Run(size_t n_items, size_t chunk, Function function, void* context);

  std::unique_ptr<State> state_;
};

}  // namespace sotto
