// sotto call: one utterance (or one a line) in, the calls it means out.
#include <iostream>

#include "brain/brain.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/text_input.h"
#include "core/turn_record.h"

namespace sotto {
namespace {

struct CallFlags {
  BrainFlags brain;
  std::string text;
  bool json = false;
  bool controls = false;
  TodayFlag today;
};

void Print(const Understanding& understanding, bool json) {
  if (json) {
    fmt::print("{}\n", ToJson(understanding).dump());
  } else {
    for (const Understanding::Call& call : understanding.calls) fmt::print("{}\n", ToJson(call.call).dump());
    fmt::print("  confidence {:.3f}  decided {}  forced {}  prefilled {}  {:.2f} ms\n",
               understanding.confidence, understanding.cost.decided, understanding.cost.forced,
               understanding.cost.prefilled, understanding.cost.commit_to_call_ms);
  }
  std::fflush(stdout);
}

Result<void> Run(const CallFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Brain> brain, flags.brain.OpenBrain());
  const std::vector<std::string> controls = flags.controls ? ControlToolNames() : std::vector<std::string>();
  BrainSession session(brain);
  Conversation history;
  SOTTO_ASSIGN_OR_RETURN(history.today, flags.today.Day());
  const auto turn = [&](const std::string& text) -> Result<void> {
    SOTTO_RETURN_IF_ERROR(session.Begin(history, {}, controls));
    SOTTO_ASSIGN_OR_RETURN(const Understanding understanding, session.Commit(text));
    Print(understanding, flags.json);
    Turn past;
    past.user = text;
    for (const Understanding::Call& call : understanding.calls) past.calls.push_back(call.call);
    history.turns.push_back(std::move(past));
    return {};
  };
  if (!flags.text.empty()) return turn(CleanText(flags.text, "the utterance"));
  int line_number = 0;
  for (std::string line; NextLine(std::cin, "standard input", line_number, line);)
    SOTTO_RETURN_IF_ERROR(turn(line));
  return {};
}

}  // namespace

void RegisterCall(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("call", "What an utterance means: the tool call, without acting on it");
  auto flags = std::make_shared<CallFlags>();
  flags->brain.AddTo(*command);
  flags->today.AddTo(*command);
  command->add_option("text", flags->text,
                      "The utterance; without it, one a line from standard input, as one conversation");
  command->add_flag("--json", flags->json, "One JSON object a turn");
  command->add_flag("--controls", flags->controls, "Offer the control tools too (yes, no, never mind, ...)");
  command->footer(
      "Example:\n  sotto call --workflow workflows/banking \"move two hundred from checking to savings\"");
  command->callback([flags, &context] {
    if (auto result = Run(*flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
