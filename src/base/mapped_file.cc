#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sotto {
namespace {

// Closes on leaving the scope.
struct FileDescriptor {
  int fd = -1;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

ErrorCode CodeOfErrno(int number) {
  return number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
}

}  // namespace

Result<MappedFile> MappedFile::Open(const std::filesystem::path& path) {
  FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0)
    return MakeError(CodeOfErrno(errno), "cannot open {}: {}", path.string(), std::strerror(errno));
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) {
    return MakeError(ErrorCode::kIo, "cannot stat {}: {}", path.string(), std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return MakeError(ErrorCode::kInvalidArgument, "{} is not a regular file", path.string());
  }
  MappedFile mapped;
  mapped.path_ = path.string();
  mapped.size_bytes_ = static_cast<size_t>(status.st_size);
  if (mapped.size_bytes_ > 0) {
    void* data = ::mmap(nullptr, mapped.size_bytes_, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data == MAP_FAILED)
      return MakeError(ErrorCode::kIo, "cannot map {}: {}", path.string(), std::strerror(errno));
    mapped.data_ = data;
  }
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_bytes_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(path_, other.path_);
  return *this;
}

Result<std::string> ReadFile(const std::filesystem::path& path) {
  // Read, not mapped: pipes and /dev/stdin are files too.
  FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0)
    return MakeError(CodeOfErrno(errno), "cannot open {}: {}", path.string(), std::strerror(errno));
  std::string text;
  constexpr size_t kBlock = 1 << 16;
  while (true) {
    const size_t size = text.size();
    text.resize(size + kBlock);
    const ssize_t got = ::read(file.fd, text.data() + size, kBlock);
    text.resize(size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR)
      return MakeError(errno == EISDIR ? ErrorCode::kInvalidArgument : ErrorCode::kIo, "cannot read {}: {}",
                       path.string(), std::strerror(errno));
  }
}

Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view contents) {
  static std::atomic<uint64_t> files{0};  // several threads may write one file at the same time
  const std::string temporary = fmt::format("{}.{}.{}.tmp", path.string(), ::getpid(), files++);
  const auto fail = [&](std::string_view what) -> Result<void> {
    const int number = errno;
    ::unlink(temporary.c_str());
    return MakeError(CodeOfErrno(number), "cannot {} {}: {}", what, path.string(), std::strerror(number));
  };
  {
    FileDescriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (file.fd < 0) return fail("create");
    while (!contents.empty()) {
      const ssize_t written = ::write(file.fd, contents.data(), contents.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail("write");
      contents.remove_prefix(static_cast<size_t>(written));
    }
    if (::fsync(file.fd) != 0) return fail("sync");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("rename");
  return {};
}

}  // namespace sotto
