// A model file with smaller matrices, rounded so that what the model answers changes least: quantize_model.h
// with calibration.
//
//   rtn    every block for itself (quantize_model.h): no calibration
//   gptq   errors spread over the columns that follow (slm/gptq.h), layer after layer; each layer is
//          calibrated with the layers before it as they were rounded
//   awq    channels that see large inputs are scaled up before rounding, and the scale folded into what stands
//          before: the norm for queries, keys, values, gate and up; value rows for the attention's output; up
//          rows for down. s_j = (mean |x_j|)^a, a of eleven tried for the least squared error of the outputs.
//          Scales of blocks are chosen for those inputs, too. Source: Lin et al., "AWQ", MLSys 2024 (arXiv
//          2306.00978).
//
// What cannot be calibrated (embedding, output, rows that are no whole blocks, types other than Q4_0 and Q8_0)
// is rounded as ever. No row gets worse than rounding by the squared error of its outputs on the calibration
// texts: the better of both is kept. The file is ordinary GGUF. Blocks; pure but for the file that it writes.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slm/gguf.h"
#include "slm/observed_pass.h"
#include "slm/quantize_model.h"

namespace sotto {

enum class QuantizeMethod { kRtn, kGptq, kAwq };
std::optional<QuantizeMethod> FindQuantizeMethod(std::string_view name);  // "rtn", "gptq", "awq"
std::string_view QuantizeMethodName(QuantizeMethod method);

struct CompressOptions {
  QuantizeMethod method = QuantizeMethod::kGptq;
  QuantizeRecipe recipe = QuantizeRecipe::kQ4_0;
  int n_threads = 2;
  double damp = 0.01;        // gptq: share of the mean of H's diagonal
  size_t most_rows = 16384;  // of the inputs a matrix is calibrated with
  std::function<void(size_t done, size_t total)> progress = nullptr;  // layers
};

struct CompressedMatrix {
  std::string name;
  double rounded = 0;   // relative squared error of its outputs when rounded
  double error = 0;     // as it was written
  double exponent = 0;  // awq: a
};
struct Compressed {
  std::vector<CompressedMatrix> matrices;
  size_t sequences = 0;
  size_t tokens = 0;
};

// kInvalidArgument: rtn asked for here with calibration missing is fine, the others need `sequences`; a model
// that is no decoder.
Result<Compressed> CompressModel(std::shared_ptr<const GgufFile> in, const TokenSequences& sequences,
                                 const std::filesystem::path& out, const CompressOptions& options);

}  // namespace sotto
