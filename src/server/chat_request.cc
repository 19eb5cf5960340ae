#include "server/chat_request.h"

#include <algorithm>

#include "server/json_fields.h"

namespace sotto {
namespace {

using Read = tl::expected<void, OpenAiRefusal>;

constexpr size_t kMaxPrompt = size_t{1} << 20;
constexpr size_t kMaxStops = 4;
constexpr int kMaxLogprobs = 20;
constexpr int64_t kUsualTextTokens = 16;  // of a plain completion, as the original

tl::unexpected<OpenAiRefusal> Wrong(std::string message, std::string param) {
  return tl::unexpected(OpenAiRefusal{400, std::move(message), std::move(param)});
}

// A text, or a list of parts that are texts.
Read ReadContent(const Json& message, const std::string& where, std::string* text) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return {};
  if (content->is_string()) {
    *text = content->get<std::string>();
    return {};
  }
  if (!content->is_array()) return Wrong(where + ".content should be a text or a list of parts", where);
  for (const Json& part : *content) {
    if (!part.is_object() || part.value("type", "") != "text" || !part.contains("text") ||
        !part.at("text").is_string())
      return Wrong(where + ".content has a part that is no text; this model reads texts only", where);
    *text += part.at("text").get<std::string>();
  }
  return {};
}

Read ReadCalls(const Json& message, const std::string& where, std::vector<ToolCall>* calls) {
  const auto given = message.find("tool_calls");
  if (given == message.end() || given->is_null()) return {};
  if (!given->is_array()) return Wrong(where + ".tool_calls should be a list", where);
  for (const Json& one : *given) {
    if (!one.is_object() || !one.contains("function") || !one.at("function").is_object())
      return Wrong(where + ".tool_calls has an entry without a function", where);
    Json function = one.at("function");
    if (const auto arguments = function.find("arguments");
        arguments != function.end() && arguments->is_string()) {
      auto parsed = ParseBody(arguments->get<std::string>());
      if (!parsed) return Wrong(where + ".tool_calls: arguments that are no JSON", where);
      *arguments = *std::move(parsed);
    }
    auto call = ToolCallFromJson(function);
    if (!call) return Wrong(where + ".tool_calls: " + call.error().message, where);
    calls->push_back(*std::move(call));
  }
  return {};
}

Read ReadMessages(const Json& messages, ChatRequest* request) {
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string where = fmt::format("messages[{}]", i);
    const Json& given = messages[i];
    if (!given.is_object() || !given.contains("role") || !given.at("role").is_string())
      return Wrong(where + " has no role", where);
    const std::string role = given.at("role");
    ChatMessage message;
    if (const auto read = ReadContent(given, where, &message.content); !read) return read;
    if (role == "system" || role == "developer") {
      if (!request->setup.system.empty()) request->setup.system += "\n\n";
      request->setup.system += message.content;
      continue;
    }
    if (role == "assistant") {
      message.role = ChatMessage::Role::kAssistant;
      if (const auto read = ReadCalls(given, where, &message.calls); !read) return read;
    } else if (role == "tool") {
      message.role = ChatMessage::Role::kTool;
    } else if (role != "user") {
      return Wrong(where + ".role should be system, developer, user, assistant or tool", where);
    }
    request->messages.push_back(std::move(message));
  }
  if (request->messages.empty() || request->messages.back().role == ChatMessage::Role::kAssistant)
    return Wrong("the last message should be the user's or a tool's", "messages");
  return {};
}

Read ReadTools(const Json* tools, const Json* choice, ChatRequest* request) {
  std::vector<ToolSpec>& offered = request->setup.tools;
  for (const Json& tool : tools == nullptr ? Json::array() : *tools) {
    auto read = ToolSpecFromJson(tool);
    if (!read) return Wrong("tools: " + read.error().message, "tools");
    offered.push_back(*std::move(read));
  }
  if (choice == nullptr || choice->is_null() || *choice == "auto") return {};
  if (*choice == "none") {
    request->call = ChatRequest::Call::kNever;
    return {};
  }
  request->call = ChatRequest::Call::kMust;
  if (*choice != "required") {
    const Json* name = nullptr;
    if (choice->is_object() && choice->contains("function") && choice->at("function").is_object() &&
        choice->at("function").contains("name"))
      name = &choice->at("function").at("name");
    if (name == nullptr || !name->is_string())
      return Wrong("tool_choice should be auto, none, required, or name a function", "tool_choice");
    std::erase_if(offered, [&](const ToolSpec& tool) { return tool.name != *name; });
  }
  if (offered.empty()) return Wrong("tool_choice wants a call of a tool that is not there", "tool_choice");
  return {};
}

Read ReadFormat(const Json* format, ChatRequest* request) {
  if (format == nullptr) return {};
  const Json type = format->value("type", Json("text"));
  if (type == "text") return {};
  if (type != "json_schema" || !format->contains("json_schema") || !format->at("json_schema").is_object() ||
      !format->at("json_schema").contains("schema")) {
    return Wrong(
        "response_format should be text, or json_schema with a schema (json_object has none: say what the "
        "object is)",
        "response_format");
  }
  request->schema = format->at("json_schema").at("schema");
  return {};
}

Read ReadStop(const Json* stop, ChatRequest* request) {
  if (stop == nullptr || stop->is_null()) return {};
  const Json list = stop->is_array() ? *stop : Json::array({*stop});
  for (const Json& one : list) {
    if (!one.is_string() || one.get_ref<const std::string&>().empty() || list.size() > kMaxStops)
      return Wrong(fmt::format("stop should be a text, or up to {} of them, none empty", kMaxStops), "stop");
    request->stop.push_back(one);
  }
  return {};
}

// What both forms have.
Read ReadCommon(JsonFields& fields, ChatRequest* request) {
  double temperature = 1;
  double top_p = 1;
  int64_t seed = 0;
  int64_t n = 1;
  fields.Text("model", &request->model, 200);
  fields.Bool("stream", &request->stream);
  fields.Number("temperature", &temperature, 0, 2);
  fields.Number("top_p", &top_p, 0, 1);
  if (!fields.Integer("seed", &seed, INT64_MIN, INT64_MAX)) seed = UnixTime();
  fields.Integer("n", &n, 1, 1);
  request->sampler.temperature = static_cast<float>(temperature);
  request->sampler.top_p = static_cast<float>(top_p);
  request->sampler.seed = static_cast<uint64_t>(seed);
  if (const Json* options = fields.Object("stream_options"))
    JsonFields(*options).Bool("include_usage", &request->usage);
  return ReadStop(fields.Any("stop"), request);
}

}  // namespace

tl::expected<ChatRequest, OpenAiRefusal> ReadChatRequest(const Json& body) {
  ChatRequest request;
  JsonFields fields(body);
  const Json* messages = fields.Array("messages", 2000);
  fields.Require("messages", messages != nullptr && !messages->empty());
  if (auto read = ReadCommon(fields, &request); !read) return tl::unexpected(read.error());
  int64_t max_tokens = 0;
  int64_t likeliest = 0;
  bool logprobs = false;
  fields.Integer("max_tokens", &max_tokens, 1, 1 << 24);
  fields.Integer("max_completion_tokens", &max_tokens, 1, 1 << 24);
  fields.Bool("logprobs", &logprobs);
  fields.Integer("top_logprobs", &likeliest, 0, kMaxLogprobs);
  const Json* tools = fields.Array("tools", 256);
  const Json* choice = fields.Any("tool_choice");
  const Json* format = fields.Object("response_format");
  if (auto done = fields.Done(true); !done) return Wrong(done.error().message, "");
  request.max_tokens = static_cast<int>(max_tokens);
  request.logprobs = logprobs ? static_cast<int>(likeliest) : -1;
  if (auto read = ReadMessages(*messages, &request); !read) return tl::unexpected(read.error());
  if (auto read = ReadTools(tools, choice, &request); !read) return tl::unexpected(read.error());
  if (auto read = ReadFormat(format, &request); !read) return tl::unexpected(read.error());
  return request;
}

tl::expected<ChatRequest, OpenAiRefusal> ReadTextRequest(const Json& body) {
  ChatRequest request;
  JsonFields fields(body);
  if (auto read = ReadCommon(fields, &request); !read) return tl::unexpected(read.error());
  int64_t max_tokens = kUsualTextTokens;
  int64_t likeliest = -1;
  fields.Require("prompt", fields.Text("prompt", &request.prompt, kMaxPrompt) && !request.prompt.empty());
  fields.Integer("max_tokens", &max_tokens, 1, 1 << 24);
  fields.Integer("logprobs", &likeliest, 0, kMaxLogprobs);
  if (auto done = fields.Done(true); !done) return Wrong(done.error().message, "");
  request.max_tokens = static_cast<int>(max_tokens);
  request.logprobs = static_cast<int>(likeliest);
  return request;
}

}  // namespace sotto
