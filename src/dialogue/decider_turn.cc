#include <algorithm>

#include "base/check.h"
#include "dialogue/decider.h"
#include "text/normalise.h"
#include "text/said_digits.h"

namespace sotto {
namespace {

constexpr size_t kMaxQueued = 8;
constexpr int kInheritTurns = 3;  // a finished task lends its arguments this many turns

// A confidence that is no number passes no threshold.
bool IsAtLeast(double confidence, double threshold) { return confidence >= threshold; }

double ArgumentConfidence(const Understanding::Call& call, std::string_view name) {
  for (const auto& [argument, confidence] : call.arguments) {
    if (argument == name) return confidence;
  }
  return call.confidence;
}

}  // namespace

void Decider::Begin(std::string session, const Caller& caller) {
  Emit(Event::Type::kBegan, 0, std::move(session));
  if (caller != Caller()) Emit(Event::Type::kCaller, 0, "", ToJson(caller));
  const ReplyTemplate* greeting = program_.greeting();
  if (greeting != nullptr) {
    if (auto reply = greeting->Render(Json::object())) composer_.Repeat(*reply);
  }
  if (composer_.empty()) composer_.Say("greet_again");
}

void Decider::Turn(const TurnInput& input) {
  SOTTO_CHECK(state_.acting == 0, "a turn while the action of task {} runs", state_.acting);
  if (state_.ended) Emit(Event::Type::kReopened);
  if (input.today && input.today != state_.today) Emit(Event::Type::kDay, 0, DateText(*input.today));
  text_ = input.text;
  const TurnInput judged = Judge(input);
  Json calls = Json::array();
  for (const Call& call : judged.calls) calls.push_back(ToJson(call.call));
  Emit(Event::Type::kUserSaid, 0, input.text, std::move(calls));
  if (!judged_as_.empty()) Emit(Event::Type::kNotTaken, 0, judged_as_);
  if (input.hand_off) {
    handled_ = true;
    HandOffTo("rule");
    return;
  }
  const Heard heard = Sort(judged);
  const bool correction = Corrects(heard);
  if (AnswersOnePart(heard, correction) || ReplyToJudged()) return;

  for (const Call* call : heard.controls) {
    if (!settled_) Control(*call, heard, correction);
  }
  if (settled_) return;
  if (!heard.tasks.empty()) {
    Tasks(heard);
  } else {
    for (const Call* call : heard.talk) {
      if (!settled_) Talk(*call);
    }
  }
  if (settled_) return;
  if (!handled_) {
    if (!AskDocuments()) NotUnderstood();
  } else if (advance_) {
    Advance();
  } else if (reask_) {
    Reask();
  }
}

Decider::Heard Decider::Sort(const TurnInput& input) {
  Heard heard;
  for (const Call& call : input.calls) {
    const bool believed = IsAtLeast(call.confidence, policy_.clarify);
    if (IsControlTool(call.call.name)) {
      if (believed) heard.controls.push_back(&call);
      continue;
    }
    const auto* texts = program_.FindTool(call.call.name);
    if (texts == nullptr) continue;
    switch (texts->tool->role) {
      case ToolRole::kUnclear:
        break;
      case ToolRole::kGreeting:
      case ToolRole::kThanks:
      case ToolRole::kGoodbye:
        if (believed) heard.talk.push_back(&call);
        break;
      case ToolRole::kVerify: {
        const bool running = std::any_of(state_.stack.begin(), state_.stack.end(),
                                         [&](const Task& task) { return task.tool == call.call.name; });
        if (running) heard.tasks.push_back(&call);
        break;
      }
      default:
        heard.tasks.push_back(&call);
    }
  }
  return heard;
}

// Whether a call changes or adds a slot of the open task: then "yes" and "no" beside it are not answers.
bool Decider::Corrects(const Heard& heard) const {
  const Task* open = state_.open();
  if (open == nullptr) return false;
  for (const Call* call : heard.tasks) {
    if (call->call.name != open->tool) continue;
    if (!call->unfit.empty()) return true;
    for (const auto& [name, value] : call->call.arguments.items()) {
      const Slot* slot = ToolOf(*open).FindSlot(name);
      if (slot == nullptr || value.is_null()) continue;
      const auto fit = FitValue(slot->entity, value, state_.today);
      if (std::holds_alternative<Misfit>(fit)) return true;
      const auto known = open->slots.find(name);
      if (known == open->slots.end() || !SameValue(*known, std::get<Json>(fit))) return true;
    }
  }
  return false;
}

void Decider::Control(const Call& call, const Heard& heard, bool correction) {
  const std::string& name = call.call.name;
  const bool alone = heard.tasks.empty();
  if (name == control::kAffirm) {
    Affirm(correction);
  } else if (name == control::kDeny) {
    Deny(heard, correction);
  } else if (name == control::kNeverMind) {
    NeverMind();
  } else if (name == control::kStartOver) {
    Emit(Event::Type::kStartedOver);
    handled_ = true;
    if (alone) {
      composer_.Say("start_over");
      settled_ = true;
    }
  } else if (!alone) {
    // "Wait, transfer fifty": the request is what counts.
  } else if (name == control::kRepeat) {
    aside_ = settled_ = true;
    if (state_.last_reply.text.empty()) {
      composer_.Say("repeat_nothing");
    } else {
      composer_.Repeat(state_.last_reply);
    }
  } else if (name == control::kWait) {
    aside_ = settled_ = true;
    composer_.Say("wait");
  } else if (name == control::kHelp) {
    Help();
  }
}

void Decider::Affirm(bool correction) {
  if (correction) return;
  switch (state_.pending.kind) {
    case Pending::Kind::kConfirm:
      Emit(Event::Type::kConfirmed, state_.open()->id);
      handled_ = advance_ = true;
      return;
    case Pending::Kind::kClarify: {
      const Call meant{state_.pending.call, 1.0, {}};
      FirstTask(meant);
      return;
    }
    case Pending::Kind::kOfferReturn:
      Emit(Event::Type::kTaskResumed, state_.open()->id);
      intro_ = "resume";
      handled_ = advance_ = true;
      return;
    case Pending::Kind::kOfferGoodbye:
      handled_ = advance_ = true;
      return;
    case Pending::Kind::kAnythingElse:
      composer_.Say("go_on");
      handled_ = true;
      return;
    case Pending::Kind::kNone:
      composer_.Say("nothing_open");
      handled_ = true;
      return;
    case Pending::Kind::kSlots:
      if (PendingSlotsAreKnown()) handled_ = advance_ = true;
      return;
    case Pending::Kind::kChange:
      return;
  }
}

void Decider::Deny(const Heard& heard, bool correction) {
  if (correction) return;
  const bool alone = heard.tasks.empty();
  switch (state_.pending.kind) {
    case Pending::Kind::kConfirm:
      Emit(Event::Type::kDenied, state_.open()->id);
      handled_ = true;
      if (state_.pending.resumed || state_.open()->slots.empty()) {
        Drop("declined");
      } else if (alone) {
        composer_.Say("denied", NamesOf(ToolOf(*state_.open())));
        Ask(Pending::Kind::kChange);
      }
      return;
    case Pending::Kind::kChange:
      Drop("declined");
      return;
    case Pending::Kind::kSlots:
      if (state_.pending.resumed) {
        Drop("declined");
      } else if (PendingSlotsAreKnown()) {
        handled_ = advance_ = true;  // another value could not be: it stays as it was
      }
      return;
    case Pending::Kind::kOfferReturn:
      Drop("declined");
      return;
    case Pending::Kind::kClarify:
      if (alone) {
        Emit(Event::Type::kNoProgress);
        if (state_.failures >= policy_.max_failures) {
          HandOffTo("failures");
          return;
        }
        composer_.Say("nothing_open");
        if (state_.open() == nullptr) composer_.Say("help", {{"titles", Titles(6)}});
      }
      handled_ = true;
      advance_ = state_.open() != nullptr;
      return;
    case Pending::Kind::kOfferGoodbye:
    case Pending::Kind::kAnythingElse:
      handled_ = true;
      if (alone) End();
      return;
    case Pending::Kind::kNone:
      handled_ = true;
      if (alone) composer_.Say("nothing_open");
      return;
  }
}

void Decider::NeverMind() {
  handled_ = true;
  if (state_.pending.kind == Pending::Kind::kClarify) {
    composer_.Say("nothing_open");
    more_ = advance_ = true;
  } else if (state_.open() != nullptr) {
    Drop("never_mind");
  } else {
    composer_.Say("nothing_open");
    more_ = advance_ = true;
  }
}

void Decider::Help() {
  aside_ = settled_ = true;
  const Task* open = state_.open();
  if (open != nullptr && state_.pending.kind == Pending::Kind::kConfirm) {
    composer_.Say("help_confirm", NamesOf(ToolOf(*open)));
  } else if (open != nullptr && state_.pending.kind == Pending::Kind::kSlots &&
             !state_.pending.slots.empty()) {
    const Slot* slot = ToolOf(*open).FindSlot(state_.pending.slots[0]);
    Json values = NamesOf(ToolOf(*open));
    values["ask"] = slot->ask;
    values["hint"] = Hint(*slot);
    composer_.Say("help_slot", values);
  } else {
    composer_.Say("help", {{"titles", Titles(8)}});
  }
}

void Decider::Talk(const Call& call) {
  const auto* texts = program_.FindTool(call.call.name);
  const bool busy = state_.open() != nullptr || state_.pending.kind == Pending::Kind::kClarify;
  handled_ = true;
  if (texts->tool->role == ToolRole::kGoodbye) {
    Goodbye();
    return;
  }
  const bool greeting = texts->tool->role == ToolRole::kGreeting;
  if (busy || !composer_.Say("tools." + texts->tool->name, texts->done, *texts->tool, Json::object())) {
    composer_.Say(greeting ? "greet_again" : "thanks");
  }
  if (busy) {
    reask_ = true;
  } else if (!greeting) {
    Ask(Pending::Kind::kAnythingElse);
  }
}

void Decider::Goodbye() {
  handled_ = true;
  const Task* open = state_.open();
  if (open == nullptr || state_.pending.kind == Pending::Kind::kOfferGoodbye) {
    End();
    return;
  }
  composer_.Say("goodbye_open", NamesOf(ToolOf(*open)));
  Ask(Pending::Kind::kOfferGoodbye);
}

void Decider::Tasks(const Heard& heard) {
  // What belongs to the open task comes first: it is the answer to the question.
  const Task* open = state_.open();
  size_t first = 0;
  for (size_t i = 0; i < heard.tasks.size() && open != nullptr; ++i) {
    if (heard.tasks[i]->call.name == open->tool) {
      first = i;
      break;
    }
  }
  FirstTask(*heard.tasks[first]);
  for (size_t i = 0; i < heard.tasks.size(); ++i) {
    const Call& call = *heard.tasks[i];
    if (i == first || !IsAtLeast(call.confidence, policy_.clarify) || state_.queue.size() >= kMaxQueued)
      continue;
    Queue(call);
    handled_ = advance_ = true;
  }
  for (const Call* call : heard.talk) {
    const bool goodbye = program_.FindTool(call->call.name)->tool->role == ToolRole::kGoodbye;
    if (goodbye && !settled_) Queue(*call);
  }
}

void Decider::Queue(const Call& call) {
  Json value{{"arguments", Json::object()}};
  bool doubted = !IsAtLeast(call.confidence, policy_.accept);
  for (const auto& [name, argument] : call.call.arguments.items()) {
    const double confidence = ArgumentConfidence(call, name);
    if (!IsAtLeast(confidence, policy_.clarify)) continue;
    doubted = doubted || !IsAtLeast(confidence, policy_.accept);
    value["arguments"][name] = argument;
  }
  if (doubted) value["doubted"] = true;
  Emit(Event::Type::kTaskQueued, 0, call.call.name, std::move(value));
}

void Decider::FirstTask(const Call& call) {
  const Task* open = state_.open();
  if (open != nullptr && open->tool == call.call.name) {
    const Pending::Kind kind = state_.pending.kind;
    const size_t before = decision_.events.size();
    MergeSlots(*open, call);
    const bool news = decision_.events.size() > before;
    const bool question =
        kind == Pending::Kind::kSlots || kind == Pending::Kind::kConfirm || kind == Pending::Kind::kChange;
    if (news || !question) handled_ = advance_ = true;
    if (open->suspended) Emit(Event::Type::kTaskResumed, open->id);
    return;
  }
  if (!IsAtLeast(call.confidence, policy_.clarify)) {
    Emit(Event::Type::kNoProgress);
    if (state_.failures >= policy_.max_failures) {
      HandOffTo("failures");
      return;
    }
    Emit(Event::Type::kClarify, 0, call.call.name, call.call.arguments);
    composer_.Say("clarify", NamesOf(*program_.FindTool(call.call.name)->tool));
    handled_ = true;
    Ask(Pending::Kind::kClarify);
    return;
  }
  handled_ = advance_ = true;
  if (open != nullptr && !open->suspended) Emit(Event::Type::kTaskSuspended, open->id);
  const auto known = std::find_if(state_.stack.begin(), state_.stack.end(),
                                  [&](const Task& task) { return task.tool == call.call.name; });
  if (known != state_.stack.end()) {
    const int id = known->id;
    Emit(Event::Type::kTaskResumed, id);
    MergeSlots(*state_.open(), call);
    return;
  }
  if (static_cast<int>(state_.stack.size()) > policy_.max_suspended) {
    Emit(Event::Type::kTaskDropped, state_.stack.front().id, "full");
  }
  BeginTask(call);
}

void Decider::BeginTask(const Call& call) {
  const bool doubted = !IsAtLeast(call.confidence, policy_.accept);
  Emit(Event::Type::kTaskBegan, state_.next_task, call.call.name, doubted ? Json{{"doubted", true}} : Json());
  SayUnlike(call.call.name);
  MergeSlots(*state_.open(), call);
  Inherit(ToolOf(*state_.open()), call.call.arguments);
}

// "Freeze my card" begins the cancelling of one: not before it is said what cannot be done.
void Decider::SayUnlike(const std::string& tool) {
  const auto& texts = *program_.FindTool(tool);
  if (texts.unlike.empty()) return;
  const std::string spoken = NormaliseSpoken(text_);
  const std::vector<std::string_view> words = SplitWords(spoken);
  for (size_t i = 0; i < texts.unlike.size(); ++i) {
    if (!texts.unlike[i].first.Found(words)) continue;
    composer_.Say(fmt::format("tools.{}.unlike.{}", tool, i), texts.unlike[i].second, *texts.tool,
                  Json::object());
    return;
  }
}

void Decider::MergeSlots(const Task& task, const Call& call) {
  const int id = task.id;
  const ToolDef& tool = ToolOf(task);
  bool doubted = !IsAtLeast(call.confidence, policy_.accept);
  bool changed = false;
  for (const Slot& slot : tool.slots) {
    const auto argument = call.call.arguments.find(slot.name);
    if (argument == call.call.arguments.end() || argument->is_null()) continue;
    const double confidence = ArgumentConfidence(call, slot.name);
    if (!IsAtLeast(confidence, policy_.clarify) && IsAtLeast(call.confidence, policy_.clarify))
      continue;  // not believed: asked for
    const auto fit = FitValue(slot.entity, *argument, state_.today);
    if (const auto* misfit = std::get_if<Misfit>(&fit)) {
      Reject(id, slot, *argument, *misfit);
      continue;
    }
    const Json& value = std::get<Json>(fit);
    const Json& slots = state_.FindTask(id)->slots;
    const auto known = slots.find(slot.name);
    if (known != slots.end() && SameValue(*known, value)) continue;
    if (known != slots.end()) changed_ = ShowValue(slot.entity, value, state_.today);
    doubted = doubted || !IsAtLeast(confidence, policy_.accept);
    changed = true;
    Emit(Event::Type::kSlotSet, id, slot.name, value);
  }
  for (const UnfitValue& unfit : call.unfit) {
    const Slot* slot = tool.FindSlot(unfit.argument);
    if (slot != nullptr) Reject(id, *slot, unfit.value, ToMisfit(slot->entity, unfit));
  }
  if (changed && doubted && !state_.FindTask(id)->doubted) Emit(Event::Type::kDoubted, id);
}

void Decider::Reject(int id, const Slot& slot, const Json& value, Misfit misfit) {
  if (misfit.message == "wrong_length" && CollectDigits(id, slot, value)) return;
  Emit(Event::Type::kSlotRejected, id, slot.name, {{"value", value}, {"why", misfit.message}});
  if (!rejection_) rejection_ = Rejection{id, &slot, value, std::move(misfit)};
}

bool Decider::CollectDigits(int id, const Slot& slot, const Json& value) {
  const auto wanted = static_cast<size_t>(slot.entity.length);
  if (slot.entity.type != Entity::Type::kDigits || wanted == 0 || !value.is_string()) return false;
  const auto said = value.get<std::string>();
  if (said.empty() || said.size() >= wanted) return false;
  const Task& task = *state_.FindTask(id);
  const bool corrects = BeginsWithCorrection(text_);
  std::string so_far;
  if (const auto known = task.slots.find(slot.name); known != task.slots.end()) {
    if (!corrects) return false;
    so_far = known->get<std::string>();
  } else if (const auto partial = task.partial.find(slot.name); partial != task.partial.end()) {
    so_far = partial->second;
  }
  const std::string digits = JoinDigits(so_far, said, corrects);
  if (digits.size() == wanted) {
    Emit(Event::Type::kSlotSet, id, slot.name, digits);
    return true;
  }
  if (digits.size() > wanted) {
    Emit(Event::Type::kSlotPartial, id, slot.name, "");
    Emit(Event::Type::kSlotRejected, id, slot.name, {{"value", digits}, {"why", "too_many_digits"}});
    if (!rejection_) rejection_ = Rejection{id, &slot, digits, {"too_many_digits", 0}};
    return true;
  }
  Emit(Event::Type::kSlotPartial, id, slot.name, digits);
  partial_ = {id, slot.name};
  return true;
}

// The question was about slots that have a value: another one was refused.
bool Decider::PendingSlotsAreKnown() const {
  const Task* open = state_.open();
  return open != nullptr && state_.pending.kind == Pending::Kind::kSlots && !state_.pending.slots.empty() &&
         std::all_of(state_.pending.slots.begin(), state_.pending.slots.end(),
                     [&](const std::string& slot) { return open->slots.contains(slot); });
}

// Arguments of the task just left or just ended go along into a related one, unless the user named another
// value for one of them.
void Decider::Inherit(const ToolDef& tool, const Json& given) {
  if (!policy_.inherit) return;
  const int id = state_.open()->id;
  const auto lend = [&](const std::string& from_name, const Json& slots, bool failed) {
    const ToolDef& from = *program_.FindTool(from_name)->tool;
    const bool retry = failed && from_name == tool.name && !given.empty();
    const bool related = std::find(from.related.begin(), from.related.end(), tool.name) != from.related.end();
    if (!retry && !related) return;
    if (!retry) {
      for (const auto& [name, value] : given.items()) {
        if (slots.contains(name) && !SameValue(slots[name], value)) return;
      }
    }
    for (const Slot& slot : tool.slots) {
      const Slot* source = from.FindSlot(slot.name);
      if (source == nullptr || source->entity_name != slot.entity_name || !slots.contains(slot.name))
        continue;
      if (state_.open()->slots.contains(slot.name)) continue;
      const auto fit = FitValue(slot.entity, slots[slot.name], state_.today);
      if (const auto* value = std::get_if<Json>(&fit))
        Emit(Event::Type::kSlotInherited, id, slot.name, *value);
    }
  };
  if (state_.stack.size() > 1) {
    const Task& left = state_.stack[state_.stack.size() - 2];
    const std::string from = left.tool;
    const Json slots = left.slots;
    lend(from, slots, false);
  }
  if (!state_.finished.empty() && state_.turn - state_.finished.back().turn <= kInheritTurns) {
    const FinishedTask& last = state_.finished.back();
    lend(last.tool, last.slots, !last.failure.empty());
  }
}

// Words that nothing else was made of may be a question to the documents (role: answer). What a read-back is
// answered with is none.
bool Decider::AskDocuments() {
  const ToolDef* tool = program_.workflow().FindRole(ToolRole::kAnswer);
  const Task* open = state_.open();
  if (tool == nullptr || (open != nullptr && open->tool == tool->name)) return false;
  if (state_.pending.kind == Pending::Kind::kConfirm || SplitWords(text_).size() < 2) return false;
  FirstTask(Call{ToolCall{tool->name, Json::object()}, 1.0, {}});
  Advance();
  return true;
}

}  // namespace sotto
