// The kernels for AVX-512 with AMX tiles for batches and attention.
#define SOTTO_TILES
#include "nn/simd_avx512.h"
//
#include "nn/kernel_table_body.h"

namespace sotto {

const KernelTable& AmxKernels() { return kTable; }

}  // namespace sotto
