#include "assistant/text_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/check.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

class CountingRunner final : public InlineActionRunner {
 public:
  ToolResult Run(const ActionRequest& request) override {
    requests.push_back(request);
    return {true, "", {{"balance", 10}}};
  }
  std::vector<ActionRequest> requests;
};

class TextSessionTest : public ::testing::Test {
 protected:
  TextSessionTest() {
    path_ = std::filesystem::temp_directory_path() / fmt::format("sotto-sessions-{}.db", getpid());
    Remove();
    auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
    SOTTO_CHECK(workflow);
    workflow_ = *workflow;
    program_ = *DialogueProgram::Compile(workflow_);
    auto store = SessionStore::Open(path_);
    SOTTO_CHECK(store, "{}", store.error().message);
    store_ = std::move(*store);
    journal_.emplace(*store_, scheduler_);
  }
  ~TextSessionTest() override {
    store_.reset();
    Remove();
  }
  void Remove() const {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_.string() + end);
  }
  std::unique_ptr<TextSession> Open(const std::string& id = "one") {
    auto session = TextSession::Open({program_, &runner_, &journal_.value(), &clock_},
                                     std::make_unique<TypedUnderstander>(workflow_), id, {});
    SOTTO_CHECK(session, "{}", session.error().message);
    return std::move(*session);
  }

  std::filesystem::path path_;
  std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const DialogueProgram> program_;
  std::unique_ptr<SessionStore> store_;
  CountingRunner runner_;
  FakeClock clock_;
  Scheduler scheduler_{clock_};
  std::optional<Journal> journal_;
};

TEST_F(TextSessionTest, TalksAndRecords) {
  const auto session = Open();
  EXPECT_EQ(session->Begin().reply.text, "Hello! Welcome to BankCo. How can I help you today?");
  const auto record = session->Say("check_balance(account_type=savings)");
  EXPECT_EQ(record.reply.text, "Your savings balance is $10.00.");
  EXPECT_EQ(record.actions.size(), 1u);
  EXPECT_EQ(record.channel, "text");
  EXPECT_EQ(session->Say("words without calls").reply.text, "Sorry, I didn't get that.");
  session->Say("goodbye()");
  EXPECT_TRUE(session->ended());
}

TEST_F(TextSessionTest, ContinuesWhereItWasLeft) {
  {
    const auto session = Open();
    session->Begin();
    session->Say("transfer_money(amount=20, from_account=checking, to_account=savings)");
  }
  const auto session = Open();
  EXPECT_TRUE(session->resumed());
  EXPECT_THAT(session->Begin().reply.text, HasSubstr("Transfer $20.00 from checking to savings?"));
  EXPECT_THAT(session->Say("yes").reply.text, HasSubstr("Done"));
  EXPECT_EQ(runner_.requests.size(), 1u);
  EXPECT_FALSE(Open("two")->resumed());
  const auto sessions = store_->List();
  ASSERT_TRUE(sessions);
  EXPECT_EQ(sessions->size(), 1u);
}

TEST_F(TextSessionTest, AnActionCutOffRunsAgainUnderItsKey) {
  std::string key;
  {
    // The process dies between the decision and the result.
    Dialogue dialogue(program_);
    std::vector<Event> events = dialogue.Begin("one").events;
    const Decision decision =
        dialogue.Turn(CertainInput("", {{"check_balance", {{"account_type", "savings"}}}}));
    events.insert(events.end(), decision.events.begin(), decision.events.end());
    key = decision.action->idempotency_key;
    ASSERT_TRUE(store_->Append("one", "banking", events, clock_.WallNow()));
  }
  const auto session = Open();
  EXPECT_THAT(session->Begin().reply.text, HasSubstr("$10.00"));
  ASSERT_EQ(runner_.requests.size(), 1u);
  EXPECT_EQ(runner_.requests[0].idempotency_key, key);
}

TEST_F(TextSessionTest, StoreNamesWhatIsWrong) {
  const auto session = Open();
  session->Begin();
  EXPECT_FALSE(store_->Load("one", "telecom"));
  const std::filesystem::path garbage = path_.string() + ".garbage";
  std::ofstream(garbage) << std::string(4096, 'x');
  const auto store = SessionStore::Open(garbage);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(store.error().message, HasSubstr(garbage.string()));
  std::filesystem::remove(garbage);
  EXPECT_FALSE(SessionStore::Open("/no/such/folder/x.db"));
}

}  // namespace
}  // namespace sotto
