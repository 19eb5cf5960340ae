#include "assistant/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "assistant/json_lines.h"
#include "workflow/stakes.h"

namespace sotto {
namespace {

Result<void> ReadRight(const Json& right, Probe& probe) {
  if (right.is_number()) {
    probe.right = Probe::Right::kFigure;
    probe.figure = right.get<double>();
  } else if (right == "done") {
    probe.right = Probe::Right::kDone;
  } else if (right == "nothing") {
    probe.right = Probe::Right::kNothing;
  } else if (right == "ask") {
    probe.right = Probe::Right::kAsk;
  } else {
    return MakeError(ErrorCode::kInvalidArgument,
                     "right: {} is neither a number nor \"done\", \"nothing\" or \"ask\"", right.dump());
  }
  return {};
}

Result<Probe> ReadProbe(const Json& row) {
  static constexpr const char* kKeys[] = {"workflow", "before", "say", "kind", "right", "channel"};
  for (const auto& [key, value] : row.items()) {
    if (std::none_of(std::begin(kKeys), std::end(kKeys), [&](const char* known) { return key == known; }))
      return MakeError(ErrorCode::kInvalidArgument, "'{}' is no key of a probe", key);
  }
  Probe probe;
  probe.before = row.value("before", std::vector<std::string>());
  probe.say = row.at("say").get<std::string>();
  probe.kind = row.value("kind", "");
  const std::string channel = row.value("channel", "spoken");
  if (channel != "spoken" && channel != "typed")
    return MakeError(ErrorCode::kInvalidArgument, "channel: '{}' is neither spoken nor typed", channel);
  if (channel == "typed") probe.channel = Channel::kTyped;
  SOTTO_RETURN_IF_ERROR(ReadRight(row.at("right"), probe));
  return probe;
}

bool ActedIn(const TurnRecord& record, const Workflow& workflow) {
  return std::any_of(record.actions.begin(), record.actions.end(), [&](const TurnRecord::Action& action) {
    const ToolDef* tool = workflow.FindTool(action.request.tool);
    return tool != nullptr && tool->role != ToolRole::kVerify && Acts(workflow, *tool);
  });
}

// Figures of the values that a call of `tool` has.
void AddFigures(const Workflow& workflow, const std::string& tool_name, const Json& values,
                std::vector<double>& to) {
  const ToolDef* tool = workflow.FindTool(tool_name);
  if (tool == nullptr) return;
  for (const auto& [name, value] : values.items()) {
    const Slot* slot = tool->FindSlot(name);
    if (slot == nullptr || !value.is_number()) continue;
    const Entity::Type type = slot->entity.type;
    if (type == Entity::Type::kMoney || type == Entity::Type::kNumber) to.push_back(value.get<double>());
  }
}

// What the assistant took for figures: of the task that is open, and of what was done.
std::vector<double> Figures(const TurnRecord& record, const TextSession& session, const Workflow& workflow) {
  std::vector<double> figures;
  for (const TurnRecord::Action& action : record.actions)
    AddFigures(workflow, action.request.tool, action.request.arguments, figures);
  if (const Task* task = session.dialogue().state().open(); task != nullptr)
    AddFigures(workflow, task->tool, task->slots, figures);
  return figures;
}

}  // namespace

Result<std::vector<Probe>> ReadProbes(const std::filesystem::path& path, const Workflow& workflow) {
  std::vector<Probe> probes;
  SOTTO_RETURN_IF_ERROR(ReadJsonLines(path, [&](const Json& row, int line) -> Result<void> {
    if (row.value("workflow", workflow.name) != workflow.name) return {};
    SOTTO_ASSIGN_OR_RETURN(Probe probe, ReadProbe(row));
    probe.line = line;
    probes.push_back(std::move(probe));
    return {};
  }));
  return probes;
}

ProbeOutcome PlayProbe(const Probe& probe, TextSession& session, const Workflow& workflow) {
  ProbeOutcome outcome;
  outcome.records.push_back(session.Begin());
  for (const std::string& line : probe.before) {
    if (session.ended()) break;
    outcome.records.push_back(session.Say(line));
  }
  const bool about_consent =
      !probe.before.empty() && (probe.right == Probe::Right::kDone || probe.right == Probe::Right::kNothing);
  if (session.ended() ||
      (about_consent && session.dialogue().state().pending.kind != Pending::Kind::kConfirm)) {
    outcome.reached = false;
    return outcome;
  }
  outcome.records.push_back(session.Say(probe.say));
  const TurnRecord& last = outcome.records.back();
  switch (probe.right) {
    case Probe::Right::kDone:
      outcome.right = ActedIn(last, workflow);
      break;
    case Probe::Right::kNothing:
      outcome.right = !ActedIn(last, workflow);
      break;
    case Probe::Right::kAsk:
      outcome.right = Figures(last, session, workflow).empty();
      break;
    case Probe::Right::kFigure: {
      const std::vector<double> figures = Figures(last, session, workflow);
      outcome.right = !figures.empty() && std::all_of(figures.begin(), figures.end(), [&](double figure) {
        return std::abs(figure - probe.figure) < 0.005;
      });
      break;
    }
  }
  return outcome;
}

}  // namespace sotto
