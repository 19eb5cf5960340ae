#include <gtest/gtest.h>

#include "nn_test_data.h"

namespace sotto {
namespace {

struct Shape {
  size_t n_rows, n_cols, n_tokens;
};

std::vector<Shape> ShapesFor(DType type) {
  if (BlockSize(type) == 1)
    return {{1, 1, 1}, {7, 5, 3}, {33, 96, 2}, {100, 37, 9}, {65, 1500, 21}, {130, 64, 40}};
  if (BlockSize(type) == 32)
    return {{1, 32, 1}, {17, 96, 3}, {50, 160, 8}, {100, 320, 13}, {37, 1120, 30}, {48, 2048, 9}};
  return {{1, 256, 1}, {17, 256, 3}, {50, 512, 8}, {40, 1280, 13}, {35, 2048, 30}};
}

class MatMulOnEveryIsa : public testing::TestWithParam<DType> {};

TEST_P(MatMulOnEveryIsa, FloatActivationsAreExactToRounding) {
  Random random(1);
  for (const Shape& s : ShapesFor(GetParam())) {
    const TestMatrix w(GetParam(), s.n_rows, s.n_cols, random);
    const std::vector<float> x = RandomFloats(s.n_tokens * s.n_cols, random);
    const std::vector<double> exact = ExactProduct(w.values, s.n_rows, s.n_cols, x, s.n_tokens);
    for (const Isa isa : SupportedIsas()) {
      Compute compute(isa, 1);
      std::vector<float> y(s.n_tokens * s.n_rows, NAN);
      compute.MatMul(w.packed, x.data(), s.n_tokens, y.data(), ActivationMode::kFloat);
      EXPECT_LT(DeviationOf(y, exact).max, 2e-5)
          << IsaName(isa) << " " << s.n_rows << "x" << s.n_cols << "x" << s.n_tokens;
    }
  }
}

TEST_P(MatMulOnEveryIsa, Int8ActivationsEqualTheOracleAndStayNearTheExactProduct) {
  Random random(2);
  for (const Shape& s : ShapesFor(GetParam())) {
    const TestMatrix w(GetParam(), s.n_rows, s.n_cols, random);
    const std::vector<float> x = RandomFloats(s.n_tokens * s.n_cols, random);
    const std::vector<double> exact = ExactProduct(w.values, s.n_rows, s.n_cols, x, s.n_tokens);
    std::vector<float> oracle;
    for (const Isa isa : SupportedIsas()) {
      Compute compute(isa, 1);
      std::vector<float> y(s.n_tokens * s.n_rows, NAN);
      compute.MatMul(w.packed, x.data(), s.n_tokens, y.data(), ActivationMode::kInt8);
      if (isa == Isa::kScalar) {
        oracle = y;
        if (s.n_rows > 1) {
          EXPECT_LT(DeviationOf(y, exact).rms, 0.02) << s.n_rows << "x" << s.n_cols;
        }
      }
      EXPECT_LT(DeviationOf(y, oracle).max, 2e-5)
          << IsaName(isa) << " " << s.n_rows << "x" << s.n_cols << "x" << s.n_tokens;
    }
  }
}

TEST_P(MatMulOnEveryIsa, ResultsDoNotDependOnBatchOrThreads) {
  Random random(3);
  const size_t n_rows = 83;
  const size_t n_cols = 1280;  // more than one panel
  const size_t n_tokens = 45;
  const TestMatrix w(GetParam(), n_rows, n_cols, random);
  const std::vector<float> x = RandomFloats(n_tokens * n_cols, random);
  for (const Isa isa : SupportedIsas()) {
    for (const ActivationMode mode : {ActivationMode::kInt8, ActivationMode::kFloat}) {
      Compute one(isa, 1);
      std::vector<float> single(n_tokens * n_rows);
      for (size_t t = 0; t < n_tokens; ++t)
        one.MatMul(w.packed, &x[t * n_cols], 1, &single[t * n_rows], mode);
      for (const size_t n_threads : {1, 2, 3}) {
        Compute compute(isa, n_threads);
        for (const size_t batch : {2, 3, 7, 8, 9, 45}) {
          std::vector<float> y(n_tokens * n_rows, NAN);
          for (size_t t = 0; t < n_tokens; t += batch) {
            compute.MatMul(w.packed, &x[t * n_cols], std::min(batch, n_tokens - t), &y[t * n_rows], mode);
          }
          ASSERT_EQ(std::memcmp(y.data(), single.data(), y.size() * sizeof(float)), 0)
              << IsaName(isa) << " batch " << batch << " threads " << n_threads;
        }
      }
    }
  }
}

TEST_P(MatMulOnEveryIsa, RowsAreThoseOfTheWholeProduct) {
  Random random(4);
  const size_t n_cols = 512;
  const TestMatrix w(GetParam(), 150, n_cols, random);
  const std::vector<float> x = RandomFloats(11 * n_cols, random);
  const std::vector<int32_t> rows = {149, 3, 0, 16, 3, 77, 144};
  for (const Isa isa : SupportedIsas()) {
    Compute compute(isa, 2);
    for (const size_t n_tokens : {1, 11}) {
      std::vector<float> whole(n_tokens * 150);
      std::vector<float> part(n_tokens * rows.size());
      compute.MatMul(w.packed, x.data(), n_tokens, whole.data(), ActivationMode::kInt8);
      compute.MatMulRows(w.packed, rows, x.data(), n_tokens, part.data(), ActivationMode::kInt8);
      for (size_t t = 0; t < n_tokens; ++t) {
        for (size_t r = 0; r < rows.size(); ++r) {
          EXPECT_EQ(part[t * rows.size() + r], whole[t * 150 + static_cast<size_t>(rows[r])]);
        }
      }
    }
  }
}

TEST_P(MatMulOnEveryIsa, ARowReadBackIsTheRowOfTheFile) {
  Random random(5);
  const size_t n_cols = 768;
  const TestMatrix w(GetParam(), 21, n_cols, random);
  std::vector<float> row(n_cols);
  for (size_t r = 0; r < 21; ++r) {
    w.packed.Row(r, row);
    for (size_t c = 0; c < n_cols; ++c) ASSERT_EQ(row[c], w.values[r * n_cols + c]) << r << " " << c;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, MatMulOnEveryIsa, testing::ValuesIn(kAllDTypes),
                         [](const auto& type) { return std::string(DTypeName(type.param)); });

TEST(MatMulMany, SharesOneInputAmongMatricesOfDifferentTypes) {
  Random random(6);
  const size_t n_cols = 512;
  const TestMatrix a(DType::kQ4_K, 70, n_cols, random);
  const TestMatrix b(DType::kQ6_K, 33, n_cols, random);
  const TestMatrix c(DType::kF16, 20, n_cols, random);
  const TestMatrix d(DType::kQ8_0, 64, n_cols, random);
  const std::vector<float> x = RandomFloats(10 * n_cols, random);
  for (const Isa isa : SupportedIsas()) {
    Compute compute(isa, 2);
    std::vector<float> together(10 * 200, 0.0f);
    const MatMulOutput outputs[] = {{&a.packed, together.data(), 200},
                                    {&b.packed, together.data() + 70, 200},
                                    {&c.packed, together.data() + 103, 200},
                                    {&d.packed, together.data() + 123, 200}};
    compute.MatMulMany(outputs, x.data(), 10, ActivationMode::kInt8);
    size_t column = 0;
    for (const MatMulOutput& output : outputs) {
      const size_t n_rows = output.weights->n_rows();
      std::vector<float> alone(10 * n_rows);
      compute.MatMul(*output.weights, x.data(), 10, alone.data(), ActivationMode::kInt8);
      for (size_t t = 0; t < 10; ++t) {
        for (size_t r = 0; r < n_rows; ++r) ASSERT_EQ(together[t * 200 + column + r], alone[t * n_rows + r]);
      }
      column += n_rows;
    }
    EXPECT_EQ(together[199], 0.0f);
  }
}

TEST(MatMul, ExtremeQuantsDoNotOverflow) {
  // All quants -128 against all activations of one sign: the largest sums there can be.
  const size_t n_cols = 1024;
  std::vector<std::byte> bytes(16 * RowBytes(DType::kQ8_0, n_cols));
  for (size_t i = 0; i < bytes.size(); i += sizeof(BlockQ8_0)) {
    BlockQ8_0 block{FloatToF16(1.0f), {}};
    for (size_t k = 0; k < 32; ++k) block.qs[k] = i / sizeof(BlockQ8_0) % 2 == 0 ? int8_t{-128} : int8_t{127};
    std::memcpy(bytes.data() + i, &block, sizeof(block));
  }
  ThreadTeam team(1);
  const auto w = WeightMatrix::Create(DType::kQ8_0, 16, n_cols, bytes, team);
  ASSERT_TRUE(w.has_value());
  for (const Isa isa : SupportedIsas()) {
    Compute compute(isa, 1);
    for (const float sign : {1.0f, -1.0f}) {
      const std::vector<float> x(n_cols, sign);
      float y[16];
      compute.MatMul(*w, x.data(), 1, y, ActivationMode::kInt8);
      for (const float v : y) EXPECT_NEAR(v, sign * -512.0f, 0.01f) << IsaName(isa);
    }
  }
}

TEST(MatMul, ZeroTokensAreZero) {
  Random random(7);
  const TestMatrix w(DType::kQ4_K, 16, 256, random);
  const std::vector<float> x(256, 0.0f);
  for (const Isa isa : SupportedIsas()) {
    Compute compute(isa, 1);
    float y[16];
    compute.MatMul(w.packed, x.data(), 1, y, ActivationMode::kInt8);
    for (const float v : y) EXPECT_EQ(v, 0.0f);
  }
}

TEST(WeightMatrix, RefusesWrongShapes) {
  ThreadTeam team(1);
  const std::vector<std::byte> bytes(340);
  EXPECT_FALSE(WeightMatrix::Create(DType::kQ8_0, 10, 33, bytes, team).has_value());
  EXPECT_FALSE(WeightMatrix::Create(DType::kQ8_0, 11, 32, bytes, team).has_value());
  EXPECT_FALSE(WeightMatrix::Create(DType::kQ8_0, 0, 32, {}, team).has_value());
  EXPECT_TRUE(WeightMatrix::Create(DType::kQ8_0, 10, 32, bytes, team).has_value());
}

}  // namespace
}  // namespace sotto
