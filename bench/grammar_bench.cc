// Compile time of tool grammars and time a token mask takes, with a vocabulary of 150k tokens: Qwen2's from
// ${SOTTO_SHARED}/refvec/tokenizers where it is there, otherwise a made-up one of the same size.
//   bench_grammar --benchmark_counters_tabular=true
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "base/mapped_file.h"
#include "base/random.h"
#include "grammar/token_mask.h"
#include "slm/tokenizer.h"

namespace sotto {
namespace {

std::vector<ToolSpec> BankingTools() {
  const std::string path = SOTTO_SOURCE_DIR "/tests/data/grammar/banking_tools.json";
  const auto text = ReadFile(path);
  SOTTO_CHECK(text, "{}", text.error().message);
  const auto json = ParseJson(*text, path);
  SOTTO_CHECK(json, "{}", json.error().message);
  std::vector<ToolSpec> tools;
  for (const Json& entry : *json) tools.push_back(*ToolSpecFromJson(entry));
  return tools;
}

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
  std::vector<TokenId> ends((*tokenizer)->end_tokens().begin(), (*tokenizer)->end_tokens().end());
  for (const TokenId id : ends) tokens[static_cast<size_t>(id)].clear();
  return *TokenTable::Create(std::move(tokens), std::move(ends));
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
  return *TokenTable::Create(std::move(tokens), {0});
}

const std::shared_ptr<const TokenTable>& Vocabulary() {
  static const std::shared_ptr<const TokenTable> table = [] {
    auto qwen = QwenVocabulary();
    return qwen != nullptr ? qwen : MadeUpVocabulary();
  }();
  return table;
}

ToolGrammarOptions GroundedOptions() {
  ToolGrammarOptions options;
  options.is_hole = [](const ToolSpec&, const std::string& name) {
    return name == "amount" || name == "payee" || name == "card_last_four" || name == "transaction_amount";
  };
  return options;
}

// Candidates of a turn of twenty words.
TurnFill Candidates(const Grammar& grammar) {
  TurnFill fill;
  for (const std::string& hole : grammar.holes()) {
    std::vector<std::string> literals;
    if (hole.ends_with("amount")) {
      literals = {"200", "15.99", "1599", "2.5", "250", "50"};
    } else if (hole.ends_with("payee")) {
      constexpr std::string_view kWords[] = {"please", "pay",  "two", "fifty", "to",      "at",  "and",
                                             "t",      "from", "my",  "main",  "account", "for", "the",
                                             "phone",  "bill", "of",  "last",  "month",   "now"};
      for (size_t i = 0; i < std::size(kWords); ++i) {
        std::string text;
        for (size_t j = i; j < std::min(std::size(kWords), i + 8); ++j) {
          text += (text.empty() ? "" : " ") + std::string(kWords[j]);
          literals.push_back("\"" + text + "\"");
        }
      }
    } else {
      literals = {"\"4532\"", "\"0453\""};
    }
    fill.hole_literals.push_back(std::move(literals));
  }
  return fill;
}

const char* const kCalls[] = {
    R"({"name": "transfer_money", "arguments": {"amount": 200, "from_account": "checking", "to_account": "savings"}})",
    R"({"name": "pay_bill", "arguments": {"payee": "at and t", "amount": 15.99, "from_account": "checking"}})",
    R"({"name": "cancel_card", "arguments": {"card_type": "debit", "card_last_four": "4532", "reason": "lost"}}{"name": "replace_card", "arguments": {"card_type": "debit"}})",
    R"({"name": "get_statement", "arguments": {"account_type": "savings", "period": "last_3_months"}})",
    R"({"name": "intent_unclear", "arguments": {}})"};

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

// One mask before every token of the recorded calls.
void ReplayMasks(MaskCache& cache, const std::shared_ptr<const Binding>& binding, std::vector<double>& us) {
  TokenMask mask;
  for (const char* call : kCalls) {
    Matcher matcher(binding);
    for (const TokenId token : Tokens(cache.table(), call)) {
      const auto begin = std::chrono::steady_clock::now();
      cache.Fill(matcher, mask);
      us.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
      SOTTO_CHECK(mask.Allows(token));
      const bool accepted = matcher.AcceptToken(cache.table(), token);
      SOTTO_CHECK(accepted);
    }
  }
}

ToolGrammarOptions OptionsOf(const benchmark::State& state) {
  return state.range(0) == 1 ? GroundedOptions() : ToolGrammarOptions{};
}

void BM_CompileBankingTools(benchmark::State& state) {
  const std::vector<ToolSpec> tools = BankingTools();
  size_t states = 0;
  for (auto _ : state) states = CompileTools(tools, OptionsOf(state))->grammar->n_states();
  state.counters["states"] = static_cast<double>(states);
}
BENCHMARK(BM_CompileBankingTools)->ArgName("grounded")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_CompileLongString(benchmark::State& state) {
  const Json schema{{"type", "string"}, {"maxLength", 1000}};
  size_t states = 0;
  for (auto _ : state) states = (*Grammar::FromSchema(schema, "bench"))->n_states();
  state.counters["states"] = static_cast<double>(states);
}
BENCHMARK(BM_CompileLongString)->Unit(benchmark::kMillisecond);

void BM_BindTurn(benchmark::State& state) {
  const auto compiled = CompileTools(BankingTools(), GroundedOptions());
  const TurnFill fill = Candidates(*compiled->grammar);
  for (auto _ : state) {
    TurnFill copy = fill;
    benchmark::DoNotOptimize(Binding::Create(compiled->grammar, std::move(copy)));
  }
}
BENCHMARK(BM_BindTurn)->Unit(benchmark::kMicrosecond);

void BM_MaskWarm(benchmark::State& state) {
  const auto compiled = CompileTools(BankingTools(), OptionsOf(state));
  const auto binding = *Binding::Create(compiled->grammar, Candidates(*compiled->grammar));
  MaskCache cache(compiled->grammar, Vocabulary());
  std::vector<double> us;
  ReplayMasks(cache, binding, us);
  us.clear();
  for (auto _ : state) ReplayMasks(cache, binding, us);
  ReportPercentiles(state, us);
  state.counters["vocabulary"] = static_cast<double>(Vocabulary()->size());
}
BENCHMARK(BM_MaskWarm)->ArgName("grounded")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_MaskCold(benchmark::State& state) {
  const auto compiled = CompileTools(BankingTools(), OptionsOf(state));
  const auto binding = *Binding::Create(compiled->grammar, Candidates(*compiled->grammar));
  std::vector<double> us;
  for (auto _ : state) {
    MaskCache cache(compiled->grammar, Vocabulary());
    ReplayMasks(cache, binding, us);
  }
  ReportPercentiles(state, us);
}
BENCHMARK(BM_MaskCold)->ArgName("grounded")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// Free text of up to 200 characters: every position has its own state.
void BM_MaskLongString(benchmark::State& state) {
  const auto grammar = *Grammar::FromSchema(Json{{"type", "string"}, {"maxLength", 200}}, "bench");
  const auto binding = *Binding::Create(grammar, {});
  const std::string text =
      "\"i would like to say a few words about the weather of the last month, which was quite nice, and then "
      "pay\"";
  const std::vector<TokenId> tokens = Tokens(*Vocabulary(), text);
  std::vector<double> us;
  TokenMask mask;
  MaskCache cache(grammar, Vocabulary());
  for (auto _ : state) {
    Matcher matcher(binding);
    for (const TokenId token : tokens) {
      const auto begin = std::chrono::steady_clock::now();
      cache.Fill(matcher, mask);
      us.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
      const bool accepted = matcher.AcceptToken(*Vocabulary(), token);
      SOTTO_CHECK(accepted);
    }
  }
  ReportPercentiles(state, us);
}
BENCHMARK(BM_MaskLongString)->Unit(benchmark::kMillisecond);

void BM_Warm(benchmark::State& state) {
  const auto compiled = CompileTools(BankingTools(), OptionsOf(state));
  const auto binding = *Binding::Create(compiled->grammar, Candidates(*compiled->grammar));
  size_t states = 0;
  for (auto _ : state) {
    MaskCache cache(compiled->grammar, Vocabulary());
    cache.Warm(*binding);
    states = cache.size();
  }
  state.counters["states"] = static_cast<double>(states);
}
BENCHMARK(BM_Warm)->ArgName("grounded")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BM_ForcedRun(benchmark::State& state) {
  const auto compiled = CompileTools(BankingTools(), GroundedOptions());
  Matcher matcher(*Binding::Create(compiled->grammar, Candidates(*compiled->grammar)));
  SOTTO_CHECK(matcher.AcceptBytes("{\"name\": \"tr"));
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
    benchmark::DoNotOptimize(TokenTable::Create(std::move(copy), {}));
  }
  state.counters["nodes"] = static_cast<double>(table->nodes().size());
}
BENCHMARK(BM_TokenTable)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();
