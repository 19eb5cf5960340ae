// Models of random weights in the shapes of known ones, made in memory: for measuring speed without a
// download and for tests. Block scales are sane, so that activations stay finite and of order one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "slm/gguf.h"

namespace sotto {

struct RandomShape {
  std::string_view name;
  std::string_view arch;
  uint32_t n_vocab;
  uint32_t n_ctx;
  uint32_t d_model;
  uint32_t n_layers;
  uint32_t n_heads;
  uint32_t n_kv_heads;
  uint32_t head_dim;
  uint32_t d_ff;
  float rope_theta;
};

// All known shapes; Model::Random takes "name:TYPE". Static storage.
std::span<const RandomShape> RandomShapes();

// Element types for the matrices of a model: one type, or a mixture as llama.cpp's quantizer makes it.
// "Q8_0", "Q4_0", "Q4_K_M", "F16", ... The embedding and output of Q4_0 and Q4_K_M are Q6_K; rows that are no
// whole number of 256 fall back to Q8_0 (Q6_K) and Q5_0 (Q4_K, Q5_K).
Result<DType> MixtureTensorType(std::string_view mixture, std::string_view tensor_name, uint64_t row_length,
                                int n_layers);

}  // namespace sotto
