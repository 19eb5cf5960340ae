// Texts through a model with somebody looking: second moments of what goes into each matrix, and the
// distributions that come out.
//
// Sequences are token ids, each computed from position 0; those longer than the model's context are cut.
// Everything here computes on threads of its own and blocks. Pure but for that.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "slm/model.h"
#include "slm/weights.h"

namespace sotto {

using TokenSequences = std::vector<std::vector<TokenId>>;

// X^T X / n of the inputs x [n, width] of one matrix: symmetric, row-major.
struct InputMoments {
  size_t width = 0;
  size_t n = 0;
  std::vector<double> second;    // [width][width]
  std::vector<double> mean_abs;  // [width]
};

struct LayerInput {
  int layer = 0;
  LayerMatrix matrix = LayerMatrix::kAttnQ;  // kAttnQ or kAttnQkv, kAttnOutput, kFfnUp, kFfnDown
  auto operator<=>(const LayerInput&) const = default;
};
// The entry under which the input of a matrix is told.
LayerInput InputOf(int layer, LayerMatrix matrix, bool fused_qkv);

struct PassOptions {
  int n_threads = 2;
  // Of the inputs, evenly over each sequence: more only cost time.
  size_t most_rows = 16384;
  int only_layer = -1;  // of MeasureInputs: this one alone; negative: all
  std::function<void(size_t done, size_t total)> progress = nullptr;  // sequences
};

// kInvalidArgument: no sequences, an encoder, a token id out of range.
Result<std::map<LayerInput, InputMoments>> MeasureInputs(std::shared_ptr<const Model> model,
                                                         const TokenSequences& sequences,
                                                         const PassOptions& options);

struct Divergence {
  size_t tokens = 0;
  double kl = 0;              // mean KL(reference || other), nats a token
  double same_argmax = 0;     // share of positions
  double reference_loss = 0;  // mean -log p of the next token, nats
  double loss = 0;            // the same of the other
  double reference_perplexity() const;
  double perplexity() const;
};

// Of two models with the same vocabulary. kInvalidArgument: other vocabularies, no sequences.
Result<Divergence> MeasureDivergence(std::shared_ptr<const Model> reference,
                                     std::shared_ptr<const Model> other, const TokenSequences& sequences,
                                     const PassOptions& options);

}  // namespace sotto
