#include "learn/sentence_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kEnglish = SOTTO_SOURCE_DIR "/src/text/languages/en";

TEST(SentenceTrainer, LearnsWhatItIsShown) {
  std::vector<LabelledSentence> sentences;
  for (const char* word : {"sure", "fine", "okay", "right"}) {
    sentences.push_back({{word}, "yes"});
    sentences.push_back({{"not", word}, "other"});
    sentences.push_back({{word, "if", "free"}, "other"});
  }
  const SentenceModel model = TrainSentenceModel(sentences);
  EXPECT_EQ(ScoreSentences(model, sentences).right, sentences.size());
  EXPECT_EQ(TrainSentenceModel(sentences).ToText(), model.ToText());
}

// The shipped classifiers hold on sentences that they were not trained on.
TEST(SentenceTrainer, ShippedClassifiersHoldOnOtherWords) {
  const auto english = LanguageFor("en");
  ASSERT_TRUE(english);
  const auto share = [](const SentenceModel& model, const std::filesystem::path& path) {
    const auto heldout = ReadSentences(path, 100);
    SOTTO_CHECK(heldout, "{}", heldout.error().message);
    const SentenceScore score = ScoreSentences(model, *heldout);
    return static_cast<double>(score.right) / static_cast<double>(score.sentences);
  };
  EXPECT_GE(share((*english)->consent_model, kEnglish / "heldout/consent.txt"), 0.85);
  EXPECT_GE(share((*english)->request_model, kEnglish / "heldout/requests.txt"), 0.70);
  for (const char* name : {"consent.model", "requests.model"}) {
    EXPECT_LT(std::filesystem::file_size(kEnglish / name), 200000u) << name;
  }
}

TEST(SentenceTrainer, NamesTheLineThatIsWrong) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "train.txt";
  std::ofstream(path) << "[yes]\nok\n(sure\n";
  EXPECT_THAT(ReadSentences(path, 10).error().message, HasSubstr("train.txt:3"));
  std::ofstream(path) << "ok\n";
  EXPECT_THAT(ReadSentences(path, 10).error().message, HasSubstr("train.txt:1: a sentence before"));
  EXPECT_FALSE(ReadSentences(folder.path() / "none.txt", 10));
}

TEST(SentenceTrainer, PlaceholdersStayWhole) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "train.txt";
  std::ofstream(path) << "[yes]\nThat's right, <act> it!\n";
  const auto read = ReadSentences(path, 10);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->front().words, ::testing::ElementsAre("thats", "right", "<act>", "it"));
}

}  // namespace
}  // namespace sotto
