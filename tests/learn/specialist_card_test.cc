#include "learn/specialist_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sotto {
namespace {

// The command on the card makes the same model again: with what it started from, and all that it read.
TEST(SpecialistCard, TheCommandNamesEverythingThatCounts) {
  Workflow workflow;
  workflow.name = "banking";
  TrainingOptions options;
  options.data = {"workflows/banking/more.jsonl:0.5", "/home/somebody/private/rows.jsonl"};
  CardFacts facts;
  facts.metrics = {{"steps", 500}};
  facts.base = "workflows/base/model.gguf";
  const std::string card = CardText(workflow, options, {}, {}, facts, {});
  EXPECT_THAT(card, testing::HasSubstr("sotto train workflows/banking --steps 500"));
  EXPECT_THAT(card, testing::HasSubstr(" --base workflows/base/model.gguf "
                                       "--data workflows/banking/more.jsonl:0.5 --data rows.jsonl\n"));
  EXPECT_THAT(card, testing::Not(testing::HasSubstr("/home/somebody")));
  facts.base.clear();
  EXPECT_THAT(CardText(workflow, options, {}, {}, facts, {}), testing::Not(testing::HasSubstr("--base")));
}

}  // namespace
}  // namespace sotto
