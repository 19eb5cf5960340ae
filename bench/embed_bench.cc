// The sentence encoder on one thread: a sentence alone and 32 at a time. Takes the installed encoder.
#include <benchmark/benchmark.h>

#include "embed/sentence_encoder.h"

namespace sotto {
namespace {

const std::vector<std::string> kSentences = {
    "pay my bill",
    "what is the weather like in lisbon tomorrow",
    "can you move two hundred dollars from my checking account to my savings account",
    "hello i was on holiday last week and i think that somebody took my card because there is a payment that "
    "i do not "
    "know about and i would like to know what i should do now",
};

void Encode(benchmark::State& state) {
  const auto path = FindSentenceEncoder();
  if (!path) return state.SkipWithError(path.error().message.c_str());
  const auto encoder = SentenceEncoder::Open(*path).value();
  const std::string& text = kSentences[static_cast<size_t>(state.range(0))];
  const std::vector<std::string> texts(static_cast<size_t>(state.range(1)), text);
  for (auto _ : state) benchmark::DoNotOptimize(encoder->EncodeMany(texts));
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.counters["pieces"] = static_cast<double>(encoder->Tokens(text).size());
}
BENCHMARK(Encode)->ArgsProduct({{0, 1, 2, 3}, {1, 32}})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
