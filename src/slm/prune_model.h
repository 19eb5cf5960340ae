// A narrower model file: the feed-forward neurons, attention heads and (where asked) channels of the residual stream
// that its activations say matter least are taken out, the same number in every layer, so that the file is ordinary
// GGUF of the same architecture.
//
//   neurons   importance E[h_i^2] |w_i|^2: what column i of ffn_down adds to the stream
//   heads     whole groups of a key/value head and its query heads; with one group only, query heads of it.
//             importance tr(W_h E[x x^T] W_h^T) of the head's columns of attn_output
//   channels  E[x_i^2] of what the layers read, each layer counting the same
//
// What is left of ffn_down and attn_output is fitted by least squares to what the whole matrix gave on the same texts
// (as in Frantar & Alistarh, "SparseGPT", 2023, for columns); gains of norms are scaled to the channels that are left.
// Source of the criterion: Muralidharan et al., "Compact Language Models via Pruning and Knowledge Distillation" (Minitron),
// 2024 (arXiv 2407.14679), which then distils. Blocks; pure but for the file that it writes.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "slm/gguf.h"
#include "slm/observed_pass.h"

namespace sotto {

struct PruneOptions {
  double keep = 0.5;         // of neurons and heads, (0, 1]
  double keep_channels = 1;  // of the residual stream
  bool fit = true;           // least squares of what is left
  double damp = 0.01;        // of its normal equations
  int n_threads = 2;
  size_t most_rows = 16384;                                           // inputs a matrix is looked at with
  std::function<void(size_t done, size_t total)> progress = nullptr;  // sequences, then tensors
};

struct ModelWidth {
  size_t d_model = 0, d_ff = 0, n_heads = 0, n_kv_heads = 0;
  uint64_t parameters = 0;
};
struct Pruned {
  ModelWidth before, after;
  // Of what neurons and heads add to the stream (summed importance), means over layers.
  double neurons_kept = 0, heads_kept = 0;
};

// Widths are rounded to multiples of 32. kInvalidArgument: shares out of range, no sequences; kUnsupported: fused or
// missing matrices, an encoder, experts.
Result<Pruned> PruneModel(std::shared_ptr<const GgufFile> in, const TokenSequences& sequences,
                          const std::filesystem::path& out, const PruneOptions& options);

}  // namespace sotto
