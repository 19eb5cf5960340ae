// Any bytes as a document of any format, and as an extraction's values: read or refused in one line, and every place
// that is told lies within the text. The first byte chooses the file's ending.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "document/document.h"
#include "extract/extractor.h"
#include "one_line.h"
#include "retrieve/chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  if (size < 2 || size > 65536) return 0;
  static constexpr const char* kNames[] = {"a.md", "a.html", "a.txt", "a.eml", "a.docx", "a.pdf"};
  static const ExtractSchema schema = *ExtractSchema::Parse(
      Json::parse(
          R"({"properties": {"total": {"format": "money"}, "date": {"format": "date"}, "iban": {"format": "iban"},
                      "name": {}, "phone": {"format": "phone"}, "email": {"format": "email"}}})"),
      "fuzz");
  DocumentOptions options;
  options.scans = false;
  options.words = true;
  options.limits.max_unpacked_bytes = size_t{1} << 20;
  options.limits.max_pages = 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Result<Document> document = ParseDocument(bytes, kNames[data[0] % std::size(kNames)], options);
  CheckError(document);
  if (!document) return 0;
  const auto inside = [&](size_t offset, size_t length) {
    SOTTO_CHECK(offset <= document->text.size() && length <= document->text.size() - offset);
  };
  for (const Block& block : document->blocks) inside(block.offset, block.length);
  for (const Chunk& chunk : CutDocument(*document)) {
    inside(chunk.offset, chunk.length);
    for (const Unit& unit : chunk.units) inside(unit.offset, unit.length);
  }
  for (const ExtractedField& field : ExtractFields(*document, schema).fields)
    inside(field.offset, field.length);
  return 0;
}
