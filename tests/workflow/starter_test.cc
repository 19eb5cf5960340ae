#include "workflow/starter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflow/parse.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

std::string All(const ParsedWorkflow& parsed) {
  std::string all;
  for (const Mistake& mistake : parsed.mistakes) all += ToString(mistake, parsed.file) + "\n";
  return all;
}

constexpr const char* kTools = R"json([
 {"type": "function", "function": {"name": "bookTable", "description": "Book a table: {now}", "parameters": {"type": "object",
   "properties": {"guests": {"type": "integer", "minimum": 1, "maximum": 12, "description": "Number of guests"},
                  "day": {"type": "string", "format": "date"},
                  "area": {"type": "string", "enum": ["inside", "terrace"], "description": "Where to sit."},
                  "outdoors": {"type": "boolean"},
                  "phone": {"type": "string", "pattern": "^\\d{10}$"},
                  "name": {"type": "string", "description": "Name for the booking (e.g. Smith [Jr])"
}
}
, "required" : [ "guests", "day" ]
}
}
},
 {"type": "function", "function": {"name": "pay_deposit", "parameters": {"type": "object",
   "properties": {"amount": {"type": "number", "description": "Amount to pay"},
                  "card_last_four": {"type": "string", "description": "Last four digits of the card"},
                  "area": {"type": "string", "enum": ["inside", "terrace"]}}}}},
 {"name": "goodbye", "description": "End"}
])json";

TEST(Starter, ExampleIsAWorkflow) {
  const ParsedWorkflow parsed = ParseWorkflow(ExampleWorkflow("mine"), "mine.yaml");
  EXPECT_EQ(All(parsed), "");
  EXPECT_TRUE(parsed.workflow);
}

TEST(Starter, ToolsBecomeAWorkflow) {
  const auto tools = ReadTools(kTools, "tools.json");
  ASSERT_TRUE(tools) << tools.error().message;
  Conversation seed;
  seed.turns.push_back(
      {"I want to pay $50 for the terrace", {}, {{"pay_deposit", {{"amount", 50}, {"area", "terrace"}}}}});
  const auto made = WorkflowFromTools("place", *tools, {seed});
  ASSERT_TRUE(made) << made.error().message;
  const ParsedWorkflow parsed = ParseWorkflow(made->yaml, "place.yaml");
  ASSERT_TRUE(parsed.workflow) << All(parsed) << made->yaml << testing::PrintToString(made->refused);
  EXPECT_EQ(All(parsed), "");
  const ToolDef& book = *parsed.workflow->FindTool("bookTable");
  EXPECT_EQ(book.title, "book a table");
  EXPECT_TRUE(book.FindSlot("guests")->required);
  EXPECT_EQ(book.FindSlot("guests")->ask, "the number of guests");
  EXPECT_EQ(book.FindSlot("phone")->entity.length, 10);
  EXPECT_EQ(book.FindSlot("name")->ask, "the name for the booking");
  const ToolDef& pay = *parsed.workflow->FindTool("pay_deposit");
  EXPECT_EQ(pay.FindSlot("amount")->entity.type, Entity::Type::kMoney);
  EXPECT_EQ(pay.FindSlot("card_last_four")->entity.type, Entity::Type::kDigits);
  EXPECT_EQ(pay.FindSlot("card_last_four")->entity.length, 0);  // prose does not bind
  EXPECT_THAT(made->yaml, HasSubstr("# the description speaks of 4 digits"));
  EXPECT_EQ(pay.FindSlot("area")->entity_name, "area");
  EXPECT_EQ(pay.examples, std::vector<std::string>{"I want to pay {amount} for the {area}"});
  EXPECT_EQ(parsed.workflow->FindRole(ToolRole::kGoodbye)->name, "goodbye");
  EXPECT_EQ(parsed.workflow->unclear_tool, "intent_unclear");
  // And back: names, types and enums of the arguments are the same.
  const ToolSpec back = ToToolSpec(book);
  EXPECT_EQ(back.parameters["properties"]["guests"]["maximum"], 12);
  EXPECT_EQ(back.parameters["properties"]["area"]["enum"], (Json{"inside", "terrace"}));
}

}  // namespace
}  // namespace sotto
