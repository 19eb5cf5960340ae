#include "tiny_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "nn/block_formats.h"
#include "slm/gguf_writer.h"

namespace sotto {
namespace {

using Vector = std::vector<double>;
using Rows = std::vector<Vector>;

constexpr float kGraniteEmbedding = 3.0f, kGraniteResidual = 0.4f, kGraniteLogits = 2.5f,
                kGraniteAttention = 0.11f;
constexpr float kAttnCap = 3.0f, kFinalCap = 1.5f, kAttnFactor = 1.2f;
constexpr int kOriginalCtx = 24;

struct TensorSpec {
  std::string name;
  int rows;  // 1: a vector
  int columns;
  double center;
  double deviation;
};

std::vector<TensorSpec> Specs(const TinyModel& m) {
  std::vector<TensorSpec> specs;
  const auto matrix = [&](const std::string& name, int rows, int columns) {
    specs.push_back({name, rows, columns, 0, 1.4 / std::sqrt(columns)});
  };
  const auto norm = [&](const std::string& name, int n) { specs.push_back({name, 1, n, 1, 0.2}); };
  const auto bias = [&](const std::string& name, int n) { specs.push_back({name, 1, n, 0, 0.3}); };
  const int d_q = m.n_heads * m.head_dim, d_kv = m.n_kv_heads * m.head_dim;
  const bool bert = m.arch == "bert";
  specs.push_back({"token_embd.weight", m.n_vocab, m.d, 0, m.arch == "granite" ? 0.3 : 1.0});
  if (bert) {
    specs.push_back({"position_embd.weight", 64, m.d, 0, 0.5});
    specs.push_back({"token_types.weight", 2, m.d, 0, 0.5});
    norm("token_embd_norm.weight", m.d);
    bias("token_embd_norm.bias", m.d);
  } else {
    norm("output_norm.weight", m.d);
    if (!m.tied) matrix("output.weight", m.n_vocab, m.d);
  }
  if (m.rope_freqs) specs.push_back({"rope_freqs.weight", 1, m.n_rot / 2, 2, 0.9});
  if (m.longrope) {
    specs.push_back({"rope_factors_long.weight", 1, m.n_rot / 2, 3, 0.9});
    specs.push_back({"rope_factors_short.weight", 1, m.n_rot / 2, 1.5, 0.4});
  }
  for (int layer = 0; layer < m.n_layers; ++layer) {
    const std::string p = "blk." + std::to_string(layer) + ".";
    if (m.arch == "phi3") {
      matrix(p + "attn_qkv.weight", d_q + 2 * d_kv, m.d);
      matrix(p + "ffn_up.weight", 2 * m.d_ff, m.d);
    } else {
      matrix(p + "attn_q.weight", d_q, m.d);
      matrix(p + "attn_k.weight", d_kv, m.d);
      matrix(p + "attn_v.weight", d_kv, m.d);
      if (!bert) matrix(p + "ffn_gate.weight", m.d_ff, m.d);
      matrix(p + "ffn_up.weight", m.d_ff, m.d);
    }
    matrix(p + "attn_output.weight", m.d, d_q);
    matrix(p + "ffn_down.weight", m.d, m.d_ff);
    if (m.arch == "qwen2" || bert) {
      bias(p + "attn_q.bias", d_q);
      bias(p + "attn_k.bias", d_kv);
      bias(p + "attn_v.bias", d_kv);
    }
    if (bert) {
      bias(p + "attn_output.bias", m.d);
      bias(p + "ffn_up.bias", m.d_ff);
      bias(p + "ffn_down.bias", m.d);
      for (const char* name : {"attn_output_norm", "layer_output_norm"}) {
        norm(p + name + ".weight", m.d);
        bias(p + name + ".bias", m.d);
      }
      continue;
    }
    norm(p + "attn_norm.weight", m.d);
    norm(p + "ffn_norm.weight", m.d);
    if (m.arch == "qwen3") {
      norm(p + "attn_q_norm.weight", m.head_dim);
      norm(p + "attn_k_norm.weight", m.head_dim);
    }
    if (m.arch == "gemma2") {
      norm(p + "post_attention_norm.weight", m.d);
      norm(p + "post_ffw_norm.weight", m.d);
    }
  }
  return specs;
}

void SetMetadata(const TinyModel& m, GgufWriter& writer) {
  const std::string p = m.arch + ".";
  const bool bert = m.arch == "bert";
  writer.SetString("general.architecture", m.arch);
  writer.SetU32(p + "context_length", bert ? 64 : 512);
  writer.SetU32(p + "embedding_length", static_cast<uint32_t>(m.d));
  writer.SetU32(p + "block_count", static_cast<uint32_t>(m.n_layers));
  writer.SetU32(p + "feed_forward_length", static_cast<uint32_t>(m.d_ff));
  writer.SetU32(p + "attention.head_count", static_cast<uint32_t>(m.n_heads));
  writer.SetU32(p + "attention.head_count_kv", static_cast<uint32_t>(m.n_kv_heads));
  writer.SetU32(p + "attention.key_length", static_cast<uint32_t>(m.head_dim));
  writer.SetU32(p + "attention.value_length", static_cast<uint32_t>(m.head_dim));
  writer.SetF32(p + (bert ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"),
                static_cast<float>(m.eps));
  if (!bert) {
    writer.SetF32(p + "rope.freq_base", static_cast<float>(m.theta));
    writer.SetU32(p + "rope.dimension_count", static_cast<uint32_t>(m.n_rot));
  }
  if (m.arch == "gemma2") {
    writer.SetF32(p + "attn_logit_softcapping", kAttnCap);
    writer.SetF32(p + "final_logit_softcapping", kFinalCap);
    writer.SetU32(p + "attention.sliding_window", static_cast<uint32_t>(m.window));
  }
  if (m.sliding) writer.SetU32(p + "attention.sliding_window", static_cast<uint32_t>(m.window));
  if (m.arch == "granite") {
    writer.SetF32(p + "embedding_scale", kGraniteEmbedding);
    writer.SetF32(p + "residual_scale", kGraniteResidual);
    writer.SetF32(p + "logit_scale", kGraniteLogits);
    writer.SetF32(p + "attention.scale", kGraniteAttention);
  }
  if (m.longrope) {
    writer.SetF32(p + "rope.scaling.attn_factor", kAttnFactor);
    writer.SetU32(p + "rope.scaling.original_context_length", kOriginalCtx);
  }
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  for (int i = 0; i < m.n_vocab; ++i) {
    tokens.push_back(
        bert && i < 4 ? std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]"}[static_cast<size_t>(i)]
                      : "t" + std::to_string(i));
    types.push_back(1);
  }
  const std::string merges[] = {"t 1"};
  writer.SetString("tokenizer.ggml.model", bert ? "bert" : "gpt2");
  if (!bert) writer.SetString("tokenizer.ggml.pre", "gpt-2");
  writer.SetStringArray("tokenizer.ggml.tokens", tokens);
  writer.SetI32Array("tokenizer.ggml.token_type", types);
  writer.SetStringArray("tokenizer.ggml.merges", merges);
  writer.SetU32("tokenizer.ggml.unknown_token_id", 1);
  if (bert) {
    writer.SetU32("tokenizer.ggml.cls_token_id", 2);
    writer.SetU32("tokenizer.ggml.seperator_token_id", 3);
  }
}

class Naive {
 public:
  Naive(const TinyModel& m, int n_ctx) : m_(m), n_ctx_(n_ctx) {}

  const std::vector<float>& T(const std::string& name) const { return m_.tensors.at(name); }

  Vector MatVec(const std::string& name, const Vector& x) const {
    const std::vector<float>& w = T(name);
    Vector y(w.size() / x.size(), 0.0);
    for (size_t r = 0; r < y.size(); ++r) {
      for (size_t c = 0; c < x.size(); ++c) y[r] += static_cast<double>(w[r * x.size() + c]) * x[c];
    }
    return y;
  }

  void AddBias(const std::string& name, Vector& x) const {
    if (!m_.tensors.contains(name)) return;
    for (size_t i = 0; i < x.size(); ++i) x[i] += static_cast<double>(T(name)[i]);
  }

  Vector Rms(const Vector& x, const std::vector<float>& weight) const {
    double sum = 0;
    for (const double v : x) sum += v * v;
    const double scale =
        1 / std::sqrt(sum / static_cast<double>(x.size()) + static_cast<double>(static_cast<float>(m_.eps)));
    Vector y(x.size());
    for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * scale * static_cast<double>(weight[i]);
    return y;
  }

  Vector LayerNorm(const Vector& x, const std::string& name) const {
    double mean = 0, variance = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    Vector y(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      y[i] = (x[i] - mean) / std::sqrt(variance + static_cast<double>(static_cast<float>(m_.eps))) *
                 static_cast<double>(T(name + ".weight")[i]) +
             static_cast<double>(T(name + ".bias")[i]);
    }
    return y;
  }

  void Rope(Vector& x, int position) const {
    if (m_.arch == "bert") return;
    const bool adjacent = m_.arch == "llama" || m_.arch == "granite";
    const auto head_dim = static_cast<size_t>(m_.head_dim), rot = static_cast<size_t>(m_.n_rot);
    const double magnitude = m_.longrope ? static_cast<double>(kAttnFactor) : 1.0;
    for (size_t head = 0; head < x.size(); head += head_dim) {
      for (size_t i = 0; i < rot / 2; ++i) {
        double factor = 1;
        if (m_.rope_freqs) factor = static_cast<double>(T("rope_freqs.weight")[i]);
        if (m_.longrope) {
          factor = static_cast<double>(
              T(n_ctx_ > kOriginalCtx ? "rope_factors_long.weight" : "rope_factors_short.weight")[i]);
        }
        const double angle =
            position * std::pow(m_.theta, -2.0 * static_cast<double>(i) / static_cast<double>(rot)) / factor;
        double& a = x[head + (adjacent ? 2 * i : i)];
        double& b = x[head + (adjacent ? 2 * i + 1 : i + rot / 2)];
        const double c = std::cos(angle) * magnitude, s = std::sin(angle) * magnitude;
        const double new_a = a * c - b * s;
        b = a * s + b * c;
        a = new_a;
      }
    }
  }

  double AttentionScale() const {
    return m_.arch == "granite" ? static_cast<double>(kGraniteAttention)
                                : 1 / std::sqrt(static_cast<double>(m_.head_dim));
  }

  Vector Attend(int layer, size_t query, const Rows& q, const Rows& k, const Rows& v) const {
    const auto head_dim = static_cast<size_t>(m_.head_dim);
    const bool bert = m_.arch == "bert";
    Vector out(q[query].size(), 0.0);
    for (size_t head = 0; head < static_cast<size_t>(m_.n_heads); ++head) {
      const size_t kv = head / static_cast<size_t>(m_.n_heads / m_.n_kv_heads);
      Vector weights;
      std::vector<size_t> seen;
      double sum = 0;
      for (size_t p = 0; p < (bert ? q.size() : query + 1); ++p) {
        const bool slides = m_.sliding || (m_.arch == "gemma2" && layer % 2 == 0);
        if (slides && query - p >= static_cast<size_t>(m_.window)) continue;
        double score = 0;
        for (size_t i = 0; i < head_dim; ++i)
          score += q[query][head * head_dim + i] * k[p][kv * head_dim + i];
        score *= AttentionScale();
        if (m_.arch == "gemma2")
          score = static_cast<double>(kAttnCap) * std::tanh(score / static_cast<double>(kAttnCap));
        weights.push_back(std::exp(score));
        seen.push_back(p);
        sum += weights.back();
      }
      for (size_t n = 0; n < seen.size(); ++n) {
        for (size_t i = 0; i < head_dim; ++i)
          out[head * head_dim + i] += weights[n] / sum * v[seen[n]][kv * head_dim + i];
      }
    }
    return out;
  }

  static double Gelu(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  }

  Vector FeedForward(const std::string& p, const Vector& x) const {
    Vector up = MatVec(p + "ffn_up.weight", x), gate;
    AddBias(p + "ffn_up.bias", up);
    if (m_.arch == "phi3") {
      gate.assign(up.begin(), up.begin() + m_.d_ff);
      up.erase(up.begin(), up.begin() + m_.d_ff);
    } else if (m_.arch != "bert") {
      gate = MatVec(p + "ffn_gate.weight", x);
    }
    for (size_t i = 0; i < up.size(); ++i) {
      if (m_.arch == "bert") {
        up[i] = Gelu(up[i]);
      } else {
        up[i] *= m_.arch == "gemma2" ? Gelu(gate[i]) : gate[i] / (1 + std::exp(-gate[i]));
      }
    }
    Vector down = MatVec(p + "ffn_down.weight", up);
    AddBias(p + "ffn_down.bias", down);
    return down;
  }

  void Qkv(const std::string& p, const Vector& x, int position, Vector& q, Vector& k, Vector& v) const {
    const auto d_q = static_cast<std::ptrdiff_t>(m_.n_heads * m_.head_dim);
    const auto d_kv = static_cast<std::ptrdiff_t>(m_.n_kv_heads * m_.head_dim);
    if (m_.arch == "phi3") {
      const Vector all = MatVec(p + "attn_qkv.weight", x);
      q.assign(all.begin(), all.begin() + d_q);
      k.assign(all.begin() + d_q, all.begin() + d_q + d_kv);
      v.assign(all.begin() + d_q + d_kv, all.end());
    } else {
      q = MatVec(p + "attn_q.weight", x);
      k = MatVec(p + "attn_k.weight", x);
      v = MatVec(p + "attn_v.weight", x);
      AddBias(p + "attn_q.bias", q);
      AddBias(p + "attn_k.bias", k);
      AddBias(p + "attn_v.bias", v);
    }
    if (m_.arch == "qwen3") {
      const auto per_head = [&](Vector& all, const std::string& name) {
        for (std::ptrdiff_t h = 0; h < std::ssize(all); h += m_.head_dim) {
          const Vector normed = Rms(Vector(all.begin() + h, all.begin() + h + m_.head_dim), T(name));
          std::ranges::copy(normed, all.begin() + h);
        }
      };
      per_head(q, p + "attn_q_norm.weight");
      per_head(k, p + "attn_k_norm.weight");
    }
    Rope(q, position);
    Rope(k, position);
  }

  // Hidden states before the final norm (decoder) or the last (encoder).
  Rows Hidden(const std::vector<TokenId>& tokens) const {
    const bool bert = m_.arch == "bert";
    const auto d = static_cast<size_t>(m_.d);
    Rows x;
    for (size_t t = 0; t < tokens.size(); ++t) {
      Vector row(d);
      for (size_t i = 0; i < d; ++i) {
        row[i] = static_cast<double>(T("token_embd.weight")[static_cast<size_t>(tokens[t]) * d + i]);
        if (m_.arch == "gemma2") row[i] *= std::sqrt(static_cast<double>(m_.d));
        if (m_.arch == "granite") row[i] *= static_cast<double>(kGraniteEmbedding);
        if (bert)
          row[i] += static_cast<double>(T("position_embd.weight")[t * d + i]) +
                    static_cast<double>(T("token_types.weight")[i]);
      }
      x.push_back(bert ? LayerNorm(row, "token_embd_norm") : row);
    }
    for (int layer = 0; layer < m_.n_layers; ++layer) Layer(layer, x);
    return x;
  }

  void Layer(int layer, Rows& x) const {
    const std::string p = "blk." + std::to_string(layer) + ".";
    const bool bert = m_.arch == "bert";
    const double residual = m_.arch == "granite" ? static_cast<double>(kGraniteResidual) : 1.0;
    Rows q(x.size()), k(x.size()), v(x.size());
    for (size_t t = 0; t < x.size(); ++t) {
      Qkv(p, bert ? x[t] : Rms(x[t], T(p + "attn_norm.weight")), static_cast<int>(t), q[t], k[t], v[t]);
    }
    for (size_t t = 0; t < x.size(); ++t) {
      Vector out = MatVec(p + "attn_output.weight", Attend(layer, t, q, k, v));
      AddBias(p + "attn_output.bias", out);
      if (m_.arch == "gemma2") out = Rms(out, T(p + "post_attention_norm.weight"));
      for (size_t i = 0; i < out.size(); ++i) x[t][i] += residual * out[i];
      if (bert) x[t] = LayerNorm(x[t], p + "attn_output_norm");
      out = FeedForward(p, bert ? x[t] : Rms(x[t], T(p + "ffn_norm.weight")));
      if (m_.arch == "gemma2") out = Rms(out, T(p + "post_ffw_norm.weight"));
      for (size_t i = 0; i < out.size(); ++i) x[t][i] += residual * out[i];
      if (bert) x[t] = LayerNorm(x[t], p + "layer_output_norm");
    }
  }

 private:
  const TinyModel& m_;
  const int n_ctx_;
};

}  // namespace

TinyModel TinyModel::Make(TinyModel m) {
  Random random(m.seed);
  GgufWriter writer;
  SetMetadata(m, writer);
  std::map<std::string, std::vector<std::byte>> stored;
  const DType type = DTypeFromId(static_cast<uint32_t>(m.type)).value();
  for (const TensorSpec& spec : Specs(m)) {
    std::vector<float> values(static_cast<size_t>(spec.rows) * static_cast<size_t>(spec.columns));
    for (float& value : values) {
      value = static_cast<float>(spec.center + spec.deviation * (2 * random.Uniform() - 1));
    }
    const bool is_matrix =
        spec.rows > 1 && spec.name != "position_embd.weight" && spec.name != "token_types.weight";
    const auto columns = static_cast<size_t>(spec.columns);
    const DType stored_type = is_matrix ? type : DType::kF32;
    std::vector<std::byte>& data = stored[spec.name];
    data.resize(RowBytes(stored_type, columns) * static_cast<size_t>(spec.rows));
    for (size_t row = 0; row < static_cast<size_t>(spec.rows); ++row) {
      const std::span bytes(data.data() + row * RowBytes(stored_type, columns),
                            RowBytes(stored_type, columns));
      const std::span floats(values.data() + row * columns, columns);
      QuantizeRow(stored_type, floats, bytes);
      DequantizeRow(stored_type, bytes, floats);
    }
    std::vector<uint64_t> shape = {static_cast<uint64_t>(spec.columns)};
    if (spec.rows > 1) shape.push_back(static_cast<uint64_t>(spec.rows));
    writer.AddTensor(spec.name, stored_type, shape, data);
    m.tensors[spec.name] = std::move(values);
  }
  m.bytes = writer.ToBytes().value();
  return m;
}

std::shared_ptr<const Model> TinyModel::Load(LoadOptions options) const {
  auto gguf = GgufFile::Parse(bytes, "tiny-" + arch);
  EXPECT_TRUE(gguf.has_value()) << gguf.error().message;
  auto model = Model::FromGguf(*gguf, options);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return model.value_or(nullptr);
}

std::vector<std::vector<double>> TinyModel::NaiveLogits(const std::vector<TokenId>& tokens, int n_ctx) const {
  const Naive naive(*this, n_ctx);
  Rows logits;
  for (const Vector& hidden : naive.Hidden(tokens)) {
    Vector row = naive.MatVec(tied ? "token_embd.weight" : "output.weight",
                              naive.Rms(hidden, tensors.at("output_norm.weight")));
    for (double& value : row) {
      if (arch == "granite") value /= static_cast<double>(kGraniteLogits);
      if (arch == "gemma2")
        value = static_cast<double>(kFinalCap) * std::tanh(value / static_cast<double>(kFinalCap));
    }
    logits.push_back(row);
  }
  return logits;
}

std::vector<double> TinyModel::NaiveEmbedding(const std::vector<TokenId>& tokens) const {
  const Naive naive(*this, 0);
  Vector mean(static_cast<size_t>(d), 0.0);
  for (const Vector& row : naive.Hidden(tokens)) {
    for (size_t i = 0; i < row.size(); ++i) mean[i] += row[i];
  }
  double square = 0;
  for (const double value : mean) square += value * value;
  for (double& value : mean) value /= std::sqrt(square);
  return mean;
}

std::vector<TinyModel> TinyDecoders() {
  std::vector<TinyModel> shapes;
  shapes.push_back({.arch = "llama"});
  shapes.push_back({.arch = "llama", .theta = 500000, .tied = true, .rope_freqs = true, .seed = 2});
  shapes.push_back({.arch = "qwen2", .theta = 1e6, .seed = 3});
  shapes.push_back({.arch = "qwen3", .theta = 1e6, .tied = true, .seed = 4});
  shapes.push_back({.arch = "gemma2", .tied = true, .seed = 5});
  shapes.push_back({.arch = "phi3", .seed = 6});
  shapes.push_back({.arch = "phi3", .n_rot = 12, .longrope = true, .seed = 7});
  shapes.push_back({.arch = "granite", .tied = true, .seed = 8});
  shapes.push_back({.arch = "qwen3", .sliding = true, .tied = true, .seed = 9});
  shapes.push_back({.arch = "phi3", .window = 33, .sliding = true, .seed = 10});
  for (TinyModel& shape : shapes) shape = TinyModel::Make(std::move(shape));
  return shapes;
}

}  // namespace sotto
