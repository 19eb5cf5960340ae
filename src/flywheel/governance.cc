#include "flywheel/governance.h"

#include <algorithm>
#include <map>
#include <vector>

#include "flywheel/evaluate.h"

namespace sotto {
namespace {

// For a cell of a table.
std::string CellText(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

struct Subject {
  const Act* registered = nullptr;
  VersionFacts facts;
};

Result<Subject> SubjectOf(std::span<const Act> acts, std::string_view version) {
  for (const Act& one : acts) {
    if (one.kind != act::kRegistered || one.version != version) continue;
    SOTTO_ASSIGN_OR_RETURN(VersionFacts facts, VersionFactsFromJson(one.detail.value("facts", Json())));
    return Subject{&one, std::move(facts)};
  }
  return MakeError(ErrorCode::kNotFound, "no version '{}' is registered", version);
}

std::vector<const Act*> ActsOf(std::span<const Act> acts, std::string_view version, std::string_view kind) {
  std::vector<const Act*> found;
  for (const Act& one : acts) {
    if (one.version == version && one.kind == kind) found.push_back(&one);
  }
  return found;
}

// Whose act it is, and who ran the command where that is somebody else.
std::string ByWhom(const Act& one) {
  const std::string login = one.detail.value("right", Json::object()).value("login", "");
  return login.empty() || login == one.author ? one.author : fmt::format("{} (login {})", one.author, login);
}

std::string FactRow(std::string_view name, std::string_view value) {
  return value.empty() ? std::string() : fmt::format("| {} | {} |\n", name, CellText(value));
}

std::string FactsTable(const Subject& subject) {
  const VersionFacts& facts = subject.facts;
  std::string text = "| what | value |\n|---|---|\n";
  text += FactRow("version", subject.registered->version);
  text += FactRow("workflow", facts.workflow);
  text += FactRow("workflow.yaml", facts.workflow_hash);
  text += FactRow("model", facts.model);
  text += FactRow("model file, SHA-256", facts.model_sha256);
  text += FactRow("model file, bytes", fmt::format("{}", facts.model_bytes));
  text += FactRow("prompt form", facts.prompt_form);
  text += FactRow("tool list", facts.tools);
  text += FactRow("calibration", facts.calibration);
  text += FactRow("thresholds", facts.thresholds);
  text += FactRow("adapter", facts.adapter);
  text += FactRow("made of version", facts.parent);
  text += FactRow("made with", facts.method.empty() ? std::string("not recorded") : "`" + facts.method + "`");
  text += FactRow("program", facts.program);
  text += FactRow("registered", fmt::format("{} by {} (act {})", subject.registered->at,
                                            subject.registered->author, subject.registered->seq));
  return text;
}

// When it was live: from an act to the one that replaced it.
std::string LivePeriods(std::span<const Act> acts, const Subject& subject) {
  std::string text;
  const std::string& version = subject.registered->version;
  bool live = false;
  for (const Act& one : acts) {
    if (one.workflow != subject.facts.workflow) continue;
    if (one.kind != act::kPromoted && one.kind != act::kRolledBack) continue;
    if (one.version == version) {
      text +=
          fmt::format("- from {} (act {}, {} by {}: {})", one.at, one.seq, one.kind, one.author, one.reason);
      live = true;
    } else if (live) {
      text +=
          fmt::format(" to {} (act {}, {} by {}: {})\n", one.at, one.seq, one.kind, one.author, one.reason);
      live = false;
    }
  }
  if (live) text += " until now\n";
  return text.empty() ? "It was never live.\n" : text;
}

std::string ListOf(const std::vector<const Act*>& acts, std::string_view none) {
  std::string text;
  for (const Act* one : acts)
    text += fmt::format("- {}: {}, {} (act {})\n", one->at, ByWhom(*one), one->reason, one->seq);
  return text.empty() ? std::string(none) + "\n" : text;
}

std::string TrainingFiles(const Subject& subject) {
  const Json data = subject.registered->detail.value("data", Json::object());
  const Json files = data.value("trained_on", Json::array());
  if (files.empty() && !data.contains("parent"))
    return "Nobody named what it was trained on: it cannot be shown that it was not examined with it.\n";
  std::string text = files.empty() ? "" : "| file | SHA-256 | conversations |\n|---|---|---|\n";
  for (const Json& file : files) {
    text += fmt::format("| {} | {} | {} |\n", CellText(file.value("file", "")), file.value("sha256", ""),
                        file.value("conversations", size_t{0}));
  }
  text += fmt::format(
      "\n{} texts are kept as fingerprints{} (act {}).\n", data.value("texts", size_t{0}),
      data.contains("parent") ? ", those of version " + data.value("parent", "") + " among them" : "",
      subject.registered->seq);
  return text;
}

std::string EvaluationLine(const Act& one) {
  std::string text = fmt::format("- {} (act {}, {}): **{}** against {}", one.at, one.seq, one.author,
                                 one.detail.value("verdict", "?"), one.detail.value("champion", "?"));
  for (const Json& set : one.detail.value("sets", Json::array())) {
    text += fmt::format("; {}: {:.2f} % of {} turns exact ({:.2f} %)", set.value("name", ""),
                        100 * set.value("candidate", 0.0), set.value("turns", size_t{0}),
                        100 * set.value("champion", 0.0));
  }
  return text + fmt::format(". `{}`\n", one.detail.value("command", ""));
}

std::string CanaryText(const Act& ended) {
  const Json figures = ended.detail.value("figures", Json::object());
  std::string text = fmt::format("### Canary {}\n\nEnded at {} by {} (act {}): **{}**, {}\n\n",
                                 ended.detail.value("experiment", ""), ended.at, ended.author, ended.seq,
                                 ended.detail.value("verdict", ""), ended.reason);
  if (!figures.contains("champion") || !figures.contains("candidate")) return text;
  text +=
      "| arm | calls | turns | troubled turns | troubled calls | handed over | asked again | slow | dear |\n"
      "|---|---|---|---|---|---|---|---|---|\n";
  for (const char* arm : {"champion", "candidate"}) {
    const Json& one = figures.at(arm);
    text += fmt::format("| {} |", arm);
    for (const char* key :
         {"calls", "turns", "troubled_turns", "troubled", "handed_over", "asked_again", "slow", "dear"})
      text += fmt::format(" {} |", one.value(key, size_t{0}));
    text += "\n";
  }
  text += "\nFigures: `sotto canary status` as it stood (the act keeps them).\n\n";
  return text;
}

}  // namespace

Result<std::string> ModelCard(std::span<const Act> acts, std::string_view version) {
  SOTTO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(acts, version));
  std::string text = fmt::format("# Model card: {} of workflow {}\n\n", version, subject.facts.workflow);
  text +=
      "Turns what callers say into calls of the workflow's tools; it never speaks and never acts. For that "
      "workflow alone.\n\n" +
      FactsTable(subject) + "\n## Data\n\n" + TrainingFiles(subject) + "\n## Evaluations\n\n";
  const auto evaluations = ActsOf(acts, version, act::kEvaluated);
  for (const Act* one : evaluations) text += EvaluationLine(*one);
  if (evaluations.empty()) text += "It was never evaluated against another version.\n";
  text += "\n## Limits\n\n" + ListOf(ActsOf(acts, version, act::kNoted), "Nobody noted any.");
  text += "\n## Approvals\n\n" + ListOf(ActsOf(acts, version, act::kApproved), "Nobody approved of it.");
  text += "\n## Live\n\n" + LivePeriods(acts, subject);
  text += fmt::format("\nWritten by `sotto flywheel card {}` from acts 1 to {}.\n", version,
                      acts.empty() ? 0 : acts.back().seq);
  return text;
}

Result<std::string> DataSheet(std::span<const Act> acts, std::string_view version) {
  SOTTO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(acts, version));
  std::string text = fmt::format("# Data sheet: version {} of workflow {}\n\n## Trained on\n\n{}", version,
                                 subject.facts.workflow, TrainingFiles(subject));
  text += "\n## Examined with\n\n";
  std::map<std::string, std::string> sets;
  for (const Act* one : ActsOf(acts, version, act::kEvaluated)) {
    for (const Json& file : one->detail.value("data", Json::array())) {
      sets[file.value("hash", "")] =
          fmt::format("| {} | {} | {} | {} |\n", CellText(file.value("file", "")), file.value("hash", ""),
                      file.value("conversations", size_t{0}), one->seq);
    }
    const Json found = one->detail.value("contamination", Json());
    if (found.is_object()) {
      text += fmt::format(
          "- act {}: of {} texts of the evaluation {} stand in the training data, {} nearly\n", one->seq,
          found.value("texts", size_t{0}), found.value("exact", size_t{0}), found.value("near", size_t{0}));
    }
  }
  if (sets.empty()) {
    text += "Nothing yet.\n";
  } else {
    text += "\n| file | hash | conversations | act |\n|---|---|---|---|\n";
    for (const auto& [hash, row] : sets) text += row;
  }
  text += fmt::format("\nWritten by `sotto flywheel data-sheet {}` from acts 1 to {}.\n", version,
                      acts.empty() ? 0 : acts.back().seq);
  return text;
}

Result<std::string> ValidationReport(std::span<const Act> acts, std::string_view version) {
  SOTTO_ASSIGN_OR_RETURN(const Subject subject, SubjectOf(acts, version));
  std::string text = fmt::format("# Validation report: version {} of workflow {}\n\n{}\n", version,
                                 subject.facts.workflow, FactsTable(subject));
  for (const Act* one : ActsOf(acts, version, act::kEvaluated)) {
    SOTTO_ASSIGN_OR_RETURN(std::string report,
                           EvaluationMarkdown(one->detail, one->detail.value("champion", "?"), version,
                                              one->detail.value("command", "")));
    text += fmt::format("#{}\nRecorded as act {} at {} by {}.\n\n", report, one->seq, one->at, one->author);
  }
  for (const Act* one : ActsOf(acts, version, act::kCanaryEnded)) text += CanaryText(*one);
  text += "## Limits\n\n" + ListOf(ActsOf(acts, version, act::kNoted), "Nobody noted any.");
  text += "\n## Approvals\n\n" + ListOf(ActsOf(acts, version, act::kApproved), "Nobody approved of it.");
  text += "\n## Live\n\n" + LivePeriods(acts, subject);
  text += fmt::format("\nWritten by `sotto flywheel validation {}` from acts 1 to {}.\n", version,
                      acts.empty() ? 0 : acts.back().seq);
  return text;
}

std::string DecisionLog(std::span<const Act> acts, std::string_view workflow) {
  std::string text =
      "# Decision log\n\n| act | when | what | workflow | version | by | reason | hash |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const Act& one : acts) {
    if (!workflow.empty() && one.workflow != workflow) continue;
    std::string kind = one.kind;
    const std::string verdict = one.detail.value("verdict", "");
    if (!verdict.empty()) kind += ": " + verdict;
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", one.seq, one.at, kind, one.workflow,
                        one.version, CellText(ByWhom(one)), CellText(one.reason), one.hash.substr(0, 12));
  }
  text +=
      "\nThe hash of an act covers it and the hash before it; `sotto history --verify` checks them all.\n"
      "Written by `sotto flywheel decisions`.\n";
  return text;
}

std::string Inventory(std::span<const Act> acts) {
  std::string text =
      "# Inventory of versions\n\n| version | workflow | model file | bytes | registered | made of | "
      "evaluations | approvals | now |\n|---|---|---|---|---|---|---|---|---|\n";
  for (const Act& one : acts) {
    if (one.kind != act::kRegistered) continue;
    const auto facts = VersionFactsFromJson(one.detail.value("facts", Json()));
    if (!facts) continue;
    const LiveState live = Fold(acts, one.workflow);
    std::string now = "not live";
    if (live.version == one.version) now = fmt::format("live since act {}", live.seq);
    if (live.canary && live.canary->candidate == one.version)
      now = fmt::format("{} '{}'", live.canary->shadow ? "shadow" : "canary", live.canary->name);
    std::string verdicts;
    for (const Act* evaluated : ActsOf(acts, one.version, act::kEvaluated))
      verdicts += (verdicts.empty() ? "" : ", ") +
                  fmt::format("{} (act {})", evaluated->detail.value("verdict", "?"), evaluated->seq);
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", one.version, one.workflow,
                        facts->model_sha256.substr(0, 12), facts->model_bytes, one.at,
                        facts->parent.empty() ? "-" : facts->parent, verdicts.empty() ? "none" : verdicts,
                        ActsOf(acts, one.version, act::kApproved).size(), now);
  }
  text += "\nWritten by `sotto flywheel inventory`.\n";
  return text;
}

}  // namespace sotto
