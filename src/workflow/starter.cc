#include "workflow/starter.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>

#include "text/normalise.h"
#include "text/spoken_numbers.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

constexpr size_t kMaxExamples = 40;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// "fromAccount", "from_account" -> "from account"
std::string Words(std::string_view name) {
  std::string words;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (upper && i > 0 && std::islower(static_cast<unsigned char>(name[i - 1])) != 0) words += ' ';
    words += c == '_' || c == '-' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return words;
}

bool HasWord(const std::string& text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
      const auto letter = [&](size_t i) {
        return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0;
      };
      if ((at == 0 || !letter(at - 1)) && !letter(at + word.size())) return true;
    }
  }
  return false;
}

// A YAML text in double quotes.
std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Text that stands in a template: braces and brackets mean themselves.
std::string Literal(const std::string& text) {
  std::string literal;
  for (const char c : text) {
    if (c == '{' || c == '}' || c == '[' || c == ']') literal += c;
    literal += c;
  }
  return literal;
}

std::string Property(const Json& schema, const char* key) {
  return schema.is_object() && schema.contains(key) && schema[key].is_string()
             ? schema[key].get<std::string>()
             : "";
}

// "Amount to transfer (in USD)." -> "the amount to transfer"
std::string AskText(const std::string& name, const Json& schema) {
  std::string ask = Property(schema, "description");
  ask = ask.substr(0, ask.find_first_of(".(,;:[{\n"));
  ask = ask.substr(0, ask.find(" - "));
  while (!ask.empty() && ask.back() == ' ') ask.pop_back();
  if (ask.empty() || ask.size() > 60) return "the " + Words(name);
  if (ask.size() > 1 && std::islower(static_cast<unsigned char>(ask[1])) != 0)
    ask[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(ask[0])));
  static const std::set<std::string> complete{"the",  "a",    "an",    "which", "whether", "how",  "who",
                                              "when", "what", "where", "your",  "why",     "whose"};
  return complete.contains(ask.substr(0, ask.find(' '))) ? ask : "the " + ask;
}

struct EntityText {
  std::string type;  // empty: enum
  std::vector<std::string> values;
  int length = 0;
  std::optional<double> min;
  std::optional<double> max;
  bool operator==(const EntityText&) const = default;
};

int DigitsLength(const std::string& name, const Json& schema) {
  const std::string pattern = Property(schema, "pattern");
  static const std::regex digits(R"(^\^?(?:\\d|\[0-9\])(?:\{(\d+)\}|\+|\*)?\$?$)");
  std::smatch match;
  if (!pattern.empty() && std::regex_match(pattern, match, digits)) {
    return match[1].matched ? std::stoi(match[1].str()) : 0;
  }
  const std::string said = Words(name) + " " + Lower(Property(schema, "description"));
  static const std::regex counted(R"((?:last\s+)?(\d+|two|three|four|five|six|eight|ten)[-\s]+digits?)");
  if (std::regex_search(said, match, counted) || said.find("last four") != std::string::npos) {
    static const std::map<std::string, int> numbers{{"two", 2}, {"three", 3}, {"four", 4}, {"five", 5},
                                                    {"six", 6}, {"eight", 8}, {"ten", 10}};
    if (match.empty()) return 4;
    const auto word = numbers.find(match[1].str());
    return word != numbers.end() ? word->second : std::stoi(match[1].str());
  }
  return HasWord(said, {"phone number", "zip code", "account number", "card number", "pin"}) ? 0 : -1;
}

EntityText EntityOf(const std::string& name, const Json& schema) {
  EntityText entity;
  std::string type = Property(schema, "type");
  if (schema.is_object() && schema.contains("type") && schema["type"].is_array()) {
    for (const Json& one : schema["type"]) {
      if (one.is_string() && one != "null") type = one.get<std::string>();
    }
  }
  const auto limit = [&](const char* key) -> std::optional<double> {
    if (!schema.contains(key) || !schema[key].is_number()) return std::nullopt;
    return schema[key].get<double>();
  };
  if (schema.is_object() && schema.contains("enum") && schema["enum"].is_array()) {
    for (const Json& value : schema["enum"]) {
      if (value.is_string()) entity.values.push_back(value.get<std::string>());
      if (value.is_number()) entity.values.push_back(NumberText(value.get<double>()));
    }
    if (!entity.values.empty()) return entity;
  }
  if (type == "boolean") {
    entity.values = {"true", "false"};
  } else if (type == "number" || type == "integer") {
    const std::string said = Words(name) + " " + Lower(Property(schema, "description"));
    entity.type = HasWord(said, {"amount", "price", "cost", "payment", "fee", "dollars", "usd", "money",
                                 "budget", "balance"})
                      ? "money"
                      : "number";
    entity.min = limit("minimum");
    entity.max = limit("maximum");
  } else if (const std::string format = Property(schema, "format"); format == "date") {
    entity.type = "date";
  } else if (const int length = DigitsLength(name, schema); length >= 0) {
    entity.type = "digits";
    entity.length = length;
  } else {
    entity.type = "text";
  }
  return entity;
}

std::string EntityYaml(const EntityText& entity) {
  std::vector<std::string> parts;
  if (!entity.type.empty()) parts.push_back("type: " + entity.type);
  if (entity.type == "money") parts.emplace_back("currency: USD");
  if (entity.length > 0) parts.push_back(fmt::format("length: {}", entity.length));
  if (entity.min) parts.push_back("min: " + NumberText(*entity.min));
  if (entity.max) parts.push_back("max: " + NumberText(*entity.max));
  if (entity.values == std::vector<std::string>{"true", "false"}) {
    parts.emplace_back(
        "values: {\"true\": {say: \"yes\", also: [\"true\", \"on\"]}, \"false\": {say: \"no\", also: "
        "[\"false\", \"off\"]}}");
  } else if (!entity.values.empty()) {
    std::vector<std::string> values;
    for (const std::string& value : entity.values) values.push_back(Quoted(value));
    parts.push_back(fmt::format("values: [{}]", fmt::join(values, ", ")));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string RoleOf(const ToolSpec& tool) {
  const std::string words = Words(tool.name);
  const bool bare = !tool.parameters.contains("properties") || tool.parameters["properties"].empty();
  if (HasWord(words, {"unclear", "unknown", "fallback", "out of scope", "not understood"})) return "unclear";
  if (HasWord(words, {"human", "agent", "representative", "operator", "handoff", "hand off", "escalate"}))
    return "handoff";
  if (!bare) return "";
  if (HasWord(words, {"greeting", "greet", "hello"})) return "greeting";
  if (HasWord(words, {"goodbye", "bye", "farewell", "end conversation"})) return "goodbye";
  if (HasWord(words, {"thank", "thanks", "thank you"})) return "thanks";
  return "";
}

// "Turn off smart lights." -> "turn off smart lights"; a long description gives way to the name's words.
std::string TitleOf(const ToolSpec& tool) {
  std::string title = tool.description.substr(0, tool.description.find_first_of(".(,;:{[\n"));
  const auto words = std::count(title.begin(), title.end(), ' ') + 1;
  const bool verb = title.size() > 1 && std::islower(static_cast<unsigned char>(title[1])) != 0;
  static const std::set<std::string> subjects{"The", "A", "An", "This", "User", "Customer", "Caller"};
  if (!verb || words < 2 || words > 5 || subjects.contains(title.substr(0, title.find(' '))))
    return Words(tool.name);
  title[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(title[0])));
  return title;
}

class FromTools {
 public:
  FromTools(const std::vector<ToolSpec>& tools, const std::vector<Conversation>& seeds) : tools_(tools) {
    std::set<std::string> seen;
    for (const Conversation& seed : seeds) {
      if (seed.turns.empty() || seed.turns[0].calls.size() != 1) continue;
      const ToolCall& call = seed.turns[0].calls[0];
      std::string example = ExampleOf(seed.turns[0].user, call.arguments);
      if (example.empty() || examples_[call.name].size() >= kMaxExamples ||
          !seen.insert(Lower(example)).second)
        continue;
      examples_[call.name].push_back(std::move(example));
    }
  }

  Result<std::string> Write(const std::string& name) {
    std::string tools;
    bool unclear = false;
    for (const ToolSpec& tool : tools_) {
      if (!IsIdentifier(tool.name) || IsControlTool(tool.name)) {
        return MakeError(ErrorCode::kInvalidArgument, "tool '{}': {}", tool.name,
                         IsControlTool(tool.name)
                             ? "this name belongs to a control tool that every workflow has"
                             : "a name is letters, digits and '_', a letter first");
      }
      unclear = unclear || RoleOf(tool) == "unclear";
      SOTTO_ASSIGN_OR_RETURN(const std::string text, Tool(tool));
      tools += text;
    }
    if (!unclear) {
      tools +=
          "  intent_unclear:\n    description: \"The user says something that is not understood or that none "
          "of the tools serves\"\n    role: unclear\n";
    }
    std::string text = fmt::format(
        "# Made from a tools array. Add synonyms to the entities and phrases to `examples`, and say what "
        "each action\n"
        "# does; docs/formats/workflow.md has the format, `sotto check` finds mistakes.\n"
        "workflow: {}\n\nassistant:\n  name: {}\n  greeting: \"Hello! How can I help you?\"\n",
        name, Quoted(name));
    if (!entities_.empty()) {
      text += "\nentities:\n";
      for (const auto& [entity_name, entity] : entities_)
        text += fmt::format("  {}: {}\n", entity_name, EntityYaml(entity));
    }
    return text + "\ntools:\n" + tools;
  }

 private:
  std::string EntityName(const std::string& tool, const std::string& slot, const EntityText& entity) {
    for (const auto& [known, other] : entities_) {
      if (other == entity && (!entity.values.empty() || known == slot || entity.type != "text")) return known;
    }
    std::string name = slot;
    const auto taken = [&] {
      return std::any_of(entities_.begin(), entities_.end(),
                         [&](const auto& item) { return item.first == name; });
    };
    if (taken()) name = tool + "_" + slot;
    while (taken()) name += "_2";
    entities_.emplace_back(name, entity);
    return name;
  }

  Result<std::string> Tool(const ToolSpec& tool) {
    const std::string role = RoleOf(tool);
    std::string text = fmt::format("  {}:\n    description: {}\n", tool.name,
                                   Quoted(tool.description.empty() ? Words(tool.name) : tool.description));
    if (!role.empty()) text += fmt::format("    role: {}\n", role);
    const std::string title = TitleOf(tool);
    text += fmt::format("    title: {}\n", Quoted(title));
    const Json none = Json::object();
    const Json& properties =
        tool.parameters.contains("properties") && tool.parameters["properties"].is_object()
            ? tool.parameters["properties"]
            : none;
    std::string done = fmt::format("Okay: {}", Literal(title));
    if (!properties.empty()) text += "    slots:\n";
    for (const auto& [slot, schema] : properties.items()) {
      if (!IsIdentifier(slot)) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "tool '{}', argument '{}': a name is letters, digits and '_', a letter first",
                         tool.name, slot);
      }
      const bool required =
          tool.parameters.contains("required") && tool.parameters["required"].is_array() &&
          std::count(tool.parameters["required"].begin(), tool.parameters["required"].end(), Json(slot)) > 0;
      const std::string description = Property(schema, "description");
      text += fmt::format("      {}: {{entity: {}, {}ask: {}{}}}\n", slot,
                          EntityName(tool.name, slot, EntityOf(slot, schema)),
                          required ? "required: true, " : "", Quoted(AskText(slot, schema)),
                          description.empty() ? "" : ", description: " + Quoted(description));
      done += fmt::format("[, {} {{{}}}]", Words(slot), slot);
    }
    if (role.empty()) text += fmt::format("    done: {}\n", Quoted(done + "."));
    if (const auto found = examples_.find(tool.name); found != examples_.end()) {
      text += "    examples:\n";
      for (const std::string& example : found->second) text += fmt::format("      - {}\n", Quoted(example));
    }
    return text;
  }

  const std::vector<ToolSpec>& tools_;
  std::map<std::string, std::vector<std::string>> examples_;
  std::vector<std::pair<std::string, EntityText>> entities_;
};

}  // namespace

std::string ExampleOf(const std::string& words, const Json& arguments) {
  std::string example = Literal(words);
  for (const auto& [slot, value] : arguments.items()) {
    std::string text = value.is_number()   ? NumberText(value.get<double>())
                       : value.is_string() ? value.get<std::string>()
                                           : "";
    text = PlainWords(text);
    const size_t at = text.empty() ? std::string::npos : Lower(example).find(Lower(text));
    if (at == std::string::npos) return "";
    const size_t begin = at > 0 && example[at - 1] == '$' ? at - 1 : at;
    size_t end = at + text.size();
    while (value.is_number() && end < example.size() && example[end] == '0') ++end;  // 42.50 is 42.5
    const auto part = [&](size_t i) {
      return i < example.size() && std::isalnum(static_cast<unsigned char>(example[i])) != 0;
    };
    if (part(end) || (begin > 0 && part(begin - 1))) return "";  // inside another word
    example.replace(begin, end - begin, "{" + slot + "}");
  }
  return example;
}

std::string ExampleWorkflow(const std::string& name) {
  return fmt::format(
      R"(# An assistant of your own. The format: docs/formats/workflow.md; mistakes: sotto check.
workflow: {0}

assistant:
  name: {0}
  greeting: "Hello! How can I help you?"

entities:
  room: {{values: {{living_room: [lounge, sitting room], kitchen: [], bedroom: [master bedroom]}}}}
  level: {{type: number, min: 0, max: 100}}

tools:
  set_light:
    description: Set the brightness of the light in a room
    title: set a light
    slots:
      room: {{entity: room, required: true, ask: which room, question: "Which room?"}}
      level: {{entity: level, required: true, ask: the brightness from zero to a hundred}}
    # confirm: "Set the {{room}} light to {{level}}?"       # read back before it is done
    # action: {{use: http, url: "http://localhost:8123/light"}}
    done: ["The {{room}} light is at {{level}}.", "{{room}}: {{level}}."]
    examples: ["set the {{room}} light to {{level}}", "light in the {{room}}", "dim the lights to {{level}}"]

  lights_off:
    description: Turn the light in a room off
    title: turn a light off
    slots:
      room: {{entity: room, required: true, ask: which room, question: "Which room?"}}
    done: "The {{room}} light is off."
    examples: ["lights off in the {{room}}", "turn off the {{room}} light", "make it dark in the {{room}}"]

  greeting: {{role: greeting, description: The user greets, done: "Hello!", examples: [hello, hi, good morning]}}
  goodbye: {{role: goodbye, description: The user ends the conversation, done: "Goodbye!", examples: [bye, goodbye, that's all]}}
  thank_you: {{role: thanks, description: The user thanks, done: "You're welcome!", examples: [thanks, thank you]}}
  intent_unclear:
    description: The user says something that is not understood or that none of the tools serves
    role: unclear
    examples: [what is the weather like, tell me a joke, uh]
)",
      name);
}

Result<std::string> WorkflowFromTools(const std::string& name, const std::vector<ToolSpec>& tools,
                                      const std::vector<Conversation>& seeds) {
  if (tools.empty()) return MakeError(ErrorCode::kInvalidArgument, "no tools");
  return FromTools(tools, seeds).Write(name);
}

Result<std::vector<ToolSpec>> ReadTools(std::string_view text, std::string_view source) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, source));
  const Json& array = json.is_object() && json.contains("tools") ? json["tools"] : json;
  if (!array.is_array()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: expected an array of tools, or an object with 'tools'",
                     source);
  }
  std::vector<ToolSpec> tools;
  for (const Json& item : array) {
    auto tool = ToolSpecFromJson(item);
    if (!tool) return WithContext(tool.error(), source);
    const bool twice = std::any_of(tools.begin(), tools.end(),
                                   [&](const ToolSpec& other) { return other.name == tool->name; });
    if (twice)
      return MakeError(ErrorCode::kInvalidArgument, "{}: tool '{}' stands twice", source, tool->name);
    tools.push_back(std::move(*tool));
  }
  return tools;
}

}  // namespace sotto
