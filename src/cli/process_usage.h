// What this process uses, as the kernel counts it.
#pragma once

namespace sotto {

double CpuSeconds();  // of all threads, user and system, since the start
double ResidentMb();
int ThreadCount();

}  // namespace sotto
