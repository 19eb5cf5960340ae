// One spoken conversation: the flow of design section 1 as a state machine over 10 ms frames.
//
//   session.Start();                              // the greeting
//   while (!session.ended()) session.Step(microphone_frame, loudspeaker_frame);
//
// Each step takes one frame of the microphone and gives one for the loudspeaker:
//
//   microphone -> front end -> endpointer -> recognizer -> partial -> brain listens along
//                                  |                                     |
//                              end of turn -> final -> brain commits -> dialogue -> action -> reply
//                                                                                     |
//   loudspeaker <- speaker <- phrase cache, synthesizer <-----------------------------'
//
// While Sotto speaks, speech of the user silences it at once. If it turns out to be a backchannel ("uh-huh"),
// noise, or nothing, the sentence is taken up again; otherwise the rest of the reply is dropped and the turn
// record says what was really heard of it.
//
// Nothing here waits: actions and synthesis run on the threads given in VoiceServices, or inline where there
// are none. With a FakeClock that advances 10 ms a step and inline services, the same audio gives the same
// conversation, whatever the speed of the machine.
// Threads: one at a time; callbacks come from inside Step().
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assistant/turn_taker.h"
#include "base/clock.h"
#include "speech/endpointer.h"
#include "speech/front_end.h"
#include "speech/phrase_cache.h"
#include "speech/recognizer.h"
#include "speech/speaker.h"

namespace sotto {

// What sessions share. Everything outlives them.
struct VoiceServices {
  std::shared_ptr<const DialogueProgram> program;
  RecognizerPool* recognizers = nullptr;
  std::shared_ptr<PhraseCache> phrases;
  SynthesisQueue* synthesis = nullptr;  // null: inline
  bool wait_for_synthesis = false;      // not in real time: frames are never late, steps take longer instead
  ActionRunner* actions = nullptr;
  std::function<void(std::function<void()>)> run_action;  // null: inline
  const Clock* clock = nullptr;
  std::optional<Date> today = std::nullopt;  // the day of the call, where it is not the clock's
};

struct VoiceOptions {
  std::string session_id;  // required: an id that no other session has (base/unique_id.h)
  std::string channel = "voice";
  Caller caller;  // what the host knows
  FrontEndOptions front_end;
  EndpointOptions endpoint;
  std::chrono::milliseconds filler_after{900};  // an action that takes longer is bridged
  std::chrono::milliseconds filler_again{6000};
  std::chrono::milliseconds key_pause{2500};  // between DTMF keys
  bool listen_along = true;                   // give partials to the brain
};

class VoiceSession {
 public:
  struct Callbacks {
    std::function<void(const TurnRecord&)> on_turn;  // a turn is over, reply played or interrupted
    std::function<void(std::string_view partial)> on_partial;
    std::function<void(const TurnRecord&)> on_reply;  // decided, not yet played
  };

  // kInvalidArgument: no session id.
  static Result<std::unique_ptr<VoiceSession>> Create(VoiceServices services,
                                                      std::unique_ptr<Understander> understander,
                                                      VoiceOptions options, Callbacks callbacks);
  ~VoiceSession();
  VoiceSession(const VoiceSession&) = delete;
  VoiceSession& operator=(const VoiceSession&) = delete;

  // Says the greeting. Once, before the first Step().
  void Start();
  // REQUIRES: both of kFrameSamples; started.
  void Step(std::span<const float> microphone, std::span<float> loudspeaker);
  // A telephone key: 0-9, * (clears), # (enters).
  void Key(char key);

  // The conversation is over and everything has been said.
  bool ended() const { return ended_; }
  // Set when a person takes over.
  const std::optional<HandOff>& hand_off() const { return hand_off_; }
  // Sotto is speaking (not paused).
  bool speaking() const { return speaker_.busy() && !speaker_.paused(); }
  // Sotto has fallen silent in the middle of a reply, to hear whether the user means it.
  bool paused() const { return speaker_.paused(); }
  // Waits for the user: nothing to say, nothing to do, nobody speaks.
  bool waiting() const { return !speaker_.busy() && !utterance_ && !action_ && !ended_; }
  int64_t late_frames() const { return speaker_.late_frames(); }
  int turns() const { return next_turn_; }

 private:
  // Speech of the user that is being recognized.
  struct Utterance {
    TimePoint start;  // of its first voiced frame, about
    TimePoint last_voiced;
    TimePoint last_partial_at;
    std::string partial;
    int frames = 0;
    bool interrupts = false;  // it silenced a reply
    ListeningMode mode = ListeningMode::kOpen;
  };
  struct RunningAction;

  VoiceSession(VoiceServices services, std::unique_ptr<Understander> understander, VoiceOptions options,
               Callbacks callbacks);

  // Listening (voice_listening.cc).
  void Listen(std::span<const float> frame, bool voiced);
  void BeginUtterance();
  void ListenAlong();
  void EndUtterance(Endpointer::Event why);
  void DropUtterance();
  bool IsBackchannel(std::string_view text) const;
  void DropFalseInterruption();
  void Enter(std::string text, std::string ended_by);
  void EnterKeys();

  // Deciding and saying (voice_session.cc).
  void TakeTurn(const Transcript& heard, TurnRecord record);
  void TakeSilence();
  TurnRecord NewRecord(std::string ended_by);
  void OpenRecord(TurnRecord record);
  void CloseRecord(bool interrupted);
  void Apply(Decision decision);
  void RunAction(ActionRequest request);
  void PollAction();
  void SayFiller();
  void AfterFrame(bool spoke);
  void Expect(bool start_timer);
  double Ms(TimePoint time) const { return Milliseconds(time - started_at_); }
  TimePoint Now() const { return services_.clock->Now(); }

  const VoiceServices services_;
  const VoiceOptions options_;
  const Callbacks callbacks_;
  std::unique_ptr<FrontEnd> front_end_;
  std::unique_ptr<Recognizer> recognizer_;
  Endpointer endpointer_;
  Speaker speaker_;
  TurnTaker taker_;

  TimePoint started_at_;
  std::vector<float> clean_;                 // the frame being processed
  std::vector<float> played_;                // the last frame given to the loudspeaker
  std::deque<std::vector<float>> pre_roll_;  // the last frames before speech was noticed
  std::optional<Utterance> utterance_;
  TimePoint last_voiced_;
  std::optional<TurnRecord> record_;  // of the turn whose reply is being said
  std::shared_ptr<RunningAction> action_;
  std::optional<HandOff> hand_off_;
  std::string keys_;
  TimePoint last_key_;
  int next_turn_ = 0;
  size_t fillers_said_ = 0;
  bool interruptible_ = true;
  int prepare_in_frames_ = 0;  // the first audio of the reply goes before
  std::chrono::milliseconds needed_pause_{0};
  TurnTaker::Grasp grasp_ = TurnTaker::Grasp::kNothing;  // of the utterance under way
  bool ending_ = false;
  bool ended_ = false;
};

}  // namespace sotto
