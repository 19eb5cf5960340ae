// Writes a model file again with its matrices quantised: which type each tensor gets, and the conversion.
//
//   Q8_0    every matrix Q8_0
//   Q4_0    matrices Q4_0, output matrix (or tied embedding) Q6_K
//   Q4_K_M  matrices Q4_K, output Q6_K; attn_v and ffn_down of the first and last eighth of the layers and of
//           every third between Q6_K, fused attn_qkv Q6_K
// Rows that are no multiple of 256 fall back from Q4_K to Q5_0 and from Q6_K to Q8_0; rows that are no
// multiple of 32 to F16. Vectors, norms and position tables stay as they are. Source: the mixtures of
// llama.cpp's quantize tool (there attn_qkv is Q5_K).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "slm/gguf.h"

namespace sotto {

enum class QuantizeRecipe { kQ8_0, kQ4_0, kQ4_K_M };

// "Q8_0", "Q4_0", "Q4_K_M"; upper or lower case.
std::optional<QuantizeRecipe> FindQuantizeRecipe(std::string_view name);

// The type that `tensor` of `file` gets.
DType QuantizedType(const GgufFile& file, const GgufTensor& tensor, QuantizeRecipe recipe);

struct QuantizeOptions {
  int n_threads = 2;
  // Called after each tensor with the bytes read so far and in all.
  std::function<void(uint64_t done, uint64_t total)> progress;
  // Bytes that stand for a tensor instead of its rounding; empty: it is rounded. `type` is the one it gets.
  std::function<std::span<const std::byte>(const GgufTensor& tensor, DType type)> replaced = nullptr;
};

// Writes to a temporary name, then renames. `out` may be the file that `in` was opened from.
Result<void> QuantizeModel(const GgufFile& in, QuantizeRecipe recipe, const std::filesystem::path& out,
                           const QuantizeOptions& options);

}  // namespace sotto
