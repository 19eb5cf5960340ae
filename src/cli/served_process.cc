#include "cli/served_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "cli/process_usage.h"

namespace sotto {
namespace {

// The number after the last colon of the line that begins with `what`; 0: there is none yet.
uint16_t PortAfter(const std::string& text, std::string_view what) {
  const size_t at = text.find(what);
  const size_t end = at == std::string::npos ? at : text.find('\n', at);
  if (end == std::string::npos) return 0;
  return static_cast<uint16_t>(std::strtoul(text.c_str() + text.rfind(':', end) + 1, nullptr, 10));
}

}  // namespace

Result<std::unique_ptr<ServedProcess>> ServedProcess::Start(const std::vector<std::string>& arguments) {
  std::unique_ptr<ServedProcess> served(new ServedProcess);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return MakeError(ErrorCode::kIo, "no pipe: {}", strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::vector<std::string> words{"sotto", "serve"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int failed = ::posix_spawn(&served->pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  served->output_ = pipe[0];
  if (failed != 0) return MakeError(ErrorCode::kIo, "sotto serve cannot be started: {}", strerror(failed));
  std::string text;
  std::array<char, 512> block;
  while (served->http_port_ == 0) {
    const ssize_t n = ::read(served->output_, block.data(), block.size());
    if (n <= 0) return MakeError(ErrorCode::kUnavailable, "sotto serve ended before it was ready");
    text.append(block.data(), static_cast<size_t>(n));
    // Said last, when everything listens.
    served->http_port_ = PortAfter(text, "Sotto is at ");
  }
  served->audio_socket_port_ = PortAfter(text, "AudioSocket is at ");
  served->wyoming_port_ = PortAfter(text, "Wyoming is at ");
  return served;
}

ServedProcess::~ServedProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) ::close(output_);
}

bool ServedProcess::alive() const {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0;
}

double ServedProcess::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  double ticks = 0;
  // proc(5): utime and stime are fields 14 and 15; the first after the name is the third.
  for (int i = 3; i <= 15 && fields >> field; ++i) {
    if (i >= 14) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double ServedProcess::resident_mb() const { return ResidentMb(pid_); }
int ServedProcess::threads() const { return ThreadCount(pid_); }

}  // namespace sotto
