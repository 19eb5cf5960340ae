#include "base/prompt_thread.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace sotto {
namespace {

constexpr uint64_t kShortSliceNs = 500'000;

// struct sched_attr of linux/sched/types.h, first version; that header and glibc's <sched.h> cannot be included together.
struct SchedulingAttributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
static_assert(sizeof(SchedulingAttributes) == 48);

}  // namespace

bool WakePromptly() {
  SchedulingAttributes attributes{};  // glibc 2.36 has no wrapper
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return false;
  attributes.runtime = kShortSliceNs;
  if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) return false;
  // A kernel that is older takes the call and forgets the slice.
  SchedulingAttributes taken{};
  return ::syscall(SYS_sched_getattr, 0, &taken, sizeof taken, 0) == 0 && taken.runtime == kShortSliceNs;
}

}  // namespace sotto
