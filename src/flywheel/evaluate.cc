#include "flywheel/evaluate.h"

#include <algorithm>

namespace sotto {
namespace {

Comparison Compare(const PairedCounts& counts, const NonInferiorityGoal& goal) {
  return {counts, McNemarExact(counts), TestNonInferiority(counts, goal)};
}

std::string Points(double share) { return fmt::format("{:+.2f} points", 100 * share); }

// Why a comparison is no pass; empty: it is one.
std::string WhyNot(const std::string& what, const Comparison& one, const NonInferiorityGoal& goal) {
  if (!one.test.enough()) {
    return fmt::format("{}: not enough turns: {} have a power of {:.0f} %, {} would be needed for {:.0f} %",
                       what, one.counts.n, 100 * one.test.power, one.test.turns_needed, 100 * goal.power);
  }
  if (!one.test.shown) {
    return fmt::format("{}: not shown to be within {:.1f} points: {} (limit {}), p {:.3f}", what,
                       100 * goal.margin, Points(one.counts.difference()), Points(one.test.lower),
                       one.test.p);
  }
  return "";
}

bool IsWorse(const Comparison& one, double level) {
  return one.counts.difference() < 0 && one.mcnemar < level;
}

void JudgeDialogues(std::span<const PairedDialogue> dialogues, EvaluateReport& report) {
  for (const PairedDialogue& dialogue : dialogues) {
    ++report.dialogues;
    report.dialogues_champion += dialogue.champion ? 1 : 0;
    report.dialogues_candidate += dialogue.candidate ? 1 : 0;
    if (dialogue.champion && !dialogue.candidate) report.broken.push_back(dialogue.name);
  }
}

Json ToJson(const Comparison& one) {
  return {{"turns", one.counts.n},
          {"champion", one.counts.champion()},
          {"candidate", one.counts.candidate()},
          {"only_champion", one.counts.only_champion},
          {"only_candidate", one.counts.only_candidate},
          {"difference", one.counts.difference()},
          {"lower", one.test.lower},
          {"mcnemar_p", one.mcnemar},
          {"non_inferior", one.test.shown},
          {"p", one.test.p},
          {"power", one.test.power},
          {"turns_needed", one.test.turns_needed}};
}

Json ToJson(const NonInferiorityGoal& goal) {
  return {{"margin", goal.margin},
          {"alpha", goal.alpha},
          {"power", goal.power},
          {"least_discordant", goal.least_discordant}};
}

std::string ComparisonRow(const std::string& name, const Json& one, double power) {
  const bool enough = one.at("power").get<double>() >= power;
  const char* verdict = one.at("non_inferior").get<bool>() ? (enough ? "as good" : "too few turns")
                                                           : (enough ? "not shown" : "too few turns");
  return fmt::format(
      "| {} | {} | {:.2f} | {:.2f} | {:+.2f} | {:+.2f} | {} / {} | {:.3f} | {:.0f} | {} | {} |\n", name,
      one.at("turns").get<size_t>(), 100 * one.at("champion").get<double>(),
      100 * one.at("candidate").get<double>(), 100 * one.at("difference").get<double>(),
      100 * one.at("lower").get<double>(), one.at("only_candidate").get<size_t>(),
      one.at("only_champion").get<size_t>(), one.at("mcnemar_p").get<double>(),
      100 * one.at("power").get<double>(), one.at("turns_needed").get<size_t>(), verdict);
}

constexpr const char* kComparisonColumns =
    "| set | turns | champion % | candidate % | difference | limit | won / lost | McNemar p | power % | "
    "turns "
    "needed | verdict |\n|---|---|---|---|---|---|---|---|---|---|---|\n";

}  // namespace

std::string_view EvaluateVerdictName(EvaluateVerdict verdict) {
  switch (verdict) {
    case EvaluateVerdict::kPass:
      return "pass";
    case EvaluateVerdict::kHold:
      return "hold";
    case EvaluateVerdict::kWorse:
      return "worse";
    case EvaluateVerdict::kRefused:
      return "refused";
  }
  return "hold";
}

EvaluateReport Judge(std::span<const PairedSet> sets, std::span<const PairedDialogue> dialogues,
                     const std::optional<Contamination>& contamination, const EvaluateGoal& goal) {
  EvaluateReport report;
  report.goal = goal;
  report.contamination = contamination;
  std::map<std::string, PairedCounts> tools;
  for (const PairedSet& set : sets) {
    PairedCounts counts;
    for (const PairedTurn& turn : set.turns) {
      counts.Add(turn.champion, turn.candidate);
      if (set.noise) continue;
      tools[turn.tool].Add(turn.champion, turn.candidate);
      report.flips += turn.differ ? 1 : 0;
    }
    report.sets.emplace_back(set.name, Compare(counts, goal.overall));
  }
  for (const auto& [tool, counts] : tools) report.tools.emplace(tool, Compare(counts, goal.tool));
  JudgeDialogues(dialogues, report);

  std::vector<std::string>& reasons = report.reasons;
  if (contamination && contamination->share() > goal.most_contaminated) {
    report.verdict = EvaluateVerdict::kRefused;
    reasons.push_back(
        fmt::format("{} of {} texts of the evaluation stand in what it was trained on ({} the "
                    "same, {} near): {:.1f} %, at most {:.1f} % are chance",
                    contamination->exact + contamination->near, contamination->texts, contamination->exact,
                    contamination->near, 100 * contamination->share(), 100 * goal.most_contaminated));
    return report;
  }
  for (const auto& [name, one] : report.sets) {
    if (IsWorse(one, goal.overall.alpha))
      reasons.push_back(fmt::format("{}: worse by {} (McNemar p {:.4f})", name,
                                    Points(one.counts.difference()), one.mcnemar));
  }
  const double level = goal.tool.alpha / static_cast<double>(std::max<size_t>(1, report.tools.size()));
  for (const auto& [tool, one] : report.tools) {
    if (IsWorse(one, level))
      reasons.push_back(fmt::format("tool {}: worse by {} (McNemar p {:.4f}, level {:.4f})", tool,
                                    Points(one.counts.difference()), one.mcnemar, level));
  }
  if (!reasons.empty()) {
    report.verdict = EvaluateVerdict::kWorse;
    return report;
  }
  if (report.sets.empty()) reasons.push_back("not enough turns: there are none");
  if (!contamination) reasons.push_back("nobody named what the candidate was trained on (--trained-on)");
  const auto add = [&](std::string why) {
    if (!why.empty()) reasons.push_back(std::move(why));
  };
  for (const auto& [name, one] : report.sets) add(WhyNot(name, one, goal.overall));
  for (const auto& [tool, one] : report.tools) add(WhyNot("tool " + tool, one, goal.tool));
  for (const std::string& name : report.broken)
    reasons.push_back(fmt::format("dialogue '{}' passes with the champion only", name));
  report.verdict = reasons.empty() ? EvaluateVerdict::kPass : EvaluateVerdict::kHold;
  return report;
}

Json ToJson(const EvaluateReport& report) {
  Json sets = Json::array();
  for (const auto& [name, one] : report.sets) {
    Json set = ToJson(one);
    set["name"] = name;
    sets.push_back(std::move(set));
  }
  Json tools = Json::object();
  for (const auto& [tool, one] : report.tools) tools[tool] = ToJson(one);
  Json json{{"verdict", EvaluateVerdictName(report.verdict)},
            {"reasons", report.reasons},
            {"sets", std::move(sets)},
            {"tools", std::move(tools)},
            {"flips", report.flips},
            {"dialogues",
             {{"run", report.dialogues},
              {"champion", report.dialogues_champion},
              {"candidate", report.dialogues_candidate},
              {"broken", report.broken}}},
            {"contamination", nullptr},
            {"goal",
             {{"overall", ToJson(report.goal.overall)},
              {"tool", ToJson(report.goal.tool)},
              {"most_contaminated", report.goal.most_contaminated}}}};
  if (report.contamination) {
    json["contamination"] = {{"texts", report.contamination->texts},
                             {"exact", report.contamination->exact},
                             {"near", report.contamination->near},
                             {"examples", report.contamination->examples}};
  }
  return json;
}

std::string ToMarkdown(const EvaluateReport& report, std::string_view champion, std::string_view candidate,
                       std::string_view command) {
  return EvaluationMarkdown(ToJson(report), champion, candidate, command).value();
}

Result<std::string> EvaluationMarkdown(const Json& report, std::string_view champion,
                                       std::string_view candidate, std::string_view command) {
  try {
    const Json& goal = report.at("goal");
    const double power = goal.at("overall").at("power").get<double>();
    std::string text = fmt::format("# Evaluation of {} against {}\n\nVerdict: **{}**\n\n", candidate,
                                   champion, report.at("verdict").get<std::string>());
    for (const Json& reason : report.at("reasons")) text += "- " + reason.get<std::string>() + "\n";
    text += fmt::format(
        "\nExact match of the calls with gold history, in pairs of turns. Non-inferiority is one-sided "
        "(Tango "
        "1998), margin {:.1f} points overall and {:.1f} a tool, level {:.0f} %, power {:.0f} % wanted if "
        "both are "
        "equally good and disagree on what was observed, at least {:.1f} %. `limit`: the difference is above "
        "it "
        "with {:.0f} %.\n\n",
        100 * goal.at("overall").at("margin").get<double>(), 100 * goal.at("tool").at("margin").get<double>(),
        100 * goal.at("overall").at("alpha").get<double>(), 100 * power,
        100 * goal.at("overall").at("least_discordant").get<double>(),
        100 - 100 * goal.at("overall").at("alpha").get<double>());
    text += kComparisonColumns;
    for (const Json& set : report.at("sets"))
      text += ComparisonRow(set.at("name").get<std::string>(), set, power);
    text += "\n";
    text += kComparisonColumns;
    for (const auto& [tool, one] : report.at("tools").items()) text += ComparisonRow(tool, one, power);
    const Json& dialogues = report.at("dialogues");
    text += fmt::format(
        "\nTurns that both answered differently: {}. Dialogues: {} run, the champion passes {}, the "
        "candidate {}.\n",
        report.at("flips").get<size_t>(), dialogues.at("run").get<size_t>(),
        dialogues.at("champion").get<size_t>(), dialogues.at("candidate").get<size_t>());
    const Json& found = report.at("contamination");
    if (found.is_null()) {
      text += "\nContamination: not looked for, nobody named what the candidate was trained on.\n";
    } else {
      text += fmt::format(
          "\nContamination: of {} texts {} stand in the training data as they are, {} nearly.\n",
          found.at("texts").get<size_t>(), found.at("exact").get<size_t>(), found.at("near").get<size_t>());
      for (const Json& example : found.at("examples")) text += "- " + example.get<std::string>() + "\n";
    }
    text += fmt::format("\nMade with `{}`.\n", command);
    return text;
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kCorrupt, "the report of an evaluation cannot be read: {}", error.what());
  }
}

}  // namespace sotto
