#include "flywheel/governance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "flywheel/evaluate.h"
#include "flywheel/governance_pdf.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Story {
  TempFolder folder;
  std::unique_ptr<VersionRegistry> registry =
      VersionRegistry::Open(folder.path(), VersionRegistry::Mode::kCreate).value();
  std::string first = Register("one", "sotto train workflows/banking --seed 1");
  std::string second = Register("two", "sotto quantize a b --type Q4_0 --method gptq");

  Story() {
    (void)registry->Promote("banking", first, "anna", "the first one", 0).value();
    PairedSet set{.name = "gold.jsonl"};
    set.turns.resize(1000, {.tool = "transfer_money", .champion = true, .candidate = true});
    EvaluateGoal goal;
    goal.overall.margin = 0.02;
    Json report = ToJson(Judge(std::span(&set, 1), {}, Contamination{.texts = 900}, goal));
    report["champion"] = first;
    report["command"] = "sotto flywheel evaluate --data gold.jsonl";
    report["data"] = Json::array({Json{{"file", "gold.jsonl"}, {"hash", "h1"}, {"conversations", 300}}});
    (void)registry->Record({std::string(act::kEvaluated), "banking", second, "anna", "as good", report})
        .value();
    (void)registry->Record({std::string(act::kApproved), "banking", second, "carla", "read | accepted"})
        .value();
    (void)registry->Record({std::string(act::kNoted), "banking", second, "ben", "English only"}).value();
    (void)registry->Promote("banking", second, "carla", "approved", 4).value();
  }
  std::string Register(const std::string& bytes, const std::string& method) {
    VersionFacts facts;
    facts.workflow = "banking";
    facts.model = bytes;
    facts.model_sha256 = Sha256(bytes);
    facts.method = method;
    const VersionRegistry::FileOf files[] = {{"model.gguf", "", bytes}};
    const Json data{{"trained_on",
                     Json::array({Json{{"file", "rows.jsonl"}, {"sha256", "s1"}, {"conversations", 5000}}})},
                    {"texts", 12345}};
    return registry->Register(facts, files, "anna", "", data)->version;
  }
};

TEST(Governance, DocumentsSayWhatWasRecordedAndNothingElse) {
  Story story;
  const std::vector<Act> acts = *story.registry->Acts();
  const std::string card = *ModelCard(acts, story.second);
  EXPECT_THAT(card,
              AllOf(HasSubstr(story.second), HasSubstr("sotto quantize a b"), HasSubstr("rows.jsonl"),
                    HasSubstr("12345"), HasSubstr("English only"), HasSubstr("carla"), HasSubstr("**pass**"),
                    HasSubstr("`sotto flywheel evaluate --data gold.jsonl`"), HasSubstr("until now")));
  EXPECT_THAT(*DataSheet(acts, story.second),
              AllOf(HasSubstr("gold.jsonl"), HasSubstr("h1"), HasSubstr("900")));
  EXPECT_THAT(
      *ValidationReport(acts, story.second),
      AllOf(HasSubstr("## Evaluation of"), HasSubstr("| transfer_money | 1000 |"), HasSubstr("act 4")));
  // The first: never evaluated, live for a while.
  EXPECT_THAT(*ModelCard(acts, story.first),
              AllOf(HasSubstr("never evaluated"), HasSubstr("Nobody approved"), Not(HasSubstr("until now"))));
  const std::string decisions = DecisionLog(acts, "banking");
  for (const Act& one : acts) EXPECT_THAT(decisions, HasSubstr(one.hash.substr(0, 12)));
  EXPECT_THAT(decisions, HasSubstr("read \\| accepted"));
  EXPECT_THAT(Inventory(acts),
              AllOf(HasSubstr("live since act 7"), HasSubstr("not live"), HasSubstr("pass (act 4)")));
  EXPECT_FALSE(ModelCard(acts, "none"));
}

TEST(Governance, BecomePages) {
  Story story;
  const std::vector<Act> acts = *story.registry->Acts();
  std::string text = *ValidationReport(acts, story.second);
  for (int i = 0; i < 200; ++i)
    text += "- a line that is long enough to be broken somewhere \xc3\xa9 \xe2\x82\xac " +
            std::string(90, 'x') + "\n";
  const auto path = story.folder.path() / "report.pdf";
  const auto written = WritePdf(text, "footer", path);
  if (!CanWritePdf()) {
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kUnsupported);
    return;
  }
  ASSERT_TRUE(written) << written.error().message;
  const std::string bytes = *ReadFile(path);
  EXPECT_TRUE(bytes.starts_with("%PDF-"));
  EXPECT_THAT(bytes.substr(bytes.size() - 16), HasSubstr("%%EOF"));
  EXPECT_THAT(bytes, HasSubstr("/Count"));
}

}  // namespace
}  // namespace sotto
