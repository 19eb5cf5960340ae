#include "trainer/training_step.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

namespace sotto {
namespace {

constexpr size_t kPiece = size_t{1} << 16;  // gradients that are added up at once

}  // namespace

TrainingStep::TrainingStep(Weights& weights, const OptimizerOptions& options, Pass::Precision precision,
                           int threads)
    : weights_(weights), optimizer_(weights, options), team_(static_cast<size_t>(std::max(1, threads))) {
  for (size_t i = 0; i < team_.size(); ++i) passes_.push_back(Pass::Create(weights.shape(), precision));
}

void TrainingStep::Together(const std::function<void(size_t)>& work) {
  team_.ParallelFor(passes_.size(), 1, [&](size_t i, size_t, size_t) {
    at::set_num_threads(1);
    work(i);
  });
}

void TrainingStep::Run(double rate, const Work& work) {
  composed_.Compose(weights_);
  Together([&](size_t i) {
    passes_[i]->Refresh(weights_);
    work(i, *passes_[i]);
  });
  const KernelTable<float>& kernels = Kernels<float>();
  const auto size = static_cast<size_t>(weights_.flat().numel());
  auto* sum = passes_[0]->gradients().data_ptr<float>();
  team_.ParallelFor(size, kPiece, [&](size_t begin, size_t end, size_t) {
    for (size_t i = 1; i < passes_.size(); ++i) {
      float* part = passes_[i]->gradients().data_ptr<float>() + begin;
      kernels.accumulate(part, sum + begin, static_cast<int64_t>(end - begin));
      std::memset(part, 0, (end - begin) * sizeof(float));
    }
  });
  composed_.Distribute(weights_, sum);
  optimizer_.Step(weights_, passes_[0]->gradients(), rate, team_);
  team_.ParallelFor(size, kPiece, [&](size_t begin, size_t end, size_t) {
    std::memset(sum + begin, 0, (end - begin) * sizeof(float));
  });
}

void TrainingStep::Refresh() {
  for (const auto& pass : passes_) pass->Refresh(weights_);
}

}  // namespace sotto
