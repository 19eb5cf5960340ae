#include <gtest/gtest.h>

#include "brain/label_rules.h"
#include "learn/test_workflow.h"

namespace sotto {
namespace {

std::string Why(std::string user, std::string tool, Json arguments) {
  Turn turn;
  turn.user = std::move(user);
  turn.calls.push_back({std::move(tool), std::move(arguments)});
  Conversation conversation;
  conversation.turns.push_back(std::move(turn));
  const auto workflow = TestWorkflow();
  return LabelRules(*workflow).WhyInvalid(conversation).value_or("");
}

TEST(ValidateTest, AcceptsWhatWasSaid) {
  EXPECT_EQ(Why("move two hundred to savings", "move_money", {{"amount", 200}, {"to_account", "savings"}}),
            "");
  EXPECT_EQ(Why("pay Acme Corp. $5", "pay_someone", {{"payee", "Acme Corp"}, {"amount", 5}}), "");
  EXPECT_EQ(Why("card 4532", "pay_someone", {{"card", "4532"}}), "");
  EXPECT_EQ(Why("yes", "affirm", Json::object()), "");
}

TEST(ValidateTest, RejectsWhatWasNot) {
  EXPECT_NE(Why("move money to savings", "move_money", {{"amount", 200}}), "");
  EXPECT_NE(Why("pay them", "pay_someone", {{"payee", "Acme"}}), "");
  EXPECT_NE(Why("card ending in 4531", "pay_someone", {{"card", "4532"}}), "");
}

TEST(ValidateTest, RejectsWhatTheSchemaDoesNotHave) {
  EXPECT_NE(Why("hi", "fly", Json::object()), "");
  EXPECT_NE(Why("hi 5", "move_money", {{"speed", 5}}), "");
  EXPECT_NE(Why("to gold", "move_money", {{"to_account", "gold"}}), "");
  EXPECT_NE(Why("5", "move_money", {{"amount", "5"}}), "");
  EXPECT_NE(Why("453", "pay_someone", {{"card", "453"}}), "");
}

TEST(ValidateTest, EarlierTurnsCountAsSaid) {
  Turn first;
  first.user = "move 200 to savings";
  first.calls.push_back({"move_money", {{"amount", 200}, {"to_account", "savings"}}});
  Turn second;
  second.user = "from checking";
  second.calls.push_back(
      {"move_money", {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}}});
  const auto workflow = TestWorkflow();
  Conversation alone;
  alone.turns = {second};
  EXPECT_NE(LabelRules(*workflow).WhyInvalid(alone), std::nullopt);
  Conversation both;
  both.turns = {first, second};
  EXPECT_EQ(LabelRules(*workflow).WhyInvalid(both), std::nullopt);
}

TEST(ValidateTest, DaysAreReadOnTheDayOfTheCall) {
  Workflow workflow;
  ToolDef tool;
  tool.name = "book";
  Slot slot;
  slot.name = "day";
  slot.entity.type = Entity::Type::kDate;
  tool.slots.push_back(slot);
  workflow.tools.push_back(tool);
  Conversation conversation;
  conversation.turns.push_back({"book it for next Tuesday", {}, {{"book", Json{{"day", "2026-03-24"}}}}});
  conversation.turns.push_back({"yes", {}, {{"book", Json{{"day", "2026-03-24"}}}}});
  conversation.today = ParseDate("2026-03-18");
  EXPECT_EQ(LabelRules(workflow).WhyInvalid(conversation), std::nullopt);
  conversation.today = ParseDate("2026-03-28");
  EXPECT_NE(LabelRules(workflow).WhyInvalid(conversation).value_or("").find("was never said"),
            std::string::npos);
  conversation.turns[0].calls[0].arguments["day"] = "tuesday";
  EXPECT_NE(LabelRules(workflow).WhyInvalid(conversation).value_or("").find("a day such as 2026-03-03"),
            std::string::npos);
}

// Of a model that no decoder holds to anything.
std::string WhyNot(std::string said, std::vector<ToolCall> calls, Conversation history = {},
                   std::vector<std::string> offered = {"affirm"}) {
  const auto workflow = TestWorkflow();
  return LabelRules(*workflow).WhyNotDecodable(history, offered, said, calls).value_or("");
}

TEST(ValidateTest, AnAnswerFromElsewhereIsHeldToTheSameRules) {
  const auto move = [](Json arguments) {
    return std::vector<ToolCall>{{"move_money", std::move(arguments)}};
  };
  EXPECT_EQ(WhyNot("move two hundred to savings", move({{"amount", 200}, {"to_account", "savings"}})), "");
  EXPECT_EQ(WhyNot("yes", {{"affirm", Json::object()}}), "");
  EXPECT_EQ(WhyNot("hi", {{"greeting", Json::object()}}), "");
  EXPECT_EQ(WhyNot("hi", {}), "no call");
  EXPECT_EQ(WhyNot("hi", {{"fly", Json::object()}}), "a tool that was not offered");
  EXPECT_EQ(WhyNot("no", {{"deny", Json::object()}}), "a tool that was not offered");
  EXPECT_EQ(WhyNot("yes", {{"affirm", {{"amount", 1}}}}), "arguments of 'affirm', which has none");
  EXPECT_EQ(WhyNot("move money", move({{"amount", 200}})), "'amount' of 'move_money' was never said");
  EXPECT_EQ(WhyNot("move 200", move({{"amount", "200"}})), "'amount' of 'move_money' breaks its schema");
  EXPECT_EQ(WhyNot("move 200", move({{"to_account", "gold"}})),
            "'to_account' of 'move_money' breaks its schema");
  EXPECT_EQ(WhyNot("move 200", move({{"speed", 200}})), "an argument that 'move_money' does not have");
  EXPECT_EQ(WhyNot("hi", std::vector<ToolCall>(5, {"greeting", Json::object()})), "more than 4 calls");
  EXPECT_EQ(WhyNot("pay Bob", {{"pay_someone", {{"payee", "Robert"}}}}),
            "'payee' of 'pay_someone' was never said");
}

TEST(ValidateTest, AListedValueFromElsewhereMustHaveBeenNamed) {
  const std::vector<ToolCall> calls{{"move_money", {{"to_account", "savings"}}}};
  EXPECT_EQ(WhyNot("move 200 please", calls), "'to_account' of 'move_money' was never said");
  Conversation history;
  history.turns.push_back({"savings", {}, {{"move_money", {{"to_account", "savings"}}}}});
  EXPECT_EQ(WhyNot("move 200 please", calls, history), "");
}

TEST(ValidateTest, OnlyWhatIsOfferedWhereTasksAreNamed) {
  const std::vector<ToolCall> calls{{"move_money", Json::object()}};
  EXPECT_EQ(WhyNot("move it", calls, {}, {"affirm", "pay_someone"}), "a tool that was not offered");
  EXPECT_EQ(WhyNot("move it", calls, {}, {"affirm", "move_money"}), "");
}

TEST(ValidateTest, AConversationsOwnToolsHaveTheirSchemas) {
  Conversation history;
  history.tools.push_back({"order",
                           "Order",
                           {{"type", "object"},
                            {"properties",
                             {{"size", {{"type", "string"}, {"enum", {"small", "large"}}}},
                              {"code", {{"type", "string"}, {"minLength", 3}, {"maxLength", 3}}}}}}});
  EXPECT_EQ(WhyNot("a large one", {{"order", {{"size", "large"}}}}, history), "");
  EXPECT_EQ(WhyNot("code abc", {{"order", {{"code", "abc"}}}}, history), "");
  EXPECT_EQ(WhyNot("code abcd", {{"order", {{"code", "abcd"}}}}, history),
            "'code' of 'order' breaks its schema");
  EXPECT_EQ(WhyNot("move 200", {{"move_money", Json::object()}}, history), "a tool that was not offered");
}

}  // namespace
}  // namespace sotto
