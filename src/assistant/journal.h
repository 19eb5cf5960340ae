// The session store for sessions that must not wait for a disk: appends one after the other on a strand of
// the scheduler, on a thread that may block. Shared by any number of sessions, on any threads.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "assistant/session_store.h"
#include "base/scheduler.h"

namespace sotto {

class Journal {
 public:
  using Done = std::function<void(Result<void>)>;

  // Nobody else uses the store while sessions do. Destroyed in this order: sessions, scheduler, journal,
  // store; with an inline scheduler, which has nothing left to run, in any.
  Journal(SessionStore& store, Scheduler& scheduler)
      : store_(store), scheduler_(scheduler), strand_(scheduler.NewStrand()) {}

  // Blocks. See SessionStore::Load.
  Result<std::vector<Event>> Load(const std::string& session, const std::string& workflow);
  // Never blocks; `done` is told once, from any thread, when the events are on the disk or will never be. No
  // deadline: an append that was given up could still happen.
  void Append(std::string session, std::string workflow, std::vector<Event> events,
              std::chrono::system_clock::time_point now, Done done);

 private:
  SessionStore& store_;
  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  std::mutex mutex_;  // of the store
};

}  // namespace sotto
