#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <numbers>

#include "base/mapped_file.h"
#include "speech/audio_file.h"
#include "speech/backends.h"
#include "speech/codec.h"
#include "speech/endpointer.h"
#include "speech/flite.h"
#include "speech/front_end.h"
#include "speech/phrase_cache.h"
#include "speech/resample.h"
#include "speech/speaker.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Audio Tone(int rate_hz, double seconds, double hz = 440) {
  Audio audio;
  audio.rate_hz = rate_hz;
  audio.samples.resize(static_cast<size_t>(seconds * rate_hz));
  for (size_t i = 0; i < audio.samples.size(); ++i) {
    audio.samples[i] =
        0.5f * static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate_hz));
  }
  return audio;
}

double Rms(std::span<const float> samples) {
  double energy = 0;
  for (const float sample : samples) energy += static_cast<double>(sample) * sample;
  return std::sqrt(energy / std::max<double>(1, static_cast<double>(samples.size())));
}

class Files : public ::testing::Test {
 protected:
  const TempFolder folder_;
};

TEST_F(Files, RecordingsOfAnyRateComeInAt16kHz) {
  for (const char* name : {"a.wav", "a.flac"}) {
    for (const int rate : {8000, 44100, 96000}) {
      ASSERT_TRUE(WriteAudioFile(folder_ / name, Tone(rate, 0.5)));
      const auto audio = ReadAudioFile(folder_ / name);
      ASSERT_TRUE(audio) << audio.error().message;
      EXPECT_EQ(audio->rate_hz, 16000);
      EXPECT_NEAR(audio->seconds(), 0.5, 0.01);
      EXPECT_NEAR(Rms(audio->samples), 0.5 / std::sqrt(2), 0.03) << name << " " << rate;
    }
  }
}

TEST_F(Files, StereoIsAveragedOrOneChannelIsTaken) {
  {
    auto writer = StereoWriter::Create(folder_ / "stereo.wav");
    ASSERT_TRUE(writer);
    const std::vector<float> left(1600, 0.5f), right(1600, -0.25f);
    ASSERT_TRUE((*writer)->Write(left, right));
  }
  EXPECT_NEAR(ReadAudioFile(folder_ / "stereo.wav")->samples[100], 0.125f, 1e-3);
  EXPECT_NEAR(ReadAudioFile(folder_ / "stereo.wav", 16000, 0)->samples[100], 0.5f, 1e-3);
  EXPECT_NEAR(ReadAudioFile(folder_ / "stereo.wav", 16000, 1)->samples[100], -0.25f, 1e-3);
}

TEST_F(Files, ChannelsThatCancelGiveTheLeftOne) {
  const Audio tone = Tone(16000, 0.3);
  std::vector<float> inverted(tone.samples);
  for (float& sample : inverted) sample = -sample;
  {
    auto writer = StereoWriter::Create(folder_ / "differential.wav");
    ASSERT_TRUE((*writer)->Write(tone.samples, inverted));
  }
  EXPECT_NEAR(Rms(ReadAudioFile(folder_ / "differential.wav")->samples), Rms(tone.samples), 1e-3);
}

TEST_F(Files, AnUnfinishedRecordingIsReadToItsEnd) {
  ASSERT_TRUE(WriteAudioFile(folder_ / "killed.wav", Tone(16000, 0.5)));
  std::string bytes = ReadFile(folder_ / "killed.wav").value();
  const size_t data = bytes.find("data");
  for (const char byte : {'\0', '\xFF'}) {
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(data) + 4, 4, byte);
    ASSERT_TRUE(WriteFileAtomically(folder_ / "killed.wav", bytes));
    const auto audio = ReadAudioFile(folder_ / "killed.wav");
    ASSERT_TRUE(audio) << audio.error().message;
    EXPECT_NEAR(audio->seconds(), 0.5, 0.01);
  }
}

TEST_F(Files, BadRecordingsAreNamed) {
  EXPECT_EQ(ReadAudioFile(folder_ / "none.wav").error().code, ErrorCode::kNotFound);
  std::ofstream(folder_ / "text.wav") << "this is not audio";
  const auto text = ReadAudioFile(folder_ / "text.wav");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(text.error().message, HasSubstr("text.wav"));
  std::ofstream(folder_ / "empty.wav");
  EXPECT_THAT(ReadAudioFile(folder_ / "empty.wav").error().message, HasSubstr("the file is empty"));
  EXPECT_THAT(ReadAudioFile(folder_.path()).error().message, HasSubstr("is a folder"));
  ASSERT_TRUE(WriteAudioFile(folder_ / "long.wav", Tone(16000, 1)));
  std::filesystem::resize_file(folder_ / "long.wav", 10000);
  const auto truncated = ReadAudioFile(folder_ / "long.wav");
  ASSERT_TRUE(truncated) << truncated.error().message;
  EXPECT_NEAR(truncated->seconds(), 0.31, 0.01);
  ASSERT_TRUE(WriteAudioFile(folder_ / "nothing.wav", Audio{}));
  EXPECT_TRUE(ReadAudioFile(folder_ / "nothing.wav")->samples.empty());
}

TEST(Resampling, AStreamGivesWhatTheWholeGives) {
  const Audio tone = Tone(48000, 0.3);
  const auto whole = Resample(tone, 16000);
  ASSERT_TRUE(whole);
  auto resampler = Resampler::Create(48000, 16000);
  ASSERT_TRUE(resampler);
  std::vector<float> streamed;
  for (size_t i = 0; i < tone.samples.size(); i += 480) {
    (*resampler)
        ->Process({tone.samples.data() + i, std::min<size_t>(480, tone.samples.size() - i)}, &streamed);
  }
  (*resampler)->Flush(&streamed);
  ASSERT_EQ(streamed.size(), whole->samples.size());
  for (size_t i = 0; i < streamed.size(); ++i) ASSERT_NEAR(streamed[i], whole->samples[i], 1e-6);
  EXPECT_FALSE(Resampler::Create(0, 16000));
}

// A telephone's 20 ms come out as 20 ms, and soon.
TEST(Resampling, ALiveStreamComesOutEvenly) {
  const std::pair<int, int> rates[] = {
      {16000, 8000}, {8000, 16000}, {16000, 48000}, {48000, 16000}, {24000, 16000}};
  for (const auto& [from, to] : rates) {
    const auto resampler = Resampler::CreateLive(from, to).value();
    const size_t packet = static_cast<size_t>(from) / 50;
    size_t in = 0;
    double power = 0;
    std::vector<float> out;
    for (int i = 0; i < 50; ++i) {
      std::vector<float> tone(packet);
      for (float& sample : tone)
        sample = std::sin(2 * std::numbers::pi_v<float> * 1000 * static_cast<float>(in++) /
                          static_cast<float>(from));
      const size_t before = out.size();
      resampler->Process(tone, &out);
      const double seconds = static_cast<double>(in) / from - static_cast<double>(out.size()) / to;
      EXPECT_LT(seconds, 0.035) << from << " -> " << to;
      if (i < 5) continue;
      EXPECT_NEAR(static_cast<double>(out.size() - before), to / 50.0, 2) << from << " -> " << to;
      for (size_t j = before; j < out.size(); ++j)
        power += static_cast<double>(out[j] * out[j]) / to * 50 / 45;
    }
    EXPECT_NEAR(power, 0.5, 0.02) << from << " -> " << to;
  }
}

TEST(Codecs, G711KeepsSpeechAndKnownCodes) {
  EXPECT_EQ(EncodeMuLaw(0.0f), 0xff);
  EXPECT_EQ(EncodeALaw(0.0f), 0xd5);
  EXPECT_EQ(EncodeMuLaw(1.0f), 0x80);
  EXPECT_EQ(EncodeMuLaw(-1.0f), 0x00);
  EXPECT_EQ(EncodeALaw(1.0f), 0xaa);
  EXPECT_EQ(EncodeALaw(-1.0f), 0x2a);
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<uint8_t>(code);
    if (byte != 0x7f) {
      EXPECT_EQ(EncodeMuLaw(DecodeMuLaw(byte)), byte) << code;
    }
    EXPECT_EQ(EncodeALaw(DecodeALaw(byte)), byte) << code;
  }
  for (float sample = -0.99f; sample < 1; sample += 0.01f) {
    EXPECT_NEAR(DecodeMuLaw(EncodeMuLaw(sample)), sample, 0.002f + 0.04f * std::abs(sample));
    EXPECT_NEAR(DecodeALaw(EncodeALaw(sample)), sample, 0.002f + 0.04f * std::abs(sample));
  }
}

TEST(Codecs, OpusKeepsATone) {
  auto encoder = OpusEncoder16k::Create();
  auto decoder = OpusDecoder16k::Create();
  ASSERT_TRUE(encoder && decoder);
  const Audio tone = Tone(16000, 0.4);
  double rms = 0;
  for (size_t i = 0; i + 320 <= tone.samples.size(); i += 320) {
    const auto packet = (*encoder)->Encode({tone.samples.data() + i, 320});
    ASSERT_TRUE(packet);
    const auto samples = (*decoder)->Decode(*packet);
    ASSERT_TRUE(samples);
    ASSERT_EQ(samples->size(), 320u);
    rms = Rms(*samples);
  }
  EXPECT_NEAR(rms, 0.35, 0.05);
  EXPECT_EQ((*decoder)->Decode({})->size(), 320u);
}

// Advances with frames of 1 (voiced) and 0 until the first event.
std::pair<Endpointer::Event, int> FirstEvent(Endpointer& endpointer, bool voiced, int frames) {
  for (int i = 1; i <= frames; ++i) {
    const Endpointer::Event event = endpointer.Advance(voiced);
    if (event != Endpointer::Event::kNone) return {event, i};
  }
  return {Endpointer::Event::kNone, frames};
}

TEST(Endpointing, ThePauseFollowsTheQuestionAndWhatWasUnderstood) {
  using Event = Endpointer::Event;
  const std::pair<ListeningMode, int> pauses[] = {
      {ListeningMode::kOpen, 60}, {ListeningMode::kYesNo, 25}, {ListeningMode::kDigits, 120}};
  for (const auto& [mode, frames] : pauses) {
    Endpointer endpointer{EndpointOptions{}};
    endpointer.Listen(mode);
    EXPECT_EQ(FirstEvent(endpointer, true, 50).first, Event::kSpeechStart);
    EXPECT_EQ(FirstEvent(endpointer, false, 500), std::pair(Event::kSpeechEnd, frames));
    FirstEvent(endpointer, true, 50);
    endpointer.SetKnown(Endpointer::Known::kComplete);
    EXPECT_EQ(FirstEvent(endpointer, false, 500), std::pair(Event::kSpeechEnd, std::min(frames, 26)));
  }
  Endpointer endpointer{EndpointOptions{}};
  endpointer.Listen(ListeningMode::kYesNo);
  FirstEvent(endpointer, true, 50);
  endpointer.SetLong(true);
  EXPECT_EQ(FirstEvent(endpointer, false, 500).second, 60);
}

TEST(Endpointing, ClicksAreNoSpeechAndSilenceIsReportedOnce) {
  using Event = Endpointer::Event;
  Endpointer endpointer{EndpointOptions{}};
  for (int i = 0; i < 200; ++i) EXPECT_EQ(endpointer.Advance(i % 4 == 0), Event::kNone);
  endpointer.Listen(ListeningMode::kOpen);
  EXPECT_EQ(FirstEvent(endpointer, false, 2000), std::pair(Event::kNoInput, 700));
  EXPECT_EQ(FirstEvent(endpointer, false, 2000).first, Event::kNone);
  endpointer.Listen(ListeningMode::kOpen);
  endpointer.Hold();
  EXPECT_EQ(FirstEvent(endpointer, false, 2000).first, Event::kNone);
  EXPECT_EQ(FirstEvent(endpointer, true, 50).first, Event::kSpeechStart);
  EXPECT_EQ(FirstEvent(endpointer, true, 3000).first, Event::kTooLong);
}

TEST(Endpointing, TheWorkflowSetsIt) {
  const auto options = EndpointOptions::FromPolicy(Json{{"endpointing", {{"open_ms", 900}}}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->open.count(), 900);
  EXPECT_THAT(EndpointOptions::FromPolicy(Json{{"endpointing", {{"opn_ms", 900}}}}).error().message,
              HasSubstr("opn_ms"));
  EXPECT_FALSE(EndpointOptions::FromPolicy(Json{{"endpointing", {{"open_ms", "long"}}}}));
  EXPECT_TRUE(EndpointOptions::FromPolicy(Json::object()));
}

TEST(Front, SpeechIsFoundAndSilenceIsNot) {
  FrontEndOptions options;
  options.echo_cancellation = false;
  auto front = FrontEnd::Create(options);
  ASSERT_TRUE(front);
  const auto count = [&](std::vector<float> samples) {
    int voiced = 0;
    for (size_t i = 0; i + kFrameSamples <= samples.size(); i += kFrameSamples) {
      voiced += (*front)->Process({samples.data() + i, kFrameSamples}).voiced ? 1 : 0;
    }
    return voiced;
  };
  EXPECT_EQ(count(std::vector<float>(32000)), 0);
  const Audio speech =
      *SynthesizeAll(**FliteSynthesizer::Create("slt"), "transfer two hundred dollars to savings");
  EXPECT_GT(count(speech.samples), 100);
}

TEST(Front, AQuietCallerIsFoundAndRaised) {
  FrontEndOptions options;
  options.echo_cancellation = false;
  const Audio speech =
      *SynthesizeAll(**FliteSynthesizer::Create("slt"), "transfer two hundred dollars to savings");
  for (const float factor : {0.1f, 0.025f}) {  // -20, -32 dB
    auto front = FrontEnd::Create(options);
    ASSERT_TRUE(front);
    std::vector<float> samples(16000);
    for (int i = 0; i < 2; ++i) {
      for (const float sample : speech.samples) samples.push_back(sample * factor);
      samples.resize(samples.size() + 8000);
    }
    int voiced = 0;
    float loudest = 0;
    for (size_t i = 0; i + kFrameSamples <= samples.size(); i += kFrameSamples) {
      voiced += (*front)->Process({samples.data() + i, kFrameSamples}).voiced ? 1 : 0;
      for (size_t k = i; k < i + kFrameSamples; ++k) loudest = std::max(loudest, std::abs(samples[k]));
    }
    EXPECT_GT(voiced, 150) << factor;
    EXPECT_GT(loudest, 0.1f) << factor;
    EXPECT_LE(loudest, 1.0f) << factor;
  }
}

TEST(Front, OnesOwnVoiceIsNoSpeechOfTheUser) {
  auto front = FrontEnd::Create({});
  ASSERT_TRUE(front);
  const Audio own = *SynthesizeAll(**FliteSynthesizer::Create("rms"),
                                   "Welcome to the bank. You can check a balance, transfer money, pay a "
                                   "bill, or cancel a card. What would you like to do today?");
  constexpr size_t kDelayFrames = 6;
  int voiced = 0;
  const size_t frames = own.samples.size() / kFrameSamples;
  for (int round = 0; round < 3; ++round) {
    voiced = 0;
    for (size_t f = 0; f < frames; ++f) {
      (*front)->Played({own.samples.data() + f * kFrameSamples, kFrameSamples});
      std::vector<float> microphone(kFrameSamples);
      if (f >= kDelayFrames) {
        for (size_t i = 0; i < kFrameSamples; ++i) {
          microphone[i] = 0.3f * own.samples[(f - kDelayFrames) * kFrameSamples + i];
        }
      }
      voiced += (*front)->Process(microphone).voiced ? 1 : 0;
    }
  }
  EXPECT_LT(voiced, 6);  // fewer than begin an utterance, once the canceller knows the echo
}

// A voice of pure tones: a tenth of a second a word.
class ToneSynthesizer final : public Synthesizer {
 public:
  Result<void> Speak(std::string_view text, const Sink& sink) override {
    ++sentences;
    if (turns) said.emplace_back(text);
    if (fail) return MakeError(ErrorCode::kUnavailable, "no voice today");
    if (before) before();
    const size_t words = static_cast<size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
    const Audio tone = Tone(16000, 0.1 * static_cast<double>(words));
    for (size_t i = 0; i < tone.samples.size(); i += 320) {
      if (!sink({tone.samples.data() + i, 320})) return MakeError(ErrorCode::kCancelled, "stopped");
    }
    return {};
  }
  std::string name() const override { return "tone"; }
  bool takes_turns() const override { return turns; }
  std::atomic<int> sentences = 0;
  bool turns = false;
  std::vector<std::string> said;  // turns: in that order
  bool fail = false;
  std::function<void()> before;  // it speaks
};

Reply MakeReply(std::vector<Reply::Part> parts) {
  Reply reply;
  for (const Reply::Part& part : parts) reply.text += part.spoken;
  reply.parts = std::move(parts);
  return reply;
}

double PlayAll(Speaker& speaker) {
  std::vector<float> frame(kFrameSamples);
  int frames = 0;
  while (speaker.busy() && frames < 10000) {
    speaker.NextFrame(frame);
    ++frames;
  }
  return frames * 10.0;
}

class Speaking : public ::testing::Test {
 protected:
  FakeClock clock;
  Scheduler here{clock};  // inline
};

TEST_F(Speaking, SentencesAreCutAndCached) {
  const Reply reply =
      MakeReply({{"Done. You have ", true}, {"$12.50", false}, {" left. Anything else?", true}});
  std::vector<std::string> texts;
  std::vector<bool> fixed;
  for (const Sentence& sentence : SentencesOf(reply)) {
    texts.push_back(sentence.text);
    fixed.push_back(sentence.fixed);
  }
  EXPECT_THAT(texts, ElementsAre("Done.", "You have $12.50 left.", "Anything else?"));
  EXPECT_THAT(fixed, ElementsAre(true, false, true));
  const std::vector<std::string> parts = {"Done. You have ", " left. Anything else?", "Hello!"};
  EXPECT_THAT(WarmableSentences(parts), ElementsAre("Anything else?", "Done.", "Hello!"));

  auto voice = std::make_shared<ToneSynthesizer>();
  auto cache = std::make_shared<PhraseCache>(voice, "");
  Speaker speaker(cache, here, {});
  speaker.Say(reply);
  EXPECT_GT(PlayAll(speaker), 600);
  EXPECT_TRUE(speaker.heard().all);
  EXPECT_EQ(voice->sentences, 3);
  speaker.Say(reply);
  PlayAll(speaker);
  EXPECT_EQ(voice->sentences, 4);  // only the one with a value in it
}

TEST_F(Speaking, StopsAtOnceAndKnowsWhatWasHeard) {
  auto cache = std::make_shared<PhraseCache>(std::make_shared<ToneSynthesizer>(), "");
  Speaker speaker(cache, here, {});
  speaker.Say(MakeReply({{"One two three four five six seven eight nine ten.", true}}));
  std::vector<float> frame(kFrameSamples);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(speaker.NextFrame(frame));
  speaker.Pause();
  EXPECT_TRUE(speaker.NextFrame(frame));  // fades
  EXPECT_LT(std::abs(frame.back()), 0.02f);
  EXPECT_FALSE(speaker.NextFrame(frame));
  EXPECT_TRUE(speaker.busy());
  speaker.Resume();
  EXPECT_TRUE(speaker.NextFrame(frame));
  speaker.Stop();
  EXPECT_FALSE(speaker.busy());
  EXPECT_FALSE(speaker.NextFrame(frame));
  const Speaker::Heard heard = speaker.heard();
  EXPECT_FALSE(heard.all);
  EXPECT_THAT(heard.text, testing::StartsWith("One two"));
  EXPECT_THAT(heard.text, testing::Not(HasSubstr("six")));
}

TEST_F(Speaking, AVoiceThatFailsIsReportedAndTheNextOneSpeaks) {
  auto broken = std::make_shared<ToneSynthesizer>();
  broken->fail = true;
  {
    Speaker speaker(std::make_shared<PhraseCache>(broken, ""), here, {});
    speaker.Say(MakeReply({{"Hello there.", true}}));
    PlayAll(speaker);
    ASSERT_TRUE(speaker.TakeError());
    EXPECT_FALSE(speaker.TakeError());
  }
  auto spare = std::make_shared<ToneSynthesizer>();
  Speaker speaker(std::make_shared<PhraseCache>(MakeFallbackSynthesizer({broken, spare}), ""), here, {});
  speaker.Say(MakeReply({{"Hello there.", true}}));
  EXPECT_GT(PlayAll(speaker), 150);
  EXPECT_FALSE(speaker.TakeError());
}

TEST_F(Speaking, WhatIsStoppedBeforeItsTurnIsNeverSynthesised) {
  const SystemClock real;
  auto voice = std::make_shared<ToneSynthesizer>();
  std::latch began(1), go(1);
  voice->before = [&] {
    if (began.try_wait()) return;
    began.count_down();
    go.wait();
  };
  {
    Scheduler scheduler(real, {.threads = 1});
    Speaker speaker(std::make_shared<PhraseCache>(voice, ""), scheduler, {});
    speaker.Say(MakeReply({{"One two. Three four. Five six.", true}}));
    began.wait();
    speaker.Say(MakeReply({{"Something else.", true}}));  // barge-in: the rest of the first is not wanted
    go.count_down();
    std::vector<float> frame(kFrameSamples);
    while (speaker.busy()) speaker.NextFrame(frame);
    EXPECT_FALSE(speaker.TakeError());
    EXPECT_EQ(speaker.heard().text, "Something else.");
  }
  EXPECT_EQ(voice->sentences, 2);  // the one under way and the new one
}

TEST_F(Speaking, ASentenceThatTakesTooLongIsLeftOutAndTold) {
  auto voice = std::make_shared<ToneSynthesizer>();
  voice->before = [&] { clock.Advance(std::chrono::seconds(voice->sentences == 1 ? 11 : 0)); };
  Speaker speaker(std::make_shared<PhraseCache>(voice, ""), here, {});
  speaker.Say(MakeReply({{"One two. Three four five six.", false}}));
  PlayAll(speaker);
  EXPECT_FALSE(speaker.busy());
  const auto error = speaker.TakeError();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kTimeout);
}

// What plays already is not held up by who begins: its next sentence is spoken before it is needed.
TEST_F(Speaking, WhoSharesAVoiceGetsItWhenItIsNeeded) {
  auto voice = std::make_shared<ToneSynthesizer>();
  voice->turns = true;
  auto cache = std::make_shared<PhraseCache>(voice, "");
  const Scheduler::Strand turns = here.NewStrand(Scheduler::Order::kUrgency);
  Speaker a(cache, here, turns);
  Speaker b(cache, here, turns);
  Speaker c(cache, here, turns);
  here.Post({.strand = turns}, [&](const std::stop_token&) {
    a.Say(MakeReply({{"One two three four. Five six. Seven.", true}}));
    b.Say(MakeReply({{"Soon.", true}}));
    clock.Advance(std::chrono::milliseconds(1400));  // longer than the first, shorter than the first two
    c.Say(MakeReply({{"Later.", true}}));
  });
  EXPECT_THAT(voice->said, ElementsAre("One two three four.", "Soon.", "Five six.", "Later.", "Seven."));
}

TEST_F(Files, PhrasesOutliveTheProgram) {
  const std::vector<std::string> phrases = {"Hello!", "Goodbye!"};
  auto voice = std::make_shared<ToneSynthesizer>();
  EXPECT_EQ(PhraseCache(voice, folder_.path()).Warm(phrases), 2);
  PhraseCache again(voice, folder_.path());
  EXPECT_EQ(again.Warm(phrases), 0);
  ASSERT_NE(again.Find("Hello!"), nullptr);
  EXPECT_NEAR(Rms(*again.Find("Hello!")), 0.35, 0.03);
  EXPECT_NEAR(again.Find("Hello!")->front(), 0, 1e-3);
  EXPECT_EQ(again.Find("What?"), nullptr);
}

TEST(Flite, StopsWhenTold) {
  auto voice = FliteSynthesizer::Create("rms");
  ASSERT_TRUE(voice);
  int chunks = 0;
  const auto result = (*voice)->Speak("this is a rather long sentence that nobody wants to hear to its end",
                                      [&](std::span<const float>) { return ++chunks < 3; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(chunks, 3);
  EXPECT_TRUE(SynthesizeAll(**voice, "...")->samples.empty());
  EXPECT_GT(SynthesizeAll(**voice, "still alive")->seconds(), 0.3);
  EXPECT_THAT(FliteSynthesizer::Create("elvis").error().message, HasSubstr("elvis"));
}

}  // namespace
}  // namespace sotto
