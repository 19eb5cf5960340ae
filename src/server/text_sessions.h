// Written conversations that programs hold over HTTP: many of them, each with its turns one after the other,
// on threads that may block. A session belongs to the client that began it; for everybody else it is not
// there. One that nobody has used for a while ends.
//
// Threads: any; `done` is called once, from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "assistant/journal.h"
#include "base/scheduler.h"
#include "server/http.h"
#include "server/problem.h"
#include "server/served_workflow.h"
#include "server/trace_context.h"

namespace sotto {

class Admission;
class ServerMetrics;
class Tracer;
class Webhooks;

class TextSessions {
 public:
  struct Options {
    size_t most = 10000;
    size_t most_waiting = 8;  // turns of one session
    int threads = 64;         // so many turns at the same time
    std::chrono::seconds idle{1800};
  };
  struct Services {
    const Clock* clock = nullptr;
    Journal* journal = nullptr;  // null: nothing is kept
    TurnSink* turns = nullptr;   // null: records go nowhere else
    ServerMetrics* metrics = nullptr;
    Webhooks* webhooks = nullptr;          // null: nobody is told how sessions ended
    Tracer* tracer = nullptr;              // null: nobody is told where time went
    const Admission* admission = nullptr;  // null: only the number of sessions is looked at
  };
  using Answer = tl::expected<Json, Problem>;
  using Done = std::function<void(Answer)>;

  // The services outlive it.
  TextSessions(const Services& services, Options options);
  // Waits for turns under way.
  ~TextSessions();
  TextSessions(const TextSessions&) = delete;
  TextSessions& operator=(const TextSessions&) = delete;

  // {"id", "workflow", "version", "turn": record, "state", "ended", "hand_off"}. `id`: of a stored session
  // that is continued; empty: a new one. `held` lives as long as the session. `trace`: of whoever asks.
  void Begin(ServedWorkflowPtr workflow, std::string owner, std::shared_ptr<const void> held, Caller caller,
             std::string id, Done done, std::optional<TraceContext> trace = std::nullopt);
  // `text` empty: silence. {"turn", "state", "ended", "hand_off"}.
  void Say(const std::string& id, const std::string& owner, std::string text, Done done,
           std::optional<TraceContext> trace = std::nullopt);
  // A person takes over: no turn is taken after it. {"reason", "summary", "state", "turns": [{user, reply}]}
  void HandOver(const std::string& id, const std::string& owner, std::string reason, Done done);
  // As of the last turn: {"id", "workflow", "version", "turns", "state", "ended", "hand_off"}.
  Answer Get(const std::string& id, const std::string& owner) const;
  Answer List(const std::string& owner) const;
  tl::expected<void, Problem> End(const std::string& id, const std::string& owner);
  // Server-sent events from after `last_event` on: "turn" and "ended", with what Say answers.
  tl::expected<void, Problem> Follow(const std::string& id, const std::string& owner, uint64_t last_event,
                                     std::shared_ptr<StreamWriter> writer);

  // Ends those that were idle too long.
  void Sweep();
  // No more sessions; those that are open go on.
  void RefuseMore() { refusing_ = true; }
  size_t waiting() const { return waiting_; }  // turns
  // By all turns so far, together, until a thread took them up.
  Duration turns_waited() const { return scheduler_.counters().waited; }
  size_t size() const;

 private:
  struct Session;
  using SessionPtr = std::shared_ptr<Session>;

  tl::expected<SessionPtr, Problem> Find(const std::string& id, const std::string& owner) const;
  void Post(const SessionPtr& session, std::function<Answer()> work, Done done);
  Answer Take(Session& session, const TurnRecord& record, const std::optional<TraceContext>& trace);
  void Close(const SessionPtr& session, std::string_view reason);
  void TellOutside(const Session& session, const char* event, std::string_view reason, Json hand_off) const;

  const Services services_;
  const Options options_;
  std::atomic<bool> refusing_{false};
  std::atomic<size_t> waiting_{0};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, SessionPtr> sessions_;  // guarded by mutex_
  // Turns wait for actions, which wait for threads of another scheduler: never for one another.
  Scheduler scheduler_;
};

}  // namespace sotto
