#include "cli/commands.h"

#include "cli/command.h"
#include "cli/server_commands.h"

namespace sotto {

void RegisterAll(CLI::App& app, CliContext& context) {
  RegisterDemo(app, context);
  RegisterTalk(app, context);
  RegisterTranscribe(app, context);
  RegisterChat(app, context);
  RegisterServe(app, context);
  RegisterKeys(app, context);
  RegisterAudit(app, context);
  RegisterCall(app, context);
  RegisterEval(app, context);
  RegisterRoute(app, context);
  RegisterCache(app, context);
  RegisterTrain(app, context);
  RegisterLogs(app, context);
  RegisterFlywheel(app, context);
  RegisterLabel(app, context);
  RegisterExplain(app, context);
  RegisterTestDialogues(app, context);
  RegisterBank(app, context);
  RegisterCheck(app, context);
  RegisterNew(app, context);
  RegisterGenerate(app, context);
  RegisterModel(app, context);
  RegisterSpecialist(app, context);
  RegisterAnnotate(app, context);
  RegisterEmbed(app, context);
  RegisterHistory(app, context);
  RegisterCanary(app, context);
  RegisterScreen(app, context);
  RegisterSummarise(app, context);
  RegisterIndex(app, context);
  RegisterAsk(app, context);
  RegisterExtract(app, context);
  RegisterProcess(app, context);
  RegisterBench(app, context);
  RegisterQuantize(app, context);
  RegisterPrune(app, context);
  RegisterDistill(app, context);
  RegisterSynth(app, context);
  RegisterHarvest(app, context);
  RegisterLanguage(app, context);
  RegisterPii(app, context);
}

}  // namespace sotto
