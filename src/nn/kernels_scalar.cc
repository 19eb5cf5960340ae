// The kernels in portable C++, for any processor: the oracle of the tests.
#include "nn/simd_portable.h"
//
#include "nn/kernel_table_body.h"

namespace sotto {

const KernelTable& ScalarKernels() { return kTable; }

}  // namespace sotto
