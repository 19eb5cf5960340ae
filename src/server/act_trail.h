// Which requests are acts that the audit log tells of, and the writing of it beside the answers: that an act begins is
// on the disk before it is done, how it ended before the answer goes out. Where the log cannot be written the act is
// not done (503). Any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "server/act_log.h"
#include "server/router.h"

namespace sotto {

// "recording.delete" for DELETE /v1/recordings/{id}; null: nothing that is told of.
const char* AuditedAct(const Route& route);

class ActTrail {
 public:
  // Both outlive it. Whoever handles the requests outlives Finish().
  ActTrail(ActLog& log, Scheduler& scheduler)
      : log_(log), scheduler_(scheduler), strand_(scheduler.NewStrand()) {}

  // Runs `handle` (which outlives the request) as `act`.
  void Do(const char* act, Exchange exchange, const std::function<void(Exchange)>& handle);
  // One line, for what nobody waits for: a client that has a key, and not the scope that `act` needs.
  void Refused(const char* act, const Client& client, const std::vector<std::string>& steps);
  // Blocks. Of what the program or a signal does: `act` is done only where that could be written down.
  Result<void> DoNow(const std::string& by, const char* act, const std::function<Result<void>()>& run);
  // Blocks until no request is on its way here any more. REQUIRES: no more come.
  void Finish();
  // One line. Blocks.
  Result<void> Note(const std::string& by, const char* act, std::string detail);

 private:
  // Counts as a request on its way for as long as it lives.
  std::shared_ptr<const void> Underway();
  static ActLine LineOf(const char* act, const Client& client, const std::vector<std::string>& steps);

  ActLog& log_;
  Scheduler& scheduler_;
  const Scheduler::Strand strand_;
  std::atomic<size_t> on_their_way_{0};
};

}  // namespace sotto
