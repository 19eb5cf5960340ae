#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace sotto {
namespace {

constexpr int kGraceMs = 500;

// Both ends of a pipe, closed with it unless they were taken away.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  bool Open() { return pipe2(ends.data(), O_CLOEXEC) == 0; }
  int Take(size_t end) { return std::exchange(ends[end], -1); }
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) close(end);
    }
  }
};

struct SpawnSettings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    SOTTO_CHECK(posix_spawn_file_actions_init(&files) == 0 && posix_spawnattr_init(&attributes) == 0);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(const ChildCommand& command) {
  SOTTO_CHECK(!command.arguments.empty());
  Pipe input;
  Pipe output;
  Pipe errors;
  if (!input.Open() || !output.Open() || !errors.Open())
    return MakeError(ErrorCode::kIo, "cannot make a pipe: {}", std::strerror(errno));
  SpawnSettings settings;
  posix_spawn_file_actions_adddup2(&settings.files, input.ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&settings.files, output.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&settings.files, errors.ends[1], STDERR_FILENO);
  if (!command.folder.empty()) posix_spawn_file_actions_addchdir_np(&settings.files, command.folder.c_str());
  // A group of its own: what it starts ends with it, and Ctrl-C at our terminal is ours alone.
  sigset_t defaults;
  sigset_t none;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGTERM);
  posix_spawnattr_setsigdefault(&settings.attributes, &defaults);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments = Pointers(command.arguments);
  std::vector<char*> environment = Pointers(command.environment);
  ChildProcess child;
  const int failed = posix_spawnp(&child.pid_, arguments[0], &settings.files, &settings.attributes,
                                  arguments.data(), environment.data());
  if (failed != 0) {
    child.pid_ = -1;
    return MakeError(failed == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "cannot start {}: {}",
                     command.arguments[0], std::strerror(failed));
  }
  child.input_ = input.Take(1);
  child.output_ = output.Take(0);
  child.errors_ = errors.Take(0);
  for (const int ours : {child.input_, child.output_, child.errors_})
    SOTTO_CHECK(fcntl(ours, F_SETFL, O_NONBLOCK) == 0);
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      errors_(std::exchange(other.errors_, -1)) {}

ChildProcess::~ChildProcess() {
  for (const int end : {input_, output_, errors_}) {
    if (end >= 0) close(end);
  }
  if (pid_ < 0) return;
  // What reads its input ends by itself now; the rest is asked, then made to.
  kill(-pid_, SIGTERM);
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (handle >= 0) {
    pollfd ended{handle, POLLIN, 0};
    poll(&ended, 1, kGraceMs);
    close(handle);
  }
  kill(-pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::vector<std::string> EnvironmentOf(const std::vector<std::string>& names) {
  std::vector<std::string> entries;
  for (const std::string& name : names) {
    if (const char* value = std::getenv(name.c_str())) entries.push_back(name + "=" + value);
  }
  return entries;
}

}  // namespace sotto
