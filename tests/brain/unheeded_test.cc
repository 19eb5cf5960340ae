#include "brain/unheeded.h"

#include <gtest/gtest.h>

#include "workflow/parse.h"

namespace sotto {
namespace {

// "from_account not_a_value credit", for each value that a sentence names and the call leaves out.
std::vector<std::string> Unheeded(const char* folder, const char* tool_name, std::string_view utterance,
                                  const Json& arguments, Channel channel = Channel::kTyped) {
  const auto workflow = LoadWorkflow(std::string(SOTTO_SOURCE_DIR "/workflows/") + folder).value();
  const ToolDef* tool = workflow->FindTool(tool_name);
  const OfferedTool offered = MakeOfferedTool(ToToolSpec(*tool), tool, /*grounding=*/true);
  const CallDay day{ParseDate("2026-12-01"), false};
  const Grounding grounding(*workflow->language_data, {}, utterance, channel, day);
  std::vector<std::string> found;
  for (const UnfitValue& unfit :
       UnheededValues(*workflow, *tool, offered, utterance, grounding, channel, day, {tool_name, arguments}))
    found.push_back(unfit.argument + " " + unfit.why +
                    (unfit.value.is_string() ? " " + unfit.value.get<std::string>() : ""));
  return found;
}

using Strings = std::vector<std::string>;

TEST(Unheeded, AccountsThatTheToolLeavesOut) {
  const Json call{{"payee", "Geico"}, {"amount", 120}};
  const Strings credit{"from_account not_a_value credit"};
  EXPECT_EQ(Unheeded("banking", "pay_bill", "pay geico 120 with my visa", call), credit);
  EXPECT_EQ(Unheeded("banking", "pay_bill", "pay geico 120 from my credit card", call), credit);
  EXPECT_EQ(Unheeded("banking", "pay_bill", "use my credit card to pay geico 120", call), credit);
  EXPECT_EQ(Unheeded("banking", "pay_bill", "pay geico 120", call), Strings{});
  EXPECT_EQ(Unheeded("banking", "pay_bill", "pay geico 120, the credit card is not to be touched", call),
            Strings{});
  Json known = call;
  known["from_account"] = "checking";
  EXPECT_EQ(Unheeded("banking", "pay_bill", "pay geico 120 with checking and not with my visa", known),
            Strings{});
  EXPECT_EQ(Unheeded("banking", "transfer_money", "transfer 100 from my credit card to checking",
                     {{"amount", 100}, {"to_account", "checking"}}),
            credit);
}

TEST(Unheeded, PeriodsThatAreNotListed) {
  const Json call{{"account_type", "checking"}};
  const Strings period{"period not_listed"};
  for (const char* said : {"checking statement for 2024", "statement for march for checking",
                           "checking statement for yesterday", "checking statement from january to june",
                           "checking statement since christmas", "my checking statement for last week"})
    EXPECT_EQ(Unheeded("banking", "get_statement", said, call), period) << said;
  for (const char* said : {"my checking statement please", "send me my checking statement today",
                           "checking statement for last month", "i need my checking statement by friday",
                           "send me my checking statement right now"})
    EXPECT_EQ(Unheeded("banking", "get_statement", said, call), Strings{}) << said;
}

TEST(Unheeded, SharesOfAnAmountThatMayBeLeftOut) {
  const Json call{{"payment_method", "card"}};
  const Strings amount{"amount ambiguous"};
  EXPECT_EQ(Unheeded("telecom", "pay_bill", "pay half my bill with my card", call), amount);
  EXPECT_EQ(Unheeded("telecom", "pay_bill", "pay a third of it by card", call), amount);
  EXPECT_EQ(Unheeded("telecom", "pay_bill", "pay my bill by card", call), Strings{});
}

TEST(Unheeded, NamesThatNobodyKnows) {
  const Json on{{"roaming", "on"}};
  const Strings region{"region not_listed"};
  EXPECT_EQ(Unheeded("telecom", "set_roaming", "turn on roaming for australia", on), region);
  EXPECT_EQ(Unheeded("telecom", "set_roaming", "turn on roaming for australia", on, Channel::kSpoken),
            Strings{});
  EXPECT_EQ(Unheeded("telecom", "set_roaming", "roaming on for brazil and france",
                     {{"roaming", "on"}, {"region", "europe"}}),
            region);
  EXPECT_EQ(Unheeded("telecom", "set_roaming", "turn on roaming for my trip", on), Strings{});
  EXPECT_EQ(Unheeded("telecom", "set_roaming", "turn on roaming for frnace", on), Strings{});
}

}  // namespace
}  // namespace sotto
