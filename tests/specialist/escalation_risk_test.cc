#include "specialist/escalation_risk.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/mapped_file.h"
#include "specialist/annotator.h"
#include "specialist/impatient_callers.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using Outcome = TurnRecord::Outcome;

std::unique_ptr<Annotator> ShippedRisk() {
  auto annotator = OpenSpecialist(SOTTO_SOURCE_DIR "/specialists/escalation_risk", {});
  EXPECT_TRUE(annotator.has_value()) << annotator.error().message;
  return *std::move(annotator);
}

TEST(EscalationRisk, AWishForAPersonAlwaysWins) {
  const auto risk = ShippedRisk();
  for (const char* text :
       {"let me talk to a person", "I want to speak to a human please", "agent", "can I speak with someone",
        "get me a real person", "put me through to your manager", "Representative!",
        "I'd like to speak to a human being"}) {
    const Json said = risk->AnnotateInContext({.text = text});
    EXPECT_EQ(said["risk"], 1.0) << text;
    EXPECT_EQ(said["wants_person"], true) << text;
  }
  for (const char* text : {"I don't want to talk to a person", "I spoke to someone yesterday",
                           "pay my agent two hundred dollars", "what's my balance"})
    EXPECT_EQ(risk->AnnotateInContext({.text = text})["wants_person"], false) << text;
}

TEST(EscalationRisk, GrowsWithWhatGoesWrong) {
  const auto risk = ShippedRisk();
  const auto of = [&](const CallSoFar& call, std::string_view text) {
    return risk->AnnotateInContext({.text = text, .call = &call})["risk"].get<double>();
  };
  CallSoFar good;
  good.turns = {{"move two hundred to savings", Outcome::kHandled}, {"from checking", Outcome::kHandled}};
  CallSoFar bad;
  bad.turns = {{"move two hundred to savings", Outcome::kNotUnderstood},
               {"move two hundred to savings", Outcome::kNotUnderstood},
               {"I said move two hundred", Outcome::kNotUnderstood}};
  EXPECT_LT(of(good, "yes"), of(bad, "yes"));
  EXPECT_LT(of(bad, "move two hundred to savings"), of(bad, "forget it, this is useless"));
  EXPECT_LT(of(good, "yes"), 0.3);
  EXPECT_GT(of(bad, "forget it, this is useless"), 0.6);
}

TEST(EscalationRisk, ReadsTurnsFromRecords) {
  TurnRecord record;
  record.heard.text = "no, savings";
  record.outcome = Outcome::kHandled;
  record.events = {Json{{"event", "denied"}, {"task", 1}}, Json{{"event", "slot_rejected"}, {"task", 1}},
                   Json{{"event", "task_dropped"}, {"task", 1}}};
  record.actions.push_back({{}, {false, "timeout", Json::object()}, 3});
  const CallTurn turn = CallTurnOf(record);
  EXPECT_EQ(turn.text, "no, savings");
  EXPECT_EQ(turn.denials, 1);
  EXPECT_EQ(turn.rejected, 1);
  EXPECT_EQ(turn.dropped, 1);
  EXPECT_EQ(turn.failed, 1);
}

TEST(EscalationRisk, SimulatedCallersAreTheSameForASeed) {
  const auto a = SimulateImpatientCallers({.calls = 50, .seed = 3});
  const auto b = SimulateImpatientCallers({.calls = 50, .seed = 3});
  ASSERT_EQ(a.size(), b.size());
  size_t gave_up = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].text, b[i].text);
    gave_up += a[i].gave_up;
  }
  EXPECT_GT(gave_up, 0u);
  EXPECT_LT(gave_up, a.size());
}

TEST(EscalationRisk, AreaUnderTheCurve) {
  EXPECT_DOUBLE_EQ(AreaUnderRoc({{.1, false}, {.2, true}, {.3, false}, {.4, true}}), 0.75);
  EXPECT_DOUBLE_EQ(AreaUnderRoc({{.5, false}, {.5, true}}), 0.5);
  EXPECT_DOUBLE_EQ(AreaUnderRoc({{.5, true}}), -1);
}

TEST(EscalationRisk, TrainsOnRatedCallsAndRefusesOneKind) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "risk");
  std::filesystem::copy_file(SOTTO_SOURCE_DIR "/specialists/escalation_risk/words.txt",
                             folder / "risk" / "words.txt");
  std::ofstream(folder / "risk" / "specialist.yaml")
      << "specialist: risk\nkind: risk\ndata: {train: [calls.jsonl]}\n";
  const auto train = [&](const std::string& rows) {
    std::ofstream(folder / "risk" / "calls.jsonl") << rows;
    return TrainRisk(ReadDeclaration(folder / "risk").value(), {});
  };
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    rows +=
        R"({"turns": [{"text": "pay it"}, {"text": "yes"}], "gave_up": false})"
        "\n"
        R"({"turns": [{"text": "pay it", "outcome": "not_understood"}, {"text": "forget it"}], "gave_up": true})"
        "\n";
  }
  const auto figures = train(rows);
  ASSERT_TRUE(figures.has_value()) << figures.error().message;
  EXPECT_GT((*figures)["on_training_data"]["auroc"].get<double>(), 0.8);
  EXPECT_TRUE(OpenSpecialist((folder / "risk").string(), {}).has_value());
  const auto one_kind = train(R"({"turns": [{"text": "a"}], "gave_up": false})");
  EXPECT_NE(one_kind.error().message.find("only callers who stayed"), std::string::npos);
  EXPECT_NE(train("{\"turns\": 3}").error().message.find("calls.jsonl:1"), std::string::npos);
  std::ofstream(folder / "risk" / "model.tsv") << "constant\tx\n";
  EXPECT_NE(OpenSpecialist((folder / "risk").string(), {})
                .error()
                .message.find("model.tsv:1: is not the weight of 'constant'"),
            std::string::npos);
}

}  // namespace
}  // namespace sotto
