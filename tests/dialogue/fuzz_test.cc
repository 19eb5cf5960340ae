#include <gtest/gtest.h>

#include <ctime>
#include <set>

#include "base/check.h"
#include "dialogue/fuzzing_user.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr int kDialogues = 10000;
constexpr int kTurns = 14;

// Of this thread: other programs do not count.
int64_t CpuNanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class FuzzRunner final : public InlineActionRunner {
 public:
  explicit FuzzRunner(Random& random) : random_(random) {}
  ToolResult Run(const ActionRequest& request) override {
    requests.push_back(request);
    if (random_.Chance(0.6)) {
      return {true,
              "",
              {{"balance", 10},
               {"paid_from", "checking"},
               {"days", 3},
               {"count", 2},
               {"total_in", 1},
               {"total_out", 2},
               {"new_last_four", "1111"},
               {"case_number", "12"}}};
    }
    static const std::vector<std::string> kFailures{"insufficient_funds", "timeout", "unavailable",
                                                    "card_not_found", "never_heard_of"};
    return {false, random_.Pick(kFailures), {{"available", 5}, {"paid_from", "savings"}}};
  }
  std::vector<ActionRequest> requests;

 private:
  Random& random_;
};

Workflow RandomPolicy(Workflow workflow, Random& random) {
  DialoguePolicy& policy = workflow.dialogue;
  policy.resume = static_cast<DialoguePolicy::Resume>(random.Below(3));
  policy.ask_together = random.Chance(0.8);
  policy.inherit = random.Chance(0.8);
  policy.max_suspended = static_cast<int>(random.Below(5));
  policy.max_failures = 2 + static_cast<int>(random.Below(4));
  if (random.Chance(0.3)) policy.confirm = DialoguePolicy::Confirm::kAlways;
  for (ToolDef& tool : workflow.tools) {
    if (tool.name == "pay_bill") tool.requires_verified = random.Chance(0.5);
  }
  return workflow;
}

Workflow GuardedBanking() {
  auto parsed = ReadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  SOTTO_CHECK(parsed && parsed->workflow);
  Workflow workflow = *parsed->workflow;
  ToolDef verify;
  verify.name = "verify_caller";
  verify.role = ToolRole::kVerify;
  verify.title = "verify you";
  verify.doing = "verifying you";
  verify.action = "test.verify";
  verify.slots.push_back(*workflow.FindTool("activate_card")->FindSlot("card_last_four"));
  verify.slots[0].name = "pin";
  workflow.tools.push_back(verify);
  return workflow;
}

// The order of what happened to one task: confirmed, and nothing changed since.
bool ConfirmedUnchanged(const std::vector<Event>& events, size_t action_at) {
  const int task = events[action_at].task;
  for (size_t i = action_at; i-- > 0;) {
    if (events[i].task != task) continue;
    if (events[i].type == Event::Type::kConfirmed) return true;
    if (events[i].type == Event::Type::kSlotSet || events[i].type == Event::Type::kSlotInherited ||
        events[i].type == Event::Type::kSlotCleared || events[i].type == Event::Type::kTaskBegan ||
        events[i].type == Event::Type::kReplanned) {
      return false;
    }
  }
  return false;
}

// Slots leave a task only by an event that says so.
void CheckNothingLost(const DialogueState& before, const Decision& decision, const DialogueState& after) {
  for (const Task& task : before.stack) {
    bool gone = false;
    std::set<std::string> touched;
    for (const Event& event : decision.events) {
      const bool whole = event.type == Event::Type::kStartedOver || event.type == Event::Type::kReopened;
      if (whole) gone = true;
      if (event.task != task.id) continue;
      if (event.type == Event::Type::kTaskDone || event.type == Event::Type::kTaskDropped ||
          event.type == Event::Type::kVerifyFailed) {
        gone = true;
      }
      if (event.type == Event::Type::kSlotSet || event.type == Event::Type::kSlotCleared ||
          event.type == Event::Type::kSlotInherited) {
        touched.insert(event.name);
      }
    }
    if (gone) continue;
    const Task* now = after.FindTask(task.id);
    ASSERT_NE(now, nullptr) << "task " << task.id << " lost";
    for (const auto& [slot, value] : task.slots.items()) {
      if (touched.contains(slot)) continue;
      ASSERT_TRUE(now->slots.contains(slot)) << "slot " << slot << " lost";
      ASSERT_EQ(now->slots[slot], value);
    }
  }
}

void CheckTurn(const Workflow& workflow, const std::vector<Event>& all, size_t first,
               const Decision& decision, const Dialogue& dialogue) {
  ASSERT_FALSE(decision.reply.text.empty());
  ASSERT_FALSE(dialogue.acting());
  std::set<std::string> succeeded;
  for (size_t i = first; i < all.size(); ++i) {
    const Event& event = all[i];
    if (event.type == Event::Type::kActionBegan) {
      std::string tool;
      for (size_t j = i; j-- > 0 && tool.empty();) {
        if (all[j].type == Event::Type::kTaskBegan && all[j].task == event.task) tool = all[j].name;
      }
      // What a plan looks up needs nobody's yes; of banking's plans what acts moves an amount.
      const bool looks_up = workflow.FindPlan(tool) != nullptr && !event.value.contains("amount");
      if (!workflow.FindTool(tool)->confirm.empty() && !looks_up) {
        ASSERT_TRUE(ConfirmedUnchanged(all, i)) << "unconfirmed " << tool;
      }
    }
    if (event.type == Event::Type::kTaskDone && event.name.empty()) {
      for (size_t j = i; j-- > 0;) {
        if (all[j].type == Event::Type::kTaskBegan && all[j].task == event.task)
          succeeded.insert(all[j].name);
      }
    }
    if (event.type != Event::Type::kReplied) continue;
    for (const Json& key : event.value.value("keys", Json::array())) {
      const std::string text = key.get<std::string>();
      const ToolDef* tool =
          text.ends_with(".done") ? workflow.FindTool(text.substr(6, text.size() - 11)) : nullptr;
      if (tool != nullptr) {
        ASSERT_TRUE(succeeded.contains(tool->name)) << text << " said without success";
      }
    }
  }
  const Expectation expectation = dialogue.expectation();
  if (expectation.kind == Expectation::Kind::kSlots) {
    ASSERT_FALSE(expectation.slots.empty());
    for (const std::string& slot : expectation.slots) {
      ASSERT_NE(workflow.FindTool(expectation.tool)->FindSlot(slot), nullptr);
    }
  }
}

TEST(Fuzz, RandomDialoguesKeepTheInvariants) {
  const Workflow base = GuardedBanking();
  Random random(20260101);
  int64_t deciding = 0;
  int64_t turns = 0;
  for (int round = 0; round < 50; ++round) {
    const auto workflow = std::make_shared<const Workflow>(RandomPolicy(base, random));
    const auto program = DialogueProgram::Compile(workflow);
    ASSERT_TRUE(program);
    for (int i = 0; i < kDialogues / 50; ++i) {
      FuzzRunner runner(random);
      Dialogue dialogue(*program);
      std::vector<Event> all = dialogue.Begin("fuzz").events;
      std::set<std::string> paid;
      for (int turn = 0; turn < kTurns; ++turn) {
        const DialogueState before = dialogue.state();
        const bool silent = random.Chance(0.05);
        const TurnInput input = RandomInput(*workflow, before, random);
        const int64_t start = CpuNanoseconds();
        Decision decision = silent ? dialogue.NoInput() : dialogue.Turn(input);
        deciding += CpuNanoseconds() - start;
        ++turns;
        decision = dialogue.Settle(std::move(decision), runner);
        const size_t first = all.size();
        all.insert(all.end(), decision.events.begin(), decision.events.end());
        CheckNothingLost(before, decision, dialogue.state());
        CheckTurn(*workflow, all, first, decision, dialogue);
        if (HasFatalFailure()) {
          for (const Event& event : all) fmt::print("{}\n", ToString(event));
          return;
        }
      }
      for (const ActionRequest& request : runner.requests) {
        ASSERT_TRUE(paid.insert(request.idempotency_key).second) << request.idempotency_key << " acted twice";
      }
      ASSERT_TRUE(Fold(all) == dialogue.state());
    }
  }
  const double per_turn = static_cast<double>(deciding) / 1000 / static_cast<double>(turns);
  fmt::print("{} turns, {:.1f} us a decision\n", turns, per_turn);
  RecordProperty("us_per_decision", fmt::format("{:.1f}", per_turn));
}

}  // namespace
}  // namespace sotto
