// Rasa: trackers and rows of an event broker or tracker store (JSON), stories and NLU examples (YAML).
// https://rasa.com/docs/rasa/training-data-format, https://rasa.com/docs/rasa/tracker-stores
#include <yaml-cpp/yaml.h>

#include <map>

#include "base/utf8.h"
#include "flywheel/import_session.h"
#include "flywheel/log_time.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

constexpr std::string_view kFallbackIntent = "nlu_fallback";

void AddArgument(Json& arguments, const std::string& name, const Json& value) {
  if (name.empty() || value.is_null()) return;
  if (!arguments.contains(name)) {
    arguments[name] = value;
  } else if (arguments[name] != value) {
    // Twice: a list of both, as Rasa's list slots have it.
    if (!arguments[name].is_array()) arguments[name] = Json::array({arguments[name]});
    arguments[name].push_back(value);
  }
}

// "move [200](amount) from [my savings]{"entity": "account", "role": "from_account", "value": "savings"}".
std::string PlainExample(std::string_view text, const ImportNames& names, Json& arguments) {
  std::string plain;
  while (!text.empty()) {
    const size_t open = text.find('[');
    const size_t close = open == std::string_view::npos ? open : text.find(']', open);
    if (close == std::string_view::npos || close + 1 >= text.size() ||
        (text[close + 1] != '(' && text[close + 1] != '{')) {
      const size_t upto = close == std::string_view::npos ? text.size() : close + 1;
      plain += text.substr(0, upto);
      text.remove_prefix(upto);
      continue;
    }
    const std::string value(text.substr(open + 1, close - open - 1));
    const bool object = text[close + 1] == '{';
    const size_t end = text.find(object ? '}' : ')', close + 1);
    if (end == std::string_view::npos) {
      plain += text;
      break;
    }
    plain += text.substr(0, open);
    plain += value;
    std::string name(text.substr(close + 2, end - close - 2));
    Json meant = value;
    if (object) {
      const auto entity = ParseJson(text.substr(close + 1, end - close), "entity");
      name = entity ? TextAt(*entity, "role") : "";
      if (entity && name.empty()) name = TextAt(*entity, "entity");
      if (entity && entity->contains("value")) meant = (*entity)["value"];
    } else if (const size_t colon = name.find(':'); colon != std::string::npos) {
      meant = name.substr(colon + 1);  // [NYC](city:New York City)
      name.resize(colon);
    }
    AddArgument(arguments, names.Of(name), meant);
    text.remove_prefix(end + 1);
  }
  return plain;
}

void SetIntent(ImportedTurn& turn, const std::string& intent, double confidence, Json arguments,
               const ImportNames& names) {
  if (intent.empty()) return;
  if (intent == kFallbackIntent) {
    turn.outcome = TurnRecord::Outcome::kNotUnderstood;
    return;
  }
  Understanding::Call call;
  call.call = {names.Of(intent), std::move(arguments)};
  call.confidence = confidence;
  turn.calls.push_back(std::move(call));
}

class RasaEvents {
 public:
  RasaEvents(std::string_view source, const ImportNames& names, ParsedLogs& out)
      : source_(source), names_(names), out_(out) {}

  void Add(const std::string& sender, const Json& event, size_t line) {
    const std::string type = TextAt(event, "event");
    if (type.empty()) return out_.List(source_, line, "an event without \"event\"");
    Conversation& conversation = conversations_[sender];
    if (conversation.order == 0) conversation.order = ++count_;
    if (type == "session_started" || type == "restart") {
      if (!conversation.sessions.back().turns.empty())
        conversation.sessions.push_back({fmt::format("{}/{}", sender, conversation.sessions.size()), {}});
      conversation.sessions.back().id = fmt::format("{}/{}", sender, conversation.sessions.size() - 1);
      return;
    }
    if (conversation.sessions.back().id.empty()) conversation.sessions.back().id = sender + "/0";
    std::vector<ImportedTurn>& turns = conversation.sessions.back().turns;
    if (type == "user") return User(event, turns, line);
    if (turns.empty()) return;  // the greeting
    if (type == "bot") {
      if (const std::string text = TextAt(event, "text"); !text.empty())
        turns.back().reply += (turns.back().reply.empty() ? "" : " ") + text;
    } else if (type == "action") {
      const std::string name = TextAt(event, "name");
      if (name == "action_default_fallback") turns.back().outcome = TurnRecord::Outcome::kNotUnderstood;
      if (name == "action_human_handoff" || name == "action_handoff") {
        turns.back().outcome = TurnRecord::Outcome::kEscalated;
        turns.back().escalation = "asked";
      }
    }
  }

  void Finish() {
    std::vector<Conversation*> ordered(conversations_.size());
    for (auto& [sender, conversation] : conversations_)
      ordered[static_cast<size_t>(conversation.order) - 1] = &conversation;
    for (Conversation* conversation : ordered) {
      for (ImportedSession& session : conversation->sessions)
        if (!session.turns.empty()) out_.sessions.push_back(std::move(session));
    }
  }

 private:
  struct Conversation {
    int order = 0;  // from 1
    std::vector<ImportedSession> sessions{1};
  };

  void User(const Json& event, std::vector<ImportedTurn>& turns, size_t line) {
    ImportedTurn turn;
    turn.text = TextAt(event, "text");
    const Json parsed = event.contains("parse_data") && event["parse_data"].is_object() ? event["parse_data"]
                                                                                        : Json::object();
    if (turn.text.empty()) turn.text = TextAt(parsed, "text");
    if (turn.text.empty()) return out_.List(source_, line, "a user event without text");
    if (turn.text[0] == '/') return out_.List(source_, line, "a button's payload, not words");
    if (event.contains("timestamp") && event["timestamp"].is_number())
      turn.at = UtcOfSeconds(event["timestamp"].get<double>());
    Json arguments = Json::object();
    if (parsed.contains("entities") && parsed["entities"].is_array()) {
      for (const Json& entity : parsed["entities"]) {
        std::string name = TextAt(entity, "role");
        if (name.empty()) name = TextAt(entity, "entity");
        if (entity.is_object() && entity.contains("value"))
          AddArgument(arguments, names_.Of(name), entity["value"]);
      }
    }
    if (parsed.contains("intent")) {
      const Json& intent = parsed["intent"];
      const double confidence =
          intent.is_object() && intent.contains("confidence") && intent["confidence"].is_number()
              ? std::clamp(intent["confidence"].get<double>(), 0.0, 1.0)
              : 1;
      SetIntent(turn, TextAt(intent, "name"), confidence, std::move(arguments), names_);
    }
    turns.push_back(std::move(turn));
  }

  const std::string_view source_;
  const ImportNames& names_;
  ParsedLogs& out_;
  std::map<std::string, Conversation> conversations_;
  int count_ = 0;
};

void ReadRasaJson(std::string_view text, std::string_view source, const ImportNames& names, ParsedLogs& out) {
  RasaEvents events(source, names, out);
  EachJsonRow(text, source, out, [&](const Json& row, size_t line) {
    if (!row.is_object()) return out.List(source, line, "no JSON object");
    const std::string sender = TextAt(row, "sender_id");
    if (row.contains("events") && row["events"].is_array()) {
      for (const Json& event : row["events"]) events.Add(sender, event, line);
    } else if (row.contains("data") && row["data"].is_string()) {  // of an SQL tracker store
      const auto event = ParseJson(row["data"].get<std::string>(), "data");
      if (!event) return out.List(source, line, "its data is not JSON");
      events.Add(sender, *event, line);
    } else if (row.contains("event")) {
      events.Add(sender, row, line);
    } else {
      out.List(source, line, "neither a tracker (events) nor an event");
    }
  });
  events.Finish();
}

size_t LineOf(const YAML::Node& node) { return static_cast<size_t>(std::max(0, node.Mark().line + 1)); }

std::string ScalarAt(const YAML::Node& node, const char* key) {
  return node.IsMap() && node[key] && node[key].IsScalar() ? node[key].Scalar() : std::string();
}

void ReadStory(const YAML::Node& story, std::string_view source, const ImportNames& names, ParsedLogs& out) {
  const YAML::Node steps = story.IsMap() ? story["steps"] : YAML::Node();
  if (!steps || !steps.IsSequence()) return out.List(source, LineOf(story), "a story without steps");
  ++out.rows;
  ImportedSession session;
  for (const YAML::Node& step : steps) {
    if (!step.IsMap()) continue;
    const std::string said = ScalarAt(step, "user");
    const std::string intent = ScalarAt(step, "intent");
    if (!said.empty()) {
      ImportedTurn turn;
      Json arguments = Json::object();
      turn.text = PlainExample(said, names, arguments);
      if (step["entities"] && step["entities"].IsSequence()) {
        for (const YAML::Node& entity : step["entities"]) {
          if (!entity.IsMap()) continue;
          std::string name, value;
          for (const auto& item : entity) {
            if (item.first.Scalar() == "role" || (name.empty() && item.first.Scalar() != "group"))
              name = item.first.Scalar() == "role" && item.second.IsScalar() ? item.second.Scalar()
                                                                             : item.first.Scalar();
            if (item.first.Scalar() != "role" && item.first.Scalar() != "group" && item.second.IsScalar())
              value = item.second.Scalar();
          }
          AddArgument(arguments, names.Of(name), value);
        }
      }
      SetIntent(turn, intent, 1, std::move(arguments), names);
      session.turns.push_back(std::move(turn));
    } else if (!intent.empty()) {
      out.List(source, LineOf(step), fmt::format("intent '{}' without the words of a user", intent));
    } else if (const std::string bot = ScalarAt(step, "bot"); !bot.empty() && !session.turns.empty()) {
      session.turns.back().reply += (session.turns.back().reply.empty() ? "" : " ") + bot;
    } else if (step["or"] || step["checkpoint"]) {
      out.List(source, LineOf(step), "'or' and 'checkpoint' are not read");
    }
  }
  if (!session.turns.empty()) out.sessions.push_back(std::move(session));
}

void ReadExamples(const YAML::Node& item, std::string_view source, const ImportNames& names,
                  ParsedLogs& out) {
  const std::string intent = ScalarAt(item, "intent");
  if (intent.empty()) return;  // synonyms, lookups, regular expressions: no words of a user
  if (!item["examples"] || !item["examples"].IsScalar())
    return out.List(source, LineOf(item), fmt::format("intent '{}' without a text of examples", intent));
  const std::string examples = item["examples"].Scalar();
  for (size_t begin = 0; begin < examples.size();) {
    const size_t end = std::min(examples.find('\n', begin), examples.size());
    std::string_view line(examples.data() + begin, end - begin);
    begin = end + 1;
    const size_t first = line.find_first_not_of(" \t-");
    if (first == std::string_view::npos) continue;
    line.remove_prefix(first);
    ++out.rows;
    ImportedTurn turn;
    Json arguments = Json::object();
    turn.text = PlainExample(line, names, arguments);
    SetIntent(turn, intent, 1, std::move(arguments), names);
    out.sessions.push_back({"", {std::move(turn)}});
  }
}

}  // namespace

void ParseRasa(std::string_view text, std::string_view source, const ImportNames& names, ParsedLogs& out) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return;
  if (text[first] == '{' || text[first] == '[') return ReadRasaJson(text, source, names, out);
  if (FindInvalidUtf8(text) != std::string_view::npos) return out.List(source, 1, "not UTF-8");
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsMap()) return out.List(source, 1, "no map: neither stories, nlu nor trackers");
    bool known = false;
    if (root["stories"] && root["stories"].IsSequence()) {
      known = true;
      for (const YAML::Node& story : root["stories"]) ReadStory(story, source, names, out);
    }
    if (root["nlu"] && root["nlu"].IsSequence()) {
      known = true;
      for (const YAML::Node& item : root["nlu"]) ReadExamples(item, source, names, out);
    }
    if (root["events"] && root["events"].IsSequence()) {
      known = true;
      RasaEvents events(source, names, out);
      const std::string sender = ScalarAt(root, "sender_id");
      for (const YAML::Node& event : root["events"]) {
        ++out.rows;
        events.Add(sender, ToJson(event), LineOf(event));
      }
      events.Finish();
    }
    if (!known) out.List(source, 1, "none of stories, nlu, events");
  } catch (const YAML::Exception& error) {
    out.List(source, static_cast<size_t>(std::max(0, error.mark.line + 1)), "not valid YAML");
  }
}

}  // namespace sotto
