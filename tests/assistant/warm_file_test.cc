// The warm file of the shipped banking model.
#include "assistant/warm_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "slm/model.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

TEST(WarmFile, HoldsWhatMayBeKnownFromTheStart) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  ASSERT_TRUE(workflow) << workflow.error().message;
  BrainOptions options;
  options.n_threads = 1;
  const auto brain = Brain::Open(*workflow, {}, options);
  ASSERT_TRUE(brain) << brain.error().message;
  const std::vector<std::string> sentences{
      "what's my savings balance",        "What's my savings balance.", "hello",
      "move 50 from checking to savings", "I want to talk to a person", "um"};
  WarmOptions warm;
  warm.accept.overall = 0.5;
  const auto made = MakeWarmFile(*brain, sentences, warm);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->file.workflow, (*workflow)->hash);
  EXPECT_EQ(made->file.model, (*brain)->model().id());
  ASSERT_FALSE(made->file.entries.empty());
  // What was said most often comes first; punctuation that changes nothing is none.
  EXPECT_EQ(made->file.entries[0].count, 2u);
  EXPECT_EQ(made->file.entries[0].understanding.calls[0].call.name, "check_balance");
  for (const WarmEntry& entry : made->file.entries) {
    EXPECT_NE(entry.understanding.calls[0].call.name, "transfer_money");
    EXPECT_NE(entry.understanding.calls[0].call.name, "speak_to_human");
  }
  EXPECT_GE(made->not_kept, 2u);
  warm.most = 1;
  EXPECT_EQ(MakeWarmFile(*brain, sentences, warm)->file.entries.size(), 1u);
  warm.accept.overall = 1.01;  // nothing passes
  EXPECT_TRUE(MakeWarmFile(*brain, sentences, warm)->file.entries.empty());
}

}  // namespace
}  // namespace sotto
