// The weights of a SpeechModel, packed for the kernels. Private to src/acoustic.
//
// Tensors of the GGUF (shape as in the file: row length first; d = d_model):
//   enc.conv1.weight [127, d] F32          enc.group_norm.weight, .bias [d]
//   enc.conv2.weight [7 d, 2d], .bias [2d]  columns: tap after tap, all channels of each (likewise conv3)
//   enc.conv3.weight [3 * 2d, d], .bias [d]
//   enc.blk.N.attn_norm.weight, ffn_norm.weight [d]   attn_q, attn_k, attn_v, attn_output .weight [d, d]
//   enc.blk.N.ffn_up.weight [d, d_ff], .bias   ffn_down.weight [d_ff, d], .bias   enc.output_norm.weight [d]
//   token_embd.weight [d, n_vocab]   dec.output_norm.weight [d]
//   dec.blk.N.* as the encoder's, and cross_attn_norm.weight, cross_attn_{q,k,v,output}.weight; ffn_up is
//   [d, 2 d_ff]: the values, then the gates
#pragma once

#include <optional>
#include <vector>

#include "acoustic/speech_model.h"
#include "nn/weight_matrix.h"

namespace sotto {

// Rows of self-attention's q and k are permuted within each head, so that the pairs that RoPE rotates lie
// n_rot / 2 apart: scores do not change by it, and vectors need no shuffling.
struct AttentionWeights {
  std::optional<WeightMatrix> q, k, v, output;  // [d, d]
};

struct SpeechLayerWeights {
  std::vector<float> attn_norm, cross_norm, ffn_norm;  // [d]; cross: decoder only
  AttentionWeights attn, cross;
  std::optional<WeightMatrix> up, down;
  std::vector<float> up_bias, down_bias;
};

struct SpeechWeights {
  std::optional<WeightMatrix> conv[3];  // [channels out, taps * channels in]; the first padded to 16 columns
  std::vector<float> conv_bias[3];      // the first: none
  std::vector<float> group_weight, group_bias;
  std::vector<SpeechLayerWeights> encoder;
  std::vector<float> encoder_norm;
  std::optional<WeightMatrix> embedding;  // [n_vocab, d], also the output matrix
  std::vector<SpeechLayerWeights> decoder;
  std::vector<float> decoder_norm;
  uint64_t fingerprint = 0;
};

inline size_t PaddedKernel(size_t kernel) { return (kernel + 15) / 16 * 16; }

Result<std::unique_ptr<const SpeechWeights>> BuildSpeechWeights(const SpeechConfig& config,
                                                                const GgufFile& file, ThreadTeam& team);

}  // namespace sotto
