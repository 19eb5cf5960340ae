// One training run: batches, steps, checkpoints, progress, until the budget is spent.
//
// The budget is steps, or minutes, which become steps after the first part of it (and are then recorded: the
// same --steps --seed --threads give the same weights). Rates are constant after the warm-up for the first
// tenth of the run and then fall to zero in a straight line. Workers compute parts of each batch side by
// side, with one product thread each (TrainingStep): a machine that is busy with other things costs only its
// share, where threads inside a product would wait for one another.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>

#include "trainer/corpus.h"
#include "trainer/curve.h"
#include "trainer/scoring.h"
#include "trainer/training_step.h"

namespace sotto {

struct RunOptions {
  int64_t steps = 0;  // 0: minutes decide
  double minutes = 10;
  uint64_t seed = 1;
  int threads = 1;
  int batch_tokens = 5120;
  Pass::Precision precision = Pass::Precision::kBf16;
  SequenceOptions sequence{0.1, 0.33, 0.1f};
  OptimizerOptions optimizer;
  std::filesystem::path checkpoint;  // empty: none
  bool resume = false;
  std::filesystem::path report;  // folder of the curve; empty: none
  double checkpoint_seconds = 60;
  double eval_seconds = 120;
};

struct RunResult {
  int64_t steps = 0;
  double seconds = 0;
  double tokens_per_second = 0;
  int64_t tokens = 0;
  bool interrupted = false;  // `stop` was set before the last step; the checkpoint holds the work
  std::vector<CurvePoint> curve;
};

class TrainingRun {
 public:
  TrainingRun(const RunOptions& options, const Corpus& corpus, const Tokenizer& tokenizer, Weights& weights);

  // Quick looks at `held_out` on the way (may be empty). `stop` may be set from a signal handler.
  Result<RunResult> Run(std::span<const LabelledConversation> held_out, const std::atomic<bool>& stop);
  // Towards a teacher's probabilities: `share` of the loss. The teacher has the same vocabulary.
  void Distil(const Weights* teacher, float share);
  // Holds the rows of fragments to what they mean (trainer/composed_rows.h), at every step to other words of
  // it.
  void Compose(ComposedRows rows);

  std::span<const std::unique_ptr<Pass>> passes() const { return step_.passes(); }
  void RefreshPasses() { step_.Refresh(); }

 private:
  struct StepOutcome {
    double loss = 0;  // weighted mean
    double call_loss = 0;
    double call_rows = 0;
    double call_hits = 0;
    int64_t tokens = 0;
  };
  StepOutcome Step(int64_t step, double rate);
  double Rate(int64_t step) const;
  Result<int64_t> Restore();
  void Save(int64_t step, double seconds);
  void Progress(int64_t step, double seconds, const CurvePoint& point, bool last);

  const RunOptions options_;
  const Corpus& corpus_;
  const Tokenizer& tokenizer_;
  Weights& weights_;
  TrainingStep step_;
  ComposedRows composed_;
  const Weights* teacher_ = nullptr;
  float teacher_share_ = 0;
  std::vector<std::unique_ptr<Pass>> teacher_passes_;
  int64_t total_steps_ = 0;  // 0: not known yet
  double last_progress_ = -1e9;
};

}  // namespace sotto
