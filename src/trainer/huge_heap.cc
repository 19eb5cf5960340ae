#include "trainer/huge_heap.h"

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#endif

namespace sotto {

void UseHugeHeap() {
#if defined(__GLIBC__)
  constexpr int64_t kMost = int64_t{1} << 30;  // more would not fit the int of mallopt
  constexpr uintptr_t kHugePage = uintptr_t{1} << 21;
  const int64_t memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  const auto room = static_cast<int>(std::min(kMost, memory / 4));
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, room);
  const auto begin = reinterpret_cast<uintptr_t>(sbrk(0));
  void* volatile grow =
      std::malloc(static_cast<size_t>(room) / 2);  // a compiler may drop what is not volatile
  std::free(grow);                                 // kept by the heap
  const auto end = reinterpret_cast<uintptr_t>(sbrk(0));
  mallopt(M_TOP_PAD, 64 << 20);
  const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
  if (end > first) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
}

}  // namespace sotto
