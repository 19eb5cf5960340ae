// What is proposed of logs whose rates are known.
#include "flywheel/proposal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_records.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProposalTest : public ::testing::Test {
 protected:
  ProposalTest() {
    input_.workflow = BankingWorkflow().get();
    input_.watched = &watched_;
    input_.patterns = &patterns_;
    input_.drift = &drift_;
    input_.cleaned = &cleaned_;
    input_.folder = "banking";
    input_.model_path = "banking/model.gguf";
    input_.store = "t.sqlite";
    input_.out = "week";
    cleaned_.rows.resize(80);
  }
  void Alert(bool certain) {
    watched_.alerts.push_back({"fallback", "", .3, .2, certain, "fallback is 30 %, limit 20 %"});
  }

  Watched watched_;
  Patterns patterns_;
  Drift drift_;
  Cleaned cleaned_;
  ProposalInput input_;
};

TEST_F(ProposalTest, IsNoTrainingWhereNothingIsWrong) {
  Alert(false);  // may be chance
  input_.model_hash = "another";
  const Proposal proposal = Propose(input_);
  EXPECT_EQ(proposal.train, Proposal::Train::kNone);
  EXPECT_THAT(proposal.commands, IsEmpty());
  EXPECT_THAT(proposal.because, ElementsAre(HasSubstr("within its limits")));
}

TEST_F(ProposalTest, LearnsOnWhereTheModelIsASpecialist) {
  Alert(true);
  Proposal proposal = Propose(input_);
  EXPECT_EQ(proposal.train, Proposal::Train::kContinue);
  EXPECT_THAT(proposal.because, Contains(HasSubstr("limit 20 %")));
  EXPECT_THAT(proposal.commands,
              Contains("sotto train banking --continue week/labelled.jsonl --candidate-only"));
  input_.model = LiveModel::kGeneral;
  proposal = Propose(input_);
  EXPECT_EQ(proposal.train, Proposal::Train::kLora);
  EXPECT_THAT(proposal.commands.back(), HasSubstr("sotto-train lora --base banking/model.gguf"));
}

TEST_F(ProposalTest, BeginsAnewWhereNothingIsThereOrMostIsNew) {
  input_.model = LiveModel::kNone;
  EXPECT_EQ(Propose(input_).train, Proposal::Train::kScratch);
  input_.model = LiveModel::kSpecialist;
  drift_.tools.push_back({"replace_card", .1, 0, .3});
  EXPECT_EQ(Propose(input_).train, Proposal::Train::kContinue);
  for (const ToolDef& tool : input_.workflow->tools) drift_.tools.push_back({tool.name, .05, 0, .1});
  EXPECT_EQ(Propose(input_).train, Proposal::Train::kScratch);
}

TEST_F(ProposalTest, AsksForLabelsAndToolsFirst) {
  Alert(true);
  cleaned_.rows.resize(12);
  Proposal proposal = Propose(input_);
  EXPECT_EQ(proposal.train, Proposal::Train::kNone);
  EXPECT_EQ(proposal.labels, 38U);
  EXPECT_THAT(proposal.commands, ElementsAre("sotto label --workflow banking --store t.sqlite --most 38"));
  watched_.alerts.clear();
  RequestCluster cluster;
  cluster.example = "send me a chequebook";
  cluster.count = 25;
  cluster.share = .05;
  cluster.missing = true;
  patterns_.unmet.push_back(cluster);
  cluster.count = 3;  // too few to be a request that recurs
  cluster.example = "sing a song";
  patterns_.unmet.push_back(cluster);
  proposal = Propose(input_);
  EXPECT_EQ(proposal.train, Proposal::Train::kNone);
  EXPECT_THAT(proposal.tools, ElementsAre("send me a chequebook"));
  EXPECT_THAT(ProposalText(proposal), HasSubstr("tools to write"));
  EXPECT_EQ(ToJson(proposal)["train"], "none");
}

}  // namespace
}  // namespace sotto
