// Words that mean something else together name no value of a list.
#include <gtest/gtest.h>

#include "brain/grounding.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

// The values of a slot that a sentence lets the model choose from; those that were meant but are none left out.
std::vector<std::string> Choices(const char* tool_name, const char* slot, std::string_view utterance) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking").value();
  const ToolDef* tool = workflow->FindTool(tool_name);
  const OfferedTool offered = MakeOfferedTool(ToToolSpec(*tool), tool, /*grounding=*/true);
  const Grounding grounding(*workflow->language_data, {}, utterance);
  std::vector<std::string> values;
  for (const GroundedValue& value : grounding.Candidates(*offered.Find(slot)))
    values.push_back(value.unfit.empty() ? value.value.get<std::string>() : value.unfit);
  return values;
}

using Strings = std::vector<std::string>;

TEST(Idioms, NameNothing) {
  EXPECT_EQ(Choices("check_balance", "account_type", "just checking how much money i have"), Strings{});
  EXPECT_EQ(Choices("check_balance", "account_type", "saving grace, check my balance"), Strings{});
  EXPECT_EQ(Choices("cancel_card", "card_type", "give me credit for trying, cancel a card"), Strings{});
  // Nor is a neighbour inferred.
  EXPECT_EQ(Choices("cancel_card", "reason", "cancel it, i am missing nothing by it"), Strings{});
  EXPECT_EQ(Choices("speak_to_human", "department", "connect me to the loan shark"), Strings{});
}

TEST(Idioms, LeaveWhatIsNamedBesideThem) {
  EXPECT_EQ(Choices("check_balance", "account_type", "just checking how much is in checking"),
            Strings{"checking"});
  EXPECT_EQ(Choices("check_balance", "account_type", "just checking"), Strings{"checking"});
  EXPECT_EQ(Choices("check_balance", "account_type", "the one i'm saving for a car with, my savings"),
            Strings{"savings"});
}

TEST(Idioms, AreNotNeededForAValueToBeNone) {
  const std::vector<std::string> choices =
      Choices("get_statement", "period", "statement for the last decade");
  ASSERT_FALSE(choices.empty());
  for (const std::string& choice : choices) EXPECT_EQ(choice, kNotListed);
}

}  // namespace
}  // namespace sotto
