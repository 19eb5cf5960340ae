// Exports of Langfuse: observations (of them the generations), traces with or without theirs, sessions.
// https://langfuse.com/docs/api-and-data-platform
#include <map>

#include "flywheel/import_chains.h"
#include "flywheel/log_time.h"

namespace sotto {
namespace {

// Either form of a key: the API writes camelCase, tables snake_case.
std::string EitherAt(const Json& row, const char* camel, const char* snake) {
  const std::string text = TextAt(row, camel);
  return text.empty() ? TextAt(row, snake) : text;
}

// JSON that was written as a text, as exports of tables have it.
Json Unwrapped(const Json& value) {
  if (!value.is_string()) return value;
  const auto& text = value.get_ref<const std::string&>();
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '[')) return value;
  return nlohmann::json::accept(text) ? Json::parse(text) : value;
}

Json MessageOf(const char* role, const Json& value) {
  if (value.is_object() && value.contains("role")) return value;
  if (value.is_string()) return {{"role", role}, {"content", value}};
  if (value.is_object()) {
    for (const char* key :
         {"content", "text", "question", "query", "input", "message", "answer", "output", "response"}) {
      if (value.contains(key) && value[key].is_string()) return {{"role", role}, {"content", value[key]}};
      if (value.contains(key) && value[key].is_object() && value[key].contains("role")) return value[key];
    }
    if (value.contains("choices") && value["choices"].is_array() && !value["choices"].empty() &&
        value["choices"][0].is_object() && value["choices"][0].contains("message"))
      return value["choices"][0]["message"];
  }
  return nullptr;
}

// What was asked and answered as one list of messages; null: it holds no words.
Json MessagesOfObservation(const Json& row) {
  const Json input = row.contains("input") ? Unwrapped(row["input"]) : Json();
  Json messages = Json::array();
  if (input.is_array()) {
    messages = input;
  } else if (input.is_object() && input.contains("messages") && input["messages"].is_array()) {
    messages = input["messages"];
  } else if (Json one = MessageOf("user", input); !one.is_null()) {
    messages.push_back(std::move(one));
  } else {
    return nullptr;
  }
  const Json output = row.contains("output") ? Unwrapped(row["output"]) : Json();
  if (output.is_array()) {
    for (const Json& message : output)
      if (message.is_object() && message.contains("role")) messages.push_back(message);
  } else if (Json one = MessageOf("assistant", output); !one.is_null()) {
    messages.push_back(std::move(one));
  }
  return messages;
}

double CostOf(const Json& row) {
  for (const char* key : {"calculatedTotalCost", "totalCost", "total_cost"})
    if (row.contains(key) && row[key].is_number()) return row[key].get<double>();
  return 0;
}

class LangfuseReader {
 public:
  LangfuseReader(std::string_view source, const ImportNames& names, ParsedLogs& out)
      : source_(source), names_(names), out_(out) {}

  void Take(const Json& row, size_t line) {
    if (!row.is_object()) return out_.List(source_, line, "no JSON object");
    bool holds = false;
    for (const char* key : {"data", "traces"}) {
      if (!row.contains(key) || !row[key].is_array()) continue;
      holds = true;
      for (const Json& inner : row[key]) {
        Json copy = inner;
        if (std::string_view(key) == "traces" && copy.is_object() && !copy.contains("sessionId"))
          copy["sessionId"] = TextAt(row, "id");
        Take(copy, line);
      }
    }
    if (holds) return;
    const Json& trace = row.contains("trace") && row["trace"].is_object() ? row["trace"] : row;
    const std::string trace_id = EitherAt(row, "traceId", "trace_id");
    if (!trace_id.empty()) return Observation(row, trace_id, line);
    const std::string id = TextAt(trace, "id");
    if (id.empty()) return out_.List(source_, line, "neither a trace (id) nor an observation (traceId)");
    sessions_[id] = EitherAt(trace, "sessionId", "session_id");
    bool generations = false;
    if (row.contains("observations") && row["observations"].is_array()) {
      for (const Json& one : row["observations"]) {
        if (!one.is_object()) continue;  // ids only
        generations = generations || TextAt(one, "type") == "GENERATION";
        Observation(one, id, line);
      }
    }
    if (!generations) traces_.push_back({trace, id, line});
  }

  void Finish() {
    RequestChains chains;
    std::map<std::string, bool> told;
    const auto add = [&](const Held& held) {
      const Json messages = MessagesOfObservation(held.row);
      if (messages.is_null()) return out_.List(source_, held.line, "no messages in its input");
      auto turns = TurnsOfMessages(messages, names_);
      if (!turns) return out_.List(source_, held.line, turns.error().message);
      if (turns->empty()) return out_.List(source_, held.line, "no words of a user");
      told[held.trace] = true;
      turns->back().model = TextAt(held.row, "model");
      turns->back().cost = CostOf(held.row);
      std::string at = EitherAt(held.row, "startTime", "start_time");
      if (at.empty()) at = TextAt(held.row, "timestamp");
      const auto utc = UtcFromUser(at, "time");
      const std::string session = sessions_[held.trace];
      chains.Add(session.empty() ? held.trace : session, *std::move(turns), utc ? *utc : std::string());
    };
    for (const Held& held : generations_) add(held);
    for (const Held& held : traces_)
      if (!told.contains(held.trace)) add(held);
    for (ImportedSession& session : chains.Take()) out_.sessions.push_back(std::move(session));
  }

 private:
  struct Held {
    Json row;
    std::string trace;
    size_t line;
  };

  void Observation(const Json& row, const std::string& trace, size_t line) {
    if (const std::string session = EitherAt(row, "sessionId", "session_id"); !session.empty())
      sessions_[trace] = session;
    // Spans and events are steps inside of a generation's turn.
    if (TextAt(row, "type") == "GENERATION") generations_.push_back({row, trace, line});
  }

  const std::string_view source_;
  const ImportNames& names_;
  ParsedLogs& out_;
  std::vector<Held> generations_, traces_;
  std::map<std::string, std::string> sessions_;  // of each trace
};

}  // namespace

void ParseLangfuse(std::string_view text, std::string_view source, const ImportNames& names,
                   ParsedLogs& out) {
  LangfuseReader reader(source, names, out);
  EachJsonRow(text, source, out, [&](const Json& row, size_t line) { reader.Take(row, line); });
  reader.Finish();
}

}  // namespace sotto
