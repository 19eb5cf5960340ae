#include "server/language_models.h"

#include <atomic>

#include "base/unique_id.h"
#include "server/openai_answer.h"
#include "server/rest_api.h"

namespace sotto {

struct LanguageModels::Shared {
  explicit Shared(size_t limit) : most(limit) {}
  const size_t most;
  std::atomic<size_t> under_way{0};
  std::atomic<bool> stopping{false};
};

namespace {

// One answer, as it is written: whole, or in events.
class WrittenAnswer {
 public:
  WrittenAnswer(std::shared_ptr<const LanguageModel> model, const ChatRequest& request)
      : model_(std::move(model)),
        chat_(request.prompt.empty()),
        logprobs_(request.logprobs >= 0),
        usage_(request.usage),
        head_{{"id", (chat_ ? "chatcmpl-" : "cmpl-") + UniqueId()},
              {"object", ""},
              {"created", UnixTime()},
              {"model", request.model}} {}

  std::string First() const {
    if (!chat_) return "";
    return Piece({{"role", "assistant"}, {"content", ""}}, nullptr);
  }
  std::string Text(std::string_view piece) const {
    return chat_ ? Piece({{"content", piece}}, nullptr) : Piece(std::string(piece), nullptr);
  }
  std::string Last(const Completion& done) const {
    std::string text;
    Json calls = ToolCallsOf(done);
    for (size_t i = 0; i < calls.size(); ++i) {
      calls[i]["index"] = i;
      text += Piece({{"tool_calls", Json::array({calls[i]})}}, nullptr);
    }
    text += Piece(chat_ ? Json::object() : Json(""), FinishOf(done));
    if (usage_) {
      Json chunk = Chunk(Json::array());
      chunk["usage"] = UsageOf(done);
      text += OpenAiEvent(chunk);
    }
    return text + kOpenAiStreamEnd;
  }
  Json Whole(const Completion& done) const {
    Json choice = {{"index", 0}};
    if (chat_) {
      Json message = {{"role", "assistant"}, {"content", done.text}, {"refusal", nullptr}};
      if (!done.calls.empty()) {
        if (done.text.empty()) message["content"] = nullptr;
        message["tool_calls"] = ToolCallsOf(done);
      }
      choice["message"] = std::move(message);
    } else {
      choice["text"] = done.text;
    }
    choice["logprobs"] = logprobs_ ? LogprobsOf(done) : Json(nullptr);
    choice["finish_reason"] = FinishOf(done);
    Json whole = head_;
    whole["object"] = chat_ ? "chat.completion" : "text_completion";
    whole["choices"] = Json::array({std::move(choice)});
    whole["usage"] = UsageOf(done);
    return whole;
  }

 private:
  Json Chunk(Json choices) const {
    Json chunk = head_;
    chunk["object"] = chat_ ? "chat.completion.chunk" : "text_completion";
    chunk["choices"] = std::move(choices);
    return chunk;
  }
  std::string Piece(Json delta, Json finish) const {
    return OpenAiEvent(Chunk(Json::array({{{"index", 0},
                                           {chat_ ? "delta" : "text", std::move(delta)},
                                           {"logprobs", nullptr},
                                           {"finish_reason", std::move(finish)}}})));
  }
  const char* FinishOf(const Completion& done) const {
    if (done.finish == Completion::Finish::kLength) return "length";
    return done.calls.empty() ? "stop" : "tool_calls";
  }
  static Json UsageOf(const Completion& done) {
    return {{"prompt_tokens", done.prompt_tokens},
            {"completion_tokens", done.completion_tokens},
            {"total_tokens", done.prompt_tokens + done.completion_tokens},
            {"prompt_tokens_details", {{"cached_tokens", done.cached_tokens}}}};
  }
  Json ToolCallsOf(const Completion& done) const {
    Json calls = Json::array();
    for (WrittenCall& call : CallsOf(*model_, done)) {
      calls.push_back(
          {{"id", "call_" + UniqueId().substr(0, 24)},
           {"type", "function"},
           {"function", {{"name", std::move(call.name)}, {"arguments", std::move(call.arguments)}}}});
    }
    return calls;
  }
  Json TokenJson(const TokenChance& chance) const {
    const std::string text =
        model_->tokenizer().Decode({&chance.token, 1}, {.special = true, .continuation = true});
    Json bytes = Json::array();
    for (const char byte : text) bytes.push_back(static_cast<unsigned char>(byte));
    return {{"token", text}, {"logprob", chance.logprob}, {"bytes", std::move(bytes)}};
  }
  Json LogprobsOf(const Completion& done) const {
    Json content = Json::array();
    for (const Completion::Token& token : done.tokens) {
      Json one = TokenJson(token.chosen);
      one["top_logprobs"] = Json::array();
      for (const TokenChance& other : token.likeliest) one["top_logprobs"].push_back(TokenJson(other));
      content.push_back(std::move(one));
    }
    if (chat_) return {{"content", std::move(content)}};
    Json old = {
        {"tokens", Json::array()}, {"token_logprobs", Json::array()}, {"top_logprobs", Json::array()}};
    for (const Json& one : content) {
      old["tokens"].push_back(one.at("token"));
      old["token_logprobs"].push_back(one.at("logprob"));
      Json likeliest = Json::object();
      for (const Json& other : one.at("top_logprobs"))
        likeliest[other.at("token").get<std::string>()] = other.at("logprob");
      old["top_logprobs"].push_back(std::move(likeliest));
    }
    return old;
  }

  const std::shared_ptr<const LanguageModel> model_;
  const bool chat_;
  const bool logprobs_;
  const bool usage_;
  const Json head_;
};

Result<CompletionRequest> ToCompletion(const LanguageModel& model, const ChatRequest& request) {
  CompletionRequest completion;
  completion.max_tokens = request.max_tokens;
  completion.sampler = request.sampler;
  completion.stop = request.stop;
  completion.logprobs = request.logprobs;
  if (!request.prompt.empty()) {
    completion.prompt = model.PromptOf(request.prompt);
    return completion;
  }
  if (model.chat() == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "this model has no chat template; ask /v1/completions");
  ChatSetup setup = request.setup;
  if (request.call == ChatRequest::Call::kNever) setup.tools.clear();
  if (!setup.tools.empty()) {
    const ChatCallForm& form = model.chat()->call_form();
    SOTTO_ASSIGN_OR_RETURN(completion.call, model.FormOfCalls(setup.tools));
    completion.call_open = form.open;
    completion.call_close = form.close;
    completion.call_first = request.call == ChatRequest::Call::kMust;
  }
  if (request.schema) {
    SOTTO_ASSIGN_OR_RETURN(completion.form, model.FormOf(*request.schema, "response_format"));
  }
  completion.prompt = model.PromptOf(setup, request.messages);
  return completion;
}

}  // namespace

LanguageModels::LanguageModels(Scheduler& scheduler, ByName models, size_t most)
    : scheduler_(scheduler), models_(std::move(models)), shared_(std::make_shared<Shared>(most)) {}

LanguageModels::~LanguageModels() {
  shared_->stopping = true;
  for (size_t left = shared_->under_way; left > 0; left = shared_->under_way) shared_->under_way.wait(left);
}

std::shared_ptr<const LanguageModel> LanguageModels::Find(std::string_view name) const {
  const auto found = models_.find(name);
  return found == models_.end() ? nullptr : found->second;
}

std::vector<std::string> LanguageModels::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, model] : models_) names.push_back(name);
  return names;
}

tl::expected<LanguageModels::Writing, OpenAiRefusal> LanguageModels::Prepare(
    const std::shared_ptr<const LanguageModel>& model, const ChatRequest& request) {
  auto completion = ToCompletion(*model, request);
  if (!completion) return tl::unexpected(OpenAiRefusal{400, completion.error().message});
  if (shared_->under_way >= shared_->most)
    return tl::unexpected(OpenAiRefusal{503, "too many completions are being written; try again soon"});
  const std::shared_ptr<const void> held(nullptr, [shared = shared_](const void*) {
    --shared->under_way;
    shared->under_way.notify_all();
  });
  ++shared_->under_way;
  return [this, model, held, completion = *std::move(completion)](LanguageModel::Told told, Done done) {
    scheduler_.Post(
        {.blocks = true, .what = "a completion"},
        [model, completion, told = std::move(told), shared = shared_](std::stop_token stop) {
          return model->Complete(completion, [&](std::string_view piece) {
            return !stop.stop_requested() && !shared->stopping && told(piece);
          });
        },
        [held, done = std::move(done)](Result<Completion> completed) { done(std::move(completed)); });
  };
}

void LanguageModels::Complete(const std::shared_ptr<const LanguageModel>& model, ChatRequest request,
                              Exchange exchange) {
  auto writing = Prepare(model, request);
  if (!writing) {
    WebResponse refusal = ToOpenAi(writing.error());
    if (writing.error().status == 503) refusal.headers.emplace_back("Retry-After", "1");
    return exchange.respond(std::move(refusal));
  }
  const auto answer = std::make_shared<const WrittenAnswer>(model, request);
  if (!request.stream) {
    return (*writing)([](std::string_view) { return true; },
                      [answer, respond = std::move(exchange.respond)](Result<Completion> done) {
                        respond(done ? ToResponse(answer->Whole(*done)) : ToOpenAi(done.error()));
                      });
  }
  WebResponse response;
  response.type = "text/event-stream";
  response.comment = ":\n\n";
  response.stream = [write = *std::move(writing), answer](const std::shared_ptr<StreamWriter>& writer) {
    if (const std::string first = answer->First(); !first.empty()) writer->Write(first);
    write(
        [answer, writer](std::string_view piece) { return writer->Write(answer->Text(piece)); },
        [answer, writer](Result<Completion> done) {
          writer->Write(
              done ? answer->Last(*done)
                   : OpenAiEvent({{"error", {{"message", done.error().message}, {"type", "server_error"}}}}));
          writer->End();
        });
  };
  exchange.respond(std::move(response));
}

std::vector<WrittenCall> CallsOf(const LanguageModel& model, const Completion& done) {
  std::vector<WrittenCall> calls;
  for (const std::string& text : done.calls) {
    const auto call = ParseJson(text, "call");
    const std::string& key = model.chat()->call_form().key;
    const bool whole = call && call->contains("name") && call->contains(key);
    calls.push_back({whole ? call->at("name").get<std::string>() : "", whole ? call->at(key).dump() : text});
  }
  return calls;
}

}  // namespace sotto
