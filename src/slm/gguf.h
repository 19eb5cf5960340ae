// A model file in the GGUF v3 format, mapped and validated: its metadata by key and its tensors as byte
// spans.
//
// Layout of a file, all little-endian:
//   "GGUF"  u32 version  u64 n_tensors  u64 n_metadata
//   metadata: key (u64 length, bytes)  u32 type  value (array: u32 element type, u64 count, elements)
//   tensor infos: name  u32 n_dims  u64 shape[n_dims]  u32 type  u64 offset
//   padding to `general.alignment` (32 unless given), then tensor data; offsets count from here
// shape[0] is the length of a row: the dimension that lies contiguous in memory.
//
// Everything is checked when the file is opened: a truncated or hostile file gives one line that names the
// field, and no allocation is larger than a small multiple of the file. Views returned (strings, spans) live
// as long as the GgufFile. Immutable after construction: any thread. Source: the GGUF specification (ggml,
// docs/gguf.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"
#include "nn/block_formats.h"

namespace sotto {

// "Q4_K": static storage. Also for numbers of types that this build cannot compute ("IQ2_XXS"); "?" if
// unknown.
std::string_view GgufTensorTypeName(DType type);
// "F32, F16, ...": for error messages.
std::string_view GgufSupportedTensorTypes();

// Types of metadata values. The numbers are the format's.
enum class GgufValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
std::string_view GgufValueTypeName(GgufValueType type);

// An array of the metadata. Numbers stay in the file (unaligned, little-endian); strings are views into it.
struct GgufArray {
  GgufValueType element_type = GgufValueType::kU8;
  size_t count = 0;
  std::span<const std::byte> raw;         // numbers: count * element size bytes
  std::vector<std::string_view> strings;  // element_type == kString
};

struct GgufValue {
  GgufValueType type = GgufValueType::kU8;
  // Unsigned, signed, floating point, kBool, kString, kArray.
  std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray> value;
};

struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

struct GgufTensor {
  std::string_view name;
  DType type = DType::kF32;
  std::array<uint64_t, 4> shape = {1, 1, 1, 1};  // unused dimensions are 1
  int n_dims = 1;
  std::span<const std::byte> data;

  uint64_t n_elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
  uint64_t n_rows() const { return shape[1] * shape[2] * shape[3]; }
  size_t row_bytes() const { return shape[0] / BlockSize(type) * BlockBytes(type); }
};

// "[96, 1024]"
std::string ShapeToString(const GgufTensor& tensor);

class GgufFile {
 public:
  static Result<std::shared_ptr<const GgufFile>> Open(const std::filesystem::path& path);
  // The same of bytes in memory; `name` stands for the path in errors.
  static Result<std::shared_ptr<const GgufFile>> Parse(std::string contents, std::string_view name);

  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return bytes_.size(); }
  uint32_t alignment() const { return alignment_; }
  // The bytes are a mapped file, not memory of the process.
  bool is_mapped() const { return mapped_.has_value(); }

  // In the order of the file.
  std::span<const GgufEntry> metadata() const { return metadata_; }
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  // nullptr: not there.
  const GgufValue* Find(std::string_view key) const;

  // Integers of any width convert if the value fits; F32 and F64 both give a float. Errors name file and key:
  // kNotFound where it is missing, kCorrupt where it has another type.
  Result<uint32_t> GetU32(std::string_view key) const;
  Result<uint64_t> GetU64(std::string_view key) const;
  Result<float> GetF32(std::string_view key) const;
  Result<bool> GetBool(std::string_view key) const;
  Result<std::string_view> GetString(std::string_view key) const;
  Result<std::vector<float>> GetF32Array(std::string_view key) const;
  Result<std::vector<int32_t>> GetI32Array(std::string_view key) const;
  Result<std::span<const std::string_view>> GetStringArray(std::string_view key) const;

  // `fallback` where the key is missing; a wrong type is still an error.
  Result<uint32_t> GetU32Or(std::string_view key, uint32_t fallback) const;
  Result<float> GetF32Or(std::string_view key, float fallback) const;
  Result<bool> GetBoolOr(std::string_view key, bool fallback) const;
  Result<std::string_view> GetStringOr(std::string_view key, std::string_view fallback) const;
  // Token ids and the like: nullopt where the key is missing or the value is 0xFFFFFFFF (written by some
  // converters for "none").
  Result<std::optional<uint32_t>> GetOptionalU32(std::string_view key) const;

  std::span<const GgufTensor> tensors() const { return tensors_; }
  // nullptr: not there.
  const GgufTensor* FindTensor(std::string_view name) const;
  // kNotFound names file and tensor.
  Result<const GgufTensor*> GetTensor(std::string_view name) const;

 private:
  friend class GgufParser;
  GgufFile() = default;

  Result<const GgufValue*> Get(std::string_view key) const;
  tl::unexpected<Error> WrongType(std::string_view key, const GgufValue& value,
                                  std::string_view wanted) const;

  std::string path_;
  std::optional<MappedFile> mapped_;
  std::string owned_;
  std::span<const std::byte> bytes_;
  uint32_t alignment_ = 32;
  std::vector<GgufEntry> metadata_;
  std::unordered_map<std::string_view, size_t> metadata_index_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, size_t> tensor_index_;
};

}  // namespace sotto
