// Labels: a queue by worth, rights, nothing is ever changed, agreement as the papers have it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "flywheel/label_agreement.h"
#include "flywheel/label_queue.h"
#include "log_records.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Labels : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto store = *TurnStore::Open(folder_ / "turns.sqlite");
    LoggedSession session("a");
    session.Say("block my card", {{"intent_unclear", Json::object()}}, 0.2).outcome =
        TurnRecord::Outcome::kNotUnderstood;
    session.Say("block it", {{"lock_card", Json::object()}}, 0.9);
    ASSERT_TRUE(store->AddAll(session.records, "live"));
    rights_ = LabelRights::Of({"ana", "ben", "model:*"}, "the test");
  }

  static Label LabelBy(const std::string& author, const std::string& tool, int turn = 1) {
    Label label;
    label.session = "a";
    label.turn = turn;
    label.calls = {{tool, Json::object()}};
    label.author = author;
    label.reason = "heard it";
    return label;
  }

  TempFolder folder_;
  std::optional<LabelRights> rights_;
};

TEST_F(Labels, NeedARightAReasonAndATurn) {
  LabelStore store = *LabelStore::Open(folder_ / "turns.sqlite");
  const auto refused = store.Add({LabelBy("ana", "lock_card"), LabelBy("eve", "lock_card")}, *rights_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("'eve' may not label"));
  Label unreasoned = LabelBy("ana", "lock_card");
  unreasoned.reason.clear();
  EXPECT_FALSE(store.Add({unreasoned}, *rights_));
  EXPECT_FALSE(store.Add({LabelBy("ana", "lock_card", 7)}, *rights_));
  EXPECT_EQ(store.Standing()->size(), 0U);  // not even the one that was all right
  ASSERT_TRUE(WriteFileAtomically(folder_ / "labellers", "# who\nana\n  ben  # expert\n"));
  const LabelRights read = *LabelRights::Read(folder_ / "labellers");
  EXPECT_TRUE(read.Check("ben"));
  EXPECT_FALSE(read.Check("model:x"));
  EXPECT_FALSE(read.Check(""));
  EXPECT_THAT(LabelRights::Read(folder_ / "none").error().message, HasSubstr("names who may label"));
}

TEST_F(Labels, AreAppendedAndTheLastOneStands) {
  LabelStore store = *LabelStore::Open(folder_ / "turns.sqlite");
  ASSERT_TRUE(store.Add({LabelBy("ana", "lock_card")}, *rights_));
  ASSERT_TRUE(store.Add({LabelBy("ana", "cancel_card")}, *rights_));
  std::vector<Label> standing = *store.Standing();
  ASSERT_EQ(standing.size(), 1U);
  EXPECT_EQ(standing[0].calls[0].name, "cancel_card");
  EXPECT_FALSE(standing[0].at.empty());
  ASSERT_TRUE(store.Withdraw(standing[0].id, "ana", "a slip", *rights_));
  EXPECT_FALSE(store.Withdraw(standing[0].id, "ana", "a slip", *rights_));
  EXPECT_EQ((*store.Standing())[0].calls[0].name, "lock_card");
  auto database = *Database::Open(folder_ / "turns.sqlite", Database::Mode::kOpen);
  EXPECT_FALSE(database.Execute("UPDATE labels SET author = 'eve'"));
  EXPECT_FALSE(database.Execute("DELETE FROM labels"));
  EXPECT_FALSE(database.Execute("DELETE FROM withdrawn"));
}

TEST_F(Labels, OfPeopleWhoDifferDecideNothingAndModelsOnlyTogether) {
  LabelStore store = *LabelStore::Open(folder_ / "turns.sqlite");
  ASSERT_TRUE(store.Add({LabelBy("model:x", "lock_card"), LabelBy("model:y", "lock_card")}, *rights_));
  EXPECT_EQ(store.Resolve(0)->labels.size(), 0U);
  EXPECT_EQ(store.Resolve(3)->labels.size(), 0U);
  EXPECT_EQ(store.Resolve(2)->labels.at({"a", 1}).author, "model:x+model:y");
  ASSERT_TRUE(store.Add({LabelBy("ana", "cancel_card")}, *rights_));
  EXPECT_EQ(store.Resolve(2)->labels.at({"a", 1}).calls[0].name, "cancel_card");
  ASSERT_TRUE(store.Add({LabelBy("ben", "lock_card")}, *rights_));
  const Resolution resolution = *store.Resolve(2);
  EXPECT_EQ(resolution.labels.size(), 0U);
  ASSERT_EQ(resolution.disagreements.size(), 1U);
  EXPECT_EQ(resolution.disagreements[0].said.size(), 2U);
}

LogView LogWith(const std::vector<LoggedSession>& sessions) {
  LogView log;
  for (const LoggedSession& session : sessions) log.sessions.push_back(session.stored());
  return log;
}

TEST(LabelQueue, IsOrderedByWorthAndMergesWhatIsTheSame) {
  std::vector<LoggedSession> sessions;
  for (const char* id : {"a", "b", "c"}) {
    LoggedSession& session = sessions.emplace_back(id);
    session.Say("can you send me a chequebook", {{"intent_unclear", Json::object()}}, 0.2).outcome =
        TurnRecord::Outcome::kNotUnderstood;
  }
  LoggedSession& once = sessions.emplace_back("d");
  once.Say("whats my balance", {{"check_balance", Json::object()}}, 0.5);
  Cleaned cleaned;
  for (const char* id : {"a", "b", "c", "d"}) cleaned.questions.push_back({id, 1, "not understood"});
  CleanRow row;
  row.labelled.conversation.turns.push_back(
      {"what is my balance", {}, {{"check_balance", {{"account", "savings"}}}}});
  row.session = "z";
  row.turns = {5};
  cleaned.rows.push_back(row);
  const LogView log = LogWith(sessions);
  std::vector<LabelItem> items = BuildQueue(log, cleaned, {}, {});
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].words, "can you send me a chequebook");
  EXPECT_EQ(items[0].count, 3U);
  EXPECT_GT(items[0].worth, items[1].worth);
  ASSERT_EQ(items[1].candidates.size(), 2U);
  EXPECT_EQ(items[1].candidates[0].from, "like z/5");
  // One answer labels all three.
  const std::vector<Label> labels = LabelsOf(items[0], {{"intent_unclear", Json::object()}}, "ana", "x");
  ASSERT_EQ(labels.size(), 3U);
  EXPECT_EQ(labels[1].merged, "a/1");
  items = BuildQueue(log, cleaned, labels, {});
  ASSERT_EQ(items.size(), 1U);
  QueueOptions sample;
  sample.sample = 3;
  items = BuildQueue(log, cleaned, {}, sample);
  EXPECT_EQ(items.size(), 3U);
  for (const LabelItem& item : items) EXPECT_TRUE(item.sample && item.like.empty());
}

TEST(LabelFiles, ComeBackFilledIn) {
  const TempFolder folder;
  LabelItem item;
  item.session = "a";
  item.turn = 1;
  item.words = "block it";
  item.like = {{"b", 2}};
  ASSERT_TRUE(WriteQueue({item}, folder / "queue.jsonl"));
  Json row = Json::parse(*ReadFile(folder / "queue.jsonl"));
  std::vector<std::string> listed;
  EXPECT_EQ(ReadLabels(folder / "queue.jsonl", "ana", listed)->size(), 0U);
  row["label"] = {{"name", "lock_card"}, {"arguments", Json::object()}};
  Json unreasoned = row;
  row["reason"] = "clear";
  ASSERT_TRUE(
      WriteFileAtomically(folder / "queue.jsonl", row.dump() + "\n" + unreasoned.dump() + "\n{torn\n[1]\n"));
  const auto labels = ReadLabels(folder / "queue.jsonl", "ana", listed);
  ASSERT_EQ(labels->size(), 2U);
  EXPECT_EQ((*labels)[1].session, "b");
  EXPECT_EQ((*labels)[0].author, "ana");
  EXPECT_THAT(listed, ElementsAre(HasSubstr(":2: reason is missing"), HasSubstr(":3: not valid JSON"),
                                  HasSubstr(":4: no JSON object")));
}

TEST(Agreement, IsCohensKappa) {
  // 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: kappa 0.4 (the example of many textbooks).
  std::vector<std::pair<std::string, std::string>> items;
  const auto add = [&](const char* a, const char* b, int n) {
    for (int i = 0; i < n; ++i) items.emplace_back(a, b);
  };
  add("yes", "yes", 20);
  add("yes", "no", 5);
  add("no", "yes", 10);
  add("no", "no", 15);
  EXPECT_NEAR(*CohenKappa(items), 0.4, 1e-12);
  EXPECT_FALSE(CohenKappa({}));
  EXPECT_FALSE(CohenKappa({{"a", "a"}, {"a", "a"}}));
}

TEST(Agreement, IsKrippendorffsAlpha) {
  // Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: nominal, alpha = 0.743.
  const std::vector<std::vector<std::string>> units{
      {"1", "1", "1"},      {"2", "2", "3", "2"}, {"3", "3", "3", "3"}, {"3", "3", "3", "3"},
      {"2", "2", "2", "2"}, {"1", "2", "3", "4"}, {"4", "4", "4", "4"}, {"1", "1", "2", "1"},
      {"2", "2", "2", "2"}, {"5", "5", "5"},      {"1", "1"},           {"3"}};
  EXPECT_NEAR(*KrippendorffAlpha(units), 0.743, 0.0005);
}

}  // namespace
}  // namespace sotto
