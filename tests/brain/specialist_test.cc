#include "brain/specialist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "brain/brain.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::filesystem::path kBanking = SOTTO_SOURCE_DIR "/workflows/banking";

Workflow Banking() {
  const auto workflow = LoadWorkflow(kBanking);
  SOTTO_CHECK(workflow);
  return **workflow;
}

std::shared_ptr<const Specialist> BankingSpecialist() {
  static const auto specialist = Specialist::Open(kBanking / "model.gguf", {}).value();
  return specialist;
}

TEST(Specialist, IsWhatLiesInItsFolder) {
  const Specialist& specialist = *BankingSpecialist();
  EXPECT_FALSE(specialist.model->id().empty());
  EXPECT_THAT(specialist.card, HasSubstr("banking"));
  EXPECT_EQ(specialist.vocabulary_hash.size(), 16u);
  EXPECT_EQ(specialist.version().size(), 16u);
  Specialist other = specialist;
  other.card += " ";
  EXPECT_NE(other.version(), specialist.version());
  EXPECT_FALSE(Specialist::Open("/nowhere/model.gguf", {}));
}

TEST(Specialist, FitsTheWorkflowThatItWasTrainedFor) {
  EXPECT_THAT(UnknownTo(*BankingSpecialist()->model, Banking()), IsEmpty());
}

TEST(Specialist, NamesWhatTheWorkflowHasOutgrown) {
  Workflow workflow = Banking();
  ToolDef* balance = nullptr;
  for (ToolDef& tool : workflow.tools) {
    if (tool.name == "check_balance") balance = &tool;
    if (tool.name == "pay_bill") tool.slots.front().name = "biller";
  }
  ASSERT_NE(balance, nullptr);
  balance->slots.front().entity.values.push_back({"pension", "pension", {}});
  ToolDef stock = *balance;
  stock.name = "buy_stock";
  stock.slots.clear();
  workflow.tools.push_back(stock);
  const Model& model = *BankingSpecialist()->model;
  EXPECT_THAT(UnknownTo(model, workflow), ElementsAre("value 'pension' of 'account_type' in 'check_balance'",
                                                      "slot 'biller' of 'pay_bill'", "tool 'buy_stock'"));
  const auto fits = CheckFits(model, workflow);
  ASSERT_FALSE(fits);
  EXPECT_THAT(fits.error().message, HasSubstr("tool 'buy_stock'"));
  EXPECT_THAT(fits.error().message, HasSubstr("sotto train"));
  const auto brain = Brain::Open(std::make_shared<const Workflow>(workflow), kBanking / "model.gguf", {});
  ASSERT_FALSE(brain);
  EXPECT_EQ(brain.error().message, fits.error().message);
}

TEST(Specialist, OfALessTalkativeWorkflowStillFits) {
  Workflow workflow = Banking();
  workflow.tools.erase(workflow.tools.begin());
  EXPECT_THAT(UnknownTo(*BankingSpecialist()->model, workflow), IsEmpty());
}

}  // namespace
}  // namespace sotto
