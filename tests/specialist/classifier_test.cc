#include "specialist/classifier.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/mapped_file.h"
#include "base/random.h"
#include "embed/random_encoder.h"
#include "specialist/classifier_training.h"
#include "temp_folder.h"

namespace sotto {
namespace {

// Sentences of `n_labels` topics, each with words of its own and words of all.
std::vector<LabelledText> Topics(size_t n_labels, size_t n_each, uint64_t seed) {
  Random random(seed);
  const std::vector<std::string> common = {"please", "my", "the", "now", "can", "you", "about"};
  std::vector<LabelledText> rows;
  for (size_t label = 0; label < n_labels; ++label) {
    for (size_t i = 0; i < n_each; ++i) {
      std::string text;
      for (int word = 0; word < 4; ++word) {
        text += random.Pick(common) + " ";
        if (word % 2 == 0) text += fmt::format("topic{}word{} ", label, random.Below(4));
      }
      rows.push_back({text, fmt::format("label{:02}", label)});
    }
  }
  return rows;
}

std::shared_ptr<const SentenceEncoder> Encoder(uint64_t seed = 7) {
  return SentenceEncoder::FromGguf(*RandomEncoder(seed).Import(false)).value();
}

ClassifierTraining Quick(bool judge_scope = false) {
  ClassifierTraining options;
  options.costs = {1.0};
  options.meaning_weights = {1.0f};
  options.judge_scope = judge_scope;
  return options;
}

TrainedClassifier Trained(const std::vector<LabelledText>& rows, const SentenceEncoder* encoder,
                          const ClassifierTraining& options) {
  ThreadTeam team(1);
  auto trained = TrainClassifier("topics", rows, encoder, options, team);
  EXPECT_TRUE(trained.has_value()) << trained.error().message;
  return std::move(*trained);
}

TEST(Classifier, LearnsWritesAndReadsBothHeads) {
  const TempFolder folder;
  const auto encoder = Encoder();
  const TrainedClassifier trained = Trained(Topics(20, 12, 1), encoder.get(), Quick());
  EXPECT_GT(trained.with_encoder.accuracy, 0.9);
  EXPECT_GT(trained.without_encoder.accuracy, 0.9);
  const auto path = folder / "model.gguf";
  ASSERT_TRUE(WriteClassifier(trained.parts, path, "cc0-1.0", "made up").has_value());
  const std::vector<LabelledText> fresh = Topics(20, 5, 2);
  for (const auto& given : {encoder, std::shared_ptr<const SentenceEncoder>()}) {
    const auto classifier = Classifier::Open(path, given).value();
    EXPECT_EQ(classifier->uses_encoder(), given != nullptr);
    EXPECT_EQ(classifier->labels().size(), 20u);
    EXPECT_GT(ScoreClassifier(*classifier, fresh).accuracy(), 0.9);
    const Classification one = classifier->Classify(fresh[0].text);
    double sum = 0;
    for (const double p : one.probabilities) sum += p;
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_EQ(one.in_scope, 1);
    EXPECT_EQ(one.confidence, one.probabilities[one.label]);
  }
  EXPECT_EQ(Classifier::Open(path, Encoder(8)).error().code, ErrorCode::kInvalidArgument);
}

TEST(Classifier, FewLabelsAndManyThreads) {
  const TempFolder folder;
  const std::vector<LabelledText> rows = Topics(2, 30, 3);
  ThreadTeam two(2);
  const TrainedClassifier trained = Trained(rows, nullptr, Quick());
  const auto again = TrainClassifier("topics", rows, nullptr, Quick(), two).value();
  EXPECT_EQ(trained.parts.without_encoder.weights.values, again.parts.without_encoder.weights.values);
  ASSERT_TRUE(WriteClassifier(trained.parts, folder / "model.gguf", "", "").has_value());
  const auto classifier = Classifier::Open(folder / "model.gguf", nullptr).value();
  EXPECT_GT(ScoreClassifier(*classifier, Topics(2, 10, 4)).accuracy(), 0.9);
}

TEST(Classifier, JudgesScope) {
  const TempFolder folder;
  const TrainedClassifier trained = Trained(Topics(20, 20, 5), nullptr, Quick(true));
  ASSERT_TRUE(WriteClassifier(trained.parts, folder / "model.gguf", "", "").has_value());
  const auto classifier = Classifier::Open(folder / "model.gguf", nullptr).value();
  std::vector<LabelledText> rows = Topics(20, 10, 6);
  for (int i = 0; i < 50; ++i)
    rows.push_back({fmt::format("please can you my foreign{} now the other{}", i, i), ""});
  const ClassifierScore score = ScoreClassifier(*classifier, rows);
  EXPECT_EQ(score.rows_out_of_scope, 50u);
  EXPECT_GT(score.caught, 40u);
  EXPECT_LT(score.false_alarms, 20u);  // of 200, at 3 %
  for (const LabelledText& row : rows) {
    const double in_scope = classifier->Classify(row.text).in_scope;
    EXPECT_TRUE(in_scope >= 0 && in_scope <= 1);
  }
}

TEST(Classifier, SaysWhatDataLacks) {
  ThreadTeam team(1);
  const auto message = [&](const std::vector<LabelledText>& rows) {
    return TrainClassifier("x", rows, nullptr, Quick(), team).error().message;
  };
  EXPECT_EQ(message({{"a", "one"}, {"b", "one"}}),
            "a classifier needs rows of two labels or more, the data has only 'one'");
  EXPECT_EQ(message({{"a", "one"}, {"b", "one"}, {"c", "two"}}),
            "label 'two' has one row only: 2 or more are needed");
}

TEST(Classifier, RefusesDamagedFiles) {
  const TempFolder folder;
  const TrainedClassifier trained = Trained(Topics(12, 10, 1), nullptr, Quick(true));
  const auto path = folder / "model.gguf";
  ASSERT_TRUE(WriteClassifier(trained.parts, path, "", "").has_value());
  const std::string good = ReadFile(path).value();
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    std::string bytes = good;
    bytes[random.Below(4000)] = static_cast<char>(random.Below(256));
    const auto file = GgufFile::Parse(bytes, "damaged.gguf");
    if (!file) continue;
    const auto classifier = Classifier::FromGguf(*file, nullptr);
    if (!classifier) {
      EXPECT_NE(classifier.error().message.find("damaged.gguf"), std::string::npos)
          << classifier.error().message;
      continue;
    }
    const Classification got = (*classifier)->Classify("please topic1word1");
    EXPECT_TRUE(got.confidence >= 0 && got.confidence <= 1) << i;
  }
}

TEST(LinearTrainer, SeparatesAndIsDeterministic) {
  // x > 0 is label 1: one sparse feature, one dense.
  std::vector<SparseVector> sparse;
  std::vector<float> dense;
  std::vector<uint32_t> labels;
  for (int i = -10; i <= 10; ++i) {
    if (i == 0) continue;
    sparse.push_back({{0}, {static_cast<float>(i)}});
    dense.push_back(static_cast<float>(-i));
    labels.push_back(i > 0 ? 1 : 0);
  }
  ThreadTeam team(1);
  const LinearRows rows{sparse, 1, dense, 1, labels, 2};
  const LinearWeights weights = TrainLinear(rows, {}, team);
  for (size_t i = 0; i < labels.size(); ++i) {
    float scores[2];
    weights.Score(sparse[i], std::span(dense).subspan(i, 1), scores);
    EXPECT_EQ(scores[1] > scores[0], labels[i] == 1);
  }
  EXPECT_EQ(TrainLinear(rows, {}, team).values, weights.values);
}

TEST(TextFeatures, GroupsHaveLengthOneAndUnknownTextsNothing) {
  FeatureOptions options;
  options.least_texts = 1;
  const std::vector<std::string> texts = {"where is my card", "my card is lost", "café au lait"};
  const TextFeatures features = TextFeatures::Fit(texts, options);
  double square = 0;
  for (const float value : features.Transform("Where is MY card?").values)
    square += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(square, 2, 1e-5);  // words and letters
  EXPECT_TRUE(features.Transform("").indices.empty());
  EXPECT_TRUE(features.Transform("zzz").indices.empty());
  options.most = 5;
  EXPECT_EQ(TextFeatures::Fit(texts, options).size(), 5u);
}

}  // namespace
}  // namespace sotto
