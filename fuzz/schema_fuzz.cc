// Fuzz target: any bytes as a JSON Schema. Whatever they are, compiling them gives a grammar or a one-line
// error; a grammar can always be walked to an end without a dead end; nothing crashes, hangs or grows without
// bound. Bytes that are not JSON are read as a `pattern`.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "grammar/matcher.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  if (size > 4096) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto parsed = ParseJson(text, "fuzz");
  const Json schema = parsed ? *parsed : Json{{"type", "string"}, {"pattern", text}, {"maxLength", 16}};
  const auto grammar = Grammar::FromSchema(schema, "fuzz", 2000);
  if (!grammar) {
    SOTTO_CHECK(grammar.error().message.starts_with("fuzz"), "{}", grammar.error().message);
    return 0;
  }
  Matcher matcher(*grammar);
  for (size_t i = 0; i < 300 && !matcher.MustEnd(); ++i) {
    const std::vector<uint8_t> bytes = matcher.NextBytes();
    SOTTO_CHECK(!bytes.empty() || matcher.CanEnd(), "dead end");
    const auto byte = static_cast<char>(bytes[(size + i * 7) % bytes.size()]);
    const bool accepted = matcher.AcceptBytes({&byte, 1});
    SOTTO_CHECK(accepted);
  }
  return 0;
}
