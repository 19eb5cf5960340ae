#include "action/mcp_protocol.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace sotto::mcp {
namespace {

constexpr std::array<std::string_view, 4> kVersions = {"2024-11-05", "2025-03-26", kVersion, "2025-11-25"};

// The value of a key, or null.
const Json& At(const Json& object, const char* key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::string TextAt(const Json& object, const char* key) {
  const Json& value = At(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool TrueAt(const Json& object, const char* key) {
  const Json& value = At(object, key);
  return value.is_boolean() && value.get<bool>();
}

tl::unexpected<Error> Wrong(std::string_view what) { return MakeError(ErrorCode::kCorrupt, "{}", what); }

std::string Dump(const Json& message) { return message.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

Result<Message> ReadMessage(std::string_view text) {
  if (text.size() > kMaxMessageBytes) return Wrong("a message that is too large");
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "message"));
  if (TextAt(json, "jsonrpc") != "2.0") return Wrong("not a JSON-RPC 2.0 message");
  Message message;
  message.id = At(json, "id");
  if (!message.id.is_null() && !message.id.is_number_integer() && !message.id.is_string())
    return Wrong("an id that is neither a whole number nor a string");
  if (json.contains("method")) {
    message.method = TextAt(json, "method");
    if (message.method.empty()) return Wrong("a method that is not a name");
    message.kind = message.id.is_null() ? Message::Kind::kNotification : Message::Kind::kRequest;
    return message;
  }
  if (json.contains("error")) {
    const Json& code = At(At(json, "error"), "code");
    if (!code.is_number_integer()) return Wrong("an error without a code");
    message.kind = Message::Kind::kError;
    message.error_code = code.get<int64_t>();
    return message;
  }
  if (message.id.is_null() || !At(json, "result").is_object())
    return Wrong("a message that is no request, notification, result or error");
  message.kind = Message::Kind::kResult;
  message.result = At(json, "result");
  return message;
}

std::string RequestText(int64_t id, std::string_view method, const Json& params) {
  return Dump({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

std::string NotificationText(std::string_view method, const Json& params) {
  return Dump({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

std::string ResultText(const Json& id, const Json& result) {
  return Dump({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string NoSuchMethodText(const Json& id) {
  return Dump(
      {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", -32601}, {"message", "Method not found"}}}});
}

Json InitializeParams() {
  return {{"protocolVersion", kVersion},
          {"capabilities", Json::object()},
          {"clientInfo", {{"name", "sotto"}, {"version", "0.1"}}}};
}

Result<ServerInfo> ReadInitializeResult(const Json& result) {
  ServerInfo server;
  server.version = TextAt(result, "protocolVersion");
  if (std::find(kVersions.begin(), kVersions.end(), server.version) == kVersions.end()) {
    return MakeError(ErrorCode::kUnsupported,
                     "it speaks a revision of MCP that is not known here (known: {} to {})",
                     kVersions.front(), kVersions.back());
  }
  if (!At(At(result, "capabilities"), "tools").is_object())
    return MakeError(ErrorCode::kUnsupported, "the server has no tools");
  server.name = TextAt(At(result, "serverInfo"), "name");
  server.instructions = TextAt(result, "instructions");
  return server;
}

Result<ToolPage> ReadToolPage(const Json& result) {
  const Json& tools = At(result, "tools");
  if (!tools.is_array()) return Wrong("a list of tools that is none");
  ToolPage page;
  for (const Json& item : tools) {
    Tool tool;
    tool.name = TextAt(item, "name");
    if (tool.name.empty()) return Wrong("a tool without a name");
    tool.description = TextAt(item, "description");
    if (tool.description.empty()) tool.description = TextAt(item, "title");
    if (At(item, "inputSchema").is_object()) tool.input_schema = At(item, "inputSchema");
    if (At(item, "outputSchema").is_object()) tool.output_schema = At(item, "outputSchema");
    const Json& annotations = At(item, "annotations");
    tool.repeatable = TrueAt(annotations, "readOnlyHint") || TrueAt(annotations, "idempotentHint");
    page.tools.push_back(std::move(tool));
  }
  page.next_cursor = TextAt(result, "nextCursor");
  return page;
}

Result<ToolResult> ReadCallResult(const Json& result, const Json& failures) {
  const Json& content = At(result, "content");
  const Json& structured = At(result, "structuredContent");
  if (!content.is_array() && !structured.is_object()) return Wrong("a tool's result without content");
  std::string text;
  if (content.is_array()) {
    for (const Json& piece : content) {
      if (TextAt(piece, "type") != "text") continue;
      const std::string more = TextAt(piece, "text");
      text += (text.empty() || more.empty() ? "" : "\n") + more;
    }
  }
  ToolResult answer;
  if (structured.is_object()) {
    answer.data = structured;
  } else if (const auto parsed = ParseJson(text, "text"); parsed && parsed->is_object()) {
    answer.data = *parsed;
  }
  if (!answer.data.contains("text")) answer.data["text"] = text;
  answer.ok = !TrueAt(result, "isError");
  if (answer.ok) return answer;
  answer.failure = "failed";
  const std::string folded = LowerAscii(text);
  if (!failures.is_object()) return answer;
  for (const auto& [part, failure] : failures.items()) {
    if (failure.is_string() && failure != "" && folded.find(LowerAscii(part)) != std::string::npos) {
      answer.failure = failure.get<std::string>();
      break;
    }
  }
  return answer;
}

}  // namespace sotto::mcp
