#include "trainer/training_run.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/log.h"
#include "trainer/checkpoint.h"

namespace sotto {
namespace {

constexpr double kConstantShare = 0.1;  // of the run at full rate; the minutes are measured within it
constexpr int64_t kCurveEvery = 20;
constexpr double kWordsLeftOut = 0.25;  // of what composed rows mean, at a step

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

uint64_t Mix(uint64_t a, uint64_t b, uint64_t c) {
  uint64_t x = a * 0x9E3779B97F4A7C15ull + b * 0xBF58476D1CE4E5B9ull + c * 0x94D049BB133111EBull;
  x ^= x >> 31;
  x *= 0x9E3779B97F4A7C15ull;
  return x ^ (x >> 29);
}

}  // namespace

TrainingRun::TrainingRun(const RunOptions& options, const Corpus& corpus, const Tokenizer& tokenizer,
                         Weights& weights)
    : options_(options),
      corpus_(corpus),
      tokenizer_(tokenizer),
      weights_(weights),
      step_(weights, options.optimizer, options.precision, options.threads),
      total_steps_(options.steps) {}

void TrainingRun::Distil(const Weights* teacher, float share) {
  teacher_ = teacher;
  teacher_share_ = share;
  for (size_t i = 0; i < passes().size(); ++i) {
    teacher_passes_.push_back(Pass::Create(teacher->shape(), options_.precision));
    teacher_passes_.back()->Refresh(*teacher);
  }
}

void TrainingRun::Compose(ComposedRows rows) { composed_ = std::move(rows); }

double TrainingRun::Rate(int64_t step) const {
  const double warm =
      std::min(1.0, static_cast<double>(step + 1) / std::max(1, options_.optimizer.warmup_steps));
  if (total_steps_ == 0) return warm;
  const double hold = kConstantShare * static_cast<double>(total_steps_);
  const double left = (static_cast<double>(total_steps_) - static_cast<double>(step)) /
                      (static_cast<double>(total_steps_) - hold);
  return std::min(warm, std::clamp(left, 0.0, 1.0));
}

TrainingRun::StepOutcome TrainingRun::Step(int64_t step, double rate) {
  const size_t n = passes().size();
  std::vector<Batch> batches(n);
  std::vector<std::vector<RowScore>> scores(n);
  step_.Together([&](size_t i) {
    batches[i] = corpus_.Sample(tokenizer_, options_.sequence, options_.batch_tokens / static_cast<int>(n),
                                weights_.shape().n_ctx, Mix(options_.seed, static_cast<uint64_t>(step), i));
  });
  double weight = 0;
  for (const Batch& batch : batches) weight += batch.weight_sum();
  const auto scale = static_cast<float>(1.0 / std::max(weight, 1.0));
  if (!composed_.empty()) {
    Random random(Mix(options_.seed, static_cast<uint64_t>(step), n));
    step_.Hold(composed_.Sample(kWordsLeftOut, random));
  }
  step_.Run(rate, [&](size_t i, Pass& pass) {
    if (teacher_ == nullptr) {
      scores[i] = pass.Train(weights_, batches[i], scale);
      return;
    }
    at::Tensor goal;
    teacher_passes_[i]->Forward(*teacher_, batches[i], &goal);
    scores[i] = pass.TrainTowards(weights_, batches[i], goal.softmax(-1), teacher_share_, scale);
  });

  StepOutcome outcome;
  for (size_t i = 0; i < n; ++i) {
    outcome.tokens += batches[i].n_tokens();
    for (size_t r = 0; r < scores[i].size(); ++r) {
      outcome.loss +=
          static_cast<double>(batches[i].weights[r]) * static_cast<double>(scores[i][r].loss) / weight;
      if (batches[i].weights[r] < 1) continue;
      outcome.call_loss += scores[i][r].loss;
      outcome.call_rows += 1;
      outcome.call_hits += scores[i][r].hit ? 1 : 0;
    }
  }
  return outcome;
}

Result<int64_t> TrainingRun::Restore() {
  if (!options_.resume || !std::filesystem::exists(options_.checkpoint)) return 0;
  SOTTO_ASSIGN_OR_RETURN(const Json header, ReadCheckpointHeader(options_.checkpoint));
  const auto expect = [&](const char* key, uint64_t value) -> Result<void> {
    if (header.value(key, uint64_t{0}) == value) return {};
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: its {} is {}, this run's is {}; delete it to start again",
                     options_.checkpoint.string(), key, header.value(key, uint64_t{0}), value);
  };
  SOTTO_RETURN_IF_ERROR(expect("seed", options_.seed));
  SOTTO_RETURN_IF_ERROR(expect("threads", static_cast<uint64_t>(options_.threads)));
  SOTTO_RETURN_IF_ERROR(expect("parameters", static_cast<uint64_t>(weights_.flat().numel())));
  SOTTO_RETURN_IF_ERROR(ReadCheckpoint(options_.checkpoint, weights_, step_.optimizer()));
  if (total_steps_ == 0) total_steps_ = header.value("total_steps", int64_t{0});
  return header.value("step", int64_t{0});
}

void TrainingRun::Save(int64_t step, double seconds) {
  if (options_.checkpoint.empty()) return;
  const Json header{{"step", step},
                    {"total_steps", total_steps_},
                    {"seed", options_.seed},
                    {"threads", options_.threads},
                    {"parameters", weights_.flat().numel()},
                    {"seconds", seconds}};
  // A full disk must not end the run: the last whole checkpoint stays, and there may be room later.
  if (auto saved = WriteCheckpoint(options_.checkpoint, header, weights_, step_.optimizer()); !saved) {
    fmt::print(stderr, "\nsotto-train: checkpoint not written: {}\n", saved.error().message);
  }
}

void TrainingRun::Progress(int64_t step, double seconds, const CurvePoint& point, bool last) {
  const bool tty = isatty(STDERR_FILENO) != 0;
  if (!last && seconds - last_progress_ < (tty ? 1 : 15)) return;
  last_progress_ = seconds;
  const double total = static_cast<double>(total_steps_);
  const double share =
      total_steps_ > 0 ? static_cast<double>(step) / total : seconds / (60 * options_.minutes);
  const double left = share > 0 ? seconds / share - seconds : 0;
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * 20);
  const std::string line = fmt::format(
      "[{}{}] {}/{} loss {:.4f} accuracy {:.4f} {:.0f} tokens/s {}:{:02} left",
      std::string(static_cast<size_t>(filled), '#'), std::string(static_cast<size_t>(20 - filled), '.'), step,
      total_steps_ > 0 ? std::to_string(total_steps_) : std::string("?"), point.loss, point.token_accuracy,
      point.tokens_per_second, static_cast<int>(left) / 60, static_cast<int>(left) % 60);
  fmt::print(stderr, "{}{}{}", tty ? "\r" : "", line, tty && !last ? "" : "\n");
}

Result<RunResult> TrainingRun::Run(std::span<const LabelledConversation> held_out,
                                   const std::atomic<bool>& stop) {
  SOTTO_ASSIGN_OR_RETURN(int64_t step, Restore());
  at::set_num_threads(1);
  RunResult result;
  const int64_t first_step = step;
  const auto start = std::chrono::steady_clock::now();
  double next_save = options_.checkpoint_seconds;
  double next_eval = options_.eval_seconds;
  const double measure_until = std::min(60.0, 0.08 * 60 * options_.minutes);
  StepOutcome sum;
  double seconds_before = 0;
  double warm_seconds = 0;  // the first steps are slower: pages, code of the products
  while ((total_steps_ == 0 || step < total_steps_) && !stop) {
    const StepOutcome outcome = Step(step, Rate(step));
    ++step;
    sum.call_loss += outcome.call_loss;
    sum.call_rows += outcome.call_rows;
    sum.call_hits += outcome.call_hits;
    sum.tokens += outcome.tokens;
    result.tokens += outcome.tokens;
    const double seconds = SecondsSince(start);
    if (step == first_step + 3) warm_seconds = seconds;
    if (total_steps_ == 0 && seconds >= measure_until && step > first_step + 3) {
      const double each = (seconds - warm_seconds) / static_cast<double>(step - first_step - 3);
      total_steps_ =
          std::max(step + 1, step + static_cast<int64_t>((60 * options_.minutes - seconds) / each));
    }
    const bool last = step == total_steps_ || stop;
    if (step % kCurveEvery == 0 || last) {
      CurvePoint point{step, seconds, sum.call_loss / std::max(1.0, sum.call_rows),
                       sum.call_hits / std::max(1.0, sum.call_rows),
                       static_cast<double>(sum.tokens) / std::max(1e-6, seconds - seconds_before)};
      if (!held_out.empty() && seconds >= next_eval && !last) {
        RefreshPasses();
        const Score score = ScoreConversations(passes(), weights_, held_out, corpus_.tools(), tokenizer_);
        point.held_out_exact = score.exact();
        fmt::print(stderr, "{}step {}: held out exact {:.4f} name {:.4f} loss {:.4f}\n",
                   isatty(STDERR_FILENO) != 0 ? "\n" : "", step, score.exact(), score.name(), score.loss);
        next_eval = SecondsSince(start) + options_.eval_seconds;
      }
      result.curve.push_back(point);
      Progress(step, seconds, point, last);
      sum = {};
      seconds_before = SecondsSince(start);
    }
    if (seconds >= next_save) {
      Save(step, seconds);
      if (!options_.report.empty()) (void)WriteCurve(options_.report, result.curve);
      next_save = seconds + options_.checkpoint_seconds;
    }
  }
  result.steps = step;
  result.seconds = SecondsSince(start);
  result.tokens_per_second = static_cast<double>(result.tokens) / std::max(1e-9, result.seconds);
  result.interrupted = total_steps_ == 0 || step < total_steps_;
  if (result.interrupted) Save(step, result.seconds);
  composed_.Compose(weights_);  // of all their words
  RefreshPasses();
  if (!options_.report.empty()) SOTTO_RETURN_IF_ERROR(WriteCurve(options_.report, result.curve));
  return result;
}

}  // namespace sotto
