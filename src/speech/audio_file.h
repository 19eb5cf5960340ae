// Recordings in and out. Whatever rate, width and channels a file has, it comes in as mono float at 16 kHz.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/audio.h"

namespace sotto {

// WAV, FLAC, Ogg and what else libsndfile knows; `.raw`, `.pcm` and `.s16` are 16-bit little-endian mono at
// 16 kHz. `channel`: which one, from 0 (beyond the last: the last), or -1 for the average of all. An empty
// recording is an Audio without samples; a truncated file gives what there is of it, one whose recorder was
// killed (data of length 0) all of it. Where the average of the channels is silence and the left one is not,
// the left one is taken, with a warning. The error names the path and what is wrong.
Result<Audio> ReadAudioFile(const std::filesystem::path& path, int rate_hz = kSampleRateHz, int channel = -1);

// The same of a file that is in memory and came from anywhere; what kind it is stands in its bytes. `name`: for
// messages. kInvalidArgument: none that can be read. kOutOfRange: longer than that.
Result<Audio> ReadAudioBytes(std::string bytes, std::string_view name, double most_seconds);

enum class AudioContainer { kWav, kFlac, kMp3, kOggOpus };
// 16-bit, or what the container has.
Result<std::string> WriteAudioBytes(const Audio& audio, AudioContainer container);

// 16-bit; the ending chooses WAV, FLAC or raw. Samples beyond [-1, 1] are clipped.
Result<void> WriteAudioFile(const std::filesystem::path& path, const Audio& audio);

// Two channels as they happen, for recordings of calls: left the caller, right Sotto. One thread.
class StereoWriter {
 public:
  static Result<std::unique_ptr<StereoWriter>> Create(const std::filesystem::path& path,
                                                      int rate_hz = kSampleRateHz);
  ~StereoWriter();
  StereoWriter(const StereoWriter&) = delete;
  StereoWriter& operator=(const StereoWriter&) = delete;

  // REQUIRES: both of the same length.
  Result<void> Write(std::span<const float> left, std::span<const float> right);

 private:
  StereoWriter() = default;
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace sotto
