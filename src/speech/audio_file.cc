#include "speech/audio_file.h"

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "speech/memory_file.h"
#include "speech/resample.h"

namespace sotto {
namespace {

bool IsRaw(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".raw" || ending == ".pcm" || ending == ".s16";
}

constexpr double kCancelled = 1e-3;  // of the left channel's power: 30 dB

float Clean(float sample) {
  return sample == sample ? std::clamp(sample, -1.0f, 1.0f) : 0.0f;  // NaN is silence
}

double Power(std::span<const float> samples) {
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * static_cast<double>(sample);
  return sum;
}

// A recorder that was killed leaves 0 as the length of its samples: what is behind it are the samples. The
// offset of that length in a WAV file, or nothing.
std::optional<size_t> FindUnfinishedData(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 12> riff{};
  if (!file.read(riff.data(), riff.size()) || std::memcmp(riff.data(), "RIFF", 4) != 0 ||
      std::memcmp(riff.data() + 8, "WAVE", 4) != 0)
    return std::nullopt;
  std::array<char, 8> chunk{};
  while (file.read(chunk.data(), chunk.size())) {
    uint32_t length = 0;
    std::memcpy(&length, chunk.data() + 4, sizeof(length));
    if (std::memcmp(chunk.data(), "data", 4) == 0) {
      const auto at = static_cast<size_t>(file.tellg()) - sizeof(length);
      return length == 0 && file.peek() != std::ifstream::traits_type::eof() ? std::optional(at)
                                                                             : std::nullopt;
    }
    file.seekg(static_cast<std::streamoff>(length) + length % 2, std::ios::cur);
  }
  return std::nullopt;
}

int FormatFor(const std::filesystem::path& path) {
  if (IsRaw(path)) return SF_FORMAT_RAW | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE;
  if (path.extension() == ".flac") return SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
  return SF_FORMAT_WAV | SF_FORMAT_PCM_16;
}

// All of an open file; `channel` as for ReadAudioFile. Closes it.
Result<Audio> ReadAll(SNDFILE* file, const SF_INFO& info, std::string_view name, int rate_hz, int channel,
                      double most_seconds = 1e9) {
  Audio audio;
  audio.rate_hz = info.samplerate;
  const auto channels = static_cast<size_t>(info.channels);
  std::vector<float> block(4096 * channels);
  std::vector<float> left;  // of the samples of an average
  sf_count_t got = 0;
  while ((got = sf_readf_float(file, block.data(), 4096)) > 0) {
    if (audio.seconds() > most_seconds) {
      sf_close(file);
      return MakeError(ErrorCode::kOutOfRange, "{}: longer than {:.0f} s", name, most_seconds);
    }
    for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
      float sum = 0;
      for (size_t c = 0; c < channels; ++c) sum += block[i * channels + c];
      sum /= static_cast<float>(channels);
      if (channel >= 0) sum = block[i * channels + std::min(static_cast<size_t>(channel), channels - 1)];
      audio.samples.push_back(Clean(sum));
      if (channel < 0 && channels > 1) left.push_back(Clean(block[i * channels]));
    }
  }
  sf_close(file);
  // Channels that undo each other (a microphone wired differentially) leave nothing of what each of them
  // holds.
  if (const double power = Power(left); power > 0 && Power(audio.samples) < kCancelled * power) {
    Log().warn("{}: its channels cancel each other out; the left one is taken", name);
    audio.samples = std::move(left);
  }
  if (audio.rate_hz == rate_hz) return audio;
  return Resample(audio, rate_hz);
}

}  // namespace

Result<Audio> ReadAudioFile(const std::filesystem::path& path, int rate_hz, int channel) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return MakeError(ErrorCode::kNotFound, "{}: no such file", path.string());
  }
  if (std::filesystem::is_directory(path, error)) {
    return MakeError(ErrorCode::kInvalidArgument, "{} is a folder, not a recording", path.string());
  }
  if (std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) == 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: the file is empty", path.string());
  }
  SF_INFO info = {};
  if (IsRaw(path)) {
    info.samplerate = kSampleRateHz;
    info.channels = 1;
    info.format = FormatFor(path);
  }
  MemoryFile mended;
  SF_VIRTUAL_IO io = MemoryIo();
  SNDFILE* file = nullptr;
  if (const auto length_at = FindUnfinishedData(path)) {
    SOTTO_ASSIGN_OR_RETURN(mended.bytes, ReadFile(path));
    const size_t begin = *length_at + sizeof(uint32_t);
    if (mended.bytes.size() < begin)
      return MakeError(ErrorCode::kIo, "{}: changed while it was read", path.string());
    const auto rest = static_cast<uint32_t>(std::min<size_t>(mended.bytes.size() - begin, UINT32_MAX));
    std::memcpy(mended.bytes.data() + *length_at, &rest, sizeof(rest));
    file = sf_open_virtual(&io, SFM_READ, &info, &mended);
  } else {
    file = sf_open(path.c_str(), SFM_READ, &info);
  }
  if (file == nullptr) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: not a recording that can be read ({}); want WAV, FLAC or raw 16-bit PCM",
                     path.string(), sf_strerror(nullptr));
  }
  return ReadAll(file, info, path.string(), rate_hz, channel);
}

Result<Audio> ReadAudioBytes(std::string bytes, std::string_view name, double most_seconds) {
  MemoryFile memory{std::move(bytes)};
  SF_VIRTUAL_IO io = MemoryIo();
  SF_INFO info = {};
  SNDFILE* file = sf_open_virtual(&io, SFM_READ, &info, &memory);
  if (file == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: not a recording that can be read ({}); want WAV, FLAC, MP3 or Ogg", name,
                     sf_strerror(nullptr));
  }
  return ReadAll(file, info, name, kSampleRateHz, -1, most_seconds);
}

Result<std::string> WriteAudioBytes(const Audio& audio, AudioContainer container) {
  SF_INFO info = {};
  info.samplerate = audio.rate_hz;
  info.channels = 1;
  switch (container) {
    case AudioContainer::kWav:
      info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
      break;
    case AudioContainer::kFlac:
      info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
      break;
    case AudioContainer::kMp3:
      info.format = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
      break;
    case AudioContainer::kOggOpus:
      info.format = SF_FORMAT_OGG | SF_FORMAT_OPUS;
      break;
  }
  MemoryFile memory;
  SF_VIRTUAL_IO io = MemoryIo();
  SNDFILE* file = sf_open_virtual(&io, SFM_WRITE, &info, &memory);
  if (file == nullptr)
    return MakeError(ErrorCode::kUnsupported, "this machine's libsndfile does not write that ({})",
                     sf_strerror(nullptr));
  sf_command(file, SFC_SET_CLIPPING, nullptr, SF_TRUE);
  const auto count = static_cast<sf_count_t>(audio.samples.size());
  const bool written = sf_writef_float(file, audio.samples.data(), count) == count;
  if (sf_close(file) != 0 || !written) return MakeError(ErrorCode::kIo, "the recording could not be written");
  return std::move(memory.bytes);
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
