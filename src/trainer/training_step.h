// One step of training by several workers: each computes the gradients of its own batch with its own Pass,
// then the team adds them up in the order of the workers and moves the weights. The outcome depends on the
// number of workers, not on timing.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "nn/thread_team.h"
#include "trainer/composed_rows.h"
#include "trainer/decoder.h"
#include "trainer/optimizer.h"

namespace sotto {

class TrainingStep {
 public:
  // Keeps a reference to `weights`. One worker a thread.
  TrainingStep(Weights& weights, const OptimizerOptions& options, Pass::Precision precision, int threads);

  // Calls work(worker, its pass) side by side, once a worker, with the pass refreshed; `work` leaves
  // gradients in its pass.
  using Work = std::function<void(size_t worker, Pass& pass)>;
  void Run(double rate, const Work& work);
  // Calls work(i) side by side for every worker, with one product thread each.
  void Together(const std::function<void(size_t worker)>& work);

  // After the last Run: what the passes see are the weights as they are.
  void Refresh();
  std::span<const std::unique_ptr<Pass>> passes() const { return passes_; }
  Optimizer& optimizer() { return optimizer_; }
  // From the next Run on these rows of the embedding are composed of others. Empty: none are.
  void Hold(ComposedRows rows) { composed_ = std::move(rows); }

 private:
  Weights& weights_;
  Optimizer optimizer_;
  ComposedRows composed_;
  ThreadTeam team_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace sotto
