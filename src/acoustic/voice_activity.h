// How likely a person is speaking, 32 ms after 32 ms: Silero VAD (v5 and v6, 16 kHz), read from a GGUF that
// `sotto model import` made of its ONNX.
//
// VoiceActivityModel: any thread. VoiceActivity: the state of one stream (LSTM and the last 64
// samples), one thread at a time; a frame costs about 0.1 ms and allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "base/error.h"
#include "slm/gguf.h"

namespace sotto {

struct VoiceActivityWeights;

class VoiceActivityModel {
 public:
  static constexpr size_t kFrameSamples = 512;   // at 16 kHz
  static constexpr size_t kContextSamples = 64;  // of the frame before, read again
  static constexpr size_t kState = 128;

  // Errors name the file: not GGUF, another architecture, missing tensors, wrong shapes.
  static Result<std::shared_ptr<const VoiceActivityModel>> Open(const std::filesystem::path& path);
  static Result<std::shared_ptr<const VoiceActivityModel>> FromGguf(const GgufFile& gguf);
  ~VoiceActivityModel();

  const VoiceActivityWeights& weights() const { return *weights_; }

 private:
  VoiceActivityModel();
  std::unique_ptr<const VoiceActivityWeights> weights_;
};

class VoiceActivity {
 public:
  explicit VoiceActivity(std::shared_ptr<const VoiceActivityModel> model);
  ~VoiceActivity();
  VoiceActivity(VoiceActivity&&) noexcept;
  VoiceActivity& operator=(VoiceActivity&&) noexcept;

  // The probability of voice in the next frame. Samples that are no finite numbers count as 0. REQUIRES:
  // frame.size() == VoiceActivityModel::kFrameSamples.
  float Push(std::span<const float> frame);
  // As if new.
  void Reset();

 private:
  struct State;
  std::shared_ptr<const VoiceActivityModel> model_;
  std::unique_ptr<State> state_;
};

}  // namespace sotto
