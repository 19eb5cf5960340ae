#include "cli/eval_conversations.h"

#include <fmt/format.h>

#include "assistant/fresh_call.h"
#include "assistant/simulated_caller.h"
#include "cli/action_options.h"
#include "cli/progress.h"

namespace sotto {
namespace {

struct Played {
  const SimulatedCaller* caller = nullptr;
  CallOutcome outcome;
};

Json ToJson(const Played& played) {
  Json turns = Json::array();
  for (const TurnRecord& record : played.outcome.records)
    turns.push_back({{"user", record.heard.text}, {"reply", record.reply.text}});
  return {{"line", played.caller->line},
          {"who", played.caller->who},
          {"goal", played.caller->goal},
          {"reached", played.outcome.reached()},
          {"missing", played.outcome.missing},
          {"wrong", played.outcome.wrong},
          {"handed_off", played.outcome.handed_off},
          {"turns", turns}};
}

void Print(const Played& played) {
  fmt::print("line {} ({}): {}\n", played.caller->line, played.caller->who, played.caller->goal);
  for (const std::string& act : played.outcome.missing) fmt::print("  not done: {}\n", act);
  for (const std::string& act : played.outcome.wrong)
    fmt::print("  done, though nobody wanted it: {}\n", act);
  for (const TurnRecord& record : played.outcome.records) {
    if (!record.heard.text.empty()) {
      fmt::print("    > {}\n", record.heard.text);
      for (const Understanding::Call& call :
           record.understood ? record.understood->calls : std::vector<Understanding::Call>())
        fmt::print("        {} {:.2f}\n", ToString(call.call), call.confidence);
    }
    fmt::print("    {}\n", record.reply.text);
  }
}

}  // namespace

Result<void> EvalConversations(const BrainFlags& brain_flags, const std::vector<std::string>& files,
                               const ConversationFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Brain> brain, brain_flags.OpenBrain());
  SOTTO_ASSIGN_OR_RETURN(const auto host, CallHost::Open(brain));
  std::vector<SimulatedCaller> callers;
  for (const std::string& file : files) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<SimulatedCaller> more, ReadCallers(file, host->workflow()));
    callers.insert(callers.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (flags.limit > 0 && callers.size() > flags.limit) callers.resize(flags.limit);

  ProgressBar progress("calling");
  std::vector<Played> all;
  for (const SimulatedCaller& caller : callers) {
    SOTTO_ASSIGN_OR_RETURN(
        const CallHost::Call call,
        host->Begin(DemoCaller(host->workflow(), caller.verified), caller.channel, caller.today));
    all.push_back({&caller, PlayCall(caller, *call.session, host->workflow())});
    progress.Update(all.size(), callers.size());
  }
  progress.Finish();

  size_t reached = 0;
  size_t wrong_acts = 0;
  size_t wrong_calls = 0;
  size_t handed_off = 0;
  size_t turns = 0;
  for (const Played& played : all) {
    reached += played.outcome.reached() ? 1 : 0;
    wrong_acts += played.outcome.wrong.size();
    wrong_calls += played.outcome.wrong.empty() ? 0 : 1;
    handed_off += played.outcome.handed_off ? 1 : 0;
    turns += played.outcome.records.size() - 1;
  }
  const auto share = [&](size_t n) { return static_cast<double>(n) / static_cast<double>(all.size()); };
  if (flags.json) {
    Json json{{"calls", all.size()},        {"reached", share(reached)},       {"wrong_acts", wrong_acts},
              {"wrong_calls", wrong_calls}, {"handed_off", share(handed_off)}, {"turns", turns}};
    for (const Played& played : all) json["of_each"].push_back(ToJson(played));
    fmt::print("{}\n", json.dump());
    return {};
  }
  size_t left = flags.show;
  for (const Played& played : all)
    if (!played.outcome.reached() && left > 0) {
      --left;
      Print(played);
    }
  fmt::print(
      "{} calls: {:.1f} % reached their goal and nothing else; {} acts that nobody wanted in {} calls\n",
      all.size(), 100 * share(reached), wrong_acts, wrong_calls);
  fmt::print("{:.1f} turns a call; {:.1f} % handed over\n",
             static_cast<double>(turns) / static_cast<double>(all.size()), 100 * share(handed_off));
  return {};
}

}  // namespace sotto
