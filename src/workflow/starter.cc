#include "workflow/starter.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/ascii.h"
#include "text/normalise.h"
#include "text/spoken_numbers.h"
#include "workflow/schema_resolver.h"
#include "workflow/slot_schema.h"
#include "workflow/suggest.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

constexpr size_t kMaxExamples = 40;

// "fromAccount", "from_account" -> "from account"
std::string WordsOfName(std::string_view name) {
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

// "Amount to transfer (in USD)." -> "the amount to transfer"
std::string AskText(const std::string& name, std::string ask) {
  ask = ask.substr(0, ask.find_first_of(".(,;:[{\n"));
  ask = ask.substr(0, ask.find(" - "));
  while (!ask.empty() && ask.back() == ' ') ask.pop_back();
  if (ask.empty() || ask.size() > 60) return "the " + WordsOfName(name);
  if (ask.size() > 1 && std::islower(static_cast<unsigned char>(ask[1])) != 0)
    ask[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(ask[0])));
  static const std::set<std::string> complete{"the",  "a",    "an",    "which", "whether", "how",  "who",
                                              "when", "what", "where", "your",  "why",     "whose"};
  return complete.contains(ask.substr(0, ask.find(' '))) ? ask : "the " + ask;
}

// A key of the map: quoted where YAML reads something else than a text ("no", "null", "on").
std::string Key(const std::string& name) {
  static const std::set<std::string> words{"y",    "n",     "yes",  "no",   "on",  "off",
                                           "true", "false", "null", "none", "nan", "inf"};
  return words.contains(LowerAscii(name)) ? Quoted(name) : name;
}

// A name of the workflow: letters, digits and '_', a letter first.
std::string Identifier(std::string_view name) {
  std::string identifier;
  for (const char c : name) {
    const bool plain =
        (static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) != 0) ||
        c == '_';
    if (plain) {
      identifier += c;
    } else if (!identifier.empty() && identifier.back() != '_') {
      identifier += '_';
    }
  }
  while (identifier.size() > 1 && identifier.back() == '_' && !name.ends_with('_')) identifier.pop_back();
  if (identifier.empty()) return "";
  return std::isdigit(static_cast<unsigned char>(identifier[0])) != 0 ? "_" + identifier : identifier;
}

constexpr const char* kTypeNames[] = {"enum", "digits", "money", "number", "text", "date"};
constexpr const char* kValueTypeNames[] = {"string", "number", "integer", "boolean"};

std::string ValuesYaml(const Entity& entity) {
  const bool plain = std::all_of(entity.values.begin(), entity.values.end(), [](const EntityValue& value) {
    return value.spoken.empty() && value.synonyms.empty();
  });
  std::vector<std::string> values;
  for (const EntityValue& value : entity.values) {
    if (plain) {
      values.push_back(Quoted(value.value));
      continue;
    }
    std::vector<std::string> parts;
    if (!value.spoken.empty()) parts.push_back("say: " + Quoted(value.spoken));
    std::vector<std::string> also;
    for (const std::string& synonym : value.synonyms) also.push_back(Quoted(synonym));
    if (!also.empty()) parts.push_back(fmt::format("also: [{}]", fmt::join(also, ", ")));
    values.push_back(fmt::format("{}: {{{}}}", Quoted(value.value), fmt::join(parts, ", ")));
  }
  return fmt::format("values: {}{}{}", plain ? '[' : '{', fmt::join(values, ", "), plain ? ']' : '}');
}

std::string EntityYaml(const Entity& entity) {
  std::vector<std::string> parts;
  if (entity.type != Entity::Type::kEnum)
    parts.push_back(fmt::format("type: {}", kTypeNames[static_cast<size_t>(entity.type)]));
  const bool amount = entity.type == Entity::Type::kMoney || entity.type == Entity::Type::kNumber;
  if (entity.value_type != Entity::ValueType::kString &&
      !(amount && entity.value_type == Entity::ValueType::kNumber))
    parts.push_back(fmt::format("value_type: {}", kValueTypeNames[static_cast<size_t>(entity.value_type)]));
  if (entity.type == Entity::Type::kMoney) parts.push_back("currency: " + entity.currency);
  if (entity.length > 0) parts.push_back(fmt::format("length: {}", entity.length));
  if (entity.min) parts.push_back("min: " + NumberText(*entity.min));
  if (entity.max) parts.push_back("max: " + NumberText(*entity.max));
  if (!entity.values.empty()) parts.push_back(ValuesYaml(entity));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

std::string RoleOf(const ToolSpec& tool, bool bare) {
  const std::string words = WordsOfName(tool.name);
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
    return WordsOfName(tool.name);
  title[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(title[0])));
  return title;
}

class FromTools {
 public:
  FromTools(const std::vector<ToolSpec>& tools, const std::vector<Conversation>& seeds, bool leave_out,
            const StarterServer* server)
      : tools_(tools), seeds_(seeds), leave_out_(leave_out), server_(server) {}

  StartedWorkflow Write(const std::string& name) {
    Rename();
    std::string tools;
    for (const ToolSpec& tool : tools_) tools += Tool(tool);
    if (!roles_.contains("unclear")) {
      tools +=
          "  intent_unclear:\n    description: \"The user says something that is not understood or that none "
          "of the tools serves\"\n    role: unclear\n";
    }
    std::string text = fmt::format(
        "# Made from {}. Add synonyms to the entities and phrases to `examples`, and say what each action\n"
        "# does; docs/formats/workflow.md has the format, `sotto check` finds mistakes.\n"
        "workflow: {}\n\nassistant:\n  name: {}\n  greeting: \"Hello! How can I help you?\"\n",
        server_ == nullptr ? "a tools array" : "an MCP server's tools", Key(name), Quoted(name));
    if (server_ != nullptr) text += "\nmcp:\n" + ServerYaml(server_->server);
    if (!entities_.empty()) {
      text += "\nentities:\n";
      for (const NamedEntity& entity : entities_) {
        text += fmt::format("  {}: {}{}\n", Key(entity.name), entity.yaml,
                            entity.hint.empty() ? "" : "  # " + entity.hint);
      }
    }
    if (out_.refused.empty() || (leave_out_ && n_written_ > 0)) out_.yaml = text + "\ntools:\n" + tools;
    return std::move(out_);
  }

 private:
  struct NamedEntity {
    std::string name;
    std::string yaml;
    std::string hint;
    Entity::Type type;
  };
  struct ReadSlot {
    std::string argument;  // its name in the tools array
    SlotSchema schema;
    bool required = false;
  };

  void Note(const ToolSpec& tool, std::string_view what) {
    out_.notes.push_back(fmt::format("tool '{}': {}", tool.name, what));
  }

  // Names that the workflow cannot have are changed, everywhere and before anything is written.
  void Rename() {
    std::set<std::string> taken;
    for (const ToolSpec& tool : tools_) {
      if (Identifier(tool.name) == tool.name && !IsControlTool(tool.name)) taken.insert(tool.name);
    }
    for (const ToolSpec& tool : tools_) {
      StartedWorkflow::Names& names = out_.names[tool.name];
      names.tool = tool.name;
      if (!taken.contains(tool.name)) {
        names.tool = Identifier(tool.name);
        if (names.tool.empty()) continue;
        if (IsControlTool(names.tool)) names.tool += "_tool";
        while (!taken.insert(names.tool).second) names.tool += "_2";
        Note(tool,
             fmt::format("is called '{}' here: {}", names.tool,
                         IsControlTool(tool.name) ? "every workflow has a control tool of that name"
                                                  : "a name is letters, digits and '_', a letter first"));
      }
    }
  }

  void RenameSlots(const ToolSpec& tool, const Json& properties) {
    StartedWorkflow::Names& names = out_.names[tool.name];
    std::set<std::string> taken;
    for (const auto& [argument, schema] : properties.items()) {
      if (!argument.empty() && Identifier(argument) == argument) taken.insert(argument);
    }
    for (const auto& [argument, schema] : properties.items()) {
      std::string slot = argument;
      if (!taken.contains(argument)) {
        slot = Identifier(argument);
        if (slot.empty()) continue;
        while (!taken.insert(slot).second) slot += "_2";
        Note(tool, fmt::format("argument '{}' is the slot '{}' here", argument, slot));
      }
      names.slots[argument] = slot;
    }
  }

  // The arguments that can be slots; those that cannot stand in out_.refused. False: the tool cannot be
  // served.
  bool ReadSlots(const ToolSpec& tool, std::vector<ReadSlot>& slots) {
    const auto refuse = [&](std::string_view why) {
      out_.refused.push_back(fmt::format("tool '{}': {}", tool.name, why));
      return false;
    };
    if (out_.names[tool.name].tool.empty())
      return refuse("its name has no letter; want letters, digits and '_'");
    const auto resolved = ResolveSchema(tool.parameters, tool.parameters, "parameters");
    if (!resolved) return refuse(resolved.error().message);
    const Json& parameters = *resolved;
    if (parameters.contains("type") && parameters["type"] != "object")
      return refuse("parameters.type: arguments are an object; want \"object\"");
    const Json properties = parameters.value("properties", Json());
    if (properties.is_null()) return true;
    if (!properties.is_object())
      return refuse("parameters.properties: not an object; want {\"name\": schema}");
    std::set<std::string> required;
    if (parameters.contains("required") && !parameters["required"].is_null()) {
      if (!parameters["required"].is_array())
        return refuse("parameters.required: not a list; want a list of names of properties");
      for (const Json& name : parameters["required"]) {
        if (name.is_string() && properties.contains(name.get<std::string>())) {
          required.insert(name.get<std::string>());
        } else {
          Note(tool, fmt::format("parameters.required: {} is no property", name.dump()));
        }
      }
    }
    RenameSlots(tool, properties);
    bool served = true;
    for (const auto& [argument, schema] : properties.items()) {
      const bool must = required.contains(argument);
      auto read = out_.names[tool.name].slots.contains(argument)
                      ? ReadSlotSchema(argument, schema, tool.parameters, "parameters.properties." + argument)
                      : Result<SlotSchema>(MakeError(ErrorCode::kInvalidArgument,
                                                     "parameters.properties: '{}' is no name; want letters",
                                                     argument));
      if (!read) {
        refuse(read.error().message);
        served = served && !must;
        continue;
      }
      for (const std::string& weaker : read->weaker) Note(tool, weaker);
      slots.push_back({argument, *std::move(read), must});
    }
    return served;
  }

  std::string EntityName(const std::string& tool, const std::string& slot, const SlotSchema& schema) {
    const std::string yaml = EntityYaml(schema.entity);
    const bool text = schema.entity.type == Entity::Type::kText;
    for (const NamedEntity& known : entities_) {
      if (known.yaml == yaml && known.hint == schema.hint && (!text || known.name == slot)) return known.name;
    }
    std::string name = slot;
    const auto taken = [&] {
      return std::any_of(entities_.begin(), entities_.end(),
                         [&](const NamedEntity& entity) { return entity.name == name; });
    };
    if (taken()) name = tool + "_" + slot;
    while (taken()) name += "_2";
    entities_.push_back({name, yaml, schema.hint, schema.entity.type});
    return name;
  }

  // First user turns whose arguments stand in their words.
  std::vector<std::string> ExamplesOf(const ToolSpec& tool, const std::vector<ReadSlot>& slots) {
    std::vector<std::string> examples;
    for (const Conversation& seed : seeds_) {
      if (seed.turns.empty() || seed.turns[0].calls.size() != 1 || examples.size() >= kMaxExamples) continue;
      const ToolCall& call = seed.turns[0].calls[0];
      if (call.name != tool.name) continue;
      Json arguments = Json::object();
      for (const ReadSlot& slot : slots) {
        if (call.arguments.contains(slot.argument))
          arguments[out_.names[tool.name].slots[slot.argument]] = call.arguments[slot.argument];
      }
      if (arguments.size() != call.arguments.size()) continue;  // an argument that the tool does not have
      std::string example = ExampleOf(seed.turns[0].user, arguments);
      if (!example.empty() && said_.insert(LowerAscii(example)).second)
        examples.push_back(std::move(example));
    }
    return examples;
  }

  std::string Tool(const ToolSpec& tool) {
    std::vector<ReadSlot> slots;
    if (!ReadSlots(tool, slots)) return "";
    ++n_written_;
    const std::string& name = out_.names[tool.name].tool;
    std::string role = RoleOf(tool, slots.empty());
    if (!role.empty() && !roles_.insert(role).second) role.clear();
    // What greets and thanks is plain; whom a call is handed to, and what stands for everything else, is not.
    if (role == "handoff" || role == "unclear")
      Note(tool, fmt::format("is taken for the workflow's '{0}' (role: {0})", role));
    std::string text =
        fmt::format("  {}:\n    description: {}\n", Key(name),
                    Quoted(tool.description.empty() ? WordsOfName(tool.name) : tool.description));
    if (name != tool.name) text += fmt::format("    as: {}\n", Quoted(tool.name));
    if (!role.empty()) text += fmt::format("    role: {}\n", role);
    const std::string title = TitleOf(tool);
    text += fmt::format("    title: {}\n", Quoted(title));
    std::string done = fmt::format("Okay: {}", Literal(title));
    if (!slots.empty()) text += "    slots:\n";
    for (const ReadSlot& slot : slots) {
      const std::string& slot_name = out_.names[tool.name].slots[slot.argument];
      text += SlotYaml(name, slot_name, slot);
      if (slot.schema.entity.type == Entity::Type::kMoney)
        Note(tool, fmt::format("'{}' is taken for money in {}", slot.argument, slot.schema.entity.currency));
      done += fmt::format("[, {} {{{}}}]", Literal(WordsOfName(slot_name)), slot_name);
    }
    if (role.empty() && server_ != nullptr) {
      text += ActionYaml(tool, slots);
    } else if (role.empty()) {
      text += fmt::format("    done: {}\n", Quoted(done + "."));
    }
    if (const auto examples = ExamplesOf(tool, slots); !examples.empty()) {
      text += "    examples:\n";
      for (const std::string& example : examples) text += fmt::format("      - {}\n", Quoted(example));
    }
    return text;
  }

  static std::string ServerYaml(const McpServer& server) {
    if (!server.url.empty()) return fmt::format("  {}: {{url: {}}}\n", server.name, Quoted(server.url));
    std::vector<std::string> words;
    for (const std::string& word : server.command) words.push_back(Quoted(word));
    return fmt::format("  {}: {{command: [{}]}}\n", server.name, fmt::join(words, ", "));
  }

  // The tool acts on its server, and what it returns is said: the plain fields of its answer, or its text.
  std::string ActionYaml(const ToolSpec& tool, const std::vector<ReadSlot>& slots) {
    std::vector<std::string> returns;
    std::string done;
    const auto answer = server_->answers.find(tool.name);
    const Json none = Json::object();
    const bool known = answer != server_->answers.end() && answer->second.is_object() &&
                       answer->second.contains("properties") && answer->second["properties"].is_object();
    for (const auto& [field, schema] : (known ? answer->second["properties"] : none).items()) {
      const bool slot = std::any_of(slots.begin(), slots.end(), [&](const ReadSlot& other) {
        return out_.names[tool.name].slots[other.argument] == field;
      });
      const Json type = schema.is_object() && schema.contains("type") ? schema["type"] : Json();
      if (slot || Identifier(field) != field || (type != "string" && type != "number" && type != "integer"))
        continue;
      returns.push_back(fmt::format("{}: {}", Key(field), type == "string" ? "text" : "number"));
      done += fmt::format("[{}{}: {{{}}}]", done.empty() ? "" : ", ", Literal(WordsOfName(field)), field);
    }
    if (returns.empty()) {
      returns.emplace_back("text: text");
      done = "[{text}]";
    }
    return fmt::format("    action: {{use: {}, returns: {{{}}}}}\n    done: {}\n",
                       Quoted(fmt::format("mcp.{}.{}", server_->server.name, tool.name)),
                       fmt::join(returns, ", "), Quoted("Okay. " + done));
  }

  std::string SlotYaml(const std::string& tool, const std::string& name, const ReadSlot& slot) {
    // A value that may be null need not be known, whatever `required` says: OpenAI's strict mode requires
    // all.
    const bool required = slot.required && !slot.schema.nullable;
    const std::string& description = slot.schema.description;
    return fmt::format("      {}: {{entity: {}, {}{}ask: {}{}}}\n", Key(name),
                       Key(EntityName(tool, name, slot.schema)),
                       slot.argument == name ? "" : "as: " + Quoted(slot.argument) + ", ",
                       required ? "required: true, " : "", Quoted(AskText(name, description)),
                       description.empty() ? "" : ", description: " + Quoted(description));
  }

  const std::vector<ToolSpec>& tools_;
  const std::vector<Conversation>& seeds_;
  const bool leave_out_;
  const StarterServer* const server_;  // null: none
  StartedWorkflow out_;
  std::vector<NamedEntity> entities_;
  std::set<std::string> roles_;
  std::set<std::string> said_;  // examples, whatever tool they are of
  size_t n_written_ = 0;
};

// Whoever carries the tools: a list; {"tools": [...]} (OpenAI, MCP); {"functions": [...]} (OpenAI's older
// key); [{"functionDeclarations": [...]}] (Gemini); {"result": {"tools": [...]}} (an answer of an MCP
// server).
Result<void> AddTools(const Json& json, std::string_view source, std::vector<ToolSpec>& tools,
                      int depth = 0) {
  static constexpr const char* kCarriers[] = {"tools", "functions", "functionDeclarations",
                                              "function_declarations", "result"};
  if (json.is_object() && depth < 3) {
    for (const char* key : kCarriers) {
      if (json.contains(key) && json.at(key).is_structured())
        return AddTools(json.at(key), source, tools, depth + 1);
    }
  }
  if (json.is_object() && json.contains("name")) return AddTools(Json::array({json}), source, tools, depth);
  if (!json.is_array()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: expected an array of tools, or an object with 'tools' or 'functions'", source);
  }
  for (const Json& item : json) {
    const bool carrier = item.is_object() && !item.contains("name") &&
                         (item.contains("functionDeclarations") || item.contains("function_declarations"));
    if (carrier && depth < 3) {
      SOTTO_RETURN_IF_ERROR(AddTools(item, source, tools, depth + 1));
      continue;
    }
    auto tool = ToolSpecFromJson(item);
    if (!tool) return WithContext(tool.error(), source);
    const bool twice = std::any_of(tools.begin(), tools.end(),
                                   [&](const ToolSpec& other) { return other.name == tool->name; });
    if (twice)
      return MakeError(ErrorCode::kInvalidArgument, "{}: tool '{}' stands twice", source, tool->name);
    tools.push_back(std::move(*tool));
  }
  return {};
}

}  // namespace

std::string ExampleOf(const std::string& words, const Json& arguments) {
  std::string example = Literal(words);
  for (const auto& [slot, value] : arguments.items()) {
    std::string text = value.is_number()   ? NumberText(value.get<double>())
                       : value.is_string() ? value.get<std::string>()
                                           : "";
    text = PlainWords(text);
    const size_t at = text.empty() ? std::string::npos : LowerAscii(example).find(LowerAscii(text));
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

Result<StartedWorkflow> WorkflowFromTools(const std::string& name, const std::vector<ToolSpec>& tools,
                                          const std::vector<Conversation>& seeds, bool leave_out,
                                          const StarterServer* server) {
  if (tools.empty()) return MakeError(ErrorCode::kInvalidArgument, "no tools");
  return FromTools(tools, seeds, leave_out, server).Write(name);
}

std::vector<std::string> UnknownCalls(const Conversation& conversation, const std::vector<ToolSpec>& tools) {
  std::vector<std::string> unknown;
  for (const Turn& turn : conversation.turns) {
    for (const ToolCall& call : turn.calls) {
      if (IsControlTool(call.name)) continue;
      const auto tool = std::find_if(tools.begin(), tools.end(),
                                     [&](const ToolSpec& spec) { return spec.name == call.name; });
      std::vector<std::string> names;
      if (tool == tools.end()) {
        for (const ToolSpec& spec : tools) names.push_back(spec.name);
        unknown.push_back(fmt::format("no tool '{}' ({})", call.name, Suggestion(call.name, names)));
        continue;
      }
      const auto resolved = ResolveSchema(tool->parameters, tool->parameters, "parameters");
      if (!resolved) continue;
      const Json properties = resolved->value("properties", Json::object());
      if (!properties.is_object()) continue;
      for (const auto& [name, schema] : properties.items()) names.push_back(name);
      for (const auto& [name, value] : call.arguments.items()) {
        if (properties.contains(name)) continue;
        unknown.push_back(fmt::format("tool '{}' has no argument '{}'{}", call.name, name,
                                      names.empty() ? "" : " (" + Suggestion(name, names) + ")"));
      }
    }
  }
  return unknown;
}

Result<std::vector<ToolSpec>> ReadTools(std::string_view text, std::string_view source) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, source));
  std::vector<ToolSpec> tools;
  SOTTO_RETURN_IF_ERROR(AddTools(json, source, tools));
  if (tools.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: no tools in it", source);
  return tools;
}

}  // namespace sotto
