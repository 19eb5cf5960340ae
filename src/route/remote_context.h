// What the remote models of one route share: an HTTP client and a thread for their timers. Their completions
// come on these threads.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/own_threads.h"
#include "base/scheduler.h"

namespace sotto {

class RemoteContext {
 public:
  // Whoever lets go of it last may be one of its own completions.
  static std::shared_ptr<RemoteContext> Make() { return OwnThreads::Share(new RemoteContext); }

  const Clock& clock() const { return clock_; }
  HttpClient& http() { return *http_; }
  Scheduler& timers() { return timers_; }

 private:
  RemoteContext() : timers_(clock_, {.threads = 1}), http_(MakeHttpClient()) {}

  const SystemClock clock_;
  Scheduler timers_;
  std::unique_ptr<HttpClient> http_;  // goes first: what it cancels may still set a timer
};

}  // namespace sotto
