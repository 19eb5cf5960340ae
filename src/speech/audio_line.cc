#include "speech/audio_line.h"

#include <sndfile.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "speech/codec.h"
#include "speech/memory_file.h"
#include "speech/resample.h"

namespace sotto {
namespace {

constexpr int kTelephoneHz = 8000;

void Scale(Audio* audio, double db) {
  const auto factor = static_cast<float>(std::pow(10.0, db / 20));
  for (float& sample : audio->samples) sample = std::clamp(sample * factor, -1.0f, 1.0f);
}

// Sixteen bits, as every recorder has them.
void Quantise(Audio* audio) {
  for (float& sample : audio->samples) {
    sample = static_cast<float>(std::lrint(std::clamp(sample, -1.0f, 1.0f) * 32767.0f)) / 32767.0f;
  }
}

// To GSM 06.10 and back. REQUIRES: 8 kHz.
Result<void> ThroughGsm(Audio* audio) {
  MemoryFile memory;
  SF_VIRTUAL_IO io = MemoryIo();
  SF_INFO info{};
  info.samplerate = kTelephoneHz;
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_GSM610;
  const auto size = static_cast<sf_count_t>(audio->samples.size());
  SNDFILE* file = sf_open_virtual(&io, SFM_WRITE, &info, &memory);
  if (file == nullptr) return MakeError(ErrorCode::kUnsupported, "libsndfile has no GSM 06.10");
  sf_writef_float(file, audio->samples.data(), size);
  sf_close(file);
  memory.at = 0;
  info = {};
  file = sf_open_virtual(&io, SFM_READ, &info, &memory);
  if (file == nullptr) return MakeError(ErrorCode::kUnsupported, "libsndfile cannot read its own GSM 06.10");
  sf_readf_float(file, audio->samples.data(), size);
  sf_close(file);
  return {};
}

Result<void> ThroughOpus(Audio* audio, int bits_per_second, double lost) {
  constexpr size_t kPacket = 320;
  SOTTO_ASSIGN_OR_RETURN(const auto encoder, OpusEncoder16k::Create(bits_per_second));
  SOTTO_ASSIGN_OR_RETURN(const auto decoder, OpusDecoder16k::Create());
  Random random(7);
  const size_t size = audio->samples.size();
  audio->samples.resize((size + kPacket - 1) / kPacket * kPacket);
  for (size_t at = 0; at < audio->samples.size(); at += kPacket) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<uint8_t> packet,
                           encoder->Encode(std::span(audio->samples).subspan(at, kPacket)));
    if (random.Chance(lost)) packet.clear();
    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> samples, decoder->Decode(packet));
    std::copy_n(samples.begin(), std::min(samples.size(), kPacket),
                audio->samples.begin() + static_cast<std::ptrdiff_t>(at));
  }
  audio->samples.resize(size);
  return {};
}

Result<Audio> ThroughOne(Audio audio, std::string_view line) {
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  double number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool has_number = read.ec == std::errc() && read.ptr == value.data() + value.size();
  if (name == "gain" && has_number) {
    Scale(&audio, number);
    Quantise(&audio);
    return audio;
  }
  if (name == "clip" && has_number) {
    Scale(&audio, number);
    return audio;
  }
  if (name == "opus" && has_number && number >= 6000 && number <= 510000) {
    SOTTO_RETURN_IF_ERROR(ThroughOpus(&audio, static_cast<int>(number), 0));
    return audio;
  }
  if (name == "loss" && has_number && number >= 0 && number <= 100) {
    SOTTO_RETURN_IF_ERROR(ThroughOpus(&audio, 24000, number / 100));
    return audio;
  }
  if (colon == std::string_view::npos &&
      (line == "8k" || line == "ulaw" || line == "alaw" || line == "gsm")) {
    SOTTO_ASSIGN_OR_RETURN(Audio narrow, Resample(audio, kTelephoneHz));
    Quantise(&narrow);
    if (line == "ulaw") narrow.samples = DecodeMuLaw(EncodeMuLaw(narrow.samples));
    if (line == "alaw") narrow.samples = DecodeALaw(EncodeALaw(narrow.samples));
    if (line == "gsm") SOTTO_RETURN_IF_ERROR(ThroughGsm(&narrow));
    return Resample(narrow, kSampleRateHz);
  }
  return MakeError(
      ErrorCode::kInvalidArgument,
      "no line \"{}\": there are gain:DB, clip:DB, 8k, ulaw, alaw, gsm, opus:BITS (6000 to 510000) "
      "and loss:PERCENT, several by '+'",
      line);
}

}  // namespace

Result<Audio> ThroughLine(const Audio& audio, std::string_view line) {
  SOTTO_CHECK(audio.rate_hz == kSampleRateHz);
  Audio out = audio;
  while (true) {
    const size_t plus = line.find('+');
    SOTTO_ASSIGN_OR_RETURN(out, ThroughOne(std::move(out), line.substr(0, plus)));
    if (plus == std::string_view::npos) return out;
    line.remove_prefix(plus + 1);
  }
}

}  // namespace sotto
