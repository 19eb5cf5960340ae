#include <gtest/gtest.h>

#include <cstdlib>

#include "nn_test_data.h"

namespace sotto {
namespace {

class OnEveryIsa : public testing::TestWithParam<Isa> {
 protected:
  Compute compute_{GetParam(), 2};
  Random random_{1};
};

TEST_P(OnEveryIsa, RmsNorm) {
  for (const size_t n : {1, 15, 16, 96, 1000}) {
    const std::vector<float> x = RandomFloats(3 * n, random_, 3.0f);
    const std::vector<float> weight = RandomFloats(n, random_);
    std::vector<float> y(3 * n);
    compute_.RmsNorm(x.data(), 3, n, weight.data(), 1e-5f, y.data());
    std::vector<double> exact(3 * n);
    for (size_t r = 0; r < 3; ++r) {
      double square = 0;
      for (size_t i = 0; i < n; ++i) square += static_cast<double>(x[r * n + i]) * x[r * n + i];
      const double inverse = 1.0 / std::sqrt(square / static_cast<double>(n) + 1e-5);
      for (size_t i = 0; i < n; ++i) exact[r * n + i] = x[r * n + i] * inverse * weight[i];
    }
    EXPECT_LT(DeviationOf(y, exact).max, 1e-5);
    std::vector<float> in_place = x;
    compute_.RmsNorm(in_place.data(), 3, n, weight.data(), 1e-5f, in_place.data());
    EXPECT_EQ(in_place, y);
  }
}

TEST_P(OnEveryIsa, LayerNorm) {
  const size_t n = 103;
  const std::vector<float> x = RandomFloats(2 * n, random_, 3.0f);
  const std::vector<float> weight = RandomFloats(n, random_);
  const std::vector<float> bias = RandomFloats(n, random_);
  std::vector<float> y(2 * n);
  compute_.LayerNorm(x.data(), 2, n, weight.data(), bias.data(), 1e-12f, y.data());
  std::vector<double> exact(2 * n);
  for (size_t r = 0; r < 2; ++r) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; ++i) mean += x[r * n + i] / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) variance += std::pow(x[r * n + i] - mean, 2) / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) {
      exact[r * n + i] = (x[r * n + i] - mean) / std::sqrt(variance + 1e-12) * weight[i] + bias[i];
    }
  }
  EXPECT_LT(DeviationOf(y, exact).max, 1e-5);
}

TEST_P(OnEveryIsa, RopeBothPairingsPartialWithFactors) {
  const size_t head_dim = 38;
  const size_t n_rot = 28;
  const std::vector<int32_t> positions = {0, 1, 77, 100000};
  for (const RopePairing pairing : {RopePairing::kAdjacent, RopePairing::kHalves}) {
    RopeParams params;
    params.pairing = pairing;
    params.n_rot = n_rot;
    params.magnitude = 1.25;
    for (size_t i = 0; i < n_rot / 2; ++i) params.factors.push_back(1.0f + 0.1f * static_cast<float>(i));
    RopeAngles angles;
    ComputeRopeAngles(params, positions, angles);
    const std::vector<float> x = RandomFloats(4 * 3 * head_dim, random_);
    std::vector<float> y = x;
    compute_.Rope(angles, y.data(), 4, 3, head_dim);
    std::vector<double> exact(x.begin(), x.end());
    for (size_t t = 0; t < 4; ++t) {
      for (size_t h = 0; h < 3; ++h) {
        const size_t at = (t * 3 + h) * head_dim;
        for (size_t i = 0; i < n_rot / 2; ++i) {
          const size_t a = pairing == RopePairing::kAdjacent ? 2 * i : i;
          const size_t b = pairing == RopePairing::kAdjacent ? 2 * i + 1 : i + n_rot / 2;
          const double angle =
              positions[t] * std::pow(10000.0, -2.0 * static_cast<double>(i) / n_rot) / params.factors[i];
          exact[at + a] = 1.25 * (x[at + a] * std::cos(angle) - x[at + b] * std::sin(angle));
          exact[at + b] = 1.25 * (x[at + a] * std::sin(angle) + x[at + b] * std::cos(angle));
        }
      }
    }
    EXPECT_LT(DeviationOf(y, exact).max, 1e-5);
  }
}

TEST_P(OnEveryIsa, Gates) {
  const size_t n = 1003;
  const std::vector<float> gate = RandomFloats(n, random_, 8.0f);
  const std::vector<float> up = RandomFloats(n, random_);
  std::vector<float> silu(n);
  std::vector<float> gelu(n);
  std::vector<float> plain = gate;
  compute_.SiluMul(gate.data(), up.data(), 1, n, silu.data());
  compute_.GeluMul(gate.data(), up.data(), 1, n, gelu.data());
  compute_.Gelu(plain.data(), 1, n);
  for (size_t i = 0; i < n; ++i) {
    const double g = gate[i];
    const double tanh = 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g)));
    EXPECT_NEAR(silu[i], g / (1 + std::exp(-g)) * up[i], 1e-5);
    EXPECT_NEAR(gelu[i], tanh * up[i], 1e-5);
    EXPECT_NEAR(plain[i], tanh, 1e-5);
  }
}

TEST_P(OnEveryIsa, SiluOfExtremesIsFinite) {
  const std::vector<float> gate = {-1e30f, -200.0f, -88.0f, 0.0f, 88.0f, 1e30f};
  const std::vector<float> up(gate.size(), 1.0f);
  std::vector<float> y(gate.size());
  compute_.SiluMul(gate.data(), up.data(), 1, gate.size(), y.data());
  EXPECT_NEAR(y[1], 0.0f, 1e-30f);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_EQ(y[4], 88.0f);
  EXPECT_EQ(y[5], 1e30f);
  for (const float v : y) EXPECT_TRUE(std::isfinite(v));
}

TEST_P(OnEveryIsa, SoftmaxAndSoftcap) {
  for (const size_t n : {1, 17, 1000}) {
    std::vector<float> x = RandomFloats(2 * n, random_, 20.0f);
    const std::vector<float> before = x;
    compute_.Softmax(x.data(), 2, n);
    for (size_t r = 0; r < 2; ++r) {
      double max = -1e30, total = 0;
      for (size_t i = 0; i < n; ++i) max = std::max<double>(max, before[r * n + i]);
      for (size_t i = 0; i < n; ++i) total += std::exp(before[r * n + i] - max);
      for (size_t i = 0; i < n; ++i)
        EXPECT_NEAR(x[r * n + i], std::exp(before[r * n + i] - max) / total, 2e-6);
    }
    std::vector<float> capped = before;
    compute_.Softcap(capped.data(), capped.size(), 30.0f);
    for (size_t i = 0; i < capped.size(); ++i)
      EXPECT_NEAR(capped[i], 30.0 * std::tanh(before[i] / 30.0), 1e-4);
  }
}

TEST_P(OnEveryIsa, AddAxpyScaleBias) {
  const size_t n = 37;
  const std::vector<float> x = RandomFloats(n, random_);
  std::vector<float> y = RandomFloats(2 * n, random_);
  const std::vector<float> before = y;
  compute_.AddBias(x.data(), 2, n, y.data());
  for (size_t i = 0; i < 2 * n; ++i) EXPECT_FLOAT_EQ(y[i], before[i] + x[i % n]);
  y = before;
  compute_.Axpy(0.5f, x.data(), n, y.data());
  compute_.Scale(2.0f, n, y.data());
  for (size_t i = 0; i < n; ++i) EXPECT_NEAR(y[i], 2 * (before[i] + 0.5f * x[i]), 1e-6);
  EXPECT_EQ(y[n], before[n]);
}

INSTANTIATE_TEST_SUITE_P(Isas, OnEveryIsa, testing::ValuesIn(SupportedIsas()),
                         [](const auto& isa) { return std::string(IsaName(isa.param)); });

class ScopedIsa {
 public:
  explicit ScopedIsa(const char* value) { setenv("SOTTO_ISA", value, 1); }
  ~ScopedIsa() { unsetenv("SOTTO_ISA"); }
};

TEST(ChooseIsa, FollowsTheEnvironment) {
  {
    const ScopedIsa forced("scalar");
    EXPECT_EQ(ChooseIsa().value(), Isa::kScalar);
  }
  {
    const ScopedIsa forced("mmx");
    const auto isa = ChooseIsa();
    ASSERT_FALSE(isa.has_value());
    EXPECT_EQ(isa.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(isa.error().message.find("mmx"), std::string::npos);
  }
  const auto isas = SupportedIsas();
  for (const Isa isa : {Isa::kNeon, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    const ScopedIsa forced(std::string(IsaName(isa)).c_str());
    const bool supported = std::find(isas.begin(), isas.end(), isa) != isas.end();
    EXPECT_EQ(ChooseIsa().has_value(), supported);
  }
  EXPECT_EQ(ChooseIsa().value(), isas.back());
}

}  // namespace
}  // namespace sotto
