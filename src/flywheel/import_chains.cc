#include "flywheel/import_chains.h"

#include <algorithm>

#include "core/conversation_jsonl.h"

namespace sotto {
namespace {

std::vector<std::string> WordsOf(const std::vector<ImportedTurn>& turns) {
  std::vector<std::string> words;
  for (const ImportedTurn& turn : turns) words.push_back(turn.text);
  return words;
}

// What a message of any role says; parts of content that are no text are passed over.
std::string ContentText(const Json& message) {
  if (!message.contains("content")) return {};
  const Json& content = message["content"];
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) {
    const std::string piece = part.is_string() ? part.get<std::string>() : TextAt(part, "text");
    if (!text.empty() && !piece.empty()) text += ' ';
    text += piece;
  }
  return text;
}

bool IsUserTurn(const Json& message) {
  if (TextAt(message, "role") != "user") return false;
  if (!message.contains("content") || !message["content"].is_array()) return true;
  const Json& parts = message["content"];
  // Anthropic's results of tools come as a user's message.
  return std::any_of(parts.begin(), parts.end(), [](const Json& part) {
    return part.is_string() || (part.is_object() && part.contains("text") && part["text"].is_string());
  });
}

// A result that says of itself that it is none.
std::string FailureOf(const Json& data) {
  if (!data.is_object()) return {};
  for (const char* key : {"error", "failure"}) {
    if (!data.contains(key) || data[key].is_null() || data[key] == false) continue;
    return "failed";
  }
  return {};
}

void AddResult(const Json& message, ImportedTurn& turn) {
  for (TurnRecord::Action& action : turn.actions) {
    if (action.request.idempotency_key != TextAt(message, "tool_call_id") &&
        action.request.tool != TextAt(message, "name"))
      continue;
    const std::string content = ContentText(message);
    Json data = nlohmann::json::accept(content) ? Json::parse(content) : Json(content);
    action.result.failure = FailureOf(data);
    action.result.ok = action.result.failure.empty();
    action.result.data = data.is_object() ? std::move(data) : Json{{"result", std::move(data)}};
    return;
  }
}

// Which call a result belongs to is known by its id, which is kept as the key of the action.
void AddCallIds(const Json& message, ImportedTurn& turn, const ImportNames& names) {
  if (!message.contains("tool_calls") || !message["tool_calls"].is_array()) return;
  for (const Json& call : message["tool_calls"]) {
    const auto read = ToolCallFromJson(call);
    if (!read) continue;  // TurnsOfMessages has told
    TurnRecord::Action action;
    action.request.tool = names.Of(read->name);
    action.request.arguments = read->arguments;
    action.request.idempotency_key = TextAt(call, "id");
    action.result.failure = "unknown";
    turn.actions.push_back(std::move(action));
  }
}

}  // namespace

Result<std::vector<ImportedTurn>> TurnsOfMessages(const Json& messages, const ImportNames& names) {
  Json row = Json::object();
  row["messages"] = messages;
  SOTTO_ASSIGN_OR_RETURN(const LabelledConversation read, ConversationFromJson(row));
  std::vector<ImportedTurn> turns;
  for (const Turn& said : read.conversation.turns) {
    ImportedTurn& turn = turns.emplace_back();
    turn.text = said.user;
    turn.expectation = said.expectation;
    for (const ToolCall& call : said.calls) {
      Understanding::Call understood;
      understood.call.name = names.Of(call.name);
      for (const auto& item : call.arguments.items())
        understood.call.arguments[names.Of(item.key())] = item.value();
      understood.confidence = 1;
      turn.calls.push_back(std::move(understood));
    }
  }
  size_t next = 0;
  for (const Json& message : messages) {
    const std::string role = TextAt(message, "role");
    if (IsUserTurn(message)) ++next;
    if (next == 0 || next > turns.size()) continue;
    ImportedTurn& turn = turns[next - 1];
    if (role == "assistant") {
      AddCallIds(message, turn, names);
      const bool is_call = !message.contains("tool_calls") && !message.contains("function_call") &&
                           !turn.calls.empty() && ContentText(message).find("\"name\"") != std::string::npos;
      if (const std::string text = ContentText(message); !text.empty() && !is_call)
        turn.reply += (turn.reply.empty() ? "" : " ") + text;
    } else if (role == "tool" || role == "function") {
      AddResult(message, turn);
    }
  }
  for (ImportedTurn& turn : turns) {
    // A call whose result the log does not hold is no action that we know of.
    std::erase_if(turn.actions, [](const auto& action) { return action.result.failure == "unknown"; });
    for (TurnRecord::Action& action : turn.actions) action.request.idempotency_key.clear();
  }
  return turns;
}

void RequestChains::Add(const std::string& key, std::vector<ImportedTurn> turns, const std::string& at) {
  if (turns.empty()) return;
  const std::vector<std::string> words = WordsOf(turns);
  size_t place = sessions_.size();
  if (!key.empty()) {
    const auto [found, fresh] = by_key_.try_emplace(key, sessions_.size());
    place = found->second;
  } else {
    // The longest conversation that this one goes on with; the same again answers what a tool brought.
    for (size_t n = words.size(); n > 0 && place == sessions_.size(); --n) {
      const auto found = by_words_.find({words.begin(), words.begin() + static_cast<ptrdiff_t>(n)});
      if (found == by_words_.end()) continue;
      place = found->second;
      by_words_.erase(found);
    }
    by_words_[words] = place;
  }
  if (place == sessions_.size()) sessions_.push_back({key, {}});
  std::vector<ImportedTurn>& there = sessions_[place].turns;
  const std::vector<std::string> before = WordsOf(there);
  const bool goes_on =
      words.size() >= before.size() && std::equal(before.begin(), before.end(), words.begin());
  if (goes_on) {
    for (size_t i = 0; i < turns.size(); ++i) {
      if (turns[i].at.empty()) turns[i].at = i < there.size() ? there[i].at : at;
      if (i < there.size()) turns[i].cost += there[i].cost;
    }
    there = std::move(turns);
    return;
  }
  // A log without its history: what is new is the last turn.
  ImportedTurn& last = turns.back();
  if (last.at.empty()) last.at = at;
  there.push_back(std::move(last));
}

}  // namespace sotto
