// What reads published models: any bytes are a model or one line, never a crash or a large allocation.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "acoustic/import_model.h"
#include "slm/gguf_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ReadVocabulary(bytes, "fuzz.js");
  const auto file = OnnxFile::Parse(bytes, "fuzz.onnx");
  if (!file) return 0;
  Vocabulary vocabulary;
  vocabulary.pieces.assign(32000, "x");
  vocabulary.pieces[1] = "<s>";
  vocabulary.pieces[2] = "</s>";
  GgufWriter moonshine;
  (void)ImportMoonshine(*file, *file, vocabulary, {}, moonshine);
  GgufWriter silero;
  if (ImportSilero(*file, {}, silero)) (void)silero.ToBytes();
  return 0;
}
