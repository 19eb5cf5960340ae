// A classifier's file and labelled rows: any bytes are read or are one line, and never pass a threshold as no number.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "specialist/classifier.h"
#include "specialist/labelled_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)ParseLabelledTexts(bytes, "fuzz.jsonl", false);
  (void)ParseLabelledTexts(bytes, "fuzz.tsv", true);
  const auto file = GgufFile::Parse(std::string(bytes), "fuzz.gguf");
  if (!file) return 0;
  const auto classifier = Classifier::FromGguf(*file, nullptr);
  if (!classifier) return 0;
  const Classification got = (*classifier)->Classify("where is my card");
  if (!(got.confidence >= 0 && got.confidence <= 1 && got.in_scope >= 0 && got.in_scope <= 1)) std::abort();
  return 0;
}
