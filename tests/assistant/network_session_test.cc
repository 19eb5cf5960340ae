// A network of specialists in the call, and the notes of a thousand calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "action/actions.h"
#include "assistant/text_session.h"
#include "base/check.h"
#include "base/random.h"
#include "privacy/redaction.h"
#include "specialist/call_summary.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

class EmptyRunner final : public InlineActionRunner {
 public:
  ToolResult Run(const ActionRequest&) override { return {true, "", {{"balance", 10}}}; }
};

std::shared_ptr<const Workflow> Banking(NetworkDef network) {
  auto parsed = ReadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  SOTTO_CHECK(parsed && parsed->workflow);
  Workflow workflow = *std::move(parsed->workflow);
  workflow.network = std::move(network);
  return std::make_shared<const Workflow>(std::move(workflow));
}

NetworkDef RiskAndDates() {
  NetworkDef network;
  network.specialists = {{"escalation_risk", "escalation_risk", 1}, {"date", "date", 1}};
  network.rules = {{"escalation_risk > 0.99", "handoff", 2}, {"date > 1", "check_balance", 3}};
  return network;
}

class NetworkSessionTest : public ::testing::Test {
 protected:
  void Open(NetworkDef definition, Scheduler& scheduler) {
    workflow_ = Banking(std::move(definition));
    program_ = *DialogueProgram::Compile(workflow_);
    auto network = Network::Open(*workflow_, {});
    SOTTO_CHECK(network, "{}", network.error().message);
    SessionServices services{program_, &runner_, nullptr, &clock_};
    services.network = std::make_shared<const TurnNetwork>(*network, scheduler);
    services.today = ParseDate("2016-11-07");
    auto session = TextSession::Open(services, std::make_unique<TypedUnderstander>(workflow_), "one", {});
    SOTTO_CHECK(session, "{}", session.error().message);
    session_ = std::move(*session);
    session_->Begin();
  }

  std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const DialogueProgram> program_;
  EmptyRunner runner_;
  FakeClock clock_;
  Scheduler scheduler_{clock_};
  std::unique_ptr<TextSession> session_;
};

TEST_F(NetworkSessionTest, SaysInTheRecordWhatItSaw) {
  Open(RiskAndDates(), scheduler_);
  const TurnRecord record = session_->Say("check_balance(account_type=savings)");
  ASSERT_TRUE(record.annotations.has_value());
  EXPECT_FALSE(record.annotations->missed);
  EXPECT_EQ(record.annotations->rule, "");
  EXPECT_TRUE(record.annotations->by.contains("date"));
  EXPECT_LT(record.annotations->by["escalation_risk"]["risk"].get<double>(), 0.9);
  EXPECT_EQ(record.outcome, TurnRecord::Outcome::kHandled);
  const auto read = TurnRecordFromJson(ToJson(record));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->annotations, record.annotations);
  Json wrong = ToJson(record);
  wrong["annotations"]["by"] = 3;
  EXPECT_EQ(TurnRecordFromJson(wrong).error().message, "annotations.by is not an object");
}

TEST_F(NetworkSessionTest, ARuleHandsOver) {
  Open(RiskAndDates(), scheduler_);
  const TurnRecord record = session_->Say("let me speak to a human");
  EXPECT_EQ(record.outcome, TurnRecord::Outcome::kEscalated);
  ASSERT_TRUE(record.escalation.has_value());
  EXPECT_EQ(record.escalation->reason, "rule");
  EXPECT_EQ(record.annotations->rule, "escalation_risk > 0.99 -> handoff");
}

TEST_F(NetworkSessionTest, ARuleAsksForATool) {
  Open(RiskAndDates(), scheduler_);
  const TurnRecord record = session_->Say("tomorrow or on friday");
  EXPECT_EQ(record.annotations->rule, "date > 1 -> check_balance");
  const Json began = {{"event", "task_began"}};
  const bool asked = std::any_of(record.events.begin(), record.events.end(), [](const Json& event) {
    return event.value("event", "") == "task_began" && event.value("name", "") == "check_balance";
  });
  EXPECT_TRUE(asked);
}

// A network that never answers: its scheduler runs nothing before the clock moves past all deadlines.
TEST_F(NetworkSessionTest, AMissedBudgetDoesNotHoldUpTheTurn) {
  NetworkDef definition = RiskAndDates();
  definition.budget_ms = 1;
  const SystemClock real;
  Scheduler busy(real, {.threads = 1});
  std::atomic<bool> go{false};
  busy.Post({}, [&go](std::stop_token) {  // holds the only thread
    while (!go) std::this_thread::yield();
  });
  workflow_ = Banking(std::move(definition));
  program_ = *DialogueProgram::Compile(workflow_);
  auto network = Network::Open(*workflow_, {});
  ASSERT_TRUE(network.has_value()) << network.error().message;
  SessionServices services{program_, &runner_, nullptr, &real};
  services.network = std::make_shared<const TurnNetwork>(*network, busy);
  auto session = TextSession::Open(services, std::make_unique<TypedUnderstander>(workflow_), "one", {});
  ASSERT_TRUE(session.has_value());
  (*session)->Begin();
  const TurnRecord record = (*session)->Say("check_balance(account_type=savings)");
  EXPECT_EQ(record.reply.text, "Your savings balance is $10.00.");
  ASSERT_TRUE(record.annotations.has_value());
  EXPECT_TRUE(record.annotations->missed);
  EXPECT_TRUE(record.annotations->by.empty());
  go = true;
}

TEST_F(NetworkSessionTest, ARedactedRecordHoldsNoValueInAnotherForm) {
  NetworkDef definition;
  definition.specialists = {{"formats", "formats", 1}, {"date", "date", 1}};
  Open(std::move(definition), scheduler_);
  const TurnRecord record =
      session_->Say("my card is four one one one, one one one one, one one one one, one one one one");
  ASSERT_EQ(record.annotations->by["formats"]["found"][0]["value"], "4111 1111 1111 1111");
  const auto detector = Detector::For("en").value();
  const auto redacted = RedactRecord(record, *detector);
  ASSERT_TRUE(redacted.has_value()) << redacted.error().message;
  const std::string json = ToJson(*redacted).dump();
  EXPECT_EQ(json.find("4111"), std::string::npos) << json;
  EXPECT_EQ(redacted->annotations->by["formats"]["found"][0]["value"], "<card_1>");
  EXPECT_EQ(redacted->annotations->by["formats"]["found"][0]["valid"], true);
}

// People who ask for one to three things, change their mind, are refused, leave things open or want a person.
std::vector<TurnRecord> RandomCall(const std::shared_ptr<const Workflow>& workflow,
                                   const std::shared_ptr<const DialogueProgram>& program,
                                   ActionRunner& runner, Random& random, int number) {
  const FakeClock clock;
  Caller caller;
  if (random.Chance(0.7)) caller.customer = "1";
  if (random.Chance(0.5)) caller.verified_by = "pin";
  auto session =
      TextSession::Open({program, &runner, nullptr, &clock}, std::make_unique<TypedUnderstander>(workflow),
                        fmt::format("call-{}", number), caller);
  SOTTO_CHECK(session);
  std::vector<TurnRecord> records{(*session)->Begin()};
  const auto amount = [&] { return fmt::format("{}.{:02}", 1 + random.Below(4000), random.Below(100)); };
  const std::vector<std::string> accounts = {"checking", "savings"};
  for (size_t n = 1 + random.Below(5); n > 0 && !(*session)->ended(); --n) {
    std::string say;
    switch (random.Below(8)) {
      case 0:
        say = fmt::format("transfer_money(amount={}, from_account={}, to_account={})", amount(),
                          random.Pick(accounts), random.Pick(accounts));
        break;
      case 1:
        say = fmt::format("check_balance(account_type={})", random.Pick(accounts));
        break;
      case 2:
        say = fmt::format("pay_bill(amount={})", amount());
        break;
      case 3:
        say = fmt::format("cancel_card(card_last_four={:04})", random.Below(10000));
        break;
      case 4:
        say = "what did you say";
        break;
      case 5:
        say = "never_mind()";
        break;
      case 6:
        say = random.Chance(0.2) ? "speak_to_human()" : "affirm()";
        break;
      default:
        say = "affirm()";
    }
    records.push_back(random.Chance(0.05) ? (*session)->Silence() : (*session)->Say(say));
  }
  return records;
}

TEST(CallNotes, OfAThousandCallsSayWhatTheRecordsSay) {
  const auto workflow = Banking({});
  const auto program = *DialogueProgram::Compile(workflow);
  auto runner = OpenRunner(*workflow, "", {.scheduler = nullptr, .http = nullptr});
  ASSERT_TRUE(runner.has_value()) << runner.error().message;
  Random random(11);
  size_t tasks = 0;
  size_t failed = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto records = RandomCall(workflow, program, **runner, random, i);
    const CallFacts facts = FactsOf(records);
    tasks += facts.tasks.size();
    failed +=
        static_cast<size_t>(std::count_if(facts.tasks.begin(), facts.tasks.end(), [](const TaskFact& task) {
          return task.outcome == TaskFact::Outcome::kFailed;
        }));
    for (const Workflow* names : {workflow.get(), static_cast<const Workflow*>(nullptr)}) {
      const std::string note = NoteForm::Default().Write(facts, names);
      const auto wrong = CheckNote(note, records);
      ASSERT_TRUE(wrong.empty()) << wrong.front() << "\n" << note;
    }
    // The check can fail: another number is none of the record's.
    EXPECT_FALSE(CheckNote("Done: transfer money (amount 987654.32).\n", records).empty());
  }
  EXPECT_GT(tasks, 1000u);
  EXPECT_GT(failed, 0u);
}

}  // namespace
}  // namespace sotto
