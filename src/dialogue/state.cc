#include "dialogue/state.h"

#include <algorithm>
#include <array>

namespace sotto {
namespace {

constexpr std::array<std::string_view, 8> kPendingNames{
    "none", "slots", "change", "confirm", "clarify", "offer_return", "offer_goodbye", "anything_else"};

constexpr size_t kRememberedWords = 8;
constexpr size_t kRememberedTasks = 32;

Task* Find(DialogueState& state, int id) {
  for (Task& task : state.stack) {
    if (task.id == id) return &task;
  }
  return nullptr;
}

void Remove(DialogueState& state, int id) {
  std::erase_if(state.stack, [&](const Task& task) { return task.id == id; });
  if (state.acting == id) state.acting = 0;
}

bool HasActed(const Task& task, const std::string& step) {
  return std::any_of(task.acted.begin(), task.acted.end(),
                     [&](const Json& done) { return done.value("step", std::string()) == step; });
}

// What was looked up for a plan may be true no longer, and with it what was agreed to; what was done was done.
void ForgetLookUps(Task& task) {
  Json kept = Json::object();
  for (const auto& [step, data] : task.results.items()) {
    if (HasActed(task, step)) kept[step] = data;
  }
  if (kept.size() < task.results.size()) task.confirmed = false;
  task.results = std::move(kept);
}

void ApplyStep(Task& task, const Event& event) {
  task.results[event.name] = event.value.value("data", Json::object());
  if (event.value.value("acted", false)) {
    task.acted.push_back(
        {{"step", event.name}, {"arguments", event.value.value("arguments", Json::object())}});
  }
}

void ApplyReplanned(Task& task, const Event& event) {
  task.replanned = true;
  task.confirmed = false;
  task.failed_step = event.value;
  task.failed_step["failure"] = event.name;
  Json kept = Json::array();
  const Json again = event.value.value("again", Json::array());
  for (const Json& done : task.acted) {
    if (std::find(again.begin(), again.end(), done.at("step")) == again.end()) kept.push_back(done);
  }
  task.acted = std::move(kept);
  ForgetLookUps(task);
}

Pending::Kind PendingKind(const Json& replied) {
  const auto found = replied.find("pending");
  if (found == replied.end()) return Pending::Kind::kNone;
  // Events of before 2027 have its number.
  const size_t number = found->is_number_unsigned()
                            ? found->get<size_t>()
                            : static_cast<size_t>(std::find(kPendingNames.begin(), kPendingNames.end(),
                                                            found->get<std::string>()) -
                                                  kPendingNames.begin());
  return number < kPendingNames.size() ? static_cast<Pending::Kind>(number) : Pending::Kind::kNone;
}

void ApplyReplied(DialogueState& state, const Event& event) {
  const Json& value = event.value;
  for (const Json& key : value.value("keys", Json::array())) ++state.said[key.get<std::string>()];
  if (value.value("aside", false)) return;
  Reply reply;
  reply.text = event.name;
  for (const Json& part : value.value("parts", Json::array())) {
    reply.parts.push_back({part.at(0).get<std::string>(), part.at(1).get<bool>()});
  }
  if (state.last_reply_turn == state.turn && !state.last_reply.text.empty()) {
    state.last_reply.text += " " + reply.text;
    state.last_reply.parts.push_back({" ", true});
    state.last_reply.parts.insert(state.last_reply.parts.end(), reply.parts.begin(), reply.parts.end());
  } else {
    state.last_reply = std::move(reply);
  }
  state.last_reply_turn = state.turn;
  Pending pending;
  pending.kind = PendingKind(value);
  for (const Json& slot : value.value("slots", Json::array()))
    pending.slots.push_back(slot.get<std::string>());
  pending.resumed = value.value("resumed", false);
  if (pending.kind == Pending::Kind::kClarify) pending.call = state.pending.call;
  if (pending.kind == Pending::Kind::kSlots && !state.stack.empty()) state.stack.back().asked = true;
  state.pending = std::move(pending);
}

// What was verified in the conversation stays, as long as the host does not name somebody else.
void ApplyCaller(DialogueState& state, Caller caller) {
  state.known_as = caller;
  const Caller& before = state.caller;
  const bool same = caller.customer.empty() || caller.customer == before.customer;
  if (before.verified() && !caller.verified() && same) {
    caller.customer = before.customer;
    caller.verified_by = before.verified_by;
    caller.verified_at = before.verified_at;
  }
  state.caller = std::move(caller);
}

void ApplyVerified(DialogueState& state, const Event& event) {
  const auto text = [&](const char* key) {
    return event.value.is_object() ? event.value.value(key, std::string()) : std::string();
  };
  Caller& caller = state.caller;
  // Events of before there were callers carry neither name nor value.
  caller.verified_by = event.name.empty() ? "verification" : event.name;
  caller.verified_at = text("at");
  if (const std::string customer = text("customer"); !customer.empty()) caller.customer = customer;
}

void ApplyTask(DialogueState& state, const Event& event) {
  // Whatever was asked, it was about another task.
  if (event.type != Event::Type::kTaskDropped ||
      (state.open() != nullptr && state.open()->id == event.task)) {
    state.pending = {};
  }
  switch (event.type) {
    case Event::Type::kTaskBegan: {
      Task task;
      task.id = event.task;
      task.tool = event.name;
      task.doubted = event.value.is_object() && event.value.value("doubted", false);
      state.stack.push_back(std::move(task));
      state.next_task = event.task + 1;
      state.failures = 0;
      return;
    }
    case Event::Type::kTaskResumed: {
      const auto found = std::find_if(state.stack.begin(), state.stack.end(),
                                      [&](const Task& task) { return task.id == event.task; });
      if (found == state.stack.end()) return;
      found->suspended = false;
      found->waits = false;
      ForgetLookUps(*found);
      std::rotate(found, found + 1, state.stack.end());
      return;
    }
    case Event::Type::kTaskDone: {
      if (const Task* task = state.FindTask(event.task)) {
        state.finished.push_back({task->id, task->tool, task->slots, event.name, state.turn});
        if (state.finished.size() > kRememberedTasks) state.finished.erase(state.finished.begin());
      }
      Remove(state, event.task);
      state.failures = 0;
      return;
    }
    default:
      Remove(state, event.task);
      return;  // dropped
  }
}

void ApplyToTask(DialogueState& state, Task& task, const Event& event) {
  switch (event.type) {
    case Event::Type::kSlotSet:
    case Event::Type::kSlotInherited:
      task.slots[event.name] = event.value;
      task.partial.erase(event.name);
      task.confirmed = false;
      ForgetLookUps(task);
      state.failures = 0;
      break;
    case Event::Type::kSlotCleared:
      task.slots.erase(event.name);
      task.partial.erase(event.name);
      task.confirmed = false;
      ForgetLookUps(task);
      break;
    case Event::Type::kSlotPartial:
      if (const auto digits = event.value.get<std::string>(); digits.empty()) {
        task.partial.erase(event.name);
      } else {
        task.partial[event.name] = digits;
        state.failures = 0;
      }
      break;
    case Event::Type::kDoubted:
      task.doubted = true;
      break;
    case Event::Type::kConfirmed:
      task.confirmed = true;
      state.failures = 0;
      break;
    case Event::Type::kDenied:
      task.confirmed = false;
      break;
    case Event::Type::kActionBegan:
      ++task.actions;
      state.acting = task.id;
      state.acting_key = event.name;
      state.pending = {};
      break;
    case Event::Type::kScreened:
      task.stepped_up = true;
      state.acting = 0;
      break;
    case Event::Type::kStepDone:
      ApplyStep(task, event);
      state.acting = 0;
      break;
    case Event::Type::kReplanned:
      ApplyReplanned(task, event);
      state.acting = 0;
      break;
    case Event::Type::kVerifyFailed:
      ++task.failed_attempts;
      task.slots = Json::object();
      task.partial.clear();
      task.confirmed = false;
      state.acting = 0;
      break;
    default:
      break;
  }
}

}  // namespace

std::string_view Pending::KindName(Kind kind) { return kPendingNames.at(static_cast<size_t>(kind)); }

const Task* DialogueState::FindTask(int id) const {
  const auto found =
      std::find_if(stack.begin(), stack.end(), [&](const Task& task) { return task.id == id; });
  return found == stack.end() ? nullptr : &*found;
}

bool DialogueState::operator==(const DialogueState& other) const {
  return session == other.session && today == other.today && turn == other.turn && stack == other.stack &&
         queue == other.queue && finished == other.finished && pending == other.pending &&
         next_task == other.next_task && acting == other.acting && acting_key == other.acting_key &&
         caller == other.caller && known_as == other.known_as && failures == other.failures &&
         no_inputs == other.no_inputs && ended == other.ended && last_reply.text == other.last_reply.text &&
         said == other.said && words == other.words;
}

void Apply(DialogueState& state, const Event& event) {
  switch (event.type) {
    case Event::Type::kBegan:
      state.session = event.name;
      return;
    case Event::Type::kCaller:
      if (auto caller = CallerFromJson(event.value)) ApplyCaller(state, *std::move(caller));
      return;
    case Event::Type::kDay:
      state.today = ParseDate(event.name);
      return;
    case Event::Type::kUserSaid:
      ++state.turn;
      state.no_inputs = 0;
      state.words.push_back(event.name);
      if (state.words.size() > kRememberedWords) state.words.erase(state.words.begin());
      return;
    case Event::Type::kNoInput:
      ++state.turn;
      ++state.no_inputs;
      return;
    case Event::Type::kTaskQueued:
      state.queue.push_back({{event.name, event.value.value("arguments", Json::object())},
                             event.value.value("doubted", false)});
      return;
    case Event::Type::kTaskDequeued:
      if (!state.queue.empty()) state.queue.erase(state.queue.begin());
      return;
    case Event::Type::kTaskBegan:
    case Event::Type::kTaskResumed:
    case Event::Type::kTaskDone:
    case Event::Type::kTaskDropped:
      ApplyTask(state, event);
      return;
    case Event::Type::kTaskSuspended:
      if (Task* task = Find(state, event.task)) {
        task->suspended = true;
        task->waits = event.name == "verification";
      }
      return;
    case Event::Type::kClarify:
      state.pending.call = {event.name, event.value};
      return;
    case Event::Type::kVerified:
      ApplyVerified(state, event);
      return;
    case Event::Type::kNoProgress:
      ++state.failures;
      return;
    case Event::Type::kStartedOver:
      state.stack.clear();
      state.queue.clear();
      state.finished.clear();
      state.pending = {};
      state.acting = 0;
      state.failures = 0;
      return;
    case Event::Type::kReplied:
      ApplyReplied(state, event);
      return;
    case Event::Type::kEnded:
      state.ended = true;
      return;
    case Event::Type::kReopened: {
      DialogueState fresh;
      fresh.session = state.session;
      fresh.caller = fresh.known_as = state.known_as;
      fresh.turn = state.turn;
      fresh.next_task = state.next_task;
      fresh.said = std::move(state.said);
      state = std::move(fresh);
      return;
    }
    default:
      if (Task* task = Find(state, event.task)) ApplyToTask(state, *task, event);
      return;
  }
}

DialogueState Fold(std::span<const Event> events) {
  DialogueState state;
  for (const Event& event : events) Apply(state, event);
  return state;
}

Expectation ToExpectation(const DialogueState& state) {
  Expectation expectation;
  const Task* open = state.open();
  const std::string tool = open != nullptr ? open->tool : "";
  switch (state.pending.kind) {
    case Pending::Kind::kNone:
      break;
    case Pending::Kind::kSlots:
      if (open != nullptr) expectation = {Expectation::Kind::kSlots, tool, state.pending.slots};
      break;
    case Pending::Kind::kChange:
      if (open != nullptr) {
        expectation = {Expectation::Kind::kSlots, tool, {}};
        for (const auto& [slot, value] : open->slots.items()) expectation.slots.push_back(slot);
      }
      break;
    case Pending::Kind::kConfirm:
      if (open != nullptr) expectation = {Expectation::Kind::kConfirm, tool, {}};
      break;
    case Pending::Kind::kClarify:
      expectation = {Expectation::Kind::kConfirm, state.pending.call.name, {}};
      break;
    case Pending::Kind::kOfferReturn:
    case Pending::Kind::kOfferGoodbye:
      expectation = {Expectation::Kind::kOffer, tool, {}};
      break;
    case Pending::Kind::kAnythingElse:
      expectation = {Expectation::Kind::kOffer, "", {}};
      break;
  }
  return expectation;
}

}  // namespace sotto
