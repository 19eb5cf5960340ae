// What a number usually is may depend on another argument: a rent is seldom 15.49.
#include <gtest/gtest.h>

#include "brain/grounding.h"
#include "brain/plain_answer.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

std::string FirstAmount(const std::vector<Turn>& history, std::string_view utterance) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking").value();
  const ToolDef* tool = workflow->FindTool("pay_bill");
  const OfferedTool offered = MakeOfferedTool(ToToolSpec(*tool), tool, /*grounding=*/true);
  const Grounding grounding(*workflow->language_data, history, utterance);
  for (const GroundedValue& value : grounding.Candidates(*offered.Find("amount")))
    if (value.unfit.empty()) return value.literal;
  return "";
}

Turn PaysTo(const char* payee) {
  return {"i want to pay a bill", {}, {{"pay_bill", Json{{"payee", payee}}}}};
}

TEST(UsualNumbers, DependOnTheValueThatIsNamed) {
  EXPECT_EQ(FirstAmount({}, "pay netflix fifteen forty nine"), "15.49");
  EXPECT_EQ(FirstAmount({}, "pay my landlord fifteen forty nine"), "1549");
  EXPECT_EQ(FirstAmount({}, "oakwood apartments eighteen fifty"), "1850");
}

TEST(UsualNumbers, DependOnTheLastValueThatTheOtherSlotHad) {
  EXPECT_EQ(FirstAmount({PaysTo("landlord")}, "fifteen forty nine"), "1549");
  EXPECT_EQ(FirstAmount({PaysTo("landlord"), PaysTo("Netflix")}, "fifteen forty nine"), "15.49");
  EXPECT_EQ(FirstAmount({PaysTo("landlord")}, "no pay netflix fifteen forty nine"), "15.49");
}

TEST(UsualNumbers, HoldForAnAnswerThatIsNothingElse) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking").value();
  const ToolDef* tool = workflow->FindTool("pay_bill");
  const std::vector<OfferedTool> tools{MakeOfferedTool(ToToolSpec(*tool), tool, /*grounding=*/true)};
  const Expectation asked{Expectation::Kind::kSlots, "pay_bill", {"amount"}};
  const auto answer = [&](const Turn& before) {
    return PlainAnswer(*workflow->language_data, asked, tools, {&before, 1}, "nine eighty", Channel::kSpoken)
        ->call.arguments.at("amount");
  };
  EXPECT_EQ(answer(PaysTo("landlord")), 980);
  EXPECT_EQ(answer(PaysTo("Netflix")), 9.8);
}

TEST(UsualNumbers, OnlyDecideBetweenReadings) {
  EXPECT_EQ(FirstAmount({}, "pay my landlord fifteen dollars and forty nine cents"), "15.49");
  EXPECT_EQ(FirstAmount({}, "pay netflix one thousand five hundred forty nine"), "1549");
}

}  // namespace
}  // namespace sotto
