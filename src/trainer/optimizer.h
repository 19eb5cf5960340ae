// Muon for hidden matrices, Adam for embeddings and gains.
//
// Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): Nesterov momentum, then a
// Newton-Schulz iteration in bf16 that brings every singular value of the update near 1. Fused matrices are
// orthogonalised part by part (q, k, v; gate, up), all layers' equal parts as one batch. Adam: Kingma & Ba
// 2015 with decoupled decay off. State is two flat buffers in the layout of Weights::flat(). The team shares
// the work; the outcome does not depend on how.
#pragma once

#include "nn/thread_team.h"
#include "trainer/decoder.h"

namespace sotto {

struct OptimizerOptions {
  double matrix_rate = 0.02;
  double adam_rate = 3e-3;
  double momentum = 0.95;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double matrix_decay = 0.0;  // of matrices, times the rate
  double clip = 1.0;          // global norm of the gradient that Adam sees
  int warmup_steps = 60;
};

class Optimizer {
 public:
  Optimizer(const Weights& weights, const OptimizerOptions& options);
  // Changes `weights` by `gradients` (flat); `rate` scales both learning rates (the schedule's factor).
  void Step(Weights& weights, const at::Tensor& gradients, double rate, ThreadTeam& team);

  at::Tensor& first_moment() { return first_; }  // also Muon's momentum
  at::Tensor& second_moment() { return second_; }
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  // A part of a matrix, in the flat buffer.
  struct Part {
    int64_t offset, rows, columns;
  };
  // What Adam moves, in pieces.
  struct Range {
    int64_t offset, size;
  };
  void MoveMatrices(const std::vector<Part>& parts, float* weights, const float* gradients, double rate);

  OptimizerOptions options_;
  const OptimizerKernels& kernels_;
  std::vector<std::vector<Part>> groups_;  // parts of equal shape, a few each
  std::vector<Range> others_;
  at::Tensor first_, second_;
  int64_t steps_ = 0;
};

// What Adam's kernel needs at step `step` (from 1) with these betas: rate and root corrected for the moments'
// start at zero. Gradients are multiplied by `scale`.
OptimizerKernels::Adam AdamAt(int64_t step, double rate, double beta1, double beta2, double scale);

// The Newton-Schulz iteration on a batch [n][rows][columns] (any float type; computed in bf16).
at::Tensor Orthogonalise(const at::Tensor& batch, int steps);

}  // namespace sotto
