#include "speech/audio_file.h"

#include <sndfile.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "speech/resample.h"

namespace sotto {
namespace {

bool IsRaw(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".raw" || ending == ".pcm" || ending == ".s16";
}

int FormatFor(const std::filesystem::path& path) {
  if (IsRaw(path)) return SF_FORMAT_RAW | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE;
  if (path.extension() == ".flac") return SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
  return SF_FORMAT_WAV | SF_FORMAT_PCM_16;
}

}  // namespace

Result<Audio> ReadAudioFile(const std::filesystem::path& path, int rate_hz, int channel) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return MakeError(ErrorCode::kNotFound, "{}: no such file", path.string());
  }
  SF_INFO info = {};
  if (IsRaw(path)) {
    info.samplerate = kSampleRateHz;
    info.channels = 1;
    info.format = FormatFor(path);
  }
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &info);
  if (file == nullptr) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: not a recording that can be read ({}); want WAV, FLAC or raw 16-bit PCM",
                     path.string(), sf_strerror(nullptr));
  }
  Audio audio;
  audio.rate_hz = info.samplerate;
  const auto channels = static_cast<size_t>(info.channels);
  std::vector<float> block(4096 * channels);
  sf_count_t got = 0;
  while ((got = sf_readf_float(file, block.data(), 4096)) > 0) {
    for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
      float sum = 0;
      for (size_t c = 0; c < channels; ++c) sum += block[i * channels + c];
      sum /= static_cast<float>(channels);
      if (channel >= 0) sum = block[i * channels + std::min(static_cast<size_t>(channel), channels - 1)];
      audio.samples.push_back(sum == sum ? std::clamp(sum, -1.0f, 1.0f) : 0.0f);  // NaN is silence
    }
  }
  sf_close(file);
  if (audio.rate_hz == rate_hz) return audio;
  return Resample(audio, rate_hz);
}

Result<void> WriteAudioFile(const std::filesystem::path& path, const Audio& audio) {
  SF_INFO info = {};
  info.samplerate = audio.rate_hz;
  info.channels = 1;
  info.format = FormatFor(path);
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (file == nullptr)
    return MakeError(ErrorCode::kIo, "{}: cannot write ({})", path.string(), sf_strerror(nullptr));
  sf_command(file, SFC_SET_CLIPPING, nullptr, SF_TRUE);
  const auto count = static_cast<sf_count_t>(audio.samples.size());
  const bool written = sf_writef_float(file, audio.samples.data(), count) == count;
  const bool closed = sf_close(file) == 0;
  if (!written || !closed)
    return MakeError(ErrorCode::kIo, "{}: cannot write all of the recording", path.string());
  return {};
}

struct StereoWriter::File {
  SNDFILE* handle = nullptr;
  std::string path;
  std::vector<float> interleaved;
};

Result<std::unique_ptr<StereoWriter>> StereoWriter::Create(const std::filesystem::path& path, int rate_hz) {
  SF_INFO info = {};
  info.samplerate = rate_hz;
  info.channels = 2;
  info.format = FormatFor(path);
  SNDFILE* handle = sf_open(path.c_str(), SFM_WRITE, &info);
  if (handle == nullptr)
    return MakeError(ErrorCode::kIo, "{}: cannot write ({})", path.string(), sf_strerror(nullptr));
  sf_command(handle, SFC_SET_CLIPPING, nullptr, SF_TRUE);
  std::unique_ptr<StereoWriter> writer(new StereoWriter);
  writer->file_ = std::make_unique<File>();
  writer->file_->handle = handle;
  writer->file_->path = path.string();
  return writer;
}

StereoWriter::~StereoWriter() {
  if (file_ != nullptr) sf_close(file_->handle);
}

Result<void> StereoWriter::Write(std::span<const float> left, std::span<const float> right) {
  SOTTO_CHECK(left.size() == right.size());
  auto& mix = file_->interleaved;
  mix.resize(left.size() * 2);
  for (size_t i = 0; i < left.size(); ++i) {
    mix[2 * i] = left[i];
    mix[2 * i + 1] = right[i];
  }
  const auto count = static_cast<sf_count_t>(left.size());
  if (sf_writef_float(file_->handle, mix.data(), count) != count) {
    return MakeError(ErrorCode::kIo, "{}: cannot write the recording", file_->path);
  }
  return {};
}

}  // namespace sotto
