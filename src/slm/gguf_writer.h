// Writes a model file in the GGUF v3 format (slm/gguf.h): collect metadata and tensors, then Write() once.
// Metadata is copied; tensor data is not, it is read while writing. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "slm/gguf.h"

namespace sotto {

class GgufWriter {
 public:
  // Setting a key again replaces its value and keeps its place.
  void SetU32(std::string_view key, uint32_t value);
  void SetI32(std::string_view key, int32_t value);
  void SetU64(std::string_view key, uint64_t value);
  void SetF32(std::string_view key, float value);
  void SetBool(std::string_view key, bool value);
  void SetString(std::string_view key, std::string_view value);
  void SetStringArray(std::string_view key, std::span<const std::string> values);
  void SetStringArray(std::string_view key, std::span<const std::string_view> values);
  void SetF32Array(std::string_view key, std::span<const float> values);
  void SetI32Array(std::string_view key, std::span<const int32_t> values);
  void SetU32Array(std::string_view key, std::span<const uint32_t> values);
  void SetValue(std::string_view key, const GgufValue& value);
  void Remove(std::string_view key);
  // Every entry of `file`, in its order.
  void CopyMetadata(const GgufFile& file);

  // shape[0] is the row length, a multiple of the type's block. `data` must live until Write() returns and
  // have the size that type and shape give.
  void AddTensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                 std::span<const std::byte> data);
  // The same with data that is made when it is needed: `fill` gets a span of exactly the tensor's size.
  void AddTensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                 std::function<Result<void>(std::span<std::byte>)> fill);

  // To a temporary name beside `path`, then renamed: never half a file.
  Result<void> Write(const std::filesystem::path& path) const;
  // The same bytes in memory: for tests and small files.
  Result<std::string> ToBytes() const;

 private:
  struct Entry {
    std::string key;
    std::string encoded;  // type and value
  };
  struct Tensor {
    std::string name;
    DType type;
    std::vector<uint64_t> shape;
    size_t size_bytes;
    std::span<const std::byte> data;
    std::function<Result<void>(std::span<std::byte>)> fill;
  };

  void Set(std::string_view key, std::string encoded);
  Tensor& NewTensor(std::string_view name, DType type, std::span<const uint64_t> shape);
  std::string Header() const;
  // Calls `sink` with consecutive pieces of the file.
  Result<void> Stream(const std::function<Result<void>(std::string_view)>& sink) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;
  std::vector<Tensor> tensors_;
};

}  // namespace sotto
