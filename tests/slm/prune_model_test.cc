#include "slm/prune_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/random.h"
#include "slm/gguf_writer.h"
#include "slm_test_files.h"
#include "tiny_model.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

TinyModel PrunedShape(const char* arch) {
  TinyModel shape;
  shape.arch = arch;
  shape.d = 64;
  shape.n_heads = 4;
  shape.n_kv_heads = 2;
  shape.head_dim = 16;
  shape.n_rot = 16;
  shape.d_ff = 96;
  shape.n_layers = 2;
  return TinyModel::Make(shape);
}

TokenSequences SomeTexts(size_t count, uint64_t seed) {
  Random random(seed);
  TokenSequences sequences(count);
  for (auto& sequence : sequences)
    for (int i = 0; i < 40; ++i) sequence.push_back(static_cast<TokenId>(random.Below(300)));
  return sequences;
}

// The file with columns of its F32 matrices set to zero.
std::string WithoutColumns(const GgufFile& file, std::string_view part,
                           const std::function<bool(size_t)>& gone) {
  GgufWriter writer;
  writer.CopyMetadata(file);
  std::vector<std::vector<std::byte>> kept;
  for (const GgufTensor& tensor : file.tensors()) {
    std::vector<std::byte>& bytes = kept.emplace_back(tensor.data.begin(), tensor.data.end());
    if (tensor.name.find(part) != std::string_view::npos) {
      for (size_t i = 0; i < tensor.n_elements(); ++i)
        if (gone(i % tensor.shape[0])) std::memset(bytes.data() + i * sizeof(float), 0, sizeof(float));
    }
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    writer.AddTensor(tensor.name, tensor.type,
                     std::span(tensor.shape.data(), static_cast<size_t>(tensor.n_dims)), kept[i]);
  }
  return *writer.ToBytes();
}

class PruneTest : public testing::TestWithParam<const char*> {};

TEST_P(PruneTest, WhatAddsNothingGoesFirstAndIsNotMissed) {
  const TinyModel tiny = PrunedShape(GetParam());
  // A third of the neurons and one of the two groups of heads say nothing.
  auto file = *GgufFile::Parse(tiny.bytes, GetParam());
  file = *GgufFile::Parse(WithoutColumns(*file, "ffn_down.weight", [](size_t i) { return i % 3 == 1; }), "a");
  file = *GgufFile::Parse(WithoutColumns(*file, "attn_output.weight", [](size_t i) { return i < 32; }), "b");
  const auto path = TempFile(fmt::format("pruned-{}.gguf", GetParam()));
  const auto pruned = PruneModel(file, SomeTexts(12, 1), path, {.keep = 2.0 / 3, .fit = false});
  ASSERT_TRUE(pruned) << pruned.error().message;
  EXPECT_EQ(pruned->after.d_ff, 64U);
  EXPECT_EQ(pruned->after.n_heads, 2U);
  EXPECT_EQ(pruned->after.n_kv_heads, 1U);
  EXPECT_LT(pruned->after.parameters, pruned->before.parameters);
  EXPECT_NEAR(pruned->neurons_kept, 1, 1e-9);
  EXPECT_NEAR(pruned->heads_kept, 1, 1e-9);
  const auto original = Model::FromGguf(file, {.activations = ActivationType::kFloat}).value();
  const auto model = Model::Load(path, {.activations = ActivationType::kFloat});
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ((*model)->config().d_ff, 64);
  EXPECT_LT(MeasureDivergence(original, *model, SomeTexts(6, 2), {})->kl, 1e-6);
}

TEST_P(PruneTest, FittingWhatIsLeftHelps) {
  const TinyModel tiny = PrunedShape(GetParam());
  const auto file = *GgufFile::Parse(tiny.bytes, GetParam());
  const auto original = Model::FromGguf(file, {.activations = ActivationType::kFloat}).value();
  const auto kl_of = [&](bool fit, double channels) {
    const auto path = TempFile(fmt::format("fit-{}.gguf", GetParam()));
    const auto pruned =
        PruneModel(file, SomeTexts(40, 1), path, {.keep = 2.0 / 3, .keep_channels = channels, .fit = fit});
    EXPECT_TRUE(pruned) << (pruned ? "" : pruned.error().message);
    const auto model = Model::Load(path, {.activations = ActivationType::kFloat});
    EXPECT_TRUE(model) << (model ? "" : model.error().message);
    return MeasureDivergence(original, *model, SomeTexts(8, 2), {})->kl;
  };
  EXPECT_LT(kl_of(true, 1), kl_of(false, 1));
  const double narrow = kl_of(true, 0.5);  // half of the stream too: it still computes
  EXPECT_TRUE(narrow >= 0 && narrow < 1e3) << narrow;
}

INSTANTIATE_TEST_SUITE_P(Architectures, PruneTest, testing::Values("llama", "qwen2", "qwen3"));

TEST(Prune, SaysWhatIsWrong) {
  const TinyModel tiny = PrunedShape("llama");
  const auto file = *GgufFile::Parse(tiny.bytes, "llama");
  EXPECT_THAT(PruneModel(file, SomeTexts(2, 1), TempFile("x.gguf"), {.keep = 0}).error().message,
              HasSubstr("a share from above 0 to 1"));
  EXPECT_FALSE(PruneModel(file, {}, TempFile("x.gguf"), {}));
  const auto fused = *GgufFile::Parse(PrunedShape("phi3").bytes, "phi3");
  EXPECT_THAT(PruneModel(fused, SomeTexts(2, 1), TempFile("x.gguf"), {}).error().message,
              HasSubstr("fused matrices and experts are not pruned"));
}

}  // namespace
}  // namespace sotto
