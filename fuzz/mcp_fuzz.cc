// Fuzz target: any bytes as what an MCP server sends: as one JSON-RPC message, and as a stream of server-sent
// events of them that arrives in pieces. Whatever they are, reading them gives a value or a one-line error,
// and the pieces do not matter; nothing crashes, hangs or grows without bound.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "action/mcp_protocol.h"
#include "base/check.h"
#include "base/sse.h"
#include "one_line.h"

namespace sotto {
namespace {

void Read(std::string_view text) {
  const auto message = mcp::ReadMessage(text);
  CheckError(message);
  if (!message || message->kind != mcp::Message::Kind::kResult) return;
  CheckError(mcp::ReadInitializeResult(message->result));
  const auto page = mcp::ReadToolPage(message->result);
  CheckError(page);
  if (page) {
    for (const mcp::Tool& tool : page->tools) SOTTO_CHECK(!tool.name.empty());
  }
  const auto call = mcp::ReadCallResult(message->result, message->result);
  CheckError(call);
  if (call) SOTTO_CHECK(call->ok == call->failure.empty());
}

std::vector<std::string> Events(std::string_view bytes, size_t piece) {
  SseParser parser(4096);
  std::vector<std::string> events;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const auto fed = parser.Feed(bytes.substr(at, piece), [&](const SseEvent& event) {
      SOTTO_CHECK(event.data.size() <= 4096);
      events.push_back(event.type + '\0' + event.data);
      Read(event.data);
    });
    CheckError(fed);
    if (!fed) break;
  }
  return events;
}

}  // namespace
}  // namespace sotto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string text(reinterpret_cast<const char*>(data), size);
  Read(text);
  SOTTO_CHECK(Events(text, 1) == Events(text, 1 + size / 3));
  return 0;
}
