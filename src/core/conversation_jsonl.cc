#include "core/conversation_jsonl.h"

#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr const char* kKindNames[] = {"none", "ask", "confirm", "offer"};

std::string StringAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::vector<ToolCall>> CallsOf(const Json& message) {
  std::vector<ToolCall> calls;
  const auto list = message.find("tool_calls");
  if (list == message.end() || list->is_null()) return calls;
  if (!list->is_array()) return MakeError(ErrorCode::kInvalidArgument, "tool_calls is not an array");
  for (const Json& item : *list) {
    SOTTO_ASSIGN_OR_RETURN(ToolCall call, ToolCallFromJson(item));
    calls.push_back(std::move(call));
  }
  return calls;
}

// A call that an older export wrote as the text of an assistant message.
std::vector<ToolCall> CallsInContent(const Json& message) {
  const std::string content = StringAt(message, "content");
  if (content.empty() || content.front() != '{') return {};
  const auto json = ParseJson(content, "content");
  if (!json) return {};
  auto call = ToolCallFromJson(*json);
  if (!call) return {};
  return {*std::move(call)};
}

Result<void> AddMessages(const Json& messages, Conversation& conversation) {
  if (!messages.is_array()) return MakeError(ErrorCode::kInvalidArgument, "messages is not an array");
  for (const Json& message : messages) {
    const std::string role = message.is_object() ? StringAt(message, "role") : "";
    if (role == "user") {
      Turn turn;
      turn.user = StringAt(message, "content");
      if (message.contains("expectation")) {
        SOTTO_ASSIGN_OR_RETURN(turn.expectation, ExpectationFromJson(message.at("expectation")));
      }
      conversation.turns.push_back(std::move(turn));
    } else if (role == "assistant") {
      SOTTO_ASSIGN_OR_RETURN(std::vector<ToolCall> calls, CallsOf(message));
      if (calls.empty()) calls = CallsInContent(message);
      if (calls.empty()) continue;
      if (conversation.turns.empty()) {
        return MakeError(ErrorCode::kInvalidArgument, "a tool call before the first user message");
      }
      auto& target = conversation.turns.back().calls;
      target.insert(target.end(), std::make_move_iterator(calls.begin()),
                    std::make_move_iterator(calls.end()));
    } else if (role != "system" && role != "tool" && role != "developer") {
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
    for (const Json& slot : json.value("slots", Json::array())) {
      if (slot.is_string()) expectation.slots.push_back(slot.get<std::string>());
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
  if (row.contains("tools") && row.at("tools").is_array()) {
    for (const Json& item : row.at("tools")) {
      SOTTO_ASSIGN_OR_RETURN(ToolSpec tool, ToolSpecFromJson(item));
      labelled.conversation.tools.push_back(std::move(tool));
    }
  }
  labelled.name_only = row.value("name_only", false);
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
  if (labelled.name_only) row["name_only"] = true;
  return row;
}

Result<std::vector<LabelledConversation>> ReadConversations(const std::filesystem::path& path,
                                                            std::vector<std::string>* errors) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
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
      if (!nlohmann::json::accept(line)) return MakeError(ErrorCode::kCorrupt, "not valid JSON");
      return ConversationFromJson(Json::parse(line));
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
