// What must come of sentences by other hands at known places (docs/formats/probes.md), with the shipped models: every third
// row. `sotto eval --probes` tells of all of them, and which are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assistant/fresh_call.h"
#include "assistant/probe.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr size_t kEvery = 3;

struct Score {
  size_t asked = 0;
  size_t right = 0;
  std::vector<std::string> wrong;
  double share() const { return static_cast<double>(right) / static_cast<double>(asked); }
};

Score Play(const std::string& name, const std::string& file) {
  Score score;
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/" + name);
  if (!workflow) {
    ADD_FAILURE() << workflow.error().message;
    return score;
  }
  const auto brain = Brain::Open(*workflow, "", {});
  const auto probes = ReadProbes(SOTTO_SOURCE_DIR "/tests/data/probes/" + file, **workflow);
  if (!brain || !probes) {
    ADD_FAILURE() << (brain ? probes.error().message : brain.error().message);
    return score;
  }
  const auto host = CallHost::Open(*brain);
  if (!host) {
    ADD_FAILURE() << host.error().message;
    return score;
  }
  Caller caller;
  caller.customer = "1";
  caller.channel = "text";
  caller.verified_by = "test";
  for (size_t i = 0; i < probes->size(); i += kEvery) {
    const auto call = (*host)->Begin(caller, (*probes)[i].channel);
    if (!call) {
      ADD_FAILURE() << call.error().message;
      return score;
    }
    const ProbeOutcome outcome = PlayProbe((*probes)[i], *call->session, **workflow);
    if (!outcome.reached) continue;
    ++score.asked;
    score.right += outcome.right ? 1 : 0;
    if (!outcome.right) score.wrong.push_back((*probes)[i].say);
  }
  return score;
}

class Probes : public testing::TestWithParam<const char*> {};

TEST_P(Probes, WhatIsNoConsentDoesNothing) {
  const Score score = Play(GetParam(), "consent_no.jsonl");
  EXPECT_GT(score.asked, 150u);
  EXPECT_THAT(score.wrong, testing::IsEmpty());
}

TEST_P(Probes, WhatWasNotAskedForIsNotDone) {
  const Score score = Play(GetParam(), "not_asked.jsonl");
  EXPECT_GT(score.asked, 120u);
  EXPECT_THAT(score.wrong, testing::IsEmpty());
}

// The others are asked again (docs/limits.md).
TEST_P(Probes, NaturalYesesAreTaken) {
  const Score score = Play(GetParam(), "consent_yes.jsonl");
  EXPECT_GT(score.asked, 120u);
  EXPECT_GE(score.share(), 0.88) << testing::PrintToString(score.wrong);
}

INSTANTIATE_TEST_SUITE_P(Shipped, Probes, testing::Values("banking", "telecom"));

TEST(Probes, AmountsAreWhatWasSaid) {
  const Score score = Play("banking", "amounts.jsonl");
  EXPECT_GT(score.asked, 300u);
  EXPECT_GE(score.share(), 0.95) << testing::PrintToString(score.wrong);
}

}  // namespace
}  // namespace sotto
