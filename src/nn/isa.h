// The instruction sets for which the kernels are built, and the choice among them at run time.
//
// The kernel source is compiled once per level (see kernel_table.h). Results are the same bit for bit within
// a level whatever the batch, the chunks and the number of threads; between levels they differ by rounding.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

enum class Isa {
  kScalar,  // portable C++; the oracle of the tests
  kNeon,    // AArch64
  kAvx2,    // AVX2, FMA, F16C
  kAvx512,  // AVX-512 F/BW/VL/DQ, VNNI, BF16
  kAmx,     // the same and AMX int8 tiles for batches
};

// "scalar", "neon", "avx2", "avx512", "amx": static storage.
std::string_view IsaName(Isa isa);
std::optional<Isa> IsaFromName(std::string_view name);

// The levels that this build contains and this processor runs, lowest first; kScalar is always there.
std::vector<Isa> SupportedIsas();

// The highest supported level, or the one that the environment variable SOTTO_ISA names.
// Errors: SOTTO_ISA names no level (kInvalidArgument), or one the processor lacks (kUnsupported).
Result<Isa> ChooseIsa();

}  // namespace sotto
