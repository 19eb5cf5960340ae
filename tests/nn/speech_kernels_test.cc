#include <gtest/gtest.h>

#include <cmath>

#include "nn_test_data.h"

namespace sotto {
namespace {

class SpeechKernels : public testing::TestWithParam<Isa> {
 protected:
  Compute compute_{GetParam(), 2};
  Random random_{7};
};

TEST_P(SpeechKernels, GeluErfIsTheExactOne) {
  for (const size_t n : {1, 16, 37, 1152}) {
    std::vector<float> x = RandomFloats(3 * n, random_, 3.0f);
    x[0] = -9.0f;
    const std::vector<float> bias = RandomFloats(n, random_);
    const std::vector<float> before = x;
    compute_.GeluErf(x.data(), bias.data(), 3, n);
    for (size_t i = 0; i < 3 * n; ++i) {
      const double v = static_cast<double>(before[i]) + static_cast<double>(bias[i % n]);
      EXPECT_NEAR(x[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), 2e-6);
    }
    x = before;
    compute_.GeluErf(x.data(), nullptr, 3, n);
    for (size_t i = 0; i < n; ++i) {
      const double v = before[i];
      EXPECT_NEAR(x[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), 2e-6);
    }
  }
}

TEST_P(SpeechKernels, TanhAndSigmoid) {
  const size_t n = 45;
  std::vector<float> x = RandomFloats(2 * n, random_, 4.0f);
  const std::vector<float> before = x;
  compute_.Tanh(x.data(), 2, n);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], std::tanh(before[i]), 1e-6);
  x = before;
  compute_.Sigmoid(x.data(), 2, n);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], 1 / (1 + std::exp(-before[i])), 1e-6);
}

TEST_P(SpeechKernels, GroupNormOverRowsAndColumns) {
  const size_t n_rows = 300, n = 72;
  std::vector<float> x = RandomFloats(n_rows * n, random_, 2.0f);
  for (float& v : x) v += 0.5f;
  const std::vector<float> weight = RandomFloats(n, random_);
  const std::vector<float> bias = RandomFloats(n, random_);
  double mean = 0, variance = 0;
  for (const float v : x) mean += v / static_cast<double>(x.size());
  for (const float v : x) variance += std::pow(v - mean, 2) / static_cast<double>(x.size());
  std::vector<double> exact(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    exact[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * weight[i % n] + bias[i % n];
  Compute alone(GetParam(), 1);
  std::vector<float> y = x;
  compute_.GroupNorm(x.data(), n_rows, n, weight.data(), bias.data(), 1e-5f);
  EXPECT_LT(DeviationOf(x, exact).max, 1e-5);
  alone.GroupNorm(y.data(), n_rows, n, weight.data(), bias.data(), 1e-5f);
  EXPECT_EQ(x, y);
}

TEST_P(SpeechKernels, LogSumExp) {
  for (const size_t n : {1, 17, 32768}) {
    const std::vector<float> x = RandomFloats(2 * n, random_, 9.0f);
    float out[2];
    compute_.LogSumExp(x.data(), 2, n, out);
    for (size_t r = 0; r < 2; ++r) {
      double total = 0;
      for (size_t i = 0; i < n; ++i) total += std::exp(static_cast<double>(x[r * n + i]));
      EXPECT_NEAR(out[r], std::log(total), 1e-4);
    }
  }
}

TEST_P(SpeechKernels, GatheredAttentionIsAttentionAndAloneAsInABatch) {
  const size_t n_heads = 3, head_dim = 36, hd = 48, n_beams = 5;
  const size_t layer_floats = 2 * n_heads * hd;
  std::vector<AlignedBuffer> nodes;
  std::vector<const float*> pointers;
  for (size_t p = 0; p < 40; ++p) {
    nodes.emplace_back(2 * layer_floats * sizeof(float));
    auto* at = reinterpret_cast<float*>(nodes.back().data());
    std::fill_n(at, 2 * layer_floats, 0.0f);
    for (size_t h = 0; h < 4 * n_heads; ++h) {
      const std::vector<float> values = RandomFloats(head_dim, random_);
      std::copy(values.begin(), values.end(), at + h * hd);
    }
    pointers.push_back(at);
  }
  const size_t offset = layer_floats;  // the second layer
  std::vector<GatheredSequence> sequences;
  for (size_t b = 0; b < n_beams; ++b)
    sequences.push_back({std::span(pointers).subspan(b, 1 + 7 * b), offset});
  const std::vector<float> queries = RandomFloats(n_beams * n_heads * head_dim, random_, 2.0f);
  std::vector<float> out(queries.size());
  compute_.GatheredAttention(n_heads, head_dim, 0.3f, sequences, queries.data(), out.data());
  std::vector<double> exact(queries.size());
  for (size_t b = 0; b < n_beams; ++b) {
    for (size_t h = 0; h < n_heads; ++h) {
      const float* q = queries.data() + (b * n_heads + h) * head_dim;
      double total = 0;
      for (const float* position : sequences[b].positions) {
        double score = 0;
        for (size_t i = 0; i < head_dim; ++i) score += q[i] * position[offset + h * hd + i];
        const double weight = std::exp(0.3 * score);
        total += weight;
        for (size_t i = 0; i < head_dim; ++i)
          exact[(b * n_heads + h) * head_dim + i] += weight * position[offset + (n_heads + h) * hd + i];
      }
      for (size_t i = 0; i < head_dim; ++i) exact[(b * n_heads + h) * head_dim + i] /= total;
    }
  }
  EXPECT_LT(DeviationOf(out, exact).max, 1e-5);
  for (size_t b = 0; b < n_beams; ++b) {
    const size_t at = b * n_heads * head_dim;
    std::vector<float> alone(n_heads * head_dim);
    compute_.GatheredAttention(n_heads, head_dim, 0.3f, std::span(sequences).subspan(b, 1),
                               queries.data() + at, alone.data());
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), out.begin() + static_cast<std::ptrdiff_t>(at)));
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, SpeechKernels, testing::ValuesIn(SupportedIsas()),
                         [](const auto& isa) { return std::string(IsaName(isa.param)); });

}  // namespace
}  // namespace sotto
