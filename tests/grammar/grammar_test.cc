#include "grammar/grammar.h"

#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "grammar/matcher.h"

namespace sotto {
namespace {

// Every byte alone must be accepted in turn, and the text must end there.
bool Accepts(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  Matcher matcher(grammar);
  for (const char c : text) {
    if (!matcher.AcceptBytes({&c, 1})) return false;
  }
  return matcher.CanEnd();
}

TEST(Grammar, SchemaTable) {
  const auto text = ReadFile(SOTTO_SOURCE_DIR "/tests/data/grammar/schemas.json");
  ASSERT_TRUE(text);
  const auto table = ParseJson(*text, "schemas.json");
  ASSERT_TRUE(table) << table.error().message;
  for (const Json& entry : *table) {
    const std::string name = entry.at("name").get<std::string>();
    const auto grammar = Grammar::FromSchema(entry.at("schema"), "test");
    if (entry.contains("error")) {
      ASSERT_FALSE(grammar) << name;
      EXPECT_NE(grammar.error().message.find(entry.at("error").get<std::string>()), std::string::npos)
          << name << ": " << grammar.error().message;
      EXPECT_EQ(grammar.error().message.substr(0, 4), "test") << grammar.error().message;
      continue;
    }
    ASSERT_TRUE(grammar) << name << ": " << grammar.error().message;
    for (const Json& good : entry.at("accept")) {
      EXPECT_TRUE(Accepts(*grammar, good.get<std::string>())) << name << ": " << good;
    }
    for (const Json& bad : entry.at("reject")) {
      EXPECT_FALSE(Accepts(*grammar, bad.get<std::string>())) << name << ": " << bad;
    }
  }
}

TEST(Grammar, InvalidUtf8IsNeverAccepted) {
  const auto grammar = Grammar::FromSchema(Json{{"type", "string"}}, "test");
  ASSERT_TRUE(grammar);
  for (const char* bad :
       {"\"\xff\"", "\"\xc0\xaf\"", "\"\xc3\"", "\"\xe0\x80\x80\"", "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"", "\"\xf0\x80\x80\x80\"", "\"\x80\"", "\"\x1f\"", "\"\xe2\x82\""}) {
    EXPECT_FALSE(Accepts(*grammar, bad));
  }
  EXPECT_TRUE(Accepts(*grammar, "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\""));
}

TEST(Grammar, CanonicalJsonIsWhatTheGrammarSpells) {
  const Json value = Json{
      {"a", {1, 2.5, -0.0, 1e3, 15.99}}, {"b", "x\"\\\n\x01\u00e9"}, {"c", nullptr}, {"d", Json::object()}};
  EXPECT_EQ(
      CanonicalJson(value),
      "{\"a\": [1, 2.5, 0, 1000, 15.99], \"b\": \"x\\\"\\\\\\n\\u0001\u00e9\", \"c\": null, \"d\": {}}");
}

std::shared_ptr<const Grammar> Compiled(const char* schema) {
  const auto grammar = Grammar::FromSchema(Json::parse(schema), "test");
  EXPECT_TRUE(grammar) << grammar.error().message;
  return *grammar;
}

// A branch of an alternative that can never be finished is never entered.
TEST(Grammar, NothingLeadsToADeadEnd) {
  const auto grammar = Compiled(R"({"$defs": {
      "endless": {"type": "object", "properties": {"next": {"$ref": "#/$defs/endless"}}, "required": ["next"]},
      "list": {"type": "object", "properties": {"item": {"type": "integer"}, "rest": {"$ref": "#/$defs/list"}}}},
    "anyOf": [{"$ref": "#/$defs/endless"}, {"$ref": "#/$defs/list"}]})");
  Matcher matcher(grammar);
  EXPECT_FALSE(matcher.AcceptBytes("{\"next\""));
  EXPECT_TRUE(matcher.AcceptBytes("{\"item\": 4, \"rest\": {}"));
  EXPECT_EQ(matcher.ForcedRun(), "}");
  const auto endless = Grammar::FromSchema(
      Json::parse(R"({"$defs": {"a": {"type": "object", "properties": {"b": {"$ref": "#/$defs/a"}},
                                                          "required": ["b"]}}, "$ref": "#/$defs/a"})"),
      "test");
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().message, "test: $: no text satisfies the schema");
}

TEST(Matcher, ForcedRunsAndForks) {
  const auto grammar = Compiled(R"({"type": "object", "properties": {
      "amount": {"type": "integer", "minimum": 200, "maximum": 200},
      "account": {"enum": ["checking", "savings"]}}, "required": ["amount"]})");
  Matcher matcher(grammar);
  EXPECT_EQ(matcher.ForcedRun(), R"({"amount": 200)");
  ASSERT_TRUE(matcher.AcceptBytes(R"({"am)"));
  EXPECT_EQ(matcher.ForcedRun(), R"(ount": 200)");
  ASSERT_TRUE(matcher.AcceptBytes(matcher.ForcedRun()));
  EXPECT_EQ(matcher.ForcedRun(), "");
  EXPECT_EQ(matcher.NextBytes(), (std::vector<uint8_t>{',', '}'}));
  Matcher fork = matcher;
  ASSERT_TRUE(matcher.AcceptBytes(R"(, "account": "s)"));
  EXPECT_EQ(matcher.ForcedRun(), R"(avings"})");
  EXPECT_FALSE(matcher.AcceptBytes("x"));
  EXPECT_EQ(matcher.ForcedRun(), R"(avings"})");
  ASSERT_TRUE(fork.AcceptBytes("}"));
  EXPECT_TRUE(fork.CanEnd());
  EXPECT_TRUE(fork.MustEnd());
  EXPECT_FALSE(matcher.CanEnd());
}

}  // namespace
}  // namespace sotto
