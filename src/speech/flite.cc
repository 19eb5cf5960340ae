#include "speech/flite.h"

#include <cctype>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "core/pcm16.h"
#include "speech/resample.h"

extern "C" {
#include <flite/flite.h>
cst_voice* register_cmu_us_rms(const char* voxdir);
cst_voice* register_cmu_us_slt(const char* voxdir);
cst_voice* register_cmu_us_awb(const char* voxdir);
cst_voice* register_cmu_us_kal16(const char* voxdir);
}

namespace sotto {
namespace {

// flite's voices, lexicon and random numbers are the program's; whoever uses them holds this.
std::mutex& FliteMutex() {
  static std::mutex one;
  return one;
}

// 20 ms: small enough for a quick first chunk, large enough to be cheap.
constexpr int kChunkSamples = 320;

struct Stream {
  const Synthesizer::Sink* sink = nullptr;
  std::unique_ptr<Resampler> resampler;  // where the voice is not at 16 kHz
  std::vector<float> samples;
  bool cancelled = false;

  bool Give(const short* in, int count, int rate_hz) {
    samples.clear();
    std::vector<float> raw = FromPcm16(std::span<const int16_t>(in, static_cast<size_t>(count)));
    if (rate_hz != kSampleRateHz && resampler == nullptr) {
      auto created = Resampler::Create(rate_hz, kSampleRateHz);
      if (!created) return false;
      resampler = std::move(*created);
    }
    if (resampler != nullptr) {
      resampler->Process(raw, &samples);
    } else {
      samples = std::move(raw);
    }
    if (!samples.empty() && !(*sink)(samples)) cancelled = true;
    return !cancelled;
  }
};

int OnAudio(const cst_wave* wave, int start, int size, int /*last*/, cst_audio_streaming_info* info) {
  auto* stream = static_cast<Stream*>(info->userdata);
  if (size <= 0) return CST_AUDIO_STREAM_CONT;
  return stream->Give(wave->samples + start, size, wave->sample_rate) ? CST_AUDIO_STREAM_CONT
                                                                      : CST_AUDIO_STREAM_STOP;
}

bool HasWord(std::string_view text) {
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

}  // namespace

Result<Audio> SynthesizeAll(Synthesizer& synthesizer, std::string_view text) {
  Audio audio;
  SOTTO_RETURN_IF_ERROR(synthesizer.Speak(text, [&](std::span<const float> samples) {
    audio.samples.insert(audio.samples.end(), samples.begin(), samples.end());
    return true;
  }));
  return audio;
}

FliteSynthesizer::FliteSynthesizer(std::string voice, void* handle, Options options)
    : voice_(std::move(voice)), handle_(handle), options_(options) {}

Result<std::unique_ptr<FliteSynthesizer>> FliteSynthesizer::Create(std::string_view voice, Options options) {
  if (options.speed < 0.5 || options.speed > 2) {
    return MakeError(ErrorCode::kInvalidArgument, "speech speed {} is not between 0.5 and 2", options.speed);
  }
  std::lock_guard lock(FliteMutex());
  flite_init();
  cst_voice* handle = nullptr;
  if (voice == "rms") handle = register_cmu_us_rms(nullptr);
  if (voice == "slt") handle = register_cmu_us_slt(nullptr);
  if (voice == "awb") handle = register_cmu_us_awb(nullptr);
  if (voice == "kal16") handle = register_cmu_us_kal16(nullptr);
  if (handle == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "no flite voice \"{}\": there are rms, slt, awb and kal16",
                     voice);
  }
  return std::unique_ptr<FliteSynthesizer>(new FliteSynthesizer(std::string(voice), handle, options));
}

Result<void> FliteSynthesizer::Speak(std::string_view text, const Sink& sink) {
  if (!HasWord(text)) return {};
  std::lock_guard lock(FliteMutex());
  auto* voice = static_cast<cst_voice*>(handle_);
  Stream stream;
  stream.sink = &sink;
  cst_audio_streaming_info* info = new_audio_streaming_info();
  info->min_buffsize = kChunkSamples;
  info->asc = OnAudio;
  info->userdata = &stream;
  flite_feat_set_float(voice->features, "duration_stretch", static_cast<float>(1 / options_.speed));
  flite_feat_set(voice->features, "streaming_info", audio_streaming_info_val(info));
  cst_utterance* utterance = flite_synth_text(std::string(text).c_str(), voice);
  flite_feat_remove(voice->features, "streaming_info");  // also frees it
  if (utterance == nullptr && !stream.cancelled) {
    return MakeError(ErrorCode::kUnavailable, "flite cannot speak \"{}\"", text);
  }
  if (utterance != nullptr) delete_utterance(utterance);
  if (!stream.cancelled && stream.resampler != nullptr) {
    std::vector<float> rest;
    stream.resampler->Flush(&rest);
    if (!rest.empty() && !sink(rest)) stream.cancelled = true;
  }
  if (stream.cancelled) return MakeError(ErrorCode::kCancelled, "speech was stopped");
  return {};
}

std::string FliteSynthesizer::name() const { return fmt::format("flite {} {:.2f}", voice_, options_.speed); }

}  // namespace sotto
