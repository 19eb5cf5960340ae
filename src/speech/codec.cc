#include "speech/codec.h"

#include <opus.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "core/pcm16.h"

namespace sotto {
namespace {

constexpr int kRateHz = 16000;
constexpr int kPacketSamples = 320;
constexpr int kMaxPacketSamples = 1920;  // 120 ms, the longest a packet may hold

}  // namespace

uint8_t EncodeMuLaw(float sample) {
  constexpr int kBias = 132;
  int value = ToPcm16(sample);
  const int sign = value < 0 ? 0x80 : 0;
  value = std::min(std::abs(value), 32635) + kBias;
  const int exponent = std::bit_width(static_cast<unsigned>(value)) - 8;
  const int mantissa = (value >> (exponent + 3)) & 0x0f;
  return static_cast<uint8_t>(~(sign | (exponent << 4) | mantissa));
}

float DecodeMuLaw(uint8_t code) {
  const int bits = ~code & 0xff;
  const int value = ((((bits & 0x0f) << 3) + 132) << ((bits >> 4) & 7)) - 132;
  return FromPcm16((bits & 0x80) != 0 ? -value : value);
}

uint8_t EncodeALaw(float sample) {
  int value = ToPcm16(sample);
  const int sign = value >= 0 ? 0x80 : 0;
  value = std::min(value >= 0 ? value : -value - 1, 32767) >> 4;
  const int exponent = value < 32 ? (value >> 4) : std::bit_width(static_cast<unsigned>(value)) - 4;
  const int mantissa = (exponent <= 1 ? value : value >> (exponent - 1)) & 0x0f;
  return static_cast<uint8_t>((sign | (exponent << 4) | mantissa) ^ 0x55);
}

float DecodeALaw(uint8_t code) {
  const int bits = code ^ 0x55;
  const int exponent = (bits >> 4) & 7;
  int value = ((bits & 0x0f) << 4) + 8;
  if (exponent > 0) value = (value + 256) << (exponent - 1);
  return FromPcm16((bits & 0x80) != 0 ? value : -value);
}

namespace {

template <typename To, typename From, typename Function>
std::vector<To> Map(std::span<const From> in, Function function) {
  std::vector<To> out(in.size());
  std::transform(in.begin(), in.end(), out.begin(), function);
  return out;
}

}  // namespace

std::vector<uint8_t> EncodeMuLaw(std::span<const float> samples) {
  return Map<uint8_t>(samples, [](float sample) { return EncodeMuLaw(sample); });
}
std::vector<float> DecodeMuLaw(std::span<const uint8_t> codes) {
  return Map<float>(codes, [](uint8_t code) { return DecodeMuLaw(code); });
}
std::vector<uint8_t> EncodeALaw(std::span<const float> samples) {
  return Map<uint8_t>(samples, [](float sample) { return EncodeALaw(sample); });
}
std::vector<float> DecodeALaw(std::span<const uint8_t> codes) {
  return Map<float>(codes, [](uint8_t code) { return DecodeALaw(code); });
}

Result<std::unique_ptr<OpusEncoder16k>> OpusEncoder16k::Create(int bits_per_second) {
  int error = OPUS_OK;
  std::unique_ptr<OpusEncoder16k> result(new OpusEncoder16k);
  ::OpusEncoder* encoder = opus_encoder_create(kRateHz, 1, OPUS_APPLICATION_VOIP, &error);
  if (error != OPUS_OK) return MakeError(ErrorCode::kUnavailable, "opus: {}", opus_strerror(error));
  result->encoder_ = encoder;
  if (opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second)) != OPUS_OK) {
    return MakeError(ErrorCode::kInvalidArgument, "opus: no bit rate {}", bits_per_second);
  }
  return result;
}

OpusEncoder16k::~OpusEncoder16k() {
  if (encoder_ != nullptr) opus_encoder_destroy(static_cast<::OpusEncoder*>(encoder_));
}

Result<std::vector<uint8_t>> OpusEncoder16k::Encode(std::span<const float> samples) {
  SOTTO_CHECK(samples.size() == kPacketSamples);
  std::vector<uint8_t> packet(1500);
  const int size = opus_encode_float(static_cast<::OpusEncoder*>(encoder_), samples.data(), kPacketSamples,
                                     packet.data(), static_cast<opus_int32>(packet.size()));
  if (size < 0) return MakeError(ErrorCode::kUnavailable, "opus: {}", opus_strerror(size));
  packet.resize(static_cast<size_t>(size));
  return packet;
}

Result<std::unique_ptr<OpusDecoder16k>> OpusDecoder16k::Create() {
  int error = OPUS_OK;
  std::unique_ptr<OpusDecoder16k> result(new OpusDecoder16k);
  result->decoder_ = opus_decoder_create(kRateHz, 1, &error);
  if (error != OPUS_OK) return MakeError(ErrorCode::kUnavailable, "opus: {}", opus_strerror(error));
  return result;
}

OpusDecoder16k::~OpusDecoder16k() {
  if (decoder_ != nullptr) opus_decoder_destroy(static_cast<::OpusDecoder*>(decoder_));
}

Result<std::vector<float>> OpusDecoder16k::Decode(std::span<const uint8_t> packet) {
  std::vector<float> samples(kMaxPacketSamples);
  const bool lost = packet.empty();
  const int count = opus_decode_float(static_cast<::OpusDecoder*>(decoder_), lost ? nullptr : packet.data(),
                                      static_cast<opus_int32>(packet.size()), samples.data(),
                                      lost ? kPacketSamples : kMaxPacketSamples, 0);
  if (count < 0) return MakeError(ErrorCode::kCorrupt, "not an Opus packet: {}", opus_strerror(count));
  samples.resize(static_cast<size_t>(count));
  return samples;
}

}  // namespace sotto
