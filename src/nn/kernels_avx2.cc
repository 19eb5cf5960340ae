// The kernels for AVX2, FMA and F16C.
#include "nn/simd_avx2.h"
//
#include "nn/kernel_table_body.h"

namespace sotto {

const KernelTable& Avx2Kernels() { return kTable; }

}  // namespace sotto
