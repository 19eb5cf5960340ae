#include "trainer/decoder.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "trainer/training_step.h"

namespace sotto {
namespace {

DecoderShape SmallShape(int head_dim) {
  DecoderShape shape;
  shape.n_vocab = 75;
  shape.d_model = 64;
  shape.n_layers = 2;
  shape.n_heads = 4;
  shape.n_kv_heads = 2;
  shape.head_dim = head_dim;
  shape.d_ff = 96;
  shape.n_ctx = 128;
  return shape;
}

Batch SmallBatch(const DecoderShape& shape, uint64_t seed) {
  Random random(seed);
  Batch batch;
  for (const int length : {5, 41, 1, 70}) {
    const int start = batch.n_tokens();
    for (int i = 0; i < length; ++i) {
      batch.tokens.push_back(static_cast<int32_t>(random.Below(static_cast<size_t>(shape.n_vocab))));
    }
    for (int i = 0; i + 1 < length; ++i) {
      if (!random.Chance(0.4)) continue;
      batch.rows.push_back(start + i);
      batch.targets.push_back(batch.tokens[static_cast<size_t>(start + i + 1)]);
      batch.weights.push_back(random.Chance(0.5) ? 1.0f : 0.1f);
    }
    batch.starts.push_back(batch.n_tokens());
  }
  return batch;
}

// The same model in ordinary differentiable operations, one sequence at a time.
class Reference {
 public:
  explicit Reference(const Weights& weights) : shape_(weights.shape()) {
    for (const ParameterView& p : weights.parameters()) {
      at::Tensor t = weights.flat().narrow(0, p.offset, p.size()).clone().view({p.rows, p.columns});
      leaves_[p.name] = (p.rows == 1 ? t.view({p.columns}) : t).requires_grad_(true);
    }
  }

  at::Tensor Logits(const Batch& batch) {
    std::vector<at::Tensor> all;
    for (size_t i = 0; i + 1 < batch.starts.size(); ++i) {
      const int64_t begin = batch.starts[i];
      const int64_t end = batch.starts[i + 1];
      const at::Tensor tokens = at::tensor(batch.tokens, at::kInt).to(at::kLong).slice(0, begin, end);
      all.push_back(Sequence(tokens));
    }
    return at::cat(all).index_select(0, at::tensor(batch.rows, at::kInt).to(at::kLong));
  }
  at::Tensor Loss(const Batch& batch) {
    const at::Tensor log_p = Logits(batch).log_softmax(-1);
    const at::Tensor targets = at::tensor(batch.targets, at::kInt).to(at::kLong).unsqueeze(1);
    return -(log_p.gather(1, targets).squeeze(1) * at::tensor(batch.weights)).sum();
  }
  at::Tensor& leaf(const std::string& name) { return leaves_.at(name); }

 private:
  at::Tensor Norm(const at::Tensor& x, const std::string& gain) {
    return x * (x.pow(2).mean(-1, true) + shape_.norm_eps).rsqrt() * leaf(gain);
  }
  at::Tensor Rope(const at::Tensor& x) {  // [heads][n][d]
    const int64_t half = shape_.head_dim / 2;
    const at::Tensor frequency =
        at::pow(shape_.rope_theta, -at::arange(half, at::kDouble) * 2.0 / shape_.head_dim);
    const at::Tensor angle = at::outer(at::arange(x.size(1), at::kDouble), frequency);
    const at::Tensor c = angle.cos().to(at::kFloat);
    const at::Tensor s = angle.sin().to(at::kFloat);
    const at::Tensor a = x.narrow(-1, 0, half);
    const at::Tensor b = x.narrow(-1, half, half);
    return at::cat({a * c - b * s, b * c + a * s}, -1);
  }
  at::Tensor Sequence(const at::Tensor& tokens) {
    const int64_t n = tokens.size(0);
    const int64_t dim = shape_.head_dim;
    at::Tensor x = leaf("token_embd.weight").index_select(0, tokens);
    const at::Tensor mask = at::full({n, n}, -INFINITY).triu(1);
    for (int l = 0; l < shape_.n_layers; ++l) {
      const std::string prefix = "blk." + std::to_string(l) + ".";
      const at::Tensor qkv =
          Norm(x, prefix + "attn_norm.weight").matmul(leaf(prefix + "attn_qkv.weight").t());
      const auto heads = [&](int64_t from, int64_t count) {
        return qkv.narrow(1, from * dim, count * dim).view({n, count, dim}).transpose(0, 1);
      };
      const int64_t repeat = shape_.n_heads / shape_.n_kv_heads;
      const at::Tensor q = Rope(Norm(heads(0, shape_.n_heads), prefix + "attn_q_norm.weight"));
      const at::Tensor k =
          Rope(Norm(heads(shape_.n_heads, shape_.n_kv_heads), prefix + "attn_k_norm.weight"));
      const at::Tensor v = heads(shape_.n_heads + shape_.n_kv_heads, shape_.n_kv_heads);
      const at::Tensor p =
          (q.matmul(k.repeat_interleave(repeat, 0).transpose(1, 2)) / std::sqrt(static_cast<double>(dim)) +
           mask)
              .softmax(-1);
      const at::Tensor o = p.matmul(v.repeat_interleave(repeat, 0)).transpose(0, 1).reshape({n, -1});
      x = x + o.matmul(leaf(prefix + "attn_output.weight").t());
      const at::Tensor gate_up =
          Norm(x, prefix + "ffn_norm.weight").matmul(leaf(prefix + "ffn_gate_up.weight").t());
      const at::Tensor gated =
          at::silu(gate_up.narrow(1, 0, shape_.d_ff)) * gate_up.narrow(1, shape_.d_ff, shape_.d_ff);
      x = x + gated.matmul(leaf(prefix + "ffn_down.weight").t());
    }
    return Norm(x, "output_norm.weight").matmul(leaf("token_embd.weight").t());
  }

  DecoderShape shape_;
  std::map<std::string, at::Tensor> leaves_;
};

Weights RandomWeights(const DecoderShape& shape) {
  Weights weights(shape);
  Random random(7);
  weights.Initialise(random);
  for (const ParameterView& p : weights.parameters()) {  // gains that are not all 1, embeddings that matter
    at::Tensor t = weights.flat().narrow(0, p.offset, p.size());
    if (p.rows == 1) {
      for (int64_t i = 0; i < p.size(); ++i)
        t.data_ptr<float>()[i] += static_cast<float>(random.Uniform() - 0.5);
    } else if (!p.matrix) {
      t.mul_(10);
    }
  }
  return weights;
}

class DecoderTest : public testing::TestWithParam<int> {};

TEST_P(DecoderTest, LogitsAndGradientsAreThoseOfAutomaticDifferentiation) {
  at::set_num_threads(1);
  const DecoderShape shape = SmallShape(GetParam());
  const Weights weights = RandomWeights(shape);
  const Batch batch = SmallBatch(shape, 3);
  Reference reference(weights);
  const auto pass = Pass::Create(shape, Pass::Precision::kF32);
  pass->Refresh(weights);
  at::Tensor logits;
  pass->Forward(weights, batch, &logits);
  EXPECT_LT((logits - reference.Logits(batch)).abs().max().item<float>(), 1e-4);

  const std::vector<RowScore> scores = pass->Train(weights, batch, 0.5f);
  const at::Tensor loss = reference.Loss(batch) * 0.5;
  double ours = 0;
  for (size_t i = 0; i < scores.size(); ++i) ours += 0.5 * scores[i].loss * batch.weights[i];
  EXPECT_NEAR(ours, loss.item<double>(), 1e-3);
  loss.backward();
  for (const ParameterView& p : weights.parameters()) {
    const at::Tensor expected = reference.leaf(p.name).grad().reshape({-1});
    const at::Tensor got = pass->gradients().narrow(0, p.offset, p.size());
    const float scale = std::max(expected.abs().max().item<float>(), 1e-3f);
    EXPECT_LT((got - expected).abs().max().item<float>() / scale, 2e-4) << p.name;
  }
}

TEST_P(DecoderTest, Bf16StaysNearFloat) {
  at::set_num_threads(1);
  const DecoderShape shape = SmallShape(GetParam());
  const Weights weights = RandomWeights(shape);
  const Batch batch = SmallBatch(shape, 3);
  const auto exact = Pass::Create(shape, Pass::Precision::kF32);
  const auto fast = Pass::Create(shape, Pass::Precision::kBf16);
  exact->Refresh(weights);
  fast->Refresh(weights);
  exact->Train(weights, batch, 1.0f);
  fast->Train(weights, batch, 1.0f);
  for (const ParameterView& p : weights.parameters()) {
    const at::Tensor a = exact->gradients().narrow(0, p.offset, p.size());
    const at::Tensor b = fast->gradients().narrow(0, p.offset, p.size());
    const double cosine = (a.dot(b) / (a.norm() * b.norm())).item<double>();
    EXPECT_GT(cosine, 0.99) << p.name;
  }
}

INSTANTIATE_TEST_SUITE_P(HeadSizes, DecoderTest, testing::Values(32, 64, 128));

TEST(Optimizer, LearnsToRepeat) {
  at::set_num_threads(1);
  DecoderShape shape = SmallShape(32);
  Weights weights(shape);
  Random random(1);
  weights.Initialise(random);
  TrainingStep training(weights, {}, Pass::Precision::kBf16, 2);
  const Batch batch = SmallBatch(shape, 5);
  float first = 0;
  float last = 0;
  for (int step = 0; step < 40; ++step) {
    std::vector<RowScore> scores;
    training.Run(std::min(1.0, (step + 1) / 5.0), [&](size_t worker, Pass& pass) {
      auto of_worker = pass.Train(weights, batch, 0.5f / static_cast<float>(batch.weight_sum()));
      if (worker == 0) scores = std::move(of_worker);
    });
    float sum = 0;
    for (const RowScore& s : scores) sum += s.loss;
    (step == 0 ? first : last) = sum;
  }
  EXPECT_LT(last, first * 0.1f);
}

TEST(Optimizer, OrthogonaliseBringsSingularValuesNearOne) {
  at::manual_seed(1);
  const at::Tensor x = Orthogonalise(at::randn({2, 96, 64}), 5).to(at::kFloat);
  const at::Tensor gram = at::bmm(x.transpose(1, 2), x);
  const at::Tensor diagonal = gram.diagonal(0, 1, 2);
  EXPECT_GT(diagonal.min().item<float>(), 0.2);
  EXPECT_LT(diagonal.max().item<float>(), 2.0);
}

}  // namespace
}  // namespace sotto
