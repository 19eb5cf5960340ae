#include "assistant/spoken_files.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/pcm16.h"
#include "speech/audio_file.h"
#include "speech/backends.h"
#include "speech/recording.h"
#include "speech/resample.h"
#include "speech/speaker.h"

namespace sotto {
namespace {

constexpr double kLongestSeconds = 600;
constexpr int kPcmRateHz = 24000;
constexpr size_t kGapSamples = kSampleRateHz / 5;  // between sentences
constexpr std::chrono::seconds kPartWithin{60};
constexpr std::array<std::string_view, 4> kFliteVoices{"slt", "rms", "awb", "kal16"};
constexpr std::array<std::pair<std::string_view, AudioContainer>, 4> kContainers{
    {{"wav", AudioContainer::kWav},
     {"flac", AudioContainer::kFlac},
     {"mp3", AudioContainer::kMp3},
     {"opus", AudioContainer::kOggOpus}}};

}  // namespace

Result<std::string> SpeakToBytes(const Deployment& deployment, std::string_view text, std::string_view voice,
                                 std::string_view format) {
  const auto container = std::find_if(kContainers.begin(), kContainers.end(),
                                      [&](const auto& one) { return one.first == format; });
  if (container == kContainers.end() && format != "pcm") {
    return MakeError(ErrorCode::kInvalidArgument,
                     "no recording is written as '{}'; there are wav, flac, mp3, opus and pcm",
                     format.substr(0, 20));
  }
  Audio audio;
  if (std::find(kFliteVoices.begin(), kFliteVoices.end(), voice) != kFliteVoices.end()) {
    SOTTO_ASSIGN_OR_RETURN(const auto flite, OpenSynthesizer("flite", std::string(voice)));
    SOTTO_ASSIGN_OR_RETURN(audio, SynthesizeAll(*flite, text));
  } else {
    SOTTO_ASSIGN_OR_RETURN(audio, SynthesizeAll(deployment.parts().voice->phrases->synthesizer(), text));
  }
  if (container != kContainers.end()) return WriteAudioBytes(audio, container->second);
  SOTTO_ASSIGN_OR_RETURN(const Audio resampled, Resample(audio, kPcmRateHz));
  return ToPcm16Bytes(resampled.samples);
}

std::shared_ptr<const std::vector<float>> SpokenMessage(const Deployment& deployment,
                                                        std::string_view message) {
  const auto& texts = deployment.workflow().texts;
  const auto found = texts.find(message);
  if (found == texts.end() || found->second.empty()) return nullptr;
  Reply reply;
  reply.parts.push_back({found->second.front(), true});
  PhraseCache& phrases = *deployment.parts().voice->phrases;
  auto said = std::make_shared<std::vector<float>>();
  for (const Sentence& sentence : SentencesOf(reply)) {
    phrases.Warm(std::span(&sentence.text, 1));
    const Phrase phrase = phrases.Find(sentence.text);
    if (phrase == nullptr) continue;
    said->insert(said->end(), phrase->begin(), phrase->end());
    said->resize(said->size() + kGapSamples);
  }
  return said->empty() ? nullptr : said;
}

Result<std::string> HearSamples(const Deployment& deployment, const Audio& audio) {
  SOTTO_ASSIGN_OR_RETURN(const Audio resampled, Resample(audio, kSampleRateHz));
  SOTTO_ASSIGN_OR_RETURN(const auto recognizer, deployment.parts().voice->recognizers->Acquire());
  return HearRecording(*recognizer, resampled.samples, kPartWithin);
}

Result<HeardFile> HearBytes(const Deployment& deployment, std::string bytes) {
  SOTTO_ASSIGN_OR_RETURN(const Audio audio, ReadAudioBytes(std::move(bytes), "file", kLongestSeconds));
  SOTTO_ASSIGN_OR_RETURN(std::string text, HearSamples(deployment, audio));
  return HeardFile{std::move(text), audio.seconds()};
}

}  // namespace sotto
