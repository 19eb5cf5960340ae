#include "slm/gptq.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "slm/compress_model.h"
#include "slm_test_files.h"
#include "tiny_model.h"

namespace sotto {
namespace {

double Normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.Uniform();
  return sum;
}

// Second moments of inputs whose channels move together, some of them large.
std::vector<double> CorrelatedMoments(size_t n, Random& random) {
  std::vector<double> h(n * n, 0);
  std::vector<double> x(n);
  constexpr int kRows = 600;
  for (int row = 0; row < kRows; ++row) {
    const double common = Normal(random);
    for (size_t j = 0; j < n; ++j)
      x[j] = (j % 13 == 0 ? 6 : 1) * (0.8 * common * (j % 2 == 0 ? 1 : -1) + 0.6 * Normal(random));
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) h[i * n + j] += x[i] * x[j] / kRows;
    }
  }
  return h;
}

TEST(Gptq, FactorOfTheInverse) {
  Random random(1);
  constexpr size_t kN = 64;
  std::vector<double> h = CorrelatedMoments(kN, random);
  const std::vector<double> u = *InverseFactor(h, kN, 1e-9);
  double mean = 0;
  for (size_t i = 0; i < kN; ++i) mean += h[i * kN + i] / kN;
  for (size_t i = 0; i < kN; ++i) h[i * kN + i] += 1e-9 * mean;
  // U^T U H = 1.
  for (size_t i = 0; i < kN; i += 7) {
    for (size_t j = 0; j < kN; j += 5) {
      double sum = 0;
      for (size_t k = 0; k < kN; ++k) {
        double inverse = 0;
        for (size_t l = 0; l <= std::min(i, k); ++l) inverse += u[l * kN + i] * u[l * kN + k];
        sum += inverse * h[k * kN + j];
      }
      EXPECT_NEAR(sum, i == j ? 1.0 : 0.0, 1e-6) << i << " " << j;
    }
  }
  for (size_t i = 0; i < kN; ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_EQ(u[i * kN + j], 0);
  }
  // Channels that never saw anything, and no inputs at all.
  EXPECT_TRUE(InverseFactor(std::vector<double>(kN * kN, 0), kN, 0.01));
  EXPECT_FALSE(InverseFactor(std::vector<double>(kN * kN, std::nan("")), kN, 0.01));
}

TEST(Gptq, OutputsChangeLessThanWithRounding) {
  Random random(2);
  constexpr size_t kN = 128;
  const std::vector<double> h = CorrelatedMoments(kN, random);
  const std::vector<double> u = *InverseFactor(h, kN, 0.01);
  std::vector<double> diagonal(kN);
  for (size_t i = 0; i < kN; ++i) diagonal[i] = h[i * kN + i];
  for (const DType type : {DType::kQ4_0, DType::kQ8_0}) {
    double rounded = 0, weighted = 0, spread = 0;
    for (int row = 0; row < 40; ++row) {
      std::vector<float> w(kN), back(kN);
      for (float& one : w) one = static_cast<float>(0.1 * Normal(random));
      std::vector<std::byte> bytes(RowBytes(type, kN));
      QuantizeRow(type, w, bytes);
      DequantizeRow(type, bytes, back);
      rounded += OutputError(back, w, h);
      WeightedRow(type, w, diagonal, bytes);
      DequantizeRow(type, bytes, back);
      weighted += OutputError(back, w, h);
      std::vector<float> work = w;
      GptqRow(type, work, u, bytes);
      DequantizeRow(type, bytes, back);
      spread += OutputError(back, w, h);
    }
    EXPECT_LT(weighted, rounded) << DTypeName(type);
    EXPECT_LT(spread, 0.6 * rounded) << DTypeName(type);
  }
}

TEST(Gptq, ZeroAndOddRows) {
  std::vector<double> u(32 * 32, 0);
  for (size_t i = 0; i < 32; ++i) u[i * 32 + i] = 1;
  std::vector<float> zero(32, 0), back(32, 1);
  std::vector<std::byte> bytes(RowBytes(DType::kQ4_0, 32));
  GptqRow(DType::kQ4_0, zero, u, bytes);
  DequantizeRow(DType::kQ4_0, bytes, back);
  EXPECT_EQ(back, std::vector<float>(32, 0));
  EXPECT_FALSE(CanGptq(DType::kQ6_K));
}

TinyModel SampleLlama(const char* arch) {
  TinyModel shape;
  shape.arch = arch;
  shape.d = 64;
  shape.n_heads = 4;
  shape.n_kv_heads = 2;
  shape.head_dim = 16;
  shape.n_rot = 16;
  shape.d_ff = 96;
  shape.n_layers = 2;
  return TinyModel::Make(shape);
}

TokenSequences SampleSequences(size_t count, uint64_t seed) {
  Random random(seed);
  TokenSequences sequences(count);
  for (auto& sequence : sequences) {
    for (int i = 0; i < 40; ++i) sequence.push_back(static_cast<TokenId>(random.Below(300)));
  }
  return sequences;
}

class CompressTest : public testing::TestWithParam<std::tuple<const char*, QuantizeMethod>> {};

// Whatever the architecture folds, the file means the same: in eight bits next to nothing changes, in four less
// than with rounding.
TEST_P(CompressTest, StaysCloseToTheModel) {
  const auto [arch, method] = GetParam();
  const TinyModel tiny = SampleLlama(arch);
  const std::shared_ptr<const GgufFile> file = *GgufFile::Parse(tiny.bytes, arch);
  const auto original = Model::FromGguf(file, {.activations = ActivationType::kFloat}).value();
  const TokenSequences texts = SampleSequences(24, 1);
  const TokenSequences held_out = SampleSequences(8, 2);
  const auto kl_of = [&](QuantizeMethod how, QuantizeRecipe recipe) {
    const auto path = TempFile(fmt::format("{}-{}.gguf", arch, QuantizeMethodName(how)));
    const auto done = CompressModel(file, texts, path, {.method = how, .recipe = recipe});
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    if (how != QuantizeMethod::kRtn) {
      for (const CompressedMatrix& one : done->matrices)
        EXPECT_LE(one.error, one.rounded * 1.0001) << one.name;
      EXPECT_GE(done->matrices.size(), 8u);
    }
    const auto model = Model::Load(path, {.activations = ActivationType::kFloat});
    EXPECT_TRUE(model) << (model ? "" : model.error().message);
    return MeasureDivergence(original, *model, held_out, {})->kl;
  };
  EXPECT_LT(kl_of(method, QuantizeRecipe::kQ8_0), 0.01);
  EXPECT_LT(kl_of(method, QuantizeRecipe::kQ4_0), kl_of(QuantizeMethod::kRtn, QuantizeRecipe::kQ4_0));
}

INSTANTIATE_TEST_SUITE_P(Architectures, CompressTest,
                         testing::Combine(testing::Values("llama", "qwen2", "qwen3", "phi3", "gemma2"),
                                          testing::Values(QuantizeMethod::kGptq, QuantizeMethod::kAwq)),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param)) + "_" +
                                  std::string(QuantizeMethodName(std::get<1>(tested.param)));
                         });

TEST(Compress, SaysWhatIsMissing) {
  const TinyModel tiny = SampleLlama("llama");
  const std::shared_ptr<const GgufFile> file = *GgufFile::Parse(tiny.bytes, "llama");
  const auto none = CompressModel(file, {}, TempFile("none.gguf"), {.method = QuantizeMethod::kGptq});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("--calibrate"), std::string::npos);
  EXPECT_FALSE(CompressModel(file, {{1, 999}}, TempFile("none.gguf"), {.method = QuantizeMethod::kAwq}));
  EXPECT_EQ(FindQuantizeMethod("gptq"), QuantizeMethod::kGptq);
  EXPECT_EQ(FindQuantizeMethod("best"), std::nullopt);
}

}  // namespace
}  // namespace sotto
