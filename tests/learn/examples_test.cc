#include "learn/examples.h"

#include <gtest/gtest.h>

#include "test_workflow.h"

namespace sotto {
namespace {

class ExamplesTest : public testing::Test {
 protected:
  ExamplesTest() {
    Slot reason = TestSlot("reason", Entity::Type::kEnum, {"lost", "stolen"}, false);
    reason.entity_name = "reason";
    reason.entity.values[1].synonyms = {"someone took it", "stole"};
    Slot power = TestSlot("power", Entity::Type::kEnum, {"on", "off"}, false);
    power.entity_name = "power";
    tool_.name = "block_phone";
    tool_.slots = {reason, power, TestSlot("number", Entity::Type::kDigits, {}, true)};
    workflow_->tools.push_back(tool_);
    auto book = PhraseBook::Load(*workflow_);
    EXPECT_TRUE(book);
    book_ = *std::move(book);
  }
  std::string Of(std::string_view example) const { return ExampleAsPattern(book_, tool_, example); }

  std::shared_ptr<Workflow> workflow_ = TestWorkflow();
  ToolDef tool_;
  PhraseBook book_;
};

TEST_F(ExamplesTest, SpokenFormAroundSlots) {
  EXPECT_EQ(Of("I'd like to block {number}, please!"), "id like to block {number} please");
  EXPECT_EQ(Of("{number}'s phone"), "{number}s phone");
  EXPECT_EQ(Of("{number}"), "{number}");
}

TEST_F(ExamplesTest, AValueThatIsSaidIsMeant) {
  EXPECT_EQ(Of("Somebody STOLE my phone"), "somebody stole my phone @reason=stolen");
  EXPECT_EQ(Of("my phone is lost"), "my phone is lost @reason=lost");
  EXPECT_EQ(Of("my phone was {reason} and not lost"), "my phone was {reason} and not lost")
      << "a slot is there";
  EXPECT_EQ(Of("lost or stolen, I don't know"), "lost or stolen i dont know") << "two values";
  EXPECT_EQ(Of("put a block on my phone"), "put a block on my phone") << "a small word alone says nothing";
  EXPECT_EQ(Of("it's gone @reason=stolen"), "its gone @reason=stolen");
}

TEST_F(ExamplesTest, SlotsOfOneEntityAreNotToldApart) {
  const ToolDef& move = *workflow_->FindTool("move_money");
  EXPECT_EQ(ExampleAsPattern(book_, move, "Move it to checking"), "move it to checking");
}

}  // namespace
}  // namespace sotto
