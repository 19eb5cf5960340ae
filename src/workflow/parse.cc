#include "workflow/parse.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/utf8.h"
#include "text/normalise.h"
#include "text/times.h"
#include "workflow/messages.h"
#include "workflow/network.h"
#include "workflow/plan_parse.h"
#include "workflow/screen_use.h"
#include "workflow/suggest.h"
#include "workflow/tool_words.h"
#include "workflow/validate.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

const std::vector<std::string> kEntityTypes{"enum", "digits", "money",    "number",    "text",
                                            "date", "time",   "duration", "date_range"};
const std::vector<std::string> kValueTypes{"string", "number", "integer", "boolean"};  // as Entity::ValueType
// In the order of PrivacyRule.
const std::vector<std::string> kPrivacyRules{"local", "pseudonymise", "allow"};

const std::vector<std::string> kRoles{"task",    "greeting", "goodbye", "thanks",
                                      "unclear", "handoff",  "verify",  "answer"};

class WorkflowParser {
 public:
  ParsedWorkflow Parse(std::string_view text, std::string_view file, const std::filesystem::path& folder) {
    folder_ = folder;
    ParsedWorkflow parsed;
    parsed.file = file;
    if (const size_t at = FindInvalidUtf8(text); at != std::string_view::npos) {
      const std::string_view before = text.substr(0, at);
      parsed.mistakes.push_back({static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                                 static_cast<int>(at - (before.rfind('\n') + 1)) + 1,
                                 fmt::format("byte 0x{:02X} is not UTF-8", static_cast<uint8_t>(text[at])),
                                 "save the file as UTF-8", false});
      return parsed;
    }
    try {
      const YAML::Node root = YAML::Load(std::string(text));
      if (!root.IsMap()) {
        reader_.Add(YAML::Mark::null_mark(), "not a workflow: the file must be a map", "workflow: my_name");
      } else {
        ReadRoot(root);
        ValidateWorkflow(workflow_, reader_);
      }
    } catch (const YAML::Exception& error) {
      reader_.Add(error.mark, fmt::format("not valid YAML: {}", error.msg));
    } catch (const std::exception& error) {
      reader_.Add(YAML::Mark::null_mark(), fmt::format("not valid YAML: {}", error.what()));
    }
    parsed.mistakes = std::move(reader_.mistakes);
    std::stable_sort(parsed.mistakes.begin(), parsed.mistakes.end(), [](const Mistake& a, const Mistake& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    if (std::all_of(parsed.mistakes.begin(), parsed.mistakes.end(),
                    [](const Mistake& mistake) { return mistake.warning; })) {
      parsed.workflow = std::move(workflow_);
    }
    return parsed;
  }

 private:
  void ReadRoot(const YAML::Node& root) {
    reader_.CheckMap(root, "",
                     {"workflow", "language", "privacy", "recording", "assistant", "entities", "tools",
                      "plan", "network", "screen", "policy", "messages", "mcp"},
                     "the workflow");
    reader_.Read(root, "", "workflow", workflow_.name);
    reader_.Read(root, "", "language", workflow_.language);
    workflow_.privacy.rule =
        static_cast<PrivacyRule>(reader_.ReadOneOf(root, "", "privacy", kPrivacyRules, 0));
    FindLanguage();
    if (workflow_.name.empty()) reader_.AddAt("workflow", "the workflow has no name", "workflow: my_name");
    if (const YAML::Node node = root["assistant"]) ReadAssistant(node);
    if (const YAML::Node node = root["entities"];
        node && reader_.CheckNames(node, "entities", "entities", true)) {
      for (const auto& item : node) ReadEntity(item.first.Scalar(), item.second);
    }
    if (const YAML::Node node = root["mcp"]; node && reader_.CheckNames(node, "mcp", "mcp", true)) {
      for (const auto& item : node) ReadMcpServer(item.first.Scalar(), item.second);
    }
    if (const YAML::Node node = root["tools"]; node && reader_.CheckNames(node, "tools", "tools", true)) {
      for (const auto& item : node) ReadTool(item.first.Scalar(), item.second);
    }
    if (const YAML::Node node = root["recording"];
        node && reader_.CheckMap(node, "recording", {"calls", "keep_days"}, "'recording'")) {
      reader_.Read(node, "recording", "calls", workflow_.recording.calls);
      reader_.Read(node, "recording", "keep_days", workflow_.recording.keep_days, 1);
    }
    if (const YAML::Node node = root["plan"]) {
      ReadPlans(node, workflow_, reader_,
                [this](const std::string& path, const std::string& name, const YAML::Node& tool,
                       const std::vector<std::string>& keys) { return ToolOf(path, name, tool, keys); });
    }
    if (const YAML::Node node = root["policy"]) ReadPolicy(node);
    if (const YAML::Node node = root["network"]) ReadNetwork(node, workflow_, reader_);
    if (const YAML::Node node = root["screen"]) ReadScreenUse(node, workflow_, reader_);
    ReadMessages(root["messages"]);
    if (const ToolDef* unclear = workflow_.FindRole(ToolRole::kUnclear))
      workflow_.unclear_tool = unclear->name;
  }

  // A language of the workflow's own folder, or a compiled-in one.
  void FindLanguage() {
    std::error_code ignored;
    const std::filesystem::path own = folder_ / "languages" / workflow_.language;
    const bool has_own = !folder_.empty() && std::filesystem::is_directory(own, ignored);
    auto language = has_own ? ReadLanguage(own) : LanguageFor(workflow_.language);
    if (language) {
      workflow_.language_data = *std::move(language);
    } else {
      reader_.AddAt("language", language.error().message,
                    has_own ? "" : "a language is a folder: languages/CODE beside the workflow");
    }
  }

  void ReadAssistant(const YAML::Node& node) {
    if (!reader_.CheckMap(node, "assistant", {"name", "greeting", "voice", "recognizer"}, "assistant"))
      return;
    reader_.Read(node, "assistant", "name", workflow_.assistant.name);
    reader_.Read(node, "assistant", "greeting", workflow_.assistant.greeting);
    reader_.Read(node, "assistant", "voice", workflow_.assistant.voice);
    reader_.Read(node, "assistant", "recognizer", workflow_.assistant.recognizer);
  }

  void ReadEntity(const std::string& name, const YAML::Node& node) {
    const std::string path = "entities." + name;
    if (!reader_.CheckMap(node, path,
                          {"type", "values", "value_type", "length", "currency", "min", "max", "usual"},
                          fmt::format("entity '{}'", name))) {
      return;
    }
    Entity entity;
    entity.name = name;
    entity.type = static_cast<Entity::Type>(reader_.ReadOneOf(node, path, "type", kEntityTypes, 0));
    entity.value_type =
        static_cast<Entity::ValueType>(reader_.ReadOneOf(node, path, "value_type", kValueTypes, 0));
    reader_.Read(node, path, "length", entity.length, 1);
    reader_.Read(node, path, "currency", entity.currency);
    ReadLimits(node, path, entity);
    ReadUsual(node, path, entity);
    if (const YAML::Node values = node["values"]) ReadValues(values, path + ".values", entity);
    workflow_.entities.insert_or_assign(name, std::move(entity));
  }

  // Numbers, days, times or lengths of time: what the entity's values are.
  void ReadLimits(const YAML::Node& node, const std::string& path, Entity& entity) {
    if (entity.type == Entity::Type::kDate || entity.type == Entity::Type::kDateRange) {
      ReadLimit(node, path, "min", entity.earliest, ParseDayLimit);
      ReadLimit(node, path, "max", entity.latest, ParseDayLimit);
    } else if (entity.type == Entity::Type::kTime || entity.type == Entity::Type::kDuration) {
      const auto parse = [&](std::string_view text) { return ParseLimit(entity.type, text); };
      ReadLimit(node, path, "min", entity.min, parse);
      ReadLimit(node, path, "max", entity.max, parse);
    } else {
      ReadLimit(node, path, "min", entity.min);
      ReadLimit(node, path, "max", entity.max);
    }
  }

  void ReadLimit(const YAML::Node& node, const std::string& path, const std::string& key,
                 std::optional<double>& out) {
    if (!node[key]) return;
    double value = 0;
    reader_.Read(node, path, key, value);
    out = value;
  }

  template <typename Value, typename Parse>
  void ReadLimit(const YAML::Node& node, const std::string& path, const std::string& key,
                 std::optional<Value>& out, const Parse& parse) {
    if (!node[key]) return;
    std::string text;
    reader_.Read(node, path, key, text);
    const Result<Value> value = parse(text);
    if (value) {
      out = *value;
    } else {
      reader_.AddAt(path + "." + key, value.error().message);
    }
  }

  // "08:00" in minutes since midnight, "two weeks" in minutes.
  static Result<double> ParseLimit(Entity::Type type, std::string_view text) {
    if (type == Entity::Type::kTime) {
      if (const auto time = ParseDayTime(text); time && time->from == time->to)
        return static_cast<double>(time->from.count());
      return MakeError(ErrorCode::kInvalidArgument, "'{}' is no time of day; write 08:00 or 17:30", text);
    }
    const auto said = ReadPeriods(text);
    if (said.size() == 1) return RoughMinutes(said.front().period);
    return MakeError(ErrorCode::kInvalidArgument, "'{}' is no length of time; write 30 minutes or 2 weeks",
                     text);
  }

  void ReadUsual(const YAML::Node& node, const std::string& path, Entity& entity) {
    const YAML::Node usual = node["usual"];
    if (!usual || !reader_.CheckMap(usual, path + ".usual", {"min", "max", "for"}, "usual")) return;
    ReadLimit(usual, path + ".usual", "min", entity.usual_min);
    ReadLimit(usual, path + ".usual", "max", entity.usual_max);
    const YAML::Node slots = usual["for"];
    if (!slots || !reader_.CheckNames(slots, path + ".usual.for", "usual.for", true)) return;
    for (const auto& slot : slots) {
      const std::string slot_path = path + ".usual.for." + slot.first.Scalar();
      if (!reader_.CheckNames(slot.second, slot_path, "a slot of usual.for", false)) continue;
      for (const auto& value : slot.second) {
        Entity::UsualFor& one = entity.usual_for.emplace_back();
        one.slot = slot.first.Scalar();
        one.value = value.first.Scalar();
        const std::string value_path = slot_path + "." + one.value;
        if (!reader_.CheckMap(value.second, value_path, {"min", "max"}, "a value of usual.for")) continue;
        ReadLimit(value.second, value_path, "min", one.min);
        ReadLimit(value.second, value_path, "max", one.max);
      }
    }
  }

  void ReadValues(const YAML::Node& node, const std::string& path, Entity& entity) {
    if (node.IsSequence()) {
      std::vector<std::string> values;
      YAML::Node map;
      map["values"] = node;
      reader_.Read(map, "entities." + entity.name, "values", values);
      for (std::string& value : values) {
        std::string spoken = entity.type == Entity::Type::kText ? value : PlainWords(value);
        entity.values.push_back({std::move(value), std::move(spoken), {}});
      }
      return;
    }
    if (!reader_.CheckNames(node, path, "values", false)) return;
    for (const auto& item : node) {
      EntityValue value;
      value.value = item.first.Scalar();
      value.spoken = entity.type == Entity::Type::kText ? value.value : PlainWords(value.value);
      const std::string here = path + "." + value.value;
      if (item.second.IsMap()) {
        reader_.CheckMap(item.second, here, {"say", "also"}, fmt::format("value '{}'", value.value));
        reader_.Read(item.second, here, "say", value.spoken);
        reader_.Read(item.second, here, "also", value.synonyms);
      } else if (!item.second.IsNull()) {
        reader_.Read(node, path, value.value, value.synonyms);
      }
      entity.values.push_back(std::move(value));
    }
  }

  void ReadTool(const std::string& name, const YAML::Node& node) {
    static const std::vector<std::string> keys{"as",
                                               "description",
                                               "role",
                                               "title",
                                               "doing",
                                               "slots",
                                               "checks",
                                               "unlike",
                                               "confirm",
                                               "effect",
                                               "action",
                                               "privacy",
                                               "done",
                                               "failed",
                                               "handoff_on",
                                               "related",
                                               "requires_verified",
                                               "attempts",
                                               "examples"};
    if (auto tool = ToolOf("tools." + name, name, node, keys)) workflow_.tools.push_back(*std::move(tool));
  }

  // A tool of `keys`; none where the node is no map.
  std::optional<ToolDef> ToolOf(const std::string& path, const std::string& name, const YAML::Node& node,
                                const std::vector<std::string>& keys) {
    if (!reader_.CheckMap(node, path, keys, fmt::format("tool '{}'", name))) return std::nullopt;
    ToolDef tool;
    tool.name = name;
    reader_.Read(node, path, "as", tool.as);
    tool.role = static_cast<ToolRole>(reader_.ReadOneOf(node, path, "role", kRoles, 0));
    reader_.Read(node, path, "description", tool.description);
    tool.title = PlainWords(name);
    reader_.Read(node, path, "title", tool.title);
    tool.doing = Gerund(tool.title);
    reader_.Read(node, path, "doing", tool.doing);
    if (const YAML::Node slots = node["slots"];
        slots && reader_.CheckNames(slots, path + ".slots", "slots", true)) {
      for (const auto& item : slots)
        ReadSlot(path + ".slots", item.first.Scalar(), item.second, path.starts_with("plan."), tool);
    }
    if (const YAML::Node checks = node["checks"]) ReadChecks(checks, path + ".checks", tool);
    if (const YAML::Node unlike = node["unlike"]) ReadUnlike(unlike, path + ".unlike", tool);
    ReadConfirm(node, path, tool);
    tool.effect =
        static_cast<ToolEffect>(reader_.ReadOneOf(node, path, "effect", {"unknown", "reads", "acts"}, 0));
    if (node["privacy"])
      workflow_.privacy.tools[name] =
          static_cast<PrivacyRule>(reader_.ReadOneOf(node, path, "privacy", kPrivacyRules, 0));
    if (const YAML::Node action = node["action"]) ReadAction(action, path + ".action", tool);
    reader_.Read(node, path, "done", tool.done);
    if (const YAML::Node failed = node["failed"];
        failed && reader_.CheckNames(failed, path + ".failed", "failed", true)) {
      for (const auto& item : failed) {
        reader_.Read(failed, path + ".failed", item.first.Scalar(), tool.failed[item.first.Scalar()]);
      }
    }
    reader_.Read(node, path, "handoff_on", tool.handoff_on);
    reader_.Read(node, path, "related", tool.related);
    reader_.Read(node, path, "requires_verified", tool.requires_verified);
    reader_.Read(node, path, "attempts", tool.attempts, 1);
    reader_.Read(node, path, "examples", tool.examples);
    if (tool.role == ToolRole::kAnswer) {
      tool.action_returns.try_emplace("answer", "text");
      tool.action_returns.try_emplace("source", "text");
      if (tool.done.empty()) tool.done = {"{answer}"};
    }
    return tool;
  }

  // Texts, or "never".
  void ReadConfirm(const YAML::Node& node, const std::string& path, ToolDef& tool) {
    reader_.Read(node, path, "confirm", tool.confirm);
    if (tool.confirm.size() != 1) return;
    const std::string& only = tool.confirm.front();
    if (only == "never" || only == "false") {
      tool.never_confirm = true;
      tool.confirm.clear();
    }
  }

  // `of_plan`: it may have a `default`, which workflow/plan_parse.h reads.
  void ReadSlot(const std::string& slots_path, const std::string& name, const YAML::Node& node, bool of_plan,
                ToolDef& tool) {
    const std::string path = slots_path + "." + name;
    std::vector<std::string> keys{"as",          "entity", "only",     "required", "grounded",
                                  "inferred",    "ask",    "question", "when",     "phrases",
                                  "description", "min",    "max",      "usual",    "secret"};
    if (of_plan) keys.emplace_back("default");
    if (!reader_.CheckMap(node, path, keys, fmt::format("slot '{}'", name))) return;
    Slot slot;
    slot.name = name;
    reader_.Read(node, path, "as", slot.as);
    reader_.Read(node, path, "entity", slot.entity_name);
    const auto entity = workflow_.entities.find(slot.entity_name);
    if (entity != workflow_.entities.end()) {
      slot.entity = entity->second;
    } else {
      std::vector<std::string> names;
      for (const auto& [known, unused] : workflow_.entities) names.push_back(known);
      reader_.AddAt(slot.entity_name.empty() ? path : path + ".entity",
                    slot.entity_name.empty() ? fmt::format("slot '{}' has no entity", name)
                                             : fmt::format("undefined entity '{}'", slot.entity_name),
                    Suggestion(slot.entity_name, names));
    }
    std::vector<std::string> only;
    reader_.Read(node, path, "only", only);
    if (!only.empty()) ApplyOnly(only, path, slot.entity);
    reader_.Read(node, path, "required", slot.required);
    reader_.Read(node, path, "grounded", slot.grounded);
    reader_.Read(node, path, "inferred", slot.inferred);
    reader_.Read(node, path, "description", slot.description);
    slot.ask = slot.description.empty() ? "the " + PlainWords(name) : slot.description;
    reader_.Read(node, path, "ask", slot.ask);
    reader_.Read(node, path, "question", slot.question);
    reader_.Read(node, path, "when", slot.when);
    reader_.Read(node, path, "phrases", slot.phrases);
    ReadLimits(node, path, slot.entity);
    ReadUsual(node, path, slot.entity);
    slot.secret = SoundsSecret(slot);
    reader_.Read(node, path, "secret", slot.secret);
    tool.slots.push_back(std::move(slot));
  }

  // Where the file does not say: whole card numbers, and what is named as people name such things.
  static bool SoundsSecret(const Slot& slot) {
    constexpr int kLeastCardDigits = 12;
    if (slot.entity.type == Entity::Type::kDigits && slot.entity.length >= kLeastCardDigits) return true;
    static const std::set<std::string_view> words{"pin",      "cvv",      "cvc",        "cvn",
                                                  "password", "passcode", "passphrase", "otp"};
    std::string name = slot.name + "_" + slot.entity_name + "_";
    std::string word;
    for (const char letter : name) {
      if (letter != '_' && letter != '-') {
        word += letter;
      } else {
        if (words.contains(word)) return true;
        word.clear();
      }
    }
    return name.find("card_number") != std::string::npos || name.find("security_code") != std::string::npos;
  }

  void ApplyOnly(const std::vector<std::string>& only, const std::string& path, Entity& entity) {
    std::vector<std::string> known;
    std::vector<EntityValue> kept;
    for (const EntityValue& value : entity.values) {
      known.push_back(value.value);
      if (std::find(only.begin(), only.end(), value.value) != only.end()) kept.push_back(value);
    }
    for (size_t i = 0; i < only.size(); ++i) {
      if (std::find(known.begin(), known.end(), only[i]) != known.end()) continue;
      reader_.AddAt(fmt::format("{}.only.{}", path, i),
                    fmt::format("'{}' is no value of entity '{}'", only[i], entity.name),
                    Suggestion(only[i], known));
    }
    entity.values = std::move(kept);
  }

  void ReadChecks(const YAML::Node& node, const std::string& path, ToolDef& tool) {
    if (!node.IsSequence()) {
      reader_.Add(node.Mark(), "'checks' must be a list", "checks: [{rule: ..., say: ..., clear: [...]}]");
      return;
    }
    for (size_t i = 0; i < node.size(); ++i) {
      const std::string here = fmt::format("{}.{}", path, i);
      reader_.places.Set(here, node[i].Mark());
      if (!reader_.CheckMap(node[i], here, {"rule", "say", "clear"}, "a check")) continue;
      Check check;
      reader_.Read(node[i], here, "rule", check.rule);
      reader_.Read(node[i], here, "say", check.say);
      reader_.Read(node[i], here, "clear", check.clear);
      tool.checks.push_back(std::move(check));
    }
  }

  void ReadUnlike(const YAML::Node& node, const std::string& path, ToolDef& tool) {
    if (!node.IsSequence()) {
      reader_.Add(node.Mark(), "'unlike' must be a list", "unlike: [{words: [...], say: ...}]");
      return;
    }
    for (size_t i = 0; i < node.size(); ++i) {
      const std::string here = fmt::format("{}.{}", path, i);
      reader_.places.Set(here, node[i].Mark());
      if (!reader_.CheckMap(node[i], here, {"words", "say"}, "a wish that is unlike")) continue;
      Unlike unlike;
      reader_.Read(node[i], here, "words", unlike.words);
      reader_.Read(node[i], here, "say", unlike.say);
      if (unlike.words.empty() || unlike.say.empty())
        reader_.AddAt(here, "a wish that is unlike needs 'words' and 'say'",
                      "{words: [\"(freeze|lock) [my] card\"], say: \"I can only cancel it.\"}");
      PhraseList list;
      for (const std::string& pattern : unlike.words)
        if (const auto added = list.Add(pattern); !added)
          reader_.AddAt(here + ".words", added.error().message);
      tool.unlike.push_back(std::move(unlike));
    }
  }

  void ReadAction(const YAML::Node& node, const std::string& path, ToolDef& tool) {
    if (node.IsScalar()) {
      tool.action = node.Scalar();
      return;
    }
    if (!reader_.CheckNames(node, path, "action", false)) return;
    reader_.Read(node, path, "use", tool.action);
    if (tool.action.empty()) reader_.AddAt(path, "the action has no 'use'", "action: {use: bank.transfer}");
    for (const auto& item : node) {
      const std::string& key = item.first.Scalar();
      if (key == "use") continue;
      if (key != "returns") {
        tool.action_options[key] = ToJson(item.second);
      } else if (reader_.CheckNames(item.second, path + ".returns", "returns", true)) {
        for (const auto& field : item.second) {
          reader_.Read(item.second, path + ".returns", field.first.Scalar(),
                       tool.action_returns[field.first.Scalar()]);
        }
      }
    }
  }

  void ReadMcpServer(const std::string& name, const YAML::Node& node) {
    const std::string path = "mcp." + name;
    if (!reader_.CheckMap(node, path, {"command", "env", "url", "headers"},
                          fmt::format("MCP server '{}'", name)))
      return;
    McpServer server;
    server.name = name;
    reader_.Read(node, path, "command", server.command);
    reader_.Read(node, path, "env", server.environment);
    reader_.Read(node, path, "url", server.url);
    if (const YAML::Node headers = node["headers"];
        headers && reader_.CheckNames(headers, path + ".headers", "headers", false)) {
      for (const auto& item : headers) {
        const std::string& header = item.first.Scalar();
        reader_.Read(headers, path + ".headers", header, server.headers[header]);
      }
    }
    if (server.command.empty() == server.url.empty()) {
      reader_.AddAt(path, fmt::format("MCP server '{}' needs either a command or a url", name),
                    "command: [npx, -y, \"@modelcontextprotocol/server-memory\"]");
    } else if (server.command.size() == 1 && server.command[0].find(' ') != std::string::npos) {
      reader_.AddAt(path + ".command", fmt::format("the command of MCP server '{}' is one word", name),
                    "a list: [program, argument]");
    } else if (server.url.empty() ? !server.headers.empty() : !server.environment.empty()) {
      reader_.AddAt(path, fmt::format("MCP server '{}': headers go with a url, env with a command", name));
    }
    workflow_.mcp_servers.push_back(std::move(server));
  }

  void ReadPolicy(const YAML::Node& node) {
    if (!reader_.CheckMap(node, "policy",
                          {"confirm", "accept", "clarify", "max_failures", "max_no_input", "resume",
                           "ask_together", "inherit", "max_suspended", "endpointing", "voicemail", "names"},
                          "policy")) {
      return;
    }
    DialoguePolicy& policy = workflow_.dialogue;
    policy.confirm = static_cast<DialoguePolicy::Confirm>(
        reader_.ReadOneOf(node, "policy", "confirm", {"default", "never", "always"}, 0));
    policy.resume = static_cast<DialoguePolicy::Resume>(
        reader_.ReadOneOf(node, "policy", "resume", {"continue", "ask", "never"}, 0));
    reader_.Read(node, "policy", "accept", policy.accept);
    reader_.Read(node, "policy", "clarify", policy.clarify);
    reader_.Read(node, "policy", "max_failures", policy.max_failures, 1);
    reader_.Read(node, "policy", "max_no_input", policy.max_no_input, 1);
    reader_.Read(node, "policy", "ask_together", policy.ask_together);
    reader_.Read(node, "policy", "inherit", policy.inherit);
    reader_.Read(node, "policy", "max_suspended", policy.max_suspended, 0);
    // The server gives it its meaning (assistant/voicemail_watch.h).
    reader_.ReadOneOf(node, "policy", "voicemail", {"none", "hang_up", "leave_message"}, 0);
    // The voice gives it its meaning (speech/endpointer.h); here only its keys are known.
    if (const YAML::Node pauses = node["endpointing"]) {
      reader_.CheckMap(pauses, "policy.endpointing",
                       {"open_ms", "yes_no_ms", "choice_ms", "digits_ms", "amount_ms", "complete_ms",
                        "understood_ms", "no_input_ms", "max_utterance_ms"},
                       "endpointing");
    }
    // The voice asks it (assistant/voice_session.h).
    if (const YAML::Node names = node["names"]) {
      if (!names.IsMap() || !names["use"] || !names["use"].IsScalar()) {
        reader_.AddAt("policy.names", "'names' wants the action that lists a caller's names",
                      "names: {use: bank.names}");
      }
    }
    workflow_.policy = ToJson(node);
  }

  void ReadMessages(const YAML::Node& node) {
    for (const MessageDef& def : MessageDefs()) workflow_.texts[def.key] = def.texts;
    if (!node) return;
    std::vector<std::string> keys;
    for (const MessageDef& def : MessageDefs()) keys.push_back(def.key);
    if (!reader_.CheckMap(node, "messages", keys, "messages")) return;
    for (const auto& item : node) {
      Texts texts;
      reader_.Read(node, "messages", item.first.Scalar(), texts);
      if (!texts.empty()) workflow_.texts[item.first.Scalar()] = std::move(texts);
    }
    workflow_.messages = ToJson(node);
  }

  YamlReader reader_;
  Workflow workflow_;
  std::filesystem::path folder_;
};

}  // namespace

std::string ToString(const Mistake& mistake, std::string_view file) {
  std::string line(file);
  if (mistake.line > 0) line += fmt::format(":{}:{}", mistake.line, mistake.column);
  line += fmt::format(": {}{}", mistake.warning ? "warning: " : "", mistake.message);
  if (!mistake.suggestion.empty()) line += fmt::format(" ({})", mistake.suggestion);
  return line;
}

ParsedWorkflow ParseWorkflow(std::string_view text, std::string_view file,
                             const std::filesystem::path& folder) {
  ParsedWorkflow parsed = WorkflowParser().Parse(text, file, folder);
  if (parsed.workflow) parsed.workflow->hash = HashName(text);
  return parsed;
}

}  // namespace sotto
