#include "assistant/deployment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/check.h"
#include "base/unique_id.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

class AnsweringRunner final : public InlineActionRunner {
 public:
  explicit AnsweringRunner(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~AnsweringRunner() override { --alive_; }
  ToolResult Run(const ActionRequest&) override { return {true, "", {{"balance", 10}}}; }

 private:
  std::atomic<int>& alive_;
};

// One generation of the banking workflow; its greeting and its hash say which.
std::shared_ptr<const Deployment> Generation(const Workflow& workflow, int number, std::atomic<int>& alive) {
  auto changed = std::make_shared<Workflow>(workflow);
  changed->assistant.greeting = fmt::format("Generation {}.", number);
  changed->hash = fmt::format("{:016x}", number);
  Deployment::Parts parts;
  parts.program = DialogueProgram::Compile(changed).value();
  parts.actions = std::make_shared<AnsweringRunner>(alive);
  return Deployment::Create(std::move(parts)).value();
}

std::shared_ptr<const Workflow> Banking() {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  SOTTO_CHECK(workflow);
  return *workflow;
}

// A call of a few turns; every turn is of the generation that greeted.
int Call(const LiveDeployment& live, const Clock& clock) {
  const std::shared_ptr<const Deployment> mine = live.Current();
  auto session =
      TextSession::Open(mine->Services(clock),
                        std::make_unique<TypedUnderstander>(mine->parts().program->shared_workflow()),
                        UniqueId(), {})
          .value();
  const TurnRecord greeting = session->Begin();
  EXPECT_EQ(greeting.workflow_hash, mine->workflow().hash);
  EXPECT_EQ(greeting.reply.text, mine->workflow().assistant.greeting);
  int turns = 1;
  for (const char* said :
       {"check_balance(account_type=savings)", "thank_you()", "check_balance()", "goodbye()"}) {
    const TurnRecord record = session->Say(said);
    EXPECT_EQ(record.workflow_hash, greeting.workflow_hash);
    EXPECT_FALSE(record.reply.text.empty());
    ++turns;
  }
  return turns;
}

TEST(Deployment, AThousandReloadsUnderCallsDropAndLeakNothing) {
  constexpr int kReloads = 1000;
  constexpr int kCallers = 4;
  const auto workflow = Banking();
  const SystemClock clock;
  std::atomic<int> alive{0};
  std::atomic<int> calls{0};
  std::atomic<int> turns{0};
  std::atomic<bool> stop{false};
  {
    LiveDeployment live(Generation(*workflow, 0, alive));
    std::vector<std::jthread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        do {
          turns += Call(live, clock);
          ++calls;
        } while (!stop);
      });
    }
    for (int i = 1; i <= kReloads; ++i) live.Replace(Generation(*workflow, i, alive));
    stop = true;
    callers.clear();
    EXPECT_EQ(live.Current()->workflow().assistant.greeting, fmt::format("Generation {}.", kReloads));
    EXPECT_EQ(live.replaced(), static_cast<uint64_t>(kReloads));
    EXPECT_EQ(alive, 1) << "of all generations only the last is left";
  }
  EXPECT_EQ(alive, 0);
  EXPECT_GE(calls, kCallers);
  EXPECT_EQ(turns, calls * 5) << "a turn was dropped";
}

// Also where whoever held it has forgotten it long ago.
TEST(Deployment, ASessionKeepsItsOwn) {
  const auto workflow = Banking();
  const FakeClock clock;
  std::atomic<int> alive{0};
  auto deployment = Generation(*workflow, 1, alive);
  auto session =
      TextSession::Open(deployment->Services(clock),
                        std::make_unique<TypedUnderstander>(deployment->parts().program->shared_workflow()),
                        UniqueId(), {})
          .value();
  deployment.reset();
  EXPECT_EQ(alive, 1);
  session->Begin();
  EXPECT_EQ(session->Say("check_balance(account_type=savings)").reply.text,
            "Your savings balance is $10.00.");
  session.reset();
  EXPECT_EQ(alive, 0);
}

TEST(Deployment, IsNamedByWhatItIsMadeOf) {
  const auto workflow = Banking();
  std::atomic<int> alive{0};
  std::set<std::string> versions;
  for (int i = 0; i < 3; ++i) versions.insert(Generation(*workflow, i, alive)->version());
  EXPECT_EQ(versions.size(), 3u);
  EXPECT_EQ(Generation(*workflow, 1, alive)->version(), Generation(*workflow, 1, alive)->version());
}

}  // namespace
}  // namespace sotto
