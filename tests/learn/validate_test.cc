#include "learn/validate.h"

#include <gtest/gtest.h>

#include "learn/test_workflow.h"

namespace sotto {
namespace {

std::string Why(std::string user, std::string tool, Json arguments) {
  Turn turn;
  turn.user = std::move(user);
  turn.calls.push_back({std::move(tool), std::move(arguments)});
  return WhyInvalid(*TestWorkflow(), {}, turn).value_or("");
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
  const std::vector<Turn> history{first};
  EXPECT_EQ(WhyInvalid(*TestWorkflow(), history, second), std::nullopt);
  EXPECT_NE(WhyInvalid(*TestWorkflow(), {}, second), std::nullopt);
}

}  // namespace
}  // namespace sotto
