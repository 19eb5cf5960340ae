#include "cli/eval_probes.h"

#include <fmt/format.h>

#include <map>

#include "assistant/fresh_call.h"
#include "assistant/probe.h"
#include "cli/action_options.h"
#include "cli/progress.h"

namespace sotto {
namespace {

struct Count {
  size_t right = 0, wrong = 0, not_reached = 0;
};

void Print(const Probe& probe, const ProbeOutcome& outcome) {
  fmt::print("line {} ({}): {}\n", probe.line, probe.kind, outcome.reached ? "wrong" : "not reached");
  for (const TurnRecord& record : outcome.records) {
    if (record.heard.text.empty()) continue;
    fmt::print("    > {}\n", record.heard.text);
    for (const Understanding::Call& call :
         record.understood ? record.understood->calls : std::vector<Understanding::Call>())
      fmt::print("        {} {:.2f}\n", ToString(call.call), call.confidence);
    fmt::print("    {}\n", record.reply.text);
  }
}

std::string_view Name(Probe::Right right) {
  switch (right) {
    case Probe::Right::kDone:
      return "done";
    case Probe::Right::kNothing:
      return "nothing";
    case Probe::Right::kAsk:
      return "ask";
    case Probe::Right::kFigure:
      return "figure";
  }
  return "";
}

}  // namespace

Result<void> EvalProbes(const BrainFlags& brain_flags, const std::vector<std::string>& files,
                        const ConversationFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Brain> brain, brain_flags.OpenBrain());
  SOTTO_ASSIGN_OR_RETURN(const auto host, CallHost::Open(brain));
  std::vector<Probe> probes;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<Probe> more, ReadProbes(file, host->workflow()));
    probes.insert(probes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (flags.limit > 0 && probes.size() > flags.limit) probes.resize(flags.limit);
  if (probes.empty()) return MakeError(ErrorCode::kInvalidArgument, "no probes for this workflow");

  ProgressBar progress("asking");
  std::map<std::string, Count> kinds;
  std::map<std::string, Count> rights;
  std::vector<std::pair<const Probe*, ProbeOutcome>> wrong;
  size_t done = 0;
  for (const Probe& probe : probes) {
    SOTTO_ASSIGN_OR_RETURN(const CallHost::Call call,
                           host->Begin(DemoCaller(host->workflow(), true), probe.channel));
    ProbeOutcome outcome = PlayProbe(probe, *call.session, host->workflow());
    for (Count* count : {&kinds[probe.kind], &rights[std::string(Name(probe.right))]})
      ++(!outcome.reached ? count->not_reached : outcome.right ? count->right : count->wrong);
    if (!outcome.reached || !outcome.right) wrong.emplace_back(&probe, std::move(outcome));
    progress.Update(++done, probes.size());
  }
  progress.Finish();

  if (flags.json) {
    Json json;
    for (const auto& [of, counts] : {std::pair{"right", &rights}, {"kind", &kinds}})
      for (const auto& [name, count] : *counts)
        json[of][name] = {{"right", count.right}, {"wrong", count.wrong}, {"not_reached", count.not_reached}};
    for (const auto& [probe, outcome] : wrong)
      json["wrong"].push_back({{"line", probe->line},
                               {"kind", probe->kind},
                               {"say", probe->say},
                               {"reached", outcome.reached},
                               {"reply", outcome.records.back().reply.text}});
    fmt::print("{}\n", json.dump());
    return {};
  }
  for (size_t i = 0; i < std::min(flags.show, wrong.size()); ++i) Print(*wrong[i].first, wrong[i].second);
  for (const auto& [name, count] : kinds)
    fmt::print("  {:<20} {:>5} right {:>5} wrong {:>5} not reached\n", name, count.right, count.wrong,
               count.not_reached);
  for (const auto& [name, count] : rights)
    fmt::print("{}: {} of {} right; {} did not get there\n", name, count.right, count.right + count.wrong,
               count.not_reached);
  return {};
}

}  // namespace sotto
