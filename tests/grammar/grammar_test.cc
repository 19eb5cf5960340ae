#include "grammar/grammar.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "base/mapped_file.h"
#include "grammar/banking_tools.h"
#include "grammar/matcher.h"

namespace sotto {
namespace {

// Every byte alone must be accepted in turn, and the text must end there.
bool Accepts(const std::shared_ptr<const Grammar>& grammar, std::string_view text, TurnFill fill = {}) {
  const auto binding = Binding::Create(grammar, std::move(fill));
  EXPECT_TRUE(binding) << binding.error().message;
  Matcher matcher(*binding);
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

TEST(Tools, BankingCalls) {
  const auto compiled = CompileTools(BankingTools());
  ASSERT_TRUE(compiled) << compiled.error().message;
  EXPECT_TRUE(compiled->refused.empty());
  const auto& grammar = compiled->grammar;
  EXPECT_EQ(grammar->tools().size(), 14u);
  for (
      const char* good :
      {R"({"name": "greeting", "arguments": {}})",
       R"({"name": "transfer_money", "arguments": {"amount": 200, "from_account": "checking"}})",
       R"({"name": "transfer_money", "arguments": {"to_account": "savings"}})",
       R"({"name": "pay_bill", "arguments": {"payee": "at and t", "amount": 15.99}})",
       R"({"name": "cancel_card", "arguments": {"card_type": "debit", "card_last_four": "4532", "reason": "lost"}}{"name": "replace_card", "arguments": {}})"}) {
    EXPECT_TRUE(Accepts(grammar, good)) << good;
  }
  for (const char* bad :
       {R"({"name": "greeting", "arguments": {}}})", R"({"name": "hello", "arguments": {}})",
        R"({"name": "transfer_money", "arguments": {"from_account": "credit"}})",
        R"({"name": "transfer_money", "arguments": {"from_account": "checking", "amount": 200}})",
        R"({"name":"greeting","arguments":{}})",
        R"({"name": "cancel_card", "arguments": {"card_last_four": "45"}})", ""}) {
    EXPECT_FALSE(Accepts(grammar, bad)) << bad;
  }
}

TEST(Tools, OneCallOnlyAndOtherFrames) {
  ToolGrammarOptions options;
  options.several_calls = false;
  options.before_call = "<tool_call>\n";
  options.after_call = "\n</tool_call>";
  options.arguments_key = "parameters";
  const auto compiled = CompileTools(BankingTools(), options);
  ASSERT_TRUE(compiled);
  const std::string call = "<tool_call>\n{\"name\": \"greeting\", \"parameters\": {}}\n</tool_call>";
  EXPECT_TRUE(Accepts(compiled->grammar, call));
  EXPECT_FALSE(Accepts(compiled->grammar, call + call));
  options.several_calls = true;
  options.between_calls = "\n";
  const auto several = CompileTools(BankingTools(), options);
  EXPECT_TRUE(Accepts(several->grammar, call + "\n" + call));
  EXPECT_FALSE(Accepts(several->grammar, call + call));
  EXPECT_NE(compiled->grammar->hash(), several->grammar->hash());
}

TEST(Tools, RequiredIsHonouredWhenAsked) {
  const ToolSpec tool{
      "t", "", Json{{"type", "object"}, {"properties", {{"a", {{"type", "boolean"}}}}}, {"required", {"a"}}}};
  ToolGrammarOptions options;
  const auto lax = CompileTools({&tool, 1}, options);
  EXPECT_TRUE(Accepts(lax->grammar, R"({"name": "t", "arguments": {}})"));
  options.arguments_optional = false;
  const auto strict = CompileTools({&tool, 1}, options);
  EXPECT_FALSE(Accepts(strict->grammar, R"({"name": "t", "arguments": {}})"));
  EXPECT_TRUE(Accepts(strict->grammar, R"({"name": "t", "arguments": {"a": true}})"));
}

TEST(Tools, OneBadToolIsRefusedAlone) {
  std::vector<ToolSpec> tools = BankingTools();
  tools[4].parameters["properties"]["card_type"]["contentEncoding"] = "base64";
  tools[5].parameters["properties"]["x"] = Json{{"enum", Json::array()}};
  tools.push_back({"broken", "", Json("nonsense")});
  const auto compiled = CompileTools(tools);
  ASSERT_TRUE(compiled);
  ASSERT_EQ(compiled->refused.size(), 3u);
  EXPECT_EQ(compiled->refused[0].tool, tools[4].name);
  EXPECT_EQ(compiled->refused[0].error.message,
            "tool '" + tools[4].name +
                "': $.properties.card_type.contentEncoding: keyword 'contentEncoding' is not supported "
                "beside 'enum' or 'const'");
  EXPECT_EQ(compiled->grammar->tools().size(), 12u);
  EXPECT_EQ(compiled->grammar->FindTool(tools[4].name), -1);
  EXPECT_TRUE(Accepts(compiled->grammar, R"({"name": "greeting", "arguments": {}})"));
}

TEST(Tools, NoToolsOrANameTwiceIsAnError) {
  EXPECT_FALSE(CompileTools({}));
  std::vector<ToolSpec> tools = BankingTools();
  tools.push_back(tools[0]);
  const auto twice = CompileTools(tools);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("'check_balance' is there twice"), std::string::npos);
  const ToolSpec bad{"b", "", Json{{"type", "array"}}};
  EXPECT_FALSE(CompileTools({&bad, 1}));
}

ToolGrammar WithHoles() {
  ToolGrammarOptions options;
  options.is_hole = [](const ToolSpec&, const std::string& name) {
    return name == "amount" || name == "payee" || name == "card_last_four";
  };
  return *CompileTools(BankingTools(), options);
}

TEST(Holes, AreFilledPerTurn) {
  const ToolGrammar compiled = WithHoles();
  const auto& grammar = compiled.grammar;
  const int amount = grammar->FindHole("transfer_money.amount");
  const int payee = grammar->FindHole("pay_bill.payee");
  ASSERT_GE(amount, 0);
  ASSERT_GE(payee, 0);
  TurnFill fill;
  fill.hole_literals.resize(grammar->n_holes());
  fill.hole_literals[static_cast<size_t>(amount)] = {"200", "20", "2", "15.99", "200"};
  fill.hole_literals[static_cast<size_t>(payee)] = {"\"at and t\"", "\"at\"", "\"\u00e9lan\"",
                                                    "\"\u00e8re\""};
  const auto accepts = [&](const char* text) { return Accepts(grammar, text, fill); };
  EXPECT_TRUE(accepts(R"({"name": "transfer_money", "arguments": {"amount": 200}})"));
  EXPECT_TRUE(
      accepts(R"({"name": "transfer_money", "arguments": {"amount": 20, "from_account": "checking"}})"));
  EXPECT_TRUE(accepts(R"({"name": "transfer_money", "arguments": {"amount": 2}})"));
  EXPECT_FALSE(accepts(R"({"name": "transfer_money", "arguments": {"amount": 2000}})"));
  EXPECT_FALSE(accepts(R"({"name": "transfer_money", "arguments": {"amount": 15}})"));
  EXPECT_TRUE(accepts(R"({"name": "transfer_money", "arguments": {}})"));
  EXPECT_TRUE(accepts(R"({"name": "pay_bill", "arguments": {"payee": "at and t"}})"));
  EXPECT_TRUE(accepts(
      "{\"name\": \"pay_bill\", \"arguments\": {\"payee\": \"\u00e8re\", \"from_account\": \"savings\"}}"));
  EXPECT_FALSE(accepts(R"({"name": "pay_bill", "arguments": {"payee": "at and"}})"));
  // No candidate: not even the key.
  EXPECT_FALSE(accepts(R"({"name": "pay_bill", "arguments": {"amount": 2}})"));
  const auto binding = Binding::Create(grammar, fill);
  Matcher matcher(*binding);
  ASSERT_TRUE(matcher.AcceptBytes(R"({"name": "pay_bill", "arguments": {)"));
  EXPECT_FALSE(matcher.Allows("\"a"));
  EXPECT_TRUE(matcher.Allows("\"payee\": \"at"));
  EXPECT_TRUE(matcher.Allows("}}"));
}

TEST(Holes, WithoutCandidatesKeysAreNotOffered) {
  const ToolGrammar compiled = WithHoles();
  Matcher matcher(*Binding::Create(compiled.grammar, {}));
  ASSERT_TRUE(matcher.AcceptBytes(R"({"name": "activate_card", "arguments": {)"));
  EXPECT_EQ(matcher.ForcedRun(), "}}");
  EXPECT_EQ(matcher.NextBytes(), std::vector<uint8_t>{'}'});
}

TEST(Holes, InSchemasAndRequired) {
  const Json schema{
      {"type", "object"},
      {"properties", {{"a", {{"x-hole", "h"}}}, {"list", {{"type", "array"}, {"items", {{"x-hole", "h"}}}}}}},
      {"required", {"a"}}};
  const auto grammar = Grammar::FromSchema(schema, "test");
  ASSERT_TRUE(grammar) << grammar.error().message;
  ASSERT_EQ((*grammar)->n_holes(), 1u);
  EXPECT_TRUE(Accepts(*grammar, R"({"a": 1, "list": [1, 2, 1]})", {{{"1", "2"}}, {}}));
  EXPECT_FALSE(Accepts(*grammar, R"({"list": [1]})", {{{"1", "2"}}, {}}));
  EXPECT_FALSE(Binding::Create(*grammar, {}));
  EXPECT_FALSE(Binding::Create(*grammar, {{{"1"}, {"2"}}, {}}));
}

TEST(Tools, ClosedToolsAreNotOffered) {
  const ToolGrammar compiled = WithHoles();
  TurnFill fill;
  for (int i = 0; i < 14; ++i) {
    if (i != compiled.grammar->FindTool("greeting") && i != compiled.grammar->FindTool("goodbye"))
      fill.closed_tools.push_back(i);
  }
  Matcher matcher(*Binding::Create(compiled.grammar, fill));
  EXPECT_EQ(matcher.ForcedRun(), R"({"name": "g)");
  ASSERT_TRUE(matcher.AcceptBytes(matcher.ForcedRun()));
  EXPECT_FALSE(matcher.Allows("et_statement"));
  ASSERT_TRUE(matcher.AcceptBytes("r"));
  EXPECT_EQ(matcher.ForcedRun(), R"(eeting", "arguments": {}})");
  fill.closed_tools.clear();
  for (int i = 0; i < 14; ++i) fill.closed_tools.push_back(i);
  EXPECT_FALSE(Binding::Create(compiled.grammar, fill));
  EXPECT_FALSE(Binding::Create(compiled.grammar, {{}, {99}}));
}

TEST(Matcher, ForcedRunsRollbackAndFork) {
  const ToolGrammar compiled = WithHoles();
  TurnFill fill;
  fill.hole_literals.resize(compiled.grammar->n_holes());
  fill.hole_literals[static_cast<size_t>(compiled.grammar->FindHole("transfer_money.amount"))] = {"200"};
  Matcher matcher(*Binding::Create(compiled.grammar, fill));
  EXPECT_EQ(matcher.ForcedRun(), R"({"name": ")");
  ASSERT_TRUE(matcher.AcceptBytes(R"({"name": "tr)"));
  EXPECT_EQ(matcher.ForcedRun(), R"(ansfer_money", "arguments": {)");
  ASSERT_TRUE(matcher.AcceptBytes(matcher.ForcedRun()));
  EXPECT_EQ(matcher.ForcedRun(), "");
  Matcher fork = matcher;
  ASSERT_TRUE(matcher.AcceptBytes("\"a"));
  EXPECT_EQ(matcher.ForcedRun(), R"(mount": 200)");
  ASSERT_TRUE(fork.AcceptBytes("}}"));
  EXPECT_TRUE(fork.CanEnd());
  EXPECT_FALSE(fork.MustEnd());
  EXPECT_FALSE(matcher.CanEnd());
  EXPECT_FALSE(matcher.AcceptBytes("x"));
  EXPECT_EQ(matcher.n_accepted(), 3u);
  matcher.Rollback(2);
  EXPECT_EQ(matcher.ForcedRun(), R"(ansfer_money", "arguments": {)");
  matcher.Rollback(1);
  EXPECT_EQ(matcher.n_accepted(), 0u);
  EXPECT_EQ(matcher.ForcedRun(), R"({"name": ")");
}

TEST(Grammar, CompilesBankingFast) {
  const auto begin = std::chrono::steady_clock::now();
  const auto compiled = CompileTools(BankingTools());
  const auto end = std::chrono::steady_clock::now();
  ASSERT_TRUE(compiled);
  RecordProperty(
      "compile_us",
      static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(end - begin).count()));
  RecordProperty("states", static_cast<int>(compiled->grammar->n_states()));
}

}  // namespace
}  // namespace sotto
