#include "cli/process_usage.h"

#include <sys/resource.h>

#include <fstream>
#include <string>
#include <string_view>

namespace sotto {
namespace {

// The number after `key` in the process's status; 0 if it is not there.
double StatusNumber(int pid, std::string_view key) {
  std::ifstream status("/proc/" + (pid == 0 ? "self" : std::to_string(pid)) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stod(line.substr(key.size()));
  }
  return 0;
}

}  // namespace

double CpuSeconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double ResidentMb(int pid) { return StatusNumber(pid, "VmRSS:") / 1024; }

int ThreadCount(int pid) { return static_cast<int>(StatusNumber(pid, "Threads:")); }

}  // namespace sotto
