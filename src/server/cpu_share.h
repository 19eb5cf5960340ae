// What of the machine this process may use, and has used.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace sotto {

// Cores: those that the process may run on, or less where its control group has a quota (containers).
double UsableCores();
// Of all threads, user and system, since the process began.
Duration ProcessCpuTime();
// The contents of a control group's cpu.max, "200000 100000": 2 cores. 0: no quota ("max 100000"), or not readable.
double CoresOfQuota(std::string_view text);

}  // namespace sotto
