#include "trainer/kernels.h"

namespace sotto {

#define SOTTO_DECLARE_ISA(isa)              \
  namespace isa {                           \
  const KernelTable<float>& FloatKernels(); \
  const KernelTable<Bf16>& Bf16Kernels();   \
  }
SOTTO_DECLARE_ISA(kernels_sse)
SOTTO_DECLARE_ISA(kernels_avx2)
SOTTO_DECLARE_ISA(kernels_avx512)

namespace {

enum class Isa { kSse, kAvx2, kAvx512 };

Isa BestIsa() {
  if (__builtin_cpu_supports("x86-64-v4")) return Isa::kAvx512;
  if (__builtin_cpu_supports("x86-64-v3")) return Isa::kAvx2;
  return Isa::kSse;
}

}  // namespace

template <>
const KernelTable<float>& Kernels<float>() {
  static const Isa isa = BestIsa();
  return isa == Isa::kAvx512 ? kernels_avx512::FloatKernels()
         : isa == Isa::kAvx2 ? kernels_avx2::FloatKernels()
                             : kernels_sse::FloatKernels();
}

template <>
const KernelTable<Bf16>& Kernels<Bf16>() {
  static const Isa isa = BestIsa();
  return isa == Isa::kAvx512 ? kernels_avx512::Bf16Kernels()
         : isa == Isa::kAvx2 ? kernels_avx2::Bf16Kernels()
                             : kernels_sse::Bf16Kernels();
}

}  // namespace sotto
