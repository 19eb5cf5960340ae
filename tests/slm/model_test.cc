// Loading: what a model file may lack or have wrong, and models of random weights.
#include "slm/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "slm/engine.h"
#include "slm/gguf_writer.h"
#include "slm/random_model.h"
#include "tiny_model.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

std::string LoadError(const std::string& bytes, LoadOptions options = {}) {
  auto gguf = GgufFile::Parse(bytes, "test.gguf");
  if (!gguf) return gguf.error().message;
  auto model = Model::FromGguf(*gguf, options);
  return model ? "" : model.error().message;
}

// The tiny model's file with `edit` applied and without the tensors whose names hold `without`.
std::string Rewrite(const TinyModel& tiny, const std::function<void(GgufWriter&)>& edit,
                    std::string_view without = "") {
  const auto gguf = GgufFile::Parse(tiny.bytes, "tiny").value();
  GgufWriter writer;
  writer.CopyMetadata(*gguf);
  edit(writer);
  for (const GgufTensor& tensor : gguf->tensors()) {
    if (!without.empty() && tensor.name.find(without) != std::string_view::npos) continue;
    writer.AddTensor(tensor.name, tensor.type,
                     std::span(tensor.shape).first(static_cast<size_t>(tensor.n_dims)), tensor.data);
  }
  return writer.ToBytes().value();
}

TEST(ModelTest, ErrorsNameWhatIsWrong) {
  const TinyModel tiny = TinyModel::Make({.arch = "qwen3"});
  EXPECT_EQ(LoadError(tiny.bytes), "");
  std::string message =
      LoadError(Rewrite(tiny, [](GgufWriter& w) { w.SetString("general.architecture", "mamba"); }));
  EXPECT_THAT(message, HasSubstr("'mamba'"));
  EXPECT_THAT(message, HasSubstr("llama, qwen2, qwen3, gemma2, phi3, granite, bert"));
  message = LoadError(Rewrite(tiny, [](GgufWriter& w) {
    w.Remove("qwen3.block_count");
    w.Remove("qwen3.attention.head_count");
  }));
  EXPECT_THAT(message, HasSubstr("qwen3.block_count, qwen3.attention.head_count"));
  message = LoadError(Rewrite(
      tiny, [](GgufWriter&) {}, "attn_k_norm"));
  EXPECT_THAT(message, HasSubstr("lacks the tensors blk.0.attn_k_norm.weight"));
  message = LoadError(Rewrite(tiny, [](GgufWriter& w) { w.SetU32("qwen3.feed_forward_length", 80); }));
  EXPECT_THAT(message, HasSubstr("blk.0.ffn_gate.weight has shape [48, 72], expected [48, 80]"));
  message = LoadError(Rewrite(tiny, [](GgufWriter& w) { w.SetU32("qwen3.attention.head_count_kv", 3); }));
  EXPECT_THAT(message, HasSubstr("4 heads cannot share 3"));
  message = LoadError(Rewrite(tiny, [](GgufWriter& w) { w.SetU32("qwen3.block_count", 0); }));
  EXPECT_THAT(message, HasSubstr("block_count"));
  message = LoadError(Rewrite(tiny, [](GgufWriter& w) { w.SetU32("qwen3.attention.head_count", 0); }));
  EXPECT_THAT(message, HasSubstr("head_count"));
  message = LoadError(Rewrite(tiny, [](GgufWriter& w) { w.SetString("qwen3.embedding_length", "many"); }));
  EXPECT_THAT(message, HasSubstr("qwen3.embedding_length"));
  message = LoadError(tiny.bytes, {.n_ctx = -4});
  EXPECT_THAT(message, HasSubstr("-4"));
}

// What llama.cpp makes of RoPE scaling: linear where no type is named, 0 is none, an older name of the
// factor.
TEST(ModelTest, RopeScalingIsReadAsConvertersWriteIt) {
  const TinyModel tiny = TinyModel::Make({.arch = "qwen3"});
  const auto scale = [&](const std::function<void(GgufWriter&)>& edit) {
    const auto gguf = GgufFile::Parse(Rewrite(tiny, edit), "test.gguf").value();
    return ModelConfig::FromGguf(*gguf, 0).value().rope_freq_scale;
  };
  EXPECT_EQ(scale([](GgufWriter&) {}), 1.0f);
  EXPECT_EQ(scale([](GgufWriter& w) { w.SetF32("qwen3.rope.scaling.factor", 4); }), 0.25f);
  EXPECT_EQ(scale([](GgufWriter& w) { w.SetF32("qwen3.rope.scale_linear", 4); }), 0.25f);
  EXPECT_EQ(scale([](GgufWriter& w) {
              w.SetString("qwen3.rope.scaling.type", "none");
              w.SetF32("qwen3.rope.scaling.factor", 4);
            }),
            1.0f);
  EXPECT_EQ(scale([](GgufWriter& w) {
              w.SetString("qwen3.rope.scaling.type", "linear");
              w.SetF32("qwen3.rope.scaling.factor", 0);
            }),
            1.0f);
  const auto error = [&](const std::function<void(GgufWriter&)>& edit) {
    return LoadError(Rewrite(tiny, edit));
  };
  EXPECT_THAT(error([](GgufWriter& w) { w.SetF32("qwen3.rope.scaling.factor", -2); }),
              HasSubstr("qwen3.rope.scaling.factor = -2, expected at least 0"));
  EXPECT_THAT(error([](GgufWriter& w) { w.SetF32("qwen3.rope.scaling.factor", NAN); }),
              HasSubstr("qwen3.rope.scaling.factor is not a finite number"));
  EXPECT_THAT(error([](GgufWriter& w) { w.SetF32("qwen3.rope.scaling.factor", 1e-42f); }),
              HasSubstr("too small"));
  EXPECT_THAT(error([](GgufWriter& w) { w.SetString("qwen3.rope.scaling.type", "yarn"); }),
              HasSubstr("'yarn' is not supported"));
}

TEST(ModelTest, SlidingWindowsThatAreNotKnownAreRefused) {
  const TinyModel tiny = TinyModel::Make({.arch = "qwen3"});
  const auto window = [&](const std::function<void(GgufWriter&)>& edit) {
    const auto gguf = GgufFile::Parse(Rewrite(tiny, edit), "test.gguf").value();
    const auto config = ModelConfig::FromGguf(*gguf, 0).value();
    return std::pair(config.window_of(0), config.window_of(1));
  };
  EXPECT_EQ(window([](GgufWriter&) {}), std::pair(0, 0));
  EXPECT_EQ(window([](GgufWriter& w) { w.SetU32("qwen3.attention.sliding_window", 4); }), std::pair(4, 4));
  const TinyModel llama = TinyModel::Make({.arch = "llama"});
  const auto gguf = GgufFile::Parse(
      Rewrite(llama, [](GgufWriter& w) { w.SetU32("llama.attention.sliding_window", 4); }), "t");
  EXPECT_EQ(ModelConfig::FromGguf(*gguf.value(), 0).value().window_of(0), 0);  // as llama.cpp runs them
  EXPECT_THAT(LoadError(Rewrite(tiny,
                                [](GgufWriter& w) {
                                  w.SetU32("qwen3.attention.sliding_window", 4);
                                  w.SetU32("qwen3.attention.sliding_window_pattern", 6);
                                })),
              HasSubstr("with qwen3.attention.sliding_window_pattern is not supported"));
}

TEST(ModelTest, NormsThatAreNoNumbersAreRefused) {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    const TinyModel tiny = TinyModel::Make({.arch = "qwen3"});
    const auto gguf = GgufFile::Parse(tiny.bytes, "tiny").value();
    GgufWriter writer;
    writer.CopyMetadata(*gguf);
    const std::vector<float> norm(static_cast<size_t>(tiny.d), bad);
    for (const GgufTensor& tensor : gguf->tensors()) {
      const auto data = tensor.name == "output_norm.weight" ? std::as_bytes(std::span(norm)) : tensor.data;
      writer.AddTensor(tensor.name, tensor.type,
                       std::span(tensor.shape).first(static_cast<size_t>(tensor.n_dims)), data);
    }
    EXPECT_THAT(LoadError(writer.ToBytes().value()),
                HasSubstr("output_norm.weight holds values that are no finite numbers"));
  }
}

TEST(ModelTest, EveryTruncationIsAnError) {
  const TinyModel tiny = TinyModel::Make({.arch = "llama", .n_layers = 1});
  for (size_t size = 0; size < tiny.bytes.size(); size += 1 + size / 7) {
    EXPECT_NE(LoadError(tiny.bytes.substr(0, size)), "") << size;
  }
  EXPECT_THAT(Model::Load("/nowhere/model.gguf", {}).error().message, HasSubstr("/nowhere/model.gguf"));
}

TEST(ModelTest, IdTellsModelsApart) {
  const auto first = TinyModel::Make({.arch = "llama", .seed = 1}).Load({});
  const auto same = TinyModel::Make({.arch = "llama", .seed = 1}).Load({});
  const auto other = TinyModel::Make({.arch = "llama", .seed = 2}).Load({});
  EXPECT_EQ(first->id(), same->id());
  EXPECT_NE(first->id(), other->id());
}

TEST(RandomModelTest, SmallShapesOfEveryTypeComputeFiniteLogits) {
  for (const char* type : {"Q8_0", "Q4_0", "Q4_K_M", "Q6_K", "Q5_0", "Q5_1", "Q5_K", "F16", "BF16", "F32"}) {
    SCOPED_TRACE(type);
    const auto model = Model::Random(std::string("specialist-3m:") + type, {});
    ASSERT_TRUE(model.has_value()) << model.error().message;
    auto engine = Engine::Create(*model, {.n_threads = 2}).value();
    KvCache cache = engine->NewCache();
    const std::vector<TokenId> tokens = (*model)->tokenizer().Encode("send 20 to savings");
    ASSERT_FALSE(tokens.empty());
    ForwardRequest request{.cache = &cache, .tokens = tokens};
    ASSERT_TRUE(engine->Forward(request).has_value());
    double square = 0;
    for (const float value : request.logits)
      square += static_cast<double>(value) * static_cast<double>(value);
    const double rms = std::sqrt(square / static_cast<double>(request.logits.size()));
    EXPECT_GT(rms, 0.2);
    EXPECT_LT(rms, 5);
  }
}

TEST(RandomModelTest, UnknownNamesListTheKnown) {
  EXPECT_THAT(Model::Random("qwen9:Q8_0", {}).error().message, HasSubstr("qwen3-0.6b"));
  EXPECT_THAT(Model::Random("10m:Q9", {}).error().message, HasSubstr("Q4_K_M"));
}

TEST(RandomModelTest, MixturesFallBackWhereRowsAreNoWholeBlocks) {
  EXPECT_EQ(MixtureTensorType("Q4_K_M", "blk.0.attn_q.weight", 1024, 28), DType::kQ4_K);
  EXPECT_EQ(MixtureTensorType("Q4_K_M", "blk.0.attn_q.weight", 320, 28), DType::kQ5_0);
  EXPECT_EQ(MixtureTensorType("Q4_K_M", "blk.0.attn_v.weight", 1024, 28), DType::kQ6_K);
  EXPECT_EQ(MixtureTensorType("Q4_K_M", "blk.3.attn_v.weight", 1024, 28), DType::kQ4_K);
  EXPECT_EQ(MixtureTensorType("Q4_K_M", "token_embd.weight", 320, 28), DType::kQ8_0);
  EXPECT_EQ(MixtureTensorType("Q4_0", "token_embd.weight", 1024, 28), DType::kQ6_K);
}

}  // namespace
}  // namespace sotto
