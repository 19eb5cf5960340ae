// What later events prove is kept, everything else is left out with its reason.
#include "flywheel/clean.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "flywheel/clean_placeholders.h"
#include "flywheel/flywheel_input.h"
#include "log_records.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

ToolCall Transfer(Json arguments) { return {"transfer_money", std::move(arguments)}; }

// A transfer that was asked for, read back, confirmed and done.
LoggedSession ConfirmedTransfer(const std::string& id,
                                const std::string& words = "move 200 from checking to savings") {
  LoggedSession session(id);
  const Json arguments{{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}};
  TurnRecord& asked = session.Say(words, {Transfer(arguments)});
  asked.events.push_back(EventJson("task_began", 1, "transfer_money"));
  for (const auto& item : arguments.items())
    asked.events.push_back(EventJson("slot_set", 1, item.key().c_str(), item.value()));
  TurnRecord& yes = session.Say("yes", {{"affirm", Json::object()}});
  yes.expectation = {Expectation::Kind::kConfirm, "transfer_money", {}};
  yes.events.push_back(EventJson("confirmed", 1));
  yes.events.push_back(EventJson("action_began", 1, "key", arguments));
  yes.events.push_back(EventJson("task_done", 1));
  return session;
}

Cleaned CleanOf(const std::vector<LoggedSession>& sessions, CleanOptions options = {}) {
  LogView log;
  for (const LoggedSession& session : sessions) log.sessions.push_back(session.stored());
  return CleanLog(log, *BankingWorkflow(), options);
}

std::vector<ProvenTurn> JudgedOf(const std::vector<StoredTurn>& turns, const EvidenceOptions& options = {}) {
  return JudgeTurns(turns, *BankingWorkflow(), options);
}

TEST(Clean, KeepsWhatWasConfirmedAndDone) {
  const Cleaned cleaned = CleanOf({ConfirmedTransfer("a")});
  ASSERT_EQ(cleaned.rows.size(), 1U);
  const CleanRow& row = cleaned.rows[0];
  EXPECT_EQ(row.labelled.conversation.turns.size(), 2U);
  EXPECT_THAT(row.proofs, ElementsAre(Proof::kConfirmed, Proof::kExecuted));
  const Json json = ToJson(row);
  EXPECT_EQ(json["provenance"]["session"], "a");
  EXPECT_EQ(json["provenance"]["turns"], Json::array({1, 2}));
  // Our own programs read it.
  const auto read = ConversationFromJson(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(ToString(read->conversation.turns[0].calls[0]),
            "transfer_money(amount=200, from_account=checking, to_account=savings)");
  EXPECT_EQ(read->conversation.turns[1].expectation.tool, "transfer_money");
}

TEST(Clean, LeavesOutWithAReason) {
  LoggedSession failed = ConfirmedTransfer("failed");
  failed.records[1].events.back() = EventJson("task_done", 1, "timeout");
  LoggedSession error = ConfirmedTransfer("error");
  error.records[0].errors = {"the brain fell over"};
  LoggedSession cut = ConfirmedTransfer("cut");
  cut.records[0].cut_off = true;
  LoggedSession misheard = ConfirmedTransfer("misheard");
  misheard.records[0].heard.words = {{"move", {}, {}, .3}};
  LoggedSession abandoned = ConfirmedTransfer("abandoned");
  abandoned.records.resize(1);
  LoggedSession unsure("unsure");
  TurnRecord& balance = unsure.Say("how much", {{"check_balance", Json::object()}}, 0.4);
  balance.events.push_back(EventJson("task_began", 1, "check_balance"));
  balance.events.push_back(EventJson("task_done", 1));
  LoggedSession lost("lost");
  lost.Say("blah", {{"intent_unclear", Json::object()}}, 0.9);
  LoggedSession person("person");
  person.Say("i want my money", {{"check_balance", Json::object()}}).outcome =
      TurnRecord::Outcome::kEscalated;
  const Cleaned cleaned = CleanOf({failed, error, cut, misheard, abandoned, unsure, lost, person});
  for (const char* why : {"failure", "cut off", "misheard", "abandoned", "unsure", "not understood",
                          "handed off", "action failed"})
    EXPECT_EQ(cleaned.dropped.contains(why), true) << why;
  std::vector<std::string> asked;
  for (const CleanQuestion& question : cleaned.questions)
    asked.push_back(question.session + ": " + question.why);
  EXPECT_THAT(asked, UnorderedElementsAre("unsure: unsure", "lost: not understood", "person: handed off"));
  size_t counted = 0;
  for (const auto& [why, count] : cleaned.dropped) counted += count;
  for (const auto& [proof, count] : cleaned.kept) counted += count;
  EXPECT_EQ(counted, cleaned.turns);
}

TEST(Clean, ACorrectionIsALabelForTheTurnBefore) {
  // It took "savings" for the source although "checking" was said; the caller put it right.
  LoggedSession session = ConfirmedTransfer("a");
  TurnRecord& first = session.records[0];
  first.understood->calls[0].call.arguments["from_account"] = "savings";
  for (Json& event : first.events)
    if (event.value("name", "") == "from_account") event["value"] = "credit";
  TurnRecord yes = session.records[1];
  session.records.pop_back();
  TurnRecord& correction = session.Say("no from checking", {Transfer({{"from_account", "checking"}})});
  correction.expectation = {Expectation::Kind::kConfirm, "transfer_money", {}};
  correction.events.push_back(EventJson("slot_set", 1, "from_account", "checking"));
  yes.turn = 3;
  session.records.push_back(yes);
  const auto judged = JudgedOf(session.stored());
  ASSERT_EQ(judged.size(), 3U);
  EXPECT_EQ(judged[0].proof, Proof::kCorrected);
  EXPECT_EQ(judged[0].calls[0].arguments["from_account"], "checking");
  EXPECT_EQ(judged[1].proof, Proof::kConfirmed);
}

TEST(Clean, AChangeOfMindLeavesTheLabelAndWhatWasNeverSaidIsNone) {
  const auto with_later = [](const std::string& words, Json from) {
    LoggedSession session = ConfirmedTransfer("a", words);
    TurnRecord& first = session.records[0];
    for (Json& event : first.events)
      if (event.value("name", "") == "amount") event["value"] = from;
    TurnRecord yes = session.records[1];
    session.records.pop_back();
    TurnRecord& change = session.Say("make it 300", {Transfer({{"amount", 300}})});
    change.events.push_back(EventJson("slot_set", 1, "amount", 300));
    yes.turn = 3;
    session.records.push_back(yes);
    return JudgedOf(session.stored())[0];
  };
  EXPECT_EQ(with_later("move 200 from checking to savings", 200).proof, Proof::kConfirmed);
  EXPECT_EQ(with_later("move it from checking to savings", 200).dropped, "corrected to what was not said");
}

TEST(Clean, WhatWasSaidAgainSaysWhatTheFirstTimeMeant) {
  LoggedSession session("a");
  session.Say("move 200 from checking to savings please", {{"intent_unclear", Json::object()}}, 0.3).outcome =
      TurnRecord::Outcome::kNotUnderstood;
  for (TurnRecord record : ConfirmedTransfer("a").records) {
    record.turn = static_cast<int>(session.records.size()) + 1;
    session.records.push_back(record);
  }
  const auto judged = JudgedOf(session.stored());
  EXPECT_EQ(judged[0].proof, Proof::kCorrected);
  EXPECT_EQ(ToString(judged[0].calls[0]),
            "transfer_money(amount=200, from_account=checking, to_account=savings)");
  // Not where the words are others.
  session.records[0].heard.text = "what about my mortgage";
  session.records[0].understood->transcript = session.records[0].heard.text;
  EXPECT_EQ(JudgedOf(session.stored())[0].dropped, "not understood");
}

TEST(Clean, ConflictsAreListedNotAveraged) {
  LoggedSession other = ConfirmedTransfer("b");
  other.records[0].understood->calls[0].call = {"pay_bill", {{"amount", 200}}};
  other.records[0].events[1] = EventJson("task_began", 1, "pay_bill");
  std::vector<LoggedSession> sessions{ConfirmedTransfer("a"), other, ConfirmedTransfer("c")};
  Cleaned cleaned = CleanOf(sessions);
  ASSERT_EQ(cleaned.conflicts.size(), 1U);
  EXPECT_EQ(cleaned.conflicts[0].words, "move 200 from checking to savings");
  ASSERT_EQ(cleaned.conflicts[0].sides.size(), 2U);
  EXPECT_EQ(cleaned.conflicts[0].sides[1].count, 2U);
  EXPECT_EQ(cleaned.dropped["conflict"], 3U);
  for (const CleanRow& row : cleaned.rows)
    EXPECT_NE(row.labelled.conversation.turns[0].user, "move 200 from checking to savings");
  // A person decides.
  CleanOptions options;
  options.evidence.label_of = [](const std::string& session, int turn) -> std::optional<GivenLabel> {
    if (session != "a" || turn != 1) return std::nullopt;
    return GivenLabel{
        {{"transfer_money", {{"amount", 200}, {"from_account", "checking"}, {"to_account", "savings"}}}},
        "ana"};
  };
  cleaned = CleanOf({sessions[0], sessions[1]}, options);
  EXPECT_EQ(cleaned.conflicts.size(), 1U);
  EXPECT_EQ(cleaned.dropped["conflict"], 1U);
  EXPECT_EQ(cleaned.kept["person"], 1U);
}

TEST(Clean, DuplicatesAreOneRowThatKnowsHowMany) {
  const Cleaned cleaned = CleanOf({ConfirmedTransfer("a"), ConfirmedTransfer("b"),
                                   ConfirmedTransfer("c", "Move 200 from checking, to savings!"),
                                   ConfirmedTransfer("d", "please move 200 from checking to savings"),
                                   ConfirmedTransfer("e", "i need two hundred in savings out of checking")});
  ASSERT_EQ(cleaned.rows.size(), 3U);
  EXPECT_EQ(cleaned.rows[0].same, 3U);
  EXPECT_EQ(cleaned.dropped.at("duplicate"), 4U);
  CleanOptions wide;
  wide.near = 0.8;
  const Cleaned near = CleanOf(
      {ConfirmedTransfer("a"), ConfirmedTransfer("d", "please move 200 from checking to savings")}, wide);
  EXPECT_EQ(near.rows.size(), 1U);
  EXPECT_EQ(near.dropped.at("near duplicate"), 2U);
}

TEST(Clean, FillsPlaceholdersTheSameInWordsAndCalls) {
  Conversation conversation;
  conversation.turns.push_back(
      {"cancel my card <card_1> for <name_1>", {}, {{"cancel_card", {{"last_four", "<card_1>"}}}}});
  conversation.turns.push_back(
      {"the debit one", {}, {{"cancel_card", {{"last_four", "<card_1>"}, {"card_type", "debit"}}}}});
  Conversation again = conversation;
  EXPECT_EQ(FillPlaceholders(conversation, *BankingWorkflow(), false, "s"), 1U);
  EXPECT_FALSE(HasPlaceholder(conversation.turns[0].user));
  EXPECT_TRUE(conversation.turns[0].user.ends_with(" for"))
      << conversation.turns[0].user;  // of a name no call has
  const std::string value = conversation.turns[0].calls[0].arguments["last_four"].get<std::string>();
  EXPECT_THAT(conversation.turns[0].user, HasSubstr(value));
  EXPECT_EQ(conversation.turns[1].calls[0].arguments["last_four"], value);
  FillPlaceholders(again, *BankingWorkflow(), false, "s");
  EXPECT_EQ(again.turns[0].user, conversation.turns[0].user);
  EXPECT_EQ(PlaceholderIn("<card_12>"), "card_12");
  for (const char* none : {"<card>", "a < b", "<card_1> x", "", "<>"})
    EXPECT_EQ(PlaceholderIn(none), "") << none;
}

TEST(Clean, WhatCannotBeLearntFromIsCutOff) {
  CleanOptions options;
  options.evidence.why_invalid = [](const Conversation& conversation) -> std::optional<std::string> {
    for (const Turn& turn : conversation.turns)
      if (turn.user == "yes") return "turn 2: x was never said";
    return std::nullopt;
  };
  const Cleaned cleaned = CleanOf({ConfirmedTransfer("a")}, options);
  ASSERT_EQ(cleaned.rows.size(), 1U);
  EXPECT_EQ(cleaned.rows[0].turns, std::vector<int>{1});
  EXPECT_THAT(cleaned.dropped, ElementsAre(Pair("not said in what is kept", 1U)));
}

TEST(Clean, DoubtedLabelsAreAskedAboutAndNotLearnt) {
  std::vector<LoggedSession> sessions;
  for (const char* id : {"a", "b"}) {
    LoggedSession& session = sessions.emplace_back(id);
    session.source = "conversations";
    session.Say(id == std::string("a") ? "hello there" : "what is my balance",
                {{"greeting", Json::object()}});
  }
  CleanOptions options;
  options.evidence.doubted = [](const std::string& session, int) { return session == "b"; };
  const Cleaned cleaned = CleanOf(sessions, options);
  ASSERT_EQ(cleaned.rows.size(), 1U);
  EXPECT_EQ(cleaned.rows[0].session, "a");
  EXPECT_THAT(cleaned.dropped, ElementsAre(Pair("doubted", 1U)));
  ASSERT_EQ(cleaned.questions.size(), 1U);
  EXPECT_EQ(cleaned.questions[0].session, "b");
}

// The model that is live hears "what is my balance" for what it is; a tool that it does not have it cannot doubt.
TEST(FlywheelInput, TheLiveModelDoubtsLabelsOfImports) {
  const TempFolder folder;
  {
    const auto store = *TurnStore::Open(folder / "turns.sqlite");
    int n = 0;
    for (const auto& [words, tool] :
         std::vector<std::pair<std::string, std::string>>{{"what is my checking balance", "check_balance"},
                                                          {"what is my savings balance", "goodbye"},
                                                          {"tell me my savings balance", "order_cheques"}}) {
      LoggedSession session(std::string(1, static_cast<char>('a' + n++)));
      session.Say(words, {{tool, Json::object()}});
      if (tool == "check_balance")
        session.records[0].understood->calls[0].call.arguments = {{"account_type", "checking"}};
      ASSERT_TRUE(store->AddAll(session.records, "conversations"));
    }
  }
  FlywheelInputOptions options;
  options.store = folder / "turns.sqlite";
  options.doubted_by = BankingWorkflow()->folder;
  const auto input = FlywheelInput::Open(BankingWorkflow(), options);
  ASSERT_TRUE(input) << input.error().message;
  EXPECT_FALSE((*input)->evidence.doubted("a", 1));
  EXPECT_TRUE((*input)->evidence.doubted("b", 1));
  EXPECT_FALSE((*input)->evidence.doubted("c", 1));
}

TEST(Clean, WritesItsFilesWhole) {
  const TempFolder folder;
  const Cleaned cleaned = CleanOf({ConfirmedTransfer("a")});
  ASSERT_TRUE(WriteCleaned(cleaned, folder / "out"));
  const auto rows = ReadConversations(folder / "out" / "labelled.jsonl");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->size(), 1U);
  EXPECT_EQ(Json::parse(*ReadFile(folder / "out" / "summary.json"))["rows"], 1);
}

}  // namespace
}  // namespace sotto
