// The turn store: records come back as they were, once; nothing changes or goes but by a purge; what is not a
// store, damaged or full is an error and stays as it is; a killed writer loses nothing that was written.
#include "flywheel/turn_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/mapped_file.h"
#include "flywheel/log_export.h"
#include "flywheel/log_time.h"
#include "flywheel/turn_store_parts.h"
#include "log_records.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

TurnRecord FullRecord(const std::string& session, int turn) {
  LoggedSession one(session);
  TurnRecord record = one.Say("block <card_1> for me", {{"lock_card", {{"card", "<card_1>"}}}});
  record.turn = turn;
  record.caller.customer = "17";
  record.heard.words = {{"block", {}, {}, .9}};
  record.heard.n_best = {{"block <card_1> for me", 0}};
  record.events.push_back(EventJson("slot_set", 1, "card", "<card_1>"));
  record.events.push_back(
      EventJson("replied", 0, "Done.", {{"parts", Json::array({"Done."})}, {"pending", "slots"}}));
  TurnRecord::Action action;
  action.request.tool = "lock_card";
  action.request.arguments = {{"card", "<card_1>"}};
  action.request.idempotency_key = "17/x/1/1";
  action.result.ok = true;
  action.result.data = {{"until", "friday"}};
  record.actions.push_back(action);
  record.reply.text = "Done.";
  record.reply.parts = {{"Done.", true}};
  record.played_text = "Done.";
  return record;
}

int64_t RowsOf(const std::filesystem::path& path, const std::string& table) {
  auto database = *Database::Open(path, Database::Mode::kOpen);
  auto count = *database.Prepare("SELECT count(*) FROM " + table);
  EXPECT_TRUE(*count.Step());
  return count.Integer(0);
}

TEST(TurnStoreParts, AreTheRecordAndEachAloneGivesNothingOfTheOthers) {
  const Json record = ToJson(FullRecord("s", 1));
  RecordParts parts = SplitRecord(record);
  for (const char* said : {"block", "for me", "Done."}) {
    EXPECT_THAT(parts.words.dump(), HasSubstr(said));
    EXPECT_THAT(parts.values.dump(), Not(HasSubstr(said)));
    EXPECT_THAT(parts.metrics.dump(), Not(HasSubstr(said)));
  }
  for (const char* value : {"friday", "\"17\"", "17/x/1/1"}) {
    EXPECT_THAT(parts.values.dump(), HasSubstr(value));
    EXPECT_THAT(parts.metrics.dump(), Not(HasSubstr(value)));
  }
  EXPECT_THAT(parts.metrics.dump(), HasSubstr("lock_card"));
  EXPECT_EQ(JoinRecord(parts), record);
  parts.words = nullptr;
  parts.values = nullptr;
  const auto left = TurnRecordFromJson(JoinRecord(parts));
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(left->heard.text, "");
  EXPECT_EQ(left->understood->calls[0].call.name, "lock_card");
  EXPECT_EQ(left->understood->confidence, 0.95);
}

TEST(TurnStore, GivesBackWhatItWasTold) {
  const TempFolder folder;
  {
    const auto store = *TurnStore::Open(folder / "turns.sqlite");
    for (int turn = 0; turn < 3; ++turn) {
      ASSERT_TRUE(store->Write(FullRecord("a", turn)));
      ASSERT_TRUE(store->Write(FullRecord("b", turn)));
    }
    ASSERT_TRUE(store->Write(FullRecord("a", 1)));  // again
  }
  const auto store = *TurnStore::Open(folder / "turns.sqlite", {.create = false});
  const auto all = store->ReadAll({});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    const std::string session = i < 3 ? "a" : "b";
    EXPECT_EQ(ToJson((*all)[i].record), ToJson(FullRecord(session, static_cast<int>(i % 3))));
    EXPECT_EQ((*all)[i].source, "live");
  }
  EXPECT_EQ(*store->Count({.session = "b"}), 3);
  EXPECT_EQ(*store->Count({.since = "2027-01-01T00:00:00Z"}), 0);
  EXPECT_EQ(*store->NameOf("+15551234567"), *store->NameOf("+15551234567"));
  EXPECT_NE(*store->NameOf("+15551234567"), *store->NameOf("+15551234568"));
}

TEST(TurnStore, IsAppendOnly) {
  const TempFolder folder;
  ASSERT_TRUE((*TurnStore::Open(folder / "turns.sqlite"))->Write(FullRecord("a", 1)));
  auto database = *Database::Open(folder / "turns.sqlite", Database::Mode::kOpen);
  for (const char* sql :
       {"UPDATE turns SET session = 'x'", "UPDATE turn_words SET json = '{}'", "DELETE FROM turns",
        "DELETE FROM turn_words", "DELETE FROM turn_values", "UPDATE turn_values SET json = '{}'"}) {
    const auto done = database.Execute(sql);
    ASSERT_FALSE(done) << sql;
    EXPECT_THAT(done.error().message, HasSubstr("append-only")) << sql;
  }
  EXPECT_EQ(RowsOf(folder / "turns.sqlite", "turn_words"), 1);
}

TEST(TurnStore, PurgesByKindAndNotesIt) {
  const TempFolder folder;
  const auto store = *TurnStore::Open(folder / "turns.sqlite");
  TurnRecord old = FullRecord("old", 1);
  old.at = "2026-06-01T00:00:00Z";
  TurnRecord fresh = FullRecord("fresh", 1);
  fresh.at = "2026-11-01T00:00:00Z";
  ASSERT_TRUE(store->Write(old));
  ASSERT_TRUE(store->Write(fresh));
  std::ofstream(folder / "old.wav") << "RIFF";
  ASSERT_TRUE(store->SetAudio("old", 1, folder / "old.wav"));
  EXPECT_FALSE(store->SetAudio("old", 1, folder / "other.wav"));
  EXPECT_FALSE(store->SetAudio("none", 1, folder / "other.wav"));
  Purge purge;
  purge.now = "2026-11-30T00:00:00Z";
  EXPECT_FALSE(store->Delete(purge));  // nobody, no reason
  purge.who = "ana";
  purge.reason = "policy";
  EXPECT_FALSE(store->Delete(purge));  // nothing
  purge.days[static_cast<size_t>(DataKind::kWords)] = 90;
  purge.days[static_cast<size_t>(DataKind::kAudio)] = 30;
  ASSERT_EQ(store->Delete(purge, true)->rows[0], 1);
  EXPECT_TRUE(std::filesystem::exists(folder / "old.wav"));
  const auto purged = store->Delete(purge);
  ASSERT_TRUE(purged) << purged.error().message;
  EXPECT_THAT(purged->rows, ::testing::ElementsAre(1, 0, 1, 0));
  EXPECT_FALSE(std::filesystem::exists(folder / "old.wav"));
  const auto all = *store->ReadAll({});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].has_words);
  EXPECT_TRUE(all[0].has_values);
  EXPECT_EQ(all[0].record.heard.text, "");
  EXPECT_EQ(all[0].record.understood->calls[0].call.arguments["card"], "<card_1>");
  EXPECT_EQ(all[1].record.heard.text, "block <card_1> for me");
  Purge session;
  session.who = "ana";
  session.reason = "the person asked for it";
  session.now = purge.now;
  session.session = "fresh";
  EXPECT_THAT(store->Delete(session)->rows, ::testing::ElementsAre(1, 1, 0, 1));
  EXPECT_EQ(store->ReadAll({})->size(), 1U);
  EXPECT_EQ(RowsOf(folder / "turns.sqlite", "purges"), 2);
  // Not a byte of it is left.
  EXPECT_EQ((*ReadFile(folder / "turns.sqlite")).find("for me"), std::string::npos);
}

TEST(TurnStore, DoesNotPurgeByAClockThatJumped) {
  const TempFolder folder;
  const auto store = *TurnStore::Open(folder / "turns.sqlite");
  ASSERT_TRUE(store->Write(FullRecord("a", 1)));
  Purge purge;
  purge.who = "ana";
  purge.reason = "policy";
  purge.days[0] = 90;
  purge.now = "2020-01-01T00:00:00Z";  // before the turn
  const auto back = store->Delete(purge);
  ASSERT_FALSE(back);
  EXPECT_THAT(back.error().message, HasSubstr("clock"));
  purge.now = DaysBefore(UtcNow(), -4000);
  const auto ahead = store->Delete(purge);
  ASSERT_FALSE(ahead);
  EXPECT_THAT(ahead.error().message, HasSubstr("clock"));
  purge.trust_clock = true;
  EXPECT_EQ(store->Delete(purge)->rows[0], 1);
}

TEST(TurnStore, LeavesWhatIsNoStoreAsItIs) {
  const TempFolder folder;
  std::ofstream(folder / "text.sqlite") << "not a database";
  {
    auto other = *Database::Open(folder / "other.sqlite", Database::Mode::kCreate);
    ASSERT_TRUE(other.Execute("CREATE TABLE mine(x)"));
  }
  for (const char* name : {"text.sqlite", "other.sqlite"}) {
    const std::string before = *ReadFile(folder / name);
    const auto opened = TurnStore::Open(folder / name);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(name));
    EXPECT_EQ(*ReadFile(folder / name), before);
  }
  EXPECT_EQ(TurnStore::Open(folder / "none.sqlite", {.create = false}).error().code, ErrorCode::kNotFound);
}

TEST(TurnStore, ListsRowsThatCannotBeRead) {
  const TempFolder folder;
  const auto store = *TurnStore::Open(folder / "turns.sqlite");
  for (int turn = 1; turn <= 3; ++turn) ASSERT_TRUE(store->Write(FullRecord("a", turn)));
  {
    auto database = *Database::Open(folder / "turns.sqlite", Database::Mode::kOpen);
    ASSERT_TRUE(
        database.Execute("DROP TRIGGER turns_stay; UPDATE turns SET metrics = '{\"torn' WHERE turn = 2"));
  }
  EXPECT_FALSE(store->ReadAll({}));
  std::vector<std::string> errors;
  EXPECT_EQ(store->ReadAll({}, &errors)->size(), 2U);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0], HasSubstr("turn 2"));
}

TEST(TurnStore, SaysThatTheDiskIsFullAndGoesOnOnceItIsNot) {
  const TempFolder folder;
  {
    const auto small = *TurnStore::Open(folder / "turns.sqlite", {.most_bytes = 120'000});
    TurnRecord large = FullRecord("a", 1);
    large.reply.text = std::string(200'000, 'x');
    const auto written = small->Write(large);
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().message, HasSubstr("full"));
    EXPECT_EQ(*small->Count({}), 0);
    EXPECT_TRUE(small->Write(FullRecord("a", 2)));
  }
  const auto store = *TurnStore::Open(folder / "turns.sqlite");
  TurnRecord large = FullRecord("a", 1);
  large.reply.text = std::string(200'000, 'x');
  EXPECT_TRUE(store->Write(large));
  EXPECT_EQ(*store->Count({}), 2);
}

// Killed again and again while it writes: whatever it said was written is there, and the store opens.
TEST(TurnStore, LosesNothingToAKill) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "turns.sqlite";
  int promised = 0;
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto store = TurnStore::Open(path);
      if (!store) ::_exit(3);
      for (int turn = 0;; ++turn) {
        if (!(*store)->Write(FullRecord(fmt::format("s{}", round), turn))) ::_exit(4);
        if (::write(pipe_ends[1], "x", 1) != 1) ::_exit(5);
      }
    }
    ::close(pipe_ends[1]);
    char byte = 0;
    for (int n = 0; n < 3 + round && ::read(pipe_ends[0], &byte, 1) == 1; ++n) ++promised;
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    while (::read(pipe_ends[0], &byte, 1) == 1) ++promised;
    ::close(pipe_ends[0]);
  }
  const auto store = TurnStore::Open(path);
  ASSERT_TRUE(store) << store.error().message;
  const auto all = (*store)->ReadAll({});
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_GE(static_cast<int>(all->size()), promised);
  EXPECT_GE(promised, 8 * 3);
}

TEST(TurnStore, IsWhatAPathThatEndsInSqliteOpens) {
  const TempFolder folder;
  for (const char* name : {"a.sqlite", "b.db", "c.jsonl"}) {
    const auto sink = OpenTurnSink(folder / name);
    ASSERT_TRUE(sink) << sink.error().message;
    ASSERT_TRUE((*sink)->Write(FullRecord("a", 1)));
    EXPECT_EQ((*ReadFile(folder / name)).starts_with("SQLite format 3"), name[2] != 'j') << name;
  }
}

TEST(LogExport, IsTheConversationWithResultsAndReplies) {
  const TempFolder folder;
  const auto store = *TurnStore::Open(folder / "turns.sqlite");
  ASSERT_TRUE(store->Write(FullRecord("a", 1)));
  const auto exported = ExportLogs(*store, {}, ExportForm::kOpenAi, folder / "out.jsonl");
  ASSERT_TRUE(exported) << exported.error().message;
  EXPECT_EQ(exported->turns, 1U);
  const Json row = Json::parse(*ReadFile(folder / "out.jsonl"));
  ASSERT_EQ(row["messages"].size(), 4U);
  EXPECT_EQ(row["messages"][0]["content"], "block <card_1> for me");
  EXPECT_EQ(row["messages"][1]["tool_calls"][0]["function"]["name"], "lock_card");
  EXPECT_EQ(row["messages"][2]["tool_call_id"], row["messages"][1]["tool_calls"][0]["id"]);
  EXPECT_EQ(row["messages"][3]["content"], "Done.");
  EXPECT_EQ(row["metadata"]["session"], "a");
}

TEST(LogTime, ReadsTimesOfOthers) {
  EXPECT_EQ(*UtcFromUser("2026-11-30 07:45:10.250+01:00", "x"), "2026-11-30T06:45:10Z");
  EXPECT_EQ(*UtcFromUser("2026-11-30", "x"), "2026-11-30T00:00:00Z");
  for (const char* wrong : {"", "yesterday", "2026-13-01", "2026-11-30T25:00", "2026-11-30T07:45:00Zx"})
    EXPECT_FALSE(ParseUtc(wrong)) << wrong;
  EXPECT_EQ(UtcOfSeconds(1745044394.14), "2025-04-19T06:33:14Z");
  EXPECT_EQ(UtcOfSeconds(1745044394140.0), "2025-04-19T06:33:14Z");
  EXPECT_EQ(UtcOfSeconds(-1), "");
}

}  // namespace
}  // namespace sotto
