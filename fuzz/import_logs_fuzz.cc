// Fuzz target: any bytes as a log of somebody else's, the first byte its form. Whatever they are, they are sessions
// and lines that say why not, one line each.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "flywheel/import_session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  if (size < 1 || size > 65536) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr void (*kParsers[])(std::string_view, std::string_view, const ImportNames&, ParsedLogs&) = {
      ParseTurnRecords, ParseConversationLogs, ParseOpenAiLogs, ParseLangfuse, ParseRasa, ParseCsvLogs};
  ParsedLogs out;
  kParsers[data[0] % std::size(kParsers)](text, "input", {}, out);
  for (const std::string& line : out.not_read)
    SOTTO_CHECK(line.find('\n') == std::string::npos, "more than one line");
  for (const ImportedSession& session : out.sessions) SOTTO_CHECK(!session.turns.empty());
  return 0;
}
