#include "core/conversation_jsonl.h"

#include "base/mapped_file.h"
#include "base/utf8.h"

namespace sotto {
namespace {

constexpr const char* kKindNames[] = {"none", "ask", "confirm", "offer"};

std::string StringAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::vector<ToolCall>> CallsOf(const Json& message) {
  std::vector<ToolCall> calls;
  // "function_call" is what "tool_calls" was called when a message had one at most.
  if (const auto one = message.find("function_call"); one != message.end() && !one->is_null()) {
    SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(*one));
    calls.push_back(std::move(call));
  }
  const auto list = message.find("tool_calls");
  if (list == message.end() || list->is_null()) return calls;
  if (!list->is_array()) return MakeError(ErrorCode::kInvalidArgument, "tool_calls is not an array");
  for (const Json& item : *list) {
    SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(item));
    calls.push_back(std::move(call));
  }
  return calls;
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Result<void> AddCalls(std::string_view text, std::vector<ToolCall>& calls) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(Trimmed(text), "call in content"));
  for (const Json& item : json.is_array() ? json : Json::array({json})) {
    SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(item));
    calls.push_back(std::move(call));
  }
  return {};
}

// Calls that a model or an older export wrote as the text of an assistant message: a JSON object or a list of
// them, alone, in a code fence, behind [TOOL_CALLS] or each between <tool_call> and </tool_call>. Text that
// begins like a call and is none is an error: a label must not be lost for a bracket.
Result<std::vector<ToolCall>> CallsInText(std::string_view content) {
  constexpr std::string_view kOpen = "<tool_call>";
  constexpr std::string_view kClose = "</tool_call>";
  std::vector<ToolCall> calls;
  std::string_view text = Trimmed(content);
  if (text.find(kOpen) != std::string_view::npos) {
    while (true) {
      const size_t open = text.find(kOpen);
      if (open == std::string_view::npos) return calls;
      text.remove_prefix(open + kOpen.size());
      const size_t close = std::min(text.find(kClose), text.size());
      SOTTO_RETURN_IF_ERROR(AddCalls(text.substr(0, close), calls));
      text.remove_prefix(close);
    }
  }
  for (const std::string_view open : {"```json", "```", "[TOOL_CALLS]"}) {
    if (!text.starts_with(open)) continue;
    text = Trimmed(text.substr(open.size()));
    if (text.ends_with("```")) text = Trimmed(text.substr(0, text.size() - 3));
    break;
  }
  const bool object = text.starts_with('{') && text.find("\"name\"") != std::string_view::npos;
  const bool list = text.starts_with('[') && Trimmed(text.substr(1)).starts_with('{');
  if (object || list) SOTTO_RETURN_IF_ERROR(AddCalls(text, calls));
  return calls;
}

// What a message says. Content is a text, null, or a list of parts: OpenAI's and Anthropic's. Other parts
// than text (images, results of tools) are not read here.
struct Content {
  std::string text;
  bool has_text = false;
  bool has_result = false;      // of a tool: Anthropic puts it into a user message
  std::vector<ToolCall> calls;  // Anthropic puts them among the parts
};

Result<Content> ContentOf(const Json& message) {
  Content content;
  const auto found = message.find("content");
  if (found == message.end() || found->is_null()) return content;
  if (found->is_string()) {
    content.text = found->get<std::string>();
    content.has_text = true;
    return content;
  }
  if (!found->is_array())
    return MakeError(ErrorCode::kInvalidArgument, "content is neither a text nor a list of parts");
  for (const Json& part : *found) {
    const std::string type = part.is_object() ? StringAt(part, "type") : "";
    if (part.is_string() || (part.is_object() && part.contains("text") && part.at("text").is_string())) {
      if (content.has_text && !content.text.empty()) content.text += ' ';
      content.text += part.is_string() ? part.get<std::string>() : part.at("text").get<std::string>();
      content.has_text = true;
    } else if (type == "tool_use") {
      SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(part));
      content.calls.push_back(std::move(call));
    } else if (type == "tool_result") {
      content.has_result = true;
    } else if (type.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "a part of the content has no 'type'");
    }
  }
  return content;
}

Result<void> AddUser(const Json& message, Conversation& conversation) {
  SOTTO_ASSIGN_OR_RETURN(Content content, ContentOf(message));
  if (!content.has_text && content.has_result) return {};
  if (!content.has_text)
    return MakeError(ErrorCode::kInvalidArgument, "a user message without a text in 'content'");
  Turn turn;
  turn.user = std::move(content.text);
  if (message.contains("expectation")) {
    SOTTO_ASSIGN_OR_RETURN(turn.expectation, ExpectationFromJson(message.at("expectation")));
  }
  conversation.turns.push_back(std::move(turn));
  return {};
}

Result<void> AddAssistant(const Json& message, Conversation& conversation) {
  SOTTO_ASSIGN_OR_RETURN(std::vector<ToolCall> calls, CallsOf(message));
  SOTTO_ASSIGN_OR_RETURN(Content content, ContentOf(message));
  if (calls.empty()) calls = std::move(content.calls);
  if (calls.empty()) {
    SOTTO_ASSIGN_OR_RETURN(calls, CallsInText(content.text));
  }
  if (calls.empty()) return {};
  if (conversation.turns.empty())
    return MakeError(ErrorCode::kInvalidArgument, "a tool call before the first user message");
  auto& target = conversation.turns.back().calls;
  target.insert(target.end(), std::make_move_iterator(calls.begin()), std::make_move_iterator(calls.end()));
  return {};
}

Result<void> AddMessages(const Json& messages, Conversation& conversation) {
  if (!messages.is_array()) return MakeError(ErrorCode::kInvalidArgument, "messages is not an array");
  for (const Json& message : messages) {
    const std::string role = message.is_object() ? StringAt(message, "role") : "";
    if (role == "user") {
      SOTTO_RETURN_IF_ERROR(AddUser(message, conversation));
    } else if (role == "assistant") {
      SOTTO_RETURN_IF_ERROR(AddAssistant(message, conversation));
    } else if (role != "system" && role != "tool" && role != "function" && role != "developer") {
      return MakeError(ErrorCode::kInvalidArgument,
                       "message role '{}' is none of user, assistant, system, developer, tool", role);
    }
  }
  return {};
}

Result<Json> JsonOrText(const Json& value, std::string_view name) {
  if (value.is_string()) return ParseJson(value.get<std::string>(), name);
  return value;
}

}  // namespace

Json ToJson(const Expectation& expectation) {
  Json json{{"kind", kKindNames[static_cast<size_t>(expectation.kind)]}};
  if (!expectation.tool.empty()) json["tool"] = expectation.tool;
  if (!expectation.slots.empty()) json["slots"] = expectation.slots;
  return json;
}

Result<Expectation> ExpectationFromJson(const Json& json) {
  Expectation expectation;
  const std::string kind = json.is_object() ? StringAt(json, "kind") : "";
  for (size_t i = 0; i < std::size(kKindNames); ++i) {
    if (kind != kKindNames[i]) continue;
    expectation.kind = static_cast<Expectation::Kind>(i);
    expectation.tool = StringAt(json, "tool");
    const Json slots = json.value("slots", Json::array());
    for (const Json& slot : slots) {
      if (!slots.is_array() || !slot.is_string())
        return MakeError(ErrorCode::kInvalidArgument, "expectation.slots is not a list of names");
      expectation.slots.push_back(slot.get<std::string>());
    }
    return expectation;
  }
  return MakeError(ErrorCode::kInvalidArgument, "expectation.kind '{}' is none of none, ask, confirm, offer",
                   kind);
}

Result<LabelledConversation> ConversationFromJson(const Json& row) {
  LabelledConversation labelled;
  if (!row.is_object()) return MakeError(ErrorCode::kInvalidArgument, "the row is not a JSON object");
  if (row.contains("messages")) {
    SOTTO_RETURN_IF_ERROR(AddMessages(row.at("messages"), labelled.conversation));
  } else if (row.contains("question") && row.contains("answer")) {
    SOTTO_ASSIGN_OR_RETURN(const Json messages, JsonOrText(row.at("question"), "question"));
    SOTTO_RETURN_IF_ERROR(AddMessages(messages, labelled.conversation));
    if (labelled.conversation.turns.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "question without a user message");
    }
    SOTTO_ASSIGN_OR_RETURN(const Json answer, JsonOrText(row.at("answer"), "answer"));
    for (const Json& item : answer.is_array() ? answer : Json::array({answer})) {
      SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(item));
      labelled.conversation.turns.back().calls.push_back(std::move(call));
    }
    labelled.last_turn_only = true;
  } else {
    return MakeError(ErrorCode::kInvalidArgument,
                     "the row has neither 'messages' nor 'question' and 'answer'");
  }
  if (labelled.conversation.turns.empty()) return MakeError(ErrorCode::kInvalidArgument, "no user message");
  if (row.contains("tools") && !row.at("tools").is_null()) {
    if (!row.at("tools").is_array()) return MakeError(ErrorCode::kInvalidArgument, "tools is not an array");
    for (const Json& item : row.at("tools")) {
      SOTTO_ASSIGN_OR_RETURN(ToolSpec tool, ToolSpecFromJson(item));
      labelled.conversation.tools.push_back(std::move(tool));
    }
  }
  if (const auto today = row.find("today"); today != row.end()) {
    labelled.conversation.today = ParseDate(today->is_string() ? today->get<std::string>() : "");
    if (!labelled.conversation.today)
      return MakeError(ErrorCode::kInvalidArgument, "today is {}, but should be a day such as \"2026-03-03\"",
                       today->dump());
  }
  if (row.contains("name_only")) {
    if (!row.at("name_only").is_boolean())
      return MakeError(ErrorCode::kInvalidArgument, "name_only is neither true nor false");
    labelled.name_only = row.at("name_only").get<bool>();
  }
  return labelled;
}

Json ToJson(const LabelledConversation& labelled) {
  Json messages = Json::array();
  for (const Turn& turn : labelled.conversation.turns) {
    Json user{{"role", "user"}, {"content", turn.user}};
    if (turn.expectation.kind != Expectation::Kind::kNone) user["expectation"] = ToJson(turn.expectation);
    messages.push_back(std::move(user));
    if (turn.calls.empty()) continue;
    Json calls = Json::array();
    for (const ToolCall& call : turn.calls)
      calls.push_back({{"type", "function"}, {"function", ToJson(call)}});
    messages.push_back({{"role", "assistant"}, {"content", ""}, {"tool_calls", std::move(calls)}});
  }
  Json row{{"messages", std::move(messages)}};
  if (!labelled.conversation.tools.empty()) {
    Json tools = Json::array();
    for (const ToolSpec& tool : labelled.conversation.tools) tools.push_back(ToJson(tool));
    row["tools"] = std::move(tools);
  }
  if (labelled.conversation.today) row["today"] = DateText(*labelled.conversation.today);
  if (labelled.name_only) row["name_only"] = true;
  return row;
}

namespace {

// A line of the file; the error is without file and line.
Result<Json> ParseLine(std::string_view line) {
  if (const size_t at = FindInvalidUtf8(line); at != std::string_view::npos) {
    return MakeError(ErrorCode::kCorrupt, "byte {}: 0x{:02X} is not UTF-8", at + 1,
                     static_cast<uint8_t>(line[at]));
  }
  auto json = ParseJson(line, "");
  if (json) return json;
  // ":1:column: what" of a line is "column N: what" of the file.
  std::string what = json.error().message;
  what = what.starts_with(":1:") ? "column " + what.substr(3) : what.substr(2);
  return MakeError(json.error().code, "{}", what);
}

bool IsOneArray(std::string_view text) {
  if (!Trimmed(text).starts_with('[')) return false;
  const auto json = ParseJson(text, "");
  return json && json->is_array();
}

}  // namespace

Result<std::vector<LabelledConversation>> ReadConversations(const std::filesystem::path& path,
                                                            std::vector<std::string>* errors) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (IsOneArray(text)) {
    return MakeError(ErrorCode::kCorrupt,
                     "{}: this is one JSON array over several lines; want one object a line (jq -c '.[]' {})",
                     path.string(), path.string());
  }
  std::vector<LabelledConversation> conversations;
  const size_t errors_before = errors != nullptr ? errors->size() : 0;
  int line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", path.string(), line_number);
    auto labelled = [&]() -> Result<LabelledConversation> {
      SOTTO_ASSIGN_OR_RETURN(const Json row, ParseLine(line));
      return ConversationFromJson(row);
    }();
    if (labelled) {
      labelled->line = line_number;
      conversations.push_back(*std::move(labelled));
    } else if (errors == nullptr) {
      return WithContext(std::move(labelled).error(), where);
    } else {
      errors->push_back(fmt::format("{}: {}", where, labelled.error().message));
    }
  }
  if (conversations.empty() && (errors == nullptr || errors->size() == errors_before)) {
    return MakeError(ErrorCode::kCorrupt, "{} holds no conversation", path.string());
  }
  return conversations;
}

Result<void> WriteConversations(const std::filesystem::path& path,
                                const std::vector<LabelledConversation>& conversations) {
  std::string text;
  for (const LabelledConversation& labelled : conversations) {
    text += ToJson(labelled).dump(-1, ' ', false, Json::error_handler_t::replace);
    text += '\n';
  }
  return WriteFileAtomically(path, text);
}

}  // namespace sotto
