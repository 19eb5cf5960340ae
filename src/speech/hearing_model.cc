// What the search and its language models take from a speech engine.
#include "speech/hearing_model.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "acoustic/speech_model.h"
#include "base/check.h"
#include "base/log.h"
#include "core/audio.h"

namespace sotto {

EngineScorer::EngineScorer(SpeechEngine& engine, std::shared_ptr<const EncodedSpeech> speech)
    : engine_(engine), speech_(std::move(speech)), n_vocab_(engine.model().config().n_vocab) {}

Result<void> EngineScorer::Step(std::span<const Branch> branches) {
  next_.clear();
  for (const Branch& branch : branches) {
    SOTTO_CHECK(branch.parent == kNothing || static_cast<size_t>(branch.parent) < beams_.size());
    if (branch.parent == kNothing) {
      next_.emplace_back(speech_);
    } else {
      next_.push_back(beams_[static_cast<size_t>(branch.parent)]);
    }
  }
  std::swap(beams_, next_);
  step_.beams.clear();
  step_.tokens.clear();
  for (size_t i = 0; i < beams_.size(); ++i) {
    step_.beams.push_back(&beams_[i]);
    step_.tokens.push_back(branches[i].token);
  }
  return engine_.Step(step_);
}

WorkflowLm::Vocabulary WorkflowLm::VocabularyOf(const SpeechModel& model) {
  return {[&tokenizer = model.tokenizer()](std::string_view word) { return tokenizer.Encode(word); },
          model.config().n_vocab, model.config().bos, model.config().eos};
}

namespace {

// Where each token ends, by the best monotonic path through how the tokens looked at the frames (as Whisper's word
// times). `attention`: [n_tokens, n_frames].
std::vector<size_t> AlignFrames(std::span<const float> attention, size_t n_tokens, size_t n_frames) {
  constexpr float kFar = -1e30f;
  std::vector<float> best(n_frames + 1, kFar);
  std::vector<float> row(n_frames + 1);
  std::vector<uint8_t> moved(n_tokens * n_frames);  // the token began at this frame
  best[0] = 0;
  for (size_t t = 0; t < n_tokens; ++t) {
    std::fill(row.begin(), row.end(), kFar);
    for (size_t f = 0; f < n_frames; ++f) {
      const float here = std::log(attention[t * n_frames + f] + 1e-4f);
      const bool begins = best[f] > row[f];  // from the token before, which ended at f
      moved[t * n_frames + f] = begins ? 1 : 0;
      row[f + 1] = std::max(best[f], row[f]) + here;
    }
    std::swap(best, row);
  }
  std::vector<size_t> ends(n_tokens, n_frames);
  size_t f = n_frames;
  for (size_t t = n_tokens; t-- > 0;) {
    ends[t] = f;
    while (f > 0 && moved[t * n_frames + f - 1] == 0) --f;
    if (f > 0) --f;
  }
  return ends;
}

class EngineSound final : public HeardSound {
 public:
  EngineSound(SpeechEngine& engine, std::shared_ptr<const EncodedSpeech> speech)
      : engine_(engine), speech_(speech), scorer_(engine, std::move(speech)) {}

  TokenScorer& scorer() override { return scorer_; }
  Result<std::vector<double>> TokenEnds(std::span<const TokenId> tokens) override {
    const size_t n_frames = speech_->n_frames();
    std::vector<double> ends(tokens.size(), static_cast<double>(speech_->n_samples()) / kSampleRateHz);
    if (tokens.empty() || tokens.size() > n_frames) return ends;
    SOTTO_ASSIGN_OR_RETURN(const ForcedText forced, engine_.Force(speech_, tokens));
    const double frame_s =
        static_cast<double>(speech_->model().config().frame_samples()) / static_cast<double>(kSampleRateHz);
    const std::vector<size_t> frames = AlignFrames(forced.attention, tokens.size(), n_frames);
    for (size_t i = 0; i < tokens.size(); ++i) {
      ends[i] = std::min(ends[i], static_cast<double>(frames[i]) * frame_s);
    }
    return ends;
  }

 private:
  SpeechEngine& engine_;
  const std::shared_ptr<const EncodedSpeech> speech_;
  EngineScorer scorer_;
};

class EngineHearing final : public HearingModel {
 public:
  EngineHearing(std::unique_ptr<SpeechEngine> engine, std::shared_ptr<const VoiceActivityModel> voice)
      : engine_(std::move(engine)),
        voice_(std::move(voice)),
        vocabulary_(WorkflowLm::VocabularyOf(engine_->model())) {}

  std::string name() const override { return engine_->model().name(); }
  const WorkflowLm::Vocabulary& vocabulary() const override { return vocabulary_; }
  std::string_view TokenBytes(TokenId token) const override {
    return engine_->model().tokenizer().TokenBytes(token);
  }
  Result<std::unique_ptr<HeardSound>> Hear(std::span<const float> samples) override {
    SOTTO_ASSIGN_OR_RETURN(auto speech, engine_->Encode(samples));
    return std::make_unique<EngineSound>(*engine_, std::move(speech));
  }
  double max_seconds() const override { return SpeechConfig::kMaxSeconds; }
  std::shared_ptr<const VoiceActivityModel> voice_activity() const override { return voice_; }

 private:
  const std::unique_ptr<SpeechEngine> engine_;
  const std::shared_ptr<const VoiceActivityModel> voice_;
  const WorkflowLm::Vocabulary vocabulary_;
};

}  // namespace

Result<std::shared_ptr<const VoiceActivityModel>> OpenVoiceActivity() {
  static std::mutex mutex;
  static std::weak_ptr<const VoiceActivityModel> opened;
  const std::scoped_lock lock(mutex);
  if (auto voice = opened.lock()) return voice;
  const auto path = FindSpeechModel("silero");
  if (!path) {
    Log().info("{}: voice is told from noise by its level", path.error().message);
    return nullptr;
  }
  SOTTO_ASSIGN_OR_RETURN(auto voice, VoiceActivityModel::Open(*path));
  opened = voice;
  return voice;
}

Result<std::shared_ptr<HearingModel>> OpenHearingModel(const HearingModelOptions& options) {
  SOTTO_ASSIGN_OR_RETURN(const auto path, FindSpeechModel(options.model));
  SOTTO_ASSIGN_OR_RETURN(auto model, SpeechModel::Open(path, {.n_threads = options.n_threads}));
  SOTTO_ASSIGN_OR_RETURN(auto engine,
                         SpeechEngine::Create(std::move(model), {.n_threads = options.n_threads}));
  SOTTO_ASSIGN_OR_RETURN(auto voice, OpenVoiceActivity());
  return std::make_shared<EngineHearing>(std::move(engine), std::move(voice));
}

}  // namespace sotto
