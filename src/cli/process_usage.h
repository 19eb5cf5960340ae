// What a process uses, as the kernel counts it.
#pragma once

namespace sotto {

double CpuSeconds();  // of all threads, user and system, since the start
// Of another process where `pid` is not 0.
double ResidentMb(int pid = 0);
int ThreadCount(int pid = 0);

}  // namespace sotto
