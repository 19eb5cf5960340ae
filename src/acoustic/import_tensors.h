// Tensors on their way from ONNX into a GGUF. Private to src/acoustic.
#pragma once

#include <string>
#include <vector>

#include "slm/gguf_writer.h"

namespace sotto {

class ImportedTensors {
 public:
  // REQUIRES: `writer` outlives it.
  ImportedTensors(GgufWriter& writer, bool floats) : writer_(writer), floats_(floats) {}

  // values [n] or [rows, columns].
  void AddFloats(const std::string& name, std::vector<float> values, size_t columns = 0);
  // values [rows, columns] as Q8_0. `scale`: the values are whole multiples of it, or 0.
  void AddMatrix(const std::string& name, std::vector<float> values, size_t columns, float scale);

 private:
  GgufWriter& writer_;
  const bool floats_;
};

// [n, m] to [m, n].
std::vector<float> Transposed(const std::vector<float>& values, size_t n, size_t m);
// A convolution's weights [out, in, taps] to rows [out, taps, in].
std::vector<float> TapsFirst(const std::vector<float>& values, size_t n_out, size_t n_in, size_t n_taps);

}  // namespace sotto
