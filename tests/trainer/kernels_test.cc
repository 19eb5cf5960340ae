#include "trainer/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace sotto {
namespace {

std::vector<float> RandomFloats(size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(random.Uniform() * 2 - 1);
  return values;
}

std::vector<Bf16> ToBf16(const std::vector<float>& values) {
  std::vector<Bf16> out(values.size());
  TrainerKernelsOf(Isa::kScalar)
      .of_bf16.convert(values.data(), out.data(), static_cast<int64_t>(values.size()));
  return out;
}

std::vector<float> ToFloat(const std::vector<Bf16>& values) {
  std::vector<float> out(values.size(), 0.0f);
  TrainerKernelsOf(Isa::kScalar)
      .of_bf16.accumulate(values.data(), out.data(), static_cast<int64_t>(values.size()));
  return out;
}

// Largest difference relative to the largest value.
double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 1e-9;
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return difference / largest;
}

struct Gradients {
  std::vector<float> out, lse, d_qkv, d_q_gain, d_k_gain;
};

template <typename T>
struct AttentionCase {
  AttentionShape shape;
  std::vector<int> starts{0, 5, 46, 47, 144};  // shorter and longer than blocks of tiles
  std::vector<T> qkv, d_out;
};

Gradients RunAttention(const KernelTable<float>& kernels, const AttentionCase<float>& c) {
  const auto n = static_cast<size_t>(c.starts.back());
  const auto width = static_cast<size_t>(c.shape.n_heads * c.shape.head_dim);
  const auto dim = static_cast<size_t>(c.shape.head_dim);
  Gradients g{std::vector<float>(n * width), std::vector<float>(n * static_cast<size_t>(c.shape.n_heads)),
              std::vector<float>(c.qkv.size()), std::vector<float>(dim), std::vector<float>(dim)};
  kernels.attention(c.shape, c.starts, c.qkv.data(), g.out.data(), g.lse.data());
  kernels.attention_backward(c.shape, c.starts, c.qkv.data(), g.out.data(), g.lse.data(), c.d_out.data(),
                             g.d_qkv.data(), g.d_q_gain.data(), g.d_k_gain.data());
  return g;
}

Gradients RunAttention(const KernelTable<Bf16>& kernels, const AttentionCase<Bf16>& c) {
  const auto n = static_cast<size_t>(c.starts.back());
  const auto width = static_cast<size_t>(c.shape.n_heads * c.shape.head_dim);
  const auto dim = static_cast<size_t>(c.shape.head_dim);
  std::vector<Bf16> out(n * width);
  std::vector<Bf16> d_qkv(c.qkv.size());
  Gradients g{{},
              std::vector<float>(n * static_cast<size_t>(c.shape.n_heads)),
              {},
              std::vector<float>(dim),
              std::vector<float>(dim)};
  kernels.attention(c.shape, c.starts, c.qkv.data(), out.data(), g.lse.data());
  kernels.attention_backward(c.shape, c.starts, c.qkv.data(), out.data(), g.lse.data(), c.d_out.data(),
                             d_qkv.data(), g.d_q_gain.data(), g.d_k_gain.data());
  g.out = ToFloat(out);
  g.d_qkv = ToFloat(d_qkv);
  return g;
}

void ExpectNear(const Gradients& expected, const Gradients& got, double tolerance) {
  EXPECT_LT(Distance(expected.out, got.out), tolerance);
  EXPECT_LT(Distance(expected.lse, got.lse), tolerance);
  EXPECT_LT(Distance(expected.d_qkv, got.d_qkv), tolerance);
  EXPECT_LT(Distance(expected.d_q_gain, got.d_q_gain), tolerance);
  EXPECT_LT(Distance(expected.d_k_gain, got.d_k_gain), tolerance);
}

class KernelsTest : public testing::TestWithParam<Isa> {
 protected:
  const TrainerKernels portable_ = TrainerKernelsOf(Isa::kScalar);
  const TrainerKernels kernels_ = TrainerKernelsOf(GetParam());
};

TEST_P(KernelsTest, AttentionIsThatOfPortableFloats) {
  for (const int dim : {32, 64, 128}) {
    SCOPED_TRACE(dim);
    const auto positions = static_cast<size_t>(97 * dim / 2);
    const std::vector<float> angles = RandomFloats(positions, 1);
    std::vector<float> cosines(positions), sines(positions);
    for (size_t i = 0; i < positions; ++i) {
      cosines[i] = std::cos(3 * angles[i]);
      sines[i] = std::sin(3 * angles[i]);
    }
    const std::vector<float> q_gain = RandomFloats(static_cast<size_t>(dim), 2);
    const std::vector<float> k_gain = RandomFloats(static_cast<size_t>(dim), 3);
    AttentionCase<Bf16> low;
    low.shape = {4, 2, dim, 1e-6f, cosines.data(), sines.data(), q_gain.data(), k_gain.data()};
    low.qkv = ToBf16(RandomFloats(static_cast<size_t>(144 * low.shape.row_size()), 4));
    low.d_out = ToBf16(RandomFloats(static_cast<size_t>(144 * 4 * dim), 5));
    AttentionCase<float> full{low.shape, low.starts, ToFloat(low.qkv), ToFloat(low.d_out)};
    const Gradients expected = RunAttention(portable_.of_float, full);
    ExpectNear(expected, RunAttention(kernels_.of_float, full), 1e-4);
    ExpectNear(expected, RunAttention(kernels_.of_bf16, low), 0.03);
  }
}

TEST_P(KernelsTest, NormsAndSwigluAreThoseOfPortableFloats) {
  constexpr int kRows = 7;
  constexpr int kWidth = 96;
  const std::vector<float> x = RandomFloats(kRows * kWidth, 1);
  const std::vector<float> y = RandomFloats(kRows * kWidth, 2);
  const std::vector<float> gain = RandomFloats(kWidth, 3);
  const std::vector<float> gates = RandomFloats(2 * kRows * kWidth, 4);
  const auto run = [&](const KernelTable<float>& k) {
    std::vector<std::vector<float>> all(7, std::vector<float>(2 * kRows * kWidth));
    k.residual_norm(x.data(), y.data(), gain.data(), all[0].data(), all[1].data(), all[2].data(), kRows,
                    kWidth, 1e-6f);
    k.residual_norm_backward(y.data(), x.data(), gain.data(), all[2].data(), all[3].data(), nullptr,
                             all[4].data(), kRows, kWidth);
    k.swiglu(gates.data(), all[5].data(), kRows, kWidth);
    k.swiglu_backward(gates.data(), y.data(), all[6].data(), kRows, kWidth);
    return all;
  };
  const auto expected = run(portable_.of_float);
  const auto got = run(kernels_.of_float);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_LT(Distance(expected[i], got[i]), 1e-5) << i;
}

TEST_P(KernelsTest, OptimizerMovesAsPortableFloatsDo) {
  constexpr size_t kSize = 83;  // whole vectors and a rest
  const auto run = [&](const OptimizerKernels& k) {
    const std::vector<float> g = RandomFloats(kSize, 1);
    std::vector<std::vector<float>> all;
    for (uint64_t seed = 2; seed < 6; ++seed) all.push_back(RandomFloats(kSize, seed));
    for (float& v : all[2]) v = std::abs(v);  // the second moment
    k.nesterov(g.data(), all[0].data(), all[1].data(), kSize, 0.95f);
    k.adam(g.data(), all[0].data(), all[2].data(), all[3].data(), kSize, {0.5f, 0.9f, 0.95f, 0.01f, 1.2f});
    k.move(ToBf16(g).data(), all[3].data(), kSize, 0.1f, 0.99f);
    all.push_back({static_cast<float>(k.sum_of_squares(g.data(), kSize))});
    return all;
  };
  const auto expected = run(portable_.of_optimizer);
  const auto got = run(kernels_.of_optimizer);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_LT(Distance(expected[i], got[i]), 1e-5) << i;
}

TEST_P(KernelsTest, CrossEntropyIsThatOfPortableFloats) {
  constexpr int kRows = 3;
  constexpr int kWords = 75;
  const std::vector<int32_t> targets{0, 74, 33};
  const std::vector<float> weights{1.0f, 0.1f, 0.0f};
  const auto run = [&](const KernelTable<float>& k, std::vector<RowScore>& scores) {
    std::vector<float> logits = RandomFloats(kRows * kWords, 9);
    k.cross_entropy(logits.data(), kRows, kWords, kWords, targets.data(), weights.data(), scores.data());
    return logits;
  };
  std::vector<RowScore> expected(kRows), got(kRows);
  EXPECT_LT(Distance(run(portable_.of_float, expected), run(kernels_.of_float, got)), 1e-5);
  for (size_t i = 0; i < kRows; ++i) {
    EXPECT_NEAR(expected[i].loss, got[i].loss, 1e-4);
    EXPECT_EQ(expected[i].hit, got[i].hit);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, KernelsTest, testing::ValuesIn(SupportedIsas()),
                         [](const auto& level) { return std::string(IsaName(level.param)); });

}  // namespace
}  // namespace sotto
