#include "assistant/spoken_exchange.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace sotto {
namespace {

constexpr size_t kExchangePreRoll = 30;   // frames from before speech was noticed
constexpr int kExchangePartialEvery = 8;  // frames
constexpr std::chrono::milliseconds kExchangeFinalWithin{6000};
constexpr int64_t kExchangeLongWords = 4;

}  // namespace

SpokenExchange::SpokenExchange(std::shared_ptr<const Deployment> deployment, Callbacks callbacks)
    : deployment_(std::move(deployment)),
      callbacks_(std::move(callbacks)),
      endpointer_(deployment_->parts().voice->endpoint),
      speaker_(deployment_->parts().voice->phrases, *deployment_->parts().voice->synthesis,
               deployment_->parts().voice->synthesizer, deployment_->parts().voice->wait_for_synthesis),
      played_(kFrameSamples, 0.0F) {
  endpointer_.Listen(ListeningMode::kOpen);
  endpointer_.Hold();  // nobody is asked anything: silence means nothing
}

SpokenExchange::~SpokenExchange() = default;

Result<std::unique_ptr<SpokenExchange>> SpokenExchange::Create(std::shared_ptr<const Deployment> deployment,
                                                               FrontEndOptions front_end,
                                                               Callbacks callbacks) {
  SOTTO_CHECK(deployment->parts().voice.has_value());
  std::unique_ptr<SpokenExchange> exchange(new SpokenExchange(std::move(deployment), std::move(callbacks)));
  SOTTO_ASSIGN_OR_RETURN(exchange->front_end_, FrontEnd::Create(front_end));
  SOTTO_ASSIGN_OR_RETURN(exchange->recognizer_, exchange->deployment_->parts().voice->recognizers->Acquire());
  return exchange;
}

void SpokenExchange::Step(std::span<const float> microphone, std::span<float> loudspeaker) {
  SOTTO_CHECK(microphone.size() == kFrameSamples && loudspeaker.size() == kFrameSamples);
  front_end_->Played(played_);
  clean_.assign(microphone.begin(), microphone.end());
  const FrontEnd::Frame frame = front_end_->Process(clean_);
  inbox_->Read();
  if (listens_) Attend(clean_, frame.voiced);
  inbox_->Read();
  speaker_.NextFrame(loudspeaker);
  played_.assign(loudspeaker.begin(), loudspeaker.end());
  if (const auto error = speaker_.TakeError()) Log().error("cannot speak: {}", error->message);
  if (std::exchange(was_speaking_, speaker_.busy()) && !was_speaking_) callbacks_.on_said();
}

void SpokenExchange::Attend(std::span<const float> frame, bool voiced) {
  pre_roll_.emplace_back(frame.begin(), frame.end());
  if (pre_roll_.size() > kExchangePreRoll) pre_roll_.pop_front();
  const Endpointer::Event event = endpointer_.Advance(voiced);
  if (hearing_) {
    recognizer_->Feed(frame);
    if (++frames_ % kExchangePartialEvery == 0 && !partial_asked_) AskPartial();
  }
  if (event == Endpointer::Event::kSpeechStart && !hearing_) BeginUtterance();
  if ((event == Endpointer::Event::kSpeechEnd || event == Endpointer::Event::kTooLong) && hearing_)
    EndUtterance();
}

void SpokenExchange::BeginUtterance() {
  hearing_ = true;
  ++number_;
  frames_ = 0;
  partial_asked_ = false;
  partial_.clear();
  recognizer_->Start(ListeningMode::kOpen);
  for (const std::vector<float>& frame : pre_roll_) recognizer_->Feed(frame);
  callbacks_.on_speech(true);
}

void SpokenExchange::AskPartial() {
  partial_asked_ = true;
  recognizer_->Partial(false, [inbox = inbox_, this, number = number_](std::optional<Transcript> partial) {
    inbox->Put([this, number, partial = std::move(partial)] {
      if (number != number_ || !hearing_) return;  // it is over: its final comes
      partial_asked_ = false;
      if (!partial || partial->text == partial_) return;
      partial_ = partial->text;
      endpointer_.SetLong(std::count(partial_.begin(), partial_.end(), ' ') >= kExchangeLongWords);
      callbacks_.on_partial(partial_);
    });
  });
}

void SpokenExchange::EndUtterance() {
  hearing_ = false;
  callbacks_.on_speech(false);
  Finish();
}

void SpokenExchange::Finish() {
  recognizer_->Finish(kExchangeFinalWithin, [inbox = inbox_, this](Result<Transcript> heard) {
    inbox->Put([this, heard = std::move(heard)] { callbacks_.on_heard(heard); });
  });
}

void SpokenExchange::Listen(bool listens) {
  if (listens == listens_) return;
  listens_ = listens;
  endpointer_.Reset();
  pre_roll_.clear();
  if (!std::exchange(hearing_, false)) return;
  ++number_;
  recognizer_->Cancel();
  callbacks_.on_speech(false);
  callbacks_.on_heard(Transcript());
}

void SpokenExchange::Hear(std::span<const float> samples) {
  if (hearing_) EndUtterance();
  recognizer_->Start(ListeningMode::kOpen);
  recognizer_->Feed(samples);
  Finish();
}

void SpokenExchange::Say(std::string sentence) {
  if (!speaker_.busy()) said_before_ = HeardOfIt();
  Reply reply;
  reply.parts.push_back({std::move(sentence), false});
  speaker_.Append(reply);
  was_speaking_ = was_speaking_ || speaker_.busy();
}

std::string SpokenExchange::HeardOfIt() const {
  const std::string last = speaker_.heard().text;
  if (said_before_.empty() || last.empty()) return said_before_ + last;
  return said_before_ + " " + last;
}

std::string SpokenExchange::Stop() {
  speaker_.Stop();
  was_speaking_ = false;
  return HeardOfIt();
}

void SpokenExchange::Begin() {
  speaker_.Say({});  // what it heard of the last answer is forgotten
  said_before_.clear();
  was_speaking_ = false;
}

}  // namespace sotto
