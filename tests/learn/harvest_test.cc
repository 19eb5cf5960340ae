#include "learn/harvest.h"

#include <gmock/gmock.h>

namespace sotto {
namespace {

TEST(HarvestTest, AlignsWhatWasHeardWithWhatWasSaid) {
  EXPECT_THAT(AlignHeard("check my savings balance", "check my save ins balance"),
              testing::ElementsAre(HeardAs{"savings", "save ins"}));
  EXPECT_THAT(AlignHeard("cancel my debit card", "cancel my dead it cart"), testing::IsEmpty());
  EXPECT_THAT(AlignHeard("pay the bill", "pay bill now"), testing::IsEmpty());
  EXPECT_THAT(AlignHeard("transfer two hundred", "transform two hundred"),
              testing::ElementsAre(HeardAs{"transfer", "transform"}));
  EXPECT_THAT(AlignHeard("", "uh"), testing::IsEmpty());
}

TEST(HarvestTest, CountsAndWritesTheFrequentOnes) {
  ConfusionCounts counts;
  counts.Add("my savings please", "my save ins please");
  counts.Add("my savings please", "my save ins please");
  counts.Add("my savings please", "my shavings please");
  counts.Add("my checking please", "my checking please");
  EXPECT_EQ(counts.ToTable(2, 4), "savings\tsave ins\n");
  EXPECT_EQ(counts.ToTable(1, 4), "savings\tsave ins\tshavings\n");
  EXPECT_EQ(counts.ToTable(1, 1), "savings\tsave ins\n");
  EXPECT_EQ(WordEdits("my savings please", "my save ins please"), 2u);
  EXPECT_NEAR(counts.word_error_rate(), 5.0 / 12, 1e-9);
}

}  // namespace
}  // namespace sotto
