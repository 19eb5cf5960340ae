#include "server/openai_answer.h"

#include <chrono>
#include <memory>

#include "base/unique_id.h"
#include "server/problem.h"
#include "server/rest_api.h"

namespace sotto {
namespace {

Json UsageOf(const ChatReply& reply) {
  return {{"prompt_tokens", reply.prompt_tokens},
          {"completion_tokens", reply.completion_tokens},
          {"total_tokens", reply.prompt_tokens + reply.completion_tokens}};
}

Json ContentOf(const ChatReply& reply) { return reply.content.empty() ? Json(nullptr) : Json(reply.content); }

std::string EventsOf(const ChatReply& reply, bool usage) {
  const Json head = {{"id", "chatcmpl-" + UniqueId()},
                     {"object", "chat.completion.chunk"},
                     {"created", UnixTime()},
                     {"model", reply.model}};
  std::string text;
  const auto add = [&](Json choices, Json used) {
    Json chunk = head;
    chunk["choices"] = std::move(choices);
    if (!used.is_null()) chunk["usage"] = std::move(used);
    text += OpenAiEvent(chunk);
  };
  const auto delta = [&](Json what, Json finish) {
    add(Json::array({{{"index", 0},
                      {"delta", std::move(what)},
                      {"logprobs", nullptr},
                      {"finish_reason", std::move(finish)}}}),
        nullptr);
  };
  delta({{"role", "assistant"}, {"content", ContentOf(reply)}}, nullptr);
  for (size_t i = 0; i < reply.calls.size(); ++i) {
    Json call = reply.calls[i];
    call["index"] = i;
    delta({{"tool_calls", Json::array({std::move(call)})}}, nullptr);
  }
  delta(Json::object(), reply.finish);
  if (usage) add(Json::array(), UsageOf(reply));
  return text + kOpenAiStreamEnd;
}

}  // namespace

WebResponse ToOpenAi(const ChatReply& reply, ChatForm form) {
  WebResponse response;
  if (form == ChatForm::kWhole) {
    Json message = {{"role", "assistant"}, {"content", ContentOf(reply)}, {"refusal", nullptr}};
    if (!reply.calls.empty()) message["tool_calls"] = reply.calls;
    response = ToResponse(Json{{"id", "chatcmpl-" + UniqueId()},
                               {"object", "chat.completion"},
                               {"created", UnixTime()},
                               {"model", reply.model},
                               {"choices", Json::array({{{"index", 0},
                                                         {"message", std::move(message)},
                                                         {"logprobs", nullptr},
                                                         {"finish_reason", reply.finish}}})},
                               {"usage", UsageOf(reply)}});
  } else {
    response.type = "text/event-stream";
    response.stream = [text = EventsOf(reply, form == ChatForm::kStreamWithUsage)](
                          const std::shared_ptr<StreamWriter>& writer) {
      writer->Write(text);
      writer->End();
    };
  }
  response.headers.insert(response.headers.end(), reply.headers.begin(), reply.headers.end());
  return response;
}

Json OpenAiCall(const ToolCall& call) {
  return {{"id", "call_" + UniqueId().substr(0, 24)},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments.dump()}}}};
}

HttpFields RouteHeaders(std::span<const RouteStep> route, bool kept, double confidence) {
  using Outcome = RouteStep::Outcome;
  std::string who = "specialist";  // where there was nobody to choose between
  double cost = 0;
  for (const RouteStep& step : route) {
    cost += step.cost;
    if (step.outcome == Outcome::kAccepted || step.outcome == Outcome::kTaken) who = step.step;
  }
  HttpFields headers{{"x-sotto-route", who},
                     {"x-sotto-cache", kept ? "hit" : "miss"},
                     {"x-sotto-cost", fmt::format("{:.6f}", cost)}};
  if (confidence >= 0) headers.emplace_back("x-sotto-confidence", fmt::format("{:.4f}", confidence));
  return headers;
}

WebResponse ToOpenAi(const OpenAiRefusal& refusal) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  const char* type = refusal.status >= 500 ? "server_error" : "invalid_request_error";
  return ToResponse(Json{{"error",
                          {{"message", refusal.message},
                           {"type", type},
                           {"param", or_null(refusal.param)},
                           {"code", or_null(refusal.code)}}}},
                    refusal.status);
}

WebResponse ToOpenAi(const Error& error) {
  const Problem problem = ToProblem(error);
  return ToOpenAi(OpenAiRefusal{problem.status, problem.detail});
}

int64_t UnixTime() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string OpenAiEvent(const Json& chunk) {
  return "data: " + chunk.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
}

}  // namespace sotto
