// At a read-back only a yes is a yes: at every tool of every shipped workflow, whatever the understander
// says.
#include "text/consent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shipped_tools.h"
#include "workflow/stakes.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

constexpr size_t kNoes = 10000;
constexpr size_t kYeses = 1000;

// Evenly spread over all of them.
std::vector<std::string> Sample(const std::map<std::string, std::vector<std::string>>& sections, size_t n) {
  std::vector<std::string> all;
  for (const auto& [name, sentences] : sections) all.insert(all.end(), sentences.begin(), sentences.end());
  SOTTO_CHECK(all.size() >= n, "only {} sentences", all.size());
  std::vector<std::string> sample;
  for (size_t i = 0; i < n; ++i) sample.push_back(all[i * all.size() / n]);
  return sample;
}

// A tool of a shipped workflow that waits for a yes.
struct AtReadBack {
  std::shared_ptr<const DialogueProgram> program;
  const ToolDef* tool = nullptr;
  ToolCall call;
  DialogueState state;

  ReadBack read_back() const { return {&program->FindTool(tool->name)->words, state.open()->slots}; }
  const LanguageData& language() const { return *program->workflow().language_data; }
};

// Every tool that acts is read back here, whatever its workflow says.
std::vector<AtReadBack> ReadBacksOf(const std::string& workflow) {
  const auto program = ShippedProgram(workflow, DialoguePolicy::Confirm::kAlways);
  std::vector<AtReadBack> all;
  for (const ToolDef& tool : program->workflow().tools) {
    if (tool.role != ToolRole::kTask || !Acts(program->workflow(), tool)) continue;
    Dialogue dialogue = VerifiedDialogue(program);
    const ToolCall call = FullCall(tool);
    dialogue.Turn(CertainInput("please " + tool.title, {call}));
    SOTTO_CHECK(dialogue.expectation().kind == Expectation::Kind::kConfirm, "{}", tool.name);
    all.push_back({program, &tool, call, dialogue.state()});
  }
  SOTTO_CHECK(!all.empty());
  return all;
}

bool HasEvent(const Decision& decision, Event::Type type) {
  return std::any_of(decision.events.begin(), decision.events.end(),
                     [type](const Event& event) { return event.type == type; });
}

// The understander is sure of a yes, as the brain often was.
Decision Affirmed(const AtReadBack& at, const std::string& text) {
  return DecideTurn(*at.program, at.state, CertainInput(text, {{control::kAffirm, Json::object()}}));
}

class Consent : public ::testing::TestWithParam<std::string> {};

TEST_P(Consent, NoneOfTenThousandOtherAnswersActs) {
  const std::vector<std::string> noes = Sample(ReadSections("consent/not_yes.txt", 2000), kNoes);
  size_t decided = 0;
  for (const AtReadBack& at : ReadBacksOf(GetParam())) {
    for (const std::string& text : noes) {
      EXPECT_NE(JudgeAnswer(at.language(), text, at.read_back()).answer, Answer::kYes)
          << at.tool->name << ": " << text;
      if (decided++ % 50 != 0) continue;
      const Decision decision = Affirmed(at, text);
      EXPECT_FALSE(decision.action) << at.tool->name << ": " << text;
      EXPECT_FALSE(HasEvent(decision, Event::Type::kConfirmed)) << text;
    }
  }
  EXPECT_GE(decided, kNoes);
}

// Words for values that were not read back, and those that were in each other's places.
TEST_P(Consent, AnotherValueIsNoYes) {
  size_t said = 0;
  for (const AtReadBack& at : ReadBacksOf(GetParam())) {
    for (const Slot& slot : at.tool->slots) {
      for (const EntityValue& value : slot.entity.values) {
        // "To savings" is a yes where another slot holds savings.
        const auto holds = [&](const Json& held) { return held == value.value; };
        if (std::any_of(at.call.arguments.begin(), at.call.arguments.end(), holds)) continue;
        std::vector<std::string> forms = value.synonyms;
        forms.push_back(value.spoken);
        for (const std::string& form : forms) {
          for (const char* frame :
               {"yes {}", "{}", "yes but {}", "ok, {} please", "go ahead with {}", "no, {}", "yes the {} one",
                "sure, for {}", "do it with {} instead", "yes from {}", "yes to {}"}) {
            const std::string text = fmt::format(fmt::runtime(frame), form);
            ++said;
            EXPECT_NE(JudgeAnswer(at.language(), text, at.read_back()).answer, Answer::kYes)
                << at.tool->name << " " << slot.name << ": " << text;
          }
        }
      }
    }
  }
  EXPECT_GT(said, 20u);
}

TEST_P(Consent, NinetySevenOfAHundredNaturalYesesAct) {
  const std::vector<std::string> yeses = Sample(ReadSections("consent/yes.txt", 2000), kYeses);
  size_t right = 0;
  size_t total = 0;
  std::string missed;
  for (const AtReadBack& at : ReadBacksOf(GetParam())) {
    const std::string verb = at.tool->title.substr(0, at.tool->title.find(' '));
    const std::string object = at.tool->title.substr(at.tool->title.rfind(' ') + 1);
    size_t nth = 0;
    for (const std::string& pattern : yeses) {
      const Slot& slot = at.tool->slots[nth++ % at.tool->slots.size()];
      const std::string value = SaidValue(slot, at.call.arguments[slot.name], nth % 2 == 0);
      const std::string text =
          Replaced(Replaced(Replaced(pattern, "<act>", verb), "<object>", object), "<value>", value);
      // What the understander makes of it does not matter.
      const Decision decision = DecideTurn(
          *at.program, at.state, CertainInput(text, {{at.program->workflow().unclear_tool, Json::object()}}));
      ++total;
      if (HasEvent(decision, Event::Type::kConfirmed)) {
        ++right;
      } else if (missed.size() < 4000) {
        missed += at.tool->name + ": " + text + "\n";
      }
    }
  }
  EXPECT_GE(static_cast<double>(right), 0.97 * static_cast<double>(total)) << right << " of " << total << "\n"
                                                                           << missed;
}

INSTANTIATE_TEST_SUITE_P(Shipped, Consent, ::testing::ValuesIn(ShippedWorkflows()),
                         [](const auto& suite) { return suite.param; });

// Real or false yeses at one read-back, with what is meant by each.
TEST(ConsentAnswers, AreWhatWasMeant) {
  const auto all = ReadBacksOf("banking");
  const auto at = std::find_if(all.begin(), all.end(),
                               [](const AtReadBack& one) { return one.tool->name == "transfer_money"; });
  const std::pair<const char*, Answer> cases[] = {
      {"yes two hundred", Answer::kYes},
      {"yep, 200 from checking to savings", Answer::kYes},
      {"checking to savings, yes", Answer::kYes},
      {"yes from savings to checking", Answer::kOther},
      {"yes savings to checking", Answer::kOther},
      {"thanks", Answer::kOther},
      {"two hundred", Answer::kOther},
      {"go ahead with a hundred", Answer::kChange},
      {"yes 2000", Answer::kChange},
      {"please stop", Answer::kDrop},
      {"forget it", Answer::kDrop},
      {"don't", Answer::kDrop},
      {"hold on", Answer::kWait},
      {"ok let me think", Answer::kWait},
      {"is that right", Answer::kQuestion},
      {"right?", Answer::kQuestion},
      {"ok on monday", Answer::kLater},
      {"not sure", Answer::kUnsure},
      {"yeah maybe", Answer::kUnsure},
      {"yeah right", Answer::kUnsure},
      {"no", Answer::kNo},
      {"that's not right", Answer::kNo},
  };
  for (const auto& [text, answer] : cases) {
    EXPECT_EQ(AnswerName(JudgeAnswer(at->language(), text, at->read_back()).answer), AnswerName(answer))
        << text;
  }
}

TEST(ConsentAnswers, ChangeTheValueWaitDropOrAskAgain) {
  const auto all = ReadBacksOf("banking");
  const auto at = std::find_if(all.begin(), all.end(),
                               [](const AtReadBack& one) { return one.tool->name == "transfer_money"; });
  const auto reply = [&](const char* text) { return Affirmed(*at, text).reply.text; };
  EXPECT_THAT(reply("go ahead with a hundred"), HasSubstr("$100.00 from checking to savings"));
  EXPECT_THAT(reply("hold on"), HasSubstr("Take your time"));
  EXPECT_TRUE(HasEvent(Affirmed(*at, "please stop"), Event::Type::kTaskDropped));
  EXPECT_TRUE(HasEvent(Affirmed(*at, "no that's wrong"), Event::Type::kDenied));
  EXPECT_THAT(reply("yes tomorrow"), HasSubstr("only do that right away"));
  EXPECT_THAT(reply("is that right"), HasSubstr("$200.00 from checking to savings"));
  EXPECT_FALSE(HasEvent(Affirmed(*at, "is that right"), Event::Type::kNoProgress));
  EXPECT_THAT(reply("yeah maybe"), HasSubstr("yes or no"));
}

TEST(ConsentAnswers, BadlyHeardOrNearlyANoIsAskedAgain) {
  const auto at = ReadBacksOf("banking").front();
  TurnInput input = CertainInput("do it", {{control::kAffirm, Json::object()}});
  EXPECT_TRUE(DecideTurn(*at.program, at.state, input).action);
  input.may_have_been = {"don't do it"};
  EXPECT_FALSE(DecideTurn(*at.program, at.state, input).action);
  input.may_have_been = {"do it", "doing it"};
  EXPECT_TRUE(DecideTurn(*at.program, at.state, input).action);
  input.heard = 0.3;
  EXPECT_FALSE(DecideTurn(*at.program, at.state, input).action);
}

// "Cancel it" while the card's digits are asked for means the card.
TEST(ConsentAnswers, TheActNamedAgainDropsNothing) {
  Dialogue dialogue(ShippedProgram("banking"));
  dialogue.Begin("test");
  dialogue.Turn(CertainInput("cancel my debit card", {{"cancel_card", {{"card_type", "debit"}}}}));
  for (const char* text : {"cancel it", "just cancel it", "cancel the card"}) {
    const Decision decision = dialogue.Turn(CertainInput(text, {{control::kNeverMind, Json::object()}}));
    EXPECT_FALSE(HasEvent(decision, Event::Type::kTaskDropped)) << text;
    EXPECT_THAT(decision.reply.text, HasSubstr("last four digits")) << text;
  }
  const Decision dropped = dialogue.Turn(CertainInput("forget it", {{control::kNeverMind, Json::object()}}));
  EXPECT_TRUE(HasEvent(dropped, Event::Type::kTaskDropped));
}

}  // namespace
}  // namespace sotto
