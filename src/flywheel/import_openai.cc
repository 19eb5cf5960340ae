// Our own turn records and conversations, and logs of OpenAI's chat completions.
#include <algorithm>

#include "core/conversation_jsonl.h"
#include "flywheel/import_chains.h"
#include "flywheel/log_time.h"

namespace sotto {
namespace {

// The messages of a request, and what was answered, as one list; null: there are none.
Json MessagesOf(const Json& row) {
  const Json& request = row.contains("request") && row["request"].is_object() ? row["request"] : row;
  Json messages;
  for (const char* key : {"messages", "input"}) {
    if (request.contains(key) && request[key].is_array()) messages = request[key];
  }
  if (messages.is_null()) return messages;
  const Json& response = row.contains("response") && row["response"].is_object() ? row["response"] : row;
  if (response.contains("choices") && response["choices"].is_array() && !response["choices"].empty()) {
    const Json& choice = response["choices"].front();
    if (choice.is_object() && choice.contains("message")) messages.push_back(choice["message"]);
  }
  return messages;
}

std::string SessionKeyOf(const Json& row) {
  for (const char* key : {"session", "session_id", "conversation_id", "conversation", "thread_id"}) {
    if (const std::string id = TextAt(row, key); !id.empty()) return id;
    if (row.contains("metadata"))
      if (const std::string id = TextAt(row["metadata"], key); !id.empty()) return id;
  }
  return {};
}

std::string TimeOf(const Json& row) {
  for (const Json* at : {&row, row.contains("response") ? &row["response"] : nullptr}) {
    if (at == nullptr || !at->is_object()) continue;
    for (const char* key : {"created", "created_at", "timestamp", "at", "time"}) {
      if (!at->contains(key)) continue;
      const Json& value = (*at)[key];
      if (value.is_number()) return UtcOfSeconds(value.get<double>());
      if (value.is_string())
        if (const auto utc = UtcFromUser(value.get<std::string>(), key)) return *utc;
    }
  }
  return {};
}

}  // namespace

void EachJsonRow(std::string_view text, std::string_view source, ParsedLogs& out,
                 const std::function<void(const Json& row, size_t line)>& read) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return;
  // One value over several lines?
  const size_t first_end = std::min(text.find('\n', first), text.size());
  const std::string_view first_line = text.substr(first, first_end - first);
  const bool one_value = text[first] == '[' || !nlohmann::json::accept(first_line);
  if (one_value && nlohmann::json::accept(text)) {
    const auto whole = ParseJson(text, source);
    if (!whole) return out.not_read.push_back(whole.error().message);
    if (!whole->is_array()) return ++out.rows, read(*whole, 1);
    for (size_t i = 0; i < whole->size(); ++i) ++out.rows, read((*whole)[i], i + 1);
    return;
  }
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++out.rows;
    const auto row = ParseJson(line, "row");
    if (!row) {
      out.List(source, number, "not valid JSON");
    } else {
      read(*row, number);
    }
  }
}

std::string TextAt(const Json& object, std::string_view key) {
  if (!object.is_object()) return {};
  const auto found = object.find(std::string(key));
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string ImportNames::Of(std::string_view name) const {
  const auto found = rename.find(name);
  return found == rename.end() ? std::string(name) : found->second;
}

void ParseTurnRecords(std::string_view text, std::string_view source, const ImportNames& /*names*/,
                      ParsedLogs& out) {
  EachJsonRow(text, source, out, [&](const Json& row, size_t line) {
    auto record = TurnRecordFromJson(row);
    if (record) {
      out.records.push_back(*std::move(record));
    } else {
      out.List(source, line, record.error().message);
    }
  });
}

void ParseConversationLogs(std::string_view text, std::string_view source, const ImportNames& names,
                           ParsedLogs& out) {
  EachJsonRow(text, source, out, [&](const Json& row, size_t line) {
    if (!row.is_object()) return out.List(source, line, "no JSON object");
    Json messages = row.contains("messages") ? row["messages"] : Json();
    if (!messages.is_array()) {
      const auto read = ConversationFromJson(row);  // question and answer
      if (!read) return out.List(source, line, read.error().message);
      messages = ToJson(*read)["messages"];
    }
    auto turns = TurnsOfMessages(messages, names);
    if (!turns) return out.List(source, line, turns.error().message);
    if (turns->empty()) return out.List(source, line, "no words of a user");
    const std::string at = TimeOf(row);
    for (ImportedTurn& turn : *turns) turn.at = at;
    out.sessions.push_back({SessionKeyOf(row), *std::move(turns)});
  });
}

void ParseOpenAiLogs(std::string_view text, std::string_view source, const ImportNames& names,
                     ParsedLogs& out) {
  RequestChains chains;
  EachJsonRow(text, source, out, [&](const Json& row, size_t line) {
    if (!row.is_object()) return out.List(source, line, "no JSON object");
    const Json messages = MessagesOf(row);
    if (messages.is_null()) return out.List(source, line, "no messages");
    auto turns = TurnsOfMessages(messages, names);
    if (!turns) return out.List(source, line, turns.error().message);
    if (turns->empty()) return out.List(source, line, "no words of a user");
    std::string model = TextAt(row, "model");
    if (model.empty() && row.contains("response")) model = TextAt(row["response"], "model");
    turns->back().model = model;
    chains.Add(SessionKeyOf(row), *std::move(turns), TimeOf(row));
  });
  for (ImportedSession& session : chains.Take()) out.sessions.push_back(std::move(session));
}

}  // namespace sotto
