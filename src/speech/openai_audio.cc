#include "speech/openai_audio.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/http_client.h"
#include "core/json.h"
#include "core/openai_error.h"
#include "core/pcm16.h"
#include "speech/resample.h"

namespace sotto {
namespace {

constexpr size_t kMaxAnswerBytes = 1 << 20;
constexpr size_t kMaxSpeechBytes = 64 << 20;
constexpr size_t kWavHeaderBytes = 44;

void PutLittle(std::string* bytes, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) *bytes += static_cast<char>((value >> (8 * i)) & 0xff);
}

uint32_t GetLittle(std::string_view bytes, size_t at, int count) {
  uint32_t value = 0;
  for (int i = count; i-- > 0;)
    value = (value << 8) | static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)]);
  return value;
}

// A WAV file of 16-bit mono at 16 kHz.
std::string ToWav(std::span<const float> samples) {
  const auto size = static_cast<uint32_t>(samples.size() * 2);
  std::string wav = "RIFF";
  PutLittle(&wav, size + 36, 4);
  wav += "WAVEfmt ";
  PutLittle(&wav, 16, 4);
  PutLittle(&wav, 1, 2);  // PCM
  PutLittle(&wav, 1, 2);  // channels
  PutLittle(&wav, kSampleRateHz, 4);
  PutLittle(&wav, kSampleRateHz * 2, 4);
  PutLittle(&wav, 2, 2);
  PutLittle(&wav, 16, 2);
  wav += "data";
  PutLittle(&wav, size, 4);
  SOTTO_CHECK(wav.size() == kWavHeaderBytes);
  return wav + ToPcm16Bytes(samples);
}

HttpRequest NewRequest(std::string url, const OpenAiAudioOptions& options, std::chrono::milliseconds whole) {
  HttpRequest request{.method = "POST", .url = std::move(url), .connect = options.connect, .timeout = whole};
  if (const char* key = std::getenv("OPENAI_API_KEY"); key != nullptr && *key != 0)
    request.headers.emplace_back("Authorization", std::string("Bearer ") + key);
  return request;
}

// An answer, or why there is none: the server is named, never its path, the key or what was said.
Result<HttpAnswer> Send(HttpClient& http, HttpRequest request,
                        const HttpClient::OnBytes& on_bytes = nullptr) {
  const std::string origin = HttpOrigin(request.url);
  auto answer = http.Send(std::move(request), on_bytes);
  if (!answer) {
    Error error = std::move(answer).error();
    if (error.code != ErrorCode::kTimeout && error.code != ErrorCode::kCancelled)
      error.code = ErrorCode::kUnavailable;
    return tl::unexpected(std::move(error));
  }
  if (answer->status != 200) {
    return MakeError(ErrorCode::kUnavailable, "{}: HTTP {}{}", origin, answer->status,
                     OpenAiErrorCode(answer->body));
  }
  return answer;
}

Result<std::string> CheckBase(std::string base) {
  while (!base.empty() && base.back() == '/') base.pop_back();
  if (HttpOrigin(base).empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "a speech server's address is not http(s)://host:port/v1");
  }
  return base;
}

class OpenAiRecognizer final : public Recognizer {
 public:
  OpenAiRecognizer(std::string base, OpenAiAudioOptions options)
      : base_(std::move(base)), options_(std::move(options)) {}

  void NewCaller() override { audio_.clear(); }
  Result<void> Start(ListeningMode /*mode*/) override {
    audio_.clear();
    return {};
  }
  Result<void> Feed(std::span<const float> samples) override {
    audio_.insert(audio_.end(), samples.begin(), samples.end());
    return {};
  }
  std::optional<Transcript> Partial() override { return std::nullopt; }
  Result<Transcript> Finish() override {
    const std::string wav = ToWav(audio_);
    audio_.clear();
    HttpRequest request = NewRequest(base_ + "/audio/transcriptions", options_, options_.transcript);
    request.max_answer_bytes = kMaxAnswerBytes;
    request.form = {{.name = "file", .value = wav, .file_name = "speech.wav", .type = "audio/wav"},
                    {.name = "model", .value = options_.transcription_model},
                    {.name = "language", .value = options_.language},
                    {.name = "response_format", .value = "json"}};
    SOTTO_ASSIGN_OR_RETURN(const HttpAnswer answer, Send(*options_.http, std::move(request)));
    const auto json = ParseJson(answer.body, "answer");
    if (!json || !json->is_object() || !json->contains("text") || !(*json)["text"].is_string()) {
      return MakeError(ErrorCode::kCorrupt, "{}: the answer is not {{\"text\": ...}}", HttpOrigin(base_));
    }
    Transcript transcript;
    transcript.final = true;
    transcript.text = (*json)["text"].get<std::string>();
    transcript.text.erase(0, std::min(transcript.text.find_first_not_of(" \t\r\n"), transcript.text.size()));
    if (!transcript.text.empty()) transcript.n_best.push_back({transcript.text, 0});
    return transcript;
  }
  void Cancel() override { audio_.clear(); }

 private:
  const std::string base_;
  const OpenAiAudioOptions options_;
  std::vector<float> audio_;
};

class OpenAiPool final : public RecognizerPool {
 public:
  OpenAiPool(std::string base, OpenAiAudioOptions options)
      : base_(std::move(base)), options_(std::move(options)) {}
  Result<std::unique_ptr<Recognizer>> Acquire() override {
    return std::make_unique<OpenAiRecognizer>(base_, options_);
  }
  std::string name() const override { return HttpAddress(base_); }
  bool blocks() const override { return true; }

 private:
  const std::string base_;
  const OpenAiAudioOptions options_;
};

// Reads a WAV stream as it arrives: the sizes in its headers may be unknown (0 or all ones).
class WavStream {
 public:
  explicit WavStream(const Synthesizer::Sink& sink) : sink_(sink) {}

  // False to stop: `error` says why, or the sink wanted no more.
  bool Add(std::string_view bytes) {
    pending_ += bytes;
    if (!in_data_ && !ReadHeader()) return !error;
    const size_t usable = pending_.size() / 2 * 2;
    const std::vector<float> raw = FromPcm16Bytes(std::string_view(pending_).substr(0, usable));
    pending_.erase(0, usable);
    std::vector<float> samples;
    resampler_->Process(raw, &samples);
    return samples.empty() || sink_(samples);
  }
  bool Finish() {
    if (!in_data_) return false;
    std::vector<float> samples;
    resampler_->Flush(&samples);
    return samples.empty() || sink_(samples);
  }
  bool in_data() const { return in_data_; }
  std::optional<Error> error;

 private:
  // True once the samples begin.
  bool ReadHeader() {
    if (pending_.size() < 12) return false;
    if (!pending_.starts_with("RIFF") || pending_.compare(8, 4, "WAVE") != 0) return Fail("no WAV audio");
    size_t at = 12;
    while (pending_.size() >= at + 8) {
      const std::string_view id = std::string_view(pending_).substr(at, 4);
      const uint32_t size = GetLittle(pending_, at + 4, 4);
      if (id == "data") {
        if (resampler_ == nullptr) return Fail("a WAV without a format");
        pending_.erase(0, at + 8);
        in_data_ = true;
        return true;
      }
      if (size > 65536) return Fail("a WAV with a bad header");
      if (pending_.size() < at + 8 + size) return false;
      if (id == "fmt " && size >= 16) {
        const bool plain = GetLittle(pending_, at + 10, 2) == 1 && GetLittle(pending_, at + 22, 2) == 16;
        if (!plain) return Fail("WAV audio that is not 16-bit mono");
        auto resampler = Resampler::Create(static_cast<int>(GetLittle(pending_, at + 12, 4)), kSampleRateHz);
        if (!resampler) return Fail("a WAV with a bad sample rate");
        resampler_ = *std::move(resampler);
      }
      at += 8 + size + (size & 1);
    }
    return false;
  }
  bool Fail(const char* what) {
    error = Error{ErrorCode::kCorrupt, what};
    return false;
  }

  const Synthesizer::Sink& sink_;
  std::string pending_;
  std::unique_ptr<Resampler> resampler_;
  bool in_data_ = false;
};

class OpenAiSynthesizer final : public Synthesizer {
 public:
  OpenAiSynthesizer(std::string base, std::string voice, OpenAiAudioOptions options)
      : base_(std::move(base)), voice_(std::move(voice)), options_(std::move(options)) {}

  Result<void> Speak(std::string_view text, const Sink& sink) override {
    HttpRequest request = NewRequest(base_ + "/audio/speech", options_, options_.speech);
    request.max_answer_bytes = kMaxSpeechBytes;
    request.headers.emplace_back("Content-Type", "application/json");
    request.body =
        Json{{"model", options_.speech_model}, {"voice", voice_}, {"input", text}, {"response_format", "wav"}}
            .dump(-1, ' ', false, Json::error_handler_t::replace);
    WavStream stream(sink);
    const auto answer = Send(*options_.http, std::move(request),
                             [&](const HttpAnswer&, std::string_view bytes) { return stream.Add(bytes); });
    if (stream.error)
      return MakeError(stream.error->code, "{}: {}", HttpOrigin(base_), stream.error->message);
    if (!answer) return tl::unexpected(answer.error());
    if (!stream.in_data()) return MakeError(ErrorCode::kCorrupt, "{}: no WAV audio", HttpOrigin(base_));
    if (!stream.Finish()) return MakeError(ErrorCode::kCancelled, "speech was stopped");
    return {};
  }
  std::string name() const override {
    return fmt::format("{} {} {}", HttpAddress(base_), options_.speech_model, voice_);
  }
  bool blocks() const override { return true; }

 private:
  const std::string base_;
  const std::string voice_;
  const OpenAiAudioOptions options_;
};

}  // namespace

Result<std::unique_ptr<RecognizerPool>> OpenOpenAiRecognizers(const std::string& base,
                                                              OpenAiAudioOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::string checked, CheckBase(base));
  if (options.http == nullptr) options.http = MakeHttpClient();
  return std::make_unique<OpenAiPool>(std::move(checked), std::move(options));
}

Result<std::shared_ptr<Synthesizer>> OpenOpenAiSynthesizer(const std::string& base, const std::string& voice,
                                                           OpenAiAudioOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::string checked, CheckBase(base));
  if (options.http == nullptr) options.http = MakeHttpClient();
  return std::make_shared<OpenAiSynthesizer>(std::move(checked), voice.empty() ? "alloy" : voice,
                                             std::move(options));
}

}  // namespace sotto
