#include "grammar/token_mask.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "grammar/json_checker.h"
#include "grammar/random_schema.h"

namespace sotto {
namespace {

// Single bytes, pieces of JSON and of the texts in the tests, pieces that
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
  return std::make_shared<const TokenTable>(std::move(tokens));
}

bool Allows(const Matcher& matcher, std::string_view bytes) {
  Matcher probe(matcher);
  return probe.AcceptBytes(bytes);
}

void ExpectExact(MaskCache& cache, const Matcher& matcher, TokenMask& mask) {
  cache.Fill(matcher, mask);
  const TokenTable& table = cache.table();
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < static_cast<TokenId>(table.size()); ++id) {
    const bool allowed = !table.bytes(id).empty() && Allows(matcher, table.bytes(id));
    ASSERT_EQ(mask.Allows(id), allowed) << "token '" << table.bytes(id) << "'";
    if (allowed) ids.push_back(id);
  }
  ASSERT_EQ(mask.count(), ids.size());
  ASSERT_TRUE(mask.is_listed());
  ASSERT_EQ(std::vector<TokenId>(mask.ids().begin(), mask.ids().end()), ids);
}

TEST(TokenTable, TrieHoldsEveryToken) {
  const TokenTable table({"", "a", "ab", "b", "ab", "", "abc", "\xff", std::string(300, 'x')});
  std::vector<std::string> path;
  std::multiset<TokenId> seen;
  const auto nodes = table.nodes();
  std::string text;
  for (uint32_t i = 1; i + 1 < nodes.size(); ++i) {
    text.resize(nodes[i].depth - 1u);
    text += static_cast<char>(nodes[i].byte);
    EXPECT_GT(nodes[i].skip, i);
    for (const TokenId id : table.tokens_at(i)) {
      EXPECT_EQ(table.bytes(id), text);
      seen.insert(id);
    }
  }
  EXPECT_EQ(seen, (std::multiset<TokenId>{1, 2, 3, 4, 6, 7}));
}

// Every kind of value, lists and a rule that calls itself.
const Json& Order() {
  static const Json schema = Json::parse(R"({"$defs": {"place": {"type": "object", "properties": {
        "name": {"type": "string"}, "within": {"$ref": "#/$defs/place"}}}},
      "type": "object", "properties": {
        "amount": {"type": "number", "minimum": 0, "multipleOf": 0.01},
        "from_account": {"enum": ["checking", "savings", "ab", "abc"]},
        "card": {"type": "string", "pattern": "^[0-9]{4}$"},
        "urgent": {"type": ["boolean", "null"]},
        "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 9},
        "to": {"$ref": "#/$defs/place"}}, "required": ["amount"]})");
  return schema;
}

TEST(TokenMask, IsExactAlongEveryKindOfValue) {
  Random random(11);
  const auto table = TestVocabulary(random, 300);
  const auto grammar = Grammar::FromSchema(Order(), "order");
  ASSERT_TRUE(grammar) << grammar.error().message;
  MaskCache cache(*grammar, table);
  TokenMask mask;
  for (int round = 0; round < 12; ++round) {
    Matcher matcher(*grammar);
    for (int step = 0; step < 40 && !matcher.MustEnd(); ++step) {
      ExpectExact(cache, matcher, mask);
      ASSERT_GT(mask.count(), 0u);
      ASSERT_TRUE(matcher.AcceptBytes(table->bytes(random.Pick(mask.ids()))));
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
    MaskCache cache(*grammar, table);
    for (int walk = 0; walk < 3; ++walk) {
      ++walks;
      Matcher matcher(*grammar);
      std::string text;
      bool ended = false;
      for (int step = 0; step < 150 && !ended; ++step) {
        if (round % 5 == 0 && step < 15) {
          ExpectExact(cache, matcher, mask);
        } else {
          cache.Fill(matcher, mask);
        }
        // Prefers to end, so that walks do.
        ended = matcher.CanEnd() && (mask.count() == 0 || random.Chance(0.7));
        if (ended) break;
        ASSERT_GT(mask.count(), 0u) << schema.dump() << "\n" << text;
        const TokenId token = random.Pick(mask.ids());
        const std::string forced = matcher.ForcedRun();
        if (!forced.empty()) {
          const std::string_view bytes = table->bytes(token);
          const size_t n = std::min(bytes.size(), forced.size());
          ASSERT_EQ(bytes.substr(0, n), std::string_view(forced).substr(0, n)) << schema.dump();
        }
        ASSERT_TRUE(matcher.AcceptBytes(table->bytes(token)));
        text += table->bytes(token);
      }
      if (!ended) continue;
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
    if (random.Chance(0.05)) token.append(40, 'x').append("\", \"b\": 12");
    tokens.push_back(std::move(token));
  }
  const auto table = std::make_shared<const TokenTable>(std::move(tokens));
  const Json schema{{"type", "object"},
                    {"properties",
                     {{"a", {{"type", "string"}, {"maxLength", 150}}},
                      {"b", {{"enum", {1, 12}}}},
                      {"c", {{"$ref", "#"}}}}}};
  const auto grammar = Grammar::FromSchema(schema, "test");
  ASSERT_TRUE(grammar) << grammar.error().message;
  MaskCache cache(*grammar, table);
  TokenMask mask;
  Matcher matcher(*grammar);
  ASSERT_TRUE(matcher.AcceptBytes("{\"a\": \""));
  for (int step = 0; step < 25; ++step) {
    cache.Fill(matcher, mask);
    for (TokenId id = 1; id < static_cast<TokenId>(table->size()); ++id)
      ASSERT_EQ(mask.Allows(id), Allows(matcher, table->bytes(id)))
          << step << " '" << table->bytes(id) << "'";
    ASSERT_TRUE(matcher.AcceptBytes(std::string(1 + random.Below(10), 'x')));
  }
}

TEST(Matcher, AForkIsEquivalentToReplay) {
  Random random(31);
  const auto table = TestVocabulary(random, 100);
  TokenMask mask;
  TokenMask other;
  for (int round = 0; round < 60; ++round) {
    const Json schema = RandomSchema(random);
    const auto grammar = Grammar::FromSchema(schema, "random");
    if (!grammar) continue;
    MaskCache cache(*grammar, table);
    std::vector<Matcher> forks{Matcher(*grammar)};
    std::vector<TokenId> taken;
    for (int step = 0; step < 60; ++step) {
      if (random.Chance(0.3) && !taken.empty()) {
        const size_t kept = random.Below(taken.size());
        taken.resize(kept);
        forks.erase(forks.begin() + static_cast<ptrdiff_t>(kept) + 1, forks.end());
        Matcher replay(*grammar);
        for (const TokenId token : taken) ASSERT_TRUE(replay.AcceptBytes(table->bytes(token)));
        cache.Fill(replay, other);
        cache.Fill(forks.back(), mask);
        ASSERT_TRUE(std::equal(mask.bits().begin(), mask.bits().end(), other.bits().begin()))
            << schema.dump();
        ASSERT_EQ(forks.back().CanEnd(), replay.CanEnd());
        ASSERT_EQ(forks.back().ForcedRun(), replay.ForcedRun());
      }
      cache.Fill(forks.back(), mask);
      if (mask.count() == 0) break;
      const TokenId token = random.Pick(mask.ids());
      forks.push_back(forks.back());
      ASSERT_TRUE(forks.back().AcceptBytes(table->bytes(token)));
      taken.push_back(token);
    }
  }
}

}  // namespace
}  // namespace sotto
