// A tiny recogniser with random weights of a fixed seed, made as GGUF in memory, and a naive float64 forward
// pass over the same weights that shares no code with the engine: the oracle of the tests, which need no
// downloaded model.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "acoustic/speech_model.h"

namespace sotto {

struct TinySpeechModel {
  size_t d = 96;
  size_t n_layers = 2;
  size_t n_heads = 4;
  size_t n_rot = 16;
  size_t d_ff = 64;
  size_t n_vocab = 300;
  bool q8 = false;  // matrices as Q8_0; `tensors` holds what they were rounded to
  uint64_t seed = 1;

  std::map<std::string, std::vector<float>> tensors = {};
  std::string bytes = {};

  static TinySpeechModel Make(TinySpeechModel shape);
  std::shared_ptr<const SpeechModel> Open(SpeechModelOptions options) const;

  // [n_frames][d]
  std::vector<std::vector<double>> NaiveFrames(std::span<const float> samples) const;
  // Logits behind each token: [tokens.size()][n_vocab].
  std::vector<std::vector<double>> NaiveLogits(const std::vector<std::vector<double>>& frames,
                                               std::span<const TokenId> tokens) const;
};

// A second of something that is no silence.
std::vector<float> SomeSound(size_t n_samples, uint64_t seed);

}  // namespace sotto
