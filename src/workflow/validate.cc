#include "workflow/validate.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>

#include "text/normalise.h"
#include "text/template.h"
#include "workflow/messages.h"
#include "workflow/rule.h"
#include "workflow/stakes.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

const std::vector<std::string> kFormats{"text", "money",    "number",     "count", "digits", "date",
                                        "time", "duration", "date_range", "list",  "percent"};

std::vector<std::string> SlotNames(const ToolDef& tool) {
  std::vector<std::string> names;
  for (const Slot& slot : tool.slots) names.push_back(slot.name);
  return names;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Folded(std::string_view text) {
  std::string folded;
  for (const char c : text) {
    if (std::ispunct(static_cast<unsigned char>(c)) != 0 && c != '{' && c != '}' && c != '_' && c != '\'')
      continue;
    if (c == ' ' && (folded.empty() || folded.back() == ' ')) continue;
    folded += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  while (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

// A cycle of `edges` (name -> names it leads to) as "a -> b -> a", or "".
std::string FindCycle(const std::map<std::string, std::set<std::string>>& edges) {
  std::map<std::string, int> colour;  // 1: on the way, 2: done
  std::vector<std::string> way;
  std::string cycle;
  const std::function<bool(const std::string&)> visit = [&](const std::string& node) {
    colour[node] = 1;
    way.push_back(node);
    const auto out = edges.find(node);
    if (out != edges.end()) {
      for (const std::string& next : out->second) {
        if (colour[next] == 1) {
          const auto start = std::find(way.begin(), way.end(), next);
          for (auto it = start; it != way.end(); ++it) cycle += *it + " -> ";
          cycle += next;
          return true;
        }
        if (colour[next] == 0 && visit(next)) return true;
      }
    }
    way.pop_back();
    colour[node] = 2;
    return false;
  };
  for (const auto& [node, unused] : edges) {
    if (colour[node] == 0 && visit(node)) return cycle;
  }
  return "";
}

class Validator {
 public:
  Validator(const Workflow& workflow, YamlReader& reader) : workflow_(workflow), reader_(reader) {
    for (const ToolDef& tool : workflow.tools) tool_names_.push_back(tool.name);
    for (const PlanDef& plan : workflow.plans) tool_names_.push_back(plan.goal.name);
  }

  void Run() {
    for (const auto& [name, entity] : workflow_.entities) CheckEntity(entity);
    for (const ToolDef& tool : workflow_.tools) CheckTool(tool, "tools." + tool.name);
    for (const ToolDef& tool : workflow_.plan_tools) CheckTool(tool, "plan.tools." + tool.name);
    for (const PlanDef& plan : workflow_.plans) CheckTool(plan.goal, "plan.goals." + plan.goal.name);
    CheckExamples();
    CheckRoles();
    CheckPolicy();
    for (const MessageDef& def : MessageDefs()) {
      CheckTexts(workflow_.texts.at(def.key), "messages." + def.key, def.fields);
    }
  }

 private:
  void CheckEntity(const Entity& entity) {
    const std::string path = "entities." + entity.name;
    if (entity.type == Entity::Type::kEnum && entity.values.empty()) {
      reader_.AddAt(
          path, fmt::format("entity '{}' has no values", entity.name),
          "values: [one, two], or type: digits, money, number, text, date, time, duration or date_range");
    }
    if (entity.min && entity.max && *entity.min > *entity.max) {
      reader_.AddAt(path + ".min", fmt::format("entity '{}': min is above max", entity.name));
    }
    CheckValueType(entity, path);
    CheckUsual(entity, path, fmt::format("entity '{}'", entity.name));
    if (FixedDaysCross(entity))
      reader_.AddAt(path + ".min", fmt::format("entity '{}': min is after max", entity.name));
    std::map<std::string, std::string> said;  // how it is said -> the value
    for (const EntityValue& value : entity.values) {
      std::vector<std::string> forms = value.synonyms;
      forms.push_back(value.spoken);
      for (const std::string& form : forms) {
        const auto [other, added] = said.emplace(Folded(form), value.value);
        if (!added && other->second != value.value) {
          reader_.AddAt(path + ".values." + value.value,
                        fmt::format("'{}' means both '{}' and '{}' in entity '{}'", form, other->second,
                                    value.value, entity.name));
        }
      }
    }
  }

  void CheckValueType(const Entity& entity, const std::string& path) {
    using ValueType = Entity::ValueType;
    const ValueType type = entity.value_type;
    if (type == ValueType::kString) return;
    if (entity.type == Entity::Type::kMoney || entity.type == Entity::Type::kNumber) {
      if (type == ValueType::kBoolean)
        reader_.AddAt(path + ".value_type", "an amount or a number is no boolean", "number or integer");
      return;
    }
    if (entity.type != Entity::Type::kEnum) {
      reader_.AddAt(path + ".value_type", "the values of this type are strings", "leave value_type out");
      return;
    }
    for (const EntityValue& value : entity.values) {
      if (ValueText(ValueJson(entity, value.value)) == value.value) continue;
      reader_.AddAt(path + ".values." + value.value,
                    fmt::format("'{}' is none of the values that 'value_type' speaks of", value.value),
                    type == ValueType::kBoolean ? "true or false, in quotes" : "a number such as 2");
    }
  }

  // Of limits that both hang on the day of the call, or both do not.
  static bool FixedDaysCross(const Entity& entity) {
    if (!entity.earliest || !entity.latest ||
        entity.earliest->date.has_value() != entity.latest->date.has_value())
      return false;
    const Date any{};
    return entity.earliest->On(any) > entity.latest->On(any);
  }

  void CheckTool(const ToolDef& tool, const std::string& path) {
    const bool goal = workflow_.FindPlan(tool.name) != nullptr;
    if (IsControlTool(tool.name)) {
      reader_.AddAt(path, fmt::format("'{}' is a control tool that every workflow has", tool.name),
                    "choose another name");
    }
    if (tool.description.empty()) {
      reader_.AddAt(path, fmt::format("tool '{}' has no description", tool.name),
                    "description: what the user wants with it", true);
    }
    for (const Slot& slot : tool.slots) {
      CheckSlot(tool, slot, path + ".slots." + slot.name);
      if (!slot.name.starts_with("caller_")) continue;
      reader_.AddAt(path + ".slots." + slot.name,
                    fmt::format("slot '{}': names with caller_ are those of who is calling", slot.name),
                    "choose another name");
    }
    CheckRules(tool, path);
    CheckMcpAction(tool, path + ".action.use");
    const std::vector<std::string> slots = SlotNames(tool);
    std::vector<std::string> fields = slots;
    for (const auto& [field, format] : tool.action_returns) {
      fields.push_back(field);
      if (!Contains(kFormats, format)) {
        reader_.AddAt(path + ".action.returns." + field, fmt::format("unknown format '{}'", format),
                      Suggestion(format, kFormats));
      }
    }
    CheckTexts(tool.confirm, path + ".confirm", goal ? fields : slots);
    const Stakes stakes = StakesOf(workflow_, tool);
    if (stakes > Stakes::kLittle && tool.confirm.empty() && !tool.never_confirm && !goal) {
      reader_.AddAt(path,
                    fmt::format("tool '{}' acts on {} without 'confirm'", tool.name, StakesName(stakes)),
                    "confirm: a text that reads it back; confirm: never to act at once; effect: reads if it "
                    "only looks something up",
                    true);
    }
    CheckTexts(tool.done, path + ".done", fields);
    for (const auto& [code, texts] : tool.failed) CheckTexts(texts, path + ".failed." + code, fields);
    CheckTexts(tool.examples, path + ".examples", slots);
    CheckImplied(tool, path + ".examples");
    for (size_t i = 0; i < tool.related.size(); ++i) {
      if (Contains(tool_names_, tool.related[i])) continue;
      reader_.AddAt(fmt::format("{}.related.{}", path, i), fmt::format("unknown tool '{}'", tool.related[i]),
                    Suggestion(tool.related[i], tool_names_));
    }
    if (!tool.failed.empty() && tool.action.empty() && !goal) {
      reader_.AddAt(path + ".failed", fmt::format("tool '{}' has failure texts but no action", tool.name), "",
                    true);
    }
  }

  void CheckUsualFor(const ToolDef& tool, const Slot& slot, const std::string& path) {
    for (const Entity::UsualFor& one : slot.entity.usual_for) {
      const std::string at = path + "." + one.slot;
      const Slot* other = tool.FindSlot(one.slot);
      if (other == nullptr || other == &slot) {
        reader_.AddAt(at, fmt::format("tool '{}' has no other slot '{}'", tool.name, one.slot));
      } else if (std::none_of(other->entity.values.begin(), other->entity.values.end(),
                              [&](const EntityValue& value) { return value.value == one.value; })) {
        reader_.AddAt(at + "." + one.value,
                      fmt::format("'{}' is no listed value of slot '{}'", one.value, one.slot));
      } else if (one.min && one.max && *one.min > *one.max) {
        reader_.AddAt(at + "." + one.value, "the usual min is above the usual max");
      }
    }
  }

  void CheckUsual(const Entity& entity, const std::string& path, const std::string& whose) {
    if (!entity.usual_min && !entity.usual_max && entity.usual_for.empty()) return;
    if (entity.type != Entity::Type::kMoney && entity.type != Entity::Type::kNumber) {
      reader_.AddAt(path + ".usual", fmt::format("{}: only money and numbers have a usual range", whose));
    } else if (entity.usual_min && entity.usual_max && *entity.usual_min > *entity.usual_max) {
      reader_.AddAt(path + ".usual", fmt::format("{}: the usual min is above the usual max", whose));
    }
  }

  // "mcp.SERVER.TOOL": of a server that the workflow has.
  void CheckMcpAction(const ToolDef& tool, const std::string& path) {
    if (!tool.action.starts_with("mcp.")) return;
    const size_t dot = tool.action.find('.', 4);
    const std::string server = tool.action.substr(4, dot == std::string::npos ? dot : dot - 4);
    std::vector<std::string> names;
    for (const McpServer& known : workflow_.mcp_servers) names.push_back(known.name);
    if (dot == std::string::npos || dot + 1 == tool.action.size()) {
      reader_.AddAt(path, fmt::format("action '{}' names no tool", tool.action), "use: mcp.SERVER.TOOL");
    } else if (!Contains(names, server)) {
      reader_.AddAt(path, fmt::format("unknown MCP server '{}'", server), Suggestion(server, names));
    }
  }

  void CheckSlot(const ToolDef& tool, const Slot& slot, const std::string& path) {
    CheckTexts(slot.question, path + ".question", {});
    CheckTexts(slot.phrases, path + ".phrases", SlotNames(tool));
    if (slot.entity.min && slot.entity.max && *slot.entity.min > *slot.entity.max) {
      reader_.AddAt(path, fmt::format("slot '{}': min is above max", slot.name));
    }
    CheckUsual(slot.entity, path, fmt::format("slot '{}'", slot.name));
    CheckUsualFor(tool, slot, path + ".usual.for");
    if (FixedDaysCross(slot.entity))
      reader_.AddAt(path, fmt::format("slot '{}': min is after max", slot.name));
    if (!slot.when.empty()) CheckRule(tool, slot.when, path + ".when");
  }

  // The slots a rule reads; empty where it is wrong.
  std::vector<std::string> CheckRule(const ToolDef& tool, const std::string& text, const std::string& path) {
    const std::vector<std::string> names = SlotNames(tool);
    const Result<Rule> rule = Rule::Parse(text, names);
    if (!rule) {
      reader_.AddAt(path, fmt::format("rule '{}': {}", text, rule.error().message), "a != b, amount <= 500");
      return {};
    }
    for (const auto& [slot_name, word] : rule->words()) {
      const Slot* slot = tool.FindSlot(slot_name);
      std::vector<std::string> known = names;
      if (slot != nullptr && slot->entity.type == Entity::Type::kEnum) {
        known.clear();
        for (const EntityValue& value : slot->entity.values) known.push_back(value.value);
        if (Contains(known, word)) continue;
        known.insert(known.end(), names.begin(), names.end());
      } else if (slot != nullptr && slot->entity.type == Entity::Type::kDate) {
        known.assign(WeekdayNames().begin(), WeekdayNames().end());
        if (Contains(known, word)) continue;
        known.insert(known.end(), names.begin(), names.end());
      }
      reader_.AddAt(path, fmt::format("rule '{}': '{}' is neither a slot nor a value of one", text, word),
                    Suggestion(word, known));
    }
    return rule->slots();
  }

  void CheckRules(const ToolDef& tool, const std::string& path) {
    for (size_t i = 0; i < tool.unlike.size(); ++i)
      CheckTexts(tool.unlike[i].say, fmt::format("{}.unlike.{}.say", path, i), {});
    std::map<std::string, std::set<std::string>> clears;
    const std::vector<std::string> names = SlotNames(tool);
    for (size_t i = 0; i < tool.checks.size(); ++i) {
      const Check& check = tool.checks[i];
      const std::string here = fmt::format("{}.checks.{}", path, i);
      if (check.rule.empty()) {
        reader_.AddAt(here, "a check without a rule", "rule: from_account != to_account");
        continue;
      }
      const std::vector<std::string> reads = CheckRule(tool, check.rule, here + ".rule");
      if (check.say.empty()) reader_.AddAt(here, fmt::format("check '{}' has no 'say'", check.rule));
      CheckTexts(check.say, here + ".say", names);
      if (check.clear.empty()) {
        reader_.AddAt(here, fmt::format("check '{}' clears no slot, so it could never be met", check.rule),
                      "clear: [slot_to_ask_again]");
      }
      for (size_t j = 0; j < check.clear.size(); ++j) {
        const std::string& cleared = check.clear[j];
        if (!Contains(names, cleared)) {
          reader_.AddAt(fmt::format("{}.clear.{}", here, j), fmt::format("unknown slot '{}'", cleared),
                        Suggestion(cleared, names));
          continue;
        }
        for (const std::string& read : reads) {
          if (!Contains(check.clear, read)) clears[read].insert(cleared);
        }
      }
    }
    if (const std::string cycle = FindCycle(clears); !cycle.empty()) {
      reader_.AddAt(path + ".checks", fmt::format("a cycle of checks in tool '{}': {}", tool.name, cycle),
                    "let checks over the same slots clear the same one");
    }
    std::map<std::string, std::set<std::string>> waits;
    for (const Slot& slot : tool.slots) {
      if (slot.when.empty()) continue;
      if (const Result<Rule> rule = Rule::Parse(slot.when, names)) {
        waits[slot.name].insert(rule->slots().begin(), rule->slots().end());
      }
    }
    if (const std::string cycle = FindCycle(waits); !cycle.empty()) {
      reader_.AddAt(path + ".slots", fmt::format("a cycle of 'when' in tool '{}': {}", tool.name, cycle));
    }
  }

  void CheckTexts(const Texts& texts, const std::string& path, const std::vector<std::string>& fields) {
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string here = fmt::format("{}.{}", path, i);
      const Result<ReplyTemplate> text = ReplyTemplate::Parse(texts[i], "text");
      if (!text) {
        reader_.AddAt(here, fmt::format("\"{}\": {}", texts[i], text.error().message));
        continue;
      }
      if (texts[i].find_first_not_of(" \t\n") == std::string::npos) reader_.AddAt(here, "an empty text");
      for (const TemplateField& field : text->fields()) {
        if (Contains(fields, field.name)) continue;
        reader_.AddAt(here, fmt::format("'{{{}}}' is not defined here", field.name),
                      fields.empty() ? "no fields here" : Suggestion(field.name, fields));
      }
    }
  }

  // "I'm back home @roaming=off": behind the words, a listed value of a slot of the tool.
  void CheckImplied(const ToolDef& tool, const std::string& path) {
    for (size_t i = 0; i < tool.examples.size(); ++i) {
      const std::string here = fmt::format("{}.{}", path, i);
      bool behind = false;
      for (const std::string_view word : SplitWords(tool.examples[i])) {
        if (!word.starts_with('@')) {
          if (behind)
            reader_.AddAt(here, fmt::format("'{}' stands behind '@slot=value'", word), "put that last");
          continue;
        }
        behind = true;
        const size_t equals = std::min(word.find('='), word.size());
        const Slot* slot = tool.FindSlot(word.substr(1, equals - 1));
        if (slot == nullptr) {
          reader_.AddAt(here, fmt::format("'{}': the tool has no such slot", word),
                        Suggestion(std::string(word.substr(1, equals - 1)), SlotNames(tool)));
          continue;
        }
        const std::string value(word.substr(std::min(equals + 1, word.size())));
        std::vector<std::string> values;
        for (const EntityValue& listed : slot->entity.values) values.push_back(listed.value);
        if (!Contains(values, value)) {
          reader_.AddAt(here, fmt::format("'{}': slot '{}' has no value '{}'", word, slot->name, value),
                        Suggestion(value, values));
        }
      }
    }
  }

  void CheckExamples() {
    struct Owner {
      std::string tool;
      std::string text;
    };
    std::map<std::string, Owner> owners;
    for (const ToolDef& tool : workflow_.tools) {
      for (size_t i = 0; i < tool.examples.size(); ++i) {
        std::string key = Folded(tool.examples[i]);
        // Two tools whose examples differ only in the names of slots of one entity sound the same.
        for (const Slot& slot : tool.slots) {
          const std::string field = "{" + slot.name + "}";
          for (size_t at = key.find(field); at != std::string::npos; at = key.find(field, at + 1)) {
            key.replace(at, field.size(), "{:" + slot.entity_name + "}");
          }
        }
        const auto [owner, added] = owners.emplace(key, Owner{tool.name, tool.examples[i]});
        if (added) continue;
        const bool own = owner->second.tool == tool.name;
        reader_.AddAt(
            fmt::format("tools.{}.examples.{}", tool.name, i),
            own ? fmt::format("example \"{}\" stands twice in tool '{}'", tool.examples[i], tool.name)
                : fmt::format("example \"{}\" of tool '{}' is also one of tool '{}'", tool.examples[i],
                              tool.name, owner->second.tool),
            own ? "" : "give each tool phrases of its own", own);
      }
    }
  }

  void CheckRoles() {
    std::map<ToolRole, std::string> holder;
    bool verified_needed = false;
    for (const ToolDef& tool : workflow_.tools) {
      verified_needed = verified_needed || tool.requires_verified;
      if (tool.role == ToolRole::kTask) continue;
      const auto [other, added] = holder.emplace(tool.role, tool.name);
      if (!added) {
        reader_.AddAt("tools." + tool.name + ".role",
                      fmt::format("tools '{}' and '{}' have the same role '{}'", other->second, tool.name,
                                  ToolRoleName(tool.role)));
      }
      if (tool.role == ToolRole::kAnswer && tool.action.empty()) {
        reader_.AddAt("tools." + tool.name,
                      fmt::format("tool '{}' answers from documents and has no action", tool.name),
                      "action: {use: documents.answer, documents: docs}");
      }
      if (tool.role == ToolRole::kVerify && tool.requires_verified) {
        reader_.AddAt(
            "tools." + tool.name + ".requires_verified",
            fmt::format("a cycle: '{}' verifies the caller and requires a verified one", tool.name));
      }
    }
    if (workflow_.tools.empty()) {
      reader_.AddAt("tools", "the workflow has no tools", "tools: {my_tool: {description: ...}}");
    } else if (!holder.contains(ToolRole::kUnclear)) {
      reader_.AddAt("tools", "no tool stands for what is not understood",
                    "add intent_unclear: {role: unclear, description: ...}");
    }
    if (verified_needed && !holder.contains(ToolRole::kVerify)) {
      reader_.AddAt("tools", "a tool requires a verified caller, but no tool has 'role: verify'");
    }
  }

  void CheckPolicy() {
    const DialoguePolicy& policy = workflow_.dialogue;
    for (const auto& [key, value] :
         {std::pair("accept", policy.accept), std::pair("clarify", policy.clarify)}) {
      if (value < 0 || value > 1) {
        reader_.AddAt(fmt::format("policy.{}", key), fmt::format("'{}' must be from 0 to 1", key));
      }
    }
    if (policy.clarify > policy.accept) {
      reader_.AddAt("policy.clarify", "'clarify' is above 'accept'", "clarify: 0.3, accept: 0.6");
    }
  }

  const Workflow& workflow_;
  YamlReader& reader_;
  std::vector<std::string> tool_names_;
};

}  // namespace

void ValidateWorkflow(const Workflow& workflow, YamlReader& reader) { Validator(workflow, reader).Run(); }

}  // namespace sotto
