#include <algorithm>

#include "base/check.h"
#include "dialogue/decider.h"
#include "text/normalise.h"
#include "text/speak.h"

namespace sotto {
namespace {

Json InOrder(const ToolDef& tool, const Json& slots) {
  Json arguments = Json::object();
  for (const Slot& slot : tool.slots) {
    if (const auto found = slots.find(slot.name); found != slots.end()) arguments[slot.name] = *found;
  }
  return arguments;
}

Json Merged(Json values, const Json& more) {
  if (!more.is_object()) return values;
  for (const auto& [name, value] : more.items()) {
    if (!values.contains(name)) values[name] = value;
  }
  return values;
}

std::string Sentence(const ToolDef& tool, const Json& slots) {
  std::string line = tool.title;
  const char* separator = " (";
  for (const Slot& slot : tool.slots) {
    const auto found = slots.find(slot.name);
    if (found == slots.end()) continue;
    line += separator + PlainWords(slot.name) + ": " + ShowValue(slot.entity, *found);
    separator = ", ";
  }
  return *separator == ',' ? line + ")" : line;
}

}  // namespace

void Decider::Advance() {
  for (int step = 0; step < 200; ++step) {
    if (settled_) return;
    const Task* task = state_.open();
    const bool waiting = task == nullptr || (task->suspended && !task->waits);
    if (waiting && !state_.queue.empty()) {
      Dequeue();
      continue;
    }
    if (task == nullptr) {
      Idle();
      return;
    }
    if (task->suspended) {
      if (!ResumeTop()) return;
      continue;
    }
    if (NeedsVerification(*task)) {
      BeginVerification(task->id);
      continue;
    }
    if (SayRejection(*task)) return;
    if (partial_.task == task->id) {
      AskSlots(*task, {partial_.slot});
      return;
    }
    if (SayFailedCheck(*task)) return;
    if (std::vector<std::string> missing = MissingSlots(TextsOf(*task), task->slots); !missing.empty()) {
      AskSlots(*task, std::move(missing));
      return;
    }
    if (TextsOf(*task).plan != nullptr) {
      if (!AdvancePlan(*task)) return;
      continue;
    }
    if (NeedsConfirmation(*task)) {
      AskConfirm(*task);
      return;
    }
    if (!Act(*task)) return;
  }
  SOTTO_CHECK(false, "the dialogue does not come to rest");
}

void Decider::Dequeue() {
  const QueuedTask queued = state_.queue.front();
  const ToolCall& call = queued.call;
  Emit(Event::Type::kTaskDequeued);
  const auto* texts = program_.FindTool(call.name);
  if (texts == nullptr) return;
  if (texts->tool->role == ToolRole::kGoodbye) {
    Goodbye();
    settled_ = true;
    return;
  }
  BeginTask({call, 1.0, {}});
  if (queued.doubted) Emit(Event::Type::kDoubted, state_.open()->id);
  intro_ = "queued";
}

bool Decider::ResumeTop() {
  const Task& task = *state_.open();
  if (task.waits) {
    Emit(Event::Type::kTaskResumed, task.id);
    return true;
  }
  switch (policy_.resume) {
    case DialoguePolicy::Resume::kNever:
      Emit(Event::Type::kTaskDropped, task.id, "left");
      return true;
    case DialoguePolicy::Resume::kContinue:
      Emit(Event::Type::kTaskResumed, task.id);
      intro_ = "resume";
      return true;
    case DialoguePolicy::Resume::kAsk:
      break;
  }
  composer_.Say("offer", NamesOf(ToolOf(task)));
  Ask(Pending::Kind::kOfferReturn);
  return false;
}

bool Decider::NeedsVerification(const Task& task) const {
  return !state_.caller.verified() && ToolOf(task).requires_verified &&
         program_.workflow().FindRole(ToolRole::kVerify) != nullptr;
}

void Decider::BeginVerification(int id, std::string_view why) {
  const ToolDef& tool = ToolOf(*state_.FindTask(id));
  const ToolDef& verify = *program_.workflow().FindRole(ToolRole::kVerify);
  Emit(Event::Type::kTaskSuspended, id, "verification");
  const auto running = std::find_if(state_.stack.begin(), state_.stack.end(),
                                    [&](const Task& task) { return task.tool == verify.name; });
  if (running != state_.stack.end()) {
    const int verify_id = running->id;
    Emit(Event::Type::kTaskResumed, verify_id);
    return;
  }
  Emit(Event::Type::kTaskBegan, state_.next_task, verify.name);
  composer_.Say(why, NamesOf(tool));
  intro_.clear();
}

bool Decider::SayRejection(const Task& task) {
  if (!rejection_ || rejection_->task != task.id) return false;
  const bool progress = std::any_of(decision_.events.begin(), decision_.events.end(), [](const Event& event) {
    return event.type == Event::Type::kSlotSet || event.type == Event::Type::kTaskBegan;
  });
  if (!progress) Emit(Event::Type::kNoProgress);
  if (state_.failures >= policy_.max_failures) {
    HandOffTo("failures");
    return true;
  }
  const Slot& slot = *rejection_->slot;
  Json values{{"ask", slot.ask},
              {"value", ShowValue(slot.entity, rejection_->value, state_.today)},
              {"length", slot.entity.length == 0 ? "some" : fmt::format("{}", slot.entity.length)},
              {"limit", ShowValue(slot.entity, rejection_->misfit.limit, state_.today)},
              {"currency", CurrencyName(slot.entity.currency)}};
  if (rejection_->misfit.message == "ambiguous" || rejection_->misfit.message == "either") {
    std::vector<std::string> meant;
    for (const Json& value : rejection_->value) meant.push_back(ShowValue(slot.entity, value, state_.today));
    if (meant.size() > 1) values["meant"] = composer_.JoinOr(meant);
  }
  std::vector<std::string> listed;
  for (const EntityValue& value : slot.entity.values) listed.push_back(value.spoken);
  values["values"] = composer_.JoinOr(listed);
  composer_.Say(rejection_->misfit.message, values);
  Ask(Pending::Kind::kSlots, {slot.name});
  rejection_.reset();
  return true;
}

// Some of the digits are there: what is known, and how many are still wanted.
bool Decider::SayDigitsSoFar(const Task& task, const Slot& slot) {
  const auto partial = task.partial.find(slot.name);
  if (partial == task.partial.end()) return false;
  const std::string& digits = partial->second;
  const size_t left = static_cast<size_t>(slot.entity.length) - digits.size();
  std::string spaced;
  for (const char digit : digits) spaced += (spaced.empty() ? "" : " ") + std::string(1, digit);
  composer_.Say(left == 1 ? "digits_so_far_one" : "digits_so_far",
                {{"digits", spaced}, {"left", SpeakNumber(static_cast<double>(left))}, {"ask", slot.ask}});
  return true;
}

bool Decider::SayFailedCheck(const Task& task) {
  const auto& texts = TextsOf(task);
  const int id = task.id;
  for (size_t i = 0; i < texts.check_rules.size(); ++i) {
    if (texts.check_rules[i].Holds(task.slots) != std::optional<bool>(false)) continue;
    const Check& check = texts.tool->checks[i];
    const std::string key = fmt::format("tools.{}.checks.{}", texts.tool->name, i);
    if (!composer_.Say(key, texts.check_say[i], *texts.tool, task.slots)) {
      composer_.Say("denied", NamesOf(*texts.tool));
    }
    for (const std::string& slot : check.clear) Emit(Event::Type::kSlotCleared, id, slot, check.rule);
    Ask(Pending::Kind::kSlots, check.clear);
    return true;
  }
  return false;
}

bool Decider::NeedsConfirmation(const Task& task) const {
  if (task.confirmed) return false;
  const ToolDef& tool = ToolOf(task);
  if (tool.role == ToolRole::kVerify || tool.role == ToolRole::kAnswer) return false;
  if (task.doubted && (!tool.action.empty() || tool.role == ToolRole::kHandoff)) return true;
  return TextsOf(task).reads_back;
}

void Decider::SayIntro(const ToolDef& tool) {
  if (!intro_.empty()) {
    composer_.Say(intro_, NamesOf(tool));
  } else if (!changed_.empty()) {
    composer_.Say("changed", {{"value", changed_}});
  }
  changed_.clear();
}

void Decider::SayQuestion(const ToolDef& tool, size_t index) {
  const Slot& slot = tool.slots[index];
  const auto& question = program_.FindTool(tool.name)->slots[index].question;
  const std::string key = fmt::format("tools.{}.{}", tool.name, slot.name);
  if (composer_.Say(key, question, tool, Json::object())) return;
  Json values = NamesOf(tool);
  values["ask"] = slot.ask;
  composer_.Say("ask_one", values);
}

void Decider::AskSlots(const Task& task, std::vector<std::string> slots) {
  const ToolDef& tool = ToolOf(task);
  SayIntro(tool);
  if (slots.size() > 1 && !task.asked && policy_.ask_together) {
    std::vector<std::string> asks;
    for (const std::string& name : slots) asks.push_back(tool.FindSlot(name)->ask);
    Json values = NamesOf(tool);
    values["asks"] = composer_.JoinAnd(asks);
    composer_.Say("ask_together", values);
  } else {
    slots.resize(1);
    if (!SayDigitsSoFar(task, *tool.FindSlot(slots[0])))
      SayQuestion(tool, static_cast<size_t>(tool.FindSlot(slots[0]) - tool.slots.data()));
  }
  Ask(Pending::Kind::kSlots, std::move(slots));
}

void Decider::AskAgain(const Task& task, const std::string& name) {
  const ToolDef& tool = ToolOf(task);
  const Slot* slot = tool.FindSlot(name);
  SOTTO_CHECK(slot != nullptr);
  Json values = NamesOf(tool);
  values["ask"] = slot->ask;
  values["hint"] = Hint(*slot);
  composer_.Say("ask_again", values);
  Ask(Pending::Kind::kSlots, {name});
}

void Decider::AskConfirm(const Task& task) {
  const ToolDef& tool = ToolOf(task);
  changed_.clear();
  SayIntro(tool);
  if (!composer_.Say("tools." + tool.name + ".confirm", TextsOf(task).confirm, tool, Shown(task))) {
    std::vector<std::string> read;
    if (TextsOf(task).plan != nullptr) read.push_back(StepPhrases(task, false));
    for (const Slot& slot : tool.slots) {
      if (TextsOf(task).plan != nullptr) break;
      const auto found = task.slots.find(slot.name);
      if (found == task.slots.end()) continue;
      read.push_back(PlainWords(slot.name) + " " + ShowValue(slot.entity, *found, state_.today));
    }
    Json values = NamesOf(tool);
    if (!read.empty()) values["slots"] = composer_.JoinAnd(read);
    composer_.Say("confirm_slots", values);
  }
  Ask(Pending::Kind::kConfirm);
}

// Puts the open question again, without taking the turn for an answer.
void Decider::Reask() {
  const Pending pending = state_.pending;
  const Task* open = state_.open();
  switch (pending.kind) {
    case Pending::Kind::kSlots:
      if (open == nullptr) break;
      if (auto slots = pending.slots.empty() ? MissingSlots(TextsOf(*open), open->slots) : pending.slots;
          !slots.empty()) {
        AskSlots(*open, std::move(slots));
      } else {
        Advance();  // a check failed that clears nothing: it says why once more
      }
      break;
    case Pending::Kind::kConfirm:
      if (open != nullptr) AskConfirm(*open);
      break;
    case Pending::Kind::kChange:
      if (open == nullptr) break;
      composer_.Say("denied", NamesOf(ToolOf(*open)));
      Ask(pending.kind);
      break;
    case Pending::Kind::kClarify:
      composer_.Say("clarify", NamesOf(*program_.FindTool(pending.call.name)->tool));
      Ask(pending.kind);
      break;
    case Pending::Kind::kOfferReturn:
      if (open != nullptr) composer_.Say("offer", NamesOf(ToolOf(*open)));
      Ask(pending.kind);
      break;
    case Pending::Kind::kOfferGoodbye:
      if (open != nullptr) composer_.Say("goodbye_open", NamesOf(ToolOf(*open)));
      Ask(pending.kind);
      break;
    case Pending::Kind::kAnythingElse:
      composer_.Say("anything_else");
      Ask(pending.kind);
      break;
    case Pending::Kind::kNone:
      if (open != nullptr) Advance();
      break;
  }
}

// False: an action was asked for, the decision ends here.
bool Decider::Act(const Task& task) {
  const ToolDef& tool = ToolOf(task);
  const int id = task.id;
  if (tool.action.empty()) {
    Done(id, ToolResult{true, "", Json::object()});
    return true;
  }
  Emit(Event::Type::kActionBegan, id, IdempotencyKey(state_.caller, state_.session, id, task.actions + 1),
       InOrder(tool, task.slots));
  decision_.action = RunningAction(program_, state_);
  settled_ = true;
  return false;
}

void Decider::Result(const ToolResult& result, std::string_view at) {
  SOTTO_CHECK(state_.acting != 0, "a result without an action");
  const int id = state_.acting;
  if (!result.ok && (result.failure == kStepUpFailure || result.failure == kHeldFailure)) {
    Screened(id, result);
  } else if (TextsOf(*state_.FindTask(id)).plan != nullptr) {
    StepResult(id, result);
  } else if (result.ok) {
    Done(id, result, at);
  } else {
    Failed(id, result);
  }
  Advance();
}

// The result says who the caller is: `customer` in its data, where it knows.
void Decider::Verified(const ToolDef& tool, const ToolResult& result, std::string_view at) {
  Json value = Json::object();
  const auto customer = result.data.find("customer");
  if (customer != result.data.end() && customer->is_string()) value["customer"] = *customer;
  if (customer != result.data.end() && customer->is_number_integer()) value["customer"] = customer->dump();
  if (!at.empty()) value["at"] = at;
  Emit(Event::Type::kVerified, 0, tool.name, value.empty() ? Json() : std::move(value));
}

void Decider::Done(int id, const ToolResult& result, std::string_view at) {
  const Task task = *state_.FindTask(id);
  const auto& texts = TextsOf(task);
  const ToolDef& tool = *texts.tool;
  if (tool.role == ToolRole::kVerify) Verified(tool, result, at);
  const bool said =
      composer_.Say("tools." + tool.name + ".done", texts.done, tool, Merged(task.slots, result.data));
  if (!said && tool.role == ToolRole::kTask) composer_.Say("done", NamesOf(tool));
  intro_.clear();
  Emit(Event::Type::kTaskDone, id, "", result.data);
  if (tool.role == ToolRole::kHandoff) HandOffTo("asked");
}

void Decider::Failed(int id, const ToolResult& result) {
  const Task task = *state_.FindTask(id);
  const auto& texts = TextsOf(task);
  const ToolDef& tool = *texts.tool;
  const std::string failure = result.failure.empty() ? "failed" : result.failure;
  intro_.clear();
  const bool not_asked = failure == "unavailable" || failure == "busy" || failure == "cancelled";
  const bool wrong_answer = failure != "timeout" && !not_asked;
  const bool hand_off =
      std::find(tool.handoff_on.begin(), tool.handoff_on.end(), failure) != tool.handoff_on.end();
  if (tool.role == ToolRole::kVerify && wrong_answer && !hand_off) {
    Emit(Event::Type::kVerifyFailed, id);
    const int left = tool.attempts - state_.FindTask(id)->failed_attempts;
    if (left <= 0) {
      HandOffTo("verification");
    } else {
      composer_.Say("verify_failed", {{"attempts", fmt::format("{}", left)}});
    }
    return;
  }
  const auto text = texts.failed.find(failure);
  if (tool.role == ToolRole::kAnswer && failure == "no_answer" && text == texts.failed.end()) {
    Emit(Event::Type::kTaskDone, id, failure, result.data);
    if (const Task* open = state_.open(); open != nullptr && open->suspended)
      Emit(Event::Type::kTaskResumed, open->id);
    NotUnderstood();
    // What was asked before is asked again.
    (state_.open() != nullptr && !state_.ended ? more_ : settled_) = true;
    return;
  }
  const std::string key = "tools." + tool.name + ".failed." + failure;
  if (text == texts.failed.end() ||
      !composer_.Say(key, text->second, tool, Merged(task.slots, result.data))) {
    composer_.Say(failure == "timeout" ? "failed_timeout"
                  : not_asked          ? "failed_unavailable"
                                       : "failed",
                  NamesOf(tool));
  }
  Emit(Event::Type::kTaskDone, id, failure, result.data);
  // What waited for the verification cannot be done either.
  while (tool.role == ToolRole::kVerify && state_.open() != nullptr && state_.open()->waits) {
    Emit(Event::Type::kTaskDropped, state_.open()->id, "not_verified");
  }
  more_ = true;
  if (hand_off) HandOffTo("action_failed");
}

void Decider::Idle() {
  if (!more_) return;
  composer_.Say("anything_else");
  Ask(Pending::Kind::kAnythingElse);
}

// The open task is left for good, and with a verification what waited for it.
void Decider::Drop(std::string_view why) {
  const Task* task = state_.open();
  handled_ = true;
  if (task == nullptr) return;
  const ToolDef* tool = &ToolOf(*task);
  const bool verification = tool->role == ToolRole::kVerify;
  Emit(Event::Type::kTaskDropped, task->id, std::string(why));
  while (verification && state_.open() != nullptr && state_.open()->waits) {
    tool = &ToolOf(*state_.open());
    Emit(Event::Type::kTaskDropped, state_.open()->id, std::string(why));
  }
  composer_.Say("never_mind", NamesOf(*tool));
  more_ = advance_ = true;
}

void Decider::End() {
  const ToolDef* goodbye = program_.workflow().FindRole(ToolRole::kGoodbye);
  if (goodbye == nullptr || !composer_.Say("tools." + goodbye->name, program_.FindTool(goodbye->name)->done,
                                           *goodbye, Json::object())) {
    composer_.Say("goodbye");
  }
  while (state_.open() != nullptr) Emit(Event::Type::kTaskDropped, state_.open()->id, "goodbye");
  Emit(Event::Type::kEnded);
  handled_ = settled_ = true;
}

void Decider::HandOffTo(const std::string& reason) {
  HandOff hand_off;
  hand_off.reason = reason;
  std::vector<std::string> wanted;
  std::vector<std::string> done;
  const auto add = [&](const std::string& tool, const Json& slots, const std::string& status) {
    hand_off.tasks.push_back({{"tool", tool}, {"status", status}, {"slots", slots}});
  };
  for (const FinishedTask& task : state_.finished) {
    const ToolDef& tool = *program_.FindTool(task.tool)->tool;
    if (tool.role == ToolRole::kHandoff) {
      if (&task == &state_.finished.back()) add(task.tool, task.slots, "asked");
      continue;
    }
    // What somebody was verified with is nobody else's.
    const bool verified = tool.role == ToolRole::kVerify;
    add(task.tool, verified ? Json::object() : task.slots, task.failure.empty() ? "done" : task.failure);
    if (verified) continue;
    done.push_back(Sentence(tool, task.slots) + (task.failure.empty() ? "" : " - failed: " + task.failure));
  }
  for (const Task& task : state_.stack) {
    add(task.tool, task.slots, &task == state_.open() ? "open" : "suspended");
    if (ToolOf(task).role != ToolRole::kVerify) wanted.push_back(Sentence(ToolOf(task), task.slots));
  }
  for (const auto& [call, doubted] : state_.queue) {
    add(call.name, call.arguments, "queued");
    wanted.push_back(program_.FindTool(call.name)->tool->title);
  }
  hand_off.summary =
      fmt::format("{}{}{}", wanted.empty() ? "" : fmt::format("Wants to {}.", fmt::join(wanted, "; ")),
                  wanted.empty() || done.empty() ? "" : " ",
                  done.empty() ? "" : fmt::format("So far: {}.", fmt::join(done, "; ")));
  hand_off.words = state_.words;
  if (reason == "failures" || reason == "no_input") {
    composer_.Say("handoff_failures");
  } else if (reason == "screened") {
    // said already
  } else if (reason == "verification") {
    composer_.Say("verify_gone");
  } else if (reason != "asked" || composer_.empty()) {
    composer_.Say("handoff", {{"reason", reason}});
  }
  Emit(Event::Type::kHandedOff, 0, reason, {{"summary", hand_off.summary}, {"tasks", hand_off.tasks}});
  Emit(Event::Type::kEnded);
  decision_.hand_off = std::move(hand_off);
  handled_ = settled_ = true;
}

std::string Decider::Hint(const Slot& slot) const {
  const auto text = [&](std::string_view key, const Json& values) {
    RenderOptions options;
    options.spoken_form = [](std::string_view, std::string_view value) { return std::string(value); };
    const auto rendered = program_.Message(key)[0].Render(values, options);
    return rendered ? rendered->text : std::string();
  };
  std::vector<std::string> values;
  for (const EntityValue& value : slot.entity.values) values.push_back(value.spoken);
  switch (slot.entity.type) {
    case Entity::Type::kEnum:
      return text("hint_enum", {{"values", composer_.JoinOr(values)}});
    case Entity::Type::kDigits:
      return slot.entity.length == 0
                 ? text("hint_digits_any", Json::object())
                 : text("hint_digits", {{"length", fmt::format("{}", slot.entity.length)}});
    case Entity::Type::kMoney:
      return text("hint_money", Json::object());
    case Entity::Type::kNumber:
      return text("hint_number", Json::object());
    case Entity::Type::kDate:
      return text("hint_date", Json::object());
    case Entity::Type::kTime:
      return text("hint_time", Json::object());
    case Entity::Type::kDuration:
      return text("hint_duration", Json::object());
    case Entity::Type::kDateRange:
      return text("hint_date_range", Json::object());
    case Entity::Type::kText:
      break;
  }
  values.resize(std::min<size_t>(values.size(), 3));
  return text("hint_text", values.empty() ? Json::object() : Json{{"values", composer_.JoinOr(values)}});
}

std::string Decider::Titles(size_t limit) const {
  std::vector<std::string> titles;
  std::string person;
  for (const ToolDef& tool : program_.workflow().tools) {
    if (tool.role == ToolRole::kTask && titles.size() < limit) titles.push_back(tool.title);
    if (tool.role == ToolRole::kHandoff) person = tool.title;
  }
  if (!person.empty()) titles.push_back(person);
  return composer_.JoinOr(titles);
}

const ToolDef& Decider::ToolOf(const Task& task) const { return *TextsOf(task).tool; }

const DialogueProgram::ToolTexts& Decider::TextsOf(const Task& task) const {
  const auto* texts = program_.FindTool(task.tool);
  SOTTO_CHECK(texts != nullptr, "no tool '{}'", task.tool);
  return *texts;
}

void Decider::Emit(Event event) {
  Apply(state_, event);
  decision_.events.push_back(std::move(event));
}

void Decider::Ask(Pending::Kind kind, std::vector<std::string> slots) {
  pending_.kind = kind;
  pending_.slots = std::move(slots);
  pending_.resumed = intro_ == "resume";
  settled_ = true;
}

Decision Decider::Finish() {
  if (composer_.empty() && !decision_.action) composer_.Say("nothing_open");
  if (!composer_.empty()) {
    const Reply& reply = composer_.reply();
    Json parts = Json::array();
    for (const Reply::Part& part : reply.parts) parts.push_back({part.spoken, part.fixed});
    Json value{{"parts", std::move(parts)}, {"keys", composer_.keys()}};
    if (pending_.kind != Pending::Kind::kNone) value["pending"] = Pending::KindName(pending_.kind);
    if (!pending_.slots.empty()) value["slots"] = pending_.slots;
    if (pending_.resumed) value["resumed"] = true;
    if (aside_) value["aside"] = true;
    Emit(Event::Type::kReplied, 0, reply.text, std::move(value));
  }
  decision_.reply = std::move(composer_.reply());
  decision_.ended = state_.ended;
  decision_.reply.ends_conversation = state_.ended;
  decision_.expectation = ToExpectation(state_);
  return std::move(decision_);
}

}  // namespace sotto
