// sotto ask: a question, and the sentences of an index that answer it (retrieve/answer.h).
#include <iostream>

#include "assistant/language_model.h"
#include "base/http_client.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/text_input.h"
#include "learn/teacher.h"
#include "retrieve/answer.h"
#include "retrieve/support.h"

namespace sotto {
namespace {

struct AskFlags {
  std::vector<std::string> questions;
  std::vector<std::string> context;
  std::string index;
  Query query;
  AnswerOptions options;
  std::string model;
  ChatEndpoint endpoint;
  bool json = false;
};

// What writes an answer from quotes, where one is wanted.
using Writer = std::function<Result<std::string>(const std::string& prompt)>;

Result<Writer> OpenWriter(const AskFlags& flags) {
  if (!flags.endpoint.url.empty()) {
    ChatEndpoint endpoint = flags.endpoint;
    if (const char* key = std::getenv("SOTTO_CHAT_KEY")) endpoint.api_key = key;
    return Writer([chat = std::shared_ptr<ChatModel>(ConnectChatModel(endpoint))](const std::string& prompt) {
      return chat->Complete(Json::array({{{"role", "user"}, {"content", prompt}}}), 0, 1);
    });
  }
  if (flags.model.empty()) return Writer();
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const LanguageModel> model, LanguageModel::Open(flags.model, {}));
  if (model->chat() == nullptr)
    return MakeError(ErrorCode::kUnsupported, "{}: the model has no chat template that is known",
                     flags.model);
  return Writer([model](const std::string& prompt) -> Result<std::string> {
    ChatMessage message;
    message.content = prompt;
    CompletionRequest request;
    request.prompt = model->PromptOf(ChatSetup{}, {&message, 1});
    request.max_tokens = 160;
    request.sampler.temperature = 0;
    SOTTO_ASSIGN_OR_RETURN(const Completion done, model->Complete(request));
    return done.text;
  });
}

// The model's sentences that the quotes support, in place of the quote; none: the quote stays.
Result<Json> Write(const Index& index, const Writer& writer, DocumentAnswer& answer) {
  Json json = ToJson(answer);
  if (!writer || !answer.answered) return json;
  SOTTO_ASSIGN_OR_RETURN(const std::string written, writer(GroundedPrompt(answer)));
  const CheckedText checked = CheckSupport(index, answer, written);
  json["removed"] = checked.removed;
  if (checked.supported.empty()) {
    json["written"] = nullptr;
    return json;
  }
  answer.text = checked.text();
  json["answer"] = json["written"] = answer.text;
  Json citations = Json::array();
  for (const SupportedSentence& sentence : checked.supported) {
    Json citation = ToJson(answer.hits[sentence.hit].citation);
    citation["quote"] = answer.hits[sentence.hit].quote;
    citation["answer"] = sentence.text;
    citation["score"] = sentence.coverage;
    citations.push_back(std::move(citation));
  }
  json["citations"] = std::move(citations);
  return json;
}

void Print(const DocumentAnswer& answer, const Json& json, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
    return;
  }
  if (answer.answered) {
    const Hit& hit = answer.hits[answer.best];
    fmt::print("{}\n  [{}] confidence {:.2f}\n", answer.text, ToString(hit.citation), answer.confidence);
  } else {
    fmt::print("The documents do not answer that (confidence {:.2f}, needed {:.2f}).\n", answer.confidence,
               answer.threshold);
  }
  for (size_t i = 0; i < answer.hits.size(); ++i)
    fmt::print("  {}. {}: {}\n", i + 1, ToString(answer.hits[i].citation), answer.hits[i].quote);
}

Result<void> Ask(AskFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto index, Index::Open(flags.index));
  SOTTO_ASSIGN_OR_RETURN(const Writer writer, OpenWriter(flags));
  for (const std::string& line : flags.context) flags.query.context += CleanText(line, "--context") + "\n";
  const auto ask = [&](const std::string& question) -> Result<void> {
    Query query = flags.query;
    query.text = question;
    SOTTO_ASSIGN_OR_RETURN(DocumentAnswer answer, AskIndex(*index, query, flags.options));
    SOTTO_ASSIGN_OR_RETURN(const Json json, Write(*index, writer, answer));
    Print(answer, json, flags.json);
    return {};
  };
  for (const std::string& question : flags.questions)
    SOTTO_RETURN_IF_ERROR(ask(CleanText(question, "argument QUESTION")));
  if (!flags.questions.empty()) return {};
  std::string line;
  for (int number = 0; NextLine(std::cin, "standard input", number, line);) SOTTO_RETURN_IF_ERROR(ask(line));
  return {};
}

}  // namespace

void RegisterAsk(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("ask", "Ask an index: the sentences that answer, and where they stand");
  auto flags = std::make_shared<AskFlags>();
  command->add_option("questions", flags->questions, "Questions; without any, the lines of standard input");
  command->add_option("--index", flags->index, "What `sotto index build` made")
      ->required()
      ->envname("SOTTO_INDEX");
  command->add_option("--k", flags->options.k, "Passages")->check(CLI::Range(1, 100))->capture_default_str();
  command->add_option("--context", flags->context,
                      "What was asked before, for questions like \"and for savings?\"");
  command->add_option("--group", flags->query.groups, "A group of who asks: sees what is for it; several");
  command->add_option("--threshold", flags->options.threshold, "Confidence below which nothing is answered")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--model", flags->model,
                      "A GGUF that writes the answer from the quotes; checked sentence by sentence");
  command->add_option("--chat", flags->endpoint.url,
                      "The same by an OpenAI endpoint: http://127.0.0.1:8080/v1 (key: "
                      "SOTTO_CHAT_KEY); the quotes leave this machine");
  command->add_option("--chat-model", flags->endpoint.model, "The model's name there");
  command->add_flag("--json", flags->json, "Answer, citations and hits as JSON, one object a question");
  command->footer(
      "Example:\n  sotto ask \"what does a stop payment cost\" --index policies.index\n"
      "  sotto ask \"and for savings?\" --context \"what is the monthly fee of checking\" --index "
      "policies.index --json");
  command->callback([flags, &context] {
    if (const auto done = Ask(*flags); !done) context.Fail(done.error());
  });
}

}  // namespace sotto
