#include "slm/chat_template.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {

// Where the system text and the tools stand.
enum class SystemForm {
  kChatMl,      // a system turn, tools within it in Qwen's words
  kSmolLm3,     // a system turn with headings
  kLlama3,      // a system turn; tools open the first user turn
  kGranite3,    // a system turn and a turn for the tools
  kOpensFirst,  // both open the first user turn (gemma2)
  kMistral,     // tools before the first user turn, system text opens it
  kPhi3,        // a system turn, if there is something to say
  kNone,        // neither: the model knows its tools (sotto)
};

struct ChatFamily {
  std::string_view name;
  SystemForm system;
  bool bos;        // the template writes BOS itself
  bool trims;      // contents are trimmed
  bool tool_form;  // of its own
  std::string_view user_open, user_close;
  std::string_view assistant_open, generation_tail, history_tail, assistant_close;
  ChatCallForm calls;
  std::string_view default_system = "";
};

namespace {

constexpr std::string_view kQwenCallRules =
    "For each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> "
    "XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";
constexpr std::string_view kQwenDefault =
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";
constexpr std::string_view kSmolLm2Default =
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face";
constexpr std::string_view kSmolLm3Default =
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face.";
constexpr std::string_view kPlainDefault = "You are a helpful assistant.";

const ChatCallForm kQwenCalls{"<tool_call>\n", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>", "arguments",
                              "<|im_end|>"};
ChatCallForm JsonCalls(std::string end) { return {"", "\n", "", "arguments", std::move(end)}; }
ChatCallForm MistralCalls(std::string open) { return {std::move(open), ", ", "]", "arguments", ""}; }

// Rows differ in what a template writes around a turn. An empty `calls.end`: the model's EOS.
const std::vector<ChatFamily>& Families() {
  static const std::vector<ChatFamily> families = {
      {"qwen3", SystemForm::kChatMl, false, false, true, "<|im_start|>user\n", "<|im_end|>\n",
       "<|im_start|>assistant\n", "<think>\n\n</think>\n\n", "", "<|im_end|>\n", kQwenCalls},
      {"qwen2.5", SystemForm::kChatMl, false, false, true, "<|im_start|>user\n", "<|im_end|>\n",
       "<|im_start|>assistant\n", "", "", "<|im_end|>\n", kQwenCalls, kQwenDefault},
      {"llama3",
       SystemForm::kLlama3,
       true,
       true,
       true,
       "<|start_header_id|>user<|end_header_id|>\n\n",
       "<|eot_id|>",
       "<|start_header_id|>assistant<|end_header_id|>\n\n",
       "",
       "",
       "<|eot_id|>",
       {"", "\n", "", "parameters", "<|eot_id|>"}},
      {"smollm3", SystemForm::kSmolLm3, false, false, false, "<|im_start|>user\n", "<|im_end|>\n",
       "<|im_start|>assistant\n", "<think>\n\n</think>\n", "<think>\n\n</think>\n", "<|im_end|>\n",
       kQwenCalls, kSmolLm3Default},
      {"chatml", SystemForm::kChatMl, false, false, false, "<|im_start|>user\n", "<|im_end|>\n",
       "<|im_start|>assistant\n", "", "", "<|im_end|>\n", kQwenCalls},
      {"gemma2", SystemForm::kOpensFirst, true, true, false, "<start_of_turn>user\n", "<end_of_turn>\n",
       "<start_of_turn>model\n", "", "", "<end_of_turn>\n", JsonCalls("<end_of_turn>")},
      {"phi3", SystemForm::kPhi3, false, false, false, "<|user|>\n", "<|end|>\n", "<|assistant|>\n", "", "",
       "<|end|>\n", JsonCalls("<|end|>")},
      {"granite3",
       SystemForm::kGranite3,
       false,
       false,
       true,
       "<|start_of_role|>user<|end_of_role|>",
       "<|end_of_text|>\n",
       "<|start_of_role|>assistant<|end_of_role|>",
       "",
       "",
       "<|end_of_text|>\n",
       {"<|tool_call|>[", ", ", "]", "arguments", "<|end_of_text|>"}},
      {"mistral", SystemForm::kMistral, true, false, true, "[INST]", "[/INST]", "", "", "", "",
       MistralCalls("[TOOL_CALLS][")},
      {"mistral-v3", SystemForm::kMistral, true, false, true, "[INST] ", "[/INST]", "", "", "", "",
       MistralCalls("[TOOL_CALLS] [")},
      {"mistral-v1", SystemForm::kOpensFirst, true, false, false, "[INST] ", " [/INST]", "", "", "", "",
       JsonCalls("")},
      {"sotto",
       SystemForm::kNone,
       true,
       false,
       true,
       "<|user|>",
       "",
       "<|call|>",
       "",
       "",
       "<|end|>",
       {"", "", "", "arguments", "<|end|>"}},
  };
  return families;
}

const ChatFamily* FindFamily(std::string_view name) {
  for (const ChatFamily& family : Families()) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

// The family of a jinja text: by the words that only it writes.
std::string_view FamilyNameOf(std::string_view jinja) {
  const auto has = [jinja](std::string_view text) { return jinja.find(text) != std::string_view::npos; };
  if (has("<|start_header_id|>")) return "llama3";
  if (has("<start_of_turn>")) return "gemma2";
  if (has("<|start_of_role|>")) return "granite3";
  if (has("<|user|>") && has("<|call|>")) return "sotto";
  if (has("<|user|>") && has("<|end|>") && has("<|assistant|>")) return "phi3";
  if (has("[INST]") && !has("<<SYS>>")) {
    if (has("[AVAILABLE_TOOLS] [")) return "mistral-v3";
    return has("[AVAILABLE_TOOLS]") ? "mistral" : "mistral-v1";
  }
  if (has("<|im_start|>")) {
    if (has("## Metadata")) return "smollm3";
    if (has("enable_thinking") || has("<think>")) return "qwen3";
    return has("# Tools") ? "qwen2.5" : "chatml";
  }
  return "";
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\r\f\v";
  const size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

// Collects parts, joining neighbours of the same kind.
class PartsBuilder {
 public:
  PartsBuilder& Special(std::string_view text) { return Add(text, true); }
  PartsBuilder& Text(std::string_view text) { return Add(text, false); }
  PartsBuilder& Append(const ChatParts& parts) {
    for (const TextPart& part : parts) Add(part.text, part.special);
    return *this;
  }
  ChatParts Take() { return std::move(parts_); }

 private:
  PartsBuilder& Add(std::string_view text, bool special) {
    if (text.empty()) return *this;
    if (!parts_.empty() && parts_.back().special == special) {
      parts_.back().text += text;
    } else {
      parts_.push_back({std::string(text), special});
    }
    return *this;
  }

  ChatParts parts_;
};

std::string ToolLines(const std::vector<ToolSpec>& tools) {
  std::string lines;
  for (const ToolSpec& tool : tools) lines += "\n" + PythonJson(ToJson(tool));
  return lines;
}

// For families without words of their own.
std::string PlainTools(const std::vector<ToolSpec>& tools) {
  return "You can call these functions:" + ToolLines(tools) +
         "\nAnswer with a JSON object {\"name\": function name, \"arguments\": dictionary of argument name "
         "and its "
         "value} and nothing else. Leave out arguments that were not mentioned.";
}

std::string LlamaTools(const std::vector<ToolSpec>& tools) {
  std::string text =
      "Given the following functions, please respond with a JSON for a function call with its proper "
      "arguments that "
      "best answers the given prompt.\n\nRespond in the format {\"name\": function name, \"parameters\": "
      "dictionary "
      "of argument name and its value}.Do not use variables.\n\n";
  for (const ToolSpec& tool : tools) text += PythonJson(ToJson(tool), 4) + "\n\n";
  return text;
}

std::string JsonArray(const std::vector<ToolSpec>& tools, int indent) {
  Json array = Json::array();
  for (const ToolSpec& tool : tools) array.push_back(ToJson(tool));
  return PythonJson(array, indent);
}

constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};

// "26 Jul 2024"
std::string ShortDate(std::chrono::year_month_day date) {
  SOTTO_CHECK(date.ok());
  return fmt::format("{:02} {} {}", static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1].substr(0, 3),
                     static_cast<int>(date.year()));
}

// "July 26, 2024"
std::string LongDate(std::chrono::year_month_day date) {
  SOTTO_CHECK(date.ok());
  return fmt::format("{} {:02}, {}", kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<unsigned>(date.day()), static_cast<int>(date.year()));
}

void QwenTools(PartsBuilder& out, const std::vector<ToolSpec>& tools) {
  out.Special(
         "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided "
         "with "
         "function signatures within <tools></tools> XML tags:\n<tools>")
      .Text(ToolLines(tools))
      .Special("\n</tools>\n\n")
      .Special(kQwenCallRules);
}

void SmolLm3System(PartsBuilder& out, std::string_view system, const std::vector<ToolSpec>& tools) {
  out.Special(
      "<|im_start|>system\n## Metadata\n\nKnowledge Cutoff Date: June 2025\nReasoning Mode: /no_think\n\n"
      "## Custom Instructions\n\n");
  out.Text(system).Special("\n\n");
  if (!tools.empty()) {
    out.Special(
           "### Tools\n\nYou may call one or more functions to assist with the user query.\nYou are provided "
           "with "
           "function signatures within <tools></tools> XML tags:\n\n<tools>")
        .Text(ToolLines(tools))
        .Special("\n</tools>\n\n")
        .Special(kQwenCallRules)
        .Special("\n\n");
  }
  out.Special("<|im_end|>\n");
}

}  // namespace

ChatTemplate::ChatTemplate(const ChatFamily& family, std::string_view bos, std::string_view eos)
    : family_(&family),
      bos_(bos),
      eos_(eos),
      default_system_(family.default_system),
      call_form_(family.calls) {
  if (call_form_.end.empty()) call_form_.end = eos_;
}

std::string ChatTemplate::Names() {
  std::string names;
  for (const ChatFamily& family : Families()) names.append(names.empty() ? "" : ", ").append(family.name);
  return names;
}

Result<ChatTemplate> ChatTemplate::ByName(std::string_view name, std::string_view bos, std::string_view eos) {
  const ChatFamily* family = FindFamily(name);
  if (family == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "no chat template \"{}\"; known are {}", name, Names());
  }
  return ChatTemplate(*family, bos, eos);
}

Result<ChatTemplate> ChatTemplate::Recognise(std::string_view jinja, std::string_view source,
                                             std::string_view bos, std::string_view eos) {
  const ChatFamily* family = FindFamily(FamilyNameOf(jinja));
  if (family == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: the chat template is of no known family; name one with --chat-template: {}", source,
                     Names());
  }
  ChatTemplate made(*family, bos, eos);
  // Which default a ChatML template writes stands in it.
  if (family->system == SystemForm::kChatMl) {
    made.default_system_.clear();
    for (const std::string_view text : {kQwenDefault, kSmolLm2Default, kPlainDefault}) {
      if (made.default_system_.empty() && jinja.find(text) != std::string_view::npos)
        made.default_system_ = text;
    }
  }
  return made;
}

Result<ChatTemplate> ChatTemplate::Create(const GgufFile& file, std::string_view name) {
  SOTTO_ASSIGN_OR_RETURN(const auto bos_id, file.GetOptionalU32("tokenizer.ggml.bos_token_id"));
  SOTTO_ASSIGN_OR_RETURN(const auto eos_id, file.GetOptionalU32("tokenizer.ggml.eos_token_id"));
  SOTTO_ASSIGN_OR_RETURN(const auto tokens, file.GetStringArray("tokenizer.ggml.tokens"));
  const auto text_of = [&](std::optional<uint32_t> id) {
    return id && *id < tokens.size() ? tokens[*id] : std::string_view();
  };
  if (!name.empty()) return ByName(name, text_of(bos_id), text_of(eos_id));
  if (!file.Has("tokenizer.chat_template")) {
    return MakeError(ErrorCode::kNotFound,
                     "{}: metadata key tokenizer.chat_template is missing; name one with --chat-template: {}",
                     file.path(), Names());
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string_view jinja, file.GetString("tokenizer.chat_template"));
  return Recognise(jinja, file.path(), text_of(bos_id), text_of(eos_id));
}

std::string_view ChatTemplate::name() const { return family_->name; }
bool ChatTemplate::rewrites_tail() const { return family_->generation_tail != family_->history_tail; }
bool ChatTemplate::has_tool_form() const { return family_->tool_form; }

std::string ChatTemplate::SystemText(const ChatSetup& setup) const {
  if (!setup.system.empty()) return std::string(family_->trims ? Trimmed(setup.system) : setup.system);
  if (family_->system != SystemForm::kGranite3) return default_system_;
  return fmt::format(
      "Knowledge Cutoff Date: April 2024. Today's Date: {}. You are Granite, developed by IBM.{}",
      LongDate(setup.date),
      setup.tools.empty()
          ? " You are a helpful AI assistant."
          : " You are a helpful assistant with access to the following tools. When a tool is required "
            "to answer the user's query, respond only with <|tool_call|> followed by a JSON list of "
            "tools used. If a tool does not exist in the provided list of tools, notify the user that "
            "you do not have the ability to fulfill the request.");
}

ChatParts ChatTemplate::Prefix(const ChatSetup& setup) const {
  PartsBuilder out;
  const std::string system = SystemText(setup);
  const bool has_tools = !setup.tools.empty();
  // The family's own words may name control tokens (Granite's default does).
  const auto add_system = [&] { setup.system.empty() ? out.Special(system) : out.Text(system); };
  if (family_->bos) out.Special(bos_);
  switch (family_->system) {
    case SystemForm::kChatMl:
      if (system.empty() && !has_tools) break;
      out.Special("<|im_start|>system\n").Text(system).Special(has_tools && !system.empty() ? "\n\n" : "");
      if (has_tools) QwenTools(out, setup.tools);
      out.Special("<|im_end|>\n");
      break;
    case SystemForm::kSmolLm3:
      SmolLm3System(out, system, setup.tools);
      break;
    case SystemForm::kLlama3:
      out.Special("<|start_header_id|>system<|end_header_id|>\n\n")
          .Special(has_tools ? "Environment: ipython\n" : "")
          .Special("Cutting Knowledge Date: December 2023\nToday Date: " + ShortDate(setup.date) + "\n\n")
          .Text(system)
          .Special("<|eot_id|>");
      if (has_tools) out.Special(family_->user_open).Text(LlamaTools(setup.tools));
      break;
    case SystemForm::kGranite3:
      out.Special("<|start_of_role|>system<|end_of_role|>");
      add_system();
      out.Special("<|end_of_text|>\n");
      if (!has_tools) break;
      out.Special("<|start_of_role|>available_tools<|end_of_role|>")
          .Text(JsonArray(setup.tools, 4))
          .Special("<|end_of_text|>\n");
      break;
    case SystemForm::kOpensFirst:
      out.Special(family_->user_open).Text(system).Special(system.empty() ? "" : "\n");
      if (has_tools) out.Text(PlainTools(setup.tools)).Special("\n\n");
      break;
    case SystemForm::kMistral:
      if (has_tools) {
        const bool spaced = family_->user_open.ends_with(' ');
        out.Special(spaced ? "[AVAILABLE_TOOLS] " : "[AVAILABLE_TOOLS]")
            .Text(JsonArray(setup.tools, 0))
            .Special("[/AVAILABLE_TOOLS]");
      }
      out.Special(family_->user_open).Text(system).Special(system.empty() ? "" : "\n\n");
      break;
    case SystemForm::kPhi3:
      if (system.empty() && !has_tools) break;
      out.Special("<|system|>\n").Text(system).Special(has_tools && !system.empty() ? "\n\n" : "");
      if (has_tools) out.Text(PlainTools(setup.tools));
      out.Special("<|end|>\n");
      break;
    case SystemForm::kNone:
      break;
  }
  return out.Take();
}

ChatParts ChatTemplate::UserOpen(const ChatSetup& setup, bool first, std::string_view tag) const {
  PartsBuilder out;
  if (family_->system == SystemForm::kNone) {
    if (!tag.empty()) out.Special("<|state|>").Text(tag);
    return out.Special(family_->user_open).Take();
  }
  const bool opened_by_prefix = family_->system == SystemForm::kOpensFirst ||
                                family_->system == SystemForm::kMistral ||
                                (family_->system == SystemForm::kLlama3 && !setup.tools.empty());
  if (!first || !opened_by_prefix) out.Special(family_->user_open);
  if (!tag.empty()) out.Text(fmt::format("[{}] ", tag));
  return out.Take();
}

ChatParts ChatTemplate::UserClose() const { return PartsBuilder().Special(family_->user_close).Take(); }

ChatParts ChatTemplate::User(const ChatSetup& setup, bool first, std::string_view text,
                             std::string_view tag) const {
  return PartsBuilder()
      .Append(UserOpen(setup, first, tag))
      .Text(family_->trims ? Trimmed(text) : text)
      .Append(UserClose())
      .Take();
}

ChatParts ChatTemplate::Generation() const {
  return PartsBuilder().Special(family_->assistant_open).Special(family_->generation_tail).Take();
}

// {"name": NAME, KEY: {...}}, with Mistral's id of nine characters.
std::string ChatTemplate::CallText(const ToolCall& call, size_t index) const {
  Json json = Json::object();
  json["name"] = call.name;
  json[call_form_.key] = call.arguments;
  if (family_->system == SystemForm::kMistral) json["id"] = fmt::format("call{:05}", index + 1);
  return PythonJson(json);
}

ChatParts ChatTemplate::Assistant(std::string_view text, std::span<const ToolCall> calls) const {
  PartsBuilder out;
  out.Special(family_->assistant_open).Special(family_->history_tail);
  const std::string_view content = family_->trims ? Trimmed(text) : text;
  const bool spaced = family_->user_open == "[INST] " && family_->tool_form;
  if (!content.empty()) out.Special(spaced ? " " : "").Text(content);
  if (!calls.empty()) {
    out.Special(!content.empty() && family_->system != SystemForm::kMistral ? "\n" : "")
        .Special(call_form_.open);
    for (size_t i = 0; i < calls.size(); ++i) {
      if (i > 0) out.Special(call_form_.between);
      out.Text(CallText(calls[i], i));
    }
    out.Special(call_form_.close);
  }
  return out.Special(family_->assistant_close.empty() ? eos_ : family_->assistant_close).Take();
}

ChatParts ChatTemplate::ToolResult(std::string_view content, bool before, bool after) const {
  PartsBuilder out;
  switch (family_->system) {
    case SystemForm::kChatMl:
      return out.Special(before ? "" : "<|im_start|>user")
          .Special("\n<tool_response>\n")
          .Text(content)
          .Special("\n</tool_response>")
          .Special(after ? "" : "<|im_end|>\n")
          .Take();
    case SystemForm::kSmolLm3:
      return out.Special(family_->user_open).Text(content).Special(family_->user_close).Take();
    case SystemForm::kLlama3:
      return out.Special("<|start_header_id|>ipython<|end_header_id|>\n\n")
          .Text(PythonJson(Json(content)))
          .Special("<|eot_id|>")
          .Take();
    case SystemForm::kGranite3:
      return out.Special("<|start_of_role|>tool<|end_of_role|>")
          .Text(content)
          .Special("<|end_of_text|>\n")
          .Take();
    case SystemForm::kMistral:
      return out.Special("[TOOL_RESULTS]")
          .Special(family_->user_open.ends_with(' ') ? " " : "")
          .Text(fmt::format("{{\"content\": {}, \"call_id\": \"call00001\"}}", content))
          .Special("[/TOOL_RESULTS]")
          .Take();
    case SystemForm::kOpensFirst:
    case SystemForm::kPhi3:
    case SystemForm::kNone:
      return {};  // these templates have no place for it
  }
  return {};
}

ChatParts ChatTemplate::Render(const ChatSetup& setup, std::span<const ChatMessage> messages,
                               bool generation) const {
  PartsBuilder out;
  out.Append(Prefix(setup));
  bool first = true;
  const auto is_result = [&](size_t i) {
    return i < messages.size() && messages[i].role == ChatMessage::Role::kTool;
  };
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage& message = messages[i];
    switch (message.role) {
      case ChatMessage::Role::kUser:
        out.Append(User(setup, first, message.content));
        first = false;
        break;
      case ChatMessage::Role::kAssistant:
        out.Append(Assistant(message.content, message.calls));
        break;
      case ChatMessage::Role::kTool:
        out.Append(ToolResult(message.content, i > 0 && is_result(i - 1), is_result(i + 1)));
        break;
    }
  }
  if (generation) out.Append(Generation());
  return out.Take();
}

std::string TextOf(std::span<const TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) text += part.text;
  return text;
}

}  // namespace sotto
