#include "action/mcp_action.h"

#include <cctype>
#include <future>

#include "action/environment.h"
#include "base/log.h"

namespace sotto {
namespace {

ToolResult ResultOf(const Error& error, const ActionRequest& request, bool repeatable) {
  Log().error("tool {}: {}", request.tool, error.message);
  switch (error.code) {
    case ErrorCode::kUnavailable:
      return Failure("unavailable");
    case ErrorCode::kIo:
      return Failure(repeatable ? "unavailable" : "timeout");
    case ErrorCode::kTimeout:
      return Failure("timeout");
    case ErrorCode::kCancelled:
      return Failure("cancelled");
    case ErrorCode::kInvalidArgument:
      return Failure("invalid_arguments");
    case ErrorCode::kNotFound:
      return Failure("unknown_action");
    case ErrorCode::kCorrupt:
      return Failure("bad_answer");
    default:
      return Failure("failed");
  }
}

ToolResult ResultOf(const Json& answer, const ActionRequest& request) {
  const auto failures = request.options.find("failures");
  auto result = mcp::ReadCallResult(answer, failures == request.options.end() ? Json() : *failures);
  return result ? *std::move(result) : ResultOf(result.error(), request, false);
}

}  // namespace

Result<std::unique_ptr<mcp::Client>> OpenMcpServer(const McpServer& server,
                                                   const std::filesystem::path& folder, HttpClient& http,
                                                   const Clock& clock) {
  std::unique_ptr<mcp::Transport> transport;
  if (server.url.empty()) {
    transport = mcp::MakeStdioTransport({server.command, server.environment, folder});
  } else {
    SOTTO_ASSIGN_OR_RETURN(std::string url, ExpandEnvironment(server.url));
    if (HttpOrigin(url).empty())
      return MakeError(ErrorCode::kInvalidArgument, "mcp.{}.url is not http(s)://host/path", server.name);
    HttpHeaders headers;
    for (const auto& [name, value] : server.headers) {
      auto expanded = ExpandEnvironment(value);
      if (!expanded)
        return WithContext(expanded.error(), fmt::format("mcp.{}.headers.{}", server.name, name));
      headers.emplace_back(name, *std::move(expanded));
    }
    transport = mcp::MakeHttpTransport(std::move(url), std::move(headers), http);
  }
  return std::make_unique<mcp::Client>(server.name, std::move(transport), clock);
}

RegisteredAction MakeMcpAction(mcp::Client& client, std::string tool) {
  RegisteredAction action;
  action.run = AsyncAction([&client, tool](const ActionRequest& request, std::stop_token stop,
                                           ActionRunner::Done done) {
    Json arguments = Json::object();
    if (const auto with = request.options.find("with"); with != request.options.end() && with->is_object())
      arguments = *with;
    for (const auto& [name, value] : request.arguments.items()) arguments[name] = value;
    client.Call({tool, std::move(arguments)}, request.idempotency_key, std::move(stop),
                [&client, tool, request, done = std::move(done)](const Result<Json>& answer) {
                  done(answer ? ResultOf(*answer, request)
                              : ResultOf(answer.error(), request, client.Repeatable(tool)));
                });
  });
  action.backend = [name = "mcp:" + client.name()](const ActionRequest&) { return name; };
  action.concurrency = 8;
  action.options = {"with", "failures"};
  return action;
}

Result<McpServer> ReadMcpServer(std::string_view text) {
  McpServer server;
  server.name = "server";
  if (text.starts_with("http://") || text.starts_with("https://")) {
    server.url = text;
    return server;
  }
  std::string word;
  bool begun = false;
  char quote = 0;
  const auto end = [&] {
    if (!begun) return;
    std::error_code ignored;
    const bool file = word.find('/') != std::string::npos && std::filesystem::exists(word, ignored);
    server.command.push_back(file ? std::filesystem::absolute(word, ignored).lexically_normal().string()
                                  : word);
    word.clear();
    begun = false;
  };
  for (const char c : text) {
    if (quote != 0 ? c == quote : c == '"' || c == '\'') {
      quote = quote != 0 ? '\0' : c;
      begun = true;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      end();
    } else {
      word += c;
      begun = true;
    }
  }
  if (quote != 0) return MakeError(ErrorCode::kInvalidArgument, "a {} without its end in the command", quote);
  end();
  if (server.command.empty())
    return MakeError(ErrorCode::kInvalidArgument, "no command and no URL of an MCP server");
  return server;
}

Result<std::vector<mcp::Tool>> AskForMcpTools(McpServer& server, Duration limit) {
  const SystemClock clock;
  const auto http = MakeHttpClient();
  SOTTO_ASSIGN_OR_RETURN(const auto client, OpenMcpServer(server, {}, *http, clock));
  auto promise = std::make_shared<std::promise<Result<std::vector<mcp::Tool>>>>();
  auto listed = promise->get_future();
  std::stop_source stop;
  client->ListTools(stop.get_token(), [promise](Result<std::vector<mcp::Tool>> tools) {
    promise->set_value(std::move(tools));
  });
  if (listed.wait_for(limit) != std::future_status::ready) {
    stop.request_stop();
    (void)listed.get();
    return MakeError(ErrorCode::kTimeout, "mcp.{}: it has not said its tools in {:.0f} s", server.name,
                     Milliseconds(limit) / 1000);
  }
  auto tools = listed.get();
  std::string name;
  for (const char c : client->server_name().substr(0, client->server_name().find_first_of("/@ ")))
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (!name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) != 0) server.name = name;
  return tools;
}

}  // namespace sotto
