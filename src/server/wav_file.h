// A stereo WAV file that is written as it comes, at any place: 16-bit little-endian samples behind a header of 44 bytes
// (RIFF, "fmt ", "data"; the format's description by Microsoft and IBM, 1991). Bytes that were never written are
// silence. The header is rewritten after each write, so that what is on the disk can be played at any moment; where
// the machine stopped in between, RepairWav makes it true again.
//
// One thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

inline constexpr size_t kWavHeaderBytes = 44;
inline constexpr int kWavChannels = 2;

// `data_bytes` above what 32 bits hold are written as that.
std::string WavHeader(int rate_hz, uint64_t data_bytes);
// Of bytes that begin like what WavHeader writes: the rate. The error says what is different.
Result<int> ReadWavHeader(std::string_view bytes);
// Makes the header say what the file holds; a half frame at its end is cut off. Frames.
Result<uint64_t> RepairWav(const std::filesystem::path& path);

class WavFile {
 public:
  // New, or kIo; owner-only rights.
  static Result<WavFile> Create(const std::filesystem::path& path, int rate_hz);
  ~WavFile();
  WavFile(WavFile&& other) noexcept;
  WavFile& operator=(WavFile&&) = delete;

  // `samples`: left, right, left, ...; `frame`: the first one's place.
  Result<void> Write(uint64_t frame, std::span<const int16_t> samples);
  // Silence over what was there.
  Result<void> Erase(uint64_t frame, uint64_t n_frames);
  // At least so long: silence up to there.
  Result<void> Extend(uint64_t n_frames);
  // On the disk.
  Result<void> Sync();
  uint64_t frames() const { return frames_; }

 private:
  WavFile(int file, int rate_hz, std::string path) : file_(file), rate_hz_(rate_hz), path_(std::move(path)) {}
  Result<void> WriteAt(uint64_t offset, std::string_view bytes);
  Result<void> WriteHead(uint64_t frames);

  int file_ = -1;
  int rate_hz_ = 0;
  std::string path_;
  uint64_t frames_ = 0;
};

}  // namespace sotto
