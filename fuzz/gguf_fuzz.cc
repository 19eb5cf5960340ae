// Fuzz target: any bytes as a model file. Whatever they are, reading them gives a value or an error; a
// tokenizer made of them encodes and decodes; nothing crashes, hangs or allocates far beyond the size of the
// input.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "slm/chat_template.h"
#include "slm/gguf.h"
#include "slm/model_config.h"
#include "slm/tokenizer.h"

namespace sotto {
namespace {

void ReadEverything(const GgufFile& file) {
  for (const GgufEntry& entry : file.metadata()) {
    (void)file.GetU32(entry.key);
    (void)file.GetU64(entry.key);
    (void)file.GetF32(entry.key);
    (void)file.GetBool(entry.key);
    (void)file.GetString(entry.key);
    (void)file.GetF32Array(entry.key);
    (void)file.GetI32Array(entry.key);
    (void)file.GetStringArray(entry.key);
    (void)file.GetOptionalU32(entry.key);
  }
  uint64_t sum = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    SOTTO_CHECK(tensor.data.size() == tensor.n_rows() * tensor.row_bytes());
    for (const std::byte byte : tensor.data.first(std::min<size_t>(tensor.data.size(), 64))) {
      sum += static_cast<uint64_t>(byte);
    }
    sum += ShapeToString(tensor).size();
  }
  (void)sum;
}

void UseTokenizer(const Tokenizer& tokenizer) {
  constexpr std::string_view kText = "Hi<s>, that's 123 \xC3\xA9\xFF \n\n<|end|> {\"name\": \"a\"}";
  for (const bool special : {false, true}) {
    const std::vector<TokenId> tokens = tokenizer.Encode(
        kText, {.parse_special = special, .add_special = special, .keep_invalid_utf8 = special});
    for (const TokenId id : tokens) SOTTO_CHECK(id >= 0 && static_cast<size_t>(id) < tokenizer.size());
    (void)tokenizer.Decode(tokens, {.special = special, .clean_spaces = special});
  }
}

}  // namespace
}  // namespace sotto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const auto file = GgufFile::Parse(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!file) {
    SOTTO_CHECK(file.error().message.find('\n') == std::string::npos, "more than one line");
    return 0;
  }
  ReadEverything(**file);
  (void)ModelConfig::FromGguf(**file, 0);
  (void)ChatTemplate::Create(**file);
  if (const auto tokenizer = Tokenizer::Create(**file)) UseTokenizer(**tokenizer);
  return 0;
}
