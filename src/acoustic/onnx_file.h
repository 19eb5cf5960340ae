// What an ONNX file holds, as far as importing weights needs it: the constants by name and the operations
// with the names of their inputs, those of branches (If) included. Nothing is computed.
//
// The bytes are foreign: everything is checked when the file is read, and an error is one line that names the
// file and the tensor or node. A value of its own, one thread at a time. Source: the ONNX specification
// (onnx.proto), read with Debian's libonnx.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

// Element types; the numbers are the format's.
enum class OnnxType : int32_t { kFloat = 1, kUint8 = 2, kInt8 = 3, kInt64 = 7, kOther = 0 };

struct OnnxTensor {
  std::string name;
  OnnxType type = OnnxType::kOther;
  std::vector<size_t> dims;  // empty: one number
  std::string data;          // little-endian, n_elements() of the type; empty for kOther

  size_t n_elements() const;
  std::string shape() const;  // "[288, 1, 127]"
};

struct OnnxNode {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::map<std::string, std::vector<int64_t>> integers;  // attributes that are one or several integers
};

class OnnxFile {
 public:
  static Result<OnnxFile> Open(const std::filesystem::path& path);
  // The same of bytes in memory; `name` stands for the path in errors.
  static Result<OnnxFile> Parse(std::string_view bytes, std::string name);

  const std::string& path() const { return path_; }
  std::span<const OnnxNode> nodes() const { return nodes_; }
  std::span<const std::string> inputs() const { return inputs_; }
  // Hexadecimal, of the bytes.
  const std::string& sha256() const { return sha256_; }

  // Initialisers and constants. nullptr: not there.
  const OnnxTensor* Find(std::string_view name) const;
  // kUnsupported names file and tensor where it is missing.
  Result<const OnnxTensor*> Get(std::string_view name) const;

  // An error where a node has an operation that is not among `known`.
  Result<void> CheckOperations(std::span<const std::string_view> known) const;

  // A constant of floats with this shape (dims of 1 at the end may be missing or added).
  Result<std::vector<float>> Floats(std::string_view name, std::span<const size_t> dims) const;
  Result<float> Number(std::string_view name) const;
  Result<std::vector<int64_t>> Integers(std::string_view name) const;

  // What "NAME_quantized", "NAME_scale" and "NAME_zero_point" stand for, as ONNX's quantiser writes them: (q
  // - zero) * scale where the zero point is an integer, q * scale + zero where it is a float.
  struct Dequantised {
    std::vector<float> values;
    float scale = 0.0f;  // the values are whole multiples of it; 0 where they are not
  };
  Result<Dequantised> Dequantise(std::string_view base, std::span<const size_t> dims) const;

 private:
  friend class OnnxReader;
  OnnxFile() = default;

  tl::unexpected<Error> Wrong(const OnnxTensor& tensor, std::string_view wanted) const;

  std::string path_;
  std::string sha256_;
  std::vector<std::string> inputs_;
  std::vector<OnnxNode> nodes_;
  std::map<std::string, OnnxTensor, std::less<>> tensors_;
};

}  // namespace sotto
