#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/mapped_file.h"
#include "screen/evaluation.h"
#include "screen/screen_training.h"
#include "screen/simulator.h"
#include "temp_folder.h"

namespace sotto {
namespace {

std::vector<Payment> Read(const std::string& text, PaymentFaults* faults = nullptr) {
  std::istringstream stream(text);
  std::vector<Payment> payments;
  auto done = ReadPayments(stream, "f.csv", [&](Payment&& one) { payments.push_back(std::move(one)); });
  EXPECT_TRUE(done.has_value()) << done.error().message;
  if (done && faults != nullptr) *faults = *done;
  return payments;
}

std::string ReadError(const std::string& text) {
  std::istringstream stream(text);
  const auto done = ReadPayments(stream, "f.csv", [](Payment&&) {});
  return done ? "" : done.error().message;
}

TEST(Payments, ReadsCsvAndJsonLines) {
  const auto csv = Read(
      "\xEF\xBB\xBFTRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD\r\n"
      "7,2018-04-01 00:00:31,596,\"31,56\",57.16,0\r\n");
  ASSERT_EQ(csv.size(), 1u);
  EXPECT_EQ(csv[0].id, "7");
  EXPECT_EQ(csv[0].terminal, "31,56");
  EXPECT_EQ(csv[0].amount, 57.16);
  EXPECT_EQ(csv[0].label, FraudLabel::kGenuine);
  EXPECT_EQ(PaymentTimeText(csv[0].time), "2018-04-01T00:00:31Z");
  const auto lines =
      Read(R"({"id": 8, "time": 1522540831, "customer": "596", "merchant": 3156, "amt": 57.16})");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].time, csv[0].time);
  EXPECT_EQ(lines[0].terminal, "3156");
  EXPECT_EQ(lines[0].label, FraudLabel::kUnknown);
}

TEST(Payments, LeavesOutDamagedRowsWithOneLineEach) {
  PaymentFaults faults;
  const auto payments = Read(
      "time,customer,terminal,amount,fraud,colour,TX_FRAUD_SCENARIO\n"
      "2018-04-01 10:00:00,a,t,10,0,red,0\n"
      "2018-04-01 10:00:01,a,t,nan,0,red,0\n"
      "2018-04-01 10:00:02,a,t,inf,0,red,0\n"
      "2018-04-01 10:00:03,a,t,-5,0,red,0\n"
      "2018-04-31 10:00:04,a,t,5,0,red,0\n"
      "2018-04-01 10:00:05,a,t,5\n"
      "2018-04-01 10:00:06,\"a,t,5,0,red,0\n"
      "2018-04-01 10:00:07,,t,5,0,red,0\n"
      "2018-04-01 10:00:08,a,t,5,maybe,red,0\n"
      "2018-03-31 10:00:09,a,t,20,1,red,3\n",
      &faults);
  ASSERT_EQ(payments.size(), 2u);
  EXPECT_EQ(payments[1].amount, 20);
  EXPECT_EQ(faults.rows(), 8u);
  EXPECT_EQ(faults.out_of_order, 1u);
  EXPECT_EQ(faults.first_out_of_order, "f.csv:11: is older than a row before it");
  ASSERT_EQ(faults.notes.size(), 2u);
  EXPECT_EQ(faults.notes[0], "f.csv: column 'colour' is not known: passed over");
  EXPECT_EQ(faults.notes[1], "f.csv: column 'TX_FRAUD_SCENARIO' speaks of the outcome: not read");
  EXPECT_EQ(faults.faults[0].first, "f.csv:3: amount is no number: 'nan'");
  EXPECT_EQ(faults.faults[0].rows, 2u);
}

TEST(Payments, NamesWhatAFileLacks) {
  EXPECT_EQ(ReadError(""), "f.csv: is empty");
  EXPECT_NE(ReadError("time,customer,amount\n").find("no column for the terminal"), std::string::npos);
  EXPECT_FALSE(ReadPayments("/nowhere/x.csv", [](Payment&&) {}).has_value());
  for (const char* text : {"", "x", "2018-13-01", "2018-04-01T25:00:00", "2018-04-01 1", "99999999999999"})
    EXPECT_FALSE(ParsePaymentTime(text).has_value()) << text;
}

Payment At(int day, int hour, std::string customer, std::string terminal, double amount, bool fraud = false) {
  Payment one;
  one.time = 1522540800 + day * kDaySeconds + hour * 3600;
  one.customer = std::move(customer);
  one.terminal = std::move(terminal);
  one.amount = amount;
  one.label = fraud ? FraudLabel::kFraud : FraudLabel::kGenuine;
  return one;
}

float Feature(const ScreenFeatures& features, std::string_view name) {
  return features.at(FindScreenFeature(name));
}

TEST(Profiles, KnowsFraudsOnlyAfterTheDelay) {
  Profiles profiles({.delay_days = 7});
  profiles.Take(At(0, 12, "a", "t", 10, true));
  const auto early = profiles.Look(At(5, 12, "b", "t", 10));
  EXPECT_EQ(Feature(early, "terminal_risk_30d"), 0);
  EXPECT_EQ(Feature(early, "terminal_count_30d"), 0);
  const auto late = profiles.Look(At(8, 12, "b", "t", 10));
  EXPECT_EQ(Feature(late, "terminal_risk_30d"), 1);
  EXPECT_EQ(Feature(late, "terminal_frauds_30d"), 1);
  EXPECT_EQ(Feature(profiles.Look(At(8, 12, "a", "x", 10)), "customer_frauds_30d"), 1);
  EXPECT_EQ(Feature(profiles.Look(At(5, 12, "a", "x", 10)), "customer_frauds_30d"), 0);
}

TEST(Profiles, ComparesWithWhatACustomerUsuallyPays) {
  Profiles profiles;
  for (int day = 0; day < 10; ++day) profiles.Take(At(day, 12, "a", "t", 20));
  const auto features = profiles.Look(At(10, 3, "a", "t", 100));
  EXPECT_EQ(Feature(features, "amount_over_median"), 5);
  EXPECT_EQ(Feature(features, "customer_count_7d"), 8);  // with this one
  EXPECT_EQ(Feature(features, "night"), 1);
  EXPECT_EQ(Feature(features, "customer_large_14d"), 1);
  // What comes later than the payment does not count, clocks in order or not.
  Profiles mixed;
  mixed.Take(At(9, 12, "a", "t", 500));
  EXPECT_EQ(Feature(mixed.Look(At(3, 12, "a", "t", 20)), "customer_count_30d"), 1);
  mixed.Take(At(3, 12, "a", "t", 20));
  EXPECT_EQ(Feature(mixed.Look(At(4, 12, "a", "t", 20)), "customer_mean_30d"), 20);
}

TEST(Profiles, AreTheSameAfterAFile) {
  const TempFolder folder;
  Profiles profiles({.delay_days = 3});
  PaymentSimulation small{.customers = 30, .terminals = 40, .days = 20, .radius = 40};
  for (const Payment& one : SimulatePayments(small)) profiles.Take(one);
  ASSERT_TRUE(profiles.Save(folder / "p.db").has_value());
  const auto loaded = Profiles::Load(folder / "p.db");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  EXPECT_EQ(loaded->options().delay_days, 3);
  for (int c = 0; c < 30; ++c)
    EXPECT_EQ(loaded->Look(At(20, 9, std::to_string(c), "5", 30)),
              profiles.Look(At(20, 9, std::to_string(c), "5", 30)));
  std::ofstream(folder / "x.db") << "no database";
  EXPECT_FALSE(Profiles::Load(folder / "x.db").has_value());
}

TEST(ScreenEvaluation, MeasuresAsThePaper) {
  const std::vector<ScoredPayment> scored = {
      {1, "a", .9, true}, {1, "b", .8, false}, {1, "c", .7, true}, {2, "a", .95, true}, {2, "d", .5, false}};
  // Frauds at places 1, 2 and 4 of .95 .9 .8 .7 .5.
  EXPECT_NEAR(AveragePrecision(scored), (1 + 1 + 0.75) / 3, 1e-12);
  EXPECT_NEAR(RocArea(scored), 5.0 / 6, 1e-12);
  // Day 1: a of the first two; day 2: a was found, so d and nobody.
  EXPECT_NEAR(CardPrecision(scored, 2), (0.5 + 0) / 2, 1e-12);
  EXPECT_NEAR(BestCardPrecision(scored, 2), (1.0 + 0) / 2, 1e-12);
  EXPECT_EQ(AveragePrecision({{1, "a", .9, false}}), -1);
}

class ScreenerTest : public ::testing::Test {
 protected:
  ScreenerTest() {
    std::filesystem::create_directories(folder_ / "s");
    std::ofstream(folder_ / "s" / "screen.yaml")
        << "screen: s\nalerts_a_day: 50\ntrees: {count: 40, depth: 4}\n"
           "rules:\n  - {when: amount > 5000, then: hold, say: very large}\n";
  }
  std::string Declared(const std::string& text) {
    std::ofstream(folder_ / "s" / "screen.yaml") << text;
    const auto read = ReadScreenDeclaration(folder_ / "s");
    return read ? "" : read.error().message.substr(read.error().message.find("screen.yaml"));
  }
  TempFolder folder_;
};

TEST_F(ScreenerTest, NamesMistakesOfItsFile) {
  EXPECT_EQ(Declared("screen: s\nrules:\n  - {when: amont > 5, then: hold, say: x}\n"),
            "screen.yaml:3:5: in the rule 'amont > 5': 'amont' is no feature (did you mean 'amount'?)");
  EXPECT_NE(Declared("screen: s\nalerts: 5\n").find("unknown key 'alerts'"), std::string::npos);
  EXPECT_NE(Declared("screen: s\nrules:\n  - {when: amount > 5, then: hold}\n").find("without 'say'"),
            std::string::npos);
  EXPECT_NE(Declared("screen: [\n"), "");
  EXPECT_EQ(Declared("screen: s\n"), "");
}

TEST_F(ScreenerTest, TrainsFlagsAndSaysWhy) {
  if (!HasBoostedTrees()) GTEST_SKIP() << "no XGBoost";
  const auto declaration = ReadScreenDeclaration(folder_ / "s").value();
  Profiles profiles;
  const auto payments = SimulatePayments({.customers = 800, .terminals = 3000, .days = 75, .radius = 6});
  const FeatureTable table = MakeFeatureTable(payments, profiles);
  const auto figures = EvaluateScreen(table, declaration, {.folds = 2, .top_k = 10});
  ASSERT_TRUE(figures.has_value()) << figures.error().message;
  EXPECT_GT((*figures)["auroc"].get<double>(), 0.75);
  EXPECT_EQ((*figures)["folds"].size(), 2u);
  const auto trained = TrainScreen(table, declaration);
  ASSERT_TRUE(trained.has_value()) << trained.error().message;
  ASSERT_TRUE(WriteScreen(*trained, declaration, "test").has_value());
  const auto screener = Screener::Open(folder_ / "s");
  ASSERT_TRUE(screener.has_value()) << screener.error().message;
  const int64_t last = payments.back().time;
  Payment odd = At(0, 0, payments.back().customer, payments.back().terminal, 6000);
  odd.time = last + 60;
  const auto verdicts = (*screener)->Check({&odd, 1}, profiles);
  ASSERT_TRUE(verdicts.has_value());
  EXPECT_EQ((*verdicts)[0].action, ScreenAction::kHold);
  ASSERT_GE((*verdicts)[0].reasons.size(), 2u);
  EXPECT_EQ((*verdicts)[0].reasons[0], "very large");
  std::ofstream(folder_ / "s" / "trees.ubj") << "broken";
  EXPECT_NE(Screener::Open(folder_ / "s").error().message.find("is no model"), std::string::npos);
}

TEST_F(ScreenerTest, RefusesOneKindOfLabelsAndTooFewDays) {
  if (!HasBoostedTrees()) GTEST_SKIP() << "no XGBoost";
  const auto declaration = ReadScreenDeclaration(folder_ / "s").value();
  Profiles profiles;
  std::vector<Payment> genuine;
  for (int day = 0; day < 60; ++day) genuine.push_back(At(day, 12, "a", "t", 10));
  const FeatureTable table = MakeFeatureTable(genuine, profiles);
  EXPECT_NE(TrainScreen(table, declaration).error().message.find("nothing can be learnt from one kind"),
            std::string::npos);
  Profiles few;
  const FeatureTable short_table =
      MakeFeatureTable({At(0, 1, "a", "t", 1), At(3, 1, "a", "t", 1, true)}, few);
  EXPECT_NE(TrainScreen(short_table, declaration).error().message.find("days are too few"),
            std::string::npos);
  EXPECT_NE(EvaluateScreen(short_table, declaration, {}).error().message.find("days are too few"),
            std::string::npos);
}

TEST_F(ScreenerTest, SaysThatItIsNotTrained) {
  EXPECT_NE(Screener::Open(folder_ / "s").error().message.find("trained.json is not there"),
            std::string::npos);
}

TEST(PaymentSimulator, HasTheThreeKindsOfFraud) {
  const auto payments =
      SimulatePayments({.customers = 400, .terminals = 400, .days = 60, .radius = 15, .seed = 5});
  ASSERT_GT(payments.size(), 20000u);
  size_t frauds = 0;
  for (size_t i = 0; i < payments.size(); ++i) {
    if (i > 0) {
      ASSERT_LE(payments[i - 1].time, payments[i].time);
    }
    if (payments[i].amount > 5 * 220 * 3) ADD_FAILURE() << payments[i].amount;
    if (payments[i].amount > 220) {
      EXPECT_EQ(payments[i].label, FraudLabel::kFraud);
    }
    frauds += payments[i].label == FraudLabel::kFraud;
  }
  EXPECT_GT(frauds, payments.size() / 500);
  EXPECT_LT(frauds, payments.size() / 4);
}

}  // namespace
}  // namespace sotto
