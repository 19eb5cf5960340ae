#include "learn/specialist_card.h"

#include <fmt/format.h>

#include "learn/synth.h"

namespace sotto {

std::string CardText(const Workflow& workflow, const TrainingOptions& options, const TrainingData& data,
                     const SpecialistJudgement& judged, const CardFacts& facts, const Installed& installed) {
  const Json& m = facts.metrics;
  std::string text = fmt::format("# Specialist for the workflow `{}`\n\n", workflow.name);
  text += fmt::format(
      "Turns what was said into calls of {} tools. A Qwen3-style decoder with {} parameters and {} tokens, "
      "Q8_0, {:.1f} "
      "MB; trained for {} steps ({} tokens, {:.0f} s on {} worker{}).\n\n",
      workflow.tools.size(), m.value("parameters", int64_t{0}), m.value("vocabulary", int64_t{0}),
      static_cast<double>(m.value("bytes", int64_t{0})) / 1e6, m.value("steps", int64_t{0}),
      m.value("tokens", int64_t{0}), m.value("seconds", 0.0), m.value("threads", 1),
      m.value("threads", 1) == 1 ? "" : "s");
  text += "## Data\n\n";
  if (!facts.base.empty())
    text += fmt::format("- the base model `{}`; what that was trained on stands in its card\n", facts.base);
  text +=
      fmt::format("- {} generated conversations (`sotto synth`, seed {})\n", data.generated, options.seed);
  if (data.seeds > 0) text += fmt::format("- {} seed conversations of `{}`\n", data.seeds, kSeedsFile);
  if (data.voices > 0) text += fmt::format("- {} written conversations of `{}`\n", data.voices, kVoicesFile);
  for (const std::string& source : data.sources) text += fmt::format("- public sentences: {}\n", source);
  for (const std::string& file : options.data) {
    text += fmt::format("- {}\n", std::filesystem::path(file).filename().string());
  }
  text += "\n## Figures\n\nGold history before every turn; exact: name and every argument right.\n\n";
  text += "| set | conversations | turns | exact | name | whole conversation |\n|---|---|---|---|---|---|\n";
  for (const SetFigures& set : judged.sets) {
    text += fmt::format("| {} | {} | {} | {:.2f} % | {:.2f} % | {:.2f} % |\n", set.name, set.conversations,
                        set.turns, 100 * set.exact, 100 * set.name_right, 100 * set.conversation_exact);
  }
  text += fmt::format("\nConfidence on {} held-out turns after calibration: ECE {:.4f}, AUROC {:.4f}.\n",
                      judged.right.size(), installed.ece, installed.auroc);
  std::string data_options;
  for (const std::filesystem::path file : options.data) {  // where else a file lies is nobody's business
    data_options += " --data " + (file.is_absolute() ? file.filename() : file).string();
  }
  text += fmt::format(
      "\n## Made with\n\n```\nsotto train workflows/{} --steps {} --seed {} --threads {} --count "
      "{}{}{}{}\n```\n\n"
      "Commit {}. The same command gives the same weights on the same kind of processor.\n",
      workflow.name, m.value("steps", int64_t{0}), options.seed, options.threads, options.count,
      facts.base.empty() ? "" : " --base " + facts.base, data_options,
      options.public_data.empty() ? "" : " --public-data ../shared/data", facts.commit);
  text +=
      "\n## Limits\n\nEnglish only. Knows the tools of this workflow and nothing else; what it was not "
      "taught to recognise "
      "may be taken for something it knows: use the confidence. Held-out generated conversations share the "
      "generator's "
      "phrases with the training data; sentences of people who never saw the workflow are harder.\n";
  return text;
}

}  // namespace sotto
