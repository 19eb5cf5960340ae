#include "slm/imported_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "nn/block_formats.h"
#include "nn/half.h"

namespace sotto {
namespace {

// A block whose values are whole multiples of `scale` keeps them; any other is rounded as usual.
std::vector<std::byte> ToQ8_0(const std::vector<float>& values, float scale) {
  constexpr size_t kBlock = 32;
  SOTTO_CHECK(values.size() % kBlock == 0);
  std::vector<std::byte> out(values.size() / kBlock * sizeof(BlockQ8_0));
  for (size_t i = 0; i < values.size() / kBlock; ++i) {
    const std::span<const float> block(values.data() + i * kBlock, kBlock);
    const std::span<std::byte> to(out.data() + i * sizeof(BlockQ8_0), sizeof(BlockQ8_0));
    float largest = 0;
    for (const float value : block) largest = std::max(largest, std::fabs(value));
    if (!(scale > 0) || std::round(largest / scale) > 127) {
      QuantizeRow(DType::kQ8_0, block, to);
      continue;
    }
    BlockQ8_0 kept;
    kept.d = FloatToF16(scale);
    for (size_t k = 0; k < kBlock; ++k) kept.qs[k] = static_cast<int8_t>(std::lround(block[k] / scale));
    std::memcpy(to.data(), &kept, sizeof(kept));
  }
  return out;
}

}  // namespace

void SetOrigin(const ImportOptions& options, std::string_view otherwise, GgufWriter& writer) {
  writer.SetString("general.name", options.name.empty() ? otherwise : options.name);
  if (!options.license.empty()) writer.SetString("general.license", options.license);
  if (!options.origin.empty()) writer.SetString("general.source", options.origin);
}

void ImportedTensors::AddFloats(const std::string& name, std::vector<float> values, size_t columns) {
  std::vector<uint64_t> shape = {columns == 0 ? values.size() : columns};
  if (columns != 0) shape.push_back(values.size() / columns);
  auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  writer_.AddTensor(name, DType::kF32, shape, [kept](std::span<std::byte> out) -> Result<void> {
    std::memcpy(out.data(), kept->data(), out.size());
    return {};
  });
}

void ImportedTensors::AddMatrix(const std::string& name, std::vector<float> values, size_t columns,
                                float scale) {
  if (floats_) return AddFloats(name, std::move(values), columns);
  const uint64_t shape[] = {columns, values.size() / columns};
  auto kept = std::make_shared<const std::vector<std::byte>>(ToQ8_0(values, scale));
  writer_.AddTensor(name, DType::kQ8_0, shape, [kept](std::span<std::byte> out) -> Result<void> {
    std::memcpy(out.data(), kept->data(), out.size());
    return {};
  });
}

std::vector<float> Transposed(const std::vector<float>& values, size_t n, size_t m) {
  SOTTO_CHECK(values.size() == n * m);
  std::vector<float> out(values.size());
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < m; ++j) out[j * n + i] = values[i * m + j];
  }
  return out;
}

std::vector<float> TapsFirst(const std::vector<float>& values, size_t n_out, size_t n_in, size_t n_taps) {
  SOTTO_CHECK(values.size() == n_out * n_in * n_taps);
  std::vector<float> out(values.size());
  for (size_t o = 0; o < n_out; ++o) {
    for (size_t i = 0; i < n_in; ++i) {
      for (size_t t = 0; t < n_taps; ++t)
        out[(o * n_taps + t) * n_in + i] = values[(o * n_in + i) * n_taps + t];
    }
  }
  return out;
}

}  // namespace sotto
