// The heap of a training run in huge pages that are never given back. Buffers of a step (activations, oneDNN's scratch) are
// some megabytes each: as malloc serves them by default every step maps, clears and unmaps them anew, and on a virtual
// machine a page fault or a miss of the translation cache costs microseconds.
#pragma once

namespace sotto {

// Call once, first thing in main, before any other thread. Virtual room only: pages are taken when they are
// touched. Without effect where the C library or the kernel does not know how.
void UseHugeHeap();

}  // namespace sotto
