#include "server/hearing_buffer.h"

#include <gtest/gtest.h>

#include <array>

namespace sotto {
namespace {

using Frame = std::array<float, kFrameSamples>;

Frame Take(HearingBuffer& buffer) {
  Frame frame;
  buffer.Take(frame);
  return frame;
}

std::vector<float> Tone(size_t frames, float level = 0.5f) {
  return std::vector<float>(frames * kFrameSamples, level);
}

TEST(HearingBuffer, PassesOnWhatItWasGivenAfterAShortWait) {
  HearingBuffer buffer;
  buffer.Put(Tone(1));
  EXPECT_EQ(Take(buffer)[0], 0);  // waits for a little more
  buffer.Put(Tone(1));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Take(buffer)[0], 0.5f);
  EXPECT_EQ(Take(buffer)[0], 0);
}

TEST(HearingBuffer, WaitsLongerAfterAGapInTheMiddleOfSound) {
  HearingBuffer buffer;
  const size_t before = buffer.counters().wait_samples;
  buffer.Put(Tone(2));
  for (int i = 0; i < 3; ++i) Take(buffer);
  EXPECT_EQ(buffer.counters().gaps, 1u);
  EXPECT_GT(buffer.counters().wait_samples, before);
}

TEST(HearingBuffer, ASilenceIsNoGap) {
  HearingBuffer buffer;
  buffer.Put(Tone(2, 0));
  for (int i = 0; i < 5; ++i) Take(buffer);
  EXPECT_EQ(buffer.counters().gaps, 0u);
}

TEST(HearingBuffer, CatchesUpWhereItIsQuiet) {
  HearingBuffer buffer;
  buffer.Put(Tone(40, 0));
  buffer.Put(Tone(1));
  int frames = 0;
  while (Take(buffer)[0] != 0.5f) ASSERT_LT(++frames, 40);
  EXPECT_LT(frames, 30);  // some of the quiet was left out
}

TEST(HearingBuffer, DropsTheOldestOfAFlood) {
  HearingBuffer buffer;
  buffer.Put(Tone(200, 0.25f));
  buffer.Put(Tone(200, 0.5f));
  EXPECT_EQ(buffer.counters().lost_samples, 200 * kFrameSamples);
  EXPECT_EQ(Take(buffer)[0], 0.5f);
}

}  // namespace
}  // namespace sotto
