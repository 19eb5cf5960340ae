// Runs the actions of all conversations, each backend (the bank, a database, an HTTP server, an MCP server)
// by itself: a slow one holds up nobody who asks another.
//
// Of a request:  waiting -> running -> told        unavailable: running -> pausing -> waiting ..., retries
// It is told once: its result, or
//   busy         `queue` requests of its backend wait already: the newest is refused, and counted
//   unavailable  the backend is not reachable, by the last try or by its circuit breaker
//   timeout      `timeout_ms` have passed since Start, however far it got; a running try is asked to stop,
//                and what it still returns is dropped. Its idempotency key makes sure that asking again does
//                not do it twice
//   cancelled    the executor ended
//
// Keys of a workflow's action section that are the executor's (docs/formats/workflow.md):
//   timeout_ms: 5000      for all tries and waiting together
//   retries: 2            after `unavailable`, after pauses of 50 ms, doubled each time, that hold nothing
//   concurrency, queue: 64, breaker: {failures: 5, open_ms: 10000}
//                         of the backend: the same for all its tools
//
// Threads: actions that block run on the scheduler's blocking threads, so many at once as their backend
// allows; those that do not (HTTP, MCP) hold none. Completions come from any thread.
#pragma once

#include <memory>

#include "action/registry.h"
#include "base/circuit_breaker.h"
#include "base/scheduler.h"
#include "core/action.h"

namespace sotto {

// What a workflow's action section says to the executor.
struct ActionLimits {
  std::chrono::milliseconds timeout{5000};
  int retries = 2;
  struct OfBackend {
    int concurrency = 1;
    int queue = 64;
    BreakerOptions breaker;
    bool operator==(const OfBackend&) const = default;
  } backend;
};

// `concurrency`: where the options say nothing. Errors name the key, its value and what would be right.
Result<ActionLimits> ReadActionLimits(const Json& options, int concurrency);

struct BackendCounters {
  std::string backend;
  size_t waiting = 0;  // now, pauses included
  size_t running = 0;  // now
  CircuitBreaker::State breaker = CircuitBreaker::State::kClosed;
  uint64_t requests = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;  // with any failure not counted below
  uint64_t unavailable = 0;
  uint64_t timeouts = 0;
  uint64_t busy = 0;
  uint64_t cancelled = 0;
  uint64_t kept_away = 0;  // of `unavailable`: by the circuit breaker
  uint64_t retries = 0;
  uint64_t late = 0;  // results that came after their request was told `timeout`
  uint64_t breaker_opened = 0;
  Duration took{0};  // all requests that were told together, waiting included
};

class ActionExecutor final : public ActionRunner {
 public:
  // `scheduler` outlives the executor; its clock is the executor's.
  ActionExecutor(ActionRegistry registry, Scheduler& scheduler);
  // Tells whoever waits `cancelled`, asks what runs to stop, and waits until nothing runs.
  ~ActionExecutor() override;
  ActionExecutor(const ActionExecutor&) = delete;
  ActionExecutor& operator=(const ActionExecutor&) = delete;

  void Start(ActionRequest request, Done done) override;
  // Of every backend that was asked for so far.
  std::vector<BackendCounters> counters() const;

 private:
  class Core;
  const std::shared_ptr<Core> core_;
};

}  // namespace sotto
