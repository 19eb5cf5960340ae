#include "flywheel/clean_evidence.h"

#include <algorithm>
#include <array>
#include <map>

#include "flywheel/clean_placeholders.h"
#include "learn/teacher.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr double kNearlyTheSame = 0.75;  // Likeness

// Failures of machines; every other one was the answer to the right question.
constexpr std::array<std::string_view, 7> kMachineFailures{
    "timeout", "unavailable", "busy", "unknown_action", "invalid_arguments", "cancelled", "failed"};

struct SetSlot {
  size_t turn = 0;
  Json value;
};

struct LoggedTask {
  std::string tool;
  std::set<size_t> turns;  // that began, filled, confirmed or denied it
  std::map<std::string, SetSlot> slots;
  bool confirmed = false;
  bool denied = false;
  bool done = false;
  std::string failure;
  std::string dropped;  // why
  bool started_over = false;
};

struct Correction {
  size_t turn = 0;  // whose value was changed
  std::string slot;
  std::string tool;
  Json from, to;
};

class Judge {
 public:
  Judge(std::span<const StoredTurn> part, const Workflow& workflow, const EvidenceOptions& options)
      : part_(part), workflow_(workflow), options_(options), touched_(part.size()), not_taken_(part.size()) {
    for (size_t i = 0; i < part.size(); ++i)
      for (const Json& event : part[i].record.events) Follow(i, EventOf(event));
    for (const auto& [id, task] : tasks_)
      for (const size_t turn : task.turns) touched_[turn].push_back(&task);
  }

  std::vector<ProvenTurn> Run() {
    std::vector<ProvenTurn> judged;
    for (size_t i = 0; i < part_.size(); ++i) {
      if (!HasWords(part_[i].record)) continue;
      ProvenTurn one;
      one.turn = &part_[i];
      one.calls = CallsOf(part_[i].record);
      JudgeOne(i, one);
      if (one.proof == Proof::kNone) one.calls.clear();
      judged.push_back(std::move(one));
    }
    for (size_t j = 0; j < judged.size(); ++j) SaidAgain(judged, j);
    return judged;
  }

 private:
  void Follow(size_t turn, const LoggedEvent& event) {
    if (event.type == "not_taken") not_taken_[turn] = event.name;
    if (event.type == "started_over") {
      for (auto& [id, task] : tasks_) task.started_over = task.started_over || !task.done;
    }
    if (event.type == "task_queued") queued_.emplace(event.name, turn);
    if (event.task == 0) return;
    LoggedTask& task = tasks_[event.task];
    if (event.type == "task_began") {
      task.tool = event.name;
      task.turns.insert(turn);
      // Asked for in one breath with something else, earlier: those words began it.
      if (const auto asked = queued_.find(event.name); asked != queued_.end()) {
        task.turns.insert(asked->second);
        queued_.erase(asked);
      }
    } else if (event.type == "slot_set") {
      task.turns.insert(turn);
      const Json value = event.value == nullptr ? Json() : *event.value;
      const auto before = task.slots.find(event.name);
      if (before != task.slots.end() && before->second.turn != turn &&
          !SameValue(before->second.value, value))
        corrections_.push_back({before->second.turn, event.name, task.tool, before->second.value, value});
      task.slots[event.name] = {turn, value};
    } else if (event.type == "confirmed" || event.type == "denied") {
      (event.type == "confirmed" ? task.confirmed : task.denied) = true;
      task.turns.insert(turn);
    } else if (event.type == "task_done") {
      task.done = true;
      task.failure = event.name;
    } else if (event.type == "task_dropped") {
      task.dropped = event.name.empty() ? "dropped" : event.name;
      task.turns.insert(turn);
    }
  }

  static void Drop(ProvenTurn& one, std::string why, bool question = false) {
    one.dropped = std::move(why);
    one.question = question;
  }

  bool OnlyControls(const std::vector<ToolCall>& calls) const {
    return std::all_of(calls.begin(), calls.end(), [&](const ToolCall& call) {
      const ToolDef* tool = workflow_.FindTool(call.name);
      return tool == nullptr || (tool->role != ToolRole::kTask && tool->role != ToolRole::kVerify);
    });
  }

  void JudgeOne(size_t i, ProvenTurn& one) {
    const TurnRecord& record = part_[i].record;
    if (options_.label_of) {
      if (const auto given = options_.label_of(record.session, record.turn)) {
        one.author = given->author;
        if (given->calls.empty()) return Drop(one, "a person could not tell");
        one.calls = given->calls;
        one.proof = Proof::kPerson;
        return;
      }
    }
    if (!part_[i].has_values || !part_[i].has_words) return Drop(one, "purged");
    if (!record.errors.empty()) return Drop(one, "failure");
    if (record.cut_off) return Drop(one, "cut off");
    if (HeardConfidence(record.heard) < options_.min_heard) return Drop(one, "misheard");
    if (record.understood && record.understood->made_by == MadeBy::kPerson) {
      one.proof = Proof::kPerson;
      return;
    }
    if (options_.label_sources.contains(part_[i].source)) {
      if (one.calls.empty()) return Drop(one, "not understood", true);
      if (options_.doubted && options_.doubted(record.session, record.turn))
        return Drop(one, "doubted", true);
      one.proof = Proof::kImported;
      return;
    }
    if (record.outcome == TurnRecord::Outcome::kEscalated) {
      const ToolDef* asked = one.calls.empty() ? nullptr : workflow_.FindTool(one.calls.front().name);
      if (asked != nullptr && asked->role == ToolRole::kHandoff &&
          ConfidenceOf(record) >= options_.min_confidence) {
        one.proof = Proof::kExecuted;
        return;
      }
      return Drop(one, "handed off", true);
    }
    if (NotUnderstood(record, workflow_.unclear_tool)) return Drop(one, "not understood", true);
    if (!not_taken_[i].empty()) return Drop(one, "not taken: " + not_taken_[i], true);
    if (record.events.empty()) return JudgeByActions(record, one);
    if (touched_[i].empty() || OnlyControls(one.calls)) return JudgeTalk(i, record, one);
    JudgeByTasks(i, record, one);
  }

  // Of logs that are not ours: what was carried out.
  void JudgeByActions(const TurnRecord& record, ProvenTurn& one) const {
    const bool all = std::all_of(one.calls.begin(), one.calls.end(), [&](const ToolCall& call) {
      return std::any_of(record.actions.begin(), record.actions.end(), [&](const TurnRecord::Action& action) {
        return action.result.ok && action.request.tool == call.name;
      });
    });
    if (ConfidenceOf(record) < options_.min_confidence) return Drop(one, "unsure", true);
    if (!all) return Drop(one, "unproven");
    one.proof = Proof::kExecuted;
  }

  // "yes", "no", "hello", "say that again".
  void JudgeTalk(size_t i, const TurnRecord& record, ProvenTurn& one) {
    const bool answers = std::any_of(touched_[i].begin(), touched_[i].end(), [](const LoggedTask* task) {
      return (task->confirmed && task->done && task->failure.empty()) || task->denied;
    });
    if (ConfidenceOf(record) < options_.min_confidence) return Drop(one, "unsure", true);
    if (answers && !TookBack(i)) {
      one.proof = Proof::kExecuted;
      return;
    }
    if (ConfidenceOf(record) < options_.sure || !options_.unchallenged || TookBack(i))
      return Drop(one, "unproven");
    one.proof = Proof::kUnchallenged;
  }

  // Whether the caller's next words undo what this turn did.
  bool TookBack(size_t i) const {
    for (size_t next = i + 1; next < part_.size(); ++next) {
      if (!HasWords(part_[next].record)) continue;
      const auto calls = CallsOf(part_[next].record);
      return std::any_of(calls.begin(), calls.end(),
                         [](const ToolCall& call) { return call.name == control::kStartOver; });
    }
    return false;
  }

  void JudgeByTasks(size_t i, const TurnRecord& record, ProvenTurn& one) {
    bool confirmed = true;
    for (const auto& [tool, turn] : queued_)
      if (turn == i) return Drop(one, "abandoned");
    for (const LoggedTask* task : touched_[i]) {
      if (task->started_over) return Drop(one, "taken back", true);
      if (!task->dropped.empty()) {
        const bool left = task->dropped == "goodbye" || task->dropped == "left" || task->dropped == "full";
        return left ? Drop(one, "abandoned") : Drop(one, "taken back", true);
      }
      if (!task->done) return Drop(one, "abandoned");
      const bool machine = std::find(kMachineFailures.begin(), kMachineFailures.end(), task->failure) !=
                           kMachineFailures.end();
      if (machine) return Drop(one, "action failed");
      if (!task->failure.empty() && !task->confirmed) return Drop(one, "action failed");
      confirmed = confirmed && task->confirmed;
    }
    if (!confirmed && ConfidenceOf(record) < options_.min_confidence) return Drop(one, "unsure", true);
    one.proof = confirmed ? Proof::kConfirmed : Proof::kExecuted;
    for (const Correction& correction : corrections_)
      if (correction.turn == i) Correct(i, correction, one);
  }

  // A value that was changed later: these words said the new one, the old one (and the caller changed their
  // mind), or neither.
  void Correct(size_t i, const Correction& correction, ProvenTurn& one) {
    if (one.proof == Proof::kNone) return;
    const std::string words = NormaliseSpoken(WordsOf(part_[i].record));
    const bool old_said = Says(words, correction.tool, correction.slot, correction.from);
    const bool new_said = Says(words, correction.tool, correction.slot, correction.to);
    if (old_said) return;
    if (!new_said) {
      one.proof = Proof::kNone;
      return Drop(one, "corrected to what was not said", true);
    }
    for (ToolCall& call : one.calls)
      if (call.name == correction.tool && call.arguments.contains(correction.slot))
        call.arguments[correction.slot] = correction.to;
    one.proof = Proof::kCorrected;
  }

  // Whether words name a value: as it is written, as it is said, by a synonym, or by a grounded reading.
  bool Says(const std::string& words, const std::string& tool, const std::string& slot,
            const Json& value) const {
    const ToolDef* def = workflow_.FindTool(tool);
    const Slot* found = def == nullptr ? nullptr : def->FindSlot(slot);
    const auto holds = [&](std::string_view text) {
      const std::string part = NormaliseSpoken(text);
      return !part.empty() && (" " + words + " ").find(" " + part + " ") != std::string::npos;
    };
    const std::string text = ValueText(value);
    // Placeholders are numbered record by record: one of the kind is it.
    if (const std::string_view name = PlaceholderIn(text); !name.empty())
      return holds(name.substr(0, name.rfind('_')));
    if (!text.empty() && (holds(text) || holds(PlainWords(text)))) return true;
    if (found == nullptr) return false;
    for (const EntityValue& listed : found->entity.values) {
      if (listed.value != text) continue;
      if (holds(listed.spoken)) return true;
      if (std::any_of(listed.synonyms.begin(), listed.synonyms.end(), holds)) return true;
    }
    if (found->entity.type == Entity::Type::kEnum || !options_.why_invalid) return false;
    Conversation alone;
    ToolCall call{tool, Json::object()};
    call.arguments[slot] = value;
    alone.turns.push_back({words, {}, {call}});
    return !options_.why_invalid(alone).has_value();
  }

  // Not understood or taken back, and then said again in like words: what that came to.
  void SaidAgain(std::vector<ProvenTurn>& judged, size_t j) const {
    ProvenTurn& first = judged[j];
    if (first.dropped != "taken back" && first.dropped != "not understood") return;
    const std::string words = NormaliseSpoken(WordsOf(first.turn->record));
    constexpr size_t kWithin = 3;
    for (size_t k = j + 1; k < std::min(judged.size(), j + 1 + kWithin); ++k) {
      const ProvenTurn& again = judged[k];
      if (again.proof != Proof::kConfirmed && again.proof != Proof::kExecuted) continue;
      if (OnlyControls(again.calls)) continue;
      if (!SameState(again.turn->record.expectation, first.turn->record.expectation)) continue;
      const double likeness = Likeness(words, NormaliseSpoken(WordsOf(again.turn->record)));
      if (likeness < options_.alike) continue;
      std::vector<ToolCall> calls = again.calls;
      size_t left_out = 0;
      for (ToolCall& call : calls) {
        const size_t all = call.arguments.size();
        if (likeness < 1) KeepSaid(words, judged, j, call);
        left_out += all - call.arguments.size();
        Renumber(WordsOf(first.turn->record), call);
      }
      // Nearly the same words say the same: what was not found in them is there all the same, and the label is
      // none.
      if (left_out > 0 && likeness >= kNearlyTheSame) continue;
      first.calls = std::move(calls);
      first.proof = Proof::kCorrected;
      first.dropped.clear();
      first.question = false;
      return;
    }
  }

  // Whether words mean the same in both: nothing was asked for, or the same.
  static bool SameState(const Expectation& a, const Expectation& b) {
    const auto open = [](const Expectation& e) {
      return e.kind == Expectation::Kind::kNone || e.kind == Expectation::Kind::kOffer;
    };
    return (open(a) && open(b)) || a == b;
  }

  // What was said only the second time is left out; what was known before the first time is carried on.
  void KeepSaid(const std::string& words, const std::vector<ProvenTurn>& judged, size_t j,
                ToolCall& call) const {
    Json said = Json::object();
    const ToolDef* tool = workflow_.FindTool(call.name);
    for (const auto& item : call.arguments.items()) {
      const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(item.key());
      const bool inferred = slot != nullptr && slot->inferred;
      const bool carried =
          std::any_of(judged.begin(), judged.begin() + static_cast<ptrdiff_t>(j), [&](const auto& turn) {
            return std::any_of(turn.calls.begin(), turn.calls.end(), [&](const ToolCall& before) {
              return before.name == call.name && before.arguments.contains(item.key()) &&
                     SameValue(before.arguments[item.key()], item.value());
            });
          });
      if (inferred || carried || Says(words, call.name, item.key(), item.value()))
        said[item.key()] = item.value();
    }
    call.arguments = std::move(said);
  }

  // Placeholders of another record's as these words have them.
  static void Renumber(const std::string& words, ToolCall& call) {
    for (auto& item : call.arguments.items()) {
      if (!item.value().is_string()) continue;
      const std::string value = item.value().get<std::string>();
      const std::string_view name = PlaceholderIn(value);
      if (name.empty() || words.find(value) != std::string::npos) continue;
      const std::string kind = "<" + std::string(name.substr(0, name.rfind('_') + 1));
      const size_t open = words.find(kind);
      const size_t close = open == std::string::npos ? open : words.find('>', open);
      if (close != std::string::npos) item.value() = words.substr(open, close + 1 - open);
    }
  }

  const std::span<const StoredTurn> part_;
  const Workflow& workflow_;
  const EvidenceOptions& options_;
  std::map<int, LoggedTask> tasks_;
  std::multimap<std::string, size_t>
      queued_;  // tools that were noted for afterwards and not begun yet, by turn
  std::vector<std::vector<const LoggedTask*>> touched_;  // by turn
  std::vector<std::string> not_taken_;                   // by turn
  std::vector<Correction> corrections_;
};

}  // namespace

std::string_view ProofName(Proof proof) {
  static constexpr std::string_view kNames[] = {"",          "person",   "confirmed",   "executed",
                                                "corrected", "imported", "unchallenged"};
  return kNames[static_cast<size_t>(proof)];
}

std::vector<ProvenTurn> JudgeTurns(std::span<const StoredTurn> part, const Workflow& workflow,
                                   const EvidenceOptions& options) {
  return Judge(part, workflow, options).Run();
}

}  // namespace sotto
