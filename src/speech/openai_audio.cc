#include "speech/openai_audio.h"

#include <curl/curl.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/check.h"
#include "core/json.h"
#include "speech/resample.h"

namespace sotto {
namespace {

constexpr size_t kMaxAnswerBytes = 1 << 20;
constexpr size_t kWavHeaderBytes = 44;

void StartCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

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
  for (const float sample : samples) {
    PutLittle(&wav, static_cast<uint32_t>(std::lrint(std::clamp(sample, -1.0f, 1.0f) * 32767.0f)), 2);
  }
  return wav;
}

// One request; the answer goes to `on_bytes` as it arrives, which returns false to stop.
class Request {
 public:
  using OnBytes = std::function<bool(std::string_view)>;

  Request(const std::string& url, std::chrono::milliseconds connect, std::chrono::milliseconds whole)
      : url_(url) {
    StartCurl();
    handle_ = curl_easy_init();
    SOTTO_CHECK(handle_ != nullptr);
    curl_easy_setopt(handle_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
    curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(whole.count()));
    curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
    if (const char* key = std::getenv("OPENAI_API_KEY"); key != nullptr && *key != 0) {
      headers_ = curl_slist_append(headers_, (std::string("Authorization: Bearer ") + key).c_str());
    }
  }
  ~Request() {
    if (form_ != nullptr) curl_mime_free(form_);
    curl_slist_free_all(headers_);
    curl_easy_cleanup(handle_);
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  void AddFile(std::string_view name, std::string_view bytes) {
    curl_mimepart* part = Part(name);
    curl_mime_data(part, bytes.data(), bytes.size());
    curl_mime_filename(part, "speech.wav");
    curl_mime_type(part, "audio/wav");
  }
  void AddField(std::string_view name, std::string_view value) {
    curl_mime_data(Part(name), value.data(), value.size());
  }
  void SetJson(std::string body) {
    body_ = std::move(body);
    headers_ = curl_slist_append(headers_, "Content-Type: application/json");
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, body_.c_str());
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
  }

  Result<void> Run(const OnBytes& on_bytes) {
    on_bytes_ = &on_bytes;
    if (form_ != nullptr) curl_easy_setopt(handle_, CURLOPT_MIMEPOST, form_);
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &Request::Write);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
    const CURLcode code = curl_easy_perform(handle_);
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    if (stopped_) return MakeError(ErrorCode::kCancelled, "speech was stopped");
    if (code == CURLE_OPERATION_TIMEDOUT)
      return MakeError(ErrorCode::kTimeout, "{}: no answer in time", url_);
    if (code != CURLE_OK) return MakeError(ErrorCode::kUnavailable, "{}: {}", url_, curl_easy_strerror(code));
    if (status != 200)
      return MakeError(ErrorCode::kUnavailable, "{}: HTTP {}: {}", url_, status, error_.substr(0, 200));
    return {};
  }

 private:
  curl_mimepart* Part(std::string_view name) {
    if (form_ == nullptr) form_ = curl_mime_init(handle_);
    curl_mimepart* part = curl_mime_addpart(form_);
    curl_mime_name(part, std::string(name).c_str());
    return part;
  }

  static size_t Write(char* bytes, size_t size, size_t count, void* self) {
    auto* request = static_cast<Request*>(self);
    long status = 0;
    curl_easy_getinfo(request->handle_, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
      request->error_.append(bytes, std::min(size * count, size_t{400}));
      return size * count;
    }
    if ((*request->on_bytes_)({bytes, size * count})) return size * count;
    request->stopped_ = true;
    return 0;
  }

  const std::string url_;
  CURL* handle_ = nullptr;
  curl_slist* headers_ = nullptr;
  curl_mime* form_ = nullptr;
  std::string body_;
  std::string error_;
  const OnBytes* on_bytes_ = nullptr;
  bool stopped_ = false;
};

Result<std::string> CheckBase(std::string base) {
  while (!base.empty() && base.back() == '/') base.pop_back();
  const size_t host = base.find("://");
  if (host == std::string::npos || host + 3 >= base.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "\"{}\" is not http(s)://host:port/v1", base);
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
  Transcript Partial() override { return {}; }
  Result<Transcript> Finish() override {
    const std::string wav = ToWav(audio_);
    audio_.clear();
    const std::string url = base_ + "/audio/transcriptions";
    Request request(url, options_.connect, options_.transcript);
    request.AddFile("file", wav);
    request.AddField("model", options_.transcription_model);
    request.AddField("language", options_.language);
    request.AddField("response_format", "json");
    std::string answer;
    SOTTO_RETURN_IF_ERROR(request.Run([&](std::string_view bytes) {
      answer += bytes;
      return answer.size() < kMaxAnswerBytes;
    }));
    const Json json = Json::parse(answer, nullptr, false);
    if (!json.is_object() || !json.contains("text") || !json["text"].is_string()) {
      return MakeError(ErrorCode::kCorrupt, "{}: the answer is not {{\"text\": ...}}", url);
    }
    Transcript transcript;
    transcript.final = true;
    transcript.text = json["text"].get<std::string>();
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
  std::string name() const override { return base_; }

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
    std::vector<float> raw(usable / 2);
    for (size_t i = 0; i < raw.size(); ++i) {
      raw[i] = static_cast<float>(static_cast<int16_t>(GetLittle(pending_, 2 * i, 2))) / 32768.0f;
    }
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
    const std::string url = base_ + "/audio/speech";
    Request request(url, options_.connect, options_.speech);
    request.SetJson(
        Json{{"model", options_.speech_model}, {"voice", voice_}, {"input", text}, {"response_format", "wav"}}
            .dump());
    WavStream stream(sink);
    const auto result = request.Run([&](std::string_view bytes) { return stream.Add(bytes); });
    if (stream.error) return MakeError(stream.error->code, "{}: {}", url, stream.error->message);
    if (!result) return result;
    if (!stream.in_data()) return MakeError(ErrorCode::kCorrupt, "{}: no WAV audio", url);
    if (!stream.Finish()) return MakeError(ErrorCode::kCancelled, "speech was stopped");
    return {};
  }
  std::string name() const override { return fmt::format("{} {} {}", base_, options_.speech_model, voice_); }

 private:
  const std::string base_;
  const std::string voice_;
  const OpenAiAudioOptions options_;
};

}  // namespace

Result<std::unique_ptr<RecognizerPool>> OpenOpenAiRecognizers(const std::string& base,
                                                              OpenAiAudioOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::string checked, CheckBase(base));
  return std::make_unique<OpenAiPool>(std::move(checked), std::move(options));
}

Result<std::shared_ptr<Synthesizer>> OpenOpenAiSynthesizer(const std::string& base, const std::string& voice,
                                                           OpenAiAudioOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::string checked, CheckBase(base));
  return std::make_shared<OpenAiSynthesizer>(std::move(checked), voice.empty() ? "alloy" : voice,
                                             std::move(options));
}

}  // namespace sotto
