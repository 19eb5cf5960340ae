#include "cli/commands.h"

#include "cli/command.h"

namespace sotto {

void RegisterAll([[maybe_unused]] CLI::App& app, [[maybe_unused]] CliContext& context) {
#ifndef SOTTO_NO_BRAIN
  RegisterCall(app, context);
  RegisterEval(app, context);
  RegisterTrain(app, context);
#endif
  RegisterGenerate(app, context);
  RegisterModel(app, context);
  RegisterBench(app, context);
  RegisterQuantize(app, context);
  RegisterSynth(app, context);
}

}  // namespace sotto
