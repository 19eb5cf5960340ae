// A goal that several tools lead to: what it needs is looked up, what acts is checked and read back as a whole, then done
// one after the other, and whether the goal is reached is looked up. Where something failed or turned out otherwise, the
// plan is made again from what is true then, once, and read back again.
#include <algorithm>
#include <set>

#include "base/check.h"
#include "dialogue/decider.h"
#include "dialogue/plan_progress.h"
#include "text/normalise.h"
#include "workflow/plan_value.h"

namespace sotto {
namespace {

// The world may be as it was or not: what acted may not be tried again under another key.
bool EffectIsUnknown(const std::string& failure) { return failure == "timeout"; }
bool WasNotAsked(const std::string& failure) {
  return failure == "unavailable" || failure == "busy" || failure == "cancelled";
}

bool IsActingStep(const DialogueProgram::PlanTexts& plan, std::string_view tool) {
  for (size_t i = 0; i < plan.tools.size(); ++i)
    if (plan.plan->steps[i].acts && plan.tools[i]->name == tool) return true;
  return false;
}

// The values without those that only steps which were not done have used: "and {owed} off your credit card" is not said
// where nothing was owed.
Json WithoutUndone(const DialogueProgram::PlanTexts& plan, const Task& task, Json values) {
  const auto used = [&](bool done) {
    std::set<std::string> names;
    for (size_t i = 0; i < plan.tools.size(); ++i) {
      if (!plan.plan->steps[i].acts) continue;
      const bool acted = std::any_of(task.acted.begin(), task.acted.end(), [&](const Json& one) {
        return one.at("step") == std::to_string(i + 1);
      });
      if (acted != done) continue;
      for (const auto& [argument, from] : plan.plan->steps[i].with)
        for (const PlanValue::Term& term : from.terms)
          if (term.kind == PlanValue::Term::Kind::kNamed) names.insert(term.name);
    }
    return names;
  };
  const std::set<std::string> done = used(true);
  for (const std::string& name : used(false))
    if (!done.contains(name)) values.erase(name);
  return values;
}

bool SaysOnlyFigures(const ToolCall& call) {
  const auto arguments = call.arguments.items();
  return !call.arguments.empty() && std::all_of(arguments.begin(), arguments.end(),
                                                [](const auto& one) { return one.value().is_number(); });
}

// The goal's one slot for a figure.
const Slot* OnlyFigure(const ToolDef& goal) {
  const Slot* only = nullptr;
  for (const Slot& slot : goal.slots) {
    if (slot.entity.type != Entity::Type::kMoney && slot.entity.type != Entity::Type::kNumber) continue;
    if (only != nullptr) return nullptr;
    only = &slot;
  }
  return only;
}

Json MergedWith(Json values, const Json& more) {
  if (!more.is_object()) return values;
  for (const auto& [name, value] : more.items()) {
    if (!values.contains(name)) values[name] = value;
  }
  return values;
}

}  // namespace

Json Decider::Shown(const Task& task) const {
  const auto& texts = TextsOf(task);
  if (texts.plan == nullptr) return task.slots;
  Json values = PlanValues(*texts.plan->plan, task.slots, task.results);
  values["steps"] = StepPhrases(task, false);
  return values;
}

// "Yes, transfer 500" is none where 500 is what stays, and a yes to one of two payments is none to both: only the values of
// the one step that acts may be repeated.
Json Decider::Repeatable(const Task& task) const {
  const DialogueProgram::PlanTexts& plan = *TextsOf(task).plan;
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  std::optional<Json> only;
  for (size_t i = 0; i < plan.tools.size(); ++i) {
    if (!IsToBeDone(plan, i, task, values)) continue;
    if (only) return Json::object();
    only = StepArguments(plan, i, task, values, state_.today).value_or(Json::object());
  }
  Json repeatable = Json::object();
  for (const auto& [name, value] : values.items()) {
    const bool acts = only && std::any_of(only->begin(), only->end(),
                                          [&](const Json& argument) { return SameValue(argument, value); });
    if (acts) repeatable[name] = value;
  }
  return repeatable;
}

std::string Decider::StepPhrases(const Task& task, bool done) const {
  const DialogueProgram::PlanTexts& plan = *TextsOf(task).plan;
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  std::vector<std::string> phrases;
  const auto add = [&](size_t step, const Json& arguments) {
    const auto texts = composer_.Texts(plan.step_say[step], *plan.tools[step], arguments);
    phrases.push_back(texts.empty() ? plan.tools[step]->title : texts.front());
  };
  if (done) {
    for (const Json& one : task.acted)
      add(static_cast<size_t>(std::stoul(one.at("step").get<std::string>())) - 1, one.at("arguments"));
  } else {
    for (size_t i = 0; i < plan.tools.size(); ++i) {
      if (!IsToBeDone(plan, i, task, values)) continue;
      add(i, StepArguments(plan, i, task, values, state_.today).value_or(Json::object()));
    }
  }
  return composer_.JoinAnd(phrases);
}

bool Decider::AdvancePlan(const Task& task) {
  const DialogueProgram::PlanTexts& plan = *TextsOf(task).plan;
  if (!task.confirmed && SayFailedPlanCheck(task)) return !settled_;
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  const std::optional<size_t> step = NextStep(plan, task, values);
  if (!step) {
    FinishPlan(task);
    return true;
  }
  if (plan.plan->steps[*step].acts && !task.confirmed) {
    if (!PlanFits(task, values)) return true;
    if (NeedsConfirmation(task)) {
      if (task.replanned) composer_.Say("plan_changed", NamesOf(ToolOf(task)));
      AskConfirm(task);
      return false;
    }
  }
  return ActOnStep(task, *step, values);
}

// Beside the read-back of a plan: "no, just the gas bill", "make it 600". A plan is done whole or not at all, and no part of
// it beside it: a figure alone asks for the plan's own, a request for what a step does takes the plan's place, and what
// leaves a part out is told so. True: the turn is answered.
bool Decider::AnswersOnePart(const Heard& heard, bool correction) {
  const Task* open = state_.open();
  const Pending::Kind kind = state_.pending.kind;
  if (open == nullptr || open->suspended || TextsOf(*open).plan == nullptr) return false;
  if (kind != Pending::Kind::kConfirm && kind != Pending::Kind::kChange) return false;
  const DialogueProgram::PlanTexts& plan = *TextsOf(*open).plan;
  const std::string spoken = NormaliseSpoken(text_);
  const std::vector<std::string_view> words = SplitWords(spoken);
  // "Yes, but leave 100 more": no value of a slot, and no yes.
  const Slot* figure = language().relative.Found(words) ? OnlyFigure(ToolOf(*open)) : nullptr;
  const auto part = std::find_if(heard.tasks.begin(), heard.tasks.end(), [&](const Call* call) {
    return call->confidence >= policy_.clarify && IsActingStep(plan, call->call.name);
  });
  if (figure == nullptr && correction) return false;
  if (figure == nullptr && part != heard.tasks.end() && SaysOnlyFigures((*part)->call))
    figure = OnlyFigure(ToolOf(*open));
  if (figure != nullptr) {
    Emit(Event::Type::kSlotCleared, open->id, figure->name, "part");
    AskSlots(*state_.open(), {figure->name});
    handled_ = settled_ = true;
    return true;
  }
  if (part == heard.tasks.end()) {
    const bool drops = std::any_of(heard.controls.begin(), heard.controls.end(),
                                   [](const Call* call) { return call->call.name != control::kDeny; });
    if (drops || !language().parts.Found(words)) return false;
    handled_ = settled_ = true;
    composer_.Say("plan_whole", NamesOf(ToolOf(*open)));
    AskConfirm(*open);
    return true;
  }
  Drop("declined");
  Tasks(heard);
  if (!settled_) Advance();
  return true;
}

// Rules over what is known before anything acts. What clears a slot asks for it; the others end the task.
bool Decider::SayFailedPlanCheck(const Task& task) {
  const auto& texts = TextsOf(task);
  const DialogueProgram::PlanTexts& plan = *texts.plan;
  const int id = task.id;
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  for (size_t i = 0; i < plan.check_rules.size(); ++i) {
    if (plan.check_rules[i].Holds(values) != std::optional<bool>(false)) continue;
    const Check& check = plan.plan->checks[i];
    const std::string key = fmt::format("tools.{}.checks.{}", texts.tool->name, i);
    const bool said = composer_.Say(key, plan.check_say[i], *texts.tool, values);
    if (!said) composer_.Say("failed", NamesOf(*texts.tool));
    if (!check.clear.empty()) {
      for (const std::string& slot : check.clear) Emit(Event::Type::kSlotCleared, id, slot, check.rule);
      Ask(Pending::Kind::kSlots, check.clear);
      return true;
    }
    if (!task.acted.empty()) composer_.Say("plan_partly", {{"steps", StepPhrases(task, true)}});
    Emit(Event::Type::kTaskDone, id, "not_possible", {{"rule", check.rule}});
    more_ = true;
    return true;
  }
  return false;
}

// Whether every step that is to be done can be: its values are there and fit its tool, and a plan that was made again is
// not the one that failed. Otherwise the task ends.
bool Decider::PlanFits(const Task& task, const Json& values) {
  const DialogueProgram::PlanTexts& plan = *TextsOf(task).plan;
  const int id = task.id;
  for (size_t i = 0; i < plan.tools.size(); ++i) {
    if (!IsToBeDone(plan, i, task, values)) continue;
    const auto arguments = StepArguments(plan, i, task, values, state_.today);
    if (!arguments) {
      FailPlan(id, i, "not_possible", Json::object(), Json::object());
      return false;
    }
    const Json& failed = task.failed_step;
    if (failed.is_object() && failed.contains("step") && failed["step"] == std::to_string(i + 1) &&
        SameValue(failed["arguments"], *arguments)) {
      const Json before = failed;
      FailPlan(id, i, before["failure"].get<std::string>(), *arguments, before["data"]);
      return false;
    }
  }
  return true;
}

bool Decider::ActOnStep(const Task& task, size_t step, const Json& values) {
  const DialogueProgram::PlanTexts& plan = *TextsOf(task).plan;
  const int id = task.id;
  const auto arguments = StepArguments(plan, step, task, values, state_.today);
  if (!arguments) {
    FailPlan(id, step, "not_possible", Json::object(), Json::object());
    return true;
  }
  Emit(Event::Type::kActionBegan, id, IdempotencyKey(state_.caller, state_.session, id, task.actions + 1),
       *arguments);
  decision_.action = RunningAction(program_, state_);
  settled_ = true;
  return false;
}

void Decider::StepResult(int id, const ToolResult& result) {
  const Task task = *state_.FindTask(id);
  const DialogueProgram::PlanTexts& plan = *TextsOf(task).plan;
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  const std::optional<size_t> running = NextStep(plan, task, values);
  SOTTO_CHECK(running.has_value(), "a result without a step of {}", task.tool);
  const size_t step = *running;
  const bool acts = plan.plan->steps[step].acts;
  const std::string number = std::to_string(step + 1);
  const Json arguments = StepArguments(plan, step, task, values, state_.today).value_or(Json::object());
  if (result.ok) {
    Json value{{"data", result.data.is_object() ? result.data : Json::object()}, {"arguments", arguments}};
    if (acts) value["acted"] = true;
    Emit(Event::Type::kStepDone, id, number, std::move(value));
    return;
  }
  const std::string failure = result.failure.empty() ? "failed" : result.failure;
  if (acts && !task.replanned && !EffectIsUnknown(failure) && !WasNotAsked(failure)) {
    Emit(Event::Type::kReplanned, id, failure,
         {{"step", number}, {"arguments", arguments}, {"data", result.data}});
    return;
  }
  FailPlan(id, step, failure, arguments, result.data);
}

// Everything was done that was to be. Whether that is so the database says.
void Decider::FinishPlan(const Task& task) {
  const auto& texts = TextsOf(task);
  const DialogueProgram::PlanTexts& plan = *texts.plan;
  const int id = task.id;
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  const bool reached = plan.complete.empty() || plan.complete[0].Holds(values) == std::optional<bool>(true);
  if (!reached && !task.replanned) {
    // What hangs on a rule over the facts is done again where that still holds; nothing else twice.
    Json again = Json::array();
    for (const Json& done : task.acted) {
      const size_t step = static_cast<size_t>(std::stoul(done.at("step").get<std::string>())) - 1;
      if (!plan.when[step].empty()) again.push_back(done.at("step"));
    }
    Emit(Event::Type::kReplanned, id, "incomplete", {{"again", std::move(again)}});
    return;
  }
  if (!reached) {
    FailPlan(id, plan.tools.size(), "incomplete", Json::object(), Json::object());
    return;
  }
  intro_.clear();
  const Json told = WithoutUndone(plan, task, values);
  const bool acts = plan.plan->first_act() < plan.tools.size();
  if (acts && task.acted.empty()) {
    composer_.Say("plan_nothing", NamesOf(*texts.tool));
  } else if (!composer_.Say("tools." + texts.tool->name + ".done", texts.done, *texts.tool, told)) {
    composer_.Say("done", NamesOf(*texts.tool));
  }
  Emit(Event::Type::kTaskDone, id, "", values);
}

// `step`: that failed, or the number of steps: the goal is not reached although they were done.
void Decider::FailPlan(int id, size_t step, const std::string& failure, const Json& arguments,
                       const Json& data) {
  const Task task = *state_.FindTask(id);
  const auto& texts = TextsOf(task);
  const DialogueProgram::PlanTexts& plan = *texts.plan;
  const ToolDef& goal = *texts.tool;
  intro_.clear();
  if (!task.acted.empty() && failure != "incomplete")
    composer_.Say("plan_partly", {{"steps", StepPhrases(task, true)}});
  const Json values = PlanValues(*plan.plan, task.slots, task.results);
  const auto own = texts.failed.find(failure);
  bool said = own != texts.failed.end() && composer_.Say("tools." + goal.name + ".failed." + failure,
                                                         own->second, goal, MergedWith(values, data));
  if (!said && step < plan.tools.size()) {
    const auto text = plan.step_failed[step].find(failure);
    said = text != plan.step_failed[step].end() &&
           composer_.Say("tools." + plan.tools[step]->name + ".failed." + failure, text->second,
                         *plan.tools[step], MergedWith(arguments, data));
  }
  if (!said) {
    composer_.Say(failure == "incomplete"    ? "plan_incomplete"
                  : EffectIsUnknown(failure) ? "failed_timeout"
                  : WasNotAsked(failure)     ? "failed_unavailable"
                                             : "failed",
                  NamesOf(goal));
  }
  Emit(Event::Type::kTaskDone, id, failure, data);
  more_ = true;
  if (std::find(goal.handoff_on.begin(), goal.handoff_on.end(), failure) != goal.handoff_on.end())
    HandOffTo("action_failed");
}

// The action was looked at and not begun: the caller is verified once more, or a person decides.
void Decider::Screened(int id, const ToolResult& result) {
  const Task task = *state_.FindTask(id);
  const bool verify = result.failure == kStepUpFailure && !task.stepped_up &&
                      program_.workflow().FindRole(ToolRole::kVerify) != nullptr;
  Emit(Event::Type::kScreened, id, result.failure, result.data);
  if (verify) {
    BeginVerification(id, "screen_step_up");
    return;
  }
  composer_.Say("screen_held", NamesOf(ToolOf(task)));
  if (!task.acted.empty()) composer_.Say("plan_partly", {{"steps", StepPhrases(task, true)}});
  Emit(Event::Type::kTaskDone, id, std::string(kHeldFailure), result.data);
  HandOffTo("screened");
}

}  // namespace sotto
