// Somebody who sees what goes into the matrices of a decoder's layers while it computes: for calibrating a
// quantisation, for measuring which channels matter. Costs a comparison with null where there is nobody.
#pragma once

#include <cstddef>
#include <span>

#include "slm/weights.h"

namespace sotto {

class LinearObserver {
 public:
  virtual ~LinearObserver() = default;
  // Rows [x.size() / width][width], valid during the call. Matrices with the same input are told once: kAttnQ
  // (or kAttnQkv) stands for queries, keys and values, kFfnUp for gate and up. On the thread that computes.
  virtual void OnInput(int layer, LayerMatrix matrix, std::span<const float> x, size_t width) = 0;
};

}  // namespace sotto
