#include "slm/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/random.h"
#include "slm/gguf_writer.h"
#include "slm/tokenizer.h"
#include "slm_test_files.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

std::span<const std::byte> BytesOf(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

// A small file with every kind of value and two tensors.
std::string SampleFile() {
  GgufWriter writer;
  writer.SetString("general.architecture", "llama");
  writer.SetU32("a.u32", 7);
  writer.SetI32("a.i32", -7);
  writer.SetU64("a.u64", uint64_t{1} << 40);
  writer.SetF32("a.f32", 0.5f);
  writer.SetBool("a.bool", true);
  writer.SetU32("a.none", 0xFFFFFFFF);
  writer.SetF32Array("a.floats", std::vector<float>{1, 2, 3});
  writer.SetI32Array("a.ints", std::vector<int32_t>{-1, 0, 1});
  writer.SetStringArray("a.texts", std::vector<std::string>{"x", "", "yz"});
  static const std::vector<float> kMatrix = {1, 2, 3, 4, 5, 6}, kVector = {7, 8, 9};
  const uint64_t matrix[] = {3, 2}, vector[] = {3};
  writer.AddTensor("m.weight", DType::kF32, matrix, BytesOf(kMatrix));
  writer.AddTensor("v.bias", DType::kF32, vector, BytesOf(kVector));
  return *writer.ToBytes();
}

std::string ErrorOf(std::string bytes) {
  const auto file = GgufFile::Parse(std::move(bytes), "test.gguf");
  return file ? "" : file.error().message;
}

TEST(Gguf, ReadsBackWhatWasWritten) {
  const auto file = GgufFile::Parse(SampleFile(), "test.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const GgufFile& g = **file;
  EXPECT_EQ(g.GetString("general.architecture"), "llama");
  EXPECT_EQ(g.GetU32("a.u32"), 7u);
  EXPECT_EQ(g.GetU64("a.u64"), uint64_t{1} << 40);
  EXPECT_EQ(g.GetF32("a.f32"), 0.5f);
  EXPECT_EQ(g.GetBool("a.bool"), true);
  EXPECT_EQ(*g.GetOptionalU32("a.none"), std::nullopt);
  EXPECT_EQ(*g.GetOptionalU32("a.missing"), std::nullopt);
  EXPECT_EQ(*g.GetF32Array("a.floats"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(*g.GetI32Array("a.ints"), (std::vector<int32_t>{-1, 0, 1}));
  const auto texts = *g.GetStringArray("a.texts");
  EXPECT_EQ(std::vector<std::string>(texts.begin(), texts.end()), (std::vector<std::string>{"x", "", "yz"}));
  EXPECT_EQ(g.GetU32Or("a.missing", 5), 5u);

  ASSERT_EQ(g.tensors().size(), 2u);
  const GgufTensor& matrix = **g.GetTensor("m.weight");
  EXPECT_EQ(ShapeToString(matrix), "[3, 2]");
  EXPECT_EQ(matrix.n_rows(), 2u);
  EXPECT_EQ(matrix.row_bytes(), 12u);
  float last = 0;
  std::memcpy(&last, matrix.data.data() + 20, 4);
  EXPECT_EQ(last, 6);
  EXPECT_EQ(g.FindTensor("v.bias")->data.size(), 12u);
}

TEST(Gguf, ErrorsNameTheKey) {
  const auto file = GgufFile::Parse(SampleFile(), "test.gguf");
  ASSERT_TRUE(file);
  EXPECT_THAT((*file)->GetU32("a.missing").error().message,
              HasSubstr("test.gguf: metadata key a.missing is missing"));
  EXPECT_THAT((*file)->GetU32("a.i32").error().message, HasSubstr("a.i32 is a i32"));
  EXPECT_THAT((*file)->GetU32("a.u64").error().message, HasSubstr("a.u64"));
  EXPECT_THAT((*file)->GetString("a.u32").error().message, HasSubstr("wanted a string"));
  EXPECT_THAT((*file)->GetU32Or("a.bool", 1).error().message, HasSubstr("a.bool"));
  EXPECT_THAT((*file)->GetTensor("q.weight").error().message, HasSubstr("tensor q.weight is missing"));
  EXPECT_EQ((*file)->GetStringArray("a.floats").error().code, ErrorCode::kCorrupt);
}

TEST(Gguf, EveryTruncationIsAnErrorOfOneLine) {
  const std::string whole = SampleFile();
  // The last tensor ends before the padding of the file does.
  const size_t needed = whole.size() - 20;
  for (size_t size = 0; size < needed; ++size) {
    const std::string message = ErrorOf(whole.substr(0, size));
    ASSERT_FALSE(message.empty()) << size;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(Gguf, SurvivesAnyByteChanged) {
  const std::string whole = SampleFile();
  Random random(1);
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0x00, 0xFF, 0x7F, static_cast<int>(random.Below(256))}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(value);
      const auto file = GgufFile::Parse(std::move(changed), "test.gguf");
      if (!file) continue;
      for (const GgufTensor& tensor : (*file)->tensors())
        EXPECT_EQ(tensor.data.size(), tensor.n_rows() * tensor.row_bytes());
    }
  }
}

// The bytes of a file that has only what a test is about.
class Raw {
 public:
  explicit Raw(uint64_t n_tensors, uint64_t n_metadata, uint32_t version = 3) {
    bytes = "GGUF";
    U32(version).U64(n_tensors).U64(n_metadata);
  }
  Raw& U32(uint32_t value) { return Add(&value, 4); }
  Raw& U64(uint64_t value) { return Add(&value, 8); }
  Raw& Text(const std::string& text) {
    U64(text.size());
    bytes += text;
    return *this;
  }
  Raw& Tensor(const std::string& name, std::vector<uint64_t> shape, uint32_t type, uint64_t offset) {
    Text(name).U32(static_cast<uint32_t>(shape.size()));
    for (const uint64_t size : shape) U64(size);
    return U32(type).U64(offset);
  }
  Raw& Data(size_t size) {
    bytes.resize((bytes.size() + 31) / 32 * 32 + size);
    return *this;
  }
  std::string bytes;

 private:
  Raw& Add(const void* data, size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return *this;
  }
};

TEST(Gguf, RefusesHostileHeaders) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("magic"));
  EXPECT_THAT(ErrorOf("GGML" + std::string(100, '\0')), HasSubstr("magic"));
  EXPECT_THAT(ErrorOf(Raw(0, 0, 4).bytes), HasSubstr("version 4"));
  EXPECT_THAT(ErrorOf(Raw(uint64_t{1} << 60, 0).Data(64).bytes), HasSubstr("tensor count"));
  EXPECT_THAT(ErrorOf(Raw(0, uint64_t{1} << 60).Data(64).bytes), HasSubstr("metadata count"));
  EXPECT_THAT(ErrorOf(Raw(0, 1).U64(~uint64_t{0}).Data(64).bytes), HasSubstr("metadata key 0 has length"));
  EXPECT_THAT(ErrorOf(Raw(0, 1).Text("k").U32(99).Data(64).bytes),
              HasSubstr("\"k\" has the unknown value type 99"));
  EXPECT_THAT(ErrorOf(Raw(0, 1).Text("k").U32(9).U32(4).U64(uint64_t{1} << 62).Data(64).bytes),
              HasSubstr("\"k\" has 4611686018427387904 elements"));
  EXPECT_THAT(ErrorOf(Raw(0, 1).Text("k").U32(9).U32(9).U64(1).Data(64).bytes), HasSubstr("element type 9"));
  EXPECT_THAT(ErrorOf(Raw(0, 2).Text("k").U32(4).U32(1).Text("k").U32(4).U32(1).Data(64).bytes),
              HasSubstr("twice"));
  EXPECT_THAT(ErrorOf(Raw(0, 1).Text("general.alignment").U32(4).U32(7).Data(64).bytes),
              HasSubstr("alignment is 7"));
}

TEST(Gguf, RefusesHostileTensors) {
  const auto error = [](std::vector<uint64_t> shape, uint32_t type, uint64_t offset) {
    return ErrorOf(Raw(1, 0).Tensor("t", std::move(shape), type, offset).Data(256).bytes);
  };
  EXPECT_EQ(error({4, 4}, 0, 0), "");
  EXPECT_THAT(error({4, 4}, 0, 8), HasSubstr("offset 8"));
  EXPECT_THAT(error({4, 4}, 0, 256), HasSubstr("ends beyond the file"));
  EXPECT_THAT(error({4, 4}, 0, ~uint64_t{31}), HasSubstr("ends beyond the file"));
  EXPECT_THAT(error({100, 100}, 0, 0), HasSubstr("ends beyond the file"));
  EXPECT_THAT(error({0}, 0, 0), HasSubstr("dimension 0 of tensor \"t\" is 0"));
  EXPECT_THAT(error({uint64_t{1} << 32, uint64_t{1} << 32}, 0, 0), HasSubstr("dimension 1"));
  EXPECT_THAT(error({1, 1, 1, 1, 1}, 0, 0), HasSubstr("5 dimensions"));
  EXPECT_THAT(error({33}, 8, 0), HasSubstr("Q8_0's block of 32"));
  EXPECT_THAT(error({32}, 16, 0), HasSubstr("16 (IQ2_XXS); supported are"));
  EXPECT_THAT(error({32}, 4, 0), HasSubstr("type 4"));
  EXPECT_THAT(ErrorOf(Raw(2, 0).Tensor("t", {4}, 0, 0).Tensor("t", {4}, 0, 32).Data(256).bytes),
              HasSubstr("twice"));
}

TEST(Gguf, MissingFileIsNamed) {
  const auto file = GgufFile::Open("/nowhere/model.gguf");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(file.error().message, HasSubstr("/nowhere/model.gguf"));
}

TEST(GgufWriter, CopiesMetadataAndReplacesInPlace) {
  const auto first = GgufFile::Parse(SampleFile(), "first");
  GgufWriter writer;
  writer.CopyMetadata(**first);
  EXPECT_EQ(*GgufFile::Parse(*writer.ToBytes(), "x").value()->GetI32Array("a.ints"),
            (std::vector<int32_t>{-1, 0, 1}));
  writer.SetU32("a.u32", 8);
  writer.Remove("a.i32");
  const auto second = GgufFile::Parse(*writer.ToBytes(), "second");
  ASSERT_TRUE(second);
  EXPECT_EQ((*second)->GetU32("a.u32"), 8u);
  EXPECT_EQ((*second)->metadata()[1].key, "a.u32");
  EXPECT_FALSE((*second)->Has("a.i32"));
  EXPECT_EQ((*second)->metadata().size(), (*first)->metadata().size() - 1);
}

TEST(GgufWriter, LeavesNothingBehindWhenATensorFails) {
  const TempFolder folder;
  GgufWriter writer;
  const uint64_t shape[] = {4};
  writer.AddTensor("t", DType::kF32, shape, [](std::span<std::byte>) -> Result<void> {
    return MakeError(ErrorCode::kIo, "disk on fire");
  });
  const auto written = writer.Write(folder / "model.gguf");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "disk on fire");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Gguf, ReadsTheReferenceModels) {
  SOTTO_NEEDS_REFVEC();
  int count = 0;
  for (const char* folder : {"models", "real", "tokenizers"}) {
    for (const auto& entry : std::filesystem::directory_iterator(Refvec() / folder)) {
      if (entry.path().extension() != ".gguf") continue;
      const auto file = GgufFile::Open(entry.path());
      ASSERT_TRUE(file) << file.error().message;
      EXPECT_TRUE(Tokenizer::Create(**file)) << entry.path();
      ++count;
    }
  }
  EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace sotto
