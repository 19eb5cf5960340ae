// What reads the published sentence encoder: any bytes are a model or one line, never a crash or a large allocation.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "embed/import_sentence_encoder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Before the first zero byte the model's JSON, after it the vocabulary; the weights are those that it asks for.
  const size_t zero = std::min(bytes.find('\0'), bytes.size());
  const auto model = ReadTfjsModel(bytes.substr(0, zero), "fuzz.json");
  if (!model || model->size_bytes > (1u << 20)) return 0;
  GgufWriter writer;
  const std::string_view vocabulary = zero < bytes.size() ? bytes.substr(zero + 1) : "[]";
  if (ImportSentenceEncoder(*model, std::string(model->size_bytes, '\0'), vocabulary, {}, writer))
    (void)writer.ToBytes();
  return 0;
}
