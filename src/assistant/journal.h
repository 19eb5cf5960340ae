// The session store for sessions that must not wait for a disk: appends in order, on a thread of the scheduler that may
// block. What comes while the disk is busy is written together after it and synced once (group commit): many sessions
// need no more syncs than the disk can make. Shared by any number of sessions, on any threads.
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

  // Synced so far, and what they held.
  struct Counters {
    uint64_t writes = 0;
    uint64_t appends = 0;
  };
  Counters counters() const;

 private:
  struct Waiting {
    SessionAppend append;
    Done done;
  };

  void WriteWaiting();
  std::vector<Waiting> TakeWaiting();

  SessionStore& store_;
  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  std::mutex mutex_;  // of the store
  mutable std::mutex waiting_mutex_;
  // Guarded by waiting_mutex_.
  std::vector<Waiting> waiting_;
  bool posted_ = false;  // somebody will write them
  Counters counters_;
};

}  // namespace sotto
