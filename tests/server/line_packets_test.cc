#include "server/line_packets.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

std::vector<float> FrameOf(float level) { return std::vector<float>(kFrameSamples, level); }

TEST(LinePackets, TwoFramesAreAPacket) {
  LinePackets packets;
  EXPECT_TRUE(packets.Add(FrameOf(0.25F), false).empty());
  const auto packet = packets.Add(FrameOf(0.5F), false);
  ASSERT_EQ(packet.size(), 2 * kFrameSamples);
  EXPECT_EQ(packet.front(), 0.25F);
  EXPECT_EQ(packet.back(), 0.5F);
  EXPECT_TRUE(packets.Add(FrameOf(0.75F), false).empty());
  EXPECT_EQ(packets.Add(FrameOf(0), false).front(), 0.75F);
}

TEST(LinePackets, SilenceIsSentOnlyRightAfterSpeech) {
  LinePackets packets;
  const auto sent = [&](bool first_silent, bool second_silent) {
    packets.Add(FrameOf(0), first_silent);
    return !packets.Add(FrameOf(0), second_silent).empty();
  };
  EXPECT_FALSE(sent(true, true));
  EXPECT_TRUE(sent(false, true));  // speech in half of it
  EXPECT_TRUE(sent(true, true));
  EXPECT_TRUE(sent(true, true));
  EXPECT_FALSE(sent(true, true));
  EXPECT_TRUE(sent(true, false));
}

}  // namespace
}  // namespace sotto
