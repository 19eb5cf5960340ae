#include "core/pcm16.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sotto {
namespace {

TEST(Pcm16, ClipsAndTakesNoNumberForSilence) {
  EXPECT_EQ(ToPcm16(1.0f), 32767);
  EXPECT_EQ(ToPcm16(-1.0f), -32767);
  EXPECT_EQ(ToPcm16(7.0f), 32767);
  EXPECT_EQ(ToPcm16(-std::numeric_limits<float>::infinity()), -32767);
  EXPECT_EQ(ToPcm16(std::numeric_limits<float>::quiet_NaN()), 0);
}

// Every value comes back as itself from bytes, and within one step from a float.
TEST(Pcm16, ReadsEveryValue) {
  for (int value = -32768; value <= 32767; ++value) {
    const std::string bytes = {static_cast<char>(value & 0xff), static_cast<char>((value >> 8) & 0xff)};
    const std::vector<float> samples = FromPcm16Bytes(bytes);
    ASSERT_EQ(samples.size(), 1u);
    ASSERT_EQ(samples[0], FromPcm16(value));
    ASSERT_NEAR(ToPcm16(samples[0]), value, 1);
  }
}

TEST(Pcm16, BytesAreLittleEndianAndAnOddOneIsLeftOut) {
  const std::vector<float> samples = {1.0f, -1.0f, 0.0f};
  const std::string bytes = ToPcm16Bytes(samples);
  EXPECT_EQ(bytes, std::string("\xff\x7f\x01\x80\x00\x00", 6));
  EXPECT_EQ(FromPcm16Bytes(bytes + "x").size(), 3u);
  const std::vector<int16_t> values = {16384, -32768};
  EXPECT_THAT(FromPcm16(values), testing::ElementsAre(0.5f, -1.0f));
}

}  // namespace
}  // namespace sotto
