// Tensors on their way from somebody else's format into a GGUF. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slm/gguf_writer.h"

namespace sotto {

// What a person may say of an import.
struct ImportOptions {
  std::string name = {};     // general.name; empty: by what the file is ("moonshine-tiny")
  std::string license = {};  // general.license: "mit"
  std::string origin = {};   // general.source: "npm:@moonshine-ai/moonshine-js@0.1.29"
  bool floats = false;       // matrices as F32: 4 times larger, to measure what Q8_0 costs
};

// Name, licence and origin as metadata; what is empty is left out, `otherwise` stands for an empty name.
void SetOrigin(const ImportOptions& options, std::string_view otherwise, GgufWriter& writer);

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
