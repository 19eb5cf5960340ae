#include "server/cpu_share.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/mapped_file.h"

namespace sotto {

double CoresOfQuota(std::string_view text) {
  double quota = 0;
  double period = 0;
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return 0;
  const auto read = [](std::string_view digits, double* value) {
    return std::from_chars(digits.data(), digits.data() + digits.size(), *value).ec == std::errc();
  };
  if (!read(text.substr(0, space), &quota) || !read(text.substr(space + 1), &period)) return 0;
  return quota > 0 && period > 0 ? quota / period : 0;
}

double UsableCores() {
  double cores = std::max(1u, std::thread::hardware_concurrency());
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) cores = CPU_COUNT(&set);
  // In a container its own group is mounted as the root.
  const auto quota = ReadFile("/sys/fs/cgroup/cpu.max");
  const double allowed = quota ? CoresOfQuota(*quota) : 0;
  return allowed > 0 ? std::min(cores, allowed) : cores;
}

Duration ProcessCpuTime() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace sotto
