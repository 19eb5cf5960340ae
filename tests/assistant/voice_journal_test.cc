// A voice session's journal: before it acts, and to go on from.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "assistant/voice_script.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(VoiceScript, EverythingIsJournalledBeforeItIsDone) {
  Keep();
  std::vector<std::string> before;
  runner_.on_start = [&] { before = StoredEvents(); };
  Begin();
  ConfirmTransfer();
  UntilWaiting();
  ASSERT_EQ(runner_.requests.size(), 1u);
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(before.back(), "action_began");
  EXPECT_THAT(before, Not(Contains("task_done")));
  EXPECT_THAT(StoredEvents(), Contains("task_done"));
}

TEST_F(VoiceScript, ACallThatWasCutOffInTheMiddleOfAnActionGoesOnUnderItsKey) {
  Keep();
  runner_.hold = true;
  Begin();
  ConfirmTransfer();
  ASSERT_EQ(runner_.requests.size(), 1u);
  session_.reset();
  records_.clear();
  runner_.hold = false;
  Open();
  EXPECT_TRUE(session_->resumed());
  UntilWaiting();
  ASSERT_EQ(runner_.requests.size(), 2u);
  EXPECT_EQ(runner_.requests[1].idempotency_key, runner_.requests[0].idempotency_key);
  EXPECT_EQ(runner_.requests[1].arguments, runner_.requests[0].arguments);
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_THAT(Last().played_text, HasSubstr("Transferred"));
}

TEST_F(VoiceScript, ACallThatWasCutOffGoesOnWithWhatWasSaidLast) {
  Keep();
  Begin();
  ears_.finals = {Heard("transfer two hundred to savings"), Heard("yes")};
  SpeakAndWait();
  session_.reset();
  Open();
  UntilWaiting();
  EXPECT_THAT(Last().played_text, HasSubstr("to savings?"));
  Speak(500);
  Silence(1000);
  UntilWaiting();
  EXPECT_EQ(runner_.requests.size(), 1u);
  EXPECT_THAT(Last().reply.text, HasSubstr("Transferred"));
}

TEST_F(VoiceScript, WhereTheJournalFailsNothingIsDoneAndItIsSaid) {
  Keep();
  Begin();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_.path() / "sessions.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "ALTER TABLE events RENAME TO away", nullptr, nullptr, nullptr), SQLITE_OK);
  ConfirmTransfer();
  UntilWaiting();
  EXPECT_EQ(runner_.requests.size(), 0u);
  ASSERT_EQ(Last().actions.size(), 1u);
  EXPECT_EQ(Last().actions[0].result.failure, "unavailable");
  EXPECT_THAT(Last().errors, Not(IsEmpty()));
  EXPECT_THAT(Last().reply.text, Not(HasSubstr("Transferred")));
  // When it works again nothing is missing.
  ASSERT_EQ(sqlite3_exec(other, "ALTER TABLE away RENAME TO events", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  ears_.finals = {Heard("goodbye")};
  SpeakAndWait();
  const auto events = StoredEvents();
  EXPECT_THAT(events, Contains("action_began"));
  EXPECT_THAT(events, Contains("ended"));
}

}  // namespace
}  // namespace sotto
