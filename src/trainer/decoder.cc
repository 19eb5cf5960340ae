#include "trainer/decoder.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace sotto {
namespace {

template <typename T>
constexpr at::ScalarType kScalarType = std::is_same_v<T, float> ? at::kFloat : at::kBFloat16;

template <typename T>
T* Data(const at::Tensor& t) {
  return static_cast<T*>(t.data_ptr());
}

// What one layer keeps for the backward pass.
struct LayerState {
  at::Tensor x_attn, inv_attn, h_attn, qkv, lse, heads;
  at::Tensor x_ffn, inv_ffn, h_ffn, gate_up, gated;
};

template <typename T>
class PassOf final : public Pass {
 public:
  explicit PassOf(const DecoderShape& shape) : shape_(shape), kernels_(Kernels<T>()) {
    const int half = shape.head_dim / 2;
    cosines_ = at::empty({shape.n_ctx, half}, at::kFloat);
    sines_ = at::empty({shape.n_ctx, half}, at::kFloat);
    for (int p = 0; p < shape.n_ctx; ++p) {
      for (int i = 0; i < half; ++i) {
        const double angle = p * std::pow(static_cast<double>(shape.rope_theta), -2.0 * i / shape.head_dim);
        Data<float>(cosines_)[p * half + i] = static_cast<float>(std::cos(angle));
        Data<float>(sines_)[p * half + i] = static_cast<float>(std::sin(angle));
      }
    }
    layers_.resize(static_cast<size_t>(shape.n_layers));
  }

  void Refresh(const Weights& weights) override {
    if (!low_.defined()) low_ = at::empty_like(weights.flat(), kScalarType<T>);
    kernels_.convert(Data<float>(weights.flat()), Data<T>(low_), low_.numel());
  }

  at::Tensor& gradients() override { return gradients_; }
  ProductTime product_time() const override { return time_; }

  std::vector<RowScore> Forward(const Weights& weights, const Batch& batch, at::Tensor* logits) override {
    at::NoGradGuard no_grad;
    Run(weights, batch);
    std::vector<RowScore> scores(batch.rows.size());
    if (batch.rows.empty()) return scores;
    if (logits != nullptr) *logits = logits_.to(at::kFloat, false, /*copy=*/true);
    const std::vector<float> zero(batch.rows.size(), 0.0f);
    CrossEntropy(batch, zero, scores);
    return scores;
  }

  std::vector<RowScore> Train(const Weights& weights, const Batch& batch, float scale) override {
    at::NoGradGuard no_grad;
    Run(weights, batch);
    std::vector<RowScore> scores(batch.rows.size());
    if (batch.rows.empty()) return scores;
    std::vector<float> row_weights = batch.weights;
    for (float& w : row_weights) w *= scale;
    CrossEntropy(batch, row_weights, scores);
    Backward(weights, batch);
    return scores;
  }

  std::vector<RowScore> TrainTowards(const Weights& weights, const Batch& batch, const at::Tensor& teacher,
                                     float share, float scale) override {
    at::NoGradGuard no_grad;
    Run(weights, batch);
    std::vector<RowScore> scores(batch.rows.size());
    if (batch.rows.empty()) return scores;
    const int n = static_cast<int>(batch.rows.size());
    std::vector<float> soft = batch.weights;
    std::vector<float> hard = batch.weights;
    for (size_t i = 0; i < soft.size(); ++i) {
      soft[i] *= scale * share;
      hard[i] *= scale * (1 - share);
    }
    at::Tensor towards = logits_.clone();
    std::vector<float> divergence(batch.rows.size());
    kernels_.distill(Data<T>(towards), Data<float>(teacher), n, shape_.n_vocab, shape_.n_vocab, soft.data(),
                     divergence.data());
    CrossEntropy(batch, hard, scores);
    logits_.add_(towards);
    for (size_t i = 0; i < scores.size(); ++i) {
      scores[i].loss = share * divergence[i] + (1 - share) * scores[i].loss;
    }
    Backward(weights, batch);
    return scores;
  }

 private:
  at::Tensor Matrix(const Weights& weights, size_t parameter) const {
    const ParameterView& p = weights.view(parameter);
    return low_.narrow(0, p.offset, p.size()).view({p.rows, p.columns});
  }
  float* Gradient(const Weights& weights, size_t parameter) {
    return Data<float>(gradients_) + weights.view(parameter).offset;
  }

  // The first `rows` rows of a buffer that only grows.
  at::Tensor Room(at::Tensor& buffer, int64_t rows, int64_t columns, at::ScalarType type) {
    if (!buffer.defined() || buffer.size(0) < rows || buffer.size(1) != columns) {
      buffer = at::empty({std::max<int64_t>(rows, buffer.defined() ? buffer.size(0) : 0), columns}, type);
    }
    return buffer.narrow(0, 0, rows);
  }
  at::Tensor Low(at::Tensor& buffer, int64_t rows, int64_t columns) {
    return Room(buffer, rows, columns, kScalarType<T>);
  }
  at::Tensor Full(at::Tensor& buffer, int64_t rows, int64_t columns) {
    return Room(buffer, rows, columns, at::kFloat);
  }

  void Product(at::Tensor out, const at::Tensor& a, const at::Tensor& b) {
    const auto start = std::chrono::steady_clock::now();
    at::mm_out(out, a, b);
    time_.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    time_.operations += 2.0 * static_cast<double>(a.size(0)) * static_cast<double>(a.size(1)) *
                        static_cast<double>(b.size(1));
  }
  // gradient[parameter] += dy^T x
  void WeightGradient(const Weights& weights, size_t parameter, const at::Tensor& dy, const at::Tensor& x) {
    const ParameterView& p = weights.view(parameter);
    at::Tensor product = Low(d_matrix_[p.columns], p.rows, p.columns);
    Product(product, dy.t(), x);
    kernels_.accumulate(Data<T>(product), Gradient(weights, parameter), p.size());
  }

  AttentionShape Attention(const Weights& weights, const LayerViews& layer) const {
    return {shape_.n_heads,
            shape_.n_kv_heads,
            shape_.head_dim,
            shape_.norm_eps,
            Data<float>(cosines_),
            Data<float>(sines_),
            weights.data(layer.q_norm),
            weights.data(layer.k_norm)};
  }

  void CrossEntropy(const Batch& batch, const std::vector<float>& row_weights,
                    std::vector<RowScore>& scores) {
    kernels_.cross_entropy(Data<T>(logits_), static_cast<int>(batch.rows.size()), shape_.n_vocab,
                           shape_.n_vocab, batch.targets.data(), row_weights.data(), scores.data());
  }

  // Up to the logits of the batch's rows.
  void Run(const Weights& weights, const Batch& batch);
  // From the gradient that stands in logits_ to gradients_.
  void Backward(const Weights& weights, const Batch& batch);

  DecoderShape shape_;
  const KernelTable<T>& kernels_;
  at::Tensor low_, gradients_, cosines_, sines_;
  std::vector<LayerState> layers_;
  at::Tensor embedded_, branch_, x_final_, inv_final_, h_final_, h_rows_buffer_, h_rows_, logits_buffer_,
      logits_;
  at::Tensor dx_, dx_low_, d_h_, d_gated_, d_gate_up_, d_heads_, d_qkv_, d_h_rows_, d_h_final_;
  std::unordered_map<int64_t, at::Tensor> d_matrix_;
  ProductTime time_;
};

template <typename T>
void PassOf<T>::Run(const Weights& weights, const Batch& batch) {
  SOTTO_CHECK(low_.defined(), "Refresh() comes first");
  const int n = batch.n_tokens();
  const int d = shape_.d_model;
  at::Tensor x = Full(embedded_, n, d);
  const float* table = weights.data(weights.embedding());
  for (int i = 0; i < n; ++i) {
    const auto token = batch.tokens[static_cast<size_t>(i)];
    SOTTO_CHECK(token >= 0 && token < shape_.n_vocab);
    std::memcpy(Data<float>(x) + int64_t{i} * d, table + int64_t{token} * d,
                sizeof(float) * static_cast<size_t>(d));
  }
  const T* pending = nullptr;  // the branch that is not yet added to x
  at::Tensor branch = Low(branch_, n, d);
  for (int l = 0; l < shape_.n_layers; ++l) {
    const LayerViews& layer = weights.layer(l);
    LayerState& s = layers_[static_cast<size_t>(l)];
    at::Tensor x_attn = Full(s.x_attn, n, d);
    at::Tensor h = Low(s.h_attn, n, d);
    kernels_.residual_norm(Data<float>(x), pending, weights.data(layer.attn_norm), Data<float>(x_attn),
                           Data<T>(h), Data<float>(Full(s.inv_attn, n, 1)), n, d, shape_.norm_eps);
    at::Tensor qkv = Low(s.qkv, n, shape_.d_qkv());
    Product(qkv, h, Matrix(weights, layer.qkv).t());
    at::Tensor heads = Low(s.heads, n, shape_.d_q());
    kernels_.attention(Attention(weights, layer), batch.starts, Data<T>(qkv), Data<T>(heads),
                       Data<float>(Full(s.lse, n, shape_.n_heads)));
    Product(branch, heads, Matrix(weights, layer.attn_out).t());
    at::Tensor x_ffn = Full(s.x_ffn, n, d);
    h = Low(s.h_ffn, n, d);
    kernels_.residual_norm(Data<float>(x_attn), Data<T>(branch), weights.data(layer.ffn_norm),
                           Data<float>(x_ffn), Data<T>(h), Data<float>(Full(s.inv_ffn, n, 1)), n, d,
                           shape_.norm_eps);
    at::Tensor gate_up = Low(s.gate_up, n, 2 * shape_.d_ff);
    Product(gate_up, h, Matrix(weights, layer.gate_up).t());
    at::Tensor gated = Low(s.gated, n, shape_.d_ff);
    kernels_.swiglu(Data<T>(gate_up), Data<T>(gated), n, shape_.d_ff);
    Product(branch, gated, Matrix(weights, layer.down).t());
    pending = Data<T>(branch);
    x = x_ffn;
  }
  at::Tensor x_final = Full(x_final_, n, d);
  at::Tensor h_final = Low(h_final_, n, d);
  kernels_.residual_norm(Data<float>(x), pending, weights.data(weights.final_norm()), Data<float>(x_final),
                         Data<T>(h_final), Data<float>(Full(inv_final_, n, 1)), n, d, shape_.norm_eps);
  const auto n_rows = static_cast<int64_t>(batch.rows.size());
  if (n_rows == 0) return;
  h_rows_ = Low(h_rows_buffer_, n_rows, d);
  for (int64_t i = 0; i < n_rows; ++i) {
    std::memcpy(Data<T>(h_rows_) + i * d, Data<T>(h_final) + int64_t{batch.rows[static_cast<size_t>(i)]} * d,
                sizeof(T) * static_cast<size_t>(d));
  }
  logits_ = Low(logits_buffer_, n_rows, shape_.n_vocab);
  Product(logits_, h_rows_, Matrix(weights, weights.embedding()).t());
}

template <typename T>
void PassOf<T>::Backward(const Weights& weights, const Batch& batch) {
  if (!gradients_.defined()) gradients_ = at::zeros_like(weights.flat());
  const int n = batch.n_tokens();
  const int d = shape_.d_model;
  const auto n_rows = static_cast<int64_t>(batch.rows.size());
  WeightGradient(weights, weights.embedding(), logits_, h_rows_);
  at::Tensor d_h_rows = Low(d_h_rows_, n_rows, d);
  Product(d_h_rows, logits_, Matrix(weights, weights.embedding()));
  at::Tensor d_h = Low(d_h_final_, n, d);
  std::memset(d_h.data_ptr(), 0, sizeof(T) * static_cast<size_t>(n) * static_cast<size_t>(d));
  for (int64_t i = 0; i < n_rows; ++i) {
    std::memcpy(Data<T>(d_h) + int64_t{batch.rows[static_cast<size_t>(i)]} * d, Data<T>(d_h_rows) + i * d,
                sizeof(T) * static_cast<size_t>(d));
  }
  at::Tensor dx = Full(dx_, n, d);
  dx.zero_();
  at::Tensor dx_low = Low(dx_low_, n, d);
  kernels_.residual_norm_backward(Data<T>(d_h), Data<float>(x_final_), weights.data(weights.final_norm()),
                                  Data<float>(inv_final_), Data<float>(dx), Data<T>(dx_low),
                                  Gradient(weights, weights.final_norm()), n, d);
  for (int l = shape_.n_layers - 1; l >= 0; --l) {
    const LayerViews& layer = weights.layer(l);
    LayerState& s = layers_[static_cast<size_t>(l)];
    at::Tensor gated = s.gated.narrow(0, 0, n);
    WeightGradient(weights, layer.down, dx_low, gated);
    at::Tensor d_gated = Low(d_gated_, n, shape_.d_ff);
    Product(d_gated, dx_low, Matrix(weights, layer.down));
    at::Tensor d_gate_up = Low(d_gate_up_, n, 2 * shape_.d_ff);
    kernels_.swiglu_backward(Data<T>(s.gate_up), Data<T>(d_gated), Data<T>(d_gate_up), n, shape_.d_ff);
    WeightGradient(weights, layer.gate_up, d_gate_up, s.h_ffn.narrow(0, 0, n));
    d_h = Low(d_h_, n, d);
    Product(d_h, d_gate_up, Matrix(weights, layer.gate_up));
    kernels_.residual_norm_backward(Data<T>(d_h), Data<float>(s.x_ffn), weights.data(layer.ffn_norm),
                                    Data<float>(s.inv_ffn), Data<float>(dx), Data<T>(dx_low),
                                    Gradient(weights, layer.ffn_norm), n, d);
    WeightGradient(weights, layer.attn_out, dx_low, s.heads.narrow(0, 0, n));
    at::Tensor d_heads = Low(d_heads_, n, shape_.d_q());
    Product(d_heads, dx_low, Matrix(weights, layer.attn_out));
    at::Tensor d_qkv = Low(d_qkv_, n, shape_.d_qkv());
    kernels_.attention_backward(Attention(weights, layer), batch.starts, Data<T>(s.qkv), Data<T>(s.heads),
                                Data<float>(s.lse), Data<T>(d_heads), Data<T>(d_qkv),
                                Gradient(weights, layer.q_norm), Gradient(weights, layer.k_norm));
    WeightGradient(weights, layer.qkv, d_qkv, s.h_attn.narrow(0, 0, n));
    Product(d_h, d_qkv, Matrix(weights, layer.qkv));
    kernels_.residual_norm_backward(Data<T>(d_h), Data<float>(s.x_attn), weights.data(layer.attn_norm),
                                    Data<float>(s.inv_attn), Data<float>(dx), Data<T>(dx_low),
                                    Gradient(weights, layer.attn_norm), n, d);
  }
  float* d_table = Gradient(weights, weights.embedding());
  for (int i = 0; i < n; ++i) {
    float* row = d_table + int64_t{batch.tokens[static_cast<size_t>(i)]} * d;
    const float* from = Data<float>(dx) + int64_t{i} * d;
    for (int j = 0; j < d; ++j) row[j] += from[j];
  }
}

}  // namespace

std::unique_ptr<Pass> Pass::Create(const DecoderShape& shape, Precision precision) {
  if (precision == Precision::kF32) return std::make_unique<PassOf<float>>(shape);
  return std::make_unique<PassOf<Bf16>>(shape);
}

}  // namespace sotto
