// Time the text layer takes for one utterance of twenty words: bench_text.
#include <benchmark/benchmark.h>

#include "text/normalise.h"
#include "text/speak.h"
#include "text/spoken_numbers.h"
#include "text/template.h"

namespace sotto {
namespace {

constexpr const char* kUtterance =
    "Please move one thousand two hundred thirty four dollars and five cents to the card ending in four five "
    "three two";

void BM_Normalise(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(NormaliseSpokenWords(kUtterance));
}
BENCHMARK(BM_Normalise)->Unit(benchmark::kMicrosecond);

void BM_ReadNumbers(benchmark::State& state) {
  const std::string spoken = NormaliseSpoken(kUtterance);
  NumberOptions options;
  options.homophones = state.range(0) == 1;
  for (auto _ : state) benchmark::DoNotOptimize(ReadNumbers(spoken, options));
}
BENCHMARK(BM_ReadNumbers)->ArgName("homophones")->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void BM_RenderReply(benchmark::State& state) {
  const auto text =
      ReplyTemplate::Parse("Transfer {amount:money} from {from_account} to card {card:digits}?", "bench");
  const Json values{{"amount", 250.05}, {"from_account", "checking"}, {"card", "4532"}};
  for (auto _ : state) benchmark::DoNotOptimize(text->Render(values));
}
BENCHMARK(BM_RenderReply)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
