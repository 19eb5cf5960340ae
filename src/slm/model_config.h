// What kind of transformer a GGUF file holds: shapes and numeric conventions, read from its metadata.
// One struct describes all supported architectures, so that the forward pass has switches instead of classes.
// Source: the GGUF specification's `<architecture>.<key>` keys and llama.cpp's conventions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

class GgufFile;

enum class Arch { kLlama, kQwen2, kQwen3, kGemma2, kPhi3, kGranite, kBert };

// Which two components of a head RoPE turns together.
enum class RopePairs {
  kNone,
  kAdjacent,  // (2i, 2i+1)
  kHalves,    // (i, i + rope_dims/2)
};

enum class Gate { kSilu, kGeluTanh };
enum class SlidingLayers { kAll, kEven };  // kEven: gemma2
enum class Pooling { kNone, kMean, kCls };

// A plain value. Counts are in elements; all are > 0 unless said otherwise.
struct ModelConfig {
  Arch arch = Arch::kLlama;
  std::string arch_name;  // as in `general.architecture`
  std::string name;       // `general.name`, or empty

  int n_vocab = 0;
  int n_ctx_train = 0;  // `context_length`: the longest context the model was trained for
  int n_ctx = 0;        // the context this load was made for; positions are < n_ctx
  int d_model = 0;
  int n_layers = 0;
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;  // of queries, keys and values
  int d_ff = 0;
  float norm_eps = 0;

  RopePairs rope_pairs = RopePairs::kNone;
  int rope_dims = 0;  // components turned, <= head_dim; the rest is untouched
  float rope_theta = 10000;
  float rope_freq_scale = 1;   // 1 / linear scaling factor
  float rope_attn_factor = 1;  // multiplies cos and sin
  int rope_original_ctx = 0;   // 0: no long/short factors
  bool rope_use_long = false;  // long factors: n_ctx > rope_original_ctx

  float attention_scale = 0;    // multiplies q.k
  float attention_softcap = 0;  // 0: none
  float final_softcap = 0;      // 0: none
  int sliding_window = 0;       // 0: none; otherwise `sliding_layers` attend to this many positions
  SlidingLayers sliding_layers = SlidingLayers::kAll;
  float embedding_scale = 1;
  float residual_scale = 1;
  float logit_scale = 1;  // multiplies the logits

  Gate gate = Gate::kSilu;
  bool qk_norm = false;        // RMSNorm per head on q and k before RoPE
  bool post_norms = false;     // gemma2: norms behind attention and feed-forward
  bool fused_qkv = false;      // phi3: one matrix q|k|v
  bool fused_gate_up = false;  // phi3: one matrix gate|up
  bool causal = true;          // false: encoder
  Pooling pooling = Pooling::kNone;

  int d_q() const { return n_heads * head_dim; }
  int d_kv() const { return n_kv_heads * head_dim; }
  bool is_encoder() const { return !causal; }
  // How many positions the layer attends to; 0: all.
  int window_of(int layer) const {
    return sliding_layers == SlidingLayers::kAll || layer % 2 == 0 ? sliding_window : 0;
  }

  // Reads and validates the metadata. `n_ctx` 0 picks min(trained length, 8192), and for models with
  // long/short RoPE factors at most the original length. Errors name the file and list every missing key, or
  // the supported architectures.
  static Result<ModelConfig> FromGguf(const GgufFile& gguf, int n_ctx);
};

// "llama, qwen2, ...": static storage.
std::string_view SupportedArchitectures();

// "llama" -> kLlama; kUnsupported for others.
Result<Arch> ArchFromName(std::string_view name);

// The conventions that follow from the architecture alone (pairs, gate, norms, fused matrices).
void ApplyArchConventions(ModelConfig& config);

}  // namespace sotto
