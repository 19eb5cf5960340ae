#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "speech/domain_model.h"
#include "speech/domain_text.h"
#include "speech/flite.h"
#include "speech/ngram.h"
#include "speech/phrase_units.h"
#include "speech/pocketsphinx.h"
#include "speech/pronunciation.h"
#include "speech/synthesizer.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Ngram, ProbabilitiesSumToOneAfterEveryHistory) {
  NgramCounts counts;
  counts.Add("move money to savings", 2);
  counts.Add("move it to checking");
  counts.Add("pay my bill", 0.3);
  std::vector<std::string> words = counts.Vocabulary();
  words.push_back("</s>");
  const std::vector<std::vector<std::string>> histories = {
      {}, {"<s>"}, {"move"}, {"money", "to"}, {"<s>", "move"}, {"bill", "move"}};
  for (const auto& history : histories) {
    double sum = 0;
    for (const std::string& word : words) sum += std::pow(10, counts.LogProbability(history, word));
    EXPECT_NEAR(sum, 1, 1e-9);
  }
  EXPECT_GT(counts.LogProbability(std::vector<std::string>{"<s>", "move"}, "money"),
            counts.LogProbability(std::vector<std::string>{"<s>", "move"}, "bill"));
}

TEST(PhraseUnits, TheLongestPhraseFromTheLeftIsOneUnit) {
  const std::vector<std::string> phrases = {"a little", "a little bit of milk", "milk", "oat milk"};
  const PhraseUnits units(phrases);
  EXPECT_EQ(units.Join("with a little bit of milk please"), "with a_little_bit_of_milk please");
  EXPECT_EQ(units.Join("a little bit of oat milk"), "a_little bit of oat_milk");
  EXPECT_EQ(units.Join("a little"), "a_little");
  EXPECT_EQ(units.Join("milk"), "milk");
  EXPECT_EQ(units.Join(""), "");
  EXPECT_EQ(PhraseUnits::Split("with a_little_bit_of_milk please"), "with a little bit of milk please");
}

TEST(PhraseUnits, AUnitSoundsAsItsWordsDoTogether) {
  TempFolder folder;
  std::ofstream(folder.path() / "d") << "of AH V\nof(2) AH\nlots L AA T S\n";
  const auto pronunciations = Pronunciations::Load(folder.path() / "d");
  ASSERT_TRUE(pronunciations.has_value());
  const std::vector<std::string> ways = PhraseUnits::Pronounce("lots_of", *pronunciations);
  ASSERT_GE(ways.size(), 2u);
  EXPECT_EQ(ways[0], "L AA T S AH V");
  EXPECT_THAT(ways, ::testing::Contains("L AA T S AH"));
  EXPECT_THAT(PhraseUnits::Pronounce("lots_7", *pronunciations), ::testing::IsEmpty());
}

TEST(DomainText, NumbersBecomeWords) {
  EXPECT_EQ(SpeakableWords("Transfer $200 to savings!"), "transfer two hundred dollars to savings");
  EXPECT_EQ(SpeakableWords("ending in 4532"), "ending in four five three two");
  EXPECT_EQ(SpeakableWords("What\u2019s my balance?"), "what's my balance");
  EXPECT_EQ(SpeakableWords("1,500", 1), "one thousand five hundred");
  EXPECT_EQ(SpeakableWords("..."), "");
}

TEST(DomainText, ModeFollowsTheQuestion) {
  Workflow workflow;
  ToolDef tool;
  tool.name = "pay";
  for (auto type : {Entity::Type::kMoney, Entity::Type::kDigits, Entity::Type::kEnum}) {
    Slot slot;
    slot.name = "slot" + std::to_string(static_cast<int>(type));
    slot.entity.type = type;
    tool.slots.push_back(slot);
  }
  workflow.tools.push_back(tool);
  auto mode = [&](std::vector<std::string> slots) {
    return ListeningModeFor(workflow, {Expectation::Kind::kSlots, "pay", std::move(slots)});
  };
  EXPECT_EQ(mode({tool.slots[0].name}), ListeningMode::kAmount);
  EXPECT_EQ(mode({tool.slots[1].name}), ListeningMode::kDigits);
  EXPECT_EQ(mode({tool.slots[2].name}), ListeningMode::kChoice);
  EXPECT_EQ(mode({tool.slots[0].name, tool.slots[1].name}), ListeningMode::kOpen);
  EXPECT_EQ(mode({"no such slot"}), ListeningMode::kOpen);
  EXPECT_EQ(ListeningModeFor(workflow, {Expectation::Kind::kConfirm, "pay", {}}), ListeningMode::kYesNo);
  EXPECT_EQ(ListeningModeFor(workflow, {}), ListeningMode::kOpen);
}

TEST(Pronunciation, EveryWordHasOne) {
  EXPECT_EQ(PhonesByRule("cat"), "K AE T");
  EXPECT_FALSE(PhonesByRule("zortexify").empty());
  EXPECT_EQ(PhonesByRule("'"), "");
}

class Recognition : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    static const TempFolder temporary;
    folder_ = temporary.path();
    std::ofstream(folder_ / "speech.txt") << "transfer two hundred dollars from checking to savings\n"
                                             "pay fifty dollars to zortexify\nwhat is my savings balance\n"
                                             "cancel my credit card\n";
    Workflow workflow;
    workflow.folder = folder_;
    Entity digits;
    digits.type = Entity::Type::kDigits;
    digits.length = 4;
    workflow.entities["last_four"] = digits;
    auto text = MakeDomainText(workflow, 1);
    ASSERT_TRUE(text);
    auto model = DomainModel::Build(*text, folder_ / "cache");
    ASSERT_TRUE(model) << model.error().message;
    auto pool = PocketSphinxPool::Create(*model, {});
    ASSERT_TRUE(pool) << pool.error().message;
    pool_ = std::move(*pool);
  }
  static void TearDownTestSuite() { pool_.reset(); }

  static Audio Say(const std::string& text) {
    auto voice = FliteSynthesizer::Create("rms");
    EXPECT_TRUE(voice);
    auto audio = SynthesizeAll(**voice, text);
    EXPECT_TRUE(audio);
    audio->samples.insert(audio->samples.begin(), 3200, 0.0f);
    audio->samples.insert(audio->samples.end(), 4800, 0.0f);
    return *audio;
  }

  static std::filesystem::path folder_;
  static std::unique_ptr<PocketSphinxPool> pool_;
};
std::filesystem::path Recognition::folder_;
std::unique_ptr<PocketSphinxPool> Recognition::pool_;

TEST_F(Recognition, HearsTheDomainWithPartialsWordsAndUnknownNames) {
  auto recognizer = pool_->Acquire();
  ASSERT_TRUE(recognizer);
  const Audio audio = Say("pay fifty dollars to zortexify");
  ASSERT_TRUE((*recognizer)->Start(ListeningMode::kOpen));
  std::string longest;
  for (size_t i = 0; i + kFrameSamples <= audio.samples.size(); i += kFrameSamples) {
    ASSERT_TRUE((*recognizer)->Feed({audio.samples.data() + i, kFrameSamples}));
    const auto partial = (*recognizer)->Partial();
    ASSERT_TRUE(partial);
    EXPECT_FALSE(partial->final);
    if (partial->text.size() > longest.size()) longest = partial->text;
  }
  EXPECT_THAT(longest, HasSubstr("fifty dollars"));
  const auto final = (*recognizer)->Finish();
  ASSERT_TRUE(final);
  EXPECT_TRUE(final->final);
  EXPECT_EQ(final->text, "pay fifty dollars to zortexify");
  ASSERT_EQ(final->words.size(), 5u);
  EXPECT_LT(final->words[0].start, final->words[4].start);
  ASSERT_FALSE(final->n_best.empty());
  EXPECT_EQ(final->n_best[0].text, final->text);
  for (const auto& hypothesis : final->n_best) EXPECT_LE(hypothesis.log_score, 0);
}

TEST_F(Recognition, DigitsModeHearsDigitsAndStillAChangeOfMind) {
  auto recognizer = pool_->Acquire();
  ASSERT_TRUE(recognizer);
  for (const std::string text : {"four five three two", "never mind"}) {
    const Audio audio = Say(text);
    ASSERT_TRUE((*recognizer)->Start(ListeningMode::kDigits));
    ASSERT_TRUE((*recognizer)->Feed(audio.samples));
    EXPECT_EQ((*recognizer)->Finish()->text, text);
  }
}

TEST_F(Recognition, SilenceAndNothingGiveAnEmptyFinal) {
  auto recognizer = pool_->Acquire();
  ASSERT_TRUE((*recognizer)->Start(ListeningMode::kYesNo));
  EXPECT_EQ((*recognizer)->Finish()->text, "");
  ASSERT_TRUE((*recognizer)->Start(ListeningMode::kYesNo));
  (*recognizer)->Cancel();
  (*recognizer)->Cancel();
  ASSERT_TRUE((*recognizer)->Start(ListeningMode::kYesNo));
}

TEST_F(Recognition, ANewCallerHearsTheSameAsTheFirst) {
  const Audio audio = Say("cancel my credit card");
  Audio loud = audio;
  for (float& sample : loud.samples) sample *= 3;
  auto recognizer = pool_->Acquire();
  auto hear = [&](const Audio& what) {
    EXPECT_TRUE((*recognizer)->Start(ListeningMode::kOpen));
    EXPECT_TRUE((*recognizer)->Feed(what.samples));
    return *(*recognizer)->Finish();
  };
  const Transcript first = hear(audio);
  hear(loud);
  (*recognizer)->NewCaller();
  const Transcript again = hear(audio);
  ASSERT_EQ(first.words.size(), again.words.size());
  for (size_t i = 0; i < first.words.size(); ++i) {
    EXPECT_DOUBLE_EQ(first.words[i].confidence, again.words[i].confidence);
  }
}

}  // namespace
}  // namespace sotto
