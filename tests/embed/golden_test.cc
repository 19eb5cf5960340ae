// The published encoder against its own package in node: tests/data/embed/goldens.json, written by
// scripts/make-embed-goldens. Skipped where it is not installed (scripts/install-models).
#include <gtest/gtest.h>

#include <cmath>

#include "base/cache_folder.h"
#include "base/mapped_file.h"
#include "core/json.h"
#include "embed/import_sentence_encoder.h"
#include "embed/sentence_encoder.h"
#include "temp_folder.h"

namespace sotto {
namespace {

class EncoderGoldens : public testing::Test {
 protected:
  void SetUp() override {
    package_ = CacheFolder() / "packages" / "sentence-encoder";
    if (!std::filesystem::exists(package_ / "integrity"))
      GTEST_SKIP() << "scripts/install-models was not run";
    goldens_ = Json::parse(ReadFile(SOTTO_SOURCE_DIR "/tests/data/embed/goldens.json").value())["sentences"];
    ASSERT_GT(goldens_.size(), 30u);
  }

  std::shared_ptr<const SentenceEncoder> Open(bool floats) {
    const auto path = folder_ / "encoder.gguf";
    const auto name = ImportSentenceEncoderFolder(package_, path, {.floats = floats});
    EXPECT_TRUE(name.has_value()) << name.error().message;
    return SentenceEncoder::Open(path, {.exact = floats}).value();
  }

  // The largest difference of a number, and the largest angle between the vectors as 1 - cosine of what is kept.
  std::pair<double, double> Differences(const SentenceEncoder& encoder) {
    double worst = 0, angle = 0;
    for (const Json& golden : goldens_) {
      const std::vector<float> vector = encoder.Encode(golden["text"].get<std::string>());
      EXPECT_NEAR(Cosine(vector, vector), 1.0, 1e-5);
      double dot = 0, a = 0, b = 0;
      for (size_t i = 0; i < golden["vector"].size(); ++i) {
        const double expected = golden["vector"][i];
        const auto value = static_cast<double>(vector[16 * i]);
        worst = std::max(worst, std::abs(expected - value));
        dot += expected * value;
        a += expected * expected;
        b += value * value;
      }
      angle = std::max(angle, 1 - dot / std::sqrt(a * b));
    }
    return {worst, angle};
  }

  std::filesystem::path package_;
  Json goldens_;
  TempFolder folder_;
};

TEST_F(EncoderGoldens, PiecesAreThoseOfThePackage) {
  const auto encoder = Open(true);
  for (const Json& golden : goldens_) {
    auto expected = golden["tokens"].get<std::vector<int32_t>>();
    if (expected.size() > SentenceEncoder::kMaxTokens) expected.resize(SentenceEncoder::kMaxTokens);
    EXPECT_EQ(encoder->Tokens(golden["text"].get<std::string>()), expected) << golden["text"];
  }
}

TEST_F(EncoderGoldens, InFloatTheSameNumbers) {
  const auto [worst, angle] = Differences(*Open(true));
  fmt::print("float: numbers differ by {:.2e}, 1 - cosine {:.2e}\n", worst, angle);
  EXPECT_LT(worst, 5e-6);
}

TEST_F(EncoderGoldens, AsUsedNearlyTheSameDirection) {
  const auto [worst, angle] = Differences(*Open(false));
  fmt::print("Q8_0: numbers differ by {:.2e}, 1 - cosine {:.2e}\n", worst, angle);
  EXPECT_LT(worst, 0.01);
  EXPECT_LT(angle, 0.005);
}

}  // namespace
}  // namespace sotto
