// The decoder's forward pass for rows of any beams. One thread at a time; takes the turn of the team itself.
// Private to src/acoustic.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "acoustic/encoded_speech.h"
#include "acoustic/speech_model.h"
#include "acoustic/speech_weights.h"
#include "nn/compute.h"

namespace sotto {

// Floats of a layer and of all layers in a Beam::Node.
struct NodeLayout {
  size_t padded_head_dim;
  size_t layer_floats;
  size_t n_floats;
  explicit NodeLayout(const SpeechConfig& config)
      : padded_head_dim((config.head_dim + 15) / 16 * 16),
        layer_floats(2 * config.n_heads * padded_head_dim),
        n_floats(layer_floats * config.n_decoder_layers) {}
};

// One token of one beam.
struct DecoderRow {
  TokenId token = 0;
  size_t position = 0;
  std::span<const float* const> history = {};  // nodes of positions 0 .. position; the last is `node`
  float* node = nullptr;                       // filled here
  const EncodedSpeech* speech = nullptr;
  const EncodedSpeech::Pages* pages = nullptr;
};

class SpeechDecoder {
 public:
  // REQUIRES: `model` outlives it.
  SpeechDecoder(const SpeechModel& model, Isa isa, std::shared_ptr<SharedTeam> team, size_t max_rows);

  size_t max_rows() const { return max_rows_; }

  // Rows of the same sound should be neighbours; of one beam in the order of their positions. logits [n_rows,
  // n_vocab], log_sum [n_rows]. REQUIRES: 0 < rows.size() <= max_rows.
  //
  // `queries`: null, or a place for the queries of the cross-attention of every layer:
  // [n_layers][n_rows][d_model].
  void Decode(std::span<const DecoderRow> rows, float* logits, float* log_sum,
              std::vector<float>* queries = nullptr);

 private:
  void SelfAttention(const SpeechLayerWeights& layer, size_t index, std::span<const DecoderRow> rows);
  void CrossAttention(const SpeechLayerWeights& layer, size_t index, std::span<const DecoderRow> rows,
                      std::vector<float>* queries);
  void FeedForward(const SpeechLayerWeights& layer, size_t n);

  float* Rows(size_t index) { return scratch_.data() + index * max_rows_ * config_.d_model; }

  const SpeechConfig& config_;
  const SpeechWeights& weights_;
  const ActivationMode mode_;
  const NodeLayout nodes_;
  const size_t max_rows_;
  Compute compute_;
  AttentionParams cross_;
  RopeParams rope_;
  RopeAngles angles_;
  std::vector<float> scratch_;  // x, normed, q, k, v, attended: [max_rows, d_model] each
  std::vector<float> wide_;     // [max_rows, 2 d_ff], then [max_rows, d_ff]
  std::vector<int32_t> positions_;
  std::vector<GatheredSequence> histories_;
  std::vector<AttentionSequence> sounds_;
};

}  // namespace sotto
