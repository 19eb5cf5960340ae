// The messages of the Model Context Protocol (modelcontextprotocol.io, revisions 2024-11-05 to 2025-11-25):
// JSON-RPC 2.0 in, out, and what of it becomes a tool or a result. Pure functions; every message is a
// stranger's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tool.h"

namespace sotto::mcp {

// What we ask for; a server may answer with any of kVersions.
inline constexpr std::string_view kVersion = "2025-06-18";
inline constexpr size_t kMaxMessageBytes = size_t{4} << 20;

struct Message {
  enum class Kind { kRequest, kNotification, kResult, kError };
  Kind kind = Kind::kNotification;
  Json id;             // of a request, a result, an error; a server's errors may have null
  std::string method;  // of a request or notification
  Json result = Json::object();
  int64_t error_code = 0;
};

// One message; the error (kCorrupt) says what is wrong without quoting any of it.
Result<Message> ReadMessage(std::string_view text);

std::string RequestText(int64_t id, std::string_view method, const Json& params);
std::string NotificationText(std::string_view method, const Json& params = Json::object());
std::string ResultText(const Json& id, const Json& result);
// To a request that we do not serve (-32601).
std::string NoSuchMethodText(const Json& id);

// The params of initialize.
Json InitializeParams();

struct ServerInfo {
  std::string name;
  std::string version;  // of the protocol
  std::string instructions;
};
// The errors say what the server cannot do: another revision, no tools.
Result<ServerInfo> ReadInitializeResult(const Json& result);

struct Tool {
  std::string name;
  std::string description;
  Json input_schema = Json::object();
  Json output_schema;       // null: none
  bool repeatable = false;  // by its annotations: once more does no harm
};

struct ToolPage {
  std::vector<Tool> tools;
  std::string next_cursor;  // empty: the last page
};
Result<ToolPage> ReadToolPage(const Json& result);

// What a tools/call returned. Its data are the structured content where there is some, or the JSON object
// that the text is; `text` is the text (unless the data has a field of that name already). An error of the
// tool (isError) is the first of `failures` (a part of the error's text, in any case -> failure code) that
// fits, else `failed`.
Result<ToolResult> ReadCallResult(const Json& result, const Json& failures);

}  // namespace sotto::mcp
