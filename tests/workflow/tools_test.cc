// Tools arrays of other people become workflows and tools arrays again: tests/data/conversion/tools.jsonl. A
// row: `tools`; `slots`: what a slot is, its schema in the exported tool and `as`; `notes`: what is said to
// be weaker or otherwise; `no_notes`: what is not; `refused`: what cannot be mapped, then nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "workflow/parse.h"
#include "workflow/starter.h"

namespace sotto {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Kind(const Slot& slot) {
  constexpr const char* kNames[] = {"enum", "digits", "money", "number", "text", "date"};
  return kNames[static_cast<size_t>(slot.entity.type)];
}

std::string All(const ParsedWorkflow& parsed) {
  std::string all;
  for (const Mistake& mistake : parsed.mistakes) all += ToString(mistake, parsed.file) + "\n";
  return all;
}

void CheckSlots(const Workflow& workflow, const Json& slots) {
  for (const auto& [path, want] : slots.items()) {
    SCOPED_TRACE(path);
    const size_t dot = path.find('.');
    const ToolDef* tool = workflow.FindTool(path.substr(0, dot));
    ASSERT_NE(tool, nullptr);
    const Slot* slot = tool->FindSlot(path.substr(dot + 1));
    ASSERT_NE(slot, nullptr);
    EXPECT_EQ(Kind(*slot), want["kind"]);
    EXPECT_EQ(slot->argument(), want.value("as", slot->name));
    if (want.contains("required")) {
      EXPECT_EQ(slot->required, want["required"].get<bool>());
    }
    const ToolSpec exported = ToExportedTool(*tool);
    if (want.contains("schema")) {
      EXPECT_TRUE(SameValue(exported.parameters["properties"][slot->argument()], want["schema"]))
          << exported.parameters.dump();
    }
    const Json required = exported.parameters.value("required", Json::array());
    EXPECT_EQ(std::count(required.begin(), required.end(), Json(slot->argument())), slot->required ? 1 : 0);
  }
}

void CheckRow(const Json& row) {
  SCOPED_TRACE(row["name"].get<std::string>());
  const auto tools = ReadTools(row["tools"].dump(), "tools.json");
  ASSERT_TRUE(tools) << tools.error().message;
  const auto made = WorkflowFromTools("place", *tools, {});
  ASSERT_TRUE(made) << made.error().message;
  for (const Json& note : row.value("notes", Json::array()))
    EXPECT_THAT(made->notes, Contains(HasSubstr(note.get<std::string>())));
  for (const Json& note : row.value("no_notes", Json::array()))
    EXPECT_THAT(made->notes, Not(Contains(HasSubstr("properties." + note.get<std::string>()))));
  const Json refused = row.value("refused", Json::array());
  ASSERT_EQ(made->yaml.empty(), !refused.empty()) << testing::PrintToString(made->refused);
  for (const Json& why : refused) EXPECT_THAT(made->refused, Contains(HasSubstr(why.get<std::string>())));
  if (!refused.empty()) return;
  for (const Json& hint : row.value("hints", Json::array()))
    EXPECT_THAT(made->yaml, HasSubstr(hint.get<std::string>()));
  const ParsedWorkflow parsed = ParseWorkflow(made->yaml, "place.yaml");
  ASSERT_TRUE(parsed.workflow) << All(parsed) << made->yaml;
  CheckSlots(*parsed.workflow, row["slots"]);
  const Json names = row.value("names", Json::object());
  for (const auto& [tool, name] : names.items())
    EXPECT_EQ(ToExportedTool(*parsed.workflow->FindTool(tool)).name, name);
}

TEST(ToolsArrays, OfEveryVendorAreMappedOrRefused) {
  const auto text = ReadFile(SOTTO_SOURCE_DIR "/tests/data/conversion/tools.jsonl");
  ASSERT_TRUE(text);
  size_t n_rows = 0;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line); ++n_rows) {
    const auto row = ParseJson(line, "tools.jsonl");
    ASSERT_TRUE(row) << row.error().message;
    CheckRow(*row);
  }
  EXPECT_GE(n_rows, 45U);
}

// What came out of a tools array goes in again and comes out the same.
TEST(ToolsArrays, RoundTripIsAFixedPoint) {
  const auto text = ReadFile(SOTTO_SOURCE_DIR "/tests/data/conversion/tools.jsonl");
  std::istringstream lines(text.value());
  for (std::string line; std::getline(lines, line);) {
    const Json row = ParseJson(line, "tools.jsonl").value();
    if (row.contains("refused")) continue;
    SCOPED_TRACE(row["name"].get<std::string>());
    const auto once = [](const std::vector<ToolSpec>& tools) {
      const auto made = WorkflowFromTools("place", tools, {});
      const ParsedWorkflow parsed = ParseWorkflow(made.value().yaml, "place.yaml");
      std::vector<ToolSpec> out;
      for (const ToolDef& tool : parsed.workflow.value().tools) out.push_back(ToExportedTool(tool));
      return out;
    };
    const auto first = once(ReadTools(row["tools"].dump(), "tools.json").value());
    const auto second = once(first);
    ASSERT_EQ(first.size(), second.size());
    for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(ToJson(first[i]), ToJson(second[i]));
  }
}

TEST(ToolsArrays, WhatIsRefusedCanBeLeftOut) {
  const auto tools = ReadTools(R"([
    {"name": "order", "parameters": {"type": "object", "required": ["size"], "properties": {
       "size": {"enum": ["small", "large"]}, "extras": {"type": "array", "items": {"type": "string"}}}}},
    {"name": "many", "parameters": {"type": "object", "required": ["ids"], "properties": {
       "ids": {"type": "array", "items": {"type": "string"}}}}}])",
                               "t.json");
  const auto made = WorkflowFromTools("place", tools.value(), {}, /*leave_out=*/true);
  ASSERT_TRUE(made);
  EXPECT_THAT(made->refused, testing::SizeIs(2));
  const ParsedWorkflow parsed = ParseWorkflow(made->yaml, "place.yaml");
  ASSERT_TRUE(parsed.workflow) << All(parsed);
  EXPECT_EQ(parsed.workflow->FindTool("many"), nullptr);
  EXPECT_THAT(parsed.workflow->FindTool("order")->slots, testing::SizeIs(1));
}

TEST(ToolsArrays, BadOnesAreOneClearLine) {
  const auto message = [](const std::string& text) {
    const auto tools = ReadTools(text, "t.json");
    return tools ? "" : tools.error().message;
  };
  EXPECT_THAT(message("{"), HasSubstr("t.json:1:2: not valid JSON"));
  EXPECT_THAT(message("3"), HasSubstr("expected an array of tools"));
  EXPECT_THAT(message("[]"), HasSubstr("no tools"));
  EXPECT_THAT(message(R"([{"type": "web_search"}])"), HasSubstr("web_search"));
  EXPECT_THAT(message(R"([{"name": "a"}, {"name": "a"}])"), HasSubstr("'a' stands twice"));
  EXPECT_THAT(message(R"([{"name": "a", "args_schema": {"properties": {"x": {}}}}])"),
              HasSubstr("args_schema"));
  EXPECT_THAT(message(R"([{"name": "a", "parameters": {}, "input_schema": {}}])"),
              HasSubstr("want one schema"));
  EXPECT_THAT(message("[{\"name\": \"caf\xE9\"}]"), HasSubstr("t.json:1:15: byte 0xE9 is not UTF-8"));
  EXPECT_THAT(message(std::string(100000, '[')), HasSubstr("nested more than 500 deep"));
  std::string deep = R"([{"name": "a", "parameters": )";
  for (int i = 0; i < 100000; ++i) deep += R"({"properties": {"x": )";
  EXPECT_THAT(message(deep), HasSubstr("deep"));
}

TEST(ToolsArrays, LongRunsOfDigitsAreText) {
  for (const size_t length : {100U, 60000U}) {
    const Json tools = Json::array({{{"name", "find"},
                                     {"parameters",
                                      {{"properties",
                                        {{"code",
                                          {{"type", "string"},
                                           {"description", std::string(length, '7')},
                                           {"pattern", std::string(length, '7')}}}}}}}}});
    const auto made = WorkflowFromTools("place", ReadTools(tools.dump(), "t.json").value(), {});
    ASSERT_TRUE(made);
    const ParsedWorkflow parsed = ParseWorkflow(made->yaml, "place.yaml");
    ASSERT_TRUE(parsed.workflow) << All(parsed).substr(0, 500);
  }
}

TEST(ToolsArrays, CallsOfSeedsThatTheToolsDoNotHaveAreNamed) {
  const auto tools = ReadTools(
      R"([{"name": "refund_order", "parameters": {"properties": {"order_id": {"type": "string"}}}}])",
      "t.json");
  Conversation seed;
  seed.turns.push_back({"refund 70021", {}, {{"refund_ordr", {{"order_id", "70021"}}}}});
  seed.turns.push_back({"refund 70021", {}, {{"refund_order", {{"id", "70021"}}}}});
  EXPECT_THAT(UnknownCalls(seed, tools.value()),
              testing::ElementsAre("no tool 'refund_ordr' (did you mean 'refund_order'?)",
                                   HasSubstr("tool 'refund_order' has no argument 'id'")));
  // And no example is made of a call with an argument that does not exist.
  Conversation wrong;
  wrong.turns = {seed.turns[1]};
  const auto made = WorkflowFromTools("place", tools.value(), {wrong});
  EXPECT_THAT(made.value().yaml, Not(HasSubstr("examples:")));
}

}  // namespace
}  // namespace sotto
