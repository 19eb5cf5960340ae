#include "brain/paired_calls.h"

#include <gtest/gtest.h>

#include "core/tool.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

// "gas company 20, water company 30" of banking's payments; empty: no list.
std::string Pairs(std::string_view utterance) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking").value();
  const ToolDef* tool = workflow->FindTool("pay_bill");
  const OfferedTool offered = MakeOfferedTool(ToToolSpec(*tool), tool, /*grounding=*/true);
  const Grounding grounding(*workflow->language_data, {}, utterance, Channel::kTyped);
  std::string pairs;
  for (const ToolCall& call : PairedCalls(*workflow->language_data, *tool, offered, grounding,
                                          {"pay_bill", {{"from_account", "savings"}}})) {
    EXPECT_EQ(call.arguments["from_account"], "savings");
    pairs += (pairs.empty() ? "" : ", ") + call.arguments["payee"].get<std::string>() + " " +
             call.arguments["amount"].dump();
  }
  return pairs;
}

TEST(PairedCalls, FiguresAndNamesThatTakeTurns) {
  EXPECT_EQ(Pairs("pay 45 to gas 60 to electric and 30 to water from checking"),
            "gas company 45, electric company 60, water company 30");
  EXPECT_EQ(Pairs("20 for gas 30 for water and 40 for the gym"), "gas company 20, water company 30, gym 40");
  EXPECT_EQ(Pairs("pay gas 20, water 30, electric 40 and gym 50"),
            "gas company 20, water company 30, electric company 40, gym 50");
  EXPECT_EQ(Pairs("pay netflix fifteen and spotify ten"), "Netflix 15, Spotify 10");
  EXPECT_EQ(Pairs("verizon sixty two and comcast forty from savings"), "Verizon 62, Comcast 40");
  EXPECT_EQ(Pairs("geico a hundred and twenty and state farm eighty five from savings"),
            "Geico 120, State Farm 85");
  EXPECT_EQ(Pairs("the gas and water bills 50 each from savings"), "gas company 50, water company 50");
  // A rent is no bill of 15.50.
  EXPECT_EQ(Pairs("pay the landlord fifteen fifty and netflix fifteen fifty"), "landlord 1550, Netflix 15.5");
}

TEST(PairedCalls, EverythingElseIsTheModels) {
  EXPECT_EQ(Pairs("pay netflix 15"), "");
  EXPECT_EQ(Pairs("pay gas and water 50"), "");
  EXPECT_EQ(Pairs("pay netflix, gas 20 and 30"), "");
  EXPECT_EQ(Pairs("pay netflix 15 or 16 and spotify 10"), "");
  EXPECT_EQ(Pairs("pay netflix up to 20 and spotify 10"), "");
}

}  // namespace
}  // namespace sotto
