// The threads that several models of one process compute on, one at a time: a specialist, an embedder, a
// recogniser and a large model together use as many threads as there are cores, not as many each.
//
//   auto team = std::make_shared<SharedTeam>(2);
//   {
//     SharedTeam::Turn turn(*team);        // first come, first served
//     turn.team().ParallelFor(...);
//     team->LetOthers();                   // between layers: whoever waits goes first
//   }
//
// Any thread may ask for a turn. A turn must not ask for another one of the same team (deadlock).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "nn/thread_team.h"

namespace sotto {

class SharedTeam {
 public:
  // REQUIRES: n_threads >= 1.
  explicit SharedTeam(size_t n_threads) : team_(n_threads) {}
  SharedTeam(const SharedTeam&) = delete;
  SharedTeam& operator=(const SharedTeam&) = delete;

  size_t size() const { return team_.size(); }

  class Turn {
   public:
    explicit Turn(SharedTeam& shared) : shared_(shared) { shared_.Take(); }
    ~Turn() { shared_.Pass(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ThreadTeam& team() { return shared_.team_; }

   private:
    SharedTeam& shared_;
  };

  // REQUIRES: the caller holds the turn. Gives it to whoever waits and takes it again behind them; nothing
  // where nobody waits.
  void LetOthers();
  // The threads themselves. REQUIRES: nobody else uses the shared team, or the caller holds the turn.
  ThreadTeam& team() { return team_; }
  // How many callers wait for their turn now.
  int waiting() const;

 private:
  void Take();
  void Pass();

  ThreadTeam team_;
  mutable std::mutex mutex_;
  std::condition_variable passed_;
  uint64_t next_ticket_ = 0;  // guarded by mutex_
  uint64_t serving_ = 0;      // guarded by mutex_
};

}  // namespace sotto
