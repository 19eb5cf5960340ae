// The matrices of a LoRA adapter, found by what they change. Immutable after loading: any thread.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "nn/weight_matrix.h"
#include "slm/weights.h"

namespace sotto {

// y += scale * b (a x)
struct LoraPair {
  WeightMatrix a;  // [rank, d_in]
  WeightMatrix b;  // [d_out, rank]
  float scale;     // alpha / rank
};

struct LoraWeights {
  std::vector<std::array<std::optional<LoraPair>, kNumLayerMatrices>> layers;
  std::optional<LoraPair> output;

  const LoraPair* Find(int layer, LayerMatrix matrix) const {
    const auto& pair = layers[static_cast<size_t>(layer)][static_cast<size_t>(matrix)];
    return pair ? &*pair : nullptr;
  }
};

}  // namespace sotto
