#include "assistant/session_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sqlite.h"
#include "dialogue/state.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

class SessionStoreTest : public ::testing::Test {
 protected:
  const TempFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "sessions.db";
  const std::chrono::system_clock::time_point now_{};
};

TEST_F(SessionStoreTest, NamesAreGivenAnew) {
  const auto store = SessionStore::Open(path_).value();
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(store->Append(id, "banking", std::vector<Event>{{Event::Type::kBegan, 0, id, {}}}, now_));
    ASSERT_TRUE(store->Name(id, "mine"));
  }
  EXPECT_EQ(store->Named("mine").value(), "b");
  EXPECT_EQ(store->Named("yours").value(), "");
  EXPECT_EQ(store->List().value().size(), 2u);
}

TEST_F(SessionStoreTest, AnEndedSessionStaysEndedWhateverIsAdded) {
  const auto store = SessionStore::Open(path_).value();
  ASSERT_TRUE(store->Append("a", "banking", std::vector<Event>{{Event::Type::kEnded, 0, "", {}}}, now_));
  ASSERT_TRUE(store->Append(
      "a", "banking", std::vector<Event>{{Event::Type::kCaller, 0, "", Json{{"customer", "1"}}}}, now_));
  EXPECT_TRUE(store->List().value().at(0).ended);
  ASSERT_TRUE(store->Append("a", "banking", std::vector<Event>{{Event::Type::kReopened, 0, "", {}}}, now_));
  EXPECT_FALSE(store->List().value().at(0).ended);
}

// As the first program wrote it: no version, no names, what is asked by its number.
TEST_F(SessionStoreTest, ReadsWhatAnOlderProgramStored) {
  {
    Database old = Database::Open(path_, Database::Mode::kCreate).value();
    ASSERT_TRUE(old.Execute(R"sql(
CREATE TABLE IF NOT EXISTS sessions(
  id TEXT PRIMARY KEY, workflow TEXT NOT NULL, begun_at TEXT NOT NULL, changed_at TEXT NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS events(
  session TEXT NOT NULL REFERENCES sessions(id), number INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY(session, number)) STRICT, WITHOUT ROWID;
INSERT INTO sessions VALUES ('mine', 'banking', '2026-05-01T09:00:00Z', '2026-05-01T09:00:00Z', 0);
INSERT INTO events VALUES ('mine', 1, '', '{"event":"began","name":"mine"}'),
  ('mine', 2, '', '{"event":"task_began","task":1,"name":"transfer_money"}'),
  ('mine', 3, '', '{"event":"verified"}'),
  ('mine', 4, '', '{"event":"replied","name":"Sure?","value":{"parts":[],"keys":[],"pending":3}}');
)sql"));
  }
  for (int opened = 0; opened < 2; ++opened) {
    const auto store = SessionStore::Open(path_);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ((*store)->Named("mine").value(), "mine");
    const DialogueState state = Fold((*store)->Load("mine", "banking").value());
    EXPECT_EQ(state.pending.kind, Pending::Kind::kConfirm);
    EXPECT_TRUE(state.caller.verified());
    EXPECT_EQ(state.caller.customer, "");
  }
}

TEST_F(SessionStoreTest, LeavesAloneWhatItDoesNotKnow) {
  {
    Database database = Database::Open(path_, Database::Mode::kCreate).value();
    ASSERT_TRUE(database.Execute("CREATE TABLE plans (name TEXT)"));
  }
  const auto other = SessionStore::Open(path_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, path_.string() + " is a database of something else than sessions");
  const auto later = folder_.path() / "later.db";
  ASSERT_TRUE(SessionStore::Open(later));
  {
    Database database = Database::Open(later, Database::Mode::kOpen).value();
    ASSERT_TRUE(database.Execute("PRAGMA user_version = 9"));
  }
  const auto store = SessionStore::Open(later);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(store.error().message, HasSubstr("version 9"));
}

TEST_F(SessionStoreTest, ACallerThatIsNoneIsNamed) {
  const auto store = SessionStore::Open(path_).value();
  ASSERT_TRUE(store->Append("a", "banking",
                            std::vector<Event>{{Event::Type::kCaller, 0, "", Json{{"customer", 7}}}}, now_));
  const auto events = store->Load("a", "banking");
  ASSERT_FALSE(events);
  EXPECT_THAT(events.error().message, HasSubstr("caller.customer is not a text"));
}

}  // namespace
}  // namespace sotto
