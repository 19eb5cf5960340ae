// `sotto-train bench`: how fast a step is, and how that compares with the matrix products alone.
#pragma once

#include "core/json.h"
#include "trainer/decoder.h"

namespace sotto {

// Trains random batches of the shape for about `seconds`. Keys: tokens_per_second, step_ms, product_ms
// (inside the step), bare_product_ms (the same products in a loop of their own), share_of_bare_products,
// gflops, threads, precision.
Json BenchTraining(const DecoderShape& shape, Pass::Precision precision, int threads, int batch_tokens,
                   double seconds);

}  // namespace sotto
