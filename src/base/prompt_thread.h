// A thread that has little to do but must do it on time, such as the one that steps the sound of calls, beside threads
// that compute.
#pragma once

namespace sotto {

// From now on the calling thread goes before others of the same niceness when it wakes: it asks the kernel for a
// time slice of 500 us, shorter than the usual ones (sched_setattr(2), Linux 6.12 and later, no rights wanted): a smaller request, not
// a larger share. False where the kernel does not know that: the thread then waits its turn as any other does.
bool WakePromptly();

}  // namespace sotto
