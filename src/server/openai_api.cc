#include "server/openai_api.h"

#include <chrono>

#include "assistant/spoken_files.h"
#include "core/conversation_jsonl.h"
#include "server/auto_model.h"
#include "server/json_fields.h"
#include "server/multipart.h"
#include "server/openai_answer.h"
#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {
namespace {

constexpr std::chrono::seconds kAnswerWithin{20};
constexpr size_t kRecordingBytes = size_t{25} << 20;  // as the original
constexpr size_t kChatBytes = size_t{4} << 20;
constexpr size_t kSpeechBytes = 4096;  // letters of a text

using Refusal = OpenAiRefusal;

Json ModelJson(const std::string& name) {
  return {{"id", name}, {"object", "model"}, {"created", 0}, {"owned_by", "sotto"}};
}

Refusal UnknownModel(const std::string& name) {
  return {
      404,
      fmt::format("the model '{}' does not exist; GET /v1/models lists those that do", name.substr(0, 80)),
      "model", "model_not_found"};
}

// What a client asks of a completion, as far as it is served.
struct CallRequest {
  std::string model;
  Conversation history;  // before the last user message
  std::string user;      // the last user message
  Expectation expectation;
  std::vector<std::string> offered;
  ChatForm form = ChatForm::kWhole;
};

// The tools that may be called: those of the request, or the one that it names.
tl::expected<void, Refusal> ReadToolChoice(const Json* choice, const Workflow& workflow,
                                           CallRequest* request) {
  for (const ToolSpec& tool : request->history.tools) request->offered.push_back(tool.name);
  if (request->offered.empty()) {
    for (const ToolDef& tool : workflow.tools) request->offered.push_back(tool.name);
  }
  if (choice == nullptr || choice->is_null() || *choice == "auto" || *choice == "required") return {};
  if (*choice == "none") {
    return tl::unexpected(Refusal{
        400, "this model only makes tool calls: tool_choice 'none' leaves it nothing to say", "tool_choice"});
  }
  if (!choice->is_object() || !choice->contains("function") || !choice->at("function").is_object() ||
      !choice->at("function").contains("name") || !choice->at("function").at("name").is_string()) {
    return tl::unexpected(
        Refusal{400, "tool_choice should be auto, required, or name a function", "tool_choice"});
  }
  const std::string name = choice->at("function").at("name");
  if (std::find(request->offered.begin(), request->offered.end(), name) == request->offered.end())
    return tl::unexpected(
        Refusal{400, fmt::format("tool_choice names '{}', which is none of the tools", name.substr(0, 80)),
                "tool_choice"});
  request->offered = {name};
  return {};
}

tl::expected<CallRequest, Refusal> ReadChat(const Json& body, const Workflow& workflow) {
  CallRequest request;
  JsonFields fields(body);
  int64_t n = 1;
  const Json* messages = fields.Array("messages", 2000);
  const Json* tools = fields.Array("tools", 256);
  fields.Require("messages", messages != nullptr && !messages->empty());
  bool stream = false;
  fields.Bool("stream", &stream);
  fields.Integer("n", &n, 1, 1);
  const Json* options = fields.Object("stream_options");
  const Json* choice = fields.Any("tool_choice");
  const Json* format = fields.Object("response_format");
  if (auto done = fields.Done(true); !done) return tl::unexpected(Refusal{400, done.error().message});
  if (format != nullptr && format->value("type", "text") != "text")
    return tl::unexpected(
        Refusal{400, "this model only makes tool calls: response_format has no meaning", "response_format"});
  const bool usage = options != nullptr && options->value("include_usage", false);
  if (stream) request.form = usage ? ChatForm::kStreamWithUsage : ChatForm::kStream;
  Json row = {{"messages", *messages}};
  if (tools != nullptr && !tools->empty()) row["tools"] = *tools;
  auto read = ConversationFromJson(row);
  if (!read) return tl::unexpected(Refusal{400, read.error().message, "messages"});
  request.history = std::move(read->conversation);
  if (request.history.turns.empty() || !request.history.turns.back().calls.empty() ||
      messages->back().value("role", "") != "user") {
    return tl::unexpected(Refusal{400, "the last message should be the user's", "messages"});
  }
  request.user = std::move(request.history.turns.back().user);
  request.expectation = std::move(request.history.turns.back().expectation);
  request.history.turns.pop_back();
  // What was answered in words alone meant nothing that could be acted on.
  std::erase_if(request.history.turns, [](const Turn& turn) { return turn.calls.empty(); });
  if (auto chosen = ReadToolChoice(choice, workflow, &request); !chosen)
    return tl::unexpected(chosen.error());
  return request;
}

ChatReply ReplyOf(const std::string& model, const Understanding& understanding) {
  ChatReply reply;
  reply.model = model;
  for (const Understanding::Call& call : understanding.calls) {
    Json sure = Json::object();
    for (const auto& [name, confidence] : call.arguments) sure[name] = confidence;
    Json told = OpenAiCall(call.call);
    told["confidence"] = call.confidence;
    told["argument_confidence"] = std::move(sure);
    reply.calls.push_back(std::move(told));
  }
  reply.prompt_tokens = understanding.cost.prefilled;
  reply.completion_tokens = understanding.cost.decided + understanding.cost.forced;
  reply.headers =
      RouteHeaders(understanding.route, understanding.made_by == MadeBy::kCache, understanding.confidence);
  return reply;
}

}  // namespace

WebResponse OpenAiApi::ToAnswer(const Problem& problem) {
  WebResponse answer = ToOpenAi(Refusal{problem.status, problem.detail, {}, problem.type});
  if (problem.retry_after_s > 0)
    answer.headers.emplace_back("Retry-After", std::to_string(problem.retry_after_s));
  return answer;
}

size_t OpenAiApi::MaxBody(std::string_view path) {
  if (path == "/v1/audio/transcriptions") return kRecordingBytes;
  if (path == "/v1/chat/completions" || path == "/v1/completions") return kChatBytes;
  return 0;
}

void OpenAiApi::AddTo(Router& router) {
  const auto add = [&](const char* method, const char* pattern, void (OpenAiApi::*handler)(Exchange)) {
    router.Add({method, pattern, scope::kModels,
                [this, handler](Exchange exchange) { (this->*handler)(std::move(exchange)); }});
  };
  add("GET", "/v1/models", &OpenAiApi::Models);
  add("GET", "/v1/models/{id}", &OpenAiApi::OneModel);
  add("POST", "/v1/chat/completions", &OpenAiApi::Chat);
  add("POST", "/v1/completions", &OpenAiApi::Text);
  add("POST", "/v1/audio/speech", &OpenAiApi::Speech);
  add("POST", "/v1/audio/transcriptions", &OpenAiApi::Transcriptions);
}

void OpenAiApi::Models(Exchange exchange) {
  Json data = Json::array();
  for (const ServedWorkflowPtr& workflow : workflows_.All()) data.push_back(ModelJson(workflow->name));
  for (const std::string& name : models_.Names()) data.push_back(ModelJson(name));
  data.push_back(ModelJson(std::string(kAutoModel)));
  exchange.respond(ToResponse(Json{{"object", "list"}, {"data", std::move(data)}}));
}

void OpenAiApi::OneModel(Exchange exchange) {
  const std::string& name = exchange.steps[0];
  const bool there = name == kAutoModel || workflows_.Find(name) != nullptr || models_.Find(name) != nullptr;
  exchange.respond(there ? ToResponse(ModelJson(name)) : ToOpenAi(UnknownModel(name)));
}

void OpenAiApi::Chat(Exchange exchange) {
  auto body = ParseBody(exchange.request.body);
  if (!body) return exchange.respond(ToOpenAi(body.error()));
  std::string name;
  JsonFields fields(*body);
  fields.Require("model", fields.Text("model", &name, 200));
  if (const auto done = fields.Done(true); !done) return exchange.respond(ToOpenAi(done.error()));
  if (name == kAutoModel) return Auto(*std::move(body), std::move(exchange));
  if (const auto model = models_.Find(name)) {
    auto request = ReadChatRequest(*body);
    if (!request) return exchange.respond(ToOpenAi(request.error()));
    return models_.Complete(model, *std::move(request), std::move(exchange));
  }
  const ServedWorkflowPtr workflow = workflows_.Find(name);
  if (workflow == nullptr || name.empty()) return exchange.respond(ToOpenAi(UnknownModel(name)));
  CallOf(workflow, *body, std::move(exchange));
}

void OpenAiApi::Auto(Json body, Exchange exchange) {
  if (const ServedWorkflowPtr workflow = WorkflowWithTools(workflows_, body))
    return CallOf(workflow, body, std::move(exchange));
  if (gateway_ != nullptr && !gateway_->WhyNot())
    return AskGateway(*gateway_, body, metrics_, std::move(exchange));
  const std::vector<std::string> models = models_.Names();
  if (models.empty()) {
    return exchange.respond(ToOpenAi(Refusal{
        400,
        fmt::format("nobody here answers this: its tools are no workflow's, there is no language model "
                    "(`sotto serve --model`), and {}",
                    gateway_ == nullptr ? "sotto.yaml has no route" : *gateway_->WhyNot()),
        "model", "model_not_found"}));
  }
  body["model"] = models.front();
  auto request = ReadChatRequest(body);
  if (!request) return exchange.respond(ToOpenAi(request.error()));
  const auto model = models_.Find(models.front());
  const std::vector<RouteStep> route{{models.front(), RouteStep::Outcome::kAccepted}};
  exchange.respond = [respond = std::move(exchange.respond),
                      headers = RouteHeaders(route, false, -1)](WebResponse response) {
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    respond(std::move(response));
  };
  models_.Complete(model, *std::move(request), std::move(exchange));
}

void OpenAiApi::Text(Exchange exchange) {
  const auto body = ParseBody(exchange.request.body);
  if (!body) return exchange.respond(ToOpenAi(body.error()));
  auto request = ReadTextRequest(*body);
  if (!request) return exchange.respond(ToOpenAi(request.error()));
  const auto model = models_.Find(request->model);
  if (model == nullptr) {
    if (workflows_.Find(request->model) == nullptr || request->model.empty())
      return exchange.respond(ToOpenAi(UnknownModel(request->model)));
    return exchange.respond(
        ToOpenAi(Refusal{400, "this model makes tool calls; ask /v1/chat/completions", "model"}));
  }
  models_.Complete(model, *std::move(request), std::move(exchange));
}

void OpenAiApi::CallOf(const ServedWorkflowPtr& workflow, const Json& body, Exchange exchange) {
  auto request = ReadChat(body, workflow->deployment->workflow());
  if (!request) return exchange.respond(ToOpenAi(request.error()));
  request->model = workflow->name;
  // Kept by its own completion.
  const std::shared_ptr<Understander> understander = workflow->deployment->NewUnderstander(scheduler_);
  understander->Begin(request->history, request->expectation, request->offered);
  std::vector<Transcript::Hypothesis> said{{request->user}};
  understander->Commit(std::move(said), kAnswerWithin,
                       [understander, workflow, metrics = metrics_, request = *std::move(request),
                        respond = std::move(exchange.respond)](Result<Understanding> understanding) {
                         if (!understanding) return respond(ToOpenAi(understanding.error()));
                         metrics->Route(workflow->name, understanding->route);
                         respond(ToOpenAi(ReplyOf(request.model, *understanding), request.form));
                       });
}

void OpenAiApi::Speech(Exchange exchange) {
  const auto body = ParseBody(exchange.request.body);
  if (!body) return exchange.respond(ToOpenAi(body.error()));
  std::string model;
  std::string input;
  std::string voice;
  std::string format = "mp3";
  double speed = 1;
  JsonFields fields(*body);
  fields.Text("model", &model, 200);
  fields.Require("input", fields.Text("input", &input, kSpeechBytes));
  fields.Text("voice", &voice, 200);
  fields.Text("response_format", &format, 20);
  if (fields.Number("speed", &speed, 0.25, 4) && speed != 1)
    fields.Wrong("speed", "1: this voice has one speed");
  if (const auto done = fields.Done(true); !done) return exchange.respond(ToOpenAi(done.error()));
  ServedWorkflowPtr workflow = workflows_.Find(model);
  if (workflow == nullptr) workflow = workflows_.Find("");  // "tts-1": whoever speaks here
  if (!workflow->speaks())
    return exchange.respond(ToOpenAi(Refusal{400, "this server has no voice (--text-only)", "model"}));
  scheduler_.Post(
      {.blocks = true, .what = "a text to speak"},
      [workflow, input, voice, format](std::stop_token) {
        return SpeakToBytes(*workflow->deployment, input, voice, format);
      },
      [format, respond = std::move(exchange.respond)](Result<std::string> bytes) {
        if (!bytes) return respond(ToOpenAi(bytes.error()));
        WebResponse response;
        response.type = format == "mp3"    ? "audio/mpeg"
                        : format == "opus" ? "audio/ogg"
                        : format == "pcm"  ? "audio/pcm"
                                           : "audio/" + format;
        response.body = *std::move(bytes);
        respond(std::move(response));
      });
}

void OpenAiApi::Transcriptions(Exchange exchange) {
  const std::string* type = exchange.request.Header("content-type");
  auto parts = ParseMultipart(type == nullptr ? "" : *type, exchange.request.body);
  if (!parts) return exchange.respond(ToOpenAi(parts.error()));
  std::string model;
  std::string format = "json";
  std::string* file = nullptr;
  for (FormPart& part : *parts) {
    if (part.name == "file") file = &part.bytes;
    if (part.name == "model") model = part.bytes;
    if (part.name == "response_format") format = part.bytes;
  }
  if (file == nullptr) return exchange.respond(ToOpenAi(Refusal{400, "'file' is missing", "file"}));
  if (format != "json" && format != "text" && format != "verbose_json")
    return exchange.respond(
        ToOpenAi(Refusal{400, "response_format should be json, text or verbose_json", "response_format"}));
  ServedWorkflowPtr workflow = workflows_.Find(model);
  if (workflow == nullptr) workflow = workflows_.Find("");  // "whisper-1": whoever hears here
  if (!workflow->speaks())
    return exchange.respond(ToOpenAi(Refusal{400, "this server has no ears (--text-only)", "model"}));
  scheduler_.Post(
      {.blocks = true, .what = "a recording to hear"},
      [workflow, bytes = std::move(*file)](std::stop_token) mutable {
        return HearBytes(*workflow->deployment, std::move(bytes));
      },
      [format, respond = std::move(exchange.respond)](Result<HeardFile> heard) {
        if (!heard) return respond(ToOpenAi(heard.error()));
        if (format == "text") {
          WebResponse response;
          response.type = "text/plain; charset=utf-8";
          response.body = heard->text + "\n";
          return respond(std::move(response));
        }
        Json answer = {{"text", heard->text}};
        if (format == "verbose_json") {
          answer["task"] = "transcribe";
          answer["language"] = "english";
          answer["duration"] = heard->seconds;
        }
        respond(ToResponse(answer));
      });
}

}  // namespace sotto
