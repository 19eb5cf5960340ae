#include "cli/commands.h"

#include "cli/command.h"

namespace sotto {

void RegisterAll([[maybe_unused]] CLI::App& app, [[maybe_unused]] CliContext& context) {
#ifndef SOTTO_NO_BRAIN
  RegisterDemo(app, context);
  RegisterTalk(app, context);
  RegisterChat(app, context);
  RegisterCall(app, context);
  RegisterEval(app, context);
  RegisterTrain(app, context);
  RegisterTestDialogues(app, context);
#endif
  RegisterBank(app, context);
  RegisterCheck(app, context);
  RegisterNew(app, context);
  RegisterGenerate(app, context);
  RegisterModel(app, context);
  RegisterBench(app, context);
  RegisterQuantize(app, context);
  RegisterSynth(app, context);
}

}  // namespace sotto
