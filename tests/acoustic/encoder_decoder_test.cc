#include "acoustic/encoder_decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "acoustic/greedy.h"
#include "acoustic/tiny_speech_model.h"

namespace sotto {
namespace {

struct Deviation {
  double max = 0;
  double relative = 0;  // root of squares, relative
};

Deviation DeviationOf(std::span<const float> y, const std::vector<std::vector<double>>& exact) {
  Deviation deviation;
  double square = 0, difference = 0;
  size_t at = 0;
  for (const auto& row : exact) {
    for (const double value : row) {
      const double error = std::fabs(y[at++] - value);
      deviation.max = std::max(deviation.max, error);
      difference += error * error;
      square += value * value;
    }
  }
  EXPECT_EQ(at, y.size());
  deviation.relative = std::sqrt(difference / square);
  return deviation;
}

std::unique_ptr<SpeechEngine> EngineOf(const TinySpeechModel& tiny, SpeechModelOptions options,
                                       SpeechEngineOptions how) {
  how.keep_frames = true;
  auto engine = SpeechEngine::Create(tiny.Open(options), how);
  EXPECT_TRUE(engine.has_value());
  return std::move(*engine);
}

// Logits behind each of the tokens, one step a token.
std::vector<float> LogitsOf(SpeechEngine& engine, const std::shared_ptr<const EncodedSpeech>& speech,
                            std::span<const TokenId> tokens) {
  std::vector<float> all;
  Beam beam(speech);
  for (const TokenId token : tokens) {
    BeamStep step;
    step.beams = {&beam};
    step.tokens = {token};
    EXPECT_TRUE(engine.Step(step).has_value());
    all.insert(all.end(), step.logits.begin(), step.logits.end());
  }
  return all;
}

const std::vector<TokenId> kTokens = {1, 70, 264, 9, 131, 131, 280, 5};

class SpeechEngineOnEveryIsa : public testing::TestWithParam<Isa> {};

TEST_P(SpeechEngineOnEveryIsa, IsTheNaiveForwardPass) {
  const TinySpeechModel tiny = TinySpeechModel::Make({});
  const auto engine = EngineOf(tiny, {.exact = true}, {.isa = GetParam()});
  for (const size_t n : {895u, 16000u, 41000u}) {
    const std::vector<float> sound = SomeSound(n, n);
    const auto speech = engine->Encode(sound);
    ASSERT_TRUE(speech.has_value()) << speech.error().message;
    const auto frames = tiny.NaiveFrames(sound);
    EXPECT_EQ((*speech)->n_frames(), frames.size());
    EXPECT_LT(DeviationOf((*speech)->frames(), frames).max, 2e-4);
    EXPECT_LT(DeviationOf(LogitsOf(*engine, *speech, kTokens), tiny.NaiveLogits(frames, kTokens)).max, 5e-4);
  }
}

TEST_P(SpeechEngineOnEveryIsa, RoundingCostsLittle) {
  TinySpeechModel shape;
  shape.q8 = true;
  const TinySpeechModel tiny = TinySpeechModel::Make(shape);
  const auto engine = EngineOf(tiny, {}, {.isa = GetParam()});
  const std::vector<float> sound = SomeSound(30000, 3);
  const auto speech = engine->Encode(sound).value();
  const auto frames = tiny.NaiveFrames(sound);
  EXPECT_LT(DeviationOf(speech->frames(), frames).relative, 0.03);
  EXPECT_LT(DeviationOf(LogitsOf(*engine, speech, kTokens), tiny.NaiveLogits(frames, kTokens)).relative,
            0.03);
}

TEST_P(SpeechEngineOnEveryIsa, BeamsOfAnyCallersAreBitForBitAsAlone) {
  TinySpeechModel shape;
  shape.q8 = true;
  const TinySpeechModel tiny = TinySpeechModel::Make(shape);
  const auto alone = EngineOf(tiny, {}, {.isa = GetParam()});
  const auto together = EngineOf(tiny, {}, {.isa = GetParam(), .n_threads = 2});
  std::vector<std::vector<float>> expected;
  std::vector<Beam> beams;
  for (size_t i = 0; i < 6; ++i) {
    // Two beams a sound, of different lengths.
    const std::vector<float> sound = SomeSound(9000 + 7000 * (i / 2), i / 2);
    const auto a = alone->Encode(sound).value();
    const auto b = i % 2 == 0 ? together->Encode(sound).value() : beams.back().speech();
    EXPECT_TRUE(std::ranges::equal(a->frames(), b->frames()));
    const std::span<const TokenId> tokens = std::span(kTokens).first(3 + i);
    const std::vector<float> logits = LogitsOf(*alone, a, tokens);
    expected.emplace_back(logits.end() - static_cast<std::ptrdiff_t>(tiny.n_vocab), logits.end());
    beams.emplace_back(b);
    LogitsOf(*together, b, tokens.first(1));  // others in between change nothing
    for (const TokenId token : tokens.first(tokens.size() - 1)) {
      BeamStep step;
      step.beams = {&beams.back()};
      step.tokens = {token};
      ASSERT_TRUE(together->Step(step).has_value());
    }
  }
  BeamStep step;
  for (size_t i = 0; i < beams.size(); ++i) {
    step.beams.push_back(&beams[i]);
    step.tokens.push_back(kTokens[2 + i]);
  }
  ASSERT_TRUE(together->Step(step).has_value());
  for (size_t i = 0; i < beams.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(step.row(i), expected[i])) << i;
    double total = 0;
    for (const float logit : expected[i]) total += std::exp(static_cast<double>(logit));
    EXPECT_NEAR(step.log_sum[i], std::log(total), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, SpeechEngineOnEveryIsa, testing::ValuesIn(SupportedIsas()),
                         [](const auto& isa) { return std::string(IsaName(isa.param)); });

TEST(Beam, BranchesShareWhatTheyHaveInCommon) {
  const TinySpeechModel tiny = TinySpeechModel::Make({});
  const auto engine = EngineOf(tiny, {.exact = true}, {});
  const std::vector<float> sound = SomeSound(16000, 5);
  const auto speech = engine->Encode(sound).value();
  Beam trunk(speech);
  BeamStep step;
  for (const TokenId token : {1, 40, 41}) {
    step.beams = {&trunk};
    step.tokens = {token};
    ASSERT_TRUE(engine->Step(step).has_value());
  }
  Beam left = trunk;
  Beam right = trunk;
  trunk = Beam();
  step.beams = {&left, &right};
  step.tokens = {7, 8};
  ASSERT_TRUE(engine->Step(step).has_value());
  left = right;
  EXPECT_EQ(left.tokens(), (std::vector<TokenId>{1, 40, 41, 8}));
  EXPECT_EQ(right.size(), 4u);
  step.tokens = {9, 10};
  ASSERT_TRUE(engine->Step(step).has_value());
  const auto naive = tiny.NaiveLogits(tiny.NaiveFrames(sound), std::vector<TokenId>{1, 40, 41, 8, 10});
  EXPECT_LT(DeviationOf(step.row(1), {naive.back()}).max, 5e-4);
}

TEST(SpeechEngine, ForcedTextIsWhatStepsGive) {
  const TinySpeechModel tiny = TinySpeechModel::Make({});
  const auto engine = EngineOf(tiny, {.exact = true}, {});
  const auto speech = engine->Encode(SomeSound(20000, 6)).value();
  const std::span<const TokenId> said = std::span(kTokens).subspan(1);
  const ForcedText forced = engine->Force(speech, said).value();
  const std::vector<float> logits = LogitsOf(*engine, speech, kTokens);
  ASSERT_EQ(forced.log_probs.size(), said.size());
  ASSERT_EQ(forced.attention.size(), said.size() * speech->n_frames());
  for (size_t i = 0; i < said.size(); ++i) {
    const std::span<const float> row = std::span(logits).subspan(i * tiny.n_vocab, tiny.n_vocab);
    double total = 0;
    for (const float logit : row) total += std::exp(static_cast<double>(logit));
    EXPECT_NEAR(forced.log_probs[i], row[static_cast<size_t>(said[i])] - std::log(total), 1e-3);
    double attention = 0;
    for (size_t f = 0; f < speech->n_frames(); ++f) attention += forced.attention[i * speech->n_frames() + f];
    EXPECT_NEAR(attention, 1.0, 1e-4);
  }
  EXPECT_TRUE(engine->Force(speech, {})->log_probs.empty());
}

TEST(SpeechEngine, ManyThreadsGetWhatEachGetsAlone) {
  TinySpeechModel shape;
  shape.q8 = true;
  const TinySpeechModel tiny = TinySpeechModel::Make(shape);
  const auto engine = EngineOf(tiny, {}, {.max_batch_beams = 5});
  std::vector<std::string> expected;
  const auto text_of = [&](size_t i) {
    const auto speech = engine->Encode(SomeSound(12000 + 2000 * i, i)).value();
    return DecodeGreedily(*engine, speech).value().text;
  };
  for (size_t i = 0; i < 6; ++i) expected.push_back(text_of(i));
  std::vector<std::string> found(6);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 6; ++i) threads.emplace_back([&, i] { found[i] = text_of(i); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, expected);
  EXPECT_EQ(engine->counters().n_encoded, 12u);
  EXPECT_GE(engine->counters().n_beams, engine->counters().n_steps);
}

TEST(SpeechEngine, RefusesWhatIsNoSpeechWithOneLine) {
  const TinySpeechModel tiny = TinySpeechModel::Make({});
  const auto engine = EngineOf(tiny, {}, {});
  std::vector<float> sound = SomeSound(16000, 1);
  const auto message = [&](std::span<const float> samples) {
    const auto speech = engine->Encode(samples);
    return speech.has_value() ? std::string("encoded") : speech.error().message;
  };
  EXPECT_EQ(message({}), "0.000 s of sound are too short to recognise");
  EXPECT_EQ(message(std::span(sound).first(800)), "0.050 s of sound are too short to recognise");
  EXPECT_EQ(message(std::vector<float>(60 * 16000)), "60.0 s of sound at once, at most 30: cut it at pauses");
  sound[77] = NAN;
  EXPECT_EQ(message(sound), "sample 77 of the sound is no finite number");
  EXPECT_EQ(message(std::vector<float>(16000, 1e30f)), "encoded");
  EXPECT_EQ(message(std::vector<float>(16000, 0.0f)), "encoded");
}

TEST(SpeechEngine, RefusesWrongSteps) {
  const TinySpeechModel tiny = TinySpeechModel::Make({});
  const auto engine = EngineOf(tiny, {}, {.max_batch_beams = 2});
  const auto other = EngineOf(tiny, {}, {});
  const auto speech = engine->Encode(SomeSound(8000, 1)).value();
  Beam a(speech), b(speech), c(speech), foreign(other->Encode(SomeSound(8000, 1)).value()), none;
  const auto message = [&](std::vector<Beam*> beams, std::vector<TokenId> tokens) {
    BeamStep step;
    step.beams = std::move(beams);
    step.tokens = std::move(tokens);
    const auto result = engine->Step(step);
    return result.has_value() ? std::string("done") : result.error().message;
  };
  EXPECT_EQ(message({}, {}), "0 tokens for 0 beams");
  EXPECT_EQ(message({&a}, {1, 1}), "2 tokens for 1 beams");
  EXPECT_EQ(message({&a, &b, &c}, {1, 1, 1}), "3 beams in a step, at most 2");
  EXPECT_EQ(message({&a, &a}, {1, 1}), "beam 1 stands in the step twice");
  EXPECT_EQ(message({&foreign}, {1}), "beam 0 belongs to no sound of this model");
  EXPECT_EQ(message({&none}, {1}), "beam 0 belongs to no sound of this model");
  EXPECT_EQ(message({&a}, {300}), "token 300 of a vocabulary of 300");
  EXPECT_EQ(message({&a}, {-1}), "token -1 of a vocabulary of 300");
  for (int i = 0; i < 60; ++i) EXPECT_EQ(message({&a}, {1}), "done");
  EXPECT_EQ(message({&a}, {1}), "beam 0 is full: 60 tokens");
}

TEST(SpeechModel, RefusesDamagedFilesWithOneLine) {
  const TinySpeechModel tiny = TinySpeechModel::Make({});
  const auto message = [](std::string bytes) {
    const auto gguf = GgufFile::Parse(std::move(bytes), "x.gguf");
    if (!gguf) return gguf.error().message;
    const auto model = SpeechModel::FromGguf(*gguf);
    return model.has_value() ? std::string("opened") : model.error().message;
  };
  EXPECT_EQ(message(tiny.bytes), "opened");
  for (size_t cut = 0; cut < tiny.bytes.size(); cut += tiny.bytes.size() / 23) {
    const std::string why = message(tiny.bytes.substr(0, cut));
    EXPECT_NE(why, "opened") << cut;
    EXPECT_NE(why.find("x.gguf"), std::string::npos) << why;
  }
  TinySpeechModel wrong;
  wrong.n_heads = 5;
  EXPECT_EQ(message(TinySpeechModel::Make(wrong).bytes), "x.gguf: 5 heads do not divide an embedding of 96");
  std::string renamed = tiny.bytes;
  renamed.replace(renamed.find("enc.conv2.bias"), 14, "enc.conv9.bias");
  EXPECT_NE(message(renamed).find("enc.conv2.bias"), std::string::npos) << message(renamed);
}

TEST(FindSpeechModel, SaysHowToGetWhatIsMissing) {
  setenv("SOTTO_CACHE", "/nonexistent", 1);
  EXPECT_EQ(FindSpeechModel("moonshine:base").error().message,
            "the speech model 'moonshine:base' is not installed (/nonexistent/models/moonshine-base.gguf is "
            "missing): "
            "scripts/install-models base fetches it");
  EXPECT_EQ(FindSpeechModel("whisper").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(FindSpeechModel("./none.gguf").error().message, "no speech model ./none.gguf");
  unsetenv("SOTTO_CACHE");
}

}  // namespace
}  // namespace sotto
