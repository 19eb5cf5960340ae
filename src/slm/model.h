// A language model (or text encoder) ready to compute: configuration, tokenizer and packed weights.
// Immutable after loading and shared by all sessions and threads; what changes lives in KvCache and Engine.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "slm/gguf.h"
#include "slm/model_config.h"
#include "slm/tokenizer.h"

namespace sotto {

struct ModelWeights;
class TensorSource;

// How matrices with quantised weights are multiplied.
enum class ActivationType {
  kInt8,   // activations rounded to int8 blocks: fast, what users run
  kFloat,  // activations stay float: slow, within 1e-4 of the exact answer; KV cache in float too
};

// Of cached keys and values: half (0.03 %; kBF16 where weights are quantised), 0.2 %, exact. kFloat: kF32.
enum class KvPrecision { kF16, kBF16, kF32 };

struct LoadOptions {
  int n_ctx = 0;  // 0: ModelConfig::FromGguf chooses
  ActivationType activations = ActivationType::kInt8;
  KvPrecision kv = KvPrecision::kF16;
  int n_threads = 2;  // for packing while loading
};

class Model {
 public:
  // Errors name the file: not GGUF, unknown architecture (the supported ones are listed), missing keys or
  // tensors, wrong shapes, no tokenizer.
  static Result<std::shared_ptr<const Model>> Load(const std::filesystem::path& path, LoadOptions options);
  static Result<std::shared_ptr<const Model>> FromGguf(std::shared_ptr<const GgufFile> gguf,
                                                       LoadOptions options);

  // Random weights in the shape of a known model: "qwen3-0.6b:Q8_0", "10m:Q8_0", ... (slm/random_model.h
  // lists the shapes). `tokenizer_path`: a GGUF whose tokenizer is used, with the marks of ChatML added and
  // unused tokens up to the vocabulary's size; empty: one of bytes.
  static Result<std::shared_ptr<const Model>> Random(std::string_view shape_and_type, LoadOptions options,
                                                     const std::filesystem::path& tokenizer_path = {});

  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  // For its metadata (chat template, sotto.* keys); tensor data stays in the file.
  const GgufFile& gguf() const { return *gguf_; }
  const ModelWeights& weights() const { return *weights_; }
  const LoadOptions& load_options() const { return load_options_; }
  // Name of the file, or of the random shape.
  const std::string& path() const { return path_; }
  // Tells apart models with other weights: hash of configuration and a sample of the weights. 16 hex digits.
  const std::string& id() const { return id_; }
  // Bytes of the tensors as stored in the file, and of those that one decoded token reads.
  uint64_t weight_bytes() const { return weight_bytes_; }
  uint64_t decode_bytes() const { return decode_bytes_; }

 private:
  Model();
  static Result<std::shared_ptr<const Model>> Assemble(std::shared_ptr<const GgufFile> gguf,
                                                       TensorSource& source, LoadOptions options);

  ModelConfig config_;
  LoadOptions load_options_;
  std::string path_;
  std::string id_;
  std::shared_ptr<const GgufFile> gguf_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::unique_ptr<const ModelWeights> weights_;
  uint64_t weight_bytes_ = 0;
  uint64_t decode_bytes_ = 0;
};

}  // namespace sotto
