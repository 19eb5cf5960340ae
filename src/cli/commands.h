// Every subcommand of the program, one file each. Add yours: a declaration here, a line in commands.cc.
#pragma once

namespace CLI {
class App;
}

namespace sotto {

struct CliContext;

void RegisterAnnotate(CLI::App& app, CliContext& context);
void RegisterBank(CLI::App& app, CliContext& context);
void RegisterBench(CLI::App& app, CliContext& context);
void RegisterCache(CLI::App& app, CliContext& context);
void RegisterCall(CLI::App& app, CliContext& context);
void RegisterChat(CLI::App& app, CliContext& context);
void RegisterCheck(CLI::App& app, CliContext& context);
void RegisterEmbed(CLI::App& app, CliContext& context);
void RegisterIndex(CLI::App& app, CliContext& context);
void RegisterAsk(CLI::App& app, CliContext& context);
void RegisterExtract(CLI::App& app, CliContext& context);
void RegisterProcess(CLI::App& app, CliContext& context);
void RegisterEval(CLI::App& app, CliContext& context);
void RegisterExplain(CLI::App& app, CliContext& context);
void RegisterFlywheel(CLI::App& app, CliContext& context);
void RegisterGenerate(CLI::App& app, CliContext& context);
void RegisterHistory(CLI::App& app, CliContext& context);
void RegisterCanary(CLI::App& app, CliContext& context);
void RegisterLabel(CLI::App& app, CliContext& context);
void RegisterLanguage(CLI::App& app, CliContext& context);
void RegisterLogs(CLI::App& app, CliContext& context);
void RegisterModel(CLI::App& app, CliContext& context);
void RegisterNew(CLI::App& app, CliContext& context);
void RegisterPii(CLI::App& app, CliContext& context);
void RegisterQuantize(CLI::App& app, CliContext& context);
void RegisterPrune(CLI::App& app, CliContext& context);
void RegisterDistill(CLI::App& app, CliContext& context);
void RegisterRoute(CLI::App& app, CliContext& context);
void RegisterScreen(CLI::App& app, CliContext& context);
void RegisterSpecialist(CLI::App& app, CliContext& context);
void RegisterSummarise(CLI::App& app, CliContext& context);
void RegisterSynth(CLI::App& app, CliContext& context);
void RegisterHarvest(CLI::App& app, CliContext& context);
void RegisterTestDialogues(CLI::App& app, CliContext& context);
void RegisterTranscribe(CLI::App& app, CliContext& context);
void RegisterTrain(CLI::App& app, CliContext& context);
void RegisterTalk(CLI::App& app, CliContext& context);
void RegisterDemo(CLI::App& app, CliContext& context);

// All of them, in the order of `sotto --help`.
void RegisterAll(CLI::App& app, CliContext& context);

}  // namespace sotto
