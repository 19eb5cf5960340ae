#include "server/auto_model.h"

#include <algorithm>

#include "server/json_fields.h"
#include "server/openai_answer.h"

namespace sotto {
namespace {

// What a model reads of a request; everything else is this server's own business.
constexpr const char* kPassedOn[] = {"messages",    "tools",      "tool_choice",      "parallel_tool_calls",
                                     "temperature", "top_p",      "response_format",  "stop",
                                     "seed",        "max_tokens", "presence_penalty", "frequency_penalty"};

std::string_view ToolName(const Json& tool) {
  if (!tool.is_object() || !tool.contains("function")) return "";
  const Json& function = tool.at("function");
  if (!function.is_object() || !function.contains("name") || !function.at("name").is_string()) return "";
  return function.at("name").get_ref<const std::string&>();
}

tl::expected<ChatForm, OpenAiRefusal> ReadForm(const Json& body) {
  JsonFields fields(body);
  bool stream = false;
  int64_t n = 1;
  const Json* messages = fields.Array("messages", 2000);
  fields.Array("tools", 256);
  fields.Require("messages", messages != nullptr && !messages->empty());
  fields.Bool("stream", &stream);
  fields.Integer("n", &n, 1, 1);
  const Json* options = fields.Object("stream_options");
  if (auto done = fields.Done(true); !done) return tl::unexpected(OpenAiRefusal{400, done.error().message});
  for (const Json& message : *messages) {
    if (!message.is_object() || !message.contains("role") || !message.at("role").is_string())
      return tl::unexpected(OpenAiRefusal{400, "each message should have a role", "messages"});
  }
  if (!stream) return ChatForm::kWhole;
  const bool usage = options != nullptr && options->value("include_usage", false);
  return usage ? ChatForm::kStreamWithUsage : ChatForm::kStream;
}

ChatReply ReplyOf(ChatGateway::Answer answer) {
  ChatReply reply;
  reply.model = std::move(answer.model);
  reply.content = std::move(answer.content);
  for (const ToolCall& call : answer.calls) reply.calls.push_back(OpenAiCall(call));
  reply.finish = std::move(answer.finish);
  reply.prompt_tokens = answer.prompt_tokens;
  reply.completion_tokens = answer.completion_tokens;
  reply.headers = RouteHeaders(answer.route, answer.kept, -1);
  return reply;
}

}  // namespace

ServedWorkflowPtr WorkflowWithTools(const ServedWorkflows& workflows, const Json& body) {
  const auto tools = body.find("tools");
  if (tools == body.end() || !tools->is_array() || tools->empty()) return nullptr;
  for (const ServedWorkflowPtr& workflow : workflows.All()) {
    const Workflow& served = workflow->deployment->workflow();
    if (std::all_of(tools->begin(), tools->end(),
                    [&](const Json& tool) { return served.FindTool(ToolName(tool)) != nullptr; }))
      return workflow;
  }
  return nullptr;
}

void AskGateway(ChatGateway& gateway, const Json& body, ServerMetrics* metrics, Exchange exchange) {
  const auto form = ReadForm(body);
  if (!form) return exchange.respond(ToOpenAi(form.error()));
  Json request = Json::object();
  for (const char* field : kPassedOn) {
    if (const auto found = body.find(field); found != body.end() && !found->is_null())
      request[field] = *found;
  }
  if (const auto most = body.find("max_completion_tokens"); most != body.end() && !most->is_null())
    request["max_tokens"] = *most;
  gateway.Complete(
      std::move(request), exchange.client.name,
      [form = *form, metrics, respond = std::move(exchange.respond)](Result<ChatGateway::Answer> answer) {
        if (!answer) return respond(ToOpenAi(answer.error()));
        metrics->Route(std::string(kAutoModel), answer->route);
        respond(ToOpenAi(ReplyOf(*std::move(answer)), form));
      });
}

}  // namespace sotto
