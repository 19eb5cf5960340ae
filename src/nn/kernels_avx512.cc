// The kernels for AVX-512 with VNNI and BF16.
#include "nn/simd_avx512.h"
//
#include "nn/kernel_table_body.h"

namespace sotto {

const KernelTable& Avx512Kernels() { return kTable; }

}  // namespace sotto
