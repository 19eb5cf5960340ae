#include "slm/quantize_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/random.h"
#include "nn/block_formats.h"
#include "slm/gguf_writer.h"
#include "slm_test_files.h"

namespace sotto {
namespace {

// Eight layers of small random matrices with rows of 256, one odd row length, and vectors.
std::shared_ptr<const GgufFile> SampleModel() {
  Random random(1);
  const auto values = [&random](size_t n) {
    auto out = std::make_shared<std::vector<float>>(n);
    for (float& value : *out) value = static_cast<float>(random.Uniform() * 2 - 1);
    return out;
  };
  GgufWriter writer;
  writer.SetString("general.architecture", "llama");
  std::vector<std::shared_ptr<std::vector<float>>> kept;
  const auto add = [&](const std::string& name, std::vector<uint64_t> shape) {
    size_t n = 1;
    for (const uint64_t size : shape) n *= size;
    kept.push_back(values(n));
    writer.AddTensor(name, DType::kF32, shape, std::as_bytes(std::span(*kept.back())));
  };
  add("token_embd.weight", {256, 4});
  add("output_norm.weight", {256});
  for (int i = 0; i < 8; ++i) {
    add(fmt::format("blk.{}.attn_q.weight", i), {256, 4});
    add(fmt::format("blk.{}.attn_v.weight", i), {256, 4});
    add(fmt::format("blk.{}.ffn_down.weight", i), {96, 4});
  }
  add("blk.0.odd.weight", {40, 2});
  return *GgufFile::Parse(*writer.ToBytes(), "sample");
}

std::string TypeOf(const GgufFile& file, const char* name, QuantizeRecipe recipe) {
  return std::string(GgufTensorTypeName(QuantizedType(file, *file.FindTensor(name), recipe)));
}

TEST(QuantizeModel, MixesAsTheCommonFiles) {
  const auto file = SampleModel();
  const auto q4_k_m = [&](const char* name) { return TypeOf(*file, name, QuantizeRecipe::kQ4_K_M); };
  EXPECT_EQ(q4_k_m("token_embd.weight"), "Q6_K");  // tied
  EXPECT_EQ(q4_k_m("output_norm.weight"), "F32");
  EXPECT_EQ(q4_k_m("blk.0.attn_q.weight"), "Q4_K");
  EXPECT_EQ(q4_k_m("blk.0.attn_v.weight"), "Q6_K");
  EXPECT_EQ(q4_k_m("blk.1.attn_v.weight"), "Q4_K");
  EXPECT_EQ(q4_k_m("blk.3.attn_v.weight"), "Q6_K");
  EXPECT_EQ(q4_k_m("blk.7.attn_v.weight"), "Q6_K");
  EXPECT_EQ(q4_k_m("blk.0.ffn_down.weight"), "Q8_0");  // rows of 96
  EXPECT_EQ(q4_k_m("blk.1.ffn_down.weight"), "Q5_0");
  EXPECT_EQ(q4_k_m("blk.0.odd.weight"), "F16");
  EXPECT_EQ(TypeOf(*file, "blk.0.attn_v.weight", QuantizeRecipe::kQ4_0), "Q4_0");
  EXPECT_EQ(TypeOf(*file, "token_embd.weight", QuantizeRecipe::kQ4_0), "Q6_K");
  EXPECT_EQ(TypeOf(*file, "token_embd.weight", QuantizeRecipe::kQ8_0), "Q8_0");
}

TEST(QuantizeModel, TypesEqualThoseOfTheReferenceFiles) {
  SOTTO_NEEDS_REFVEC();
  for (const char* arch : {"llama", "qwen2", "qwen3", "gemma2", "granite", "bert"}) {
    const auto f16 = GgufFile::Open(Refvec() / "models" / fmt::format("{}-m-F16.gguf", arch));
    ASSERT_TRUE(f16);
    for (const auto& [name, recipe] : {std::pair{"Q8_0", QuantizeRecipe::kQ8_0},
                                       {"Q4_0", QuantizeRecipe::kQ4_0},
                                       {"Q4_K_M", QuantizeRecipe::kQ4_K_M}}) {
      const auto reference = GgufFile::Open(Refvec() / "models" / fmt::format("{}-m-{}.gguf", arch, name));
      ASSERT_TRUE(reference);
      for (const GgufTensor& tensor : (*f16)->tensors()) {
        const GgufTensor* expected = (*reference)->FindTensor(tensor.name);
        ASSERT_NE(expected, nullptr) << tensor.name;
        EXPECT_EQ(GgufTensorTypeName(QuantizedType(**f16, tensor, recipe)),
                  GgufTensorTypeName(expected->type))
            << arch << " " << name << " " << tensor.name;
      }
    }
  }
}

TEST(QuantizeModel, WritesAFileThatHoldsTheSameWeights) {
  const auto file = SampleModel();
  const auto path = TempFile("quantized.gguf");
  for (const auto recipe : {QuantizeRecipe::kQ8_0, QuantizeRecipe::kQ4_0, QuantizeRecipe::kQ4_K_M}) {
    uint64_t last_done = 0, all = 0;
    QuantizeOptions options;
    options.progress = [&](uint64_t done, uint64_t total) { last_done = done, all = total; };
    const auto written = QuantizeModel(*file, recipe, path, options);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(last_done, all);
    const auto out = GgufFile::Open(path);
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ((*out)->GetString("general.architecture"), "llama");
    for (const GgufTensor& tensor : file->tensors()) {
      const GgufTensor& converted = **(*out)->GetTensor(tensor.name);
      std::vector<float> before(tensor.shape[0]), after(tensor.shape[0]);
      DequantizeRow(DType::kF32, tensor.data.first(tensor.row_bytes()), before);
      DequantizeRow(converted.type, converted.data.first(converted.row_bytes()), after);
      double error = 0;
      for (size_t i = 0; i < before.size(); ++i) error += std::pow(before[i] - after[i], 2);
      EXPECT_LT(std::sqrt(error / static_cast<double>(before.size())), 0.06) << tensor.name;
    }
  }
}

TEST(QuantizeModel, FindsRecipesByName) {
  EXPECT_EQ(FindQuantizeRecipe("q4_k_m"), QuantizeRecipe::kQ4_K_M);
  EXPECT_EQ(FindQuantizeRecipe("Q2_K"), std::nullopt);
}

}  // namespace
}  // namespace sotto
