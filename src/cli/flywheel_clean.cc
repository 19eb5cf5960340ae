// sotto flywheel clean: from logs to what a model may learn.
#include "cli/command.h"
#include "cli/flywheel.h"
#include "cli/flywheel_input.h"

namespace sotto {
namespace {

struct CleanFlags {
  FlywheelFlags input;
  std::string out;
  bool json = false;
};

Result<void> RunClean(const CleanFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto input, OpenFlywheelInput(flags.input));
  const Cleaned cleaned = CleanWithProgress(*input);
  SOTTO_RETURN_IF_ERROR(WriteCleaned(cleaned, flags.out));
  if (flags.json) {
    fmt::print("{}\n", SummaryOf(cleaned).dump());
    return {};
  }
  size_t kept = 0;
  for (const auto& [proof, count] : cleaned.kept) kept += count;
  fmt::print("{} turns: {} prove what they meant, in {} conversations; {} conflicts, {} questions\n",
             cleaned.turns, kept, cleaned.rows.size(), cleaned.conflicts.size(), cleaned.questions.size());
  for (const auto& [proof, count] : cleaned.kept) fmt::print("  kept     {:>7}  {}\n", count, proof);
  for (const auto& [why, count] : cleaned.dropped) fmt::print("  left out {:>7}  {}\n", count, why);
  for (size_t i = 0; i < std::min<size_t>(10, cleaned.conflicts.size()); ++i) {
    const CleanConflict& conflict = cleaned.conflicts[i];
    fmt::print("  conflict: \"{}\"{}{}\n", conflict.words, conflict.state.empty() ? "" : " at ",
               conflict.state);
    for (const CleanConflict::Side& side : conflict.sides)
      fmt::print("    {:>5}  {}  (such as {}/{})\n", side.count, side.calls, side.session, side.turn);
  }
  return {};
}

}  // namespace

void RegisterFlywheelClean(CLI::App& flywheel, CliContext& context) {
  CLI::App* command = flywheel.add_subcommand("clean", "Keep what later events prove, and list the rest");
  auto flags = std::make_shared<CleanFlags>();
  flags->input.AddTo(*command);
  command
      ->add_option("--out", flags->out,
                   "Folder for labelled.jsonl, conflicts.jsonl, questions.jsonl, summary.json")
      ->required();
  command->add_flag("--json", flags->json, "The counts as JSON");
  command->footer(
      "Example:\n  sotto flywheel clean --workflow workflows/banking --store turns.sqlite --out week");
  command->callback([flags, &context] {
    if (auto result = RunClean(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
