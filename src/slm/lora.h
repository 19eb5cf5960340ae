// A LoRA adapter in GGUF: for some matrices W of a base model a pair A, B with y = W x + (alpha / rank) B (A
// x). File: `general.type = adapter`, `adapter.type = lora`, `adapter.lora.alpha`, tensors `<tensor>.lora_a`
// [d_in, rank] and `<tensor>.lora_b` [rank, d_out] (llama.cpp's convert_lora_to_gguf).
// Immutable after loading, shared by sessions; chosen per ForwardRequest.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/error.h"
#include "slm/model.h"

namespace sotto {

struct LoraWeights;

class LoraAdapter {
 public:
  // Errors name the file: no adapter, another architecture, a tensor that the base model does not have or has
  // in another shape.
  static Result<std::shared_ptr<const LoraAdapter>> Load(const std::filesystem::path& path,
                                                         const Model& base);
  ~LoraAdapter();
  LoraAdapter(const LoraAdapter&) = delete;
  LoraAdapter& operator=(const LoraAdapter&) = delete;

  const std::string& path() const { return path_; }
  // Model::id() of the base it was loaded for.
  const std::string& base_id() const { return base_id_; }
  const LoraWeights& weights() const { return *weights_; }

 private:
  LoraAdapter();

  std::string path_;
  std::string base_id_;
  std::unique_ptr<const LoraWeights> weights_;
};

}  // namespace sotto
