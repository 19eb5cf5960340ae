#include "learn/simulator.h"

#include <gmock/gmock.h>

#include <fstream>

#include "brain/label_rules.h"
#include "learn/coverage.h"
#include "learn/own_words.h"
#include "learn/synth.h"
#include "learn/test_workflow.h"
#include "temp_folder.h"
#include "workflow/parse.h"

namespace sotto {
namespace {

std::string Line(const LabelledConversation& labelled) { return ToJson(labelled).dump(); }

TEST(SynthTest, EveryConversationIsValidAndTheSeedDecides) {
  const auto workflow = TestWorkflow();
  SynthOptions options;
  options.count = 300;
  options.seed = 5;
  const auto made = Synthesise(workflow, options);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->conversations.size(), 300u);
  const LabelRules rules(*workflow);
  for (const LabelledConversation& labelled : made->conversations)
    EXPECT_EQ(rules.WhyInvalid(labelled.conversation), std::nullopt);
  const auto again = Synthesise(workflow, options);
  ASSERT_TRUE(again);
  for (size_t i = 0; i < 300; ++i) EXPECT_EQ(Line(made->conversations[i]), Line(again->conversations[i]));
  options.seed = 6;
  const auto other = Synthesise(workflow, options);
  ASSERT_TRUE(other);
  EXPECT_NE(Line(made->conversations[0]), Line(other->conversations[0]));
}

TEST(SynthTest, PlaysEveryPatternAndBothStyles) {
  SynthOptions options;
  options.count = 2000;
  const auto made = Synthesise(TestWorkflow(), options);
  ASSERT_TRUE(made);
  const Json report = made->coverage.ToJson();
  for (const char* pattern : {"ask", "fill", "correct", "digress", "come_back", "two", "unclear", "thanks",
                              "goodbye", "greeting", "affirm", "deny", "never_mind", "optional"})
    EXPECT_GT(report["patterns"].value(pattern, 0), 0) << pattern;
  for (const char* state : {"none", "ask", "confirm", "offer"})
    EXPECT_GT(report["expectations"].value(state, 0), 0) << state;
  EXPECT_THAT(made->coverage.ToText(*TestWorkflow()), testing::Not(testing::HasSubstr("never:")));
}

// As people's sentences are labelled (workflows/challenge.md): "yes, but make it 400" is a yes and the change.
TEST(SynthTest, AYesWithAChangeIsBoth) {
  SynthOptions options;
  options.count = 2000;
  options.simulator.noise = 0;
  const auto made = Synthesise(TestWorkflow(), options);
  ASSERT_TRUE(made);
  size_t agreed = 0;
  size_t refused = 0;
  for (const LabelledConversation& labelled : made->conversations) {
    for (const Turn& turn : labelled.conversation.turns) {
      if (turn.expectation.kind != Expectation::Kind::kConfirm || turn.calls.empty()) continue;
      std::string said = turn.user;
      said[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(said[0])));
      if (said.starts_with("yes but ") || said.starts_with("sure but ")) {
        ++agreed;
        ASSERT_EQ(turn.calls.size(), 2u) << said;
        EXPECT_EQ(turn.calls[0].name, control::kAffirm) << said;
      }
      if (said.starts_with("no ") && !said.starts_with("no wait ") &&
          !IsControlTool(turn.calls.back().name)) {
        ++refused;
        EXPECT_EQ(turn.calls[0].name, control::kDeny) << said;
      }
      if (said.starts_with("make it ")) {
        EXPECT_EQ(turn.calls.size(), 1u) << said;
      }
    }
  }
  EXPECT_GT(agreed, 0u);
  EXPECT_GT(refused, 0u);
}

// Who the caller is comes before the first task that needs it, once; a slot with `when` only where it holds.
TEST(SynthTest, VerifiesFirstAndAsksOnlyWhatHolds) {
  const auto workflow = TestWorkflow();
  ToolDef verify;
  verify.name = "verify_caller";
  verify.role = ToolRole::kVerify;
  verify.slots = {TestSlot("pin", Entity::Type::kDigits, {}, true)};
  verify.examples = {"my pin is {pin}"};
  workflow->tools.push_back(verify);
  ToolDef& pay = workflow->tools[1];
  pay.requires_verified = true;
  pay.slots[2].required = true;
  pay.slots[2].when = "amount > 100000";
  SynthOptions options;
  options.count = 500;
  const auto made = Synthesise(workflow, options);
  ASSERT_TRUE(made) << made.error().message;
  int verified = 0;
  for (const LabelledConversation& labelled : made->conversations) {
    int here = 0;
    for (const Turn& turn : labelled.conversation.turns) {
      for (const ToolCall& call : turn.calls)
        here += call.name == "verify_caller" && call.arguments.contains("pin");
      for (const std::string& slot : turn.expectation.slots) EXPECT_NE(slot, "card");
    }
    EXPECT_LE(here, 1);
    verified += here;
  }
  EXPECT_GT(verified, 50);
}

TEST(OwnWordsTest, NonsenseIsNotAboutTheWorkflow) {
  const auto workflow = TestWorkflow();
  const WordSet words = OwnWords(*workflow);
  EXPECT_TRUE(HasAnyOf(words, "what about my accounts"));
  EXPECT_TRUE(HasAnyOf(words, "the savings"));
  EXPECT_FALSE(HasAnyOf(words, "turn on the lights"));
}

// Control tools are called only where something was asked; datasets know nothing of them.
TEST(SynthTest, ControlToolsNeedAState) {
  SynthOptions options;
  options.count = 500;
  options.simulator.with_state = 0.5;
  const auto made = Synthesise(TestWorkflow(), options);
  ASSERT_TRUE(made);
  for (const LabelledConversation& labelled : made->conversations)
    for (const Turn& turn : labelled.conversation.turns)
      for (const ToolCall& call : turn.calls)
        if (IsControlTool(call.name) && call.name != control::kHelp && call.name != control::kRepeat) {
          EXPECT_NE(turn.expectation.kind, Expectation::Kind::kNone) << turn.user;
        }
}

// While a task is open, every call carries what was said before, unless it was corrected.
TEST(SynthTest, ArgumentsAccumulate) {
  SynthOptions options;
  options.count = 500;
  options.simulator.with_state = 0;
  const auto workflow = TestWorkflow();
  const auto confusions = std::make_shared<const Confusions>(Confusions::BuiltIn());
  const auto book = LoadBook(*workflow);
  ASSERT_TRUE(book);
  const auto program = DialogueProgram::Compile(workflow);
  ASSERT_TRUE(program) << program.error().message;
  Simulator simulator(*program, *book, confusions, options.simulator, 3);
  for (int i = 0; i < 500; ++i) {
    const SimulatedConversation played = simulator.Next();
    for (size_t t = 1; t < played.conversation.turns.size(); ++t) {
      const ToolCall& before = played.conversation.turns[t - 1].calls.front();
      const ToolCall& now = played.conversation.turns[t].calls.front();
      if (played.patterns[t] != "fill" || before.name != now.name || played.patterns[t - 1] == "two")
        continue;
      for (const auto& [name, value] : before.arguments.items())
        EXPECT_TRUE(now.arguments.contains(name) && SameValue(now.arguments[name], value))
            << ToString(before) << " then " << ToString(now);
    }
  }
}

TEST(SynthTest, AWorkflowWithoutWordsIsAnError) {
  auto workflow = std::make_shared<Workflow>();
  workflow->name = "empty";
  ToolDef tool;
  tool.name = "greeting";
  tool.role = ToolRole::kGreeting;
  workflow->tools.push_back(tool);
  const auto made = Synthesise(workflow, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, testing::HasSubstr("empty"));
}

TEST(PhraseBookTest, MistakesNameFileAndLine) {
  const TempFolder folder;
  const auto error_of = [&](const char* yaml) {
    std::ofstream(folder / "phrases.yaml") << yaml;
    auto workflow = TestWorkflow();
    workflow->folder = folder.path();
    const auto book = PhraseBook::Load(*workflow);
    return book ? std::string() : book.error().message;
  };
  EXPECT_EQ(error_of("tools:\n  move_money:\n    ask:\n      - shove {amount} over\n"), "");
  EXPECT_THAT(error_of("tools:\n  move_money:\n    ask:\n      - shove (a|b\n"),
              testing::HasSubstr("phrases.yaml:4"));
  EXPECT_THAT(error_of("tools:\n  nothing:\n    ask: []\n"), testing::HasSubstr("no tool 'nothing'"));
  EXPECT_THAT(error_of("tools:\n  move_money:\n    ask: ['to {payee}']\n"),
              testing::HasSubstr("no slot 'payee'"));
  EXPECT_THAT(error_of("tols: {}\n"), testing::HasSubstr("unknown key 'tols'"));
  EXPECT_THAT(error_of("tools: [\n"), testing::HasSubstr("phrases.yaml:"));
}

TEST(BankingTest, ShippedConversationsAreValid) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  ASSERT_TRUE(workflow) << workflow.error().message;
  const LabelRules rules(**workflow);
  for (const char* name : {"seed.jsonl", "valid.jsonl"}) {
    const auto rows = ReadConversations((*workflow)->folder / name);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_GE(rows->size(), 58u);
    for (const LabelledConversation& row : *rows)
      EXPECT_EQ(rules.WhyInvalid(row.conversation), std::nullopt) << name << ":" << row.line;
  }
  SynthOptions options;
  options.count = 400;
  const auto made = Synthesise(*workflow, options);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_GT(made->n_patterns, 1000u);
}

}  // namespace
}  // namespace sotto
