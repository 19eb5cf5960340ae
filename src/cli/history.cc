// sotto history: what was live, when, by whom and why.
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/flywheel_command.h"

namespace sotto {
namespace {

struct HistoryFlags {
  std::string registry;
  std::string workflow;
  std::string at;
  int64_t seq = 0;
  bool verify = false;
  bool json = false;
};

std::vector<std::string> WorkflowsOf(const std::vector<Act>& acts, const std::string& only) {
  std::vector<std::string> names;
  for (const Act& one : acts) {
    if (!only.empty() && one.workflow != only) continue;
    if (std::find(names.begin(), names.end(), one.workflow) == names.end()) names.push_back(one.workflow);
  }
  return names;
}

Json ToJson(const LiveState& live, const Json& facts) {
  Json json{{"version", live.version}, {"since_act", live.seq}, {"before", live.previous}, {"facts", facts}};
  if (live.canary) {
    json["canary"] = {{"experiment", live.canary->name},
                      {"candidate", live.canary->candidate},
                      {"share", live.canary->share},
                      {"mode", live.canary->shadow ? "shadow" : "canary"}};
  }
  return json;
}

Result<Json> FactsJson(const VersionRegistry& registry, const std::string& version) {
  if (version.empty()) return Json(nullptr);
  SOTTO_ASSIGN_OR_RETURN(const auto found, registry.Find(version));
  return ToJson(found.second);
}

Result<void> PrintMoment(const VersionRegistry& registry, const std::string& workflow,
                         const MomentState& moment, const std::vector<Act>& acts, bool json) {
  SOTTO_ASSIGN_OR_RETURN(const Json facts, FactsJson(registry, moment.live.version));
  if (json) {
    Json out = ToJson(moment.live, facts);
    out["workflow"] = workflow;
    out["after_act"] = moment.after_seq;
    if (!moment.note.empty()) out["note"] = moment.note;
    fmt::print("{}\n", out.dump());
    return {};
  }
  fmt::print("{}: {} (after act {}{})\n", workflow,
             moment.live.version.empty() ? "nothing was live" : "version " + moment.live.version,
             moment.after_seq, moment.note.empty() ? "" : "; " + moment.note);
  if (moment.live.seq > 0 && moment.live.seq <= static_cast<int64_t>(acts.size())) {
    const Act& act = acts[static_cast<size_t>(moment.live.seq - 1)];
    fmt::print("  live since {} (act {}), {} by {}: {}\n", act.at, act.seq, act.kind, act.author, act.reason);
  }
  if (!facts.is_null()) {
    for (const auto& [key, value] : facts.items()) {
      if (!value.is_string() || !value.get<std::string>().empty())
        fmt::print("  {:<14} {}\n", key, value.dump());
    }
  }
  if (moment.live.canary) {
    fmt::print("  {} '{}': {} for {:.1f} % of callers\n", moment.live.canary->shadow ? "shadow" : "canary",
               moment.live.canary->name, moment.live.canary->candidate, 100 * moment.live.canary->share);
  }
  return {};
}

Result<void> PrintActs(const std::vector<Act>& acts, const HistoryFlags& flags) {
  for (const Act& act : acts) {
    if (!flags.workflow.empty() && act.workflow != flags.workflow) continue;
    if (flags.json) {
      fmt::print("{}\n", ToJson(act).dump());
    } else {
      fmt::print("{:>5}  {}  {:<15} {:<12} {:<17} {:<12} {}\n", act.seq, act.at, act.kind, act.workflow,
                 act.version, act.author, act.reason);
    }
  }
  return {};
}

Result<void> Run(const HistoryFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto registry, OpenRegistry(flags.registry));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, registry->Acts());
  if (flags.verify) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> wrong, registry->Verify());
    for (const std::string& line : wrong) fmt::print("{}\n", line);
    if (!wrong.empty())
      return MakeError(ErrorCode::kCorrupt, "{}: {} things are not as they were recorded", flags.registry,
                       wrong.size());
    fmt::print("{} acts, each as it was written; the files of every version are there\n", acts.size());
    return {};
  }
  if (flags.at.empty() && flags.seq == 0) return PrintActs(acts, flags);
  for (const std::string& workflow : WorkflowsOf(acts, flags.workflow)) {
    std::vector<MomentState> moments;
    if (flags.seq > 0) {
      if (flags.seq > static_cast<int64_t>(acts.size()))
        return MakeError(ErrorCode::kInvalidArgument, "--act {}: there are {} acts", flags.seq, acts.size());
      moments.push_back(
          {flags.seq, Fold(std::span(acts).first(static_cast<size_t>(flags.seq)), workflow), ""});
    } else {
      SOTTO_ASSIGN_OR_RETURN(const auto time, ParseActTime(flags.at));
      SOTTO_ASSIGN_OR_RETURN(moments, registry->StatesAt(workflow, time));
    }
    for (const MomentState& moment : moments)
      SOTTO_RETURN_IF_ERROR(PrintMoment(*registry, workflow, moment, acts, flags.json));
  }
  return {};
}

}  // namespace

void RegisterHistory(CLI::App& app, CliContext& context) {
  CLI::App* command = app.add_subcommand("history", "What was live, when, by whom and why");
  auto flags = std::make_shared<HistoryFlags>();
  AddRegistryOption(*command, flags->registry);
  command->add_option("--at", flags->at, "A moment, UTC: 2026-11-30T07:45:00Z");
  command->add_option("--act", flags->seq, "The moment after this act: exact whatever the clock did");
  command->add_option("--workflow", flags->workflow, "Only this one");
  command->add_flag("--verify", flags->verify, "Check that nothing was changed: numbers, hashes, files");
  command->add_flag("--json", flags->json, "One JSON object a line");
  command->footer(
      "Example:\n  sotto history\n  sotto history --at 2026-11-30T07:45:00Z --workflow banking\n"
      "  sotto history --verify");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
