// Who is calling, across sessions: what one call does never counts as done by another, and nobody goes on
// with another's conversation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "action/actions.h"
#include "assistant/text_session.h"
#include "base/check.h"
#include "base/unique_id.h"
#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kTransfer = "transfer_money(amount=20, from_account=checking, to_account=savings)";

class CallersTest : public ::testing::Test {
 protected:
  CallersTest() {
    const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
    SOTTO_CHECK(workflow);
    workflow_ = *workflow;
    program_ = *DialogueProgram::Compile(workflow_);
    auto actions = OpenActions(*workflow_, folder_.path());
    SOTTO_CHECK(actions, "{}", actions.error().message);
    actions_ = *std::move(actions);
    auto store = SessionStore::Open(folder_.path() / "sessions.db");
    SOTTO_CHECK(store, "{}", store.error().message);
    store_ = *std::move(store);
    journal_.emplace(*store_, scheduler_);
  }

  Result<std::unique_ptr<TextSession>> Open(const std::string& id, const Caller& caller,
                                            Journal* journal = nullptr) {
    return TextSession::Open({program_, actions_.runner.get(), journal, &clock_},
                             std::make_unique<TypedUnderstander>(workflow_), id, caller);
  }
  // A whole call: the transfer and the yes. What was said last.
  std::string Call(const std::string& id, const Caller& caller) {
    const auto session = Open(id, caller).value();
    session->Begin();
    session->Say(kTransfer);
    return session->Say("yes").reply.text;
  }
  int Transfers() {
    int transfers = 0;
    const Json tables = actions_.bank->Show().value();
    for (const Json& journal : tables.at("journals")) {
      transfers += journal.at("kind") == "transfer" ? 1 : 0;
    }
    return transfers;
  }

  const TempFolder folder_;
  std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const DialogueProgram> program_;
  WorkflowActions actions_;
  std::unique_ptr<SessionStore> store_;
  FakeClock clock_;
  Scheduler scheduler_{clock_};
  std::optional<Journal> journal_;
  const Caller alex_{"1", "text", "", "host", ""};
};

TEST_F(CallersTest, TheSameTransferInTwoCallsIsMadeTwice) {
  EXPECT_THAT(Call(UniqueId(), alex_), HasSubstr("Done"));
  EXPECT_THAT(Call(UniqueId(), alex_), HasSubstr("Done"));
  EXPECT_EQ(Transfers(), 2);
  EXPECT_THAT(actions_.bank->Audit().value(), IsEmpty());
}

TEST_F(CallersTest, ASessionWithoutAnIdIsRefused) {
  const auto session = Open("", alex_);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CallersTest, TheSameTransferTwiceInOneCallIsMadeTwice) {
  const auto session = Open(UniqueId(), alex_).value();
  session->Begin();
  for (int i = 0; i < 2; ++i) {
    session->Say(kTransfer);
    EXPECT_TRUE(session->Say("yes").actions.at(0).result.ok);
  }
  EXPECT_EQ(Transfers(), 2);
}

// Also where the host says goodbye and the same session goes on.
TEST_F(CallersTest, ASessionThatWasEndedAndReopenedUsesNoKeyTwice) {
  const auto session = Open(UniqueId(), alex_).value();
  session->Begin();
  std::set<std::string> keys;
  for (int i = 0; i < 3; ++i) {
    session->Say(kTransfer);
    const TurnRecord record = session->Say("yes");
    ASSERT_EQ(record.actions.size(), 1u);
    EXPECT_EQ(record.actions[0].request.caller, alex_);
    EXPECT_EQ(record.actions[0].request.session, session->id());
    keys.insert(record.actions[0].request.idempotency_key);
    session->Say("goodbye()");
    EXPECT_TRUE(session->ended());
  }
  EXPECT_EQ(keys.size(), 3u);
  EXPECT_EQ(Transfers(), 3);
}

TEST_F(CallersTest, TheSessionOfAnotherCallerIsRefused) {
  const std::string id = UniqueId();
  Open(id, alex_, &*journal_).value()->Begin();
  for (const Caller& other : {Caller{"2", "text", "", "host", ""}, Caller{"2", "text", "", "", ""}, Caller{},
                              Caller{"", "phone", "+15550100", "", ""}}) {
    const auto taken = Open(id, other, &*journal_);
    ASSERT_FALSE(taken) << ToJson(other).dump();
    EXPECT_EQ(taken.error().message, "session '" + id + "' belongs to another caller");
  }
  EXPECT_TRUE(Open(id, alex_, &*journal_));
}

TEST_F(CallersTest, WhoLogsInLaterGoesOnAsThemselves) {
  const std::string id = UniqueId();
  {
    const auto session = Open(id, {}, &*journal_).value();
    session->Begin();
    session->Say(kTransfer);
  }
  const auto session = Open(id, alex_, &*journal_).value();
  session->Begin();
  EXPECT_EQ(session->Say("yes").actions.at(0).request.caller, alex_);
  // From now on it is theirs.
  EXPECT_FALSE(Open(id, {}, &*journal_));
  EXPECT_FALSE(Open(id, {"2", "text", "", "host", ""}, &*journal_));
}

}  // namespace
}  // namespace sotto
