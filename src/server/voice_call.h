// One spoken conversation of the server, whatever protocol carries it: a VoiceSession, stepped by the pacer,
// between a buffer that the line fills and a line that is given frames and told what happens.
//
//   opening --Open--> stepped every 10 ms --conversation over, HangUp, Drain--> OnEnd
//                        |        ^
//                       Hold    Resume, within `hold`
//                        v        |
//                      held: time stands still; then OnEnd("lost")
//
// Threads: all public functions but Step from any; the line is told on the pacer's thread, and must not
// block. The line lives as long as the call.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assistant/state_view.h"
#include "assistant/voice_session.h"
#include "base/inbox.h"
#include "server/hearing_buffer.h"
#include "server/pacer.h"
#include "server/served_workflow.h"

namespace sotto {

class ServerMetrics;
class Webhooks;

// Who carries a call.
class VoiceLine {
 public:
  virtual ~VoiceLine() = default;
  // 10 ms for the ear. `silent`: there is nothing in it.
  virtual void OnFrame(std::span<const float> frame, bool silent) = 0;
  // Of an utterance under way: all that was heard so far.
  virtual void OnPartial(std::string_view) {}
  // A turn was decided; its reply is about to be heard. `state`: assistant/state_view.h.
  virtual void OnReply(const TurnRecord&, const Json& /*state*/) {}
  // Its reply was heard or interrupted: the record is complete.
  virtual void OnTurn(const TurnRecord&) {}
  // Speech of the user began, or ended.
  virtual void OnSpeech(bool /*speaks*/) {}
  // Sotto fell silent in the middle of a reply because the user speaks, or goes on.
  virtual void OnPaused(bool /*paused*/) {}
  // Last. `reason`: ended, handed_off, hung_up, lost, server_stops.
  virtual void OnEnd(std::string_view reason, const std::optional<HandOff>&) = 0;
};

class VoiceCall final : public Paced, public std::enable_shared_from_this<VoiceCall> {
 public:
  struct Services {
    Scheduler* scheduler = nullptr;
    const Clock* clock = nullptr;
    Journal* journal = nullptr;  // null: nothing is kept
    TurnSink* turns = nullptr;   // that does not block; null: records go nowhere else
    ServerMetrics* metrics = nullptr;
    std::chrono::milliseconds hold{0};  // how long a call whose line was lost waits for another
    Webhooks* webhooks = nullptr;       // null: nobody is told that it ended
  };

  // Blocks as long as the journal and a recognizer take: on a thread that may. Errors: see
  // VoiceSession::Create.
  static Result<std::shared_ptr<VoiceCall>> Open(ServedWorkflowPtr workflow, const Services& services,
                                                 VoiceOptions options, std::shared_ptr<VoiceLine> line);
  ~VoiceCall() override;

  void Hear(std::span<const float> samples) { hearing_.Put(samples); }
  void Key(char key);
  void Type(std::string text);
  void Hush();
  // The line carries nothing for a while; and does again.
  void Hold();
  void Resume();
  void HangUp(std::string reason);

  const std::string& id() const { return id_; }
  const ServedWorkflow& workflow() const { return *workflow_; }
  bool over() const { return over_; }

  bool Step(Duration late) override;

 private:
  VoiceCall(ServedWorkflowPtr workflow, const Services& services, std::string id,
            std::shared_ptr<VoiceLine> line);
  void Watch();
  bool End(std::string_view reason);
  VoiceSession::Callbacks MakeCallbacks();

  const ServedWorkflowPtr workflow_;
  const Services services_;
  const std::string id_;
  HearingBuffer hearing_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::atomic<bool> over_{false};
  // The pacer's from here on.
  const std::shared_ptr<VoiceLine> line_;
  std::unique_ptr<VoiceSession> session_;
  std::string channel_;
  bool started_ = false;
  bool paused_ = false;
  std::optional<TimePoint> held_since_;
  StateWatch state_;
  std::string hang_up_;  // why; empty: not asked to
  int64_t late_frames_ = 0;
};

}  // namespace sotto
