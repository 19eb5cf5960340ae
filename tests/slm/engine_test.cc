// The engine against a naive float64 forward pass, and what it promises about batches, chunks and threads.
#include "slm/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "base/random.h"
#include "slm_test_files.h"
#include "tiny_model.h"

namespace sotto {
namespace {

using Want = ForwardRequest::Want;
using ::testing::HasSubstr;

std::vector<TokenId> RandomTokens(size_t count, int n_vocab, uint64_t seed) {
  Random random(seed);
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens) token = static_cast<TokenId>(random.Below(static_cast<size_t>(n_vocab)));
  return tokens;
}

std::unique_ptr<Engine> MakeEngine(const std::shared_ptr<const Model>& model,
                                   EngineOptions options = {.n_threads = 2}) {
  auto engine = Engine::Create(model, options);
  EXPECT_TRUE(engine.has_value());
  return std::move(*engine);
}

std::vector<float> LastLogits(Engine& engine, KvCache& cache, std::span<const TokenId> tokens,
                              const LoraAdapter* lora = nullptr) {
  ForwardRequest request{.cache = &cache, .tokens = tokens, .lora = lora};
  const auto result = engine.Forward(request);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return request.logits;
}

std::vector<float> Fresh(Engine& engine, std::span<const TokenId> tokens, const LoraAdapter* lora = nullptr) {
  KvCache cache = engine.NewCache();
  return LastLogits(engine, cache, tokens, lora);
}

double MaxDifference(std::span<const float> mine, std::span<const double> exact) {
  double largest = 0, square = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(mine[i]) - exact[i]));
    square += exact[i] * exact[i];
  }
  return largest / std::sqrt(square / static_cast<double>(exact.size()));
}

TEST(EngineTest, FloatActivationsMatchNaiveForward) {
  for (const TinyModel& tiny : TinyDecoders()) {
    for (const int n_ctx : {24, 128}) {
      SCOPED_TRACE(tiny.arch + " seed " + std::to_string(tiny.seed) + " ctx " + std::to_string(n_ctx));
      const auto tokens = RandomTokens(n_ctx == 24 ? 24 : 90, tiny.n_vocab, 5);
      const auto exact = tiny.NaiveLogits(tokens, n_ctx);
      auto engine = MakeEngine(tiny.Load({.n_ctx = n_ctx, .activations = ActivationType::kFloat}));
      KvCache cache = engine->NewCache();
      ForwardRequest request{.cache = &cache, .tokens = tokens, .want = Want::kAllPositions};
      ASSERT_TRUE(engine->Forward(request).has_value());
      const auto n_vocab = static_cast<size_t>(tiny.n_vocab);
      for (size_t t = 0; t < tokens.size(); ++t) {
        ASSERT_LE(MaxDifference(std::span(request.logits).subspan(t * n_vocab, n_vocab), exact[t]), 1e-4)
            << t;
      }
    }
  }
}

TEST(EngineTest, QuantisedModelsMatchNaiveForward) {
  for (const DType type :
       {DType::kF16, DType::kQ8_0, DType::kQ4_0, DType::kQ5_0, DType::kQ4_K, DType::kQ6_K}) {
    SCOPED_TRACE(GgufTensorTypeName(type));
    const TinyModel tiny = TinyModel::Make({.arch = "qwen3",
                                            .d = 256,
                                            .n_layers = 2,
                                            .n_kv_heads = 2,
                                            .head_dim = 64,
                                            .d_ff = 256,
                                            .n_rot = 64,
                                            .type = type});
    const auto tokens = RandomTokens(40, tiny.n_vocab, 6);
    const auto exact = tiny.NaiveLogits(tokens, 0).back();
    auto exactly = MakeEngine(tiny.Load({.activations = ActivationType::kFloat}));
    EXPECT_LE(MaxDifference(Fresh(*exactly, tokens), exact), 1e-4);
    auto rounded = MakeEngine(tiny.Load({}));
    EXPECT_LE(MaxDifference(Fresh(*rounded, tokens), exact), 0.25);
  }
}

TEST(EngineTest, EncoderMatchesNaiveForward) {
  const TinyModel tiny = TinyModel::Make({.arch = "bert", .n_kv_heads = 4, .head_dim = 12, .eps = 1e-12});
  const auto tokens = RandomTokens(37, tiny.n_vocab, 7);
  auto engine = MakeEngine(tiny.Load({.activations = ActivationType::kFloat}));
  const auto embedding = engine->Embed(tokens);
  ASSERT_TRUE(embedding.has_value()) << embedding.error().message;
  EXPECT_LE(MaxDifference(*embedding, tiny.NaiveEmbedding(tokens)), 1e-4);
}

// Shapes whose matrices are rounded to int8 blocks, one for each way through the layers.
std::vector<TinyModel> QuantisedShapes() {
  std::vector<TinyModel> shapes;
  for (const char* arch : {"llama", "qwen3", "gemma2", "phi3"}) {
    shapes.push_back(TinyModel::Make({.arch = arch,
                                      .d = 64,
                                      .n_layers = 2,
                                      .head_dim = 32,
                                      .d_ff = 96,
                                      .n_rot = 32,
                                      .window = 50,
                                      .type = DType::kQ8_0}));
  }
  return shapes;
}

TEST(EngineTest, ChunksAndThreadsAndBatchesAgreeBitForBit) {
  for (const TinyModel& tiny : QuantisedShapes()) {
    SCOPED_TRACE(tiny.arch);
    const auto model = tiny.Load({});
    auto engine = MakeEngine(model);
    const auto tokens = RandomTokens(150, tiny.n_vocab, 8);
    const std::vector<float> whole = Fresh(*engine, tokens);

    auto one_thread = MakeEngine(model, {.n_threads = 1});
    EXPECT_EQ(Fresh(*one_thread, tokens), whole);
    auto small_batches = MakeEngine(model, {.n_threads = 2, .max_batch_tokens = 7});
    EXPECT_EQ(Fresh(*small_batches, tokens), whole);

    KvCache single = engine->NewCache();
    std::vector<float> last;
    for (const TokenId token : tokens) last = LastLogits(*engine, single, {&token, 1});
    EXPECT_EQ(last, whole);

    KvCache chunked = engine->NewCache();
    for (size_t at = 0, size = 1; at < tokens.size(); at += size, size = size % 19 + 3) {
      last = LastLogits(*engine, chunked, std::span(tokens).subspan(at, std::min(size, tokens.size() - at)));
    }
    EXPECT_EQ(last, whole);

    // Beside other sequences in one batch.
    KvCache mine = engine->NewCache(), other = engine->NewCache(), third = engine->NewCache();
    const auto noise = RandomTokens(60, tiny.n_vocab, 9);
    ForwardRequest requests[] = {
        {.cache = &other, .tokens = std::span(noise).first(33)},
        {.cache = &mine, .tokens = tokens},
        {.cache = &third, .tokens = std::span(noise).first(1), .want = Want::kAllPositions}};
    ForwardRequest* const batch[] = {&requests[0], &requests[1], &requests[2]};
    ASSERT_TRUE(engine->Forward(batch).has_value());
    EXPECT_EQ(requests[1].logits, whole);
    EXPECT_EQ(requests[0].logits, Fresh(*engine, std::span(noise).first(33)));

    // All positions at once give the last position's logits too.
    KvCache all = engine->NewCache();
    ForwardRequest request{.cache = &all, .tokens = tokens, .want = Want::kAllPositions};
    ASSERT_TRUE(engine->Forward(request).has_value());
    EXPECT_TRUE(std::ranges::equal(std::span(request.logits).last(whole.size()), whole));
  }
}

TEST(EngineTest, CacheOperationsEqualRecomputing) {
  for (const TinyModel& tiny : QuantisedShapes()) {
    SCOPED_TRACE(tiny.arch);
    auto engine = MakeEngine(tiny.Load({}));
    Random random(10);
    std::vector<KvCache> caches(1, engine->NewCache());
    std::vector<std::vector<TokenId>> contents(1);
    for (int step = 0; step < 60; ++step) {
      const size_t which = random.Below(caches.size());
      const size_t action = random.Below(4);
      if (action == 0 && caches.size() < 6) {
        caches.push_back(caches[which].Fork());
        contents.push_back(contents[which]);
      } else if (action == 1) {
        const size_t keep = random.Below(contents[which].size() + 1);
        caches[which].Truncate(static_cast<int>(keep));
        contents[which].resize(keep);
      } else {
        const auto more = RandomTokens(1 + random.Below(45), tiny.n_vocab, random.Next());
        contents[which].insert(contents[which].end(), more.begin(), more.end());
        if (contents[which].size() > 500) {
          contents[which].resize(contents[which].size() - more.size());
          continue;
        }
        const std::vector<float> logits = LastLogits(*engine, caches[which], more);
        ASSERT_EQ(logits, Fresh(*engine, contents[which])) << "step " << step;
      }
      ASSERT_TRUE(std::ranges::equal(caches[which].tokens(), contents[which]));
    }
  }
}

TEST(EngineTest, SharedPrefixIsNotCopied) {
  const TinyModel tiny = QuantisedShapes()[0];
  auto engine = MakeEngine(tiny.Load({}));
  const auto prefix = RandomTokens(200, tiny.n_vocab, 11);
  KvCache shared = engine->NewCache();
  LastLogits(*engine, shared, prefix);
  const int pages = shared.pool()->pages_in_use();
  std::vector<KvCache> sessions(20, shared);
  EXPECT_EQ(shared.pool()->pages_in_use(), pages);
  for (size_t i = 0; i < sessions.size(); ++i) {
    const auto tail = RandomTokens(5, tiny.n_vocab, i);
    auto all = prefix;
    all.insert(all.end(), tail.begin(), tail.end());
    EXPECT_EQ(LastLogits(*engine, sessions[i], tail), Fresh(*engine, all));
  }
  // Only the page that was written to is each session's own.
  EXPECT_EQ(shared.pool()->pages_in_use(), pages + 20);
  sessions.clear();
  EXPECT_EQ(shared.pool()->pages_in_use(), pages);
}

TEST(EngineTest, SnapshotRestores) {
  const TinyModel tiny = QuantisedShapes()[1];
  const auto model = tiny.Load({});
  auto engine = MakeEngine(model);
  const auto tokens = RandomTokens(100, tiny.n_vocab, 12);
  KvCache cache = engine->NewCache();
  const std::vector<float> logits = LastLogits(*engine, cache, tokens);
  const std::filesystem::path path = TempFile("cache_snapshot");
  ASSERT_TRUE(cache.Snapshot(path, model->id()).has_value());
  KvCache restored = engine->NewCache();
  const auto result = restored.Restore(path, model->id());
  ASSERT_TRUE(result.has_value()) << result.error().message;
  ForwardRequest again{.cache = &restored, .tokens = {}};
  ASSERT_TRUE(engine->Forward(again).has_value());
  EXPECT_EQ(again.logits, logits);
  const TokenId next = 5;
  EXPECT_EQ(LastLogits(*engine, restored, {&next, 1}), LastLogits(*engine, cache, {&next, 1}));
  EXPECT_THAT(restored.Restore(path, "other").error().message, HasSubstr("another model"));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THAT(restored.Restore(path, model->id()).error().message, HasSubstr("expected"));
}

TEST(EngineTest, RowsAreThoseOfTheFullLogits) {
  for (const TinyModel& tiny : QuantisedShapes()) {
    SCOPED_TRACE(tiny.arch);
    auto engine = MakeEngine(tiny.Load({}));
    const auto tokens = RandomTokens(20, tiny.n_vocab, 13);
    const std::vector<float> full = Fresh(*engine, tokens);
    const std::vector<TokenId> rows = {7, 299, 0, 7, 16, 31, 150};
    KvCache cache = engine->NewCache();
    ForwardRequest request{.cache = &cache, .tokens = tokens, .want = Want::kLastRows, .rows = rows};
    ASSERT_TRUE(engine->Forward(request).has_value());
    ASSERT_EQ(request.logits.size(), rows.size());
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(request.logits[i], full[static_cast<size_t>(rows[i])]);
    std::vector<float> later(1);
    const TokenId other = 42;
    ASSERT_TRUE(engine->LogitsAt(cache, {&other, 1}, later).has_value());
    EXPECT_EQ(later[0], full[42]);
  }
}

TEST(EngineTest, DecisionsOfSeveralSessionsAreThoseOfEachAlone) {
  for (const TinyModel& tiny : QuantisedShapes()) {
    SCOPED_TRACE(tiny.arch);
    auto engine = MakeEngine(tiny.Load({}));
    std::vector<std::vector<float>> alone;
    std::vector<LogitsRequest> together(3);
    const std::vector<TokenId> rows = {4, 250};
    std::vector<KvCache> caches;
    for (size_t i = 0; i < together.size(); ++i) {
      caches.push_back(engine->NewCache());
      const auto tokens = RandomTokens(5 + 3 * i, tiny.n_vocab, 30 + i);
      ForwardRequest request{.cache = &caches.back(), .tokens = tokens, .want = Want::kNone};
      ASSERT_TRUE(engine->Forward(request).has_value());
    }
    for (size_t i = 0; i < together.size(); ++i) {
      together[i].hidden = caches[i].last_hidden();
      if (i == 1) together[i].rows = rows;
      LogitsRequest single{together[i].hidden, together[i].rows, nullptr, {}};
      ASSERT_TRUE(engine->LogitsOf(single).has_value());
      alone.push_back(single.logits);
    }
    LogitsRequest* const requests[] = {&together[0], &together[1], &together[2]};
    ASSERT_TRUE(engine->LogitsOf(requests).has_value());
    for (size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i].logits, alone[i]) << "request " << i;
    const TokenId bad = 300;
    together[1].rows = {&bad, 1};
    EXPECT_THAT(engine->LogitsOf(requests).error().message, HasSubstr("token id 300 is out of range"));
  }
}

TEST(EngineTest, TwoModelsOnOneTeamComputeAsOnTheirOwn) {
  const auto team = std::make_shared<SharedTeam>(2);
  std::vector<std::thread> threads;
  for (const size_t shape : {size_t{0}, size_t{1}}) {
    threads.emplace_back([&, shape] {
      const TinyModel tiny = QuantisedShapes()[shape];
      const auto model = tiny.Load({});
      auto shared = Engine::Create(model, {.n_threads = 2, .team = team});
      ASSERT_TRUE(shared.has_value());
      auto own = MakeEngine(model);
      for (uint64_t round = 0; round < 10; ++round) {
        const auto tokens = RandomTokens(30, tiny.n_vocab, 200 + round);
        EXPECT_EQ(Fresh(**shared, tokens), Fresh(*own, tokens));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(EngineTest, BadInputIsOneClearLine) {
  const TinyModel tiny = TinyModel::Make({.arch = "llama"});
  auto engine = MakeEngine(tiny.Load({.n_ctx = 50}));
  KvCache cache = engine->NewCache();
  const TokenId bad = 300, negative = -1, good = 3;
  ForwardRequest request{.cache = &cache, .tokens = {&bad, 1}};
  EXPECT_THAT(engine->Forward(request).error().message, HasSubstr("token id 300 is out of range"));
  request.tokens = {&negative, 1};
  EXPECT_EQ(engine->Forward(request).error().code, ErrorCode::kOutOfRange);
  const auto long_prompt = RandomTokens(51, tiny.n_vocab, 14);
  request.tokens = long_prompt;
  EXPECT_THAT(engine->Forward(request).error().message, HasSubstr("51 tokens do not fit the context of 50"));
  EXPECT_EQ(cache.size(), 0);
  request.tokens = {};
  EXPECT_FALSE(engine->Forward(request).has_value());
  request.tokens = {&good, 1};
  request.want = Want::kLastRows;
  request.rows = {&bad, 1};
  EXPECT_FALSE(engine->Forward(request).has_value());
  EXPECT_THAT(engine->Embed({&good, 1}).error().message, HasSubstr("no encoder"));
  EXPECT_FALSE(engine->LogitsAt(cache, {}, {}).has_value());
}

TEST(BatchingEngineTest, ThreadsGetTheSameAsAlone) {
  const TinyModel tiny = QuantisedShapes()[0];
  const auto model = tiny.Load({});
  auto alone = MakeEngine(model);
  BatchingEngine engine(MakeEngine(model), {.slice_tokens = 16});
  constexpr size_t kSessions = 6;
  std::vector<std::vector<TokenId>> outputs(kSessions);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kSessions; ++i) {
    threads.emplace_back([&, i] {
      KvCache cache = engine.NewCache();
      const auto prompt = RandomTokens(20 + 30 * i, tiny.n_vocab, 100 + i);
      ForwardRequest request{.cache = &cache, .tokens = prompt};
      for (int step = 0; step < 30; ++step) {
        ASSERT_TRUE(engine.Forward(request).has_value());
        outputs[i].push_back(request.argmax.at(0));
        request.tokens = std::span(outputs[i]).last(1);
        float logit = 0;
        ASSERT_TRUE(engine.LogitsAt(cache, request.tokens, {&logit, 1}).has_value());
        ASSERT_EQ(logit, request.logits[static_cast<size_t>(outputs[i].back())]);
      }
      const TokenId bad = -5;
      request.tokens = {&bad, 1};
      EXPECT_FALSE(engine.Forward(request).has_value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kSessions; ++i) {
    KvCache cache = alone->NewCache();
    const auto prompt = RandomTokens(20 + 30 * i, tiny.n_vocab, 100 + i);
    ForwardRequest request{.cache = &cache, .tokens = prompt};
    std::vector<TokenId> expected;
    for (int step = 0; step < 30; ++step) {
      ASSERT_TRUE(alone->Forward(request).has_value());
      expected.push_back(request.argmax.at(0));
      request.tokens = std::span(expected).last(1);
    }
    EXPECT_EQ(outputs[i], expected) << "session " << i;
  }
}

TEST(EngineTest, LogitsBesideHiddenStatesAreThoseOfTheStates) {
  const TinyModel tiny = QuantisedShapes()[0];
  auto engine = MakeEngine(tiny.Load({}));
  const auto tokens = RandomTokens(12, tiny.n_vocab, 31);
  for (const int at : {0, 7, 11}) {
    KvCache cache = engine->NewCache();
    ForwardRequest all{.cache = &cache, .tokens = tokens, .want = Want::kHidden, .logits_at = at};
    ASSERT_TRUE(engine->Forward(all));
    KvCache shorter = engine->NewCache();
    EXPECT_EQ(all.logits, LastLogits(*engine, shorter, std::span(tokens).first(static_cast<size_t>(at) + 1)));
    const TokenId rows[] = {5, 2};
    KvCache again = engine->NewCache();
    ForwardRequest some{
        .cache = &again, .tokens = tokens, .want = Want::kHidden, .rows = rows, .logits_at = at};
    ASSERT_TRUE(engine->Forward(some));
    EXPECT_THAT(some.logits, testing::ElementsAre(all.logits[5], all.logits[2]));
    EXPECT_EQ(some.hidden, all.hidden);
  }
}

// Prefills that are cut, decisions, and several rounds at the same time.
TEST(BatchingEngineTest, LanesGiveTheSameAsOneEngine) {
  const TinyModel tiny = QuantisedShapes()[0];
  const auto model = tiny.Load({});
  auto alone = MakeEngine(model);
  std::vector<std::unique_ptr<Engine>> lanes;
  for (int i = 0; i < 3; ++i) lanes.push_back(MakeEngine(model, {.n_threads = 1}));
  BatchingEngine engine(MakeEngine(model), std::move(lanes), {.slice_tokens = 16});
  constexpr size_t kSessions = 8;
  std::vector<std::vector<float>> last(kSessions);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kSessions; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const auto prompt = RandomTokens(5 + 20 * i, tiny.n_vocab, 300 + i);
        KvCache cache = engine.NewCache();
        ForwardRequest prefill{.cache = &cache, .tokens = prompt, .want = Want::kNone};
        ASSERT_TRUE(engine.Forward(prefill).has_value());
        const auto more = RandomTokens(3, tiny.n_vocab, 400 + i);
        ForwardRequest request{.cache = &cache, .tokens = more, .want = Want::kHidden, .logits_at = 2};
        ASSERT_TRUE(engine.Forward(request).has_value());
        if (round > 0) {
          ASSERT_EQ(request.logits, last[i]);
        }
        last[i] = request.logits;
        LogitsRequest decision{
            .hidden = std::span(request.hidden).last(static_cast<size_t>(model->config().d_model))};
        ASSERT_TRUE(engine.LogitsOf(decision).has_value());
        ASSERT_EQ(decision.logits, last[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kSessions; ++i) {
    auto tokens = RandomTokens(5 + 20 * i, tiny.n_vocab, 300 + i);
    const auto more = RandomTokens(3, tiny.n_vocab, 400 + i);
    tokens.insert(tokens.end(), more.begin(), more.end());
    EXPECT_EQ(last[i], Fresh(*alone, tokens)) << "session " << i;
  }
  EXPECT_LE(engine.most_at_once(), 3);
}

}  // namespace
}  // namespace sotto
