#include "slm/quantize_model.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <thread>

#include "base/check.h"
#include "nn/block_formats.h"
#include "slm/gguf_writer.h"

namespace sotto {
namespace {

// 7 of "blk.7.attn_v.weight"; nullopt for tensors outside of the layers.
std::optional<uint32_t> LayerOf(std::string_view name) {
  if (!name.starts_with("blk.")) return std::nullopt;
  uint32_t layer = 0;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  if (error != std::errc()) return std::nullopt;
  return layer;
}

uint32_t CountLayers(const GgufFile& file) {
  uint32_t n_layers = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    if (const auto layer = LayerOf(tensor.name)) n_layers = std::max(n_layers, *layer + 1);
  }
  return n_layers;
}

bool IsMatrix(const GgufTensor& tensor) {
  return tensor.n_dims >= 2 && tensor.name.ends_with(".weight") && !tensor.name.ends_with("_norm.weight") &&
         tensor.name != "position_embd.weight" && tensor.name != "token_types.weight";
}

// The first and last eighth of the layers, and every third between, keep more bits.
bool KeepsMoreBits(uint32_t layer, uint32_t n_layers) {
  return layer < n_layers / 8 || layer >= 7 * n_layers / 8 || (layer - n_layers / 8) % 3 == 2;
}

DType WithFallback(DType type, uint64_t row) {
  if (BlockSize(type) == 256 && row % 256 != 0) {
    type = type == DType::kQ4_K ? DType::kQ5_0 : DType::kQ8_0;
  }
  return row % BlockSize(type) == 0 ? type : DType::kF16;
}

uint32_t FileType(QuantizeRecipe recipe) {
  switch (recipe) {
    case QuantizeRecipe::kQ4_0:
      return 2;
    case QuantizeRecipe::kQ8_0:
      return 7;
    case QuantizeRecipe::kQ4_K_M:
      return 15;
  }
  return 0;
}

// Converts rows [begin, end) of `tensor`.
void ConvertRows(const GgufTensor& tensor, DType type, uint64_t begin, uint64_t end,
                 std::span<std::byte> out) {
  std::vector<float> values(tensor.shape[0]);
  const size_t in_bytes = tensor.row_bytes();
  const size_t out_bytes = tensor.shape[0] / BlockSize(type) * BlockBytes(type);
  for (uint64_t row = begin; row < end; ++row) {
    DequantizeRow(tensor.type, tensor.data.subspan(row * in_bytes, in_bytes), values);
    QuantizeRow(type, values, out.subspan(row * out_bytes, out_bytes));
  }
}

void Convert(const GgufTensor& tensor, DType type, int n_threads, std::span<std::byte> out) {
  const uint64_t n_rows = tensor.n_rows();
  const uint64_t n_parts = std::clamp<uint64_t>(static_cast<uint64_t>(std::max(n_threads, 1)), 1, n_rows);
  std::vector<std::jthread> threads;
  for (uint64_t part = 1; part < n_parts; ++part) {
    threads.emplace_back([&, part] {
      ConvertRows(tensor, type, n_rows * part / n_parts, n_rows * (part + 1) / n_parts, out);
    });
  }
  ConvertRows(tensor, type, 0, n_rows / n_parts, out);
}

}  // namespace

std::optional<QuantizeRecipe> FindQuantizeRecipe(std::string_view name) {
  std::string upper;
  for (const char c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "Q8_0") return QuantizeRecipe::kQ8_0;
  if (upper == "Q4_0") return QuantizeRecipe::kQ4_0;
  if (upper == "Q4_K_M") return QuantizeRecipe::kQ4_K_M;
  return std::nullopt;
}

DType QuantizedType(const GgufFile& file, const GgufTensor& tensor, QuantizeRecipe recipe) {
  if (!IsMatrix(tensor)) return tensor.type;
  if (recipe == QuantizeRecipe::kQ8_0) return WithFallback(DType::kQ8_0, tensor.shape[0]);
  const bool tied = file.FindTensor("output.weight") == nullptr;
  if (tensor.name == "output.weight" || (tied && tensor.name == "token_embd.weight")) {
    return WithFallback(DType::kQ6_K, tensor.shape[0]);
  }
  if (recipe == QuantizeRecipe::kQ4_0) return WithFallback(DType::kQ4_0, tensor.shape[0]);
  bool more = tensor.name.ends_with("attn_qkv.weight");
  if (tensor.name.ends_with("attn_v.weight") || tensor.name.ends_with("ffn_down.weight")) {
    const std::optional<uint32_t> layer = LayerOf(tensor.name);
    more = layer && KeepsMoreBits(*layer, CountLayers(file));
  }
  return WithFallback(more ? DType::kQ6_K : DType::kQ4_K, tensor.shape[0]);
}

Result<void> QuantizeModel(const GgufFile& in, QuantizeRecipe recipe, const std::filesystem::path& out,
                           const QuantizeOptions& options) {
  GgufWriter writer;
  writer.CopyMetadata(in);
  writer.SetU32("general.file_type", FileType(recipe));
  writer.SetU32("general.quantization_version", 2);
  uint64_t total = 0, done = 0;
  for (const GgufTensor& tensor : in.tensors()) total += tensor.data.size();
  for (const GgufTensor& tensor : in.tensors()) {
    const DType type = QuantizedType(in, tensor, recipe);
    const std::span<const uint64_t> shape(tensor.shape.data(), static_cast<size_t>(tensor.n_dims));
    writer.AddTensor(tensor.name, type, shape, [&, type](std::span<std::byte> bytes) -> Result<void> {
      const std::span<const std::byte> ready =
          options.replaced ? options.replaced(tensor, type) : std::span<const std::byte>();
      if (!ready.empty()) {
        SOTTO_CHECK(ready.size() == bytes.size(), "{}", tensor.name);
        std::memcpy(bytes.data(), ready.data(), bytes.size());
      } else if (type == tensor.type) {
        std::memcpy(bytes.data(), tensor.data.data(), bytes.size());
      } else {
        Convert(tensor, type, options.n_threads, bytes);
      }
      done += tensor.data.size();
      if (options.progress) options.progress(done, total);
      return {};
    });
  }
  return writer.Write(out);
}

}  // namespace sotto
