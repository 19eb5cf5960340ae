// What is wrong with a plan is said before anything acts, each with its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflow/parse.h"
#include "workflow/plan_value.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

constexpr const char* kBankOfPlans = R"yaml(workflow: w
entities:
  account: {values: [checking, savings, credit]}
  money: {type: money}
  name: {type: text}
tools:
  unclear: {role: unclear, description: x}
  check_balance:
    description: look up
    slots: {account: {entity: account, required: true}}
    action: {use: bank.balance, returns: {balance: money, note: text}}
  transfer:
    description: move
    slots:
      amount: {entity: money, required: true}
      to: {entity: account, only: [checking, savings], required: true}
    confirm: "Move {amount} to {to}?"
    action: {use: bank.transfer, returns: {available: money}}
plan:
  goals:
    sweep:
      slots:
        keep: {entity: money, required: true}
        to: {entity: account, only: [checking, savings], required: true}
        whom: {entity: name}
)yaml";

// The mistakes of the bank with this behind its goal's slots.
std::string Mistakes(const std::string& rest) {
  const ParsedWorkflow parsed = ParseWorkflow(kBankOfPlans + rest, "w.yaml");
  std::string all;
  for (const Mistake& mistake : parsed.mistakes) {
    if (!mistake.warning) all += ToString(mistake, "w.yaml") + "\n";
  }
  return all;
}

std::string WithSteps(const std::string& steps) {
  return "      confirm: \"Shall I {steps}?\"\n      says: [\"sweep above {keep} to {to}\"]\n      steps:\n" +
         steps;
}

constexpr const char* kLook = "        - {use: check_balance, with: {account: checking}}\n";

TEST(PlanParse, ReadsWhatIsRight) {
  const ParsedWorkflow parsed = ParseWorkflow(
      kBankOfPlans +
          WithSteps(std::string("        - {use: check_balance, with: {account: checking}}\n") +
                    "        - {use: transfer, with: {amount: $surplus, to: $to}, when: surplus > 0, say: "
                    "\"move {amount} to {to}\"}\n" +
                    kLook) +
          "      values: {surplus: $1.balance - $keep, left: $3.balance}\n      complete: left <= keep\n",
      "w.yaml");
  ASSERT_TRUE(parsed.workflow.has_value()) << ToString(parsed.mistakes.front(), "w.yaml");
  ASSERT_EQ(parsed.workflow->plans.size(), 1u);
  const PlanDef& plan = parsed.workflow->plans[0];
  EXPECT_EQ(plan.first_act(), 1u);
  EXPECT_EQ(plan.goal.action_returns.at("surplus"), "money");
  EXPECT_TRUE(plan.steps[1].acts);
  EXPECT_FALSE(plan.steps[2].acts);
  EXPECT_EQ(parsed.workflow->tools.size(), 3u);  // a goal is none that anybody is offered
  EXPECT_EQ(parsed.workflow->FindTool("sweep"), &plan.goal);
  const Json values = PlanValues(plan, {{"keep", 500}}, {{"1", {{"balance", 500.1}}}});
  EXPECT_EQ(values, Json({{"keep", 500}, {"surplus", 0.1}}));
}

TEST(PlanParse, SaysWhatIsWrongAndWhere) {
  const std::string act = ", say: \"move\"}\n";
  const struct {
    std::string steps;
    const char* said;
  } rows[] = {
      {"        - {use: chek_balance}\n",
       ":29:11: step 1: unknown tool 'chek_balance' (did you mean 'check_balance'?)"},
      {"        - {use: unclear}\n", "'unclear' does nothing that a plan could use"},
      {"        - {use: check_balance}\n", "step 1: check_balance needs 'account'"},
      {"        - {use: check_balance, with: {acount: checking}}\n", "check_balance has no slot 'acount'"},
      {"        - {use: check_balance, with: {account: chequing}}\n", "'chequing' is no value of 'account'"},
      {"        - {use: check_balance, with: {account: $where}}\n", "unknown reference '$where'"},
      {"        - {use: check_balance, with: {account: $1x}}\n", "'$1x' is no reference"},
      {kLook + std::string("        - {use: transfer, with: {amount: $1.balanse, to: $to}") + act,
       ":30:42: unknown reference '$1.balanse': check_balance returns balance, note (did you mean "
       "'balance'?)"},
      {kLook + std::string("        - {use: transfer, with: {amount: $7.balance, to: $to}") + act,
       "unknown reference '$7.balance': the plan has steps 1 to 2"},
      {kLook + std::string("        - {use: transfer, with: {amount: $1.note, to: $to}") + act,
       "'$1.note' is a value of type text, and 'amount' is money"},
      {kLook + std::string("        - {use: transfer, with: {amount: $1.balance - $to, to: $to}") + act,
       "only numbers and amounts can be added and taken away, not a value of type text"},
      {kLook + std::string("        - {use: transfer, with: {amount: $keep, to: credit}") + act,
       "'credit' is no value of 'to'"},
      {kLook + std::string("        - {use: transfer, with: {amount: $keep, to: $1.note}") + act,
       "which may be anything"},
      {"        - {use: transfer, with: {amount: $2.balance, to: $to}" + act + kLook,
       "'$2.balance': step 2 is not done before step 1"},
      {"        - {use: transfer, with: {amount: $2.available, to: $to}" + act +
           "        - {use: transfer, with: {amount: $1.available, to: $to}" + act,
       "a cycle: step 1 needs step 2, which needs step 1"},
      {"        - {use: transfer, with: {amount: $keep, to: $to}" + act + kLook +
           "        - {use: transfer, with: {amount: $2.balance, to: $to}" + act,
       "step 3: '$2.balance' is only known after step 1 has acted, so it could not be read back"},
      {"        - {use: transfer, with: {amount: $keep, to: $to}}\n", "nothing says how it is read back"},
      {kLook + std::string("        - {use: transfer, with: {amount: $keep, to: $to}, when: lots > 0") + act,
       "'lots' is neither a slot nor a value of the plan"},
  };
  for (const auto& row : rows) EXPECT_THAT(Mistakes(WithSteps(row.steps)), HasSubstr(row.said)) << row.steps;
  EXPECT_THAT(Mistakes("      says: [a]\n"), HasSubstr("goal 'sweep' has no steps"));
  const std::string acting =
      kLook + std::string("        - {use: transfer, with: {amount: $keep, to: $to}") + act;
  EXPECT_THAT(Mistakes("      steps:\n" + acting), HasSubstr("goal 'sweep' acts and has no 'confirm'"));
  EXPECT_THAT(Mistakes("      confirm: Shall I?\n      steps:\n" + acting),
              HasSubstr("the read-back must hold {steps}"));
  EXPECT_THAT(Mistakes(WithSteps(acting) + "      values: {a: $b + 1, b: $a + 1}\n"),
              HasSubstr("a cycle: 'a' needs 'b'"));
  EXPECT_THAT(Mistakes(WithSteps(acting) + "      values: {keep: $1.balance}\n"),
              HasSubstr("'keep' is a slot of the goal already"));
  EXPECT_THAT(Mistakes(WithSteps(acting) + "      complete: left <= keep\n"),
              HasSubstr("'left' is neither a slot nor a value"));
  EXPECT_THAT(Mistakes("      says: [\"above {kept}\"]\n      confirm: \"{steps}\"\n      steps:\n" + acting),
              HasSubstr("'{kept}' is no slot of the goal"));
  EXPECT_THAT(Mistakes("      colour: red\n"), HasSubstr("unknown key 'colour'"));
}

TEST(PlanValue, IsReckonedInCents) {
  const auto value = ParsePlanValue("$1.balance - $keep + 0.1");
  ASSERT_TRUE(value);
  EXPECT_EQ(*Evaluate(*value, {{"keep", 0.3}}, {{"1", {{"balance", 0.3}}}}), Json(0.1));
  EXPECT_FALSE(Evaluate(*value, {{"keep", 1}}, Json::object()).has_value());
  EXPECT_FALSE(Evaluate(*value, {{"keep", "x"}}, {{"1", {{"balance", 1}}}}).has_value());
  for (const char* wrong : {"", "$", "$1.", "$a + ", "$x.y"}) EXPECT_FALSE(ParsePlanValue(wrong)) << wrong;
  EXPECT_EQ(ParsePlanValue("'a - b'")->terms[0].literal, "a - b");
}

}  // namespace
}  // namespace sotto
