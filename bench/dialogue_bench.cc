// Time of a turn in the orchestrator without its action (policy, events, reply), and of a transfer that has
// reached the disk.
//   bench_dialogue
#include <benchmark/benchmark.h>

#include <filesystem>

#include "action/bank.h"
#include "base/check.h"
#include "dialogue/dialogue.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

std::shared_ptr<const DialogueProgram> Banking() {
  auto parsed = ReadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  SOTTO_CHECK(parsed && parsed->workflow, "workflows/banking");
  auto program = DialogueProgram::Compile(std::make_shared<const Workflow>(std::move(*parsed->workflow)));
  SOTTO_CHECK(program, "{}", program.error().message);
  return *program;
}

// A request, its details, a correction: three turns up to the question whether to go ahead.
void PolicyAndReply(benchmark::State& state) {
  const auto program = Banking();
  const std::vector<TurnInput> turns = {
      CertainInput("move some money", {{"transfer_money", Json::object()}}),
      CertainInput("two hundred from checking to savings",
                   {{"transfer_money",
                     Json{{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}}}}),
      CertainInput("no three hundred",
                   {{"transfer_money",
                     Json{{"amount", 300}, {"from_account", "checking"}, {"to_account", "savings"}}}})};
  int64_t n_turns = 0;
  for (auto _ : state) {
    Dialogue dialogue(program);
    dialogue.Begin("bench");
    for (const TurnInput& turn : turns) {
      Decision decision = dialogue.Turn(turn);
      benchmark::DoNotOptimize(decision);
      ++n_turns;
    }
  }
  state.counters["turn"] = benchmark::Counter(static_cast<double>(n_turns),
                                              benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(PolicyAndReply);

// Every transfer is a transaction of its own, synced to the disk below the build folder.
void DurableTransfer(benchmark::State& state) {
  const std::filesystem::path folder = std::filesystem::current_path() / "bench_dialogue_bank";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  {
    auto bank = Bank::Create(folder / "bank.db");
    SOTTO_CHECK(bank, "{}", bank.error().message);
    int n = 0;
    for (auto _ : state) {
      ActionRequest request;
      request.arguments = {{"amount", 0.01},
                           {"from_account", n % 2 == 0 ? "checking" : "savings"},
                           {"to_account", n % 2 == 0 ? "savings" : "checking"}};
      request.caller = {"1", "text", "", "bench", ""};
      request.idempotency_key = "transfer-" + std::to_string(n++);
      const ToolResult result = (*bank)->Do("transfer", request);
      SOTTO_CHECK(result.ok, "{}", result.failure);
    }
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK(DurableTransfer)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
