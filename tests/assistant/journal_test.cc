#include "assistant/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sqlite.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

class JournalTest : public ::testing::Test {
 protected:
  void Append(Journal& journal, const std::string& session, Journal::Done done) {
    journal.Append(session, "banking", {{Event::Type::kBegan, 0, session, {}}}, {}, std::move(done));
  }

  const TempFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "sessions.db";
  const std::unique_ptr<SessionStore> store_ = SessionStore::Open(path_).value();
  FakeClock clock_;
};

TEST_F(JournalTest, WhatComesWhileTheDiskIsBusyIsSyncedOnce) {
  Scheduler scheduler(clock_);
  Journal journal(*store_, scheduler);
  std::vector<std::string> stored;
  const auto note = [&](const std::string& session) {
    return [&stored, session](const Result<void>& done) {
      EXPECT_TRUE(done);
      stored.push_back(session);
    };
  };
  // Inline work that is posted from a completion runs after it: as on a disk that is busy meanwhile.
  Append(journal, "a", [&](const Result<void>& done) {
    note("a")(done);
    for (const char* session : {"b", "c", "d"}) Append(journal, session, note(session));
  });
  EXPECT_THAT(stored, testing::ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(journal.counters().writes, 2u);
  EXPECT_EQ(journal.counters().appends, 4u);
  for (const auto& session : stored) EXPECT_EQ(journal.Load(session, "banking").value().size(), 1u);
}

TEST_F(JournalTest, OneThatCannotBeStoredKeepsNoOtherFromIt) {
  {
    Database other = Database::Open(path_, Database::Mode::kOpen).value();
    ASSERT_TRUE(other.Execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.session = 'bad' BEGIN SELECT RAISE(ABORT, "
        "'refused'); END"));
  }
  Scheduler scheduler(clock_);
  Journal journal(*store_, scheduler);
  std::map<std::string, std::string> told;
  const auto note = [&](const std::string& session) {
    return [&told, session](const Result<void>& done) { told[session] = done ? "" : done.error().message; };
  };
  Append(journal, "a", [&](const Result<void>&) {
    for (const char* session : {"b", "bad", "c"}) Append(journal, session, note(session));
  });
  EXPECT_EQ(told["b"], "");
  EXPECT_EQ(told["c"], "");
  EXPECT_THAT(told["bad"], HasSubstr("refused"));
  EXPECT_EQ(journal.Load("c", "banking").value().size(), 1u);
  EXPECT_EQ(journal.Load("bad", "banking").value().size(), 0u);
}

TEST_F(JournalTest, WhoeverWaitsIsToldThatItIsTooLate) {
  int told = 0;
  const auto refused = [&](const Result<void>& done) {
    EXPECT_FALSE(done);
    ++told;
  };
  {
    Scheduler scheduler(clock_, {.capacity = 1});
    Journal journal(*store_, scheduler);
    scheduler.Post({.not_before = clock_.Now() + std::chrono::seconds(1)},
                   [](std::stop_token) -> Result<void> { return {}; });
    Append(journal, "a", refused);
    Append(journal, "b", refused);
  }
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace sotto
