#include "learn/simulator.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "base/check.h"
#include "dialogue/slot_value.h"
#include "text/dates.h"

namespace sotto {
namespace {

constexpr int kMaxTries = 20;  // to say nonsense that is not about the workflow

bool IsValueOf(const Slot& slot, const Json& value) {
  if (slot.entity.type != Entity::Type::kEnum) return true;
  return std::any_of(slot.entity.values.begin(), slot.entity.values.end(),
                     [&](const EntityValue& item) { return ValueJson(slot.entity, item.value) == value; });
}

// What a request for `to` takes over from the task that was finished last.
struct Inheritance {
  Json same = Json::object();  // arguments of the same name
  Json other =
      Json::object();  // of another name: the only value of its entity, for the first slot of that entity
};

Inheritance InheritFrom(const ToolDef& from, const Json& arguments, const ToolDef& to) {
  Inheritance inheritance;
  for (const auto& [name, value] : arguments.items()) {
    const Slot* source = from.FindSlot(name);
    if (const Slot* slot = to.FindSlot(name); slot != nullptr) {
      if (IsValueOf(*slot, value)) inheritance.same[name] = value;
      continue;
    }
    if (source == nullptr || source->entity_name.empty()) continue;
    const auto of_entity = [&](const Slot& slot) { return slot.entity_name == source->entity_name; };
    if (std::count_if(from.slots.begin(), from.slots.end(), of_entity) != 1) continue;
    const auto slot = std::find_if(to.slots.begin(), to.slots.end(), of_entity);
    if (slot != to.slots.end() && IsValueOf(*slot, value)) inheritance.other[slot->name] = value;
  }
  return inheritance;
}

// The days on which calls are played: every weekday, month end and leap day comes up.
constexpr Date kFirstDay{std::chrono::year(2024) / 1 / 1};
constexpr size_t kDays = 1461;

bool Contradicts(const Json& a, const Json& b) {
  for (const auto& [name, value] : a.items())
    if (b.contains(name) && !SameValue(b[name], value)) return true;
  return false;
}

}  // namespace

Simulator::Simulator(std::shared_ptr<const DialogueProgram> program, std::shared_ptr<const PhraseBook> book,
                     std::shared_ptr<const Confusions> confusions, const SimulatorOptions& options,
                     uint64_t seed)
    : program_(std::move(program)),
      workflow_(program_->shared_workflow()),
      book_(std::move(book)),
      confusions_(std::move(confusions)),
      rules_(*workflow_),
      options_(options),
      random_(seed) {
  for (const ToolDef& tool : workflow_->tools) {
    any_related_ = any_related_ || !tool.related.empty();
    dates_ = dates_ || std::any_of(tool.slots.begin(), tool.slots.end(),
                                   [](const Slot& slot) { return slot.entity.IsCalendar(); });
    if (IsGoal(tool) && !book_->ForTool(tool.name).ask.empty()) tasks_.push_back(&tool);
  }
  SOTTO_CHECK(!tasks_.empty());
  day_.day_first = WritesDayFirst(workflow_->language);
}

const ToolDef* Simulator::Role(ToolRole role) const { return workflow_->FindRole(role); }

SimulatedConversation Simulator::Next() {
  out_ = {};
  if (dates_) day_.today = kFirstDay + std::chrono::days(static_cast<int>(random_.Below(kDays)));
  out_.conversation.today = day_.today;
  open_.reset();
  last_.reset();
  suspended_.clear();
  wanted_.clear();
  queue_.clear();
  dialogue_.reset();
  expectation_ = {};
  over_ = false;
  if (random_.Chance(options_.with_state)) {
    const DialoguePolicy& policy = workflow_->dialogue;
    // Where the assistant never asks it still does so when it is unsure.
    const bool unsure = policy.confirm == DialoguePolicy::Confirm::kNever && random_.Chance(0.25);
    out_.with_state = true;
    out_.confidence = unsure ? (policy.accept + policy.clarify) / 2 : 1;
    dialogue_.emplace(program_, out_.confidence);
  }
  verified_ = random_.Chance(0.4);  // conversations from where the caller is known already
  const double level = random_.Uniform();
  // Clean, a good recogniser, a poor one, a line so bad that every third word is something that sounds like
  // it.
  noise_ = level < 0.30   ? NoiseLevel{0, 0, 0, 0.45}
           : level < 0.66 ? NoiseLevel{0.03, 0.03, 0.006, 0.45}
           : level < 0.86 ? NoiseLevel{0.10, 0.06, 0.012, 0.5}
                          : NoiseLevel{0.26, 0.09, 0.02, 0.85};
  noise_.word_errors *= options_.noise;
  noise_.fillers *= options_.noise;
  noise_.false_starts *= options_.noise;

  if (random_.Chance(0.5)) EmitBare(Role(ToolRole::kGreeting), "greeting");
  if (dialogue_ && random_.Chance(0.05))
    EmitControl(random_.Chance(0.8) ? control::kHelp : control::kRepeat, "control");
  const double share = random_.Uniform();
  const int n_tasks = share < 0.42 ? 1 : share < 0.74 ? 2 : share < 0.9 ? 3 : 4;
  for (int i = 0; i < n_tasks && Talking(); ++i) {
    if (random_.Chance(0.05)) EmitUnclear();
    if (i == 0 || !random_.Chance(0.4) || !StartRelated()) {
      const ToolDef* tool = DrawTool();
      if (!random_.Chance(options_.two_requests))
        StartTask(*tool);
      else if (!random_.Chance(0.4) || !StartSame(*tool))
        StartTwo(*tool);
    }
    dialogue_ ? PlayWithDialogue() : PlayAlone();
    if (random_.Chance(0.03)) EmitUnclear();
    if (i + 1 < n_tasks && random_.Chance(0.15)) EmitBare(Role(ToolRole::kThanks), "thanks");
  }
  if (random_.Chance(0.06)) EmitUnclear();
  if (expectation_.kind == Expectation::Kind::kOffer && expectation_.tool.empty() && random_.Chance(0.3))
    EmitControl(control::kDeny, "deny_more");
  if (random_.Chance(0.5)) EmitBare(Role(ToolRole::kThanks), "thanks");
  if (random_.Chance(0.6)) EmitBare(Role(ToolRole::kGoodbye), "goodbye");
  // Goodbye in the middle of a task: finish it first?
  if (!over_ && expectation_.kind == Expectation::Kind::kOffer && !expectation_.tool.empty())
    EmitControl(random_.Chance(0.7) ? control::kDeny : control::kAffirm, "leave");
  return std::move(out_);
}

// Free text is the hardest to copy: its tools come up more often.
const ToolDef* Simulator::DrawTool() {
  while (true) {
    const ToolDef* tool = tasks_[random_.Below(tasks_.size())];
    // In a workflow of few tasks most people still come for those, not for a person.
    if (tool->role == ToolRole::kHandoff && tasks_.size() < 4 && !random_.Chance(0.15)) continue;
    const bool text = std::any_of(tool->slots.begin(), tool->slots.end(),
                                  [](const Slot& slot) { return slot.entity.type == Entity::Type::kText; });
    if (text || random_.Chance(0.5)) return tool;
  }
}

// ---- saying ----

void Simulator::SaySlot(const ToolDef& tool, const Slot& slot, const Piece& piece, const Json& known,
                        bool correct, Said& said) {
  Json context = known;
  for (const auto& [name, value] : said.values.items()) context[name] = value;
  Json old = correct && known.contains(slot.name) ? known[slot.name] : Json();
  context.erase(slot.name);
  const Json value = said.values.contains(slot.name)
                         ? said.values[slot.name]
                         : DrawValue(*book_, tool, slot, context, old, day_, random_);
  if (value.is_null()) return;
  // "to savings, no sorry, checking": the wrong value first.
  const auto& fixes = book_->General("inline_fix");
  if (!fixes.empty() && random_.Chance(0.012) && slot.entity.type != Entity::Type::kText) {
    const Json wrong = DrawValue(*book_, tool, slot, context, value, day_, random_);
    if (!wrong.is_null() && !SameValue(wrong, value)) {
      Append(said.words, SayValue(*book_, slot, wrong, piece.form, day_, random_));
      Append(said.words, ToWords(SayPlain(random_.Pick(fixes), random_)));
    }
  }
  Append(said.words, SayValue(*book_, slot, value, piece.form, day_, random_));
  said.values[slot.name] = value;
}

std::optional<Simulator::Said> Simulator::Say(const Pattern& pattern, const ToolDef& tool, const Json& known,
                                              bool correct) {
  return SayPieces(pattern.Expand(random_), tool, known, correct);
}

std::optional<Simulator::Said> Simulator::SayPieces(std::span<const Piece> pieces, const ToolDef& tool,
                                                    const Json& known, bool correct) {
  Said said;
  // Values that the words themselves mean come first: drawn values must fit them.
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::kWords) continue;
    if (!correct && known.contains(piece.text)) return std::nullopt;
    if (piece.kind == Piece::Kind::kImplied) {
      const Slot* slot = tool.FindSlot(piece.text);
      const Json value = slot != nullptr ? ValueJson(slot->entity, piece.form) : Json(piece.form);
      if (correct && known.contains(piece.text) && SameValue(known[piece.text], value)) return std::nullopt;
      said.values[piece.text] = value;
    }
  }
  bool glue = false;  // the next words belong to the word before them: "how('s| is)"
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::kWords) {
      SpokenWords words = ToWords(piece.text);
      if (glue && !words.empty() && piece.text.front() != ' ') {
        said.words.back().text += words.front().text;
        words.erase(words.begin());
      }
      Append(said.words, words);
      if (!piece.text.empty()) glue = piece.text.back() != ' ' && !said.words.empty();
    } else if (piece.kind == Piece::Kind::kSlot) {
      const Slot* slot = tool.FindSlot(piece.text);
      if (slot == nullptr) return std::nullopt;
      SaySlot(tool, *slot, piece, known, correct, said);
      glue = true;
    }
  }
  if (said.words.empty()) return std::nullopt;
  return said;
}

// Patterns that say more come up more often, by the logarithm.
const Pattern& Simulator::PickPattern(const std::vector<Pattern>& patterns) {
  constexpr double kMost = 4;
  while (true) {
    const Pattern& pattern = random_.Pick(patterns);
    const double weight = std::min(kMost, 1 + 0.35 * std::log2(std::max(1.0, pattern.n_expansions())));
    if (random_.Chance(weight / kMost)) return pattern;
  }
}

std::optional<Simulator::Said> Simulator::SayAny(const std::vector<Pattern>& patterns, const ToolDef& tool,
                                                 const Json& known, bool correct) {
  if (patterns.empty()) return std::nullopt;
  for (int attempt = 0; attempt < 24; ++attempt) {
    auto said = Say(PickPattern(patterns), tool, known, correct);
    if (said) return said;
  }
  return std::nullopt;
}

std::optional<Simulator::Said> Simulator::SayFill(const Task& task, bool correct) {
  const auto& fills = book_->ForTool(task.tool->name).fill;
  for (int attempt = 0; attempt < 12; ++attempt) {
    auto said = SayAny(fills, *task.tool, task.arguments, correct);
    if (!said) break;
    if (said->values.empty()) continue;
    if (correct) {
      // A correction changes something that was said.
      bool changes = true;
      for (const auto& [name, value] : said->values.items())
        changes = changes && task.arguments.contains(name);
      if (!changes) continue;
    }
    return said;
  }
  return std::nullopt;
}

std::optional<Simulator::Said> Simulator::SayBareValue(const Task& task, bool correct) {
  // What is asked, or the only slot of its kind that is missing; for a correction the only one of its kind.
  std::vector<const Slot*> candidates;
  if (expectation_.kind == Expectation::Kind::kSlots && !correct) {
    for (const std::string& name : expectation_.slots)
      if (const Slot* slot = task.tool->FindSlot(name); slot != nullptr && !task.arguments.contains(name))
        candidates.push_back(slot);
  } else {
    for (const Slot& slot : task.tool->slots)
      if (correct || !task.arguments.contains(slot.name)) candidates.push_back(&slot);
  }
  std::vector<const Slot*> alone;
  for (const Slot* slot : candidates) {
    const auto same = [&](const Slot* other) {
      const bool numbers =
          (slot->entity.type == Entity::Type::kMoney || slot->entity.type == Entity::Type::kDigits) &&
          (other->entity.type == Entity::Type::kMoney || other->entity.type == Entity::Type::kDigits);
      return numbers || other->entity_name == slot->entity_name;
    };
    if (correct && !task.arguments.contains(slot->name)) continue;
    if (std::count_if(candidates.begin(), candidates.end(), same) == 1) alone.push_back(slot);
  }
  if (alone.empty()) return std::nullopt;
  const Slot& slot = *random_.Pick(alone);
  const auto& frames = book_->General("bare_frame");
  Said said;
  const std::string frame = frames.empty() || random_.Chance(0.5) ? "%" : random_.Pick(frames).source();
  const size_t at = frame.find('%');
  Append(said.words, ToWords(std::string_view(frame).substr(0, at)));
  const char* form = random_.Chance(0.5) ? "bare" : "";  // "seventy" as often as "seventy dollars"
  SaySlot(*task.tool, slot, {Piece::Kind::kSlot, slot.name, form}, task.arguments, correct, said);
  Append(said.words, ToWords(std::string_view(frame).substr(at + 1)));
  if (said.values.empty()) return std::nullopt;
  return said;
}

std::string Simulator::SayGeneral(std::string_view name, std::string_view otherwise) {
  const auto& patterns = book_->General(name);
  return patterns.empty() ? std::string(otherwise) : SayPlain(random_.Pick(patterns), random_);
}

void Simulator::Wrap(SpokenWords& words, bool request) {
  const bool rambles = request && random_.Chance(0.03);
  if (!rambles && random_.Chance(request ? 0.28 : 0.16)) {
    SpokenWords opened = ToWords(SayGeneral(request ? "opener" : "answer_opener", "um"));
    Append(opened, words);
    words = std::move(opened);
  }
  if (rambles) {
    SpokenWords opened = ToWords(SayGeneral("preamble", ""));
    Append(opened, words);
    words = std::move(opened);
  }
  if (random_.Chance(request ? 0.16 : 0.10)) Append(words, ToWords(SayGeneral("closer", "please")));
}

// Whether a request for `tool` may refer to what `last` has just done: the workflow says so, or, where it
// says nothing, they have an argument in common. To be handed over one may always ask.
bool Simulator::IsRelated(const ToolDef& last, const ToolDef& tool) const {
  if (tool.role == ToolRole::kHandoff) return true;
  if (!last.related.empty() || any_related_)
    return std::find(last.related.begin(), last.related.end(), tool.name) != last.related.end();
  return std::any_of(last.slots.begin(), last.slots.end(),
                     [&](const Slot& slot) { return tool.FindSlot(slot.name) != nullptr; });
}

// Adds to `values` of a new request for `tool` what it takes over from the last task. `follow_up`: its words
// refer to that task ("a replacement for it"). False where the words could mean either: then nobody says
// that.
bool Simulator::Inherit(const ToolDef& tool, bool follow_up, Json& values) {
  if (!last_ || last_->tool == &tool) return true;
  if (!IsRelated(*last_->tool, tool)) return true;
  // Where nobody has said what is related, only words that refer back take anything over.
  if (!follow_up && last_->tool->related.empty()) return true;
  if (book_->ForTool(tool.name).next.empty()) return true;
  const Inheritance from = InheritFrom(*last_->tool, last_->arguments, tool);
  if (follow_up) {
    Json merged = from.other;
    for (const auto& [name, value] : from.same.items()) merged[name] = value;
    const bool contradicts = Contradicts(from.same, values);
    for (const auto& [name, value] : values.items()) merged[name] = value;
    if (contradicts) return false;
    // "transfer 200 to savings" after the savings balance: from where is not known.
    for (const auto& [name, value] : from.other.items())
      for (const auto& [said, other] : values.items())
        if (said != name && tool.FindSlot(said)->entity_name == tool.FindSlot(name)->entity_name &&
            other == value)
          return false;
    // Words that refer back, and nothing to take over.
    if (merged.size() == values.size() && tool.role != ToolRole::kHandoff) return false;
    values = std::move(merged);
    return true;
  }
  if (!from.same.empty()) {
    if (from.same.size() >= 2 && !Contradicts(from.same, values)) {
      for (const auto& [name, value] : from.same.items()) values[name] = value;
      return true;
    }
    return !values.empty();
  }
  for (const auto& [name, value] : from.other.items()) {
    if (values.contains(name)) continue;
    const Slot* inherited = tool.FindSlot(name);
    bool other_said = false;
    bool same_said = false;
    for (const auto& [said, said_value] : values.items()) {
      if (tool.FindSlot(said)->entity_name != inherited->entity_name) continue;
      other_said = other_said || said_value != value;
      same_said = same_said || said_value == value;
    }
    if (same_said || !other_said) return same_said;
    values[name] = value;
  }
  return true;
}

// A request for `tool` from its plain patterns, with what it inherits.
std::optional<Simulator::Said> Simulator::SayAsk(const ToolDef& tool, bool follow_up) {
  const ToolPhrases& phrases = book_->ForTool(tool.name);
  for (int attempt = 0; attempt < 12; ++attempt) {
    auto said = SayAny(follow_up ? phrases.next : phrases.ask, tool, Json::object(), false);
    if (!said) return std::nullopt;
    if (Inherit(tool, follow_up, said->values)) return said;
  }
  return std::nullopt;
}

// ---- turns ----

ToolCall Simulator::CallOf(const Task& task) const {
  ToolCall call{task.tool->name, Json::object()};
  for (const Slot& slot : task.tool->slots)
    if (task.arguments.contains(slot.name)) call.arguments[slot.name] = task.arguments[slot.name];
  return call;
}

void Simulator::Emit(SpokenWords words, std::vector<ToolCall> calls, const char* pattern) {
  // Noise may not make a value unreadable: then it is another noise, at last none.
  if (over_) return;
  Turn turn;
  turn.expectation = expectation_;
  turn.calls = std::move(calls);
  bool grounded = false;
  for (int attempt = 0; attempt < 4 && !grounded; ++attempt) {
    SpokenWords noisy = words;
    if (attempt < 3) AddNoise(noisy, noise_, *confusions_, random_);
    turn.user = ToText(noisy);
    grounded = rules_.IsGrounded(out_.conversation, turn);
  }
  if (turn.user.empty()) return;
  if (random_.Chance(0.4))
    turn.user[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(turn.user[0])));
  out_.grounded = out_.grounded && grounded;
  out_.conversation.turns.push_back(std::move(turn));
  out_.patterns.emplace_back(pattern);
  if (dialogue_) Follow(out_.conversation.turns.back());
}

void Simulator::EmitTask(SpokenWords words, const char* pattern) {
  SOTTO_CHECK(open_.has_value());
  Emit(std::move(words), {CallOf(*open_)}, pattern);
}

void Simulator::EmitAnswer(Task& task, Said said, const char* pattern) {
  for (const auto& [name, value] : said.values.items()) task.arguments[name] = value;
  Wrap(said.words, false);
  Emit(std::move(said.words), {CallOf(task)}, pattern);
}

void Simulator::EmitBare(const ToolDef* tool, const char* pattern) {
  if (tool == nullptr) return;
  const auto said = SayAny(book_->ForTool(tool->name).ask, *tool, Json::object(), false);
  if (!said) return;
  Emit(said->words, {{tool->name, Json::object()}}, pattern);
}

void Simulator::EmitControl(const char* tool, const char* pattern) {
  const auto& patterns = book_->General(tool);
  if (patterns.empty()) return;
  Emit(ToWords(SayPlain(random_.Pick(patterns), random_)), {{tool, Json::object()}}, pattern);
}

void Simulator::EmitUnclear() {
  const ToolDef* tool = workflow_->FindTool(workflow_->unclear_tool);
  if (tool == nullptr) return;
  SpokenWords words;
  if (options_.out_of_scope != nullptr && !options_.out_of_scope->empty() &&
      random_.Chance(options_.public_share)) {
    words = ToWords(random_.Pick(*options_.out_of_scope));
  } else {
    const auto& own = book_->ForTool(tool->name).ask;
    const auto& general = book_->General("unclear");
    const bool use_own = !own.empty() && (general.empty() || random_.Chance(0.5));
    if (!use_own && general.empty()) return;
    const auto& stateless = book_->General("unclear_stateless");
    const bool alone = !dialogue_ && !stateless.empty();
    const auto& list = alone && random_.Chance(0.08) ? stateless : use_own ? own : general;
    std::string said = SayPlain(random_.Pick(list), random_);
    for (int n = 0; n < kMaxTries && !use_own && book_->IsAboutWorkflow(said); ++n)
      said = SayPlain(random_.Pick(list), random_);
    words = ToWords(said);
    if (random_.Chance(0.2)) Wrap(words, true);
  }
  Emit(std::move(words), {{tool->name, Json::object()}}, "unclear");
}

// ---- state ----

std::vector<std::string> Simulator::Missing(const Task& task) const {
  return MissingSlots(*program_->FindTool(task.tool->name), task.arguments);
}

bool Simulator::Complete(const Task& task) const { return Missing(task).empty(); }

void Simulator::Follow(const Turn& turn) {
  const ToolCall clarified = dialogue_->state().pending.call;
  const std::vector<Event> events = dialogue_->Hear(turn, day_.today);
  Remember(turn, clarified, events);
  over_ = dialogue_->over();
  expectation_ = dialogue_->expectation();
  open_.reset();
  const sotto::Task* top = dialogue_->state().open();
  if (!over_ && top != nullptr && !top->suspended) open_ = wanted_.at(top->id);
}

// What the next calls of each task carry: the arguments of its last one, but for what the dialogue refused.
void Simulator::Remember(const Turn& turn, const ToolCall& clarified, std::span<const Event> events) {
  const auto call_of = [&](std::string_view tool) -> const ToolCall* {
    const auto found = std::find_if(turn.calls.begin(), turn.calls.end(),
                                    [&](const ToolCall& call) { return call.name == tool; });
    return found == turn.calls.end() ? nullptr : &*found;
  };
  for (auto& [id, task] : wanted_)
    if (const ToolCall* call = call_of(task.tool->name)) task.arguments = call->arguments;
  std::optional<ToolCall> dequeued;
  for (const Event& event : events) {
    switch (event.type) {
      case Event::Type::kTaskQueued:
        queue_.push_back({event.name, event.value.at("arguments")});
        break;
      case Event::Type::kTaskDequeued:
        dequeued = std::move(queue_.front());
        queue_.pop_front();
        break;
      case Event::Type::kTaskBegan: {
        const bool queued = dequeued && dequeued->name == event.name;
        const ToolCall* call = queued ? &*dequeued : call_of(event.name);
        if (call == nullptr && clarified.name == event.name) call = &clarified;
        wanted_[event.task] = {workflow_->FindTool(event.name),
                               call != nullptr ? call->arguments : Json::object()};
        dequeued.reset();
        break;
      }
      case Event::Type::kSlotCleared:
      case Event::Type::kSlotRejected:
        wanted_.at(event.task).arguments.erase(event.name);
        break;
      case Event::Type::kTaskDone:
        if (wanted_.at(event.task).tool->role != ToolRole::kVerify) last_ = wanted_.at(event.task);
        wanted_.erase(event.task);
        break;
      case Event::Type::kTaskDropped:
        wanted_.erase(event.task);
        break;
      case Event::Type::kStartedOver:
        wanted_.clear();
        queue_.clear();
        last_.reset();
        break;
      default:
        break;
    }
  }
}

}  // namespace sotto
