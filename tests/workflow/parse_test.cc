#include "workflow/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/random.h"
#include "workflow/messages.h"
#include "workflow/rule.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSmall = R"(workflow: small
entities:
  room: {values: [kitchen, bath]}
  level: {type: number, min: 0, max: 10}
tools:
  set_light:
    description: Set the light
    slots:
      room: {entity: room, required: true, ask: the room}
      level: {entity: level, required: true}
    done: "Light in {room} is {level}."
    examples: ["light in {room} to {level}"]
  intent_unclear: {role: unclear, description: Not understood}
)";

std::string All(const ParsedWorkflow& parsed) {
  std::string all;
  for (const Mistake& mistake : parsed.mistakes) all += ToString(mistake, parsed.file) + "\n";
  return all;
}

TEST(ParseWorkflow, LimitsOfTheCalendar) {
  std::string text = kSmall;
  const size_t at = text.find("  level: {type");
  text.insert(at, R"(  visit: {type: date, min: tomorrow, max: 60 days}
  birth: {type: date, max: today, min: 1900-01-01}
  hour: {type: time, min: 08:00, max: "17:30"}
  stay: {type: duration, min: 1 day, max: two weeks}
  span: {type: date_range, min: -2 years, max: today}
)");
  const ParsedWorkflow parsed = ParseWorkflow(text, "small.yaml");
  ASSERT_TRUE(parsed.workflow) << All(parsed);
  const Date today = *ParseDate("2026-03-18");
  const auto& entities = parsed.workflow->entities;
  EXPECT_EQ(DateText(entities.at("visit").earliest->On(today)), "2026-03-19");
  EXPECT_EQ(DateText(entities.at("visit").latest->On(today)), "2026-05-17");
  EXPECT_EQ(DateText(entities.at("birth").earliest->On(today)), "1900-01-01");
  EXPECT_EQ(DateText(entities.at("span").earliest->On(today)), "2024-03-18");
  EXPECT_EQ(entities.at("hour").min, 480.0);
  EXPECT_EQ(entities.at("hour").max, 1050.0);
  EXPECT_EQ(entities.at("stay").max, 14.0 * 24 * 60);
}

TEST(ParseWorkflow, WrongLimitsOfTheCalendarSayWhatWouldBeRight) {
  const auto mistakes = [](const char* entity) {
    std::string text = kSmall;
    text.insert(text.find("  level: {type"), std::string("  extra: ") + entity + "\n");
    return All(ParseWorkflow(text, "small.yaml"));
  };
  EXPECT_THAT(mistakes("{type: date, min: soon}"), HasSubstr("small.yaml:4:"));
  EXPECT_THAT(mistakes("{type: date, min: soon}"),
              HasSubstr("'soon' is no day; write today, tomorrow, 60 days"));
  EXPECT_THAT(mistakes("{type: time, max: noonish}"), HasSubstr("'noonish' is no time of day; write 08:00"));
  EXPECT_THAT(mistakes("{type: duration, max: long}"), HasSubstr("'long' is no length of time"));
  EXPECT_THAT(mistakes("{type: date, min: 60 days, max: today}"), HasSubstr("min is after max"));
}

TEST(ParseWorkflow, WhatANumberUsuallyIsMayDependOnAnotherSlot) {
  const auto parse = [](const char* usual) {
    std::string text = kSmall;
    const std::string slot = "level: {entity: level";
    text.insert(text.find(slot) + slot.size(), std::string(", usual: ") + usual);
    return ParseWorkflow(text, "small.yaml");
  };
  const ParsedWorkflow parsed = parse("{max: 5, for: {room: {kitchen: {min: 4, max: 9}}}}");
  ASSERT_TRUE(parsed.workflow) << All(parsed);
  const Slot& level = *parsed.workflow->tools[0].FindSlot("level");
  ASSERT_EQ(level.entity.usual_for.size(), 1u);
  EXPECT_EQ(level.entity.usual_for[0].value, "kitchen");
  EXPECT_EQ(level.entity.usual_for[0].max, 9.0);
  EXPECT_THAT(All(parse("{for: {rom: {kitchen: {min: 4}}}}")), HasSubstr("has no other slot 'rom'"));
  EXPECT_THAT(All(parse("{for: {room: {cellar: {min: 4}}}}")),
              HasSubstr("'cellar' is no listed value of slot 'room'"));
  EXPECT_THAT(All(parse("{for: {room: {kitchen: {min: 4, max: 3}}}}")), HasSubstr("the usual min is above"));
  EXPECT_THAT(All(parse("{for: {room: {kitchen: {least: 4}}}}")), HasSubstr("least"));
}

TEST(Rule, DaysEqualTheirWeekday) {
  const auto rule =
      Rule::Parse("not (day == saturday and part == evening) and day != sunday", {"day", "part"});
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->Holds(Json{{"day", "2026-12-05"}, {"part", "evening"}}), false);
  EXPECT_EQ(rule->Holds(Json{{"day", "2026-12-04"}, {"part", "evening"}}), true);
  EXPECT_EQ(rule->Holds(Json{{"day", "2026-12-06"}, {"part", "morning"}}), false);
}

TEST(ParseWorkflow, ReadsASmallWorkflow) {
  const ParsedWorkflow parsed = ParseWorkflow(kSmall, "small.yaml");
  ASSERT_TRUE(parsed.workflow) << All(parsed);
  const ToolDef* tool = parsed.workflow->FindTool("set_light");
  ASSERT_NE(tool, nullptr);
  EXPECT_EQ(tool->title, "set light");
  EXPECT_EQ(tool->doing, "setting light");
  EXPECT_EQ(tool->slots[1].ask, "the level");
  EXPECT_EQ(tool->slots[1].entity.max, 10);
  EXPECT_EQ(parsed.workflow->unclear_tool, "intent_unclear");
}

TEST(ParseWorkflow, BankingHasNoMistakes) {
  const auto parsed = ReadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(All(*parsed), "");
  ASSERT_TRUE(parsed->workflow);
  EXPECT_EQ(parsed->workflow->tools.size(), 14u);
  for (const ToolDef& tool : parsed->workflow->tools) EXPECT_GE(tool.examples.size(), 15u) << tool.name;
  const ToolSpec transfer = ToToolSpec(*parsed->workflow->FindTool("transfer_money"));
  EXPECT_EQ(transfer.parameters["properties"]["from_account"]["enum"], (Json{"checking", "savings"}));
  EXPECT_EQ(transfer.parameters["properties"]["amount"]["type"], "number");
}

TEST(ParseWorkflow, ReportsAllMistakesAtOnce) {
  const ParsedWorkflow parsed = ParseWorkflow(R"(workflow: broken
entities:
  room: {values: [kitchen, bath], tipe: enum}
tools:
  a:
    description: A
    slots:
      room: {entity: romm, required: true}
      other: {entity: room, only: [kitchn]}
      x: {entity: room}
    checks:
      - {rule: x != other, say: "Same.", clear: [x]}
      - {rule: other != x, say: "Same.", clear: [other]}
      - {rule: x = other, say: "Same.", clear: [y]}
    confirm: "Do it in {rooms}?"
    done: "Done {x:mony}."
    related: [bb]
    examples: [do the thing, "go to {x}"]
  b:
    descripton: B
    examples: [do the thing, "go to {z}", "broken {"]
  c:
    description: C
    slots: {x: {entity: room}}
    examples: [it is dark @x=kitchn, "it is @y=kitchen", "over here @x=kitchen now"]
policy: {confirm: sometimes, acept: 0.3}
messages: {ask_togther: "Hm?", ask_one: "Tell me {asc}."}
)",
                                              "broken.yaml");
  EXPECT_FALSE(parsed.workflow);
  const std::string all = All(parsed);
  for (const char* expected : {
           "broken.yaml:3:35: unknown key 'tipe' in entity 'room' (did you mean 'type'?)",
           "broken.yaml:8:22: undefined entity 'romm' (did you mean 'room'?)",
           "'kitchn' is no value of entity 'room' (did you mean 'kitchen'?)",
           "a cycle of checks in tool 'a': other -> x -> other",
           "rule 'x = other': '=' in a rule: write '=='",
           "unknown slot 'y'",
           "broken.yaml:15:14: '{rooms}' is not defined here (did you mean 'room'?)",
           "\"Done {x:mony}.\": text: column 6",
           "unknown tool 'bb' (did you mean 'b'?)",
           "example \"do the thing\" of tool 'b' is also one of tool 'a'",
           "unknown key 'descripton' in tool 'b' (did you mean 'description'?)",
           "'{z}' is not defined here",
           "\"broken {\": text: column 8",
           "'@x=kitchn': slot 'x' has no value 'kitchn' (did you mean 'kitchen'?)",
           "'@y=kitchen': the tool has no such slot",
           "'now' stands behind '@slot=value'",
           "'sometimes' is no confirm",
           "unknown key 'acept' in policy (did you mean 'accept'?)",
           "unknown key 'ask_togther' in messages (did you mean 'ask_together'?)",
           "'{asc}' is not defined here (did you mean 'ask'?)",
           "no tool stands for what is not understood",
       }) {
    EXPECT_THAT(all, HasSubstr(expected));
  }
}

TEST(ParseWorkflow, NoSlotCanSayWhoIsCalling) {
  const ParsedWorkflow parsed = ParseWorkflow(R"(workflow: w
entities: {name: {type: text}}
tools:
  greet: {description: Greets, slots: {caller_customer: {entity: name}}}
  unclear: {role: unclear, description: Unclear}
)",
                                              "w.yaml");
  ASSERT_FALSE(parsed.workflow);
  ASSERT_FALSE(parsed.mistakes.empty());
  EXPECT_THAT(ToString(parsed.mistakes.front(), "w.yaml"), HasSubstr("slot 'caller_customer'"));
}

TEST(ParseWorkflow, HashTellsVersionsApart) {
  const std::string text = "workflow: w\ntools: {unclear: {role: unclear, description: Unclear}}\n";
  const auto hash = [](const std::string& one) { return ParseWorkflow(one, "w.yaml").workflow.value().hash; };
  EXPECT_EQ(hash(text), hash(text));
  EXPECT_NE(hash(text), hash(text + "# more\n"));
}

TEST(ParseWorkflow, NamesThePlaceOfBrokenYaml) {
  const ParsedWorkflow parsed = ParseWorkflow("workflow: a\ntools: [\n", "x.yaml");
  ASSERT_EQ(parsed.mistakes.size(), 1u);
  EXPECT_THAT(All(parsed), HasSubstr("x.yaml:3:1: not valid YAML"));
  EXPECT_FALSE(ParseWorkflow("- a\n- b\n", "x.yaml").workflow);
  EXPECT_FALSE(ParseWorkflow("", "x.yaml").workflow);
}

TEST(ParseWorkflow, ToolsAndEntitiesOfTheWrongKind) {
  const ParsedWorkflow parsed = ParseWorkflow(
      "workflow: a\nentities: [x]\ntools: {a: 3, b: {slots: [x], checks: 3, action: [1], examples: {a: "
      "b}}}\n",
      "x.yaml");
  EXPECT_GE(parsed.mistakes.size(), 6u) << All(parsed);
}

TEST(ParseWorkflow, VerificationThatCannotBe) {
  const ParsedWorkflow parsed = ParseWorkflow(R"(workflow: v
tools:
  check: {role: verify, description: d, requires_verified: true}
  unclear: {role: unclear, description: d}
  other: {role: unclear, description: d}
)",
                                              "v.yaml");
  EXPECT_THAT(All(parsed), HasSubstr("a cycle: 'check' verifies"));
  EXPECT_THAT(All(parsed), HasSubstr("have the same role 'unclear'"));
}

// Whatever is in the file, it is read or its mistakes are named.
TEST(ParseWorkflow, BrokenFilesAreReported) {
  std::ifstream stream(SOTTO_SOURCE_DIR "/workflows/banking/workflow.yaml");
  const std::string good{std::istreambuf_iterator<char>(stream), {}};
  ASSERT_FALSE(good.empty());
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    std::string text = good;
    for (size_t edits = 1 + random.Below(5); edits > 0; --edits) {
      const size_t at = random.Below(text.size());
      const size_t length = std::min(random.Below(40), text.size() - at);
      if (random.Chance(0.3)) {
        text.erase(at, length);
      } else if (random.Chance(0.5)) {
        text.insert(at, text.substr(random.Below(text.size()), length));
      } else {
        text[at] =
            static_cast<char>(random.Chance(0.5) ? random.Below(256) : "{}[]:,&*#\n\"'"[random.Below(12)]);
      }
    }
    const ParsedWorkflow parsed = ParseWorkflow(text, "mutant.yaml");
    EXPECT_TRUE(parsed.workflow || !parsed.mistakes.empty());
  }
  EXPECT_FALSE(ParseWorkflow("workflow: a\npolicy: &a {x: *a}\ntools: &b {t: *b}\n", "loop.yaml").workflow);
}

TEST(Rule, Holds) {
  const std::vector<std::string> slots{"a", "b", "n", "card"};
  struct Case {
    const char* rule;
    Json values;
    std::optional<bool> holds;
  };
  const std::vector<Case> cases{
      {"a != b", {{"a", "x"}, {"b", "X"}}, false},
      {"a != b", {{"a", "x"}}, std::nullopt},
      {"n <= 500", {{"n", 500}}, true},
      {"n > 1.5 and n < 2", {{"n", 3}}, false},
      {"n > 1 or a == 'q r'", {{"n", 3}}, true},
      {"n > 1 and a == 'q r'", {{"n", 3}}, std::nullopt},
      {"not (card == credit)", {{"card", "debit"}}, true},
      {"card == credit", {{"card", "credit"}}, true},
      {"card == 4532", {{"card", "4532"}}, true},
  };
  for (const Case& c : cases) {
    const auto rule = Rule::Parse(c.rule, slots);
    ASSERT_TRUE(rule) << c.rule << ": " << rule.error().message;
    EXPECT_EQ(rule->Holds(c.values), c.holds) << c.rule;
  }
  for (const char* wrong :
       {"", "a", "a ==", "a == b c", "(a == b", "a ! b", "a == 'x", "a == b and", "== b"}) {
    EXPECT_FALSE(Rule::Parse(wrong, slots)) << wrong;
  }
}

// What editors complete and what the parser takes are the same.
TEST(Schema, ListsEveryMessage) {
  std::ifstream file(SOTTO_SOURCE_DIR "/docs/formats/workflow.schema.json");
  const auto schema = nlohmann::json::parse(file);
  std::vector<std::string> listed, known;
  for (const auto& [name, text] : schema.at("properties").at("messages").at("properties").items())
    listed.push_back(name);
  for (const MessageDef& def : MessageDefs()) known.emplace_back(def.key);
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(known));
}

TEST(Suggest, FindsTheNearest) {
  EXPECT_EQ(ClosestName("AMUONT", {"amount", "account"}), "amount");
  EXPECT_EQ(ClosestName("desc", {"description", "done"}), "description");
  EXPECT_EQ(ClosestName("zzz", {"description", "done"}), "");
}

}  // namespace
}  // namespace sotto
