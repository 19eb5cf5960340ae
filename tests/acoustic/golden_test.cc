// The published models against ONNX Runtime: tests/data/acoustic/goldens.json, written by
// scripts/make-acoustic-goldens. Skipped where the models are not installed (scripts/install-models).
#include <gtest/gtest.h>

#include <cmath>

#include "acoustic/encoder_decoder.h"
#include "acoustic/import_model.h"
#include "acoustic/pauses.h"
#include "acoustic/voice_activity.h"
#include "base/cache_folder.h"
#include "base/mapped_file.h"
#include "core/json.h"
#include "temp_folder.h"

namespace sotto {
namespace {

Json Goldens() { return Json::parse(ReadFile(SOTTO_SOURCE_DIR "/tests/data/acoustic/goldens.json").value()); }

// As scripts/make-acoustic-goldens makes it.
std::vector<float> GoldenSound(size_t n) {
  std::vector<float> x(n);
  uint64_t state = 12345;
  int64_t phase = 0;
  for (size_t i = 0; i < n; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const auto noise = static_cast<int64_t>(state >> 48) - 32768;
    phase = (phase + 300 + static_cast<int64_t>(i / 16)) % 65536;
    const auto floor_div = [](int64_t a, int64_t b) { return (a - ((a % b) + b) % b) / b; };
    x[i] = static_cast<float>(floor_div(phase - 32768, 4) + floor_div(noise, 8)) / 32768.0f;
  }
  return x;
}

// Root of the squared difference relative to the goldens, every `step`-th value compared.
double Difference(std::span<const float> values, const Json& golden, size_t step) {
  double square = 0, difference = 0;
  size_t at = 0;
  for (const Json& value : golden) {
    const auto expected = value.get<double>();
    difference += std::pow(values[at] - expected, 2);
    square += expected * expected;
    at += step;
  }
  EXPECT_GE(at + step, values.size());
  return std::sqrt(difference / square);
}

// What it costs to round: none where everything stays float, though ONNX Runtime rounds activations itself.
void CompareMoonshine(const char* size, bool floats, double frames_within, double logits_within) {
  const std::filesystem::path packages = CacheFolder() / "packages";
  const std::filesystem::path paths[] = {packages / fmt::format("moonshine-{}", size),
                                         packages / "llama-tokenizer"};
  if (!std::filesystem::exists(paths[0]) || !std::filesystem::exists(paths[1]))
    GTEST_SKIP() << "scripts/install-models " << size << " was not run";
  const TempFolder folder;
  ASSERT_TRUE(ImportModel(paths, folder.path() / "model.gguf", {.floats = floats}).has_value());
  const auto model = SpeechModel::Open(folder.path() / "model.gguf", {.exact = floats});
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const auto engine = SpeechEngine::Create(*model, {.keep_frames = true}).value();
  const Json golden = Goldens()[size];
  const auto speech = engine->Encode(GoldenSound(golden["n_samples"])).value();
  EXPECT_EQ(speech->n_frames(), golden["n_frames"].get<size_t>());
  const double frames = Difference(speech->frames(), golden["frames"], 97);
  EXPECT_LT(frames, frames_within);
  Beam beam(speech);
  double worst = 0;
  for (size_t i = 0; i < golden["tokens"].size(); ++i) {
    BeamStep step;
    step.beams = {&beam};
    step.tokens = {golden["tokens"][i]};
    ASSERT_TRUE(engine->Step(step).has_value());
    worst = std::max(worst, Difference(step.logits, golden["logits"][i], 1999));
  }
  EXPECT_LT(worst, logits_within);
  fmt::print("{} {}: frames differ by {:.4f}, logits by {:.4f}\n", size, floats ? "float" : "Q8_0", frames,
             worst);
}

TEST(Goldens, TinyInFloat) { CompareMoonshine("tiny", true, 0.10, 0.10); }
TEST(Goldens, TinyAsUsed) { CompareMoonshine("tiny", false, 0.10, 0.10); }
TEST(Goldens, BaseInFloat) { CompareMoonshine("base", true, 0.10, 0.10); }
TEST(Goldens, BaseAsUsed) { CompareMoonshine("base", false, 0.10, 0.10); }

TEST(Goldens, VoiceActivity) {
  const std::filesystem::path paths[] = {CacheFolder() / "packages" / "silero-vad"};
  if (!std::filesystem::exists(paths[0])) GTEST_SKIP() << "scripts/install-models was not run";
  const TempFolder folder;
  ASSERT_TRUE(ImportModel(paths, folder.path() / "vad.gguf", {}).has_value());
  const auto model = VoiceActivityModel::Open(folder.path() / "vad.gguf").value();
  const Json golden = Goldens()["silero"]["voice"];
  const std::vector<float> sound = GoldenSound(512 * golden.size());
  VoiceActivity voice(model);
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < golden.size(); ++i)
      EXPECT_NEAR(voice.Push(std::span(sound).subspan(i * 512, 512)), golden[i].get<float>(), 1e-4) << i;
    voice.Reset();
  }
  EXPECT_TRUE(VoicedParts(std::vector<float>(48000), model).empty());
  std::vector<float> broken(512, NAN);
  const float probability = voice.Push(broken);
  EXPECT_TRUE(probability >= 0 && probability <= 1);
}

}  // namespace
}  // namespace sotto
