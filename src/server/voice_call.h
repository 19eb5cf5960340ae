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
#include "assistant/voicemail_watch.h"
#include "base/inbox.h"
#include "server/hearing_buffer.h"
#include "server/held_call.h"
#include "server/secret_watch.h"
#include "server/served_workflow.h"
#include "server/trace_context.h"
#include "server/tracer.h"

namespace sotto {

class CallRecording;
class Recordings;
class ServerMetrics;
class Webhooks;

// Who carries a call.
class VoiceLine {
 public:
  virtual ~VoiceLine() = default;
  // The trace of whoever brought the call; none: it begins one. Set before the call is opened.
  void set_trace(std::optional<TraceContext> trace) { trace_ = std::move(trace); }
  const std::optional<TraceContext>& trace() const { return trace_; }
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
  // A telephone: where the call is not taken in it is told so in a sentence (server/busy_sentence.h) before it is refused.
  virtual bool hears_refusals() const { return false; }
  // The call is recorded from now on; no longer for a while; again.
  virtual void OnRecording(std::string_view /*id*/, bool /*paused*/) {}
  // Last. `reason`: ended, handed_off, hung_up, lost, server_stops, voicemail, voicemail_message.
  virtual void OnEnd(std::string_view reason, const std::optional<HandOff>&) = 0;

 private:
  std::optional<TraceContext> trace_;
};

class VoiceCall final : public HeldCall, public std::enable_shared_from_this<VoiceCall> {
 public:
  struct Services {
    Scheduler* scheduler = nullptr;
    const Clock* clock = nullptr;
    Journal* journal = nullptr;  // null: nothing is kept
    TurnSink* turns = nullptr;   // that does not block; null: records go nowhere else
    ServerMetrics* metrics = nullptr;
    std::chrono::milliseconds hold{0};  // how long a call whose line was lost waits for another
    Webhooks* webhooks = nullptr;       // null: nobody is told that it ended
    Recordings* recordings = nullptr;   // null: no workflow may ask for one
    Tracer* tracer = nullptr;           // null: nobody is told where time went
  };

  // Blocks as long as the journal and a recognizer take: on a thread that may. Errors: see
  // VoiceSession::Create; kUnavailable: the workflow's calls are recorded, and this server has no folder for that.
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
  void HangUp(std::string reason) override;
  // What is said meanwhile is silence in the recording. No effect where there is none.
  void PauseRecording(bool paused);

  const std::string& id() const { return id_; }
  const ServedWorkflow& workflow() const { return *workflow_; }
  bool over() const override { return over_; }

  bool Step(Duration late) override;

 private:
  VoiceCall(ServedWorkflowPtr workflow, const Services& services, std::string id,
            std::shared_ptr<VoiceLine> line);
  void Watch();
  Result<void> Record();
  // Waits for the message's sound, where one is left.
  void WatchForVoicemail();
  void WatchSecrets(const TurnRecord& record);
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
  TimePoint began_{};
  std::chrono::system_clock::time_point began_wall_{};
  Span span_;  // of the call
  StateWatch state_;
  std::shared_ptr<CallRecording> recording_;  // null: none
  std::optional<SecretWatch> secrets_;        // where there is one
  std::optional<VoicemailWatch> voicemail_;   // where the workflow says what to do about one
  bool machine_ = false;                      // has answered
  bool secret_asked_ = false;
  bool secret_repeated_ = false;
  std::optional<bool> recording_paused_;  // as the line was told
  std::string hang_up_;                   // why; empty: not asked to
  int64_t late_frames_ = 0;
};

}  // namespace sotto
