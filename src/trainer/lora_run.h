// LoRA fine-tuning (Hu et al. 2021, arXiv:2106.09685) of a tied qwen3 model in GGUF, and the adapter as GGUF.
//
// For every matrix W of the layers a pair A [rank][in], B [out][rank]: W + (alpha / rank) B A. Each step
// writes the sum into the weights, runs the ordinary forward and backward pass and takes the gradients of A
// and B from that of W; the base stays as it was. Costs a copy of the weights, needs no second set of
// kernels, and the products are as fast as in full training. B starts at zero, so that step 0 is the base
// model.
#pragma once

#include <filesystem>
#include <vector>

#include "trainer/decoder.h"
#include "trainer/model_file.h"
#include "trainer/sequence.h"

namespace sotto {

struct LoraOptions {
  int rank = 8;
  double alpha = 16;
  double rate = 1e-3;
  int64_t steps = 200;
  int warmup_steps = 10;
  int batch_tokens = 2048;
  uint64_t seed = 1;
  Pass::Precision precision = Pass::Precision::kBf16;
};

class LoraRun {
 public:
  LoraRun(Weights& weights, const LoraOptions& options);

  // One step on a batch; returns the mean loss of its call tokens.
  double Step(const Batch& batch, double rate);
  // `sequences` are drawn at random until the steps are spent; `progress`(step, loss) after each.
  void Run(const std::vector<TrainSequence>& sequences, const std::function<void(int64_t, double)>& progress);
  // Writes base + adapter into the weights, as they are trained.
  void Merge();
  Result<void> WriteAdapter(const std::filesystem::path& path, const std::string& name) const;
  Pass& pass() { return *pass_; }

 private:
  struct Pair {
    TensorPiece piece;
    at::Tensor base, a, b;          // base: a copy of W's rows
    at::Tensor m_a, v_a, m_b, v_b;  // Adam's moments
  };
  at::Tensor Rows(const TensorPiece& piece, const at::Tensor& flat) const;
  void Adam(at::Tensor& parameter, const at::Tensor& gradient, at::Tensor& m, at::Tensor& v,
            double rate) const;

  Weights& weights_;
  const LoraOptions options_;
  std::unique_ptr<Pass> pass_;
  std::vector<Pair> pairs_;
  int64_t steps_ = 0;
};

}  // namespace sotto
