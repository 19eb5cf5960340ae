// The forward pass: from token ids to normalised hidden states and logits, for all architectures.
//
// A Transformer owns its threads and scratch memory, all of it allocated at the start: a step allocates
// nothing. Rows of activations are float [n_tokens, width]; a batch is the tokens of all its sequences, one
// after the other. One thread at a time. Immutable weights are shared.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "nn/compute.h"
#include "slm/kv_cache.h"
#include "slm/linear_observer.h"
#include "slm/lora.h"
#include "slm/model.h"
#include "slm/weights.h"

namespace sotto {

// Consecutive tokens of one sequence within a batch.
struct BatchSequence {
  KvCache* cache = nullptr;  // Reserve(tokens.size()) was called; Append is the caller's
  std::span<const TokenId> tokens = {};
  bool all_positions = false;  // hidden states of every token, otherwise of the last
  const LoraAdapter* lora = nullptr;

  size_t n_outputs() const { return all_positions ? tokens.size() : 1; }
};

// Whoever calls holds the turn of the team; between layers others may go first.
class Transformer {
 public:
  // REQUIRES: `model` outlives the Transformer.
  Transformer(const Model& model, const KvLayout& layout, Isa isa, std::shared_ptr<SharedTeam> team,
              size_t max_tokens);

  Compute& compute() { return compute_; }
  // Is told the inputs of every matrix of the layers from now on (decoders only); null: nobody is. It outlives
  // the Transformer.
  void Observe(LinearObserver* observer) { observer_ = observer; }

  // Fills the caches and returns the normalised hidden states: [sum of n_outputs, d_model], sequence after
  // sequence, valid until the next call. REQUIRES: every sequence has a token, at most max_tokens together,
  // ids and positions are valid.
  std::span<const float> Decode(std::span<const BatchSequence> batch);

  // logits [n, n_vocab] of hidden states [n, d_model], with the model's scale and cap.
  // `lora` may be null.
  void Logits(const float* hidden, size_t n, const LoraAdapter* lora, float* logits);
  // Of some rows: logits [rows.size()] of one hidden state.
  void LogitsOfRows(const float* hidden, std::span<const TokenId> rows, const LoraAdapter* lora,
                    float* logits);

  // An encoder's hidden states of one text: [tokens.size(), d_model], valid until the next call.
  std::span<const float> Encode(KvCache& cache, std::span<const TokenId> tokens);

 private:
  // Consecutive rows that use the same adapter.
  struct LoraRun {
    size_t first = 0;
    size_t count = 0;
    const LoraAdapter* adapter = nullptr;
  };
  // The rows that a part of a layer works on: all tokens, or in the last layer only those whose output is
  // wanted.
  struct Rows {
    size_t count = 0;
    std::span<const LoraRun> loras;
  };

  float* x() { return reinterpret_cast<float*>(x_.data()); }
  float* normed() { return reinterpret_cast<float*>(normed_.data()); }
  float* qkv() { return reinterpret_cast<float*>(qkv_.data()); }
  float* attended() { return reinterpret_cast<float*>(attended_.data()); }
  float* gate_up() { return reinterpret_cast<float*>(gate_up_.data()); }
  float* update() { return reinterpret_cast<float*>(update_.data()); }

  void PrepareBatch(std::span<const BatchSequence> batch);
  void Embed(std::span<const BatchSequence> batch);
  void Qkv(const LayerWeights& layer, int index, const Rows& rows);
  void PointAtLayer(std::span<const BatchSequence> batch, int index);
  void WriteKv();
  void Attend(std::span<const BatchSequence> batch, int index, bool outputs_only);
  void GatherOutputs();
  void AttentionOutput(const LayerWeights& layer, int index, const Rows& rows);
  void FeedForward(const LayerWeights& layer, int index, const Rows& rows);
  void EncoderLayer(const LayerWeights& layer, std::span<const BatchSequence> batch, int index,
                    const Rows& rows);
  // y += scale * B (A x) for the rows that have an adapter with this matrix.
  void AddLora(std::span<const LoraRun> runs, int layer, LayerMatrix matrix, const float* x, size_t x_width,
               float* y, size_t y_stride);
  void AddResidual(size_t n_rows);
  void Tell(int layer, LayerMatrix matrix, const float* x, const Rows& rows, size_t width) {
    if (observer_ != nullptr) observer_->OnInput(layer, matrix, {x, rows.count * width}, width);
  }

  const ModelConfig& config_;
  const ModelWeights& weights_;
  const ActivationMode mode_;
  LinearObserver* observer_ = nullptr;
  const size_t d_;
  const size_t d_q_;
  const size_t d_kv_;
  const size_t d_ff_;
  const size_t max_tokens_;
  Compute compute_;
  RopeParams rope_;
  RopeAngles angles_;
  AttentionParams attention_;

  // Scratch, each [max_tokens, its width]; memory that is never touched is never resident.
  AlignedBuffer x_, normed_, qkv_, attended_, gate_up_, update_;
  // Queries, keys and values lie in qkv_, one after the other or, where one fused matrix makes them, side by
  // side.
  float* q_;
  float* k_;
  float* v_;
  size_t q_stride_;
  size_t kv_stride_;

  // Of the batch being computed.
  size_t n_tokens_ = 0;
  std::vector<int32_t> positions_;
  std::vector<void*> page_pointers_;  // of the layer being computed, sequence after sequence
  std::vector<AttentionSequence> sequences_;
  std::vector<uint32_t> output_rows_;
  std::vector<LoraRun> lora_runs_;
  std::vector<LoraRun> output_lora_runs_;
  std::vector<float> lora_hidden_;
  std::vector<float> lora_update_;
};

}  // namespace sotto
