#include "workflow/plan_parse.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "text/template.h"
#include "workflow/phrase_graph.h"
#include "workflow/plan_types.h"
#include "workflow/plan_value.h"
#include "workflow/rule.h"
#include "workflow/stakes.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

constexpr size_t kMostSteps = 20;
constexpr std::string_view kStepsField = "steps";

// One goal, read and checked.
class PlanReader {
 public:
  PlanReader(Workflow& workflow, YamlReader& reader, std::string path)
      : workflow_(workflow), reader_(reader), path_(std::move(path)) {}

  PlanDef Read(const YAML::Node& node, ToolDef goal) {
    plan_.goal = std::move(goal);
    plan_.checks = std::move(plan_.goal.checks);
    plan_.goal.checks.clear();
    if (plan_.goal.description.empty()) plan_.goal.description = plan_.goal.title;
    for (const Slot& slot : plan_.goal.slots) names_.push_back(slot.name);
    reader_.Read(node, path_, "says", plan_.says);
    reader_.Read(node, path_, "complete", plan_.complete);
    ReadDefaults(node["slots"]);
    ReadValues(node["values"]);
    ReadSteps(node["steps"]);
    if (plan_.steps.empty()) {
      reader_.AddAt(path_, fmt::format("goal '{}' has no steps", plan_.goal.name),
                    "steps: [{use: a_tool, with: {slot: $slot}}]");
      return std::move(plan_);
    }
    CheckValues();
    for (size_t i = 0; i < plan_.steps.size(); ++i) CheckStep(i);
    CheckGoal();
    CheckSays();
    return std::move(plan_);
  }

 private:
  void ReadDefaults(const YAML::Node& slots) {
    if (!slots || !slots.IsMap()) return;
    for (const Slot& slot : plan_.goal.slots) {
      const YAML::Node node = slots[slot.name];
      if (!node || !node.IsMap() || !node["default"]) continue;
      const std::string at = fmt::format("{}.slots.{}", path_, slot.name);
      std::string text;
      reader_.Read(node, at, "default", text);
      PlanValue value;
      if (const auto parsed = ParsePlanValue(text)) value = *parsed;
      if (value.terms.size() != 1 || value.terms[0].kind != PlanValue::Term::Kind::kLiteral ||
          !LiteralFits(value.terms[0].literal, slot.entity)) {
        reader_.AddAt(at + ".default", fmt::format("'{}' is no value of slot '{}'", text, slot.name),
                      Suggestion(text, ListedIn(slot.entity)));
        continue;
      }
      plan_.defaults[slot.name] = LiteralAs(value.terms[0].literal, slot.entity);
    }
  }

  void ReadValues(const YAML::Node& node) {
    if (!node || !reader_.CheckNames(node, path_ + ".values", "values", true)) return;
    for (const auto& item : node) {
      const std::string& name = item.first.Scalar();
      std::string text;
      reader_.Read(node, path_ + ".values", name, text);
      if (IsIn(names_, name) || name == kStepsField) {
        reader_.Add(item.first.Mark(), fmt::format("'{}' is a slot of the goal already", name),
                    "choose another name");
        continue;
      }
      auto value = ParsePlanValue(text);
      if (!value) {
        reader_.Add(item.second.Mark(), fmt::format("value '{}': {}", name, value.error().message),
                    "$1.balance - $keep");
        continue;
      }
      plan_.values.emplace_back(name, *std::move(value));
    }
  }

  void ReadSteps(const YAML::Node& node) {
    if (!node) return;
    if (!node.IsSequence() || node.size() > kMostSteps) {
      reader_.Add(node.Mark(), fmt::format("'steps' must be a list of at most {} steps", kMostSteps),
                  "steps: [{use: a_tool, with: {slot: $slot}}]");
      return;
    }
    for (size_t i = 0; i < node.size(); ++i) {
      const std::string at = StepPath(i);
      reader_.places.Set(at, node[i].Mark());
      GoalStep step;
      if (reader_.CheckMap(node[i], at, {"use", "with", "when", "say"}, fmt::format("step {}", i + 1))) {
        reader_.Read(node[i], at, "use", step.tool);
        reader_.Read(node[i], at, "when", step.when);
        reader_.Read(node[i], at, "say", step.say);
        if (const YAML::Node with = node[i]["with"];
            with && reader_.CheckNames(with, at + ".with", "with", true)) {
          for (const auto& item : with) {
            std::string text;
            reader_.Read(with, at + ".with", item.first.Scalar(), text);
            auto value = ParsePlanValue(text);
            if (value) {
              step.with.emplace_back(item.first.Scalar(), *std::move(value));
            } else {
              reader_.Add(item.second.Mark(), fmt::format("step {}: {}", i + 1, value.error().message));
            }
          }
        }
      }
      if (const ToolDef* tool = ToolOf(step)) step.acts = Acts(workflow_, *tool);
      plan_.steps.push_back(std::move(step));
    }
  }

  // nullptr: there is none that a step may use.
  const ToolDef* ToolOf(const GoalStep& step) const {
    const ToolDef* tool = workflow_.FindTool(step.tool);
    return tool == nullptr || tool->role != ToolRole::kTask || tool->action.empty() ||
                   workflow_.FindPlan(step.tool) != nullptr
               ? nullptr
               : tool;
  }

  void CheckStep(size_t index) {
    const GoalStep& step = plan_.steps[index];
    const std::string at = StepPath(index);
    const ToolDef* tool = ToolOf(step);
    if (tool == nullptr) {
      std::vector<std::string> known;
      for (const auto* tools : {&workflow_.tools, &workflow_.plan_tools}) {
        for (const ToolDef& one : *tools) {
          if (one.role == ToolRole::kTask && !one.action.empty()) known.push_back(one.name);
        }
      }
      const bool there = workflow_.FindTool(step.tool) != nullptr;
      reader_.AddAt(
          at,
          step.tool.empty() ? fmt::format("step {} has no 'use'", index + 1)
          : there ? fmt::format("step {}: '{}' does nothing that a plan could use", index + 1, step.tool)
                  : fmt::format("step {}: unknown tool '{}'", index + 1, step.tool),
          there ? "a task with an action" : Suggestion(step.tool, known));
      return;
    }
    std::set<std::string> given;
    for (const auto& [slot_name, value] : step.with) {
      const std::string here = at + ".with." + slot_name;
      given.insert(slot_name);
      const Slot* slot = tool->FindSlot(slot_name);
      if (slot == nullptr) {
        std::vector<std::string> known;
        for (const Slot& one : tool->slots) known.push_back(one.name);
        reader_.AddAt(here, fmt::format("step {}: {} has no slot '{}'", index + 1, tool->name, slot_name),
                      Suggestion(slot_name, known));
        continue;
      }
      CheckArgument(index, *slot, value, here);
    }
    for (const Slot& slot : tool->slots) {
      if (slot.required && slot.when.empty() && !given.contains(slot.name)) {
        reader_.AddAt(at, fmt::format("step {}: {} needs '{}'", index + 1, tool->name, slot.name),
                      fmt::format("with: {{{}: ...}}", slot.name));
      }
    }
    if (!step.when.empty()) CheckKnownRule(step.when, at + ".when");
    if (step.acts) {
      if (step.say.empty()) {
        reader_.AddAt(
            at, fmt::format("step {}: {} acts, and nothing says how it is read back", index + 1, tool->name),
            "say: \"transfer {amount} to {to_account}\"");
      }
      std::vector<std::string> fields;
      for (const Slot& slot : tool->slots) fields.push_back(slot.name);
      CheckFields(step.say, at + ".say", fields);
    }
  }

  void CheckArgument(size_t index, const Slot& slot, const PlanValue& value, const std::string& at) {
    const int own = static_cast<int>(index) + 1;
    const PlanType type = TypeOf(value, own, at);
    if (type.format.empty()) return;
    if (plan_.steps[index].acts && !KnownBeforeActing(value)) {
      reader_.AddAt(
          at,
          fmt::format("step {}: '{}' is only known after step {} has acted, so it could not be read back",
                      own, value.text, plan_.first_act() + 1),
          "what acts may use results of steps before it that look something up");
    }
    const auto& terms = value.terms;
    if (terms.size() == 1 && terms[0].kind == PlanValue::Term::Kind::kLiteral) {
      if (!LiteralFits(terms[0].literal, slot.entity))
        reader_.AddAt(at, fmt::format("step {}: '{}' is no value of '{}'", own, value.text, slot.name),
                      Suggestion(value.text, ListedIn(slot.entity)));
      return;
    }
    if (const std::string why = WhyUnfit(type, slot.entity); !why.empty()) {
      reader_.AddAt(at, fmt::format("step {}: '{}' is {}, and '{}' is {}", own, value.text, why, slot.name,
                                    NameOfEntity(slot.entity)));
    }
    if (!slot.required) return;
    for (const PlanValue::Term& term : terms) {
      const Slot* from =
          term.kind == PlanValue::Term::Kind::kNamed ? plan_.goal.FindSlot(term.name) : nullptr;
      if (from != nullptr && !from->required && !plan_.defaults.contains(from->name)) {
        reader_.AddAt(at,
                      fmt::format("step {}: '{}' is needed, and slot '{}' may be without a value", own,
                                  slot.name, from->name),
                      "required: true, or a default");
      }
    }
  }

  // Of a value that stands at step `own` (0: in `values`); notes what is wrong with its references.
  PlanType TypeOf(const PlanValue& value, int own, const std::string& at) {
    PlanType all;
    for (const PlanValue::Term& term : value.terms) {
      const PlanType type = TypeOf(term, own, at);
      if (type.format.empty()) return {};
      if (value.terms.size() == 1 && !term.minus) return type;
      if (!IsNumeric(type.format)) {
        reader_.AddAt(at, fmt::format("'{}': only numbers and amounts can be added and taken away, not a "
                                      "value of type {}",
                                      value.text, type.format));
        return {};
      }
      all.format = all.format == "money" || type.format == "money" ? "money" : "number";
    }
    return all;
  }

  PlanType TypeOf(const PlanValue::Term& term, int own, const std::string& at) {
    const auto wrong = [&](const std::string& message, const std::string& suggestion = "") {
      reader_.AddAt(at, message, suggestion);
      return PlanType{};
    };
    switch (term.kind) {
      case PlanValue::Term::Kind::kLiteral:
        return {term.literal.is_number() ? "number" : "text", {}, false};
      case PlanValue::Term::Kind::kNamed: {
        if (const Slot* slot = plan_.goal.FindSlot(term.name)) {
          const bool listed = slot->entity.type == Entity::Type::kEnum;
          return {std::string(FormatOfEntity(slot->entity)), ListedIn(slot->entity), listed};
        }
        if (const auto known = types_.find(term.name); known != types_.end()) return known->second;
        std::vector<std::string> known = names_;
        for (const auto& [name, value] : plan_.values) known.push_back(name);
        if (IsIn(known, term.name)) return wrong(OrderOf(term.name));
        return wrong(fmt::format("unknown reference '${}'", term.name), Suggestion(term.name, known));
      }
      case PlanValue::Term::Kind::kResult: {
        const int n = static_cast<int>(plan_.steps.size());
        if (term.step < 1 || term.step > n)
          return wrong(
              fmt::format("unknown reference '${}.{}': the plan has steps 1 to {}", term.step, term.name, n));
        if (own > 0 && term.step >= own) {
          const bool back = Needs(term.step, own);
          return wrong(
              back ? fmt::format("a cycle: step {} needs step {}, which needs step {}", own, term.step, own)
                   : fmt::format("'${}.{}': step {} is not done before step {}", term.step, term.name,
                                 term.step, own));
        }
        const ToolDef* tool = ToolOf(plan_.steps[static_cast<size_t>(term.step) - 1]);
        if (tool == nullptr) return {};  // told with the step
        const auto field = tool->action_returns.find(term.name);
        if (field != tool->action_returns.end()) return {field->second, {}, false};
        std::vector<std::string> fields;
        for (const auto& [name, format] : tool->action_returns) fields.push_back(name);
        return wrong(
            fmt::format("unknown reference '${}.{}': {} returns {}", term.step, term.name, tool->name,
                        fields.empty() ? "nothing" : fmt::format("{}", fmt::join(fields, ", "))),
            Suggestion(term.name, fields));
      }
    }
    return {};
  }

  // Why a value that is there has no type yet: it stands further down, or leads back to where it was asked from.
  std::string OrderOf(const std::string& name) const {
    std::set<std::string> seen;
    std::vector<std::string> way{name};
    while (!way.empty()) {
      const std::string at = way.back();
      way.pop_back();
      if (!seen.insert(at).second) continue;
      for (const auto& [known, value] : plan_.values) {
        if (known != at) continue;
        for (const PlanValue::Term& term : value.terms) {
          if (term.kind != PlanValue::Term::Kind::kNamed) continue;
          if (term.name == checking_)
            return fmt::format("a cycle: '{}' needs '{}', which needs it", checking_, name);
          way.push_back(term.name);
        }
      }
    }
    return name == checking_ ? fmt::format("a cycle: '{}' needs itself", name)
                             : fmt::format("'${}' stands further down than what needs it", name);
  }

  // Whether an argument of step `from` needs the result of step `to`, directly or by other steps.
  bool Needs(int from, int to) const {
    std::set<int> seen;
    std::vector<int> way{from};
    while (!way.empty()) {
      const int at = way.back();
      way.pop_back();
      if (at < 1 || at > static_cast<int>(plan_.steps.size()) || !seen.insert(at).second) continue;
      for (const auto& [slot, value] : plan_.steps[static_cast<size_t>(at) - 1].with) {
        for (const PlanValue::Term& term : value.terms) {
          if (term.kind != PlanValue::Term::Kind::kResult) continue;
          if (term.step == to) return true;
          way.push_back(term.step);
        }
      }
    }
    return false;
  }

  void CheckValues() {
    for (const auto& [name, value] : plan_.values) {
      checking_ = name;
      PlanType type = TypeOf(value, 0, path_ + ".values." + name);
      checking_.clear();
      plan_.goal.action_returns[name] = type.format.empty() ? "text" : type.format;
      latest_[name] = Latest(value);
      if (!type.format.empty()) types_[name] = std::move(type);
      names_.push_back(name);
    }
    plan_.goal.action_returns[std::string(kStepsField)] = "text";
  }

  // The last step that the value needs.
  int Latest(const PlanValue& value) const {
    int latest = 0;
    for (const PlanValue::Term& term : value.terms) {
      if (term.kind == PlanValue::Term::Kind::kResult) latest = std::max(latest, term.step);
      if (const auto known = latest_.find(term.name);
          term.kind == PlanValue::Term::Kind::kNamed && known != latest_.end())
        latest = std::max(latest, known->second);
    }
    return latest;
  }

  bool KnownBeforeActing(const PlanValue& value) const {
    return Latest(value) <= static_cast<int>(plan_.first_act());
  }

  // The names of a rule; `before`: it is looked at before anything acts.
  void CheckNamesOf(const std::string& text, const std::string& at, bool before) {
    const auto rule = Rule::Parse(text, names_);
    if (!rule) {
      reader_.AddAt(at, fmt::format("rule '{}': {}", text, rule.error().message), "surplus > 0");
      return;
    }
    for (const auto& [left, right] : rule->words()) {
      const Slot* slot = plan_.goal.FindSlot(left);
      const std::vector<std::string> known = slot != nullptr ? ListedIn(slot->entity) : names_;
      if (slot != nullptr && IsIn(known, right)) continue;
      reader_.AddAt(at,
                    fmt::format("rule '{}': '{}' is neither a slot nor a value of the plan", text,
                                right.empty() ? left : right),
                    Suggestion(right.empty() ? left : right, known));
      return;
    }
    if (!before) return;
    for (const std::string& name : rule->slots()) {
      const auto latest = latest_.find(name);
      if (latest != latest_.end() && latest->second > static_cast<int>(plan_.first_act())) {
        reader_.AddAt(at, fmt::format("rule '{}': '{}' is only known after step {} has acted", text, name,
                                      plan_.first_act() + 1));
      }
    }
  }
  void CheckKnownRule(const std::string& text, const std::string& at) { CheckNamesOf(text, at, true); }

  void CheckFields(const Texts& texts, const std::string& at, const std::vector<std::string>& fields) {
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto text = ReplyTemplate::Parse(texts[i], "text");
      if (!text) {
        reader_.AddAt(at, fmt::format("\"{}\": {}", texts[i], text.error().message));
        continue;
      }
      for (const TemplateField& field : text->fields()) {
        if (!IsIn(fields, field.name))
          reader_.AddAt(at, fmt::format("'{{{}}}' is not defined here", field.name),
                        Suggestion(field.name, fields));
      }
    }
  }

  void CheckGoal() {
    ToolDef& goal = plan_.goal;
    const bool acts = plan_.first_act() < plan_.steps.size();
    goal.effect = acts ? ToolEffect::kActs : ToolEffect::kReads;
    goal.action = "plan";
    for (const GoalStep& step : plan_.steps) {
      const ToolDef* tool = ToolOf(step);
      if (tool == nullptr) continue;
      goal.requires_verified = goal.requires_verified || tool->requires_verified;
      if (std::find(goal.related.begin(), goal.related.end(), tool->name) == goal.related.end() &&
          std::any_of(workflow_.tools.begin(), workflow_.tools.end(),
                      [&](const ToolDef& one) { return one.name == tool->name; }))
        goal.related.push_back(tool->name);
      for (const Slot& slot : tool->slots) {
        if (goal.currency.empty() && slot.entity.type == Entity::Type::kMoney)
          goal.currency = slot.entity.currency;
      }
    }
    if (acts) CheckConfirm();
    for (size_t i = 0; i < plan_.checks.size(); ++i) {
      const Check& check = plan_.checks[i];
      const std::string at = fmt::format("{}.checks.{}", path_, i);
      CheckKnownRule(check.rule, at + ".rule");
      if (check.say.empty()) reader_.AddAt(at, fmt::format("check '{}' has no 'say'", check.rule));
      CheckFields(check.say, at + ".say", names_);
      for (const std::string& cleared : check.clear) {
        if (goal.FindSlot(cleared) == nullptr)
          reader_.AddAt(at + ".clear", fmt::format("unknown slot '{}'", cleared),
                        Suggestion(cleared, names_));
      }
    }
    if (!plan_.complete.empty()) {
      CheckNamesOf(plan_.complete, path_ + ".complete", false);
    } else if (acts) {
      reader_.AddAt(path_, fmt::format("goal '{}': nothing says when it is reached", goal.name),
                    "complete: a rule over what a last step looks up", true);
    }
  }

  void CheckConfirm() {
    const ToolDef& goal = plan_.goal;
    if (goal.confirm.empty()) {
      reader_.AddAt(path_, fmt::format("goal '{}' acts and has no 'confirm'", goal.name),
                    "confirm: \"Shall I {steps}?\"");
    }
    for (size_t i = 0; i < goal.confirm.size(); ++i) {
      const std::string at = fmt::format("{}.confirm.{}", path_, i);
      const auto text = ReplyTemplate::Parse(goal.confirm[i], "text");
      if (!text) continue;  // told with the texts
      bool steps = false;
      for (const TemplateField& field : text->fields()) {
        steps = steps || (field.name == kStepsField && !field.optional);
        const auto latest = latest_.find(field.name);
        if (latest != latest_.end() && latest->second > static_cast<int>(plan_.first_act()))
          reader_.AddAt(at, fmt::format("'{{{}}}' is only known after step {} has acted", field.name,
                                        plan_.first_act() + 1));
      }
      if (!steps) reader_.AddAt(at, "the read-back must hold {steps}: all that acts", "Shall I {steps}?");
    }
  }

  void CheckSays() {
    if (plan_.says.empty()) {
      reader_.AddAt(path_, fmt::format("nothing says how goal '{}' is asked for", plan_.goal.name),
                    "says: [\"move everything above {keep}\"]", true);
    }
    for (size_t i = 0; i < plan_.says.size(); ++i) {
      const std::string at = fmt::format("{}.says.{}", path_, i);
      PhraseGraph graph;
      if (const auto added = graph.Add(plan_.says[i], 0); !added) {
        reader_.AddAt(at, added.error().message);
        continue;
      }
      for (const std::string& name : graph.slots()) {
        const Slot* slot = plan_.goal.FindSlot(name);
        if (slot == nullptr) {
          std::vector<std::string> slots;
          for (const Slot& one : plan_.goal.slots) slots.push_back(one.name);
          reader_.AddAt(at, fmt::format("'{{{}}}' is no slot of the goal", name), Suggestion(name, slots));
        } else if (slot->entity.IsCalendar()) {
          reader_.AddAt(at, fmt::format("'{{{}}}': days and times cannot be read off a pattern yet", name),
                        "leave it out: it is asked for");
        }
      }
    }
  }

  std::string StepPath(size_t index) const { return fmt::format("{}.steps.{}", path_, index); }

  Workflow& workflow_;
  YamlReader& reader_;
  const std::string path_;
  PlanDef plan_;
  std::vector<std::string> names_;         // slots, then values
  std::map<std::string, PlanType> types_;  // of the values so far
  std::map<std::string, int> latest_;      // of each value: the last step that it needs
  std::string checking_;                   // the value whose type is being found
};

}  // namespace

void ReadPlans(const YAML::Node& node, Workflow& workflow, YamlReader& reader,
               const ReadPlanTool& read_tool) {
  if (!reader.CheckMap(node, "plan", {"tools", "goals"}, "plan")) return;
  const auto taken = [&](const YAML::Node& name) {
    const bool there = workflow.FindTool(name.Scalar()) != nullptr || IsControlTool(name.Scalar());
    if (there)
      reader.Add(name.Mark(), fmt::format("'{}' is a tool already", name.Scalar()), "choose another name");
    return there;
  };
  if (const YAML::Node tools = node["tools"];
      tools && reader.CheckNames(tools, "plan.tools", "plan.tools", true)) {
    static const std::vector<std::string> keys{"title",  "slots",   "effect",           "action",
                                               "failed", "privacy", "requires_verified"};
    for (const auto& item : tools) {
      const std::string& name = item.first.Scalar();
      if (taken(item.first)) continue;
      auto tool = read_tool("plan.tools." + name, name, item.second, keys);
      if (!tool) continue;
      tool->description = tool->title;
      tool->never_confirm = true;  // the plan reads it back
      if (tool->action.empty())
        reader.AddAt("plan.tools." + name, fmt::format("tool '{}' has no action", name));
      workflow.plan_tools.push_back(*std::move(tool));
    }
  }
  const YAML::Node goals = node["goals"];
  if (!goals || goals.size() == 0) {
    reader.AddAt("plan", "a plan without goals", "goals: {my_goal: {says: [...], steps: [...]}}");
    return;
  }
  if (!reader.CheckNames(goals, "plan.goals", "plan.goals", true)) return;
  static const std::vector<std::string> keys{"title",  "doing",      "description", "slots",   "says",
                                             "values", "steps",      "checks",      "confirm", "done",
                                             "failed", "handoff_on", "complete"};
  for (const auto& item : goals) {
    const std::string& name = item.first.Scalar();
    if (taken(item.first)) continue;
    const std::string path = "plan.goals." + name;
    auto goal = read_tool(path, name, item.second, keys);
    if (!goal) continue;
    workflow.plans.push_back(PlanReader(workflow, reader, path).Read(item.second, *std::move(goal)));
  }
}

}  // namespace sotto
