// Compile time of schemas and time a token mask takes, with a vocabulary of 150k tokens: Qwen2's from
// ${SOTTO_SHARED}/refvec/tokenizers where it is there, otherwise a made-up one of the same size.
//   bench_grammar --benchmark_counters_tabular=true
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "base/random.h"
#include "grammar/token_mask.h"
#include "slm/tokenizer.h"

namespace sotto {
namespace {

// An argument that no list or sentence gives: what the decoder writes token by token.
const Json& Order() {
  static const Json schema = Json::parse(R"({"$defs": {"place": {"type": "object", "properties": {
        "name": {"type": "string", "maxLength": 60}, "within": {"$ref": "#/$defs/place"}}}},
      "type": "object", "properties": {
        "amount": {"type": "number", "minimum": 0, "maximum": 10000, "multipleOf": 0.01},
        "from_account": {"enum": ["checking", "savings", "credit"]},
        "card": {"type": "string", "pattern": "^[0-9]{4}$"},
        "day": {"type": "string", "format": "date"},
        "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 9},
        "to": {"$ref": "#/$defs/place"}}})");
  return schema;
}

std::shared_ptr<const Grammar> OrderGrammar() { return *Grammar::FromSchema(Order(), "order"); }

std::shared_ptr<const TokenTable> QwenVocabulary() {
  const char* shared = std::getenv("SOTTO_SHARED");
  const std::filesystem::path folder = shared != nullptr ? shared : SOTTO_SOURCE_DIR "/../shared";
  const auto file = GgufFile::Open(folder / "refvec/tokenizers/ggml-vocab-qwen2.gguf");
  if (!file) return nullptr;
  const auto tokenizer = Tokenizer::Create(**file);
  if (!tokenizer) return nullptr;
  std::vector<std::string> tokens;
  for (size_t id = 0; id < (*tokenizer)->size(); ++id) {
    tokens.emplace_back((*tokenizer)->TokenBytes(static_cast<TokenId>(id)));
  }
  return std::make_shared<const TokenTable>(std::move(tokens));
}

std::shared_ptr<const TokenTable> MadeUpVocabulary() {
  Random random(1);
  std::vector<std::string> tokens{""};
  for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
  constexpr std::string_view kLetters = "etaoinshrdlucmfwypvbgkjqxz";
  while (tokens.size() < 151936) {
    std::string token = random.Chance(0.5) ? " " : "";
    for (size_t n = 2 + random.Below(9); n > 0; --n) token += kLetters[random.Below(1 + random.Below(26))];
    if (random.Chance(0.05)) token = "\"" + token;
    if (random.Chance(0.02)) token += "\": ";
    tokens.push_back(std::move(token));
  }
  return std::make_shared<const TokenTable>(std::move(tokens));
}

const std::shared_ptr<const TokenTable>& Vocabulary() {
  static const std::shared_ptr<const TokenTable> table = [] {
    auto qwen = QwenVocabulary();
    return qwen != nullptr ? qwen : MadeUpVocabulary();
  }();
  return table;
}

const char* const kValues[] = {
    R"({"amount": 200, "from_account": "checking", "card": "4532"})",
    R"({"amount": 15.99, "day": "2026-03-24", "items": [1, 22, 333]})",
    R"({"from_account": "savings", "to": {"name": "at and t", "within": {"name": "the high street"}}})",
    "{}"};

// The tokens of `text`: the longest in the vocabulary first.
std::vector<TokenId> Tokens(const TokenTable& table, std::string_view text) {
  std::vector<TokenId> tokens;
  const auto nodes = table.nodes();
  while (!text.empty()) {
    TokenId best = -1;
    size_t length = 0;
    uint32_t node = 0;
    size_t depth = 0;
    for (uint32_t i = 1; i < nodes[node].skip && depth < text.size();) {
      if (nodes[i].byte != static_cast<uint8_t>(text[depth])) {
        i = nodes[i].skip;
        continue;
      }
      node = i;
      ++depth;
      if (const auto here = table.tokens_at(i); !here.empty()) best = here[0], length = depth;
      ++i;
    }
    SOTTO_CHECK(best >= 0);
    tokens.push_back(best);
    text.remove_prefix(length);
  }
  return tokens;
}

void ReportPercentiles(benchmark::State& state, std::vector<double>& us) {
  std::sort(us.begin(), us.end());
  const auto at = [&](double share) {
    return us[static_cast<size_t>(share * static_cast<double>(us.size() - 1))];
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["max_us"] = us.back();
}

// One mask before every token of the values.
void ReplayMasks(MaskCache& cache, const std::shared_ptr<const Grammar>& grammar, std::vector<double>& us) {
  TokenMask mask;
  for (const char* value : kValues) {
    Matcher matcher(grammar);
    for (const TokenId token : Tokens(cache.table(), value)) {
      const auto begin = std::chrono::steady_clock::now();
      cache.Fill(matcher, mask);
      us.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
      SOTTO_CHECK(mask.Allows(token));
      const bool accepted = matcher.AcceptBytes(cache.table().bytes(token));
      SOTTO_CHECK(accepted);
    }
  }
}

void BM_CompileOrder(benchmark::State& state) {
  size_t states = 0;
  for (auto _ : state) states = OrderGrammar()->n_states();
  state.counters["states"] = static_cast<double>(states);
}
BENCHMARK(BM_CompileOrder)->Unit(benchmark::kMillisecond);

void BM_CompileLongString(benchmark::State& state) {
  const Json schema{{"type", "string"}, {"maxLength", 1000}};
  size_t states = 0;
  for (auto _ : state) states = (*Grammar::FromSchema(schema, "bench"))->n_states();
  state.counters["states"] = static_cast<double>(states);
}
BENCHMARK(BM_CompileLongString)->Unit(benchmark::kMillisecond);

void BM_MaskWarm(benchmark::State& state) {
  const auto grammar = OrderGrammar();
  MaskCache cache(grammar, Vocabulary());
  std::vector<double> us;
  ReplayMasks(cache, grammar, us);
  us.clear();
  for (auto _ : state) ReplayMasks(cache, grammar, us);
  ReportPercentiles(state, us);
  state.counters["vocabulary"] = static_cast<double>(Vocabulary()->size());
}
BENCHMARK(BM_MaskWarm)->Unit(benchmark::kMillisecond);

void BM_MaskCold(benchmark::State& state) {
  const auto grammar = OrderGrammar();
  std::vector<double> us;
  for (auto _ : state) {
    MaskCache cache(grammar, Vocabulary());
    ReplayMasks(cache, grammar, us);
  }
  ReportPercentiles(state, us);
}
BENCHMARK(BM_MaskCold)->Unit(benchmark::kMillisecond);

// Free text of up to 200 characters: every position has its own state.
void BM_MaskLongString(benchmark::State& state) {
  const auto grammar = *Grammar::FromSchema(Json{{"type", "string"}, {"maxLength", 200}}, "bench");
  const std::string text =
      "\"i would like to say a few words about the weather of the last month, which was quite nice, and then "
      "pay\"";
  const std::vector<TokenId> tokens = Tokens(*Vocabulary(), text);
  std::vector<double> us;
  TokenMask mask;
  MaskCache cache(grammar, Vocabulary());
  for (auto _ : state) {
    Matcher matcher(grammar);
    for (const TokenId token : tokens) {
      const auto begin = std::chrono::steady_clock::now();
      cache.Fill(matcher, mask);
      us.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
      const bool accepted = matcher.AcceptBytes(Vocabulary()->bytes(token));
      SOTTO_CHECK(accepted);
    }
  }
  ReportPercentiles(state, us);
}
BENCHMARK(BM_MaskLongString)->Unit(benchmark::kMillisecond);

void BM_ForcedRun(benchmark::State& state) {
  Matcher matcher(OrderGrammar());
  SOTTO_CHECK(matcher.AcceptBytes("{\"fr"));
  for (auto _ : state) benchmark::DoNotOptimize(matcher.ForcedRun());
  state.counters["bytes"] = static_cast<double>(matcher.ForcedRun().size());
}
BENCHMARK(BM_ForcedRun)->Unit(benchmark::kMicrosecond);

void BM_TokenTable(benchmark::State& state) {
  const auto& table = Vocabulary();
  std::vector<std::string> tokens;
  for (size_t id = 0; id < table->size(); ++id) tokens.emplace_back(table->bytes(static_cast<TokenId>(id)));
  for (auto _ : state) {
    auto copy = tokens;
    benchmark::DoNotOptimize(TokenTable(std::move(copy)));
  }
  state.counters["nodes"] = static_cast<double>(table->nodes().size());
}
BENCHMARK(BM_TokenTable)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
