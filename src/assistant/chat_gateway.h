// What programs ask of `model: auto` and no workflow here does (docs/formats/openai.md): it goes to the models
// elsewhere that the route names, in the order of its steps, under the route's privacy, budget and breakers.
//
//   kept answer -> first endpoint --failed, late, left alone--> next endpoint ... -> the last error
//
// Personal data leaves as pseudonyms and stands in its place again in words and calls; with `privacy: local`,
// the default, nothing leaves. Answers to requests with temperature 0 and without results of tools are kept, a
// tenant's for nobody else, where the route has a cache. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assistant/open_route.h"
#include "core/understanding.h"
#include "route/timed_lru.h"

namespace sotto {

class ChatGateway {
 public:
  struct Answer {
    std::string content;
    std::vector<ToolCall> calls;
    std::string finish;  // "stop", "length", "tool_calls"
    std::string model;   // as the endpoint calls it
    int prompt_tokens = 0;
    int completion_tokens = 0;
    bool kept = false;             // nobody was asked
    double cost = 0;               // USD
    std::vector<RouteStep> route;  // who was asked, in order
  };
  // Told once, from any thread, possibly before Complete returns; neither waits nor throws.
  using Done = std::function<void(Result<Answer>)>;

  // kInvalidArgument: the audit file cannot be written, and the like.
  static Result<std::shared_ptr<ChatGateway>> Create(std::shared_ptr<RouteResources> resources);

  // Why nothing can be asked through it; nothing: it can.
  std::optional<std::string> WhyNot() const;

  // `request`: the fields of a chat completion that a model reads (messages, tools, temperature, ...), in
  // OpenAI's form. Errors say nothing of what was asked.
  void Complete(Json request, const std::string& tenant, Done done);

 private:
  struct Shared;
  class Passage;
  explicit ChatGateway(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  const std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
