// The encoder's forward pass, and the decoder's cross keys and values from it. One thread at a time; whoever
// calls holds no turn of the team: it is taken here and passed on between layers. Private to src/acoustic.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "acoustic/encoded_speech.h"
#include "acoustic/speech_model.h"
#include "acoustic/speech_weights.h"
#include "nn/compute.h"

namespace sotto {

class SpeechEncoder {
 public:
  // REQUIRES: `model` outlives it.
  SpeechEncoder(const SpeechModel& model, Isa isa, std::shared_ptr<SharedTeam> team);

  // Fills `pages` and, where it is not null, `frames` [n_frames, d_model]. REQUIRES: FramesOf(samples.size())
  // > 0.
  void Encode(std::span<const float> samples, EncodedSpeech::Pages& pages, std::vector<float>* frames);

 private:
  // A buffer of floats that only grows.
  class Buffer {
   public:
    float* Get(size_t n) {
      if (n > size_) {
        size_ = n + n / 4;
        memory_ = AlignedBuffer(size_ * sizeof(float));
      }
      return reinterpret_cast<float*>(memory_.data());
    }

   private:
    AlignedBuffer memory_;
    size_t size_ = 0;
  };

  // A convolution without padding over rows [n_in, channels] as a product: y [n_out, rows of the weights].
  void Convolve(const WeightMatrix& weights, const float* x, size_t row_floats, size_t step_floats,
                size_t n_out, ActivationMode mode, float* y);
  size_t Stem(std::span<const float> samples);
  void Layer(const SpeechLayerWeights& layer, size_t n);
  void Cross(size_t n, EncodedSpeech::Pages& pages);
  void PreparePages(size_t n);

  const SpeechConfig& config_;
  const SpeechWeights& weights_;
  const ActivationMode mode_;
  Compute compute_;
  AttentionParams attention_;
  RopeParams rope_;
  RopeAngles angles_;
  std::vector<int32_t> positions_;
  Buffer windows_, stem_a_, stem_b_, x_, normed_, q_, k_, v_, attended_, wide_;
  AlignedBuffer page_memory_;
  std::vector<void*> pages_;
  std::vector<const void*> const_pages_;
};

}  // namespace sotto
