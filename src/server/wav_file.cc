#include "server/wav_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace sotto {
namespace {

constexpr size_t kFrameBytes = 2 * kWavChannels;
constexpr size_t kZerosAtOnce = 64 * 1024;

void PutLittle(std::string* bytes, uint64_t value, int n_bytes) {
  for (int i = 0; i < n_bytes; ++i) *bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

uint32_t GetLittle(std::string_view bytes, size_t at, size_t n_bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < n_bytes; ++i)
    value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

Result<void> Failed(const char* what, const std::string& path) {
  return MakeError(ErrorCode::kIo, "cannot {} {}: {}", what, path, std::strerror(errno));
}

Result<void> WriteAll(int file, uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("write", path);
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

}  // namespace

std::string WavHeader(int rate_hz, uint64_t data_bytes) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max() - kWavHeaderBytes;
  const uint64_t size = std::min(data_bytes, kMost);
  std::string header = "RIFF";
  PutLittle(&header, size + kWavHeaderBytes - 8, 4);
  header += "WAVEfmt ";
  PutLittle(&header, 16, 4);
  PutLittle(&header, 1, 2);  // PCM
  PutLittle(&header, kWavChannels, 2);
  PutLittle(&header, static_cast<uint64_t>(rate_hz), 4);
  PutLittle(&header, static_cast<uint64_t>(rate_hz) * kFrameBytes, 4);
  PutLittle(&header, kFrameBytes, 2);
  PutLittle(&header, 16, 2);  // bits
  header += "data";
  PutLittle(&header, size, 4);
  return header;
}

Result<int> ReadWavHeader(std::string_view bytes) {
  if (bytes.size() < kWavHeaderBytes)
    return MakeError(ErrorCode::kCorrupt, "{} bytes are no WAV header, which has {}", bytes.size(),
                     kWavHeaderBytes);
  const uint32_t rate_hz = GetLittle(bytes, 24, 4);
  if (rate_hz < 8000 || rate_hz > 48000)
    return MakeError(ErrorCode::kCorrupt, "a WAV header with {} Hz, not 8000 to 48000", rate_hz);
  std::string like(bytes.substr(0, kWavHeaderBytes));
  const std::string ours = WavHeader(static_cast<int>(rate_hz), 0);
  // Whatever it says of sizes.
  like.replace(4, 4, ours, 4, 4);
  like.replace(40, 4, ours, 40, 4);
  if (like != ours)
    return MakeError(ErrorCode::kCorrupt, "no header of a stereo WAV file with 16 bits, as recordings have");
  return static_cast<int>(rate_hz);
}

Result<uint64_t> RepairWav(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return tl::unexpected(Failed("open", path.string()).error());
  const auto repair = [&]() -> Result<uint64_t> {
    std::string head(kWavHeaderBytes, '\0');
    const ssize_t n = pread(file, head.data(), head.size(), 0);
    SOTTO_ASSIGN_OR_RETURN(const int rate_hz,
                           ReadWavHeader({head.data(), static_cast<size_t>(std::max<ssize_t>(n, 0))}));
    struct stat status {};
    if (fstat(file, &status) != 0) return tl::unexpected(Failed("read", path.string()).error());
    const uint64_t data = static_cast<uint64_t>(status.st_size) - kWavHeaderBytes;
    const uint64_t frames = data / kFrameBytes;
    if (data % kFrameBytes != 0 &&
        ftruncate(file, static_cast<off_t>(kWavHeaderBytes + frames * kFrameBytes)) != 0)
      return tl::unexpected(Failed("cut", path.string()).error());
    SOTTO_RETURN_IF_ERROR(WriteAll(file, 0, WavHeader(rate_hz, frames * kFrameBytes), path.string()));
    return frames;
  };
  auto repaired = repair();
  close(file);
  if (!repaired) return WithContext(std::move(repaired).error(), path.string());
  return repaired;
}

Result<WavFile> WavFile::Create(const std::filesystem::path& path, int rate_hz) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return tl::unexpected(Failed("make", path.string()).error());
  WavFile made(file, rate_hz, path.string());
  SOTTO_RETURN_IF_ERROR(made.WriteHead(0));
  return made;
}

WavFile::WavFile(WavFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      rate_hz_(other.rate_hz_),
      path_(std::move(other.path_)),
      frames_(other.frames_) {}

WavFile::~WavFile() {
  if (file_ >= 0) close(file_);
}

Result<void> WavFile::WriteAt(uint64_t offset, std::string_view bytes) {
  return WriteAll(file_, offset, bytes, path_);
}

Result<void> WavFile::WriteHead(uint64_t frames) {
  SOTTO_RETURN_IF_ERROR(WriteAt(0, WavHeader(rate_hz_, frames * kFrameBytes)));
  frames_ = frames;
  return {};
}

Result<void> WavFile::Write(uint64_t frame, std::span<const int16_t> samples) {
  std::string bytes;
  bytes.reserve(samples.size() * 2);
  for (const int16_t sample : samples) PutLittle(&bytes, static_cast<uint16_t>(sample), 2);
  SOTTO_RETURN_IF_ERROR(WriteAt(kWavHeaderBytes + frame * kFrameBytes, bytes));
  return WriteHead(std::max(frames_, frame + samples.size() / kWavChannels));
}

Result<void> WavFile::Erase(uint64_t frame, uint64_t n_frames) {
  n_frames = frame >= frames_ ? 0 : std::min(n_frames, frames_ - frame);
  uint64_t offset = kWavHeaderBytes + frame * kFrameBytes;
  static const std::string zeros(kZerosAtOnce, '\0');
  for (uint64_t left = n_frames * kFrameBytes; left > 0;) {
    const uint64_t n = std::min<uint64_t>(left, zeros.size());
    SOTTO_RETURN_IF_ERROR(WriteAt(offset, std::string_view(zeros).substr(0, n)));
    offset += n;
    left -= n;
  }
  return {};
}

Result<void> WavFile::Extend(uint64_t n_frames) {
  if (n_frames <= frames_) return {};
  if (ftruncate(file_, static_cast<off_t>(kWavHeaderBytes + n_frames * kFrameBytes)) != 0)
    return Failed("write", path_);
  return WriteHead(n_frames);
}

Result<void> WavFile::Sync() {
  if (fdatasync(file_) != 0) return Failed("write", path_);
  return {};
}

}  // namespace sotto
