// A model.json of TensorFlow.js in the published encoder's form, with a small vocabulary and random weights.
#pragma once

#include <string>

#include "embed/import_sentence_encoder.h"
#include "slm/gguf.h"

namespace sotto {

struct RandomEncoder {
  std::string model_json;
  std::string vocab_json;
  std::string weights;

  explicit RandomEncoder(uint64_t seed);
  // The GGUF that is made of it.
  std::shared_ptr<const GgufFile> Import(bool floats) const;
};

}  // namespace sotto
