#include "trainer/bench.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "trainer/corpus.h"
#include "trainer/training_step.h"

namespace sotto {
namespace {

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Like generated conversations: 40 to 160 tokens, a third of them with loss.
Batch RandomBatch(const DecoderShape& shape, int n_tokens, Random& random) {
  Batch batch;
  while (batch.n_tokens() < n_tokens) {
    const int start = batch.n_tokens();
    const int length = std::min(40 + static_cast<int>(random.Below(120)), shape.n_ctx);
    for (int i = 0; i < length; ++i) {
      batch.tokens.push_back(static_cast<int32_t>(random.Below(static_cast<size_t>(shape.n_vocab))));
    }
    for (int i = 0; i + 1 < length; ++i) {
      if (!random.Chance(0.35)) continue;
      batch.rows.push_back(start + i);
      batch.targets.push_back(batch.tokens[static_cast<size_t>(start + i + 1)]);
      batch.weights.push_back(1);
    }
    batch.starts.push_back(batch.n_tokens());
  }
  PadBatch(batch);
  return batch;
}

// Seconds that one worker's products of a step take: forward, both gradients of each.
double BareProducts(const DecoderShape& shape, at::ScalarType type, int64_t n, int64_t n_rows) {
  at::NoGradGuard no_grad;
  struct Shape {
    int64_t rows, in, out;
  };
  const std::array<Shape, 5> shapes{{{n, shape.d_model, shape.d_qkv()},
                                     {n, shape.d_q(), shape.d_model},
                                     {n, shape.d_model, 2 * shape.d_ff},
                                     {n, shape.d_ff, shape.d_model},
                                     {n_rows, shape.d_model, shape.n_vocab}}};
  double total = 0;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Shape& s = shapes[i];
    const at::Tensor x = at::randn({s.rows, s.in}).to(type);
    const at::Tensor w = at::randn({s.out, s.in}).to(type);
    const at::Tensor dy = at::randn({s.rows, s.out}).to(type);
    at::Tensor y = at::empty({s.rows, s.out}, type);
    at::Tensor dx = at::empty({s.rows, s.in}, type);
    at::Tensor dw = at::empty({s.out, s.in}, type);
    double best = 1e9;
    for (int repeat = 0; repeat < 6; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      at::mm_out(y, x, w.t());
      at::mm_out(dx, dy, w);
      at::mm_out(dw, dy.t(), x);
      best = std::min(best, SecondsSince(start));
    }
    total += best * (i + 1 < shapes.size() ? shape.n_layers : 1);
  }
  return total;
}

}  // namespace

Json BenchTraining(const DecoderShape& shape, Pass::Precision precision, int threads, int batch_tokens,
                   double seconds) {
  at::set_num_threads(1);
  Random random(1);
  Weights weights(shape);
  weights.Initialise(random);
  TrainingStep training(weights, {}, precision, threads);
  std::vector<Batch> batches;
  for (int i = 0; i < threads; ++i) batches.push_back(RandomBatch(shape, batch_tokens / threads, random));
  const auto step = [&] {
    training.Run(1e-3, [&](size_t i, Pass& pass) { pass.Train(weights, batches[i], 1e-4f); });
  };
  const Pass& first = *training.passes()[0];
  for (int i = 0; i < 3; ++i) step();
  const Pass::ProductTime before = first.product_time();
  const auto start = std::chrono::steady_clock::now();
  int steps = 0;
  for (; SecondsSince(start) < seconds; ++steps) step();
  const double each = SecondsSince(start) / steps;
  const Pass::ProductTime after = first.product_time();
  const double product = (after.seconds - before.seconds) / steps;
  const double operations = (after.operations - before.operations) / steps;
  const auto type = precision == Pass::Precision::kF32 ? at::kFloat : at::kBFloat16;
  // Side by side as in training: two cores together are not twice as fast as one.
  std::vector<double> alone(batches.size());
  training.Together([&](size_t i) {
    alone[i] = BareProducts(shape, type, batches[i].n_tokens(), static_cast<int64_t>(batches[i].rows.size()));
  });
  const double bare = *std::max_element(alone.begin(), alone.end());
  int64_t tokens = 0;
  for (const Batch& batch : batches) tokens += batch.n_tokens();
  return Json{{"parameters", shape.ParameterCount()},
              {"precision", precision == Pass::Precision::kF32 ? "f32" : "bf16"},
              {"threads", threads},
              {"tokens_per_step", tokens},
              {"tokens_per_second", static_cast<double>(tokens) / each},
              {"step_ms", each * 1e3},
              {"product_ms", product * 1e3},
              {"bare_product_ms", bare * 1e3},
              {"product_gflops", operations / product / 1e9},
              {"bare_product_gflops", operations / bare / 1e9},
              {"share_of_bare_products", bare / each}};
}

}  // namespace sotto
