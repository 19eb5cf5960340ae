#include "nn/block_formats.h"

#include <gtest/gtest.h>

#include "nn_test_data.h"

namespace sotto {
namespace {

template <typename Block>
std::vector<float> Values(DType type, const Block& block) {
  std::vector<float> out(BlockSize(type));
  DequantizeRow(type, std::as_bytes(std::span(&block, 1)), out);
  return out;
}

TEST(BlockFormats, NamesAndIds) {
  for (const DType type : kAllDTypes) {
    EXPECT_EQ(DTypeFromName(DTypeName(type)), type);
    EXPECT_EQ(DTypeFromId(static_cast<uint32_t>(type)), type);
  }
  EXPECT_EQ(DTypeFromName("q4_k"), DType::kQ4_K);
  EXPECT_EQ(DTypeFromName("Q3_K"), std::nullopt);
  EXPECT_EQ(DTypeFromId(3), std::nullopt);
  EXPECT_EQ(RowBytes(DType::kQ6_K, 512), 420u);
}

TEST(BlockFormats, HalvesOfEveryBitPattern) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = F16ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(value))));
    } else {
      ASSERT_EQ(FloatToF16(value), half);
    }
    if (!std::isnan(Bf16ToFloat(half))) {
      ASSERT_EQ(FloatToBf16(Bf16ToFloat(half)), half);
    }
  }
  EXPECT_EQ(F16ToFloat(FloatToF16(65520.0f)), INFINITY);
  EXPECT_EQ(F16ToFloat(FloatToF16(65519.0f)), 65504.0f);
  EXPECT_EQ(F16ToFloat(0x3555), 0.333251953125f);
}

TEST(BlockFormats, Q4_0ByHand) {
  BlockQ4_0 block{FloatToF16(0.5f), {}};
  block.qs[0] = 0xF1;
  block.qs[15] = 0x08;
  const std::vector<float> v = Values(DType::kQ4_0, block);
  EXPECT_EQ(v[0], -3.5f);
  EXPECT_EQ(v[16], 3.5f);
  EXPECT_EQ(v[15], 0.0f);
  EXPECT_EQ(v[31], -4.0f);
}

TEST(BlockFormats, Q5_0ByHand) {
  BlockQ5_0 block{FloatToF16(2.0f), {0x01, 0, 0, 0x80}, {}};
  block.qs[0] = 0x03;
  block.qs[15] = 0x70;
  const std::vector<float> v = Values(DType::kQ5_0, block);
  EXPECT_EQ(v[0], 6.0f);    // 3 + 16 - 16
  EXPECT_EQ(v[31], 14.0f);  // 7 + 16 - 16
  EXPECT_EQ(v[1], -32.0f);
}

TEST(BlockFormats, Q5_1ByHand) {
  BlockQ5_1 block{FloatToF16(2.0f), FloatToF16(-1.0f), {0x01, 0, 0, 0}, {}};
  block.qs[0] = 0x53;
  const std::vector<float> v = Values(DType::kQ5_1, block);
  EXPECT_EQ(v[0], 37.0f);
  EXPECT_EQ(v[16], 9.0f);
  EXPECT_EQ(v[5], -1.0f);
}

TEST(BlockFormats, Q8_0ByHand) {
  BlockQ8_0 block{FloatToF16(0.25f), {}};
  block.qs[0] = -128;
  block.qs[31] = 127;
  const std::vector<float> v = Values(DType::kQ8_0, block);
  EXPECT_EQ(v[0], -32.0f);
  EXPECT_EQ(v[31], 31.75f);
}

TEST(BlockFormats, Q4_KByHand) {
  BlockQ4_K block{FloatToF16(0.5f), FloatToF16(0.25f), {}, {}};
  block.scales[0] = 0x40 | 3;  // sub 0: scale 3; top bits 1 of the scale of sub 4
  block.scales[4] = 0x80 | 5;  // sub 0: min 5; top bits 2 of the min of sub 4
  block.scales[8] = 0x72;      // sub 4: scale 2, min 7
  block.qs[0] = 0x0A;
  block.qs[64] = 0x0F;
  const std::vector<float> v = Values(DType::kQ4_K, block);
  EXPECT_EQ(v[0], 0.5f * 3 * 10 - 0.25f * 5);
  EXPECT_EQ(v[1], -0.25f * 5);
  EXPECT_EQ(v[128], 0.5f * 18 * 15 - 0.25f * 39);
}

TEST(BlockFormats, Q5_KByHand) {
  BlockQ5_K block{FloatToF16(1.0f), FloatToF16(1.0f), {}, {}, {}};
  block.scales[1] = 2;
  block.scales[5] = 1;
  block.qs[3] = 0x90;  // sub 1, value 3: 9
  block.qh[3] = 0x02;  // and its bit 4
  const std::vector<float> v = Values(DType::kQ5_K, block);
  EXPECT_EQ(v[35], 2.0f * 25 - 1.0f);
}

TEST(BlockFormats, Q6_KByHand) {
  BlockQ6_K block{};
  block.d = FloatToF16(0.5f);
  block.scales[0] = 2;
  block.scales[8 + 6] = -3;  // second half, values 96..111
  block.ql[0] = 0x05;
  block.qh[0] = 0x03;        // value 0: 5 + 48
  block.ql[64 + 32] = 0xC0;  // second half, value 96: 12
  block.qh[32] = 0x80;       // + 32
  const std::vector<float> v = Values(DType::kQ6_K, block);
  EXPECT_EQ(v[0], 0.5f * 2 * 21);
  EXPECT_EQ(v[128 + 96], 0.5f * -3 * 12);
  EXPECT_EQ(v[1], -32.0f);
}

struct Bound {
  DType type;
  double rms;  // of normal values, over their rms
};

class RoundTrip : public testing::TestWithParam<Bound> {};

TEST_P(RoundTrip, ErrorIsWithinTheBoundOfTheFormat) {
  Random random(1);
  const std::vector<float> values = RandomFloats(256 * 64, random, 0.02f);
  std::vector<std::byte> bytes(RowBytes(GetParam().type, values.size()));
  QuantizeRow(GetParam().type, values, bytes);
  std::vector<float> back(values.size());
  DequantizeRow(GetParam().type, bytes, back);
  const double error = DeviationOf(back, values).rms;
  EXPECT_LT(error, GetParam().rms) << DTypeName(GetParam().type);
  RecordProperty("rms_error", std::to_string(error));
}

INSTANTIATE_TEST_SUITE_P(Types, RoundTrip,
                         testing::Values(Bound{DType::kF32, 1e-9}, Bound{DType::kF16, 4e-4},
                                         Bound{DType::kBF16, 3e-3}, Bound{DType::kQ8_0, 0.0065},
                                         Bound{DType::kQ5_0, 0.05}, Bound{DType::kQ4_0, 0.095},
                                         Bound{DType::kQ4_K, 0.075}, Bound{DType::kQ6_K, 0.02}),
                         [](const auto& bound) { return std::string(DTypeName(bound.param.type)); });

TEST(QuantizeRow, ConstantAndZeroRows) {
  for (const DType type : kAllDTypes) {
    if (!CanQuantize(type)) continue;
    for (const float value : {0.0f, 0.5f, -0.5f}) {
      const std::vector<float> values(256, value);
      std::vector<std::byte> bytes(RowBytes(type, 256));
      QuantizeRow(type, values, bytes);
      std::vector<float> back(256);
      DequantizeRow(type, bytes, back);
      for (const float v : back) ASSERT_NEAR(v, value, 0.01f) << DTypeName(type) << " " << value;
    }
  }
}

}  // namespace
}  // namespace sotto
