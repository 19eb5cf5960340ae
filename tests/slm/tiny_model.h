// Tiny models of every architecture with random weights of a fixed seed, written as GGUF, and a naive float64
// forward pass over the same weights that shares no code with the engine: the oracle of the numeric tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "slm/gguf.h"
#include "slm/model.h"

namespace sotto {

struct TinyModel {
  std::string arch = {};  // "llama", "qwen2", ...
  int n_vocab = 300;
  int d = 48;
  int n_layers = 3;
  int n_heads = 4;
  int n_kv_heads = 2;
  int head_dim = 20;
  int d_ff = 72;
  int n_rot = 20;
  double theta = 10000;
  double eps = 1e-5;
  int window = 7;  // gemma2; of the others where `sliding`
  bool sliding = false;
  bool tied = false;
  bool rope_freqs = false;   // llama 3
  bool longrope = false;     // phi3: original context 24
  DType type = DType::kF32;  // of the matrices; others need dims in whole blocks
  uint64_t seed = 1;

  // Filled by Make(): what the file's tensors hold after rounding to `type`. Matrices are [rows][columns].
  std::map<std::string, std::vector<float>> tensors = {};
  std::string bytes = {};

  static TinyModel Make(TinyModel shape);
  std::shared_ptr<const Model> Load(LoadOptions options) const;

  // Logits of every position [tokens.size()][n_vocab]. `n_ctx` chooses between long and short factors.
  std::vector<std::vector<double>> NaiveLogits(const std::vector<TokenId>& tokens, int n_ctx) const;
  // bert: the L2-normalised mean.
  std::vector<double> NaiveEmbedding(const std::vector<TokenId>& tokens) const;
};

// One of each: llama (plain, and with rope_freqs), qwen2, qwen3, gemma2, phi3 (plain, and longrope), granite,
// and qwen3 and phi3 with a sliding window.
std::vector<TinyModel> TinyDecoders();

}  // namespace sotto
