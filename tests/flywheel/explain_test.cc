// One turn explained: what was heard, what each value rests on, what was done and why.
#include "flywheel/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_records.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

std::vector<StoredTurn> Conversation1() {
  LoggedSession session("s1");
  TurnRecord& first = session.Say("move two hundred from checking",
                                  {{"transfer_money", {{"amount", 200}, {"from_account", "checking"}}}});
  first.understood->model = "banking-1";
  first.events.push_back(EventJson("task_began", 1, "transfer_money"));
  first.events.push_back(EventJson("slot_set", 1, "amount", 200));
  first.reply.text = "Which account to?";
  TurnRecord& second = session.Say(
      "into my saving account",
      {{"transfer_money", {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}}}});
  second.understood->model = "banking-1";
  second.workflow_hash = "abcd";
  second.expectation = {Expectation::Kind::kSlots, "transfer_money", {"to_account"}};
  second.events.push_back(EventJson("doubted", 1));
  second.events.push_back(EventJson("confirmed", 1));
  second.events.push_back(EventJson("action_began", 1, "k"));
  second.events.push_back(EventJson("task_done", 1));
  TurnRecord::Action action;
  action.request.tool = "transfer_money";
  action.request.arguments = {{"amount", 200}};
  action.result.ok = true;
  second.actions.push_back(action);
  second.reply.text = "Done.";
  return session.stored();
}

TEST(Explain, SaysWhatEachValueRestsOn) {
  const auto explained = ExplainTurn(Conversation1(), 2, BankingWorkflow().get());
  ASSERT_TRUE(explained) << explained.error().message;
  const Json& values = (*explained)["understood"]["calls"][0]["values"];
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[0]["rests_on"], "the words \"two hundred\" of turn 1");
  EXPECT_EQ(values[1]["rests_on"], "the words \"checking\" of turn 1");
  EXPECT_EQ(values[2]["rests_on"], "the words \"saving account\"");
  EXPECT_EQ((*explained)["live"]["workflow_hash"], "abcd");
  const std::string text = ExplanationText(*explained);
  for (const char* told :
       {"workflow banking (version abcd), model banking-1", "\"into my saving account\" (typed)",
        "waited for: ask transfer_money: to_account", "the assistant said: Which account to?",
        "transfer_money, 95 % sure, by model", "the caller confirmed transfer_money",
        "was not sure enough of transfer_money", "transfer_money was done", "-> ok", "\"Done.\""})
    EXPECT_THAT(text, HasSubstr(told));
}

TEST(Explain, TellsLabelsAndWhatIsNotThere) {
  Label label;
  label.session = "s1";
  label.turn = 1;
  label.calls = {{"pay_bill", Json::object()}};
  label.author = "ana";
  label.reason = "heard it";
  const auto explained = ExplainTurn(Conversation1(), 1, nullptr, {{label}});
  EXPECT_THAT(ExplanationText(*explained), HasSubstr("ana says pay_bill()"));
  EXPECT_THAT(ExplainTurn(Conversation1(), 9, nullptr).error().message,
              HasSubstr("no turn 9; its turns are 1 to 2"));
  auto purged = Conversation1();
  purged[0].has_words = false;
  EXPECT_THAT(ExplanationText(*ExplainTurn(purged, 1, nullptr)), HasSubstr("deleted (retention)"));
}

}  // namespace
}  // namespace sotto
