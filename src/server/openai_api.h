// The OpenAI-compatible endpoints (docs/formats/openai.md), so that programs written for that interface use Sotto
// unchanged. A model is a workflow that is served: its specialist makes tool calls of what the user says, its
// ears transcribe, its voice speaks; a language model that is offered beside them (server/language_models.h); or
// "auto": whichever of them fits, else the endpoints of the route (server/auto_model.h).
//
//   GET  /v1/models, /v1/models/{id}
//   POST /v1/chat/completions       messages and tools in, tool calls out; whole or streamed
//   POST /v1/completions            a text in, how it goes on out (language models)
//   POST /v1/audio/speech           text in, a recording out
//   POST /v1/audio/transcriptions   a recording in, text out
//
// Errors are in that interface's own form: {"error": {"message", "type", "param", "code"}}. Adds its routes; lives
// as long as the router. Any thread.
#pragma once

#include "assistant/chat_gateway.h"
#include "base/scheduler.h"
#include "server/language_models.h"
#include "server/metrics.h"
#include "server/problem.h"
#include "server/router.h"
#include "server/served_workflow.h"

namespace sotto {

class OpenAiApi {
 public:
  // All outlive it. `gateway` null: there is no route to models elsewhere.
  OpenAiApi(Scheduler& scheduler, const ServedWorkflows& workflows, LanguageModels& models,
            ChatGateway* gateway, ServerMetrics* metrics)
      : scheduler_(scheduler), workflows_(workflows), models_(models), gateway_(gateway), metrics_(metrics) {}

  void AddTo(Router& router);

  // A refusal in this interface's form.
  static WebResponse ToAnswer(const Problem& problem);
  // Of a request to this path; 0: as usual.
  static size_t MaxBody(std::string_view path);

 private:
  void Models(Exchange exchange);
  void OneModel(Exchange exchange);
  void Chat(Exchange exchange);
  void Auto(Json body, Exchange exchange);
  void CallOf(const ServedWorkflowPtr& workflow, const Json& body, Exchange exchange);
  void Text(Exchange exchange);
  void Speech(Exchange exchange);
  void Transcriptions(Exchange exchange);

  Scheduler& scheduler_;
  const ServedWorkflows& workflows_;
  LanguageModels& models_;
  ChatGateway* const gateway_;
  ServerMetrics* const metrics_;
};

}  // namespace sotto
