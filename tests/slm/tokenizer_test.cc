#include "slm/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/mapped_file.h"
#include "core/json.h"
#include "slm/gguf_writer.h"
#include "slm/pretokenizer.h"
#include "slm_test_files.h"

namespace sotto {
namespace {

std::string FromHex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return out;
}

std::shared_ptr<const Tokenizer> Load(const std::filesystem::path& path) {
  auto file = GgufFile::Open(path);
  EXPECT_TRUE(file) << file.error().message;
  auto tokenizer = Tokenizer::Create(**file);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return *tokenizer;
}

// Every line of an extra-*.json or sub-*.json (see the README of the reference vectors).
void CheckVectors(const Tokenizer& tokenizer, const std::filesystem::path& path) {
  auto text = ReadFile(path);
  ASSERT_TRUE(text) << text.error().message;
  auto lines = ParseJson(*text, path.string());
  ASSERT_TRUE(lines);
  ASSERT_GT(lines->size(), 0u);
  for (const Json& line : *lines) {
    const std::string input = FromHex(line["text_hex"]);
    SCOPED_TRACE(path.filename().string() + ": " + line["text_hex"].get<std::string>() + " \"" + input +
                 "\"");
    const auto plain = line["plain"].get<std::vector<TokenId>>();
    EXPECT_EQ(tokenizer.Encode(input), plain);
    EXPECT_EQ(tokenizer.Encode(input, {.parse_special = true}), line["special"].get<std::vector<TokenId>>());
    EXPECT_EQ(tokenizer.Encode(input, {.parse_special = true, .add_special = true}),
              line["full"].get<std::vector<TokenId>>());
    EXPECT_EQ(tokenizer.Decode(plain, {.special = true, .clean_spaces = true}), FromHex(line["detok_hex"]));
  }
}

// The .inp/.out pair of llama.cpp's own tests.
void CheckLlamaCppVectors(const Tokenizer& tokenizer, const std::filesystem::path& stem) {
  auto input = ReadFile(stem.string() + ".inp");
  ASSERT_TRUE(input);
  std::ifstream out(stem.string() + ".out");
  const std::string separator = "\n__ggml_vocab_test__\n";
  size_t begin = 0;
  for (std::string line; std::getline(out, line);) {
    const size_t end = std::min(input->find(separator, begin), input->size());
    ASSERT_LE(begin, input->size());
    const std::string text = input->substr(begin, end - begin);
    begin = end + separator.size();
    std::istringstream ids(line);
    const std::vector<TokenId> expected{std::istream_iterator<TokenId>(ids), {}};
    EXPECT_EQ(tokenizer.Encode(text), expected) << stem.filename() << ": \"" << text << "\"";
  }
}

TEST(Tokenizer, FullVocabulariesMatchTheReference) {
  SOTTO_NEEDS_REFVEC();
  for (const char* name : {"gpt-2", "llama-spm", "phi-3", "refact", "bert-bge", "qwen2"}) {
    const auto stem = Refvec() / "tokenizers" / (std::string("ggml-vocab-") + name + ".gguf");
    const auto tokenizer = Load(stem);
    CheckVectors(*tokenizer, Refvec() / "tokenizers" / (std::string("extra-") + name + ".json"));
    CheckLlamaCppVectors(*tokenizer, stem);
  }
}

TEST(Tokenizer, CutVocabulariesMatchTheReference) {
  SOTTO_NEEDS_REFVEC();
  const std::pair<const char*, const char*> kModels[] = {
      {"llama-s-F32", "sub-spm1k"},    {"phi3-s-F32", "sub-phi3-1k"},     {"qwen3-s-F32", "sub-qwen1k"},
      {"gemma2-s-F32", "sub-gemma1k"}, {"granite-s-F32", "sub-refact1k"}, {"bert-s-F32", "sub-bert1k"}};
  for (const auto& [model, vectors] : kModels) {
    const auto tokenizer = Load(Refvec() / "models" / (std::string(model) + ".gguf"));
    CheckVectors(*tokenizer, Refvec() / "tokenizers" / (std::string(vectors) + ".json"));
  }
}

}  // namespace
}  // namespace sotto
