#include "specialist/network.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

constexpr const char* kTools =
    "workflow: x\ntools:\n  talk: {role: unclear, description: nothing}\n  assist: {description: assist, "
    "examples: [assist me]}\n";

ParsedWorkflow Parsed(const std::string& network) {
  return ParseWorkflow(kTools + network, "workflow.yaml", SOTTO_SOURCE_DIR);
}

std::string FirstError(const std::string& network) {
  ParsedWorkflow parsed = Parsed(network);
  for (const Mistake& mistake : parsed.mistakes) {
    if (!mistake.warning) return ToString(mistake, parsed.file);
  }
  parsed.workflow->folder = SOTTO_SOURCE_DIR;
  for (const Mistake& mistake : CheckNetwork(*parsed.workflow, {})) return ToString(mistake, parsed.file);
  return "";
}

TEST(NetworkSection, IsReadWithItsRules) {
  const auto parsed = Parsed(
      "network:\n  specialists: [escalation_risk, language]\n  budget_ms: 7\n  rules:\n"
      "    - escalation_risk > .8 -> handoff\n    - {when: language == de, then: assist}\n");
  ASSERT_TRUE(parsed.workflow.has_value()) << ToString(parsed.mistakes.front(), parsed.file);
  const NetworkDef& network = parsed.workflow->network;
  ASSERT_EQ(network.specialists.size(), 2u);
  EXPECT_EQ(network.budget_ms, 7);
  ASSERT_EQ(network.rules.size(), 2u);
  EXPECT_EQ(network.rules[0].when, "escalation_risk > .8");
  EXPECT_EQ(network.rules[0].then, "handoff");
  EXPECT_EQ(network.rules[1].then, "assist");
  EXPECT_EQ(network.rules[0].line, 9);
}

TEST(NetworkSection, NamesMistakesWithTheirLine) {
  EXPECT_NE(FirstError("network: {rules: [a]}\n").find("a network without specialists"), std::string::npos);
  EXPECT_NE(
      FirstError("network:\n  specialists: [language]\n  rules:\n    - risk > 1 -> handoff\n").find(":8:"),
      std::string::npos);
  EXPECT_NE(FirstError("network:\n  specialists: [language]\n  rules:\n    - language == de -> fly\n")
                .find("'fly' is no tool"),
            std::string::npos);
  EXPECT_NE(FirstError("network:\n  specialists: [language]\n  rules:\n    - language == de\n")
                .find("needs an arrow"),
            std::string::npos);
  EXPECT_NE(FirstError("network:\n  specialists: [language, language]\n").find("stands twice"),
            std::string::npos);
  EXPECT_NE(FirstError("network:\n  specialists: [nobody]\n").find("specialist 'nobody'"), std::string::npos);
  EXPECT_NE(
      FirstError("network:\n  specialists: [sentiment]\n  rules:\n    - sentiment == negativ -> handoff\n")
          .find("'sentiment' has no label 'negativ' (did you mean 'negative'?)"),
      std::string::npos);
  EXPECT_NE(
      FirstError(
          "network:\n  specialists: [escalation_risk]\n  rules:\n    - escalation_risk == high -> handoff\n")
          .find("is a number, not 'high'"),
      std::string::npos);
  EXPECT_EQ(FirstError("network:\n  specialists: [escalation_risk, sentiment]\n  rules:\n    - sentiment == "
                       "negative and escalation_risk > 0.5 -> handoff\n"),
            "");
}

TEST(Network, RunsAllAndDecidesByTheFirstRuleThatHolds) {
  auto parsed = Parsed(
      "network:\n  specialists: [escalation_risk, date, formats]\n  rules:\n    - escalation_risk > .99 -> "
      "handoff\n    - date > 0 -> assist\n");
  ASSERT_TRUE(parsed.workflow.has_value());
  parsed.workflow->folder = SOTTO_SOURCE_DIR;
  const auto network = Network::Open(*parsed.workflow, {});
  ASSERT_TRUE(network.has_value()) << network.error().message;
  const auto rule = [&](std::string_view text) -> std::string {
    const Json by = (*network)->Run({.text = text, .today = *ParseDate("2016-11-07")});
    EXPECT_EQ(by.size(), 3u);
    const auto* decided = (*network)->Decide(by);
    return decided == nullptr ? "" : decided->then;
  };
  EXPECT_EQ(rule("let me talk to a human tomorrow"), "handoff");
  EXPECT_EQ(rule("tomorrow please"), "assist");
  EXPECT_EQ(rule("what's my balance"), "");
  // What is missing holds no rule.
  EXPECT_EQ((*network)->Decide(Json::object()), nullptr);
}

}  // namespace
}  // namespace sotto
