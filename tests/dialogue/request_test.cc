// What is negated, asked, supposed, reported, done or wanted later is not done, whatever the understander
// says; polite requests are requests. At every tool of every shipped workflow.
#include <gtest/gtest.h>

#include "shipped_tools.h"
#include "text/denied_values.h"
#include "text/normalise.h"
#include "text/speech_act.h"
#include "workflow/stakes.h"

namespace sotto {
namespace {

bool HasEvent(const Decision& decision, Event::Type type, const std::string& name = "") {
  return std::any_of(decision.events.begin(), decision.events.end(), [&](const Event& event) {
    return event.type == type && (name.empty() || event.name == name);
  });
}

// Examples that are orders ("cancel my {card_type} card"), with values for their slots.
std::vector<std::string> OrdersOf(const Workflow& workflow, const ToolDef& tool, const ToolCall& call) {
  std::vector<std::string> orders;
  for (const std::string& example : tool.examples) {
    const std::string spoken = NormaliseSpoken(example.substr(0, example.find('{')));
    const std::vector<std::string_view> words = SplitWords(spoken);
    if (words.empty() || workflow.language_data->act_verbs.MatchesAt(words, 0) == 0) continue;
    if (example.find('@') != std::string::npos || example.find(',') != std::string::npos) continue;
    if (example.find("please") != std::string::npos) continue;
    std::string order = example;
    for (const Slot& slot : tool.slots) {
      order = Replaced(order, "{" + slot.name + "}", SaidValue(slot, call.arguments[slot.name], false));
    }
    orders.push_back(order);
  }
  return orders;
}

struct Said {
  std::shared_ptr<const DialogueProgram> program;
  const ToolDef* tool;
  std::string text;
  Decision decision;
  bool begun() const { return HasEvent(decision, Event::Type::kTaskBegan); }
  bool doubted() const {
    return std::any_of(decision.events.begin(), decision.events.end(), [](const Event& event) {
      return event.type == Event::Type::kDoubted ||
             (event.type == Event::Type::kTaskBegan && event.value.is_object());
    });
  }
};

// Every frame at every tool that acts, each with the tool's full call at certainty.
std::vector<Said> SayAll(const std::vector<std::string>& frames) {
  std::vector<Said> all;
  for (const std::string& name : ShippedWorkflows()) {
    const auto program = ShippedProgram(name);
    for (const ToolDef& tool : program->workflow().tools) {
      if (tool.role != ToolRole::kTask || !Acts(program->workflow(), tool)) continue;
      const ToolCall call = FullCall(tool);
      const std::vector<std::string> orders = OrdersOf(program->workflow(), tool, call);
      if (orders.empty()) continue;
      const Dialogue dialogue = VerifiedDialogue(program);
      for (size_t i = 0; i < frames.size(); ++i) {
        const std::string text = Replaced(frames[i], "<request>", orders[i % orders.size()]);
        all.push_back(
            {program, &tool, text, DecideTurn(*program, dialogue.state(), CertainInput(text, {call}))});
      }
    }
  }
  return all;
}

// At most `share` of the sentences may fail; shows them.
template <typename Fails>
void ExpectFew(const std::vector<Said>& all, double share, const Fails& fails) {
  size_t failed = 0;
  std::string shown;
  for (const Said& said : all) {
    if (!fails(said)) continue;
    ++failed;
    if (shown.size() < 3000) shown += said.tool->name + ": " + said.text + "\n";
  }
  EXPECT_LE(static_cast<double>(failed), share * static_cast<double>(all.size()))
      << failed << " of " << all.size() << "\n"
      << shown;
}

TEST(Requests, WhatIsNotAskedForIsNotDone) {
  const auto sections = ReadSections("requests/not_asked.txt", 1000);
  size_t total = 0;
  for (const auto& [section, frames] : sections) {
    const std::vector<Said> all = SayAll(frames);
    total += all.size();
    ExpectFew(all, 0, [](const Said& said) { return said.decision.action.has_value(); });
    if (section == "not begun") ExpectFew(all, 0.02, [](const Said& said) { return said.begun(); });
  }
  EXPECT_GE(total, 1000u);
}

TEST(Requests, PoliteOnesAreBegunWithoutDoubt) {
  for (const auto& [section, frames] : ReadSections("requests/asked.txt", 1000)) {
    ExpectFew(SayAll(frames), 0.02, [](const Said& said) { return !said.begun() || said.doubted(); });
  }
}

// The examples of the tools that act are requests, but for those that ask something, to which the tool is
// offered.
TEST(Requests, ExamplesOfTheShippedWorkflowsAreRequests) {
  size_t total = 0;
  std::string wrong;
  size_t failed = 0;
  for (const std::string& name : ShippedWorkflows()) {
    const auto program = ShippedProgram(name);
    for (const ToolDef& tool : program->workflow().tools) {
      if (tool.role != ToolRole::kTask || !Acts(program->workflow(), tool)) continue;
      for (const std::string& example : tool.examples) {
        ++total;
        const std::string words = example.substr(0, example.find('@'));
        const SpeechAct act = JudgeRequest(*program->workflow().language_data, words).act;
        // Those who ask how, or say what they were told, are answered by beginning, and read back.
        if (act == SpeechAct::kRequest || act == SpeechAct::kHowTo || act == SpeechAct::kReported ||
            act == SpeechAct::kConditional)
          continue;
        if (act == SpeechAct::kDelayed && program->FindTool(tool.name)->takes_time) continue;
        ++failed;
        wrong += tool.name + " (" + std::string(SpeechActName(act)) + "): " + example + "\n";
      }
    }
  }
  EXPECT_GT(total, 500u);
  EXPECT_LE(static_cast<double>(failed), 0.05 * static_cast<double>(total)) << wrong;
}

TEST(Requests, WhatIsSaidAboutOneThing) {
  std::ifstream stream(SOTTO_SOURCE_DIR "/tests/data/requests/specific.txt");
  std::map<std::string, std::shared_ptr<const DialogueProgram>> programs;
  for (const std::string& name : ShippedWorkflows()) programs[name] = ShippedProgram(name);
  std::string line;
  size_t lines = 0;
  while (std::getline(stream, line)) {
    if (line.empty() || line.front() == '#') continue;
    ++lines;
    const size_t colon = line.find(':');
    const std::vector<std::string_view> head = SplitWords(std::string_view(line).substr(0, colon));
    const std::string text = line.substr(colon + 2);
    const auto& program = programs.at(std::string(head[0]));
    const ToolDef* tool = program->workflow().FindTool(head[1]);
    ASSERT_NE(tool, nullptr) << line;
    const Dialogue dialogue = VerifiedDialogue(program);
    const Decision decision = DecideTurn(*program, dialogue.state(), CertainInput(text, {FullCall(*tool)}));
    const bool begun = HasEvent(decision, Event::Type::kTaskBegan);
    if (head[2] == "begun") {
      EXPECT_TRUE(begun) << line;
    } else if (head[2] == "not_begun") {
      EXPECT_FALSE(begun) << line;
      EXPECT_FALSE(decision.action) << line;
    } else {
      ASSERT_EQ(head[2], "not_done") << line;
      EXPECT_FALSE(decision.action) << line;
    }
    EXPECT_FALSE(decision.reply.text.empty() && !decision.action) << line;
  }
  EXPECT_GT(lines, 50u);
}

TEST(Requests, TheDeniedValueIsNotTaken) {
  const auto program = ShippedProgram("banking");
  const auto& words = program->FindTool("transfer_money")->words;
  const LanguageData& language = *program->workflow().language_data;
  const ToolWords::Slot& amount = words.slots[0];
  const ToolWords::Slot& to = words.slots[2];
  ASSERT_EQ(to.name, "to_account");
  const auto meant = [&](const char* text, const ToolWords::Slot& slot, const Json& understood) {
    return ValueMeant(language, text, slot, understood);
  };
  EXPECT_EQ(meant("to checking, not savings", to, "savings"), Json("checking"));
  EXPECT_EQ(meant("not savings but checking", to, "savings"), Json("checking"));
  EXPECT_EQ(meant("not savings, checking", to, "checking"), Json("checking"));
  EXPECT_EQ(meant("use checking instead of savings", to, "savings"), Json("checking"));
  EXPECT_EQ(meant("not to savings", to, "savings"), std::nullopt);
  EXPECT_EQ(meant("why not savings", to, "savings"), Json("savings"));
  EXPECT_EQ(meant("to savings", to, "savings"), Json("savings"));
  EXPECT_EQ(meant("no not 200, 300", amount, 200)->get<double>(), 300);
  EXPECT_EQ(meant("no not two hundred but three hundred", amount, 200)->get<double>(), 300);
  EXPECT_EQ(meant("300 not 200", amount, 200)->get<double>(), 300);
  EXPECT_EQ(meant("300", amount, 300), Json(300));
}

TEST(Requests, NegatedWordsAreTakenAway) {
  const auto spans = [](std::string_view text) {
    const std::vector<std::string_view> words = SplitWords(text);
    std::string taken;
    for (const WordSpan& span : NegatedSpans(*EnglishData(), words)) {
      for (size_t i = span.begin; i < span.end; ++i) taken += std::string(words[i]) + " ";
      taken += "/ ";
    }
    return taken;
  };
  EXPECT_EQ(spans("not savings but checking"), "savings / ");
  EXPECT_EQ(spans("from savings not checking"), "checking / ");
  EXPECT_EQ(spans("not from savings but from checking"), "savings / ");
  EXPECT_EQ(spans("use checking instead of savings"), "savings / ");
  EXPECT_EQ(spans("move two hundred to savings"), "");
}

}  // namespace
}  // namespace sotto
