// All calls of the server: opened on threads that may block, stepped by one pacer, counted, and found again
// by their id. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "server/admission.h"
#include "server/problem.h"
#include "server/voice_call.h"

namespace sotto {

class VoiceCalls {
 public:
  struct Options {
    size_t most = 200;
    int threads = 2;  // that step calls
    std::chrono::milliseconds hold{20000};
  };
  struct Services {
    Scheduler* scheduler = nullptr;
    const Clock* clock = nullptr;
    Journal* journal = nullptr;
    TurnSink* turns = nullptr;  // that does not block
    ServerMetrics* metrics = nullptr;
    Webhooks* webhooks = nullptr;      // null: nobody is told how calls ended
    Recordings* recordings = nullptr;  // null: no workflow's calls are recorded
    Tracer* tracer = nullptr;          // null: nobody is told where time went
    Admission* admission = nullptr;    // null: only the number of calls is looked at
  };
  using CallPtr = std::shared_ptr<VoiceCall>;
  using Done = std::function<void(tl::expected<CallPtr, Problem>)>;

  VoiceCalls(const Services& services, Options options);
  // Waits for calls that are being opened. Those that are held end here, without a word.
  ~VoiceCalls();
  VoiceCalls(const VoiceCalls&) = delete;
  VoiceCalls& operator=(const VoiceCalls&) = delete;

  // What a call with the workflow begins with: an id of its own, the workflow's caller and endpointing.
  // REQUIRES: the workflow speaks.
  static VoiceOptions OptionsFor(const ServedWorkflow& workflow, std::string channel);
  // `options` has the session's id and caller. `done` is called once, from any thread; the call is stepped
  // from then on. 503 where there is no room, the machine has enough to do, or the server stops; 422 where the workflow has no voice.
  void Open(ServedWorkflowPtr workflow, VoiceOptions options, std::shared_ptr<VoiceLine> line, Done done);
  // The same for a conversation that is no workflow's: `make` opens it, and may block.
  using HeldPtr = std::shared_ptr<HeldCall>;
  using HeldDone = std::function<void(tl::expected<HeldPtr, Problem>)>;
  void OpenHeld(std::function<Result<HeldPtr>()> make, HeldDone done);
  // Null: no such call, or it is over.
  CallPtr Find(const std::string& id) const;

  // Another call would be refused now.
  bool full() const;
  // No more calls; those that are held go on.
  void RefuseMore() { refusing_ = true; }
  void HangUpAll(std::string_view reason);
  // Held or being opened.
  size_t size() const;

 private:
  void Forget();                          // REQUIRES: mutex_ is held
  std::optional<Problem> BeginOpening();  // or why not
  std::optional<Problem> WhyNot();        // REQUIRES: mutex_ is held
  void SayBusy(const ServedWorkflowPtr& workflow, std::shared_ptr<VoiceLine> line, Problem problem,
               Done done);

  const Services services_;
  const Options options_;
  std::atomic<bool> refusing_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<VoiceCall>> calls_;  // guarded by mutex_
  std::vector<std::weak_ptr<HeldCall>> others_;                      // guarded by mutex_
  std::atomic<size_t> opening_{0};
  std::atomic<size_t> speaking_{0};  // sentences on their way to the pacer
  std::shared_ptr<std::atomic<int>> sentences_ =
      std::make_shared<std::atomic<int>>(0);  // that are being said
  Pacer pacer_;
};

}  // namespace sotto
