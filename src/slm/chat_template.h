// Prompts in the form that a model was trained on: its chat template, as a table of families written in C++
// instead of an interpreter of the metadata's jinja.
//
//   Prefix | UserOpen text UserClose | Generation -> the model writes | ... and in the history: Assistant
//
// Everything that can stand in front stands there, so that it is computed once: system text, tools, date.
// With that the prompts equal those of the published templates but for these deliberate exceptions:
//   - the date is the one that ChatSetup gives, not today's (llama3, granite3);
//   - tools and system text stay with the first turn where the template moves them to the last (mistral);
//   - families without a form for tools get them as JSON in the first turn (gemma2, phi3, mistral-v1, chatml,
//     smollm3), and calls stay in the history where the template drops them (these and granite3).
// Never with thinking: where a family can think, its empty think block is written for it. Qwen3 drops that
// block from the history, so what was computed for Generation() is not how the turn stands in the history:
// rewrites_tail().
//
// A part marked `special` is the template's own text; the other parts are what people said and never become
// control tokens (Tokenizer::EncodeParts). Immutable after construction: any thread.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tool.h"
#include "slm/gguf.h"
#include "slm/tokenizer.h"

namespace sotto {

using ChatParts = std::vector<TextPart>;

// What a conversation begins with.
struct ChatSetup {
  std::string system;           // empty: the family's own default, if it has one
  std::vector<ToolSpec> tools;  // empty: no tools
  // Stands in the prompt of some families. Pinned, so that the prefix stays the same from day to day.
  std::chrono::year_month_day date{std::chrono::year(2024), std::chrono::July, std::chrono::day(26)};
};

struct ChatMessage {
  enum class Role { kUser, kAssistant, kTool };
  Role role = Role::kUser;
  std::string content;
  std::vector<ToolCall> calls;  // kAssistant
};

// How a model writes its calls: open {"name": NAME, KEY: {...}} [between ...] close, then the end token.
struct ChatCallForm {
  std::string open;     // before the first call
  std::string between;  // between two
  std::string close;    // behind the last
  std::string key;      // "arguments" or "parameters"
  std::string end;      // text of the token that ends the turn
};

struct ChatFamily;  // a row of the table

class ChatTemplate {
 public:
  // Recognised from `tokenizer.chat_template`, or by `name` where that is not empty. Errors: no template, or
  // one of no known family; they list the names.
  static Result<ChatTemplate> Create(const GgufFile& file, std::string_view name = "");
  // The same of a jinja text; `source` is for errors, `bos` and `eos` are the texts of the model's tokens.
  static Result<ChatTemplate> Recognise(std::string_view jinja, std::string_view source, std::string_view bos,
                                        std::string_view eos);
  static Result<ChatTemplate> ByName(std::string_view name, std::string_view bos, std::string_view eos);
  // "qwen3, qwen2.5, llama3, ..."
  static std::string Names();

  std::string_view name() const;
  // Whether Generation() differs from the beginning of Assistant(): the tail has to be computed again for the
  // history.
  bool rewrites_tail() const;
  // Whether the template itself has a form for tools.
  bool has_tool_form() const;
  const ChatCallForm& call_form() const { return call_form_; }

  // BOS, system text, tools: the same for every conversation.
  ChatParts Prefix(const ChatSetup& setup) const;
  // A user turn is UserOpen, its text, UserClose. `tag`: what the assistant waits for ("ask transfer_money
  // amount"); its own token in the family sotto, "[...] " before the text in the others; may be empty.
  ChatParts UserOpen(const ChatSetup& setup, bool first, std::string_view tag = "") const;
  ChatParts UserClose() const;
  ChatParts User(const ChatSetup& setup, bool first, std::string_view text, std::string_view tag = "") const;
  // What stands before the model's own words.
  ChatParts Generation() const;
  // An answer in the history: text, calls or both.
  ChatParts Assistant(std::string_view text, std::span<const ToolCall> calls) const;
  // What a tool gave back. `before` and `after`: whether its neighbours are results too (Qwen puts them in
  // one turn).
  ChatParts ToolResult(std::string_view content, bool before = false, bool after = false) const;
  // A whole prompt.
  ChatParts Render(const ChatSetup& setup, std::span<const ChatMessage> messages, bool generation) const;

 private:
  ChatTemplate(const ChatFamily& family, std::string_view bos, std::string_view eos);

  std::string SystemText(const ChatSetup& setup) const;
  std::string CallText(const ToolCall& call, size_t index) const;

  const ChatFamily* family_;  // static storage
  std::string bos_;
  std::string eos_;
  std::string default_system_;
  ChatCallForm call_form_;
};

// The parts' texts, joined.
std::string TextOf(std::span<const TextPart> parts);

// As Python's json.dumps(value, ensure_ascii=False, indent=indent) writes it; 0: one line with ", " and ": ".
std::string PythonJson(const Json& value, int indent = 0);

}  // namespace sotto
