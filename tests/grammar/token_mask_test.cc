#include "grammar/token_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/mapped_file.h"
#include "base/random.h"
#include "grammar/banking_tools.h"
#include "grammar/json_checker.h"
#include "grammar/random_schema.h"

namespace sotto {
namespace {

// Single bytes (some left out where `holes`), pieces of JSON and of the texts in the tests, pieces that
// straddle.
std::shared_ptr<const TokenTable> TestVocabulary(Random& random, size_t extra) {
  std::vector<std::string> tokens{"", ""};  // two control tokens
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (const char* piece : {"{\"",
                            "\": ",
                            "\": \"",
                            ", \"",
                            "\", \"",
                            "}}",
                            "\"}}",
                            "}}{\"",
                            "{\"name\": \"",
                            "\", \"arguments\": {",
                            "transfer",
                            "_money",
                            "checking",
                            "savings",
                            "from_",
                            "account",
                            "\"amount\": ",
                            ", \"amount\": ",
                            "true",
                            "false",
                            "null",
                            "[",
                            "]",
                            "], ",
                            "[]",
                            "[[",
                            "}, {",
                            "00",
                            "15",
                            ".9",
                            "\xc3\xa9",
                            "\xe2\x82",
                            "\xac",
                            "\xf0\x9f\x98",
                            "\x80\xe2",
                            "\\\"",
                            "\\u00",
                            "\\n",
                            "\\",
                            "{}",
                            "{}}",
                            "\"a\"",
                            "\"a",
                            "a\"",
                            "ab",
                            "abc",
                            "\"checking\"}}{",
                            "1, 2",
                            ", ",
                            " ",
                            "  ",
                            "{\"name\": \"transfer_money\", \"arguments\": {",
                            "200, \"from",
                            "0}}",
                            "\"45",
                            "32\""}) {
    tokens.emplace_back(piece);
  }
  const std::string corpus =
      "{\"name\": \"transfer_money\", \"arguments\": {\"amount\": 200, \"from_account\": "
      "\"checking\"}}{\"p\": [1, -2.5, "
      "true], \"q\": {\"a\": null, \"b\": \"x\xc3\xa9y\"}}";
  for (size_t i = 0; i < extra; ++i) {
    const size_t begin = random.Below(corpus.size());
    tokens.push_back(corpus.substr(begin, 1 + random.Below(8)));
  }
  return *TokenTable::Create(std::move(tokens), {1});
}

void ExpectExact(MaskCache& cache, const Matcher& matcher, TokenMask& mask) {
  cache.Fill(matcher, mask);
  const TokenTable& table = cache.table();
  size_t count = 0;
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < static_cast<TokenId>(table.size()); ++id) {
    const bool end = table.IsEnd(id);
    const bool allowed = end ? matcher.CanEnd() : !table.bytes(id).empty() && matcher.Allows(table.bytes(id));
    ASSERT_EQ(mask.Allows(id), allowed) << "token '" << table.bytes(id) << "'";
    if (allowed) ids.push_back(id), ++count;
  }
  ASSERT_EQ(mask.count(), count);
  ASSERT_TRUE(mask.is_listed());
  ASSERT_EQ(std::vector<TokenId>(mask.ids().begin(), mask.ids().end()), ids);
}

// Calls follow one another without a separator: "}{" outside strings becomes "},{".
std::string Separated(const std::string& calls) {
  std::string out;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < calls.size(); ++i) {
    const char c = calls[i];
    if (c == '"' && (i == 0 || calls[i - 1] != '\\')) in_string = !in_string;
    if (!in_string && c == '{' && depth++ == 0 && !out.empty()) out += ',';
    if (!in_string && c == '}') --depth;
    out += c;
  }
  return out;
}

TEST(TokenTable, TrieHoldsEveryToken) {
  const auto table =
      TokenTable::Create({"", "a", "ab", "b", "ab", "", "abc", "\xff", std::string(300, 'x')}, {0});
  ASSERT_TRUE(table);
  std::vector<std::string> path;
  std::multiset<TokenId> seen;
  const auto nodes = (*table)->nodes();
  std::string text;
  for (uint32_t i = 1; i + 1 < nodes.size(); ++i) {
    text.resize(nodes[i].depth - 1u);
    text += static_cast<char>(nodes[i].byte);
    EXPECT_GT(nodes[i].skip, i);
    for (const TokenId id : (*table)->tokens_at(i)) {
      EXPECT_EQ((*table)->bytes(id), text);
      seen.insert(id);
    }
  }
  EXPECT_EQ(seen, (std::multiset<TokenId>{1, 2, 3, 4, 6, 7}));
  EXPECT_TRUE((*table)->IsEnd(0));
  EXPECT_FALSE(TokenTable::Create({"a"}, {0}));
  EXPECT_FALSE(TokenTable::Create({""}, {1}));
}

TEST(TokenMask, IsExactAlongBankingCalls) {
  Random random(11);
  const auto table = TestVocabulary(random, 300);
  ToolGrammarOptions options;
  options.is_hole = [](const ToolSpec&, const std::string& name) {
    return name == "amount" || name == "payee";
  };
  const auto compiled = CompileTools(BankingTools(), options);
  ASSERT_TRUE(compiled) << compiled.error().message;
  MaskCache cache(compiled->grammar, table);
  TokenMask mask;
  for (int round = 0; round < 12; ++round) {
    TurnFill fill;
    fill.hole_literals.resize(compiled->grammar->n_holes());
    for (auto& literals : fill.hole_literals) {
      for (size_t i = random.Below(4); i > 0; --i) {
        literals.push_back(random.Pick(
            std::vector<std::string>{"200", "2", "15.99", "\"a\"", "\"ab\"", "\"\u00e9\"", "\"abc d\""}));
      }
    }
    for (int tool = 0; tool < 14; ++tool) {
      if (random.Chance(0.3)) fill.closed_tools.push_back(tool);
    }
    const auto binding = Binding::Create(compiled->grammar, fill);
    if (!binding) continue;
    Matcher matcher(*binding);
    for (int step = 0; step < 40 && !matcher.ended(); ++step) {
      ExpectExact(cache, matcher, mask);
      ASSERT_GT(mask.count(), 0u);
      ASSERT_TRUE(matcher.AcceptToken(*table, random.Pick(mask.ids())));
    }
  }
}

// Random walks over the masks of random schemas: every mask exact, every walk can be finished, and what comes
// out is valid by a checker that shares no code with the grammar.
TEST(TokenMask, RandomWalksOverRandomSchemasAreValid) {
  Random random(21);
  const auto table = TestVocabulary(random, 200);
  TokenMask mask;
  int walks = 0;
  int finished = 0;
  for (int round = 0; round < 250; ++round) {
    const Json schema = RandomSchema(random);
    const auto grammar = Grammar::FromSchema(schema, "random");
    if (!grammar) continue;
    const auto binding = Binding::Create(*grammar, {});
    ASSERT_TRUE(binding) << schema.dump();
    MaskCache cache(*grammar, table);
    for (int walk = 0; walk < 3; ++walk) {
      ++walks;
      Matcher matcher(*binding);
      std::string text;
      for (int step = 0; step < 150 && !matcher.ended(); ++step) {
        if (round % 5 == 0 && step < 15) {
          ExpectExact(cache, matcher, mask);
        } else {
          cache.Fill(matcher, mask);
        }
        ASSERT_GT(mask.count(), 0u) << schema.dump() << "\n" << text;
        // Prefers to end, so that walks do.
        const TokenId token = mask.Allows(1) && random.Chance(0.7) ? 1 : random.Pick(mask.ids());
        const std::string forced = matcher.ForcedRun();
        if (!forced.empty()) {
          const std::string_view bytes = table->bytes(token);
          const size_t n = std::min(bytes.size(), forced.size());
          ASSERT_EQ(bytes.substr(0, n), std::string_view(forced).substr(0, n)) << schema.dump();
        }
        ASSERT_TRUE(matcher.AcceptToken(*table, token));
        text += table->bytes(token);
      }
      if (!matcher.ended()) continue;
      ++finished;
      const auto value = ParseJson(text, "walk");
      ASSERT_TRUE(value) << text;
      std::string why;
      ASSERT_TRUE(CheckJson(schema, schema, *value, why)) << schema.dump() << "\n" << text << "\n" << why;
      ASSERT_EQ(CanonicalJson(*value).size() > 0, true);
    }
  }
  EXPECT_GT(walks, 300);
  EXPECT_GT(finished, walks / 2);
}

// Whatever a turn offers, what comes out is calls of open tools with values that were filled in.
TEST(TokenMask, RandomTurnsGiveOnlyWhatWasOffered) {
  Random random(71);
  const auto table = TestVocabulary(random, 300);
  ToolGrammarOptions options;
  options.is_hole = [](const ToolSpec&, const std::string& name) {
    return name == "amount" || name == "payee" || name == "card_last_four";
  };
  const auto compiled = CompileTools(BankingTools(), options);
  const Grammar& grammar = *compiled->grammar;
  MaskCache cache(compiled->grammar, table);
  TokenMask mask;
  int calls = 0;
  for (int round = 0; round < 150; ++round) {
    TurnFill fill;
    for (const std::string& hole : grammar.holes()) {
      std::vector<std::string> literals;
      for (size_t i = random.Below(4); i > 0; --i) {
        literals.push_back(hole.ends_with("amount")
                               ? std::to_string(random.Below(400))
                               : CanonicalJson(std::to_string(random.Below(10000)) + "\"é"));
      }
      fill.hole_literals.push_back(std::move(literals));
    }
    for (int tool = 0; tool < 14; ++tool) {
      if (random.Chance(0.5)) fill.closed_tools.push_back(tool);
    }
    const auto binding = Binding::Create(compiled->grammar, fill);
    if (!binding) continue;
    Matcher matcher(*binding);
    std::string text;
    for (int step = 0; step < 300 && !matcher.ended(); ++step) {
      cache.Fill(matcher, mask);
      ASSERT_GT(mask.count(), 0u);
      const TokenId token = mask.Allows(1) && random.Chance(0.6) ? 1 : random.Pick(mask.ids());
      ASSERT_TRUE(matcher.AcceptToken(*table, token));
      text += table->bytes(token);
    }
    if (!matcher.ended()) continue;
    const auto list = ParseJson("[" + Separated(text) + "]", "calls");
    ASSERT_TRUE(list) << text;
    for (const Json& call : *list) {
      const int tool = grammar.FindTool(call.at("name").get<std::string>());
      ASSERT_GE(tool, 0);
      ASSERT_EQ(std::count(fill.closed_tools.begin(), fill.closed_tools.end(), tool), 0) << text;
      for (const auto& [name, value] : call.at("arguments").items()) {
        const int hole = grammar.FindHole(call.at("name").get<std::string>() + "." + name);
        if (hole < 0) continue;
        const auto& allowed = fill.hole_literals[static_cast<size_t>(hole)];
        ASSERT_NE(std::find(allowed.begin(), allowed.end(), CanonicalJson(value)), allowed.end()) << text;
      }
      ++calls;
    }
  }
  EXPECT_GT(calls, 100);
}

// Positions in a long string share their masks; tokens longer than a class can see are told apart all the
// same.
TEST(TokenMask, IsExactInLongStringsWithLongTokens) {
  Random random(51);
  std::vector<std::string> tokens{""};
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  for (size_t n = 2; n < 120; n += 3) tokens.emplace_back(n, ' ');
  for (int i = 0; i < 5000; ++i) {
    std::string token;
    for (size_t n = 1 + random.Below(6); n > 0; --n) token += static_cast<char>('a' + random.Below(26));
    if (random.Chance(0.1)) token += "\", \"b\": ";
    if (random.Chance(0.05)) token += std::string(40, 'x') + "\", \"b\": 12";
    tokens.push_back(std::move(token));
  }
  const auto table = *TokenTable::Create(std::move(tokens), {0});
  const Json schema{
      {"type", "object"},
      {"properties",
       {{"a", {{"type", "string"}, {"maxLength", 150}}}, {"b", {{"x-hole", "b"}}}, {"c", {{"$ref", "#"}}}}}};
  const auto grammar = Grammar::FromSchema(schema, "test");
  ASSERT_TRUE(grammar) << grammar.error().message;
  MaskCache cache(*grammar, table);
  TokenMask mask;
  for (const bool filled : {true, false, true}) {
    Matcher matcher(*Binding::Create(*grammar, filled ? TurnFill{{{"12", "1"}}, {}} : TurnFill{}));
    ASSERT_TRUE(matcher.AcceptBytes("{\"a\": \""));
    for (int step = 0; step < 25; ++step) {
      cache.Fill(matcher, mask);
      for (TokenId id = 0; id < static_cast<TokenId>(table->size()); ++id) {
        if (table->IsEnd(id)) continue;
        ASSERT_EQ(mask.Allows(id), matcher.Allows(table->bytes(id)))
            << step << " '" << table->bytes(id) << "'";
      }
      ASSERT_TRUE(matcher.AcceptBytes(std::string(1 + random.Below(10), 'x')));
    }
  }
}

TEST(MaskCache, WarmComputesEveryStateOnce) {
  Random random(61);
  const auto table = TestVocabulary(random, 50);
  const auto compiled = CompileTools(BankingTools());
  const auto binding = *Binding::Create(compiled->grammar, {});
  MaskCache cache(compiled->grammar, table);
  cache.Warm(*binding);
  const size_t size = cache.size();
  EXPECT_GT(size, 500u);
  Matcher matcher(binding);
  TokenMask mask;
  for (int step = 0; step < 60 && !matcher.ended(); ++step) {
    cache.Fill(matcher, mask);
    ASSERT_TRUE(matcher.AcceptToken(*table, random.Pick(mask.ids())));
  }
  EXPECT_EQ(cache.size(), size);
}

TEST(Matcher, RollbackAndForkAreEquivalentToReplay) {
  Random random(31);
  const auto table = TestVocabulary(random, 100);
  TokenMask mask;
  TokenMask other;
  for (int round = 0; round < 60; ++round) {
    const Json schema = RandomSchema(random);
    const auto grammar = Grammar::FromSchema(schema, "random");
    if (!grammar) continue;
    const auto binding = Binding::Create(*grammar, {});
    MaskCache cache(*grammar, table);
    Matcher matcher(*binding);
    std::vector<TokenId> taken;
    for (int step = 0; step < 60; ++step) {
      if (random.Chance(0.3) && !taken.empty()) {
        const size_t n = 1 + random.Below(taken.size());
        matcher.Rollback(n);
        taken.resize(taken.size() - n);
        Matcher replay(*binding);
        for (const TokenId token : taken) ASSERT_TRUE(replay.AcceptToken(*table, token));
        cache.Fill(replay, other);
        cache.Fill(matcher, mask);
        ASSERT_TRUE(std::equal(mask.bits().begin(), mask.bits().end(), other.bits().begin()))
            << schema.dump();
        ASSERT_EQ(matcher.CanEnd(), replay.CanEnd());
        ASSERT_EQ(matcher.ForcedRun(), replay.ForcedRun());
      }
      cache.Fill(matcher, mask);
      if (mask.count() == 0) break;
      const TokenId token = random.Pick(mask.ids());
      Matcher fork = matcher;
      ASSERT_TRUE(matcher.AcceptToken(*table, token));
      ASSERT_TRUE(fork.AcceptToken(*table, token));
      ASSERT_EQ(fork.NextBytes(), matcher.NextBytes());
      taken.push_back(token);
    }
  }
}

TEST(MaskCache, SurvivesOnDiskAndRefusesDamage) {
  Random random(41);
  const auto table = TestVocabulary(random, 50);
  const auto compiled = CompileTools(BankingTools());
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "sotto_masks";
  std::filesystem::remove_all(folder);
  MaskCache cache(compiled->grammar, table);
  Matcher matcher(*Binding::Create(compiled->grammar, {}));
  TokenMask mask;
  EXPECT_EQ(cache.Load(folder).error().code, ErrorCode::kNotFound);
  for (const char* bytes :
       {"{\"na", "me\": \"pay", "_bill\", \"arguments\": {\"payee\": \"x", "\", \"amount\": 1"}) {
    ASSERT_TRUE(matcher.AcceptBytes(bytes));
    cache.Fill(matcher, mask);
  }
  ASSERT_TRUE(cache.Save(folder));
  MaskCache loaded(compiled->grammar, table);
  const auto result = loaded.Load(folder);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(loaded.size(), cache.size());
  ExpectExact(loaded, matcher, mask);
  EXPECT_EQ(loaded.size(), cache.size());
  auto bytes = *ReadFile(cache.FileIn(folder));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  ASSERT_TRUE(WriteFileAtomically(cache.FileIn(folder), bytes));
  MaskCache damaged(compiled->grammar, table);
  EXPECT_EQ(damaged.Load(folder).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(damaged.size(), 0u);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sotto
