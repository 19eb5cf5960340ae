#include "assistant/simulated_caller.h"

#include <fmt/format.h>

#include <algorithm>

#include "assistant/json_lines.h"
#include "dialogue/event.h"
#include "text/normalise.h"
#include "workflow/stakes.h"

namespace sotto {
namespace {

constexpr int kMostTurns = 16;
constexpr int kMostByes = 2;

bool SameValue(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return std::abs(a.get<double>() - b.get<double>()) < 0.005;
  if (a.is_string() && b.is_string()) {
    return NormaliseSpoken(a.get<std::string>()) == NormaliseSpoken(b.get<std::string>());
  }
  return a == b;
}

// Everything that is wanted is among what is given.
bool Holds(const Json& given, const Json& wanted) {
  return std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& item) {
    return given.contains(item.key()) && SameValue(given.at(item.key()), item.value());
  });
}

Result<SimulatedCaller::Lines> ReadLines(const Json& row, const std::string& key) {
  SimulatedCaller::Lines lines;
  const Json& value = row.at(key);
  if (value.is_string()) return SimulatedCaller::Lines{value.get<std::string>()};
  for (const Json& line : value.is_array() ? value : Json::array()) {
    if (line.is_string()) lines.push_back(line.get<std::string>());
  }
  if (!value.is_array() || lines.size() != value.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "'{}' is neither a line nor a list of lines", key);
  }
  return lines;
}

const Slot* FindSlot(const Workflow& workflow, const std::string& name) {
  const size_t point = name.find('.');
  const std::string slot = point == std::string::npos ? name : name.substr(point + 1);
  for (const ToolDef& tool : workflow.tools) {
    if (point != std::string::npos && tool.name != name.substr(0, point)) continue;
    if (const Slot* found = tool.FindSlot(slot)) return found;
  }
  return nullptr;
}

Result<std::map<std::string, SimulatedCaller::Lines>> ReadBySlot(const Json& row, const char* key,
                                                                 const Workflow& workflow) {
  std::map<std::string, SimulatedCaller::Lines> by_slot;
  if (!row.contains(key)) return by_slot;
  if (!row.at(key).is_object()) return MakeError(ErrorCode::kInvalidArgument, "'{}' is no object", key);
  for (const auto& [slot, lines] : row.at(key).items()) {
    if (FindSlot(workflow, slot) == nullptr) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: the workflow has no slot '{}'", key, slot);
    }
    SOTTO_ASSIGN_OR_RETURN(by_slot[slot], ReadLines(row.at(key), slot));
  }
  return by_slot;
}

Result<ToolCall> ReadWanted(const Json& json, const Workflow& workflow) {
  ToolCall call;
  if (!json.is_object() || !json.contains("tool") || !json["tool"].is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "want: {} names no tool", json.dump());
  }
  call.name = json["tool"].get<std::string>();
  call.arguments = json.value("arguments", Json::object());
  const ToolDef* tool = workflow.FindTool(call.name);
  if (tool == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "want: the workflow has no tool '{}'", call.name);
  for (const auto& [name, value] : call.arguments.items()) {
    const Slot* slot = tool->FindSlot(name);
    if (slot == nullptr)
      return MakeError(ErrorCode::kInvalidArgument, "want: '{}' has no slot '{}'", call.name, name);
    if (slot->entity.type != Entity::Type::kEnum) continue;
    const auto& values = slot->entity.values;
    const bool listed = std::any_of(values.begin(), values.end(),
                                    [&](const EntityValue& v) { return Json(v.value) == value; });
    if (!listed)
      return MakeError(ErrorCode::kInvalidArgument, "want: {}.{} has no value {}", call.name, name,
                       value.dump());
  }
  return call;
}

Result<SimulatedCaller> ReadCaller(const Json& row, const Workflow& workflow) {
  static constexpr const char* kKeys[] = {"who",  "goal",  "say",      "answers", "yes",
                                          "no",   "fix",   "again",    "bye",     "change",
                                          "want", "today", "verified", "channel"};
  for (const auto& [key, value] : row.items()) {
    if (std::none_of(std::begin(kKeys), std::end(kKeys), [&](const char* known) { return key == known; }))
      return MakeError(ErrorCode::kInvalidArgument, "'{}' is no key of a caller", key);
  }
  SimulatedCaller caller;
  caller.who = row.value("who", "");
  caller.goal = row.value("goal", "");
  caller.verified = row.value("verified", true);
  const std::string channel = row.value("channel", "spoken");
  if (channel != "spoken" && channel != "typed")
    return MakeError(ErrorCode::kInvalidArgument, "channel: '{}' is neither spoken nor typed", channel);
  if (channel == "typed") caller.channel = Channel::kTyped;
  for (const auto& [key, lines] : {std::pair{"say", &caller.say},
                                   {"yes", &caller.yes},
                                   {"no", &caller.no},
                                   {"again", &caller.again},
                                   {"bye", &caller.bye}}) {
    if (!row.contains(key)) return MakeError(ErrorCode::kInvalidArgument, "'{}' is missing", key);
    SOTTO_ASSIGN_OR_RETURN(*lines, ReadLines(row, key));
    if (lines->empty() && lines != &caller.yes)  // who wants nothing has no yes
      return MakeError(ErrorCode::kInvalidArgument, "'{}' has no line", key);
  }
  SOTTO_ASSIGN_OR_RETURN(caller.answers, ReadBySlot(row, "answers", workflow));
  SOTTO_ASSIGN_OR_RETURN(caller.fix, ReadBySlot(row, "fix", workflow));
  if (row.contains("change")) {
    caller.change = SimulatedCaller::Change{row["change"].value("after", ""), row["change"].value("say", "")};
    if (caller.change->say.empty() ||
        (caller.change->after != "confirm" && FindSlot(workflow, caller.change->after) == nullptr))
      return MakeError(ErrorCode::kInvalidArgument,
                       "change: 'after' is \"confirm\" or a slot, 'say' a line: {}", row["change"].dump());
  }
  if (!row.contains("want") || !row["want"].is_array())
    return MakeError(ErrorCode::kInvalidArgument, "'want' is missing, or no list");
  for (const Json& json : row["want"]) {
    SOTTO_ASSIGN_OR_RETURN(ToolCall call, ReadWanted(json, workflow));
    caller.want.push_back(std::move(call));
  }
  if (row.contains("today")) {
    caller.today = ParseDate(row["today"].is_string() ? row["today"].get<std::string>() : "");
    if (!caller.today)
      return MakeError(ErrorCode::kInvalidArgument, "today: {} is no date (2026-03-24)", row["today"].dump());
  }
  return caller;
}

// What a caller says, turn after turn.
class Agenda {
 public:
  Agenda(const SimulatedCaller& caller, const TextSession& session)
      : caller_(caller), session_(session), wanted_(caller.want) {}

  // Nothing: this person hangs up.
  std::optional<std::string> Next(TurnRecord::Outcome last) {
    const Pending& pending = session_.dialogue().state().pending;
    const Expectation expectation = session_.dialogue().expectation();
    const bool lost = last == TurnRecord::Outcome::kNotUnderstood;
    switch (pending.kind) {
      case Pending::Kind::kSlots:
        return Answer(expectation, lost);
      case Pending::Kind::kConfirm:
      case Pending::Kind::kChange:
        return Confirm();
      case Pending::Kind::kClarify:
        return Line(Wants(pending.call.name) ? "yes" : "no");
      case Pending::Kind::kOfferReturn:
        return Line(Wants(expectation.tool) ? "yes" : "no");
      case Pending::Kind::kOfferGoodbye:
        return Line("no");
      case Pending::Kind::kNone:
      case Pending::Kind::kAnythingElse:
        break;
    }
    if (lost && asked_ > 0 && StillWanted()) return Line("again");
    if (asked_ < caller_.say.size()) return caller_.say[asked_++];
    return byes_++ < kMostByes ? std::optional(Line("bye")) : std::nullopt;
  }

  // False: nobody wanted that, or not again.
  bool Done(const ToolCall& act) {
    ++done_of_[act.name];
    return Erase(
        [&](const ToolCall& want) { return want.name == act.name && Holds(act.arguments, want.arguments); });
  }
  // A person takes over.
  void HandedOff(const ToolDef& to) {
    Erase([&](const ToolCall& want) { return want.name == to.name; });
  }
  // What is still to be done, in the caller's order.
  const std::vector<ToolCall>& wanted() const { return wanted_; }

 private:
  // Of "yes", "no", "again" and "bye"; who has no yes says no.
  std::string Line(const std::string& kind) {
    if (kind == "yes" && !caller_.yes.empty()) {
      // Asked for a yes or a no, everybody gets shorter.
      return said_[kind] > caller_.yes.size() ? "yes" : Of(kind, caller_.yes);
    }
    if (kind == "bye") return Of(kind, caller_.bye);
    if (kind == "again") {
      ++said_[kind];
      const bool each = caller_.again.size() == caller_.say.size() && asked_ > 0;  // one a request
      return each ? caller_.again[asked_ - 1]
                  : caller_.again[std::min<size_t>(caller_.again.size(), said_[kind]) - 1];
    }
    return said_["no"] > caller_.no.size() ? "no" : Of("no", caller_.no);
  }
  // The lines in order, the last again and again; not before the one at `first`.
  std::string Of(const std::string& key, const SimulatedCaller::Lines& lines, size_t first = 0) {
    size_t& next = said_[key];
    next = std::max(next, first);
    return lines[std::min(lines.size() - 1, next++)];
  }

  template <typename Is>
  bool Erase(const Is& is) {
    const auto found = std::find_if(wanted_.begin(), wanted_.end(), is);
    if (found == wanted_.end()) return false;
    wanted_.erase(found);
    return true;
  }

  bool StillWanted() const { return caller_.want.empty() ? said_.at("again") < 1 : !wanted_.empty(); }
  bool Wants(const std::string& tool) const {
    return std::any_of(wanted_.begin(), wanted_.end(),
                       [&](const ToolCall& want) { return want.name == tool; });
  }
  std::optional<std::string> Change(const std::string& after) {
    if (changed_ || !caller_.change || caller_.change->after != after) return std::nullopt;
    changed_ = true;
    return caller_.change->say;
  }

  std::string Answer(const Expectation& asked, bool lost) {
    for (const std::string& slot : asked.slots) {
      if (const auto change = Change(slot)) return *change;
      for (const std::string& key : {asked.tool + "." + slot, slot}) {
        const auto found = caller_.answers.find(key);
        if (found != caller_.answers.end()) return Of("answer " + key, found->second, done_of_[asked.tool]);
      }
    }
    if (!Wants(asked.tool)) return Line("no");
    return lost ? Line("again") : "I don't know";
  }

  // Is what is read back something that is still wanted?
  std::string Confirm() {
    if (const auto change = Change("confirm")) return *change;
    const Task* task = session_.dialogue().state().open();
    if (task == nullptr) return Line("no");
    std::string wrong;  // a slot with a value that nobody wanted
    for (const ToolCall& want : wanted_) {
      if (want.name != task->tool) continue;
      if (Holds(task->slots, want.arguments)) return Line("yes");
      for (const auto& [slot, value] : want.arguments.items())
        if (!task->slots.contains(slot) || !SameValue(task->slots.at(slot), value)) wrong = slot;
    }
    const auto fix = caller_.fix.find(wrong);
    return fix != caller_.fix.end() ? Of("fix " + wrong, fix->second) : Line("no");
  }

  const SimulatedCaller& caller_;
  const TextSession& session_;
  std::vector<ToolCall> wanted_;
  std::map<std::string, size_t> done_of_;  // by tool
  std::map<std::string, size_t> said_{{"again", 0}};
  size_t asked_ = 0;
  int byes_ = 0;
  bool changed_ = false;
};

}  // namespace

Result<std::vector<SimulatedCaller>> ReadCallers(const std::filesystem::path& path,
                                                 const Workflow& workflow) {
  std::vector<SimulatedCaller> callers;
  SOTTO_RETURN_IF_ERROR(ReadJsonLines(path, [&](const Json& row, int line) -> Result<void> {
    SOTTO_ASSIGN_OR_RETURN(SimulatedCaller caller, ReadCaller(row, workflow));
    caller.line = line;
    callers.push_back(std::move(caller));
    return {};
  }));
  if (callers.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: no callers", path.string());
  return callers;
}

CallOutcome PlayCall(const SimulatedCaller& caller, TextSession& session, const Workflow& workflow) {
  CallOutcome outcome;
  Agenda agenda(caller, session);
  const auto keep = [&](TurnRecord record) {
    for (const TurnRecord::Action& action : record.actions) {
      const ToolDef* tool = workflow.FindTool(action.request.tool);
      if (!action.result.ok || tool == nullptr) continue;
      const bool harmless = !Acts(workflow, *tool) || tool->role == ToolRole::kVerify;
      const ToolCall act{action.request.tool, action.request.arguments};
      if (!agenda.Done(act) && !harmless) outcome.wrong.push_back(ToString(act));
    }
    outcome.records.push_back(std::move(record));
  };
  keep(session.Begin());
  for (int turn = 0; turn < kMostTurns && !session.ended(); ++turn) {
    const auto line = agenda.Next(outcome.records.back().outcome);
    if (!line) break;
    keep(session.Say(*line));
  }
  outcome.handed_off = session.hand_off().has_value();
  if (const ToolDef* person = workflow.FindRole(ToolRole::kHandoff);
      person != nullptr && outcome.handed_off) {
    agenda.HandedOff(*person);
  }
  for (const ToolCall& want : agenda.wanted()) outcome.missing.push_back(ToString(want));
  return outcome;
}

}  // namespace sotto
