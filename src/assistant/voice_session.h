// One spoken conversation: the flow of design section 1 as a state machine over 10 ms frames.
//
//   session.Start();                              // the greeting
//   while (!session.ended()) session.Step(microphone_frame, loudspeaker_frame);
//
// Each step takes one frame of the microphone and gives one for the loudspeaker:
//
//   microphone -> front end -> endpointer -> recognizer -> partial -> understander listens along
//                                  |                                     |
//                              end of turn -> final -> understanding -> dialogue -> action -> reply
//                                                                                     |
//   loudspeaker <- speaker <- phrase cache, synthesizer <-----------------------------'
//
// Nothing here waits: what computes or waits (words, meaning, the journal, actions, synthesis) is posted, and
// what has come of it is taken up by a later step. So a turn goes through
//
//            speech        pause          final            meaning          action, if any
//   waiting -------> hearing ---> finalising ---> understanding ---> (acting) ---> replying ---> waiting
//      ^                |             |                                               |
//      |                '-- noise, a backchannel: the reply, if it was paused, -------|-> speech: hearing,
//      '--------------------------------- goes on                                     |   the reply paused
//      '------------------------------------------------------------------------------'
//
// and each of these ends: a final that does not come in time counts as not understood, and so does its
// meaning; an action fails with `timeout`; a sentence that cannot be said is left out. The record of the turn
// has the error, and its texts all the same.
//
// While Sotto speaks, speech of the user silences it at once. If it turns out to be a backchannel ("uh-huh"),
// noise, or nothing, the sentence is taken up again; otherwise the rest of the reply is dropped and the turn
// record says what was really heard of it. What the user says while the turn before is finalised or
// understood is kept (the last 20 s) and heard as soon as that turn is decided; what they say while an action
// runs is not: it is finished and told.
//
// The conversation itself is a SessionCore's: journalled before it is acted on, and continued where it was
// cut off. With a clock that advances 10 ms a step and inline services, the same audio gives the same
// conversation, whatever the speed of the machine.
// Threads: one at a time; callbacks come from inside Step() and Start().
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assistant/session_core.h"
#include "speech/endpointer.h"
#include "speech/front_end.h"
#include "speech/live_recognizer.h"
#include "speech/phrase_cache.h"
#include "speech/speaker.h"

namespace sotto {

// What sessions share. Everything outlives them.
struct VoiceServices : SessionServices {
  LiveRecognizerPool* recognizers = nullptr;
  std::shared_ptr<PhraseCache> phrases;
  Scheduler* synthesis = nullptr;   // where sentences are synthesised
  Scheduler::Strand synthesizer;    // of all of them, for a synthesizer that takes turns: kUrgency
  bool wait_for_synthesis = false;  // not in real time: frames are never late, steps take longer instead
  // `policy.names` of the workflow: the action that lists the names of a caller who is known ({"names": [...]}); null: none.
  Json names = nullptr;
};

struct VoiceOptions {
  SessionOptions session;
  FrontEndOptions front_end;
  EndpointOptions endpoint;
  std::chrono::milliseconds final_within{6000};  // after the end of speech
  std::chrono::milliseconds filler_after{900};   // what takes longer to understand or do is bridged
  std::chrono::milliseconds filler_again{6000};
  std::chrono::milliseconds key_pause{2500};  // between DTMF keys
  bool listen_along = true;                   // give partials to the understander
  std::vector<std::string> names = {};        // that this caller may say, as far as the host knows them

  VoiceOptions() { session.channel = "voice"; }
};

class VoiceSession final : private SessionCore::Listener {
 public:
  struct Callbacks {
    std::function<void(const TurnRecord&)> on_turn;  // a turn is over, reply played or interrupted
    std::function<void(std::string_view partial)> on_partial;
    std::function<void(const TurnRecord&)> on_reply;  // decided, not yet played
    // Speech of the user began, or ended (also: it was none). Not of what is held back until a turn is decided.
    std::function<void(bool speaks)> on_speech;
  };

  // May take as long as the journal and the recognizer's engine take to open. Errors: see SessionCore::Open.
  static Result<std::unique_ptr<VoiceSession>> Create(VoiceServices services,
                                                      std::unique_ptr<Understander> understander,
                                                      VoiceOptions options, Callbacks callbacks);
  ~VoiceSession() override;
  VoiceSession(const VoiceSession&) = delete;
  VoiceSession& operator=(const VoiceSession&) = delete;

  // Says the greeting, or goes on. Once, before the first Step().
  void Start();
  // REQUIRES: both of kFrameSamples; started.
  void Step(std::span<const float> microphone, std::span<float> loudspeaker);
  // A telephone key: 0-9, * (clears), # (enters).
  void Key(char key);
  // The user writes instead of speaking: what is being said is broken off; decided as soon as the turn before is.
  void Type(std::string text);
  // What is being said is broken off; nothing else changes.
  void Hush();

  // The conversation is over and everything has been said.
  bool ended() const { return ended_; }
  bool resumed() const { return core_->resumed(); }
  // Set when a person takes over.
  const std::optional<HandOff>& hand_off() const { return core_->hand_off(); }
  // Sotto is speaking (not paused).
  bool speaking() const { return speaker_.busy() && !speaker_.paused(); }
  // Sotto has fallen silent in the middle of a reply, to hear whether the user means it.
  bool paused() const { return speaker_.paused(); }
  // Waits for the user: nothing to say, nothing to do, nobody speaks.
  bool waiting() const { return !speaker_.busy() && !utterance_ && !thinking() && !ended_; }
  // Speech of the user is over and nothing has been decided yet, or an action runs.
  bool thinking() const { return finalising_.has_value() || !core_->idle(); }
  int64_t late_frames() const { return speaker_.late_frames(); }
  int turns() const { return core_->turns(); }

 private:
  // Speech of the user that is being heard.
  struct Utterance {
    TimePoint start;  // of its first voiced frame, about
    TimePoint last_voiced;
    TimePoint last_partial_at;
    std::string partial;
    std::string peeked;  // the partial whose meaning was asked for
    bool partial_asked = false;
    bool pause_asked = false;  // for one in a pause
    int frames = 0;
    bool interrupts = false;  // it silenced a reply
    ListeningMode mode = ListeningMode::kOpen;
    TurnTaker::Grasp grasp = TurnTaker::Grasp::kNothing;
  };
  // Speech that began while the turn before was still being finalised or understood.
  struct Held {
    TimePoint start;
    TimePoint last_voiced;
    std::deque<std::vector<float>> frames;
    std::optional<Endpointer::Event> ended;  // how
    TimePoint ended_at;
  };
  // Speech that is over.
  struct Finalising {
    Utterance utterance;
    const char* ended_by = "";
    TimePoint endpoint;
    std::chrono::milliseconds needed_pause{0};
    TimePoint deadline;
  };

  VoiceSession(VoiceServices services, VoiceOptions options, Callbacks callbacks);

  // Listening (voice_listening.cc).
  void Listen(std::span<const float> frame, bool voiced);
  void OnSpeechStart();
  void OnSpeechEnd(Endpointer::Event why);
  bool BeginUtterance(TimePoint start);
  void TakeUpHeld();
  void ListenAlong();
  void OnPartial(const std::optional<Transcript>& partial);
  void OnPausePartial(const std::optional<Transcript>& partial);
  void TakePartial(const std::optional<Transcript>& partial);
  void OnPeeked(const Result<Understanding>& peeked);
  void ShowGrasp();
  void EndUtterance(Endpointer::Event why, TimePoint at);
  void OnFinal(const Result<Transcript>& final);
  void DropUtterance();
  bool IsBackchannel(std::string_view text) const;
  bool RefusesSpeech() const { return speaker_.busy() && !interruptible_; }
  void EnterKeys();
  void EnterTyped();
  // A turn whose words did not come by ear. `by`: as the record's ended_by.
  void Enter(std::string text, std::string by);

  // Names that the recognizer had better expect (caller_names.h).
  void AskNames();
  void ExpectNames(std::vector<std::string> more);

  // Deciding and saying (voice_session.cc).
  void OnDecision(const Decision& decision) override;
  void OnSettled() override;
  void Poll();
  TurnRecord& NewTurn(std::string ended_by);
  void TakeSilence();
  void CloseRecord(bool interrupted);
  void SayFiller();
  void AfterFrame(bool spoke);
  void Expect(bool start_timer);
  TimePoint Now() const { return services_.clock->Now(); }
  // A completion that runs `handle` on the session's thread, if this is still the utterance it is about.
  template <typename T, typename Handle>
  std::function<void(T)> ForUtterance(Handle handle);

  const VoiceServices services_;
  const VoiceOptions options_;
  const Callbacks callbacks_;
  std::unique_ptr<FrontEnd> front_end_;
  std::unique_ptr<LiveRecognizer> recognizer_;
  Endpointer endpointer_;
  Speaker speaker_;
  std::unique_ptr<SessionCore> core_;

  std::vector<float> clean_;                 // the frame being processed
  std::vector<float> played_;                // the last frame given to the loudspeaker
  std::deque<std::vector<float>> pre_roll_;  // the last frames before speech was noticed
  std::optional<Utterance> utterance_;
  std::optional<Held> held_;
  std::optional<Finalising> finalising_;
  uint64_t utterance_number_ = 0;   // of the one that is heard or finalised
  bool silent_too_long_ = false;    // while a turn was finalised
  bool record_open_ = false;        // the core's record: of the turn whose reply is being said
  std::vector<std::string> names_;  // as the recognizer knows them
  bool names_asked_ = false;
  std::string keys_;
  std::deque<std::string> typed_;
  TimePoint last_key_;
  TimePoint next_filler_;
  size_t fillers_said_ = 0;
  bool interruptible_ = true;
  int prepare_in_frames_ = 0;  // the first audio of the reply goes before
  std::chrono::milliseconds needed_pause_{0};
  bool ending_ = false;
  bool ended_ = false;
};

}  // namespace sotto
