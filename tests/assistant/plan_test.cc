// Goals that several tools lead to: in the demo bank, with what goes wrong, and from words to the books.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "action/actions.h"
#include "assistant/goal_understander.h"
#include "assistant/script_brain.h"
#include "assistant/text_session.h"
#include "base/unique_id.h"
#include "dialogue/script.h"
#include "workflow/goal_reader.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Workflow> PlanBanking() {
  auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  SOTTO_CHECK(workflow.has_value(), "{}", workflow.error().message);
  return *workflow;
}

Caller Alex() {
  Caller caller;
  caller.customer = "1";
  caller.channel = "text";
  caller.verified_by = "test";
  return caller;
}

TEST(Plan, DialoguesInTheBank) {
  const auto workflow = PlanBanking();
  ScriptServices services;
  services.caller = Alex();
  services.make_runner = [&] { return OpenRunner(*workflow, ":memory:"); };
  for (const char* file : {"banking.txt", "failures.txt"}) {
    const auto scripts =
        ReadScripts(std::filesystem::path(SOTTO_SOURCE_DIR "/tests/data/plans") / file, *workflow);
    ASSERT_TRUE(scripts) << scripts.error().message;
    for (const DialogueScript& script : *scripts) {
      const ScriptOutcome outcome = RunScript(workflow, script, services);
      for (const std::string& failure : outcome.failures)
        ADD_FAILURE() << failure << "\n" << outcome.transcript;
    }
  }
}

TEST(GoalReader, Sentences) {
  const auto workflow = PlanBanking();
  const GoalReader reader(workflow);
  std::ifstream file(SOTTO_SOURCE_DIR "/tests/data/plans/sentences.txt");
  int rows = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t arrow = line.find(" => ");
    ASSERT_NE(arrow, std::string::npos) << line;
    const std::string sentence = line.substr(0, arrow);
    const std::string wanted = line.substr(arrow + 4);
    const auto found = reader.Read(sentence);
    ++rows;
    if (wanted == "-") {
      EXPECT_FALSE(found.has_value()) << sentence << ": " << ToString(*found);
      continue;
    }
    ASSERT_TRUE(found.has_value()) << sentence;
    const auto call = ParseCall(wanted, *workflow);
    ASSERT_TRUE(call) << call.error().message;
    EXPECT_TRUE(SameCall(*found, call->call)) << sentence << ": " << ToString(*found);
  }
  EXPECT_GT(rows, 15);
}

TEST(GoalReader, AGoalBesideAnotherRequest) {
  const GoalReader reader(PlanBanking());
  struct Row {
    const char *said, *goal, *rest;
    bool first;
  };
  for (const Row& row : {
           Row{"transfer 20 from checking to savings and move everything above 500 to savings",
               "move_what_is_above", "transfer 20 from checking to savings", false},
           Row{"Move everything above 500 to savings, then pay Netflix 15.49", "move_what_is_above",
               "pay Netflix 15.49", true},
           Row{"pay my water bill of 30 and then pay off the credit card from savings",
               "pay_bill_and_credit_card", nullptr, false},
           Row{"pay the landlord 1200 and pay off my credit card", "pay_off_credit_card",
               "pay the landlord 1200", false},
           Row{"move everything above 500 to savings", "move_what_is_above", nullptr, false},
           Row{"pay netflix 15 and cancel my card", nullptr, nullptr, false},
       }) {
    const auto half = reader.ReadHalf(row.said);
    ASSERT_EQ(half.has_value(), row.rest != nullptr) << row.said;
    if (!half) continue;
    EXPECT_EQ(half->goal.name, row.goal) << row.said;
    EXPECT_EQ(half->rest, row.rest) << row.said;
    EXPECT_EQ(half->first, row.first) << row.said;
  }
}

// What `sotto test-dialogues --model` and `sotto flywheel evaluate` let a model understand: all but the goals.
TEST(Plan, AScriptsBrainKnowsGoals) {
  const auto workflow = PlanBanking();
  BrainOptions options;
  options.n_threads = 1;
  const auto brain = Brain::Open(workflow, {}, options);
  ASSERT_TRUE(brain) << brain.error().message;
  const auto understand = MakeScriptBrain(*brain);
  const auto program = DialogueProgram::Compile(workflow);
  ASSERT_TRUE(program);
  Dialogue dialogue(*program);
  dialogue.Begin("plan", Alex());
  const auto goal = understand(dialogue, {}, "move everything above 500 to savings");
  ASSERT_TRUE(goal) << goal.error().message;
  EXPECT_EQ(goal->made_by, MadeBy::kRule);
  ASSERT_EQ(goal->calls.size(), 1u);
  EXPECT_EQ(goal->calls[0].call.name, "move_what_is_above");
  EXPECT_EQ(goal->calls[0].call.arguments["keep"], 500);
  const auto balance = understand(dialogue, {}, "what's my savings balance");
  ASSERT_TRUE(balance) << balance.error().message;
  EXPECT_EQ(balance->made_by, MadeBy::kModel);
  EXPECT_EQ(balance->calls[0].call.name, "check_balance");
}

TEST(GoalReader, AnswersToAnOpenGoal) {
  const GoalReader reader(PlanBanking());
  const Expectation asked{Expectation::Kind::kSlots, "pay_bill_and_credit_card", {"amount"}};
  const auto amount = reader.ReadAnswer("it's eighty four dollars", asked);
  ASSERT_TRUE(amount.has_value());
  EXPECT_EQ(amount->arguments, Json({{"amount", 84}}));
  EXPECT_FALSE(reader.ReadAnswer("what is my balance", asked).has_value());
  const auto two = reader.ReadAnswer("45 from savings", asked);
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->arguments, Json({{"from_account", "savings"}, {"amount", 45.0}}));
  const Expectation read_back{Expectation::Kind::kConfirm, "move_what_is_above", {}};
  EXPECT_FALSE(reader.ReadAnswer("yes", read_back).has_value());
  EXPECT_FALSE(reader.ReadAnswer("make it 600", read_back).has_value());  // which amount?
  const auto changed = reader.ReadAnswer("no, keep 600", read_back);
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(changed->arguments, Json({{"keep", 600}}));
  EXPECT_FALSE(
      reader.ReadAnswer("fifty", {Expectation::Kind::kSlots, "transfer_money", {"amount"}}).has_value());
}

// A model that has learnt nothing of goals: it hears only the words that are nobody's goal, and no goal in what it is told.
class InnerModel final : public Understander {
 public:
  explicit InnerModel(std::vector<std::string>& heard) : heard_(heard) {}
  void Begin(Conversation history, Expectation expectation, std::vector<std::string>) override {
    for (const Turn& turn : history.turns) {
      for (const ToolCall& call : turn.calls) EXPECT_NE(call.name, "move_what_is_above");
    }
    EXPECT_NE(expectation.tool, "move_what_is_above");
    expected_ = expectation.tool;
  }
  void Hear(std::string, Done) override {}
  void Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration, Done done) override {
    heard_.push_back(hypotheses.front().text + "|" + expected_);
    Understanding understanding;
    understanding.calls.push_back({{std::string(control::kAffirm), Json::object()}, 1.0, {}, {}});
    understanding.transcript = hypotheses.front().text;
    done(std::move(understanding));
  }
  void Abandon() override { ++abandoned; }

  int abandoned = 0;

 private:
  std::vector<std::string>& heard_;
  std::string expected_;
};

TEST(Plan, FromWordsToTheBooks) {
  const auto workflow = PlanBanking();
  const auto program = DialogueProgram::Compile(workflow);
  ASSERT_TRUE(program) << program.error().message;
  auto runner = OpenRunner(*workflow, ":memory:");
  ASSERT_TRUE(runner) << runner.error().message;
  const SystemClock clock;
  SessionServices services;
  services.program = *program;
  services.actions = runner->get();
  services.clock = &clock;
  std::vector<std::string> heard;
  auto session = TextSession::Open(
      services,
      MakeGoalUnderstander(std::make_shared<const GoalReader>(workflow), std::make_unique<InnerModel>(heard)),
      UniqueId(), Alex());
  ASSERT_TRUE(session) << session.error().message;
  (*session)->Begin();
  const TurnRecord asked = (*session)->Say("Could you move everything above 500 to savings, please?");
  EXPECT_THAT(asked.reply.text, HasSubstr("Shall I transfer $1,957.67 from checking to savings?"));
  ASSERT_TRUE(asked.understood.has_value());
  EXPECT_EQ(asked.understood->made_by, MadeBy::kRule);
  ASSERT_EQ(asked.actions.size(), 1u);
  EXPECT_EQ(asked.actions[0].request.action, "bank.balance");
  const TurnRecord done = (*session)->Say("yes");
  EXPECT_THAT(done.reply.text, HasSubstr("$500.00 are left in checking"));
  ASSERT_EQ(done.actions.size(), 2u);
  EXPECT_EQ(done.actions[0].request.action, "bank.transfer");
  EXPECT_EQ(done.actions[0].request.tool, "transfer_money");
  EXPECT_NE(done.actions[0].request.idempotency_key, done.actions[1].request.idempotency_key);
  EXPECT_EQ(heard, std::vector<std::string>{"yes|transfer_money"});
}

// The state that a plan is in is the fold of its events, so a session that was cut off goes on with the same step under
// the same key.
TEST(Plan, GoesOnWhereItWasCutOff) {
  const auto workflow = PlanBanking();
  const auto program = DialogueProgram::Compile(workflow);
  ASSERT_TRUE(program);
  Dialogue first(*program);
  std::vector<Event> events;
  const auto keep = [&](const Decision& decision) {
    events.insert(events.end(), decision.events.begin(), decision.events.end());
    return decision;
  };
  keep(first.Begin("cut-off", Alex()));
  keep(first.Turn(CertainInput("move everything above 500 to savings",
                               {{"move_what_is_above", {{"keep", 500}, {"to_account", "savings"}}}})));
  keep(first.Result({true, "", {{"balance", 2000}}}));
  const Decision acting = keep(first.Turn(CertainInput("yes", {{"affirm", Json::object()}})));
  ASSERT_TRUE(acting.action.has_value());
  EXPECT_EQ(acting.action->arguments,
            Json({{"amount", 1500}, {"from_account", "checking"}, {"to_account", "savings"}}));

  std::vector<Event> stored;
  for (const Event& event : events) {
    const auto read = EventFromJson(ToJson(event));
    ASSERT_TRUE(read);
    stored.push_back(*read);
  }
  const Dialogue second(*program, stored);
  ASSERT_TRUE(second.acting());
  EXPECT_EQ(second.running_action().idempotency_key, acting.action->idempotency_key);
  EXPECT_EQ(second.running_action().arguments, acting.action->arguments);
  EXPECT_EQ(second.running_action().action, "bank.transfer");
}

}  // namespace
}  // namespace sotto
