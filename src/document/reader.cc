#include "document/reader.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>

namespace sotto {
namespace {

constexpr uint32_t kFailed = 1u << 31;  // of a message's length: it is an error

bool WriteAll(int socket, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = send(socket, at, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

enum class Got { kAll, kClosed, kLate };

Got ReadAll(int socket, void* data, size_t size, std::chrono::steady_clock::time_point until) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Got::kLate;
    pollfd waits{socket, POLLIN, 0};
    const int ready = poll(&waits, 1, static_cast<int>(std::min<int64_t>(left.count(), 1 << 30)));
    if (ready == 0) return Got::kLate;
    if (ready < 0) continue;
    const ssize_t n = recv(socket, at, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Got::kClosed;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return Got::kAll;
}

constexpr auto kForever = std::chrono::hours(24 * 365);

void LimitProcess(const DocumentLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they reserve terabytes
  // On top of what the program had when it was forked.
  size_t pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%zu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  const rlim_t memory = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)) + limits.max_memory_bytes;
  const rlimit most{memory, memory};
  setrlimit(RLIMIT_AS, &most);
#endif
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) signal(signal_number, SIG_DFL);
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
  if (const int null = open("/dev/null", O_WRONLY | O_CLOEXEC); null >= 0) {
    dup2(null, STDOUT_FILENO);  // what parsers have to say
    dup2(null, STDERR_FILENO);
  }
}

std::string Answer(const std::string& path, const DocumentOptions& options, bool& failed) {
  failed = true;
  const auto text = [](const Error& error) {
    return std::string(1, static_cast<char>('a' + static_cast<int>(error.code))) + error.message;
  };
  try {
    const auto bytes = ReadDocumentBytes(path, options.limits.max_bytes);
    if (!bytes) return text(bytes.error());
    const auto document = ParseDocument(*bytes, path, options);
    if (!document) return text(document.error());
    failed = false;
    return ToJson(*document).dump(-1, ' ', false, Json::error_handler_t::replace);
  } catch (const std::bad_alloc&) {
    failed = true;
    return text({ErrorCode::kOutOfRange, fmt::format("{}: takes more memory than the limit of {} MiB", path,
                                                     options.limits.max_memory_bytes >> 20)});
  } catch (const std::exception& error) {
    failed = true;
    return text({ErrorCode::kCorrupt, fmt::format("{}: cannot be read: {}", path, error.what())});
  }
}

[[noreturn]] void Serve(int socket, const DocumentOptions& options) {
  LimitProcess(options.limits);
  const auto forever = std::chrono::steady_clock::now() + kForever;
  while (true) {
    uint32_t size = 0;
    if (ReadAll(socket, &size, sizeof size, forever) != Got::kAll) _exit(0);
    std::string path(size, '\0');
    if (ReadAll(socket, path.data(), size, forever) != Got::kAll) _exit(0);
    bool failed = false;
    const std::string answer = Answer(path, options, failed);
    const uint32_t head = static_cast<uint32_t>(answer.size()) | (failed ? kFailed : 0);
    if (!WriteAll(socket, &head, sizeof head) || !WriteAll(socket, answer.data(), answer.size())) _exit(0);
  }
}

}  // namespace

Result<std::string> ReadDocumentBytes(const std::filesystem::path& path, size_t limit) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    return MakeError(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "{}: {}", path.string(),
                     errno == ENOENT ? "no such file" : std::strerror(errno));
  }
  struct stat status {};
  std::string bytes;
  Result<std::string> result = std::string();
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    result = MakeError(ErrorCode::kIo, "{}: no regular file", path.string());
  } else if (static_cast<size_t>(status.st_size) > limit) {
    result = MakeError(ErrorCode::kOutOfRange, "{}: {} MiB, more than the limit of {}", path.string(),
                       status.st_size >> 20, limit >> 20);
  } else {
    bytes.resize(static_cast<size_t>(status.st_size));
    size_t at = 0;
    while (at < bytes.size()) {
      const ssize_t n = read(file, bytes.data() + at, bytes.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        result = MakeError(ErrorCode::kIo, "{}: {}", path.string(), std::strerror(errno));
        break;
      }
      if (n == 0) break;
      at += static_cast<size_t>(n);
    }
    bytes.resize(at);
    if (result) result = std::move(bytes);
  }
  close(file);
  return result;
}

Result<void> DocumentReader::Begin() {
  if (pid_ > 0) return {};
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return MakeError(ErrorCode::kIo, "document reader: socketpair: {}", std::strerror(errno));
  const pid_t pid = fork();
  if (pid < 0) {
    close(sockets[0]);
    close(sockets[1]);
    return MakeError(ErrorCode::kUnavailable, "document reader: fork: {}", std::strerror(errno));
  }
  if (pid == 0) {
    close(sockets[0]);
    Serve(sockets[1], options_);
  }
  close(sockets[1]);
  pid_ = pid;
  socket_ = sockets[0];
  return {};
}

void DocumentReader::Stop() {
  if (pid_ <= 0) return;
  close(socket_);
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  socket_ = -1;
}

Result<Document> DocumentReader::Read(const std::filesystem::path& path) {
  SOTTO_RETURN_IF_ERROR(Begin());
  const std::string name = path.string();
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::milliseconds(static_cast<int64_t>(options_.limits.max_seconds * 1000));
  const auto size = static_cast<uint32_t>(name.size());
  uint32_t head = 0;
  std::string answer;
  Got got = WriteAll(socket_, &size, sizeof size) && WriteAll(socket_, name.data(), name.size())
                ? Got::kAll
                : Got::kClosed;
  if (got == Got::kAll) got = ReadAll(socket_, &head, sizeof head, until);
  if (got == Got::kAll) {
    answer.resize(head & ~kFailed);
    got = ReadAll(socket_, answer.data(), answer.size(), until);
  }
  if (got != Got::kAll) {
    Stop();
    if (got == Got::kLate) {
      return MakeError(ErrorCode::kTimeout, "{}: takes longer to read than {} s", name,
                       options_.limits.max_seconds);
    }
    return MakeError(
        ErrorCode::kCorrupt,
        "{}: its parser stopped (a damaged file, or one that takes more memory than the limit of {} MiB)",
        name, options_.limits.max_memory_bytes >> 20);
  }
  if ((head & kFailed) != 0) {
    if (answer.empty()) return MakeError(ErrorCode::kCorrupt, "{}: cannot be read", name);
    const int code = answer[0] - 'a';
    return tl::unexpected<Error>(Error{static_cast<ErrorCode>(code), answer.substr(1)});
  }
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(answer, name));
  return DocumentFromJson(json);
}

}  // namespace sotto
