#include "base/check.h"
#include "trainer/kernels.h"

namespace sotto {

#define SOTTO_DECLARE_ISA(isa)                  \
  namespace isa {                               \
  const KernelTable<float>& FloatKernels();     \
  const KernelTable<Bf16>& Bf16Kernels();       \
  const OptimizerKernels& KernelsOfOptimizer(); \
  }
SOTTO_DECLARE_ISA(kernels_portable)
#if defined(__x86_64__)
SOTTO_DECLARE_ISA(kernels_avx2)
SOTTO_DECLARE_ISA(kernels_avx512)
SOTTO_DECLARE_ISA(kernels_amx)
#endif

#define SOTTO_KERNELS_OF(isa) \
  TrainerKernels { isa::FloatKernels(), isa::Bf16Kernels(), isa::KernelsOfOptimizer() }

TrainerKernels TrainerKernelsOf(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAmx:
      return SOTTO_KERNELS_OF(kernels_amx);
    case Isa::kAvx512:
      return SOTTO_KERNELS_OF(kernels_avx512);
    case Isa::kAvx2:
      return SOTTO_KERNELS_OF(kernels_avx2);
#endif
    default:
      return SOTTO_KERNELS_OF(kernels_portable);
  }
}

namespace {

const TrainerKernels& Best() {
  static const TrainerKernels best = [] {
    const Result<Isa> isa = ChooseIsa();
    SOTTO_CHECK(isa.has_value(), "{}", isa.error().message);
    return TrainerKernelsOf(*isa);
  }();
  return best;
}

}  // namespace

template <>
const KernelTable<float>& Kernels<float>() {
  return Best().of_float;
}

template <>
const KernelTable<Bf16>& Kernels<Bf16>() {
  return Best().of_bf16;
}

const OptimizerKernels& KernelsOfOptimizer() { return Best().of_optimizer; }

}  // namespace sotto
