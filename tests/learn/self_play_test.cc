// Generated conversations are what the real dialogue and the real grounding make of them, in every shipped
// workflow: each expectation is the dialogue's, each call is of a tool that it offers, each value that is read
// in words is one that the decoder could choose. How many values of closed lists it would not offer is printed.
// SOTTO_SELF_PLAY=100000 plays so many of each workflow (a thousand otherwise).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "brain/grounding.h"
#include "core/conversation_jsonl.h"
#include "dialogue/script.h"
#include "learn/simulator.h"
#include "learn/synth.h"
#include "text/dates.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

constexpr size_t kPlayed = 1000;

size_t Wanted() {
  const char* text = std::getenv("SOTTO_SELF_PLAY");
  return text != nullptr ? static_cast<size_t>(std::atoll(text)) : kPlayed;
}

class MadeUpResults : public InlineActionRunner {
 public:
  explicit MadeUpResults(const Workflow& workflow) : workflow_(workflow) {}
  ToolResult Run(const ActionRequest& request) override {
    return MadeUpResult(*workflow_.FindTool(request.tool));
  }

 private:
  const Workflow& workflow_;
};

class SelfPlayTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto workflow = LoadWorkflow(std::string(SOTTO_SOURCE_DIR "/workflows/") + GetParam());
    ASSERT_TRUE(workflow) << workflow.error().message;
    workflow_ = *workflow;
    auto program = DialogueProgram::Compile(workflow_);
    ASSERT_TRUE(program) << program.error().message;
    program_ = *program;
    auto tools = MakeOfferedTools(ToToolSpecs(*workflow_), *workflow_, true);
    ASSERT_TRUE(tools) << tools.error().message;
    tools_ = *tools;
  }

  void Fail(const std::string& kind, const SimulatedConversation& played, size_t turn,
            const std::string& what) {
    if (++failures_[kind] > 3) return;
    LabelledConversation row;
    row.conversation = played.conversation;
    row.conversation.turns.resize(turn + 1);
    ADD_FAILURE() << kind << ": " << what << "\n" << ToJson(row).dump();
  }

  // As an application would drive it, told the gold calls.
  void CheckDialogue(const SimulatedConversation& played) {
    MadeUpResults runner(*workflow_);
    Dialogue dialogue(program_);
    dialogue.Settle(dialogue.Begin("self-play"), runner);
    const std::vector<Turn>& turns = played.conversation.turns;
    for (size_t i = 0; i < turns.size(); ++i) {
      if (dialogue.state().ended) return Fail("goes on after the end", played, i, turns[i].user);
      if (!(turns[i].expectation == dialogue.expectation()))
        Fail("expectation", played, i, ToJson(dialogue.expectation()).dump());
      const std::vector<std::string> offered = dialogue.OfferedTools();
      for (const ToolCall& call : turns[i].calls)
        if (std::find(offered.begin(), offered.end(), call.name) == offered.end())
          Fail("not offered", played, i, call.name);
      TurnInput input = CertainInput(turns[i].user, turns[i].calls);
      for (Understanding::Call& call : input.calls) {
        const ToolDef* tool = workflow_->FindTool(call.call.name);
        if (tool != nullptr && (tool->role == ToolRole::kTask || tool->role == ToolRole::kHandoff))
          call.confidence = played.confidence;
      }
      input.today = played.conversation.today;
      dialogue.RunTurn(input, runner);
    }
  }

  // Data sets know nothing of an assistant.
  void CheckStateless(const SimulatedConversation& played) {
    const std::vector<Turn>& turns = played.conversation.turns;
    for (size_t i = 0; i < turns.size(); ++i) {
      if (!(turns[i].expectation == Expectation())) Fail("an expectation without state", played, i, "");
      for (const ToolCall& call : turns[i].calls)
        if (IsControlTool(call.name)) Fail("a control tool without state", played, i, call.name);
    }
  }

  void CheckGrounding(const SimulatedConversation& played) {
    const std::span<const Turn> turns = played.conversation.turns;
    const CallDay day{played.conversation.today, WritesDayFirst(workflow_->language)};
    for (size_t i = 0; i < turns.size(); ++i) {
      const Grounding grounding(*workflow_->language_data, turns.first(i), turns[i].user, Channel::kSpoken,
                                day);
      for (const ToolCall& call : turns[i].calls) {
        if (IsControlTool(call.name)) continue;
        const auto tool = std::find_if(tools_.begin(), tools_.end(),
                                       [&](const OfferedTool& one) { return one.name == call.name; });
        ASSERT_NE(tool, tools_.end()) << call.name;
        for (const auto& [name, value] : call.arguments.items()) {
          const OfferedArgument* argument = tool->Find(name);
          ASSERT_NE(argument, nullptr) << call.name << "." << name;
          if (argument->kind == OfferedArgument::Kind::kSchema) continue;
          bool found = false;
          for (const GroundedValue& candidate : grounding.Candidates(*argument)) {
            const bool spelled = argument->kind == OfferedArgument::Kind::kSpan &&
                                 candidate.literal == Json(NormaliseSpoken(value.get<std::string>())).dump();
            found = found || (candidate.unfit.empty() && (spelled || SameValue(candidate.value, value)));
          }
          if (!found && argument->kind == OfferedArgument::Kind::kChoice) {
            ++unlisted_;
            continue;
          }
          if (!found) Fail("not grounded", played, i, call.name + "." + name + "=" + value.dump());
        }
      }
    }
  }

  std::shared_ptr<const Workflow> workflow_;
  std::shared_ptr<const DialogueProgram> program_;
  std::vector<OfferedTool> tools_;
  std::map<std::string, size_t> failures_;
  size_t unlisted_ = 0;  // values of closed lists in words that are not listed
};

TEST_P(SelfPlayTest, IsWhatTheRealDialogueAndTheRealGroundingMakeOfIt) {
  const auto book = LoadBook(*workflow_);
  ASSERT_TRUE(book) << book.error().message;
  const auto confusions = LoadConfusions(*workflow_);
  ASSERT_TRUE(confusions) << confusions.error().message;
  Simulator simulator(program_, *book, *confusions, {}, 20261130);
  size_t with_state = 0;
  size_t turns = 0;
  size_t ungrounded = 0;
  const size_t wanted = Wanted();
  for (size_t n = 0; n < wanted; ++n) {
    const SimulatedConversation played = simulator.Next();
    if (!played.grounded) {
      ++ungrounded;  // Synthesise leaves these out
      continue;
    }
    turns += played.conversation.turns.size();
    with_state += played.with_state ? 1 : 0;
    played.with_state ? CheckDialogue(played) : CheckStateless(played);
    CheckGrounding(played);
  }
  for (const auto& [kind, count] : failures_) std::printf("%s: %zu\n", kind.c_str(), count);
  std::printf("%s: %zu values in words that are not listed\n", GetParam(), unlisted_);
  std::printf("%s: %zu conversations, %zu with state, %zu turns, %zu left out\n", GetParam(), wanted,
              with_state, turns, ungrounded);
  EXPECT_GT(with_state, wanted / 3);
  EXPECT_LT(ungrounded, wanted / 20);
}

INSTANTIATE_TEST_SUITE_P(Shipped, SelfPlayTest, testing::Values("banking", "telecom", "coffee"),
                         [](const auto& shipped) { return std::string(shipped.param); });

}  // namespace
}  // namespace sotto
