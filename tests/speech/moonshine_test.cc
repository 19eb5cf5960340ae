#include "speech/moonshine.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/random.h"
#include "speech/scripted_hearing.h"

namespace sotto {
namespace {

using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> Vocabulary() {
  return {".",      "?",      " Can",  " I",    " get",   " a",     " small", " large",
          " latte", " mocha", " with", " milk", " Small", " Large", " latte", " please"};
}

DomainText Coffee() {
  DomainText text;
  for (int i = 0; i < 5; ++i) {
    text.open.push_back("can I get a small latte");
    text.open.push_back("can I get a large mocha with milk please");
    text.open.push_back("small latte");
  }
  return text;
}

class MoonshineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    model_ = std::make_shared<ScriptedHearing>(Vocabulary());
    Open({});
  }
  void Open(MoonshineOptions options) {
    recognizer_.reset();
    pool_ = MoonshinePool::Create(model_, Coffee(), options);
    recognizer_ = *pool_->Acquire();
  }
  // Silence, words, silence.
  std::vector<float> Sound(const std::vector<std::string>& words, double before = 0.5,
                           double after = 0.5) const {
    std::vector<float> sound = ScriptedHearing::Silence(before);
    const std::vector<float> said = model_->Say(words);
    sound.insert(sound.end(), said.begin(), said.end());
    const std::vector<float> behind = ScriptedHearing::Silence(after);
    sound.insert(sound.end(), behind.begin(), behind.end());
    return sound;
  }
  Transcript Hear(const std::vector<float>& sound, size_t chunk = 0, bool with_partials = false) {
    recognizer_->NewCaller();
    EXPECT_TRUE(recognizer_->Start(ListeningMode::kOpen).has_value());
    partials_.clear();
    stable_.clear();
    if (chunk == 0) chunk = std::max<size_t>(sound.size(), 1);
    for (size_t at = 0; at < sound.size(); at += chunk) {
      EXPECT_TRUE(
          recognizer_->Feed(std::span(sound).subspan(at, std::min(chunk, sound.size() - at))).has_value());
      if (!with_partials) continue;
      partials_.push_back(recognizer_->Partial()->text);
      stable_.push_back(recognizer_->stable_words());
    }
    auto final = recognizer_->Finish();
    EXPECT_TRUE(final.has_value());
    return final ? *final : Transcript{};
  }

  std::shared_ptr<ScriptedHearing> model_;
  std::unique_ptr<MoonshinePool> pool_;
  std::unique_ptr<Recognizer> recognizer_;
  std::vector<std::string> partials_;
  std::vector<size_t> stable_;
};

const std::vector<std::string> kOrder = {" Can",   " I",    " get",  " a",     " large",
                                         " mocha", " with", " milk", " please"};

TEST_F(MoonshineTest, HearsWordsWithTimesAndConfidence) {
  const Transcript heard = Hear(Sound(kOrder));
  EXPECT_EQ(heard.text, "can i get a large mocha with milk please");
  EXPECT_TRUE(heard.final);
  ASSERT_THAT(heard.words, SizeIs(kOrder.size()));
  for (size_t i = 0; i < heard.words.size(); ++i) {
    EXPECT_LE(heard.words[i].start, heard.words[i].end);
    if (i > 0) {
      EXPECT_GE(heard.words[i].start, heard.words[i - 1].start);
    }
    EXPECT_GT(heard.words[i].confidence, 0.5);
  }
  ASSERT_THAT(heard.n_best, Not(IsEmpty()));
  EXPECT_EQ(heard.n_best.front().text, heard.text);
  EXPECT_EQ(heard.n_best.front().log_score, 0);
}

TEST_F(MoonshineTest, StreamingIsOffline) {
  const std::vector<float> sound = Sound(kOrder);
  const Transcript offline = Hear(sound);
  for (const size_t chunk : {size_t{160}, size_t{37}, size_t{512}, size_t{4000}}) {
    const Transcript streamed = Hear(sound, chunk, true);
    EXPECT_EQ(streamed.text, offline.text) << chunk;
    ASSERT_EQ(streamed.words.size(), offline.words.size());
    for (size_t i = 0; i < offline.words.size(); ++i) {
      EXPECT_EQ(streamed.words[i].end, offline.words[i].end);
      EXPECT_EQ(streamed.words[i].confidence, offline.words[i].confidence);
    }
  }
}

TEST_F(MoonshineTest, PartialsGrowAndStableWordsStay) {
  Hear(Sound(kOrder), 160, true);
  size_t changes = 0;
  std::string stable;
  for (size_t i = 0; i < partials_.size(); ++i) {
    EXPECT_THAT(partials_[i], StartsWith(stable)) << "at " << i;
    if (i > 0 && partials_[i] != partials_[i - 1]) ++changes;
    const auto words = SplitWords(partials_[i]);
    ASSERT_LE(stable_[i], words.size());
    stable.clear();
    for (size_t w = 0; w < stable_[i]; ++w) stable += (w == 0 ? "" : " ") + std::string(words[w]);
  }
  EXPECT_GE(changes, 4u);
  EXPECT_FALSE(stable.empty());
}

TEST_F(MoonshineTest, WorkOfPartialsIsBounded) {
  const std::vector<float> sound = Sound(kOrder);
  model_->heard = 0;
  Hear(sound, 160, true);
  const double seconds = static_cast<double>(sound.size()) / kSampleRateHz;
  EXPECT_LE(model_->heard, seconds / 0.36 + 3);
}

TEST_F(MoonshineTest, TheFinalIsThereAtTheEndOfThePause) {
  const std::vector<float> sound = Sound(kOrder);
  recognizer_->NewCaller();
  ASSERT_TRUE(recognizer_->Start(ListeningMode::kOpen).has_value());
  for (size_t at = 0; at < sound.size(); at += 160) {
    ASSERT_TRUE(recognizer_->Feed(std::span(sound).subspan(at, std::min<size_t>(160, sound.size() - at)))
                    .has_value());
    recognizer_->Partial();
  }
  const int before = model_->heard;
  const auto final = recognizer_->Finish();
  ASSERT_TRUE(final.has_value());
  EXPECT_EQ(model_->heard, before) << "nothing is left to do";
  EXPECT_EQ(final->text, "can i get a large mocha with milk please");
}

TEST_F(MoonshineTest, WhoGoesOnAfterAPauseIsHeardWhole) {
  std::vector<float> sound = Sound({" Can", " I", " get", " a"}, 0.5, 0.3);
  const std::vector<float> rest = Sound({" small", " latte"}, 0, 0.5);
  sound.insert(sound.end(), rest.begin(), rest.end());
  EXPECT_EQ(Hear(sound, 160, true).text, "can i get a small latte");
}

TEST_F(MoonshineTest, SilenceIsNoWords) {
  for (const double seconds : {0.0, 0.05, 3.0}) {
    const Transcript heard = Hear(ScriptedHearing::Silence(seconds), 160, true);
    EXPECT_EQ(heard.text, "");
    EXPECT_TRUE(heard.final);
    EXPECT_THAT(heard.n_best, IsEmpty());
  }
  EXPECT_EQ(model_->heard, 0) << "nobody spoke: nothing is searched";
}

TEST_F(MoonshineTest, SamplesThatAreNoNumbersAreSilence) {
  std::vector<float> sound = Sound({" Small", " latte"});
  for (size_t i = 0; i < 2000; ++i) sound[i] = i % 2 == 0 ? std::nanf("") : INFINITY;
  EXPECT_EQ(Hear(sound, 160, true).text, "small latte");
}

TEST_F(MoonshineTest, AMinuteIsHeardInPieces) {
  std::vector<float> sound;
  for (int i = 0; i < 16; ++i) {
    const std::vector<float> part = Sound(kOrder, 0.5, 0.6);
    sound.insert(sound.end(), part.begin(), part.end());
  }
  ASSERT_GT(sound.size(), 60u * kSampleRateHz - kSampleRateHz);
  const Transcript heard = Hear(sound);
  EXPECT_THAT(SplitWords(heard.text), SizeIs(16 * kOrder.size()));
  EXPECT_THAT(heard.words, SizeIs(16 * kOrder.size()));
  EXPECT_EQ(Hear(sound, 160, true).text, heard.text);
}

TEST_F(MoonshineTest, SpeechWithoutAPauseIsCutAnyway) {
  std::vector<std::string> words;
  for (int i = 0; i < 25; ++i) words.insert(words.end(), kOrder.begin(), kOrder.end());
  const Transcript heard = Hear(Sound(words));
  EXPECT_GT(SplitWords(heard.text).size(), 150u);
}

TEST_F(MoonshineTest, InterruptEndsWhatIsComputed) {
  model_->on_hear = [this] { recognizer_->Interrupt(); };
  ASSERT_TRUE(recognizer_->Start(ListeningMode::kOpen).has_value());
  ASSERT_TRUE(recognizer_->Feed(Sound(kOrder)).has_value());
  const auto final = recognizer_->Finish();
  ASSERT_FALSE(final.has_value());
  EXPECT_EQ(final.error().code, ErrorCode::kCancelled);
  model_->on_hear = nullptr;
  EXPECT_EQ(Hear(Sound(kOrder)).text, "can i get a large mocha with milk please") << "the next one is heard";
}

TEST_F(MoonshineTest, CancelLeavesNothingBehind) {
  ASSERT_TRUE(recognizer_->Start(ListeningMode::kOpen).has_value());
  ASSERT_TRUE(recognizer_->Feed(Sound({" Small"})).has_value());
  recognizer_->Partial();
  recognizer_->Cancel();
  recognizer_->Cancel();
  EXPECT_EQ(Hear(Sound({" Large", " mocha"})).text, "large mocha");
}

TEST_F(MoonshineTest, AQuietMicrophoneIsRaised) {
  std::vector<float> sound = Sound({" Small", " latte"});
  for (float& sample : sound) sample *= 0.05f;  // -26 dB
  recognizer_->NewCaller();
  ASSERT_TRUE(recognizer_->Start(ListeningMode::kOpen).has_value());
  ASSERT_TRUE(recognizer_->Feed(sound).has_value());
  const int before = model_->heard;
  ASSERT_TRUE(recognizer_->Finish().has_value());
  EXPECT_EQ(model_->heard, before + 1) << "it is voice";
}

}  // namespace
}  // namespace sotto
