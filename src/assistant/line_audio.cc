#include "assistant/line_audio.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"
#include "base/log.h"
#include "core/audio.h"
#include "core/pcm16.h"
#include "speech/codec.h"
#include "speech/resample.h"

namespace sotto {
namespace {

using Codec = LineFormat::Codec;

constexpr std::array<std::pair<std::string_view, Codec>, 4> kCodecs{
    {{"pcm16", Codec::kPcm16}, {"mulaw", Codec::kMuLaw}, {"alaw", Codec::kALaw}, {"opus", Codec::kOpus}}};
constexpr size_t kPacketSamples = 2 * kFrameSamples;

Result<void> CheckLine(const LineFormat& format) {
  const bool known =
      format.rate_hz == 8000 || format.rate_hz == 16000 || format.rate_hz == 24000 || format.rate_hz == 48000;
  if (format.codec == Codec::kOpus ? format.rate_hz != 16000 : !known) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "no line has {} Hz: opus has 16000, the others 8000, 16000, 24000 or 48000",
                     format.rate_hz);
  }
  return {};
}

std::string AsString(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

Result<LineFormat> ParseLineFormat(std::string_view name) {
  const std::string_view codec = name.substr(0, name.find('/'));
  const auto known =
      std::find_if(kCodecs.begin(), kCodecs.end(), [&](const auto& one) { return one.first == codec; });
  LineFormat format;
  bool fine = known != kCodecs.end();
  if (fine) {
    format.codec = known->second;
    if (format.codec == Codec::kMuLaw || format.codec == Codec::kALaw) format.rate_hz = 8000;
    if (codec.size() < name.size()) {
      const std::string_view rate = name.substr(codec.size() + 1);
      const auto [end, error] = std::from_chars(rate.data(), rate.data() + rate.size(), format.rate_hz);
      fine = error == std::errc() && end == rate.data() + rate.size();
    }
  }
  if (!fine) {
    std::string shown(name.substr(0, 40));
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' is no audio format; there are pcm16, pcm16/8000, pcm16/24000, pcm16/48000, "
                     "mulaw/8000, alaw/8000 and opus",
                     shown);
  }
  SOTTO_RETURN_IF_ERROR(CheckLine(format));
  return format;
}

std::string LineFormatName(const LineFormat& format) {
  for (const auto& [name, codec] : kCodecs) {
    if (codec == format.codec) return fmt::format("{}/{}", name, format.rate_hz);
  }
  return {};
}

struct LineDecoder::Parts {
  LineFormat format;
  std::unique_ptr<Resampler> resampler;  // null: 16 kHz already
  std::unique_ptr<OpusDecoder16k> opus;
};

LineDecoder::LineDecoder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LineDecoder::~LineDecoder() = default;

Result<std::unique_ptr<LineDecoder>> LineDecoder::Create(LineFormat format) {
  SOTTO_RETURN_IF_ERROR(CheckLine(format));
  auto parts = std::make_unique<Parts>();
  parts->format = format;
  if (format.codec == Codec::kOpus) {
    SOTTO_ASSIGN_OR_RETURN(parts->opus, OpusDecoder16k::Create());
  } else if (format.rate_hz != kSampleRateHz) {
    SOTTO_ASSIGN_OR_RETURN(parts->resampler, Resampler::CreateLive(format.rate_hz, kSampleRateHz));
  }
  return std::unique_ptr<LineDecoder>(new LineDecoder(std::move(parts)));
}

Result<void> LineDecoder::Decode(std::span<const uint8_t> bytes, std::vector<float>* samples) {
  std::vector<float> decoded;
  switch (parts_->format.codec) {
    case Codec::kPcm16:
      if (bytes.size() % 2 != 0)
        return MakeError(ErrorCode::kCorrupt, "{} bytes are no whole number of 16-bit samples", bytes.size());
      decoded = FromPcm16Bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      break;
    case Codec::kMuLaw:
      decoded = DecodeMuLaw(bytes);
      break;
    case Codec::kALaw:
      decoded = DecodeALaw(bytes);
      break;
    case Codec::kOpus: {
      SOTTO_ASSIGN_OR_RETURN(decoded, parts_->opus->Decode(bytes));
      break;
    }
  }
  if (parts_->resampler != nullptr) {
    parts_->resampler->Process(decoded, samples);
  } else {
    samples->insert(samples->end(), decoded.begin(), decoded.end());
  }
  return {};
}

struct LineEncoder::Parts {
  LineFormat format;
  std::unique_ptr<Resampler> resampler;
  std::unique_ptr<OpusEncoder16k> opus;
  std::vector<float> resampled;
};

LineEncoder::LineEncoder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LineEncoder::~LineEncoder() = default;

Result<std::unique_ptr<LineEncoder>> LineEncoder::Create(LineFormat format) {
  SOTTO_RETURN_IF_ERROR(CheckLine(format));
  auto parts = std::make_unique<Parts>();
  parts->format = format;
  if (format.codec == Codec::kOpus) {
    SOTTO_ASSIGN_OR_RETURN(parts->opus, OpusEncoder16k::Create());
  } else if (format.rate_hz != kSampleRateHz) {
    SOTTO_ASSIGN_OR_RETURN(parts->resampler, Resampler::CreateLive(kSampleRateHz, format.rate_hz));
  }
  return std::unique_ptr<LineEncoder>(new LineEncoder(std::move(parts)));
}

std::string LineEncoder::Encode(std::span<const float> samples) {
  SOTTO_CHECK(samples.size() == kPacketSamples);
  if (parts_->opus != nullptr) {
    const auto packet = parts_->opus->Encode(samples);
    if (!packet) {
      Log().error("{}", packet.error().message);
      return {};
    }
    return AsString(*packet);
  }
  if (parts_->resampler != nullptr) {
    parts_->resampled.clear();
    parts_->resampler->Process(samples, &parts_->resampled);
    samples = parts_->resampled;
  }
  switch (parts_->format.codec) {
    case Codec::kMuLaw:
      return AsString(EncodeMuLaw(samples));
    case Codec::kALaw:
      return AsString(EncodeALaw(samples));
    default:
      return ToPcm16Bytes(samples);
  }
}

}  // namespace sotto
