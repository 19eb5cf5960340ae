// The neural recogniser on one thread, with the published models where they are installed: encoding 1, 3 and
// 8 seconds, a step of 1 and 8 beams, a frame of the voice detector.
//   build/release/bench/bench_acoustic --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <cmath>

#include "acoustic/encoder_decoder.h"
#include "acoustic/voice_activity.h"

namespace sotto {
namespace {

std::vector<float> Sound(double seconds) {
  std::vector<float> samples(static_cast<size_t>(seconds * 16000));
  uint32_t state = 1;
  for (size_t i = 0; i < samples.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    samples[i] = 0.1f * std::sin(0.02f * static_cast<float>(i)) + 1e-10f * static_cast<float>(state >> 8);
  }
  return samples;
}

std::unique_ptr<SpeechEngine> Open(benchmark::State& state, const char* name) {
  const auto path = FindSpeechModel(name);
  if (!path) {
    state.SkipWithError(path.error().message.c_str());
    return nullptr;
  }
  return std::move(*SpeechEngine::Create(SpeechModel::Open(*path).value()));
}

void Encode(benchmark::State& state, const char* name) {
  const auto engine = Open(state, name);
  if (engine == nullptr) return;
  const std::vector<float> sound = Sound(static_cast<double>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(engine->Encode(sound).value());
}

// The 12th token of beams that part at the 6th, of a sound of 3 seconds.
void Step(benchmark::State& state, const char* name) {
  const auto engine = Open(state, name);
  if (engine == nullptr) return;
  std::vector<Beam> beams(1, Beam(engine->Encode(Sound(3)).value()));
  BeamStep step;
  for (TokenId token = 1; token < 12; ++token) {
    if (token == 6) beams.resize(static_cast<size_t>(state.range(0)), beams[0]);
    step.beams.clear();
    step.tokens.clear();
    for (size_t i = 0; i < beams.size(); ++i) {
      step.beams.push_back(&beams[i]);
      step.tokens.push_back(token + static_cast<TokenId>(100 * i));
    }
    (void)engine->Step(step);
  }
  const std::vector<Beam> before = beams;
  for (auto _ : state) {
    for (size_t i = 0; i < beams.size(); ++i) beams[i] = before[i];
    (void)engine->Step(step);
    benchmark::DoNotOptimize(step.log_sum.data());
  }
}

void Voice(benchmark::State& state) {
  const auto path = FindSpeechModel("silero");
  if (!path) return state.SkipWithError(path.error().message.c_str());
  VoiceActivity voice(VoiceActivityModel::Open(*path).value());
  const std::vector<float> sound = Sound(0.032);
  for (auto _ : state) benchmark::DoNotOptimize(voice.Push(sound));
}

BENCHMARK_CAPTURE(Encode, tiny, "moonshine:tiny")->Arg(1)->Arg(3)->Arg(8)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Step, tiny, "moonshine:tiny")->Arg(1)->Arg(3)->Arg(8)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Encode, base, "moonshine:base")->Arg(3)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Step, base, "moonshine:base")->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond);
BENCHMARK(Voice)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
