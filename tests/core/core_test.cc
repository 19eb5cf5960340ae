#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/conversation.h"
#include "core/json.h"
#include "core/tool.h"

namespace sotto {
namespace {

TEST(SameValue, NumbersByValueStringsFoldedObjectsUnordered) {
  EXPECT_TRUE(SameValue(Json(200), Json(200.0)));
  EXPECT_FALSE(SameValue(Json(200), Json("200")));
  EXPECT_TRUE(SameValue(Json("Electric Company"), Json("electriccompany")));
  EXPECT_TRUE(SameValue(Json::parse(R"({"a":1,"b":2})"), Json::parse(R"({"b":2,"a":1.0})")));
  EXPECT_FALSE(SameValue(Json::parse(R"({"a":1})"), Json::parse(R"({"a":1,"b":2})")));
}

TEST(ParseJson, NamesLineAndColumn) {
  const auto json = ParseJson("{\n \"a\": ]}", "tools.json");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().message, "tools.json:2:7: not valid JSON");
}

TEST(ParseJson, RefusesDepthBytesAndNumbersThatNobodyCanUse) {
  const auto message = [](const std::string& text) {
    const auto json = ParseJson(text, "x");
    return json ? "" : json.error().message;
  };
  EXPECT_EQ(message(std::string(500, '[') + std::string(500, ']')), "");
  EXPECT_EQ(message(std::string(100000, '{')), "x:1:501: JSON nested more than 500 deep");
  EXPECT_EQ(message("{\"a\": \"" + std::string(100000, '[') + "\\\"[\"}"), "");
  EXPECT_EQ(message("[1,\n\"\xC3\"]"), "x:2:2: byte 0xC3 is not UTF-8");
  EXPECT_EQ(message("[1e999]"), "x: a number is too large for JSON here");
}

TEST(ToolCall, ReadsArgumentsAsObjectOrString) {
  const Json object =
      Json::parse(R"({"type":"function","function":{"name":"pay","arguments":{"amount":5}}})");
  const Json text = Json::parse(R"({"function":{"name":"pay","arguments":"{\"amount\":5.0}"}})");
  const Json answer = Json::parse(R"({"name":"pay","parameters":{"amount":5}})");
  const auto a = ToolCallFromJson(object);
  ASSERT_TRUE(a);
  EXPECT_TRUE(SameCall(*a, ToolCallFromJson(text).value()));
  EXPECT_TRUE(SameCall(*a, ToolCallFromJson(answer).value()));
  EXPECT_FALSE(ToolCallFromJson(Json::parse(R"({"arguments":{}})")));
}

TEST(ToolSpec, RoundTripsThroughTheOpenAiForm) {
  for (const ToolSpec& tool : ControlTools()) {
    const auto back = ToolSpecFromJson(ToJson(tool));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->name, tool.name);
    EXPECT_EQ(back->parameters, tool.parameters);
  }
}

}  // namespace
}  // namespace sotto
