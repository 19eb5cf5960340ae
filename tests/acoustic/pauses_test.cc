#include "acoustic/pauses.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(SplitAtPauses, CutsInTheQuietestMoment) {
  std::vector<float> sound(16000 * 30, 0.5f);
  std::fill(sound.begin() + 16000 * 12, sound.begin() + 16000 * 13, 0.01f);
  const auto parts = SplitAtPauses(sound, 16000);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].begin, 0u);
  EXPECT_EQ(parts[0].end, parts[1].begin);
  EXPECT_EQ(parts[1].end, sound.size());
  EXPECT_GE(parts[0].end, 16000u * 12);
  EXPECT_LE(parts[0].end, 16000u * 13);
}

TEST(SplitAtPauses, ShortIsOnePartAndLongIsCutWhateverItIs) {
  EXPECT_TRUE(SplitAtPauses({}, 16000).empty());
  EXPECT_EQ(SplitAtPauses(std::vector<float>(16000), 16000).size(), 1u);
  const std::vector<float> sound(16000 * 100, 0.1f);
  size_t at = 0;
  for (const SoundPart& part : SplitAtPauses(sound, 16000)) {
    EXPECT_EQ(part.begin, at);
    EXPECT_LE(part.end - part.begin, 16000u * 20);
    at = part.end;
  }
  EXPECT_EQ(at, sound.size());
}

}  // namespace
}  // namespace sotto
