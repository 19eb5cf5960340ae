#include "speech/backends.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "speech/domain_model.h"
#include "speech/espeak.h"
#include "speech/flite.h"
#include "speech/hearing_model.h"
#include "speech/moonshine.h"
#include "speech/openai_audio.h"
#include "speech/pocketsphinx.h"
#include "speech/wyoming.h"

namespace sotto {
namespace {

std::vector<std::string> SplitAtCommas(const std::string& names) {
  std::vector<std::string> result;
  size_t at = 0;
  while (at <= names.size()) {
    const size_t end = std::min(names.find(',', at), names.size());
    std::string name = names.substr(at, end - at);
    std::erase(name, ' ');
    if (!name.empty()) result.push_back(std::move(name));
    at = end + 1;
  }
  return result;
}

// Gives the same audio to the first recognizer that works; keeps it, so that the next one can hear the whole
// utterance when the first fails at its end.
class FallbackRecognizer final : public Recognizer {
 public:
  explicit FallbackRecognizer(std::vector<std::unique_ptr<Recognizer>> recognizers)
      : recognizers_(std::move(recognizers)) {}

  void NewCaller() override {
    for (auto& recognizer : recognizers_) recognizer->NewCaller();
  }
  Result<void> Start(ListeningMode mode) override {
    mode_ = mode;
    audio_.clear();
    current_ = 0;
    auto started = recognizers_[0]->Start(mode);
    return started ? started : Next(std::move(started).error());
  }
  Result<void> Feed(std::span<const float> samples) override {
    audio_.insert(audio_.end(), samples.begin(), samples.end());
    auto fed = recognizers_[current_]->Feed(samples);
    return fed ? fed : Next(std::move(fed).error());
  }
  std::optional<Transcript> Partial() override { return recognizers_[current_]->Partial(); }
  Result<Transcript> Finish() override {
    while (true) {
      auto transcript = recognizers_[current_]->Finish();
      if (transcript) return transcript;
      SOTTO_RETURN_IF_ERROR(Next(std::move(transcript).error()));
    }
  }
  void Cancel() override { recognizers_[current_]->Cancel(); }
  void SetPhrases(std::span<const std::string> phrases) override {
    for (auto& recognizer : recognizers_) recognizer->SetPhrases(phrases);
  }
  void Interrupt() override {
    for (auto& recognizer : recognizers_) recognizer->Interrupt();
  }
  void Yield() override {
    for (auto& recognizer : recognizers_) recognizer->Yield();
  }
  size_t stable_words() const override { return recognizers_[current_]->stable_words(); }

 private:
  // Goes on with the next recognizer that starts and takes what was said so far.
  Result<void> Next(Error error) {
    Log().warn("recognizer: {}", error.message);
    recognizers_[current_]->Cancel();
    while (++current_ < recognizers_.size()) {
      auto started = recognizers_[current_]->Start(mode_);
      if (started && (audio_.empty() || (started = recognizers_[current_]->Feed(audio_)))) return {};
      error = std::move(started).error();
      Log().warn("recognizer: {}", error.message);
      recognizers_[current_]->Cancel();
    }
    current_ = recognizers_.size() - 1;
    return tl::unexpected<Error>(std::move(error));
  }

  std::vector<std::unique_ptr<Recognizer>> recognizers_;
  std::vector<float> audio_;
  size_t current_ = 0;
  ListeningMode mode_ = ListeningMode::kOpen;
};

class FallbackPool final : public RecognizerPool {
 public:
  explicit FallbackPool(std::vector<std::unique_ptr<RecognizerPool>> pools) : pools_(std::move(pools)) {}

  Result<std::unique_ptr<Recognizer>> Acquire() override {
    std::vector<std::unique_ptr<Recognizer>> recognizers;
    Error last{ErrorCode::kUnavailable, "no recognizer"};
    for (auto& pool : pools_) {
      auto recognizer = pool->Acquire();
      if (recognizer) {
        recognizers.push_back(*std::move(recognizer));
      } else {
        last = std::move(recognizer).error();
        Log().warn("recognizer: {}", last.message);
      }
    }
    if (recognizers.empty()) return tl::unexpected<Error>(std::move(last));
    return std::make_unique<FallbackRecognizer>(std::move(recognizers));
  }
  std::string name() const override { return pools_.front()->name(); }
  bool blocks() const override {
    return std::any_of(pools_.begin(), pools_.end(), [](const auto& pool) { return pool->blocks(); });
  }

 private:
  std::vector<std::unique_ptr<RecognizerPool>> pools_;
};

class FallbackSynthesizer final : public Synthesizer {
 public:
  explicit FallbackSynthesizer(std::vector<std::shared_ptr<Synthesizer>> synthesizers)
      : synthesizers_(std::move(synthesizers)) {}

  Result<void> Speak(std::string_view text, const Sink& sink) override {
    Error last{ErrorCode::kUnavailable, "no synthesizer"};
    for (auto& synthesizer : synthesizers_) {
      bool spoke = false;
      const auto result = synthesizer->Speak(text, [&](std::span<const float> samples) {
        spoke = true;
        return sink(samples);
      });
      // Half a sentence in one voice and the whole in another would be worse than half a sentence.
      if (result || spoke || result.error().code == ErrorCode::kCancelled) return result;
      last = result.error();
      Log().warn("synthesizer: {}", last.message);
    }
    return tl::unexpected<Error>(std::move(last));
  }
  std::string name() const override { return synthesizers_.front()->name(); }
  bool blocks() const override {
    return std::any_of(synthesizers_.begin(), synthesizers_.end(),
                       [](const auto& synthesizer) { return synthesizer->blocks(); });
  }
  bool takes_turns() const override {
    return std::any_of(synthesizers_.begin(), synthesizers_.end(),
                       [](const auto& synthesizer) { return synthesizer->takes_turns(); });
  }

 private:
  std::vector<std::shared_ptr<Synthesizer>> synthesizers_;
};

bool IsMoonshine(const std::string& name) { return name == "moonshine" || name.starts_with("moonshine:"); }

Result<std::unique_ptr<RecognizerPool>> OpenOneRecognizer(const std::string& name, const DomainText& text,
                                                          int ready) {
  if (name == "pocketsphinx" || name == "pocketsphinx:thorough") {
    PocketSphinxOptions options;
    options.second_pass = name != "pocketsphinx";
    SOTTO_ASSIGN_OR_RETURN(DomainModel model, DomainModel::Build(text, DefaultCacheFolder() / "asr"));
    SOTTO_ASSIGN_OR_RETURN(auto pool, PocketSphinxPool::Create(std::move(model), options, ready));
    return pool;
  }
  if (IsMoonshine(name)) {
    if (text.language != "en") {
      return MakeError(ErrorCode::kNotFound, "{} hears English, not \"{}\"", name, text.language);
    }
    SOTTO_ASSIGN_OR_RETURN(auto model,
                           OpenHearingModel({.model = name == "moonshine" ? "moonshine:tiny" : name}));
    return MoonshinePool::Create(std::move(model), text);
  }
  if (name.starts_with("wyoming://")) {
    WyomingOptions options;
    options.language = text.language;
    return OpenWyomingRecognizers(name, options);
  }
  if (name.starts_with("http://") || name.starts_with("https://")) {
    OpenAiAudioOptions options;
    options.language = text.language;
    return OpenOpenAiRecognizers(name, options);
  }
  return MakeError(
      ErrorCode::kInvalidArgument,
      "no recognizer \"{}\": there are moonshine[:tiny|:base], pocketsphinx[:thorough], wyoming://host:port "
      "and http(s)://host:port/v1",
      name);
}

Result<std::shared_ptr<Synthesizer>> OpenOneSynthesizer(const std::string& name, const std::string& voice) {
  const size_t colon = name.find(':');
  const std::string own = colon == std::string::npos ? voice : name.substr(colon + 1);
  if (name == "flite" || name.starts_with("flite:")) {
    SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<Synthesizer> flite,
                           FliteSynthesizer::Create(own.empty() ? "rms" : own));
    return flite;
  }
  if (name == "espeak" || name.starts_with("espeak:")) {
    return OpenEspeak(colon == std::string::npos ? "en-us" : own);
  }
  if (name.starts_with("wyoming://")) return OpenWyomingSynthesizer(name, voice);
  if (name.starts_with("http://") || name.starts_with("https://")) return OpenOpenAiSynthesizer(name, voice);
  return MakeError(ErrorCode::kInvalidArgument,
                   "no synthesizer \"{}\": there are flite[:voice], espeak[:voice], wyoming://host:port and "
                   "http(s)://host:port/v1",
                   name);
}

}  // namespace

std::unique_ptr<RecognizerPool> MakeFallbackRecognizers(std::vector<std::unique_ptr<RecognizerPool>> pools) {
  SOTTO_CHECK(!pools.empty());
  if (pools.size() == 1) return std::move(pools.front());
  return std::make_unique<FallbackPool>(std::move(pools));
}

std::shared_ptr<Synthesizer> MakeFallbackSynthesizer(std::vector<std::shared_ptr<Synthesizer>> synthesizers) {
  SOTTO_CHECK(!synthesizers.empty());
  if (synthesizers.size() == 1) return std::move(synthesizers.front());
  return std::make_shared<FallbackSynthesizer>(std::move(synthesizers));
}

Result<std::unique_ptr<RecognizerPool>> OpenRecognizers(const std::string& names, const DomainText& text,
                                                        int ready) {
  std::vector<std::unique_ptr<RecognizerPool>> pools;
  const std::vector<std::string> wanted = SplitAtCommas(names);
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto pool = OpenOneRecognizer(wanted[i], text, ready);
    const bool last = i + 1 == wanted.size();
    if (!pool && !last && IsMoonshine(wanted[i])) {
      Log().warn("{}; {} listens instead", pool.error().message, wanted[i + 1]);
      continue;
    }
    if (!pool) return tl::unexpected<Error>(std::move(pool).error());
    pools.push_back(*std::move(pool));
    if (IsMoonshine(wanted[i])) break;  // what has opened here does not fail later
  }
  if (pools.empty()) return MakeError(ErrorCode::kInvalidArgument, "no recognizer is named");
  return MakeFallbackRecognizers(std::move(pools));
}

Result<std::shared_ptr<Synthesizer>> OpenSynthesizer(const std::string& names, const std::string& voice) {
  std::vector<std::shared_ptr<Synthesizer>> synthesizers;
  for (const std::string& name : SplitAtCommas(names)) {
    auto synthesizer = OpenOneSynthesizer(name, voice);
    if (!synthesizer && synthesizer.error().code == ErrorCode::kInvalidArgument) return synthesizer;
    if (!synthesizer) {
      Log().warn("synthesizer: {}", synthesizer.error().message);
      continue;
    }
    synthesizers.push_back(*std::move(synthesizer));
  }
  if (synthesizers.empty())
    return MakeError(ErrorCode::kUnavailable, "none of the synthesizers \"{}\" can be used", names);
  return MakeFallbackSynthesizer(std::move(synthesizers));
}

}  // namespace sotto
