#include "dialogue/program.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "text/normalise.h"
#include "workflow/plan_value.h"
#include "workflow/stakes.h"
#include "workflow/tool_words.h"

namespace sotto {
namespace {

// "{amount}" -> "{amount:money}": a field without a format takes that of its slot or result field.
std::string WithFormats(std::string_view text, const ToolDef* tool) {
  if (tool == nullptr) return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] != '{') continue;
    const size_t end = text.find('}', i);
    if (end == std::string_view::npos) continue;
    const std::string field(text.substr(i + 1, end - i - 1));
    out += field;
    if (const Slot* slot = tool->FindSlot(field)) {
      if (const auto format = FormatOfEntity(slot->entity); format != "text")
        out += fmt::format(":{}", format);
    } else if (const auto returned = tool->action_returns.find(field);
               returned != tool->action_returns.end()) {
      if (returned->second != "text") out += ":" + returned->second;
    }
    i = end - 1;
  }
  return out;
}

Result<DialogueProgram::Variants> CompileTexts(const Texts& texts, const ToolDef* tool,
                                               const std::string& source) {
  DialogueProgram::Variants variants;
  for (const std::string& text : texts) {
    SOTTO_ASSIGN_OR_RETURN(ReplyTemplate compiled, ReplyTemplate::Parse(WithFormats(text, tool), source));
    variants.push_back(std::move(compiled));
  }
  return variants;
}

// Whether a slot takes a time, so that "tomorrow" is its value and not a delay.
bool TakesTime(const LanguageData& language, const ToolDef& tool) {
  return std::any_of(tool.slots.begin(), tool.slots.end(), [&](const Slot& slot) {
    if (slot.entity.type == Entity::Type::kDate) return true;
    return std::any_of(slot.entity.values.begin(), slot.entity.values.end(), [&](const EntityValue& value) {
      return language.later.Found(SplitWords(NormaliseSpoken(value.spoken)));
    });
  });
}

Result<std::map<std::string, DialogueProgram::Variants, std::less<>>> CompileFailed(const ToolDef& tool) {
  std::map<std::string, DialogueProgram::Variants, std::less<>> texts;
  for (const auto& [code, failed] : tool.failed) {
    SOTTO_ASSIGN_OR_RETURN(texts[code], CompileTexts(failed, &tool, tool.name + ".failed." + code));
  }
  return texts;
}

Result<DialogueProgram::ToolTexts> CompileTool(const Workflow& workflow, const ToolDef& tool) {
  DialogueProgram::ToolTexts texts;
  texts.tool = &tool;
  texts.words = WordsOf(workflow, tool);
  texts.acts = Acts(workflow, tool);
  texts.reads_back = ReadsBack(workflow, tool);
  texts.takes_time = TakesTime(*workflow.language_data, tool);
  SOTTO_ASSIGN_OR_RETURN(texts.confirm, CompileTexts(tool.confirm, &tool, tool.name + ".confirm"));
  SOTTO_ASSIGN_OR_RETURN(texts.done, CompileTexts(tool.done, &tool, tool.name + ".done"));
  SOTTO_ASSIGN_OR_RETURN(texts.failed, CompileFailed(tool));
  std::vector<std::string> names;
  for (const Slot& slot : tool.slots) names.push_back(slot.name);
  for (const Check& check : tool.checks) {
    SOTTO_ASSIGN_OR_RETURN(auto say, CompileTexts(check.say, &tool, tool.name + ".checks"));
    SOTTO_ASSIGN_OR_RETURN(auto rule, Rule::Parse(check.rule, names));
    texts.check_say.push_back(std::move(say));
    texts.check_rules.push_back(std::move(rule));
  }
  for (const Unlike& unlike : tool.unlike) {
    auto& [words, say] = texts.unlike.emplace_back();
    for (const std::string& pattern : unlike.words) SOTTO_RETURN_IF_ERROR(words.Add(pattern));
    SOTTO_ASSIGN_OR_RETURN(say, CompileTexts(unlike.say, &tool, tool.name + ".unlike"));
  }
  for (const Slot& slot : tool.slots) {
    DialogueProgram::SlotTexts& slot_texts = texts.slots.emplace_back();
    SOTTO_ASSIGN_OR_RETURN(slot_texts.question,
                           CompileTexts(slot.question, &tool, tool.name + "." + slot.name + ".question"));
    if (slot.when.empty()) continue;
    SOTTO_ASSIGN_OR_RETURN(auto rule, Rule::Parse(slot.when, names));
    slot_texts.when.push_back(std::move(rule));
  }
  return texts;
}

// A yes to a plan may name what its steps do: "yes, transfer it".
void AddActWords(const ToolWords& from, ToolWords& to) {
  for (const auto& list : {&ToolWords::verbs, &ToolWords::past, &ToolWords::nouns, &ToolWords::objects}) {
    for (const std::string& text : (from.*list).Texts()) (to.*list).AddWords(text);
  }
}

Result<DialogueProgram::ToolTexts> CompilePlan(const Workflow& workflow, const PlanDef& plan) {
  SOTTO_ASSIGN_OR_RETURN(DialogueProgram::ToolTexts texts, CompileTool(workflow, plan.goal));
  auto made = std::make_shared<DialogueProgram::PlanTexts>();
  made->plan = &plan;
  std::vector<std::string> names;
  for (const Slot& slot : plan.goal.slots) names.push_back(slot.name);
  for (const auto& [name, value] : plan.values) {
    names.push_back(name);
    // A yes may repeat what was reckoned.
    const auto format = plan.goal.action_returns.find(name);
    ToolWords::Slot words;
    words.name = words.entity = name;  // no two of them are of a kind: each says by itself which is meant
    words.number = format->second == "money" || format->second == "number";
    if (words.number) texts.words.slots.push_back(std::move(words));
  }
  for (const GoalStep& step : plan.steps) {
    const ToolDef* tool = workflow.FindTool(step.tool);
    SOTTO_CHECK(tool != nullptr, "no tool '{}'", step.tool);
    made->tools.push_back(tool);
    if (step.acts) AddActWords(WordsOf(workflow, *tool), texts.words);
    SOTTO_ASSIGN_OR_RETURN(auto say, CompileTexts(step.say, tool, plan.goal.name + ".steps"));
    made->step_say.push_back(std::move(say));
    SOTTO_ASSIGN_OR_RETURN(auto failed, CompileFailed(*tool));
    made->step_failed.push_back(std::move(failed));
    made->when.emplace_back();
    if (step.when.empty()) continue;
    SOTTO_ASSIGN_OR_RETURN(auto rule, Rule::Parse(step.when, names));
    made->when.back().push_back(std::move(rule));
  }
  for (const Check& check : plan.checks) {
    SOTTO_ASSIGN_OR_RETURN(auto say, CompileTexts(check.say, &plan.goal, plan.goal.name + ".checks"));
    SOTTO_ASSIGN_OR_RETURN(auto rule, Rule::Parse(check.rule, names));
    made->check_say.push_back(std::move(say));
    made->check_rules.push_back(std::move(rule));
  }
  if (!plan.complete.empty()) {
    SOTTO_ASSIGN_OR_RETURN(auto rule, Rule::Parse(plan.complete, names));
    made->complete.push_back(std::move(rule));
  }
  texts.plan = std::move(made);
  return texts;
}

}  // namespace

Result<std::shared_ptr<const DialogueProgram>> DialogueProgram::Compile(
    std::shared_ptr<const Workflow> workflow) {
  auto program = std::make_shared<DialogueProgram>();
  program->workflow_ = std::move(workflow);
  for (const ToolDef& tool : program->workflow_->tools) {
    SOTTO_ASSIGN_OR_RETURN(program->tools_[tool.name], CompileTool(*program->workflow_, tool));
  }
  for (const PlanDef& plan : program->workflow_->plans) {
    SOTTO_ASSIGN_OR_RETURN(program->tools_[plan.goal.name], CompilePlan(*program->workflow_, plan));
  }
  for (const auto& [key, texts] : program->workflow_->texts) {
    SOTTO_ASSIGN_OR_RETURN(program->messages_[key], CompileTexts(texts, nullptr, "messages." + key));
  }
  if (!program->workflow_->assistant.greeting.empty()) {
    SOTTO_ASSIGN_OR_RETURN(program->greeting_, CompileTexts({program->workflow_->assistant.greeting}, nullptr,
                                                            "assistant.greeting"));
  }
  return program;
}

const DialogueProgram::ToolTexts* DialogueProgram::FindTool(std::string_view name) const {
  const auto found = tools_.find(name);
  return found == tools_.end() ? nullptr : &found->second;
}

const DialogueProgram::Variants& DialogueProgram::Message(std::string_view key) const {
  const auto found = messages_.find(key);
  SOTTO_CHECK(found != messages_.end() && !found->second.empty(), "no message '{}'", key);
  return found->second;
}

std::vector<std::string> DialogueProgram::FixedParts() const {
  std::set<std::string> parts;
  const auto add = [&](const Variants& variants) {
    for (const ReplyTemplate& text : variants) {
      for (std::string& part : text.FixedParts()) parts.insert(std::move(part));
    }
  };
  add(greeting_);
  for (const auto& [key, variants] : messages_) add(variants);
  for (const auto& [name, tool] : tools_) {
    add(tool.confirm);
    add(tool.done);
    for (const auto& [code, variants] : tool.failed) add(variants);
    for (const Variants& variants : tool.check_say) add(variants);
    for (const SlotTexts& slot : tool.slots) add(slot.question);
    if (tool.plan == nullptr) continue;
    for (const Variants& variants : tool.plan->check_say) add(variants);
    for (const auto& failed : tool.plan->step_failed) {
      for (const auto& [code, variants] : failed) add(variants);
    }
  }
  return {parts.begin(), parts.end()};
}

}  // namespace sotto
