// Telephone and internet codecs. A-law and mu-law are ITU-T G.711 (8 kHz); Opus is RFC 6716 (libopus).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"

namespace sotto {

// One byte a sample. Pure functions.
uint8_t EncodeMuLaw(float sample);
float DecodeMuLaw(uint8_t code);
uint8_t EncodeALaw(float sample);
float DecodeALaw(uint8_t code);

std::vector<uint8_t> EncodeMuLaw(std::span<const float> samples);
std::vector<float> DecodeMuLaw(std::span<const uint8_t> codes);
std::vector<uint8_t> EncodeALaw(std::span<const float> samples);
std::vector<float> DecodeALaw(std::span<const uint8_t> codes);

// Mono speech, 20 ms a packet. One thread.
class OpusEncoder16k {
 public:
  static Result<std::unique_ptr<OpusEncoder16k>> Create(int bits_per_second = 24000);
  ~OpusEncoder16k();
  OpusEncoder16k(const OpusEncoder16k&) = delete;
  OpusEncoder16k& operator=(const OpusEncoder16k&) = delete;
  // REQUIRES: 320 samples.
  Result<std::vector<uint8_t>> Encode(std::span<const float> samples);

 private:
  OpusEncoder16k() = default;
  void* encoder_ = nullptr;
};

// One thread.
class OpusDecoder16k {
 public:
  static Result<std::unique_ptr<OpusDecoder16k>> Create();
  ~OpusDecoder16k();
  OpusDecoder16k(const OpusDecoder16k&) = delete;
  OpusDecoder16k& operator=(const OpusDecoder16k&) = delete;
  // An empty packet stands for a lost one of 20 ms: it is concealed. kCorrupt if it is not Opus.
  Result<std::vector<float>> Decode(std::span<const uint8_t> packet);

 private:
  OpusDecoder16k() = default;
  void* decoder_ = nullptr;
};

}  // namespace sotto
