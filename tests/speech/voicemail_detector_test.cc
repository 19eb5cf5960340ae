// Machines and people on the telephone, by the voices of Debian: nobody who says "hello?" is a machine, whatever
// the line sounds like.
#include "speech/voicemail_detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <optional>

#include "base/random.h"
#include "speech/backends.h"
#include "speech/synthesizer.h"
#include "text/voicemail_phrases.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;
using Verdict = VoicemailDetector::Verdict;
using Samples = std::vector<float>;

Samples Silence(milliseconds time) { return Samples(static_cast<size_t>(time.count()) * 16); }

Samples Tone(std::initializer_list<double> hz, milliseconds time, float volume = 0.2F) {
  Samples samples = Silence(time);
  for (size_t i = 0; i < samples.size(); ++i) {
    for (const double one : hz)
      samples[i] +=
          volume * static_cast<float>(std::sin(2 * std::numbers::pi * one * static_cast<double>(i) / 16000));
  }
  return samples;
}

Samples Say(const std::string& voice, const std::string& text) {
  const auto synthesizer = OpenSynthesizer("flite", voice).value();
  return SynthesizeAll(*synthesizer, text).value().samples;
}

Samples operator+(Samples a, const Samples& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Noise of a line, and its 8 bits.
void AddLine(Samples& samples, double noise) {
  Random random(3);
  for (float& sample : samples) {
    const double heard = static_cast<double>(sample) + noise * (random.Uniform() - 0.5);
    const double squeezed =
        std::copysign(std::log1p(255 * std::min(1.0, std::abs(heard))) / std::log(256.0), heard);
    const double stepped = std::round(squeezed * 127) / 127;
    sample = static_cast<float>(std::copysign((std::pow(256.0, std::abs(stepped)) - 1) / 255, stepped));
  }
}

struct Heard {
  Verdict verdict = Verdict::kUndecided;
  std::string why;
  double after_s = -1;    // when it was decided last
  double listens_s = -1;  // when it may be spoken to
};

Heard Listen(Samples samples, double noise = 0.001, const std::string& words = "",
             milliseconds words_at = {}) {
  AddLine(samples, noise);
  VoicemailDetector detector(VoicemailPhrases("en"));
  Heard heard;
  for (size_t i = 0; i + kFrameSamples <= samples.size(); i += kFrameSamples) {
    detector.Hear(std::span(samples).subspan(i, kFrameSamples));
    if (!words.empty() && static_cast<int64_t>(i / 16) >= words_at.count()) detector.Words(words);
    const double now = static_cast<double>(i) / 16000;
    if (detector.verdict() != heard.verdict || detector.why() != heard.why) {
      heard.verdict = detector.verdict();
      heard.why = detector.why();
      heard.after_s = now;
    }
    if (heard.listens_s < 0 && detector.Listens(milliseconds(3000))) heard.listens_s = now;
  }
  return heard;
}

TEST(VoicemailDetector, NobodyWhoPicksUpIsAMachine) {
  for (const char* voice : {"slt", "rms", "awb", "kal16"}) {
    for (const char* text : {"hello?", "yes?", "hello, alex morgan.", "good morning, this is kim speaking.",
                             "hello? who is this?"}) {
      for (const double noise : {0.0005, 0.02}) {
        const Heard heard =
            Listen(Silence(milliseconds(700)) + Say(voice, text) + Silence(milliseconds(3000)), noise);
        EXPECT_EQ(heard.verdict, Verdict::kHuman) << voice << ": " << text << ": " << heard.why;
      }
    }
    // Somebody at work says more, and waits.
    const Heard office =
        Listen(Silence(milliseconds(500)) +
               Say(voice, "thank you for calling rivera plumbing, how can i help you today?") +
               Silence(milliseconds(2500)));
    EXPECT_EQ(office.verdict, Verdict::kHuman) << voice << ": " << office.why;
  }
  EXPECT_EQ(Listen(Silence(milliseconds(6000))).why, "nobody");
}

TEST(VoicemailDetector, AGreetingAndABeepAreAMachine) {
  for (const char* voice : {"slt", "rms", "awb", "kal16"}) {
    for (const double hz : {440.0, 1000.0, 1400.0, 2100.0}) {
      const Samples greeting = Silence(milliseconds(400)) + Say(voice, "hi, this is alex. talk to me.") +
                               Silence(milliseconds(600));
      const double beep_ends = static_cast<double>(greeting.size()) / 16000 + 0.4;
      const Heard heard = Listen(greeting + Tone({hz}, milliseconds(400)) + Silence(milliseconds(1500)));
      EXPECT_EQ(heard.verdict, Verdict::kMachineAnswered) << voice << " " << hz;
      EXPECT_EQ(heard.why, "beep") << voice << " " << hz;
      // The message begins after the beep, and soon.
      EXPECT_GT(heard.listens_s, beep_ends - 0.02);
      EXPECT_LT(heard.listens_s, beep_ends + 0.3);
    }
  }
}

TEST(VoicemailDetector, WhoTalksOnWithoutAPauseIsAMachine) {
  for (const char* voice : {"slt", "rms"}) {
    const Heard heard = Listen(
        Say(voice,
            "you have reached the offices of morgan and rivera, our office hours are from nine to five on "
            "weekdays "
            "and ten to twelve on saturdays, we look forward to hearing from you again during these hours") +
        Silence(milliseconds(4000)));
    EXPECT_EQ(heard.verdict, Verdict::kMachineAnswered) << voice << ": " << heard.why;
    EXPECT_EQ(heard.why, "long_greeting");
    EXPECT_GT(heard.listens_s, heard.after_s + 2.9);
  }
}

TEST(VoicemailDetector, WordsMakeAMachineOfWhatWasTakenForAPerson) {
  const Samples call = Say("slt", "hello, this is alex.") + Silence(milliseconds(1200)) +
                       Say("slt", "please leave a message after the tone.") + Silence(milliseconds(1000));
  EXPECT_EQ(Listen(call).verdict, Verdict::kHuman);
  EXPECT_EQ(Listen(call, 0.001, "please leave a message after", milliseconds(4000)).why, "words");
}

// Sentences of machines and of people, one a line: tests/data/voicemail.txt.
TEST(VoicemailDetector, KnowsWhatOnlyMachinesSay) {
  std::ifstream file(SOTTO_SOURCE_DIR "/tests/data/voicemail.txt");
  ASSERT_TRUE(file);
  std::optional<bool> machine;
  int checked = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    if (line == "[machines]" || line == "[people]") {
      machine = line == "[machines]";
      continue;
    }
    VoicemailDetector detector(VoicemailPhrases("en"));
    detector.Words(line);
    EXPECT_EQ(detector.verdict() == Verdict::kMachineAnswered, machine.value()) << line;
    ++checked;
  }
  EXPECT_GE(checked, 40);
}

TEST(ToneDetector, HearsOneToneAndNothingElse) {
  const auto longest = [](Samples samples, double noise) {
    AddLine(samples, noise);
    ToneDetector tone;
    milliseconds most{0};
    for (size_t i = 0; i + kFrameSamples <= samples.size(); i += kFrameSamples) {
      if (tone.Hear(std::span(samples).subspan(i, kFrameSamples))) most = std::max(most, tone.length());
    }
    return most;
  };
  for (double hz = 350; hz <= 2500; hz += 133) {
    EXPECT_GE(longest(Tone({hz}, milliseconds(300)), 0.02), milliseconds(220)) << hz;
    EXPECT_GE(longest(Tone({hz}, milliseconds(300), 0.02F), 0.002), milliseconds(220)) << hz;
  }
  // Keys, ringing and busy tones are made of two.
  EXPECT_LT(longest(Tone({770, 1336}, milliseconds(500)), 0.001), milliseconds(60));
  EXPECT_LT(longest(Tone({440, 480}, milliseconds(500)), 0.001), milliseconds(160));
  for (const char* voice : {"slt", "rms", "awb", "kal16"}) {
    EXPECT_LT(
        longest(Say(voice, "who is this? oh no, you do not know me, do you? boo hoo. mm, aaah, ooh."), 0.001),
        milliseconds(160))
        << voice;
  }
  EXPECT_LT(longest(Silence(milliseconds(1000)), 0.1), milliseconds(60));
}

}  // namespace
}  // namespace sotto
