// LoRA adapters: the same as a model with merged weights, several adapters in one batch, wrong files.
#include "slm/lora.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/mapped_file.h"
#include "base/random.h"
#include "slm/engine.h"
#include "slm/gguf_writer.h"
#include "slm_test_files.h"
#include "tiny_model.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

constexpr int kRank = 5;
constexpr float kAlpha = 10;

struct Adapter {
  std::map<std::string, std::pair<std::vector<float>, std::vector<float>>>
      pairs;  // a [rank][in], b [out][rank]
  std::filesystem::path path;
};

// An adapter for the matrices of `base` whose names hold one of `parts`, written to a file.
Adapter MakeAdapter(const TinyModel& base, const std::vector<std::string>& parts, uint64_t seed,
                    std::string_view name, std::string_view arch = "") {
  Adapter adapter;
  Random random(seed);
  GgufWriter writer;
  writer.SetString("general.type", "adapter");
  writer.SetString("general.architecture", arch.empty() ? base.arch : std::string(arch));
  writer.SetString("adapter.type", "lora");
  writer.SetF32("adapter.lora.alpha", kAlpha);
  for (const auto& [tensor, values] : base.tensors) {
    const bool wanted = std::ranges::any_of(
        parts, [&](const std::string& part) { return tensor.find(part) != std::string::npos; });
    if (!wanted || tensor.find("norm") != std::string::npos || tensor.ends_with("bias")) continue;
    const size_t columns = tensor.find("ffn_down") != std::string::npos ? static_cast<size_t>(base.d_ff)
                           : tensor.find("attn_output") != std::string::npos
                               ? static_cast<size_t>(base.n_heads * base.head_dim)
                               : static_cast<size_t>(base.d);
    auto& [a, b] = adapter.pairs[tensor];
    a.resize(kRank * columns);
    b.resize(values.size() / columns * kRank);
    for (float& value : a) value = static_cast<float>(random.Uniform() - 0.5) * 0.3f;
    for (float& value : b) value = static_cast<float>(random.Uniform() - 0.5) * 0.3f;
    const uint64_t shape_a[] = {columns, kRank}, shape_b[] = {kRank, values.size() / columns};
    writer.AddTensor(tensor + ".lora_a", DType::kF32, shape_a, std::as_bytes(std::span(a)));
    writer.AddTensor(tensor + ".lora_b", DType::kF32, shape_b, std::as_bytes(std::span(b)));
  }
  adapter.path = TempFile(std::string(name) + ".gguf");
  EXPECT_TRUE(writer.Write(adapter.path).has_value());
  return adapter;
}

TinyModel Merge(TinyModel model, const Adapter& adapter) {
  for (const auto& [tensor, pair] : adapter.pairs) {
    const auto& [a, b] = pair;
    std::vector<float>& w = model.tensors.at(tensor);
    const size_t columns = a.size() / kRank;
    for (size_t row = 0; row < w.size() / columns; ++row) {
      for (size_t column = 0; column < columns; ++column) {
        double sum = 0;
        for (size_t r = 0; r < kRank; ++r)
          sum += static_cast<double>(b[row * kRank + r]) * static_cast<double>(a[r * columns + column]);
        w[row * columns + column] += static_cast<float>(sum * static_cast<double>(kAlpha / kRank));
      }
    }
  }
  return model;
}

std::vector<float> Logits(Engine& engine, std::span<const TokenId> tokens, const LoraAdapter* lora) {
  KvCache cache = engine.NewCache();
  ForwardRequest request{.cache = &cache, .tokens = tokens, .lora = lora};
  const auto result = engine.Forward(request);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return request.logits;
}

const std::vector<TokenId> kTokens = {1, 7, 250, 33, 99, 12, 180, 4, 4, 66};

TEST(LoraTest, EqualsMergedWeights) {
  for (const char* arch : {"llama", "qwen3", "phi3", "gemma2"}) {
    SCOPED_TRACE(arch);
    const TinyModel base = TinyModel::Make({.arch = arch});
    const Adapter adapter = MakeAdapter(base, {"blk.", "output.weight"}, 21, "merged");
    const auto model = base.Load({.activations = ActivationType::kFloat});
    const auto lora = LoraAdapter::Load(adapter.path, *model);
    ASSERT_TRUE(lora.has_value()) << lora.error().message;
    auto engine = Engine::Create(model, {.n_threads = 2}).value();
    const std::vector<float> mine = Logits(*engine, kTokens, lora->get());
    const std::vector<double> exact = Merge(base, adapter).NaiveLogits(kTokens, 0).back();
    double largest = 0, square = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(mine[i]) - exact[i]));
      square += exact[i] * exact[i];
    }
    EXPECT_LE(largest / std::sqrt(square / static_cast<double>(exact.size())), 2e-4);
    EXPECT_NE(mine, Logits(*engine, kTokens, nullptr));
  }
}

TEST(LoraTest, DifferentAdaptersInOneBatch) {
  const TinyModel base = TinyModel::Make(
      {.arch = "qwen3", .d = 64, .head_dim = 32, .d_ff = 96, .n_rot = 32, .type = DType::kQ8_0});
  const auto model = base.Load({});
  const auto first =
      LoraAdapter::Load(MakeAdapter(base, {"attn_q", "ffn_"}, 31, "first").path, *model).value();
  const auto second =
      LoraAdapter::Load(MakeAdapter(base, {"attn_", "output.weight"}, 32, "second").path, *model).value();
  auto engine = Engine::Create(model, {.n_threads = 2}).value();
  const LoraAdapter* const adapters[] = {first.get(), nullptr, second.get(), first.get()};
  std::vector<KvCache> caches;
  std::vector<ForwardRequest> requests(4);
  std::vector<ForwardRequest*> batch;
  for (size_t i = 0; i < 4; ++i) caches.push_back(engine->NewCache());
  for (size_t i = 0; i < 4; ++i) {
    requests[i].cache = &caches[i];
    requests[i].tokens = kTokens;
    requests[i].lora = adapters[i];
    batch.push_back(&requests[i]);
  }
  ASSERT_TRUE(engine->Forward(batch).has_value());
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(requests[i].logits, Logits(*engine, kTokens, adapters[i])) << i;
  EXPECT_EQ(requests[0].logits, requests[3].logits);
  EXPECT_NE(requests[0].logits, requests[2].logits);
  std::vector<float> row(1);
  const TokenId token = 77;
  ASSERT_TRUE(engine->LogitsAt(caches[2], {&token, 1}, row, second.get()).has_value());
  EXPECT_EQ(row[0], requests[2].logits[77]);
}

TEST(LoraTest, AdapterOfAnotherModelIsAnError) {
  const TinyModel base = TinyModel::Make({.arch = "qwen3"});
  const TinyModel wider = TinyModel::Make({.arch = "qwen3", .d = 56, .seed = 2});
  const TinyModel deeper = TinyModel::Make({.arch = "qwen3", .n_layers = 5, .seed = 3});
  const TinyModel other = TinyModel::Make({.arch = "phi3"});
  const auto model = base.Load({});
  const auto message = [&](const std::filesystem::path& path) {
    const auto adapter = LoraAdapter::Load(path, *model);
    EXPECT_FALSE(adapter.has_value());
    return adapter ? std::string() : adapter.error().message;
  };
  EXPECT_THAT(message(MakeAdapter(wider, {"attn_q"}, 1, "wider").path),
              HasSubstr("adapter of another model"));
  EXPECT_THAT(message(MakeAdapter(deeper, {"blk.4.attn_q"}, 1, "deeper").path),
              HasSubstr("blk.4.attn_q.weight.lora_a"));
  EXPECT_THAT(message(MakeAdapter(other, {"attn_output"}, 1, "other").path),
              HasSubstr("architecture 'phi3'"));
  EXPECT_THAT(message("/nowhere/adapter.gguf"), HasSubstr("/nowhere/adapter.gguf"));

  // Loaded for one base, used with another of the same shape.
  const auto adapter = LoraAdapter::Load(MakeAdapter(base, {"attn_q"}, 1, "used").path, *model).value();
  const auto twin = TinyModel::Make({.arch = "qwen3", .seed = 9}).Load({});
  auto engine = Engine::Create(twin, {.n_threads = 1}).value();
  KvCache cache = engine->NewCache();
  ForwardRequest request{.cache = &cache, .tokens = kTokens, .lora = adapter.get()};
  EXPECT_THAT(engine->Forward(request).error().message, HasSubstr("loaded for another model"));
}

TEST(LoraTest, ModelFileIsNoAdapterAndAdapterNoModel) {
  const TinyModel base = TinyModel::Make({.arch = "qwen3"});
  const std::filesystem::path path = TempFile("base.gguf");
  ASSERT_TRUE(WriteFileAtomically(path, base.bytes).has_value());
  EXPECT_THAT(LoraAdapter::Load(path, *base.Load({})).error().message, HasSubstr("expected 'adapter'"));
  EXPECT_THAT(Model::Load(MakeAdapter(base, {"attn_q"}, 1, "only").path, {}).error().message,
              HasSubstr("an adapter"));
}

}  // namespace
}  // namespace sotto
