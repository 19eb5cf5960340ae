#include "brain/prompt.h"

#include <algorithm>
#include <cmath>

#include "brain/call_text.h"
#include "text/plain_figures.h"

namespace sotto {
namespace {

constexpr std::string_view kInstruction =
    "You turn what the user says on the phone into function calls. The text comes from a speech recognizer "
    "and may "
    "contain errors. Call the function that serves the request with the values that were said; leave out "
    "what was not "
    "said. Values said earlier for the same request carry over.";

// The calls as the model writes them: arguments in schema order, integral numbers without a point, free text
// of a specialist in spoken form.
std::vector<ToolCall> AsWritten(std::span<const ToolCall> calls, std::span<const OfferedTool> tools,
                                bool specialist) {
  std::vector<ToolCall> written;
  for (const ToolCall& call : calls) {
    const auto tool = std::find_if(tools.begin(), tools.end(),
                                   [&](const OfferedTool& candidate) { return candidate.name == call.name; });
    if (tool == tools.end()) {
      written.push_back(call);
      continue;
    }
    ToolCall ordered{call.name, Json::object()};
    for (const OfferedArgument& argument : tool->arguments) {
      if (call.arguments.contains(argument.name)) {
        ordered.arguments[argument.name] =
            WrittenValue(call.arguments.at(argument.name), argument, specialist);
      }
    }
    written.push_back(std::move(ordered));
  }
  return written;
}

}  // namespace

PromptForm::PromptForm(std::shared_ptr<const Model> model, ChatTemplate chat)
    : model_(std::move(model)), chat_(std::move(chat)), specialist_(chat_.name() == "sotto") {}

Result<PromptForm> PromptForm::Create(std::shared_ptr<const Model> model, std::string_view family) {
  SOTTO_ASSIGN_OR_RETURN(ChatTemplate chat, ChatTemplate::Create(model->gguf(), family));
  PromptForm form(std::move(model), std::move(chat));
  const ChatCallForm& call = form.chat_.call_form();
  form.frame_ = {call.open, call.between, call.close, call.key, -1};
  const Tokenizer& tokenizer = form.model_->tokenizer();
  if (const auto end = tokenizer.Find(call.end)) {
    form.frame_.end_token = *end;
  } else if (tokenizer.eot()) {
    form.frame_.end_token = *tokenizer.eot();
  } else if (tokenizer.eos()) {
    form.frame_.end_token = *tokenizer.eos();
  } else if (tokenizer.size() > 0) {
    return MakeError(ErrorCode::kUnsupported, "{}: the vocabulary lacks '{}', which ends a turn",
                     form.model_->path(), call.end);
  }
  return form;
}

ChatSetup PromptForm::Setup(const Workflow& workflow, std::span<const ToolSpec> tools) const {
  ChatSetup setup;
  if (specialist_) return setup;
  setup.system = workflow.assistant.name.empty() ? std::string(kInstruction)
                                                 : fmt::format("You are the voice assistant of {}. {}",
                                                               workflow.assistant.name, kInstruction);
  setup.tools.assign(tools.begin(), tools.end());
  return setup;
}

std::vector<TokenId> PromptForm::Prefix(const ChatSetup& setup) const {
  return model_->tokenizer().EncodeParts(chat_.Prefix(setup));
}

std::vector<TokenId> PromptForm::PastTurn(const ChatSetup& setup, bool first, const Turn& turn,
                                          std::span<const OfferedTool> tools) const {
  std::vector<TokenId> tokens = Opening(setup, first, turn.expectation);
  const std::vector<TokenId> utterance = Utterance(turn.user);
  tokens.insert(tokens.end(), utterance.begin(), utterance.end());
  ChatParts rest = chat_.UserClose();
  for (TextPart& part : chat_.Assistant("", AsWritten(turn.calls, tools, specialist_)))
    rest.push_back(std::move(part));
  const std::vector<TokenId> answer = model_->tokenizer().EncodeParts(rest);
  tokens.insert(tokens.end(), answer.begin(), answer.end());
  return tokens;
}

std::vector<TokenId> PromptForm::Opening(const ChatSetup& setup, bool first,
                                         const Expectation& expectation) const {
  return model_->tokenizer().EncodeParts(chat_.UserOpen(setup, first, ExpectationText(expectation)));
}

std::vector<TokenId> PromptForm::Utterance(std::string_view original) const {
  return model_->tokenizer().Encode(specialist_ ? WithPlainFigures(original) : std::string(original));
}

std::vector<TokenId> PromptForm::Close() const {
  ChatParts parts = chat_.UserClose();
  for (TextPart& part : chat_.Generation()) parts.push_back(std::move(part));
  return model_->tokenizer().EncodeParts(parts);
}

}  // namespace sotto
