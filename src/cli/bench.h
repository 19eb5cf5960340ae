// The subcommands of `sotto bench`, one file each: add yours here and in bench.cc.
#pragma once

namespace CLI {
class App;
}

namespace sotto {

struct CliContext;

void RegisterBenchEngine(CLI::App& bench, CliContext& context);
void RegisterBenchBrain(CLI::App& bench, CliContext& context);
void RegisterBenchSpeech(CLI::App& bench, CliContext& context);
void RegisterBenchVoice(CLI::App& bench, CliContext& context);
void RegisterBenchSoak(CLI::App& bench, CliContext& context);
void RegisterBenchBargeIn(CLI::App& bench, CliContext& context);
void RegisterBenchEars(CLI::App& bench, CliContext& context);
void RegisterBenchNetwork(CLI::App& bench, CliContext& context);
void RegisterBenchServe(CLI::App& bench, CliContext& context);
void RegisterBenchHostile(CLI::App& bench, CliContext& context);
void RegisterBenchManyCalls(CLI::App& bench, CliContext& context);
void RegisterBenchRetrieve(CLI::App& bench, CliContext& context);

}  // namespace sotto
