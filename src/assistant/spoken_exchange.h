// Ears and a mouth for a conversation that has no workflow: the voice of a deployment without its brain and dialogue,
// 10 ms at a time. What was heard is told; what it is given is said; who answers is somebody else's affair.
//
//   microphone -> front end -> endpointer -> recognizer -> on_partial, on_heard
//   Say(sentence) -> speaker -> loudspeaker; Stop() -> what was heard of it
//
// Its ears know the sentences of the deployment's workflow best and hear other words too. As in VoiceSession nothing here
// waits. Threads: one at a time; callbacks come from inside Step() and Listen().
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assistant/deployment.h"
#include "base/inbox.h"
#include "speech/endpointer.h"
#include "speech/front_end.h"
#include "speech/speaker.h"

namespace sotto {

class SpokenExchange {
 public:
  struct Callbacks {
    std::function<void(bool speaks)> on_speech;  // of the user: began, ended
    std::function<void(std::string_view partial)> on_partial;
    // An utterance is over, or what was given to Hear. Empty text: noise. Each that ended is told once, in order.
    std::function<void(const Result<Transcript>& heard)> on_heard;
    std::function<void()> on_said;  // all that was given to Say
  };

  // May take as long as the recognizer's engine takes to start. REQUIRES: the deployment has a voice.
  static Result<std::unique_ptr<SpokenExchange>> Create(std::shared_ptr<const Deployment> deployment,
                                                        FrontEndOptions front_end, Callbacks callbacks);
  ~SpokenExchange();
  SpokenExchange(const SpokenExchange&) = delete;
  SpokenExchange& operator=(const SpokenExchange&) = delete;

  // REQUIRES: both of kFrameSamples.
  void Step(std::span<const float> microphone, std::span<float> loudspeaker);

  // False: what the microphone gives is not listened to; utterances come whole, through Hear. An utterance under way is
  // dropped.
  void Listen(bool listens);
  // A whole utterance, at 16 kHz.
  void Hear(std::span<const float> samples);
  // A sentence, after those before it.
  void Say(std::string sentence);
  // What is left to be said is dropped; what was heard since Begin().
  std::string Stop();
  // From now on Stop() tells of what is said from now on.
  void Begin();

  // Something is left to be said.
  bool speaking() const { return speaker_.busy(); }
  int64_t late_frames() const { return speaker_.late_frames(); }

 private:
  SpokenExchange(std::shared_ptr<const Deployment> deployment, Callbacks callbacks);
  void Attend(std::span<const float> frame, bool voiced);
  void BeginUtterance();
  void EndUtterance();
  void Finish();
  void AskPartial();
  std::string HeardOfIt() const;

  const std::shared_ptr<const Deployment> deployment_;
  const Callbacks callbacks_;
  std::unique_ptr<FrontEnd> front_end_;
  std::unique_ptr<LiveRecognizer> recognizer_;
  Endpointer endpointer_;
  Speaker speaker_;
  const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();

  std::vector<float> clean_;
  std::vector<float> played_;
  std::deque<std::vector<float>> pre_roll_;
  bool listens_ = true;
  bool hearing_ = false;  // an utterance is under way
  uint64_t number_ = 0;   // its number
  int frames_ = 0;        // of it
  bool partial_asked_ = false;
  std::string partial_;
  bool was_speaking_ = false;
  std::string said_before_;  // of this answer, where the mouth had nothing more to say for a while
};

}  // namespace sotto
