#include "speech/resample.h"

#include <soxr.h>

#include <cmath>

namespace sotto {

Result<std::unique_ptr<Resampler>> Resampler::Create(int from_hz, int to_hz) {
  return Make(from_hz, to_hz, false);
}

Result<std::unique_ptr<Resampler>> Resampler::CreateLive(int from_hz, int to_hz) {
  return Make(from_hz, to_hz, true);
}

Result<std::unique_ptr<Resampler>> Resampler::Make(int from_hz, int to_hz, bool live) {
  if (from_hz < 1000 || from_hz > 384000 || to_hz < 1000 || to_hz > 384000) {
    return MakeError(ErrorCode::kUnsupported,
                     "cannot convert {} Hz to {} Hz: rates from 1000 to 384000 Hz are supported", from_hz,
                     to_hz);
  }
  std::unique_ptr<Resampler> resampler(new Resampler);
  resampler->ratio_ = static_cast<double>(to_hz) / from_hz;
  resampler->same_ = from_hz == to_hz;
  if (resampler->same_) return resampler;
  soxr_error_t error = nullptr;
  // What soxr has for rates that vary works sample by sample; the rest by Fourier transforms of blocks.
  const soxr_quality_spec_t quality =
      live ? soxr_quality_spec(SOXR_HQ, SOXR_VR) : soxr_quality_spec(SOXR_MQ, 0);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  resampler->soxr_ = soxr_create(from_hz, to_hz, 1, &error, &io, &quality, &runtime);
  if (error != nullptr)
    return MakeError(ErrorCode::kUnsupported, "cannot convert {} Hz to {} Hz: {}", from_hz, to_hz, error);
  if (live) soxr_set_io_ratio(static_cast<soxr_t>(resampler->soxr_), 1 / resampler->ratio_, 0);
  return resampler;
}

Resampler::~Resampler() {
  if (soxr_ != nullptr) soxr_delete(static_cast<soxr_t>(soxr_));
}

void Resampler::Process(std::span<const float> in, std::vector<float>* out) {
  if (same_) {
    out->insert(out->end(), in.begin(), in.end());
    return;
  }
  const size_t old = out->size();
  const size_t room = static_cast<size_t>(std::ceil(static_cast<double>(in.size()) * ratio_)) + 4096;
  out->resize(old + room);
  size_t used = 0, made = 0;
  soxr_process(static_cast<soxr_t>(soxr_), in.data(), in.size(), &used, out->data() + old, room, &made);
  out->resize(old + made);
}

void Resampler::Flush(std::vector<float>* out) {
  if (same_) return;
  size_t made = 0;
  do {
    const size_t old = out->size();
    out->resize(old + 8192);
    soxr_process(static_cast<soxr_t>(soxr_), nullptr, 0, nullptr, out->data() + old, 8192, &made);
    out->resize(old + made);
  } while (made > 0);
}

Result<Audio> Resample(const Audio& audio, int rate_hz) {
  SOTTO_ASSIGN_OR_RETURN(const auto resampler, Resampler::Create(audio.rate_hz, rate_hz));
  Audio result;
  result.rate_hz = rate_hz;
  resampler->Process(audio.samples, &result.samples);
  resampler->Flush(&result.samples);
  return result;
}

}  // namespace sotto
