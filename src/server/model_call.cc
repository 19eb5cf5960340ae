#include "server/model_call.h"

#include <algorithm>
#include <array>

#include "server/metrics.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kLateStep{30};  // is heard: what a small jitter buffer would bridge
constexpr int kTailFrames = 6;                      // until the line has let out all that was said

}  // namespace

ModelCall::ModelCall(ServedWorkflowPtr voice, std::string model, ServerMetrics& metrics,
                     std::shared_ptr<Line> line)
    : voice_(std::move(voice)), model_(std::move(model)), metrics_(metrics), line_(std::move(line)) {
  metrics_.CallBegan(model_);
}

ModelCall::~ModelCall() {
  if (!over_) metrics_.CallEnded(model_, "server_stops");
}

Result<std::shared_ptr<ModelCall>> ModelCall::Open(ServedWorkflowPtr voice, std::string model,
                                                   ServerMetrics& metrics, std::shared_ptr<Line> line) {
  std::shared_ptr<const Deployment> deployment = voice->deployment;
  std::shared_ptr<ModelCall> call(
      new ModelCall(std::move(voice), std::move(model), metrics, std::move(line)));
  SpokenExchange::Callbacks callbacks;
  callbacks.on_speech = [line = call->line_.get()](bool speaks) { line->OnSpeech(speaks); };
  callbacks.on_partial = [line = call->line_.get()](std::string_view text) { line->OnPartial(text); };
  callbacks.on_heard = [line = call->line_.get()](const Result<Transcript>& heard) { line->OnHeard(heard); };
  callbacks.on_said = [call = call.get()] { call->said_in_ = kTailFrames; };
  SOTTO_ASSIGN_OR_RETURN(call->exchange_,
                         SpokenExchange::Create(std::move(deployment), {}, std::move(callbacks)));
  return call;
}

void ModelCall::HearWhole(std::vector<float> samples) {
  inbox_->Put([this, samples = std::move(samples)] { exchange_->Hear(samples); });
}

void ModelCall::Listen(bool listens) {
  inbox_->Put([this, listens] { exchange_->Listen(listens); });
}

void ModelCall::Begin() {
  inbox_->Put([this] {
    exchange_->Begin();
    said_in_.reset();
  });
}

void ModelCall::Say(std::string sentence, uint64_t number) {
  inbox_->Put([this, sentence = std::move(sentence), number] {
    sentence_ = number;
    said_in_.reset();
    exchange_->Say(sentence);
    if (!exchange_->speaking()) said_in_ = 0;  // there was nothing in it to be said
  });
}

void ModelCall::Stop() {
  inbox_->Put([this] {
    said_in_.reset();
    line_->OnStopped(exchange_->Stop());
  });
}

void ModelCall::HangUp(std::string reason) {
  inbox_->Put([this, reason = std::move(reason)] { hang_up_ = reason; });
}

bool ModelCall::Step(Duration late) {
  inbox_->Read();
  if (!hang_up_.empty()) {
    over_ = true;
    metrics_.CallEnded(model_, hang_up_);
    line_->OnEnd(hang_up_);
    return false;
  }
  std::array<float, kFrameSamples> heard;
  std::array<float, kFrameSamples> said;
  hearing_.Take(heard);
  exchange_->Step(heard, said);
  const bool silent = std::all_of(said.begin(), said.end(), [](float sample) { return sample == 0; });
  if (late > kLateStep && !silent) metrics_.LateFrames(1);
  line_->OnFrame(said, silent);
  if (said_in_ && (*said_in_)-- <= 0) {
    said_in_.reset();
    line_->OnSaid(sentence_);
  }
  if (exchange_->late_frames() > late_frames_) {
    metrics_.LateFrames(exchange_->late_frames() - late_frames_);
    late_frames_ = exchange_->late_frames();
  }
  return true;
}

}  // namespace sotto
