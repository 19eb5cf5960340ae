// sotto bench: how fast the parts are on this machine.
#include "cli/bench.h"

#include "cli/command.h"
#include "cli/commands.h"

namespace sotto {

void RegisterBench(CLI::App& app, CliContext& context) {
  CLI::App* bench = app.add_subcommand("bench", "Measure speed on this machine");
  bench->require_subcommand(1);
  RegisterBenchEngine(*bench, context);
  RegisterBenchBrain(*bench, context);
  RegisterBenchSpeech(*bench, context);
  RegisterBenchVoice(*bench, context);
  RegisterBenchSoak(*bench, context);
  RegisterBenchBargeIn(*bench, context);
  RegisterBenchEars(*bench, context);
  RegisterBenchNetwork(*bench, context);
  RegisterBenchServe(*bench, context);
  RegisterBenchHostile(*bench, context);
  RegisterBenchManyCalls(*bench, context);
  RegisterBenchRetrieve(*bench, context);
}

}  // namespace sotto
