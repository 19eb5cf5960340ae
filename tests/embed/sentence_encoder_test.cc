#include "embed/sentence_encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "embed/random_encoder.h"
#include "temp_folder.h"

namespace sotto {
namespace {

const RandomEncoder& Published() {
  static const RandomEncoder encoder(7);
  return encoder;
}

std::shared_ptr<const SentenceEncoder> Encoder(bool floats = false) {
  return SentenceEncoder::FromGguf(*Published().Import(floats), {.exact = floats}).value();
}

const std::vector<std::string> kTexts = {
    "the card",
    "paying the lost card",
    "",
    "a",
    std::string(3000, 'q'),
    "\xff\xfe broken",
    "日本",
    "x y z",
    "the cards that i have lost while paying the paying card",
};

TEST(SentenceEncoder, VectorsHaveLengthOne) {
  const auto encoder = Encoder();
  const std::vector<float> rows = encoder->EncodeMany(kTexts);
  ASSERT_EQ(rows.size(), kTexts.size() * SentenceEncoder::kSize);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const auto row = std::span(rows).subspan(i * SentenceEncoder::kSize, SentenceEncoder::kSize);
    EXPECT_NEAR(Cosine(row, row), 1.0, 1e-5) << kTexts[i];
  }
}

TEST(SentenceEncoder, CompanyChangesNothing) {
  const auto encoder = Encoder();
  const std::vector<float> rows = encoder->EncodeMany(kTexts);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const std::vector<float> alone = encoder->Encode(kTexts[i]);
    EXPECT_TRUE(
        std::equal(alone.begin(), alone.end(), rows.begin() + static_cast<ptrdiff_t>(i * alone.size())))
        << kTexts[i];
  }
}

TEST(SentenceEncoder, AnyThreadMayCall) {
  const auto encoder = Encoder();
  const std::vector<float> expected = encoder->EncodeMany(kTexts);
  std::vector<std::vector<float>> got(3);
  std::vector<std::thread> threads;
  for (auto& rows : got) threads.emplace_back([&] { rows = encoder->EncodeMany(kTexts); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& rows : got) EXPECT_EQ(rows, expected);
}

TEST(SentenceEncoder, RoundingKeepsTheDirection) {
  const auto rounded = Encoder(false);
  const auto exact = Encoder(true);
  for (const std::string& text : kTexts)
    EXPECT_GT(Cosine(rounded->Encode(text), exact->Encode(text)), 0.99) << text;
}

TEST(SentenceEncoder, ReadsTheFirstPiecesOfALongText) {
  const auto encoder = Encoder();
  const std::string first(127, 'q');  // and the blank
  EXPECT_EQ(encoder->Tokens(std::string(3000, 'q')).size(), SentenceEncoder::kMaxTokens);
  EXPECT_EQ(encoder->Encode(first + "zzzz"), encoder->Encode(first + "yy"));
}

TEST(SentenceEncoder, RefusesOtherFiles) {
  GgufWriter writer;
  writer.SetString("general.architecture", "qwen3");
  const auto file = GgufFile::Parse(writer.ToBytes().value(), "other.gguf").value();
  EXPECT_EQ(SentenceEncoder::FromGguf(*file).error().message,
            "other.gguf: architecture 'qwen3' is no sentence encoder, expected 'sentence-encoder-lite'");
}

TEST(ImportSentenceEncoder, NamesWhatIsWrong) {
  const auto import = [](std::string model_json, std::string_view weights, std::string_view vocabulary) {
    const auto model = ReadTfjsModel(model_json, "model.json");
    if (!model) return model.error().message;
    GgufWriter writer;
    const auto done = ImportSentenceEncoder(*model, weights, vocabulary, {}, writer);
    return done ? "" : done.error().message;
  };
  const RandomEncoder& good = Published();
  EXPECT_EQ(import(good.model_json, good.weights, good.vocab_json), "");
  EXPECT_EQ(import("[]", good.weights, good.vocab_json),
            "model.json: no graph model of TensorFlow.js: it is no object");
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good.model_json;
    text.replace(text.find(from), from.size(), to);
    return import(text, good.weights, good.vocab_json);
  };
  EXPECT_EQ(with("MatMul", "Erf"), "model.json: operation 'Erf' is none of the sentence encoder's");
  EXPECT_EQ(with("shard1", "../x"),
            "model.json: no graph model of TensorFlow.js: a shard is no name of a file beside it");
  EXPECT_EQ(with("Embeddings_en", "Embeddings_de"),
            "model.json: has no weight 'module/Embeddings_en': not the sentence encoder");
  EXPECT_EQ(import(good.model_json, std::string_view(good.weights).substr(4), good.vocab_json),
            fmt::format("model.json: its shards have {} bytes, its weights need {}", good.weights.size() - 4,
                        good.weights.size()));
  EXPECT_EQ(import(good.model_json, good.weights, "[[\"a\", 1], [2]]"),
            "vocab.json: entry 1 is no [piece, score]");
  std::string broken = good.weights;
  const float nan = NAN;
  std::copy_n(reinterpret_cast<const char*>(&nan), 4, broken.end() - 4);
  EXPECT_EQ(import(good.model_json, broken, good.vocab_json),
            "model.json: weight 'module/Encoder_en/hidden_layers/tanh_layer_0/bias' holds values that are no "
            "finite "
            "numbers");
}

TEST(SentencePieces, TheBestWayAndItsTies) {
  const std::vector<std::string> pieces = {"?", "<s>", "</s>", "a1", "a2", "a3", "▁",
                                           "a", "b",   "ab",   "▁a", "c",  "bc"};
  const std::vector<double> scores = {0, 0, 0, 0, 0, 0, -1, -2, -2, -3, -3, -1, -2};
  const SentencePieces made = SentencePieces::Create(pieces, scores).value();
  const auto ids = [&](std::string_view text) { return made.Encode(text); };
  EXPECT_EQ(ids(""), std::vector<int32_t>{});
  EXPECT_EQ(ids("ab"), (std::vector<int32_t>{6, 9}));  // -1 -3 beats -3 -2
  EXPECT_EQ(ids("a"), (std::vector<int32_t>{6, 7}));   // -1 -2 and -3: the later candidate
  EXPECT_EQ(ids("abc"), (std::vector<int32_t>{6, 9, 11}));
  EXPECT_EQ(ids("zzb"), (std::vector<int32_t>{6, 0, 8}));  // a run of unknown ones is one
  EXPECT_EQ(ids("ｂ"), (std::vector<int32_t>{6, 8}));      // full width: NFKC
  EXPECT_FALSE(SentencePieces::Create(pieces, {0}).has_value());
}

}  // namespace
}  // namespace sotto
