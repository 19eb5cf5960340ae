#include "acoustic/tiny_speech_model.h"

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/random.h"
#include "nn/block_formats.h"
#include "slm/gguf_writer.h"

namespace sotto {
namespace {

using Rows = std::vector<std::vector<double>>;

// y = W x, W [rows][columns].
std::vector<double> Times(const std::vector<float>& weights, std::span<const double> x) {
  std::vector<double> y(weights.size() / x.size());
  for (size_t r = 0; r < y.size(); ++r) {
    for (size_t c = 0; c < x.size(); ++c) y[r] += static_cast<double>(weights[r * x.size() + c]) * x[c];
  }
  return y;
}

std::vector<double> Norm(std::span<const double> x, const std::vector<float>& weight) {
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  std::vector<double> y(x.size());
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = (x[i] - mean) / std::sqrt(variance + 1e-5) * static_cast<double>(weight[i]);
  return y;
}

double Gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

// Pairs (2i, 2i + 1) of each head, as published.
void Rotate(std::vector<double>& x, size_t n_heads, size_t n_rot, size_t position) {
  const size_t head_dim = x.size() / n_heads;
  for (size_t h = 0; h < n_heads; ++h) {
    for (size_t i = 0; i < n_rot / 2; ++i) {
      const double angle = static_cast<double>(position) *
                           std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(n_rot));
      double& a = x[h * head_dim + 2 * i];
      double& b = x[h * head_dim + 2 * i + 1];
      const double rotated = a * std::cos(angle) - b * std::sin(angle);
      b = a * std::sin(angle) + b * std::cos(angle);
      a = rotated;
    }
  }
}

std::vector<double> Attend(const std::vector<double>& q, const Rows& keys, const Rows& values,
                           size_t n_heads) {
  const size_t head_dim = q.size() / n_heads;
  std::vector<double> out(q.size());
  for (size_t h = 0; h < n_heads; ++h) {
    std::vector<double> weights(keys.size());
    double total = 0;
    for (size_t p = 0; p < keys.size(); ++p) {
      double score = 0;
      for (size_t i = h * head_dim; i < (h + 1) * head_dim; ++i) score += q[i] * keys[p][i];
      total += weights[p] = std::exp(score / std::sqrt(static_cast<double>(head_dim)));
    }
    for (size_t p = 0; p < keys.size(); ++p) {
      for (size_t i = h * head_dim; i < (h + 1) * head_dim; ++i) out[i] += weights[p] / total * values[p][i];
    }
  }
  return out;
}

void AddTo(std::vector<double>& x, const std::vector<double>& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}
void AddTo(std::vector<double>& x, const std::vector<float>& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += static_cast<double>(y[i]);
}

Rows Convolve(const Rows& x, const std::vector<float>& weights, size_t kernel, size_t stride) {
  Rows out;
  for (size_t first = 0; first + kernel <= x.size(); first += stride) {
    std::vector<double> window;
    for (size_t t = 0; t < kernel; ++t) window.insert(window.end(), x[first + t].begin(), x[first + t].end());
    out.push_back(Times(weights, window));
  }
  return out;
}

}  // namespace

TinySpeechModel TinySpeechModel::Make(TinySpeechModel m) {
  Random random(m.seed);
  GgufWriter writer;
  std::map<std::string, std::vector<std::byte>> stored;
  const auto add = [&](const std::string& name, size_t columns, size_t rows, double low, double high,
                       bool matrix) {
    std::vector<float>& values = m.tensors[name];
    for (size_t i = 0; i < columns * rows; ++i)
      values.push_back(static_cast<float>(low + (high - low) * random.Uniform()));
    const DType type = matrix && m.q8 ? DType::kQ8_0 : DType::kF32;
    std::vector<std::byte>& data = stored[name];
    data.resize(rows * RowBytes(type, columns));
    for (size_t r = 0; r < rows; ++r) {
      const std::span<float> row(values.data() + r * columns, columns);
      const std::span<std::byte> to(data.data() + r * RowBytes(type, columns), RowBytes(type, columns));
      QuantizeRow(type, row, to);
      DequantizeRow(type, to, row);
    }
    const uint64_t shape[] = {columns, rows};
    writer.AddTensor(name, type, std::span(shape, rows == 1 ? 1u : 2u), data);
  };
  const auto matrix = [&](const std::string& name, size_t columns, size_t rows) {
    const double range = 1.7 / std::sqrt(static_cast<double>(columns));
    add(name, columns, rows, -range, range, true);
  };
  const auto norm = [&](const std::string& name, size_t n) { add(name, n, 1, 0.7, 1.3, false); };
  const auto bias = [&](const std::string& name, size_t n) { add(name, n, 1, -0.2, 0.2, false); };
  const size_t d = m.d;
  add("enc.conv1.weight", 127, d, -0.4, 0.4, false);
  norm("enc.group_norm.weight", d);
  bias("enc.group_norm.bias", d);
  matrix("enc.conv2.weight", 7 * d, 2 * d);
  bias("enc.conv2.bias", 2 * d);
  matrix("enc.conv3.weight", 6 * d, d);
  bias("enc.conv3.bias", d);
  norm("enc.output_norm.weight", d);
  matrix("token_embd.weight", d, m.n_vocab);
  norm("dec.output_norm.weight", d);
  for (size_t i = 0; i < m.n_layers; ++i) {
    for (const std::string part : {"enc", "dec"}) {
      const std::string at = fmt::format("{}.blk.{}.", part, i);
      norm(at + "attn_norm.weight", d);
      norm(at + "ffn_norm.weight", d);
      std::vector<std::string> attentions = {"attn_"};
      if (part == "dec") {
        norm(at + "cross_attn_norm.weight", d);
        attentions.push_back("cross_attn_");
      }
      for (const std::string& attention : attentions) {
        for (const char* which : {"q", "k", "v", "output"}) matrix(at + attention + which + ".weight", d, d);
      }
      const size_t up = part == "dec" ? 2 * m.d_ff : m.d_ff;
      matrix(at + "ffn_up.weight", d, up);
      bias(at + "ffn_up.bias", up);
      matrix(at + "ffn_down.weight", m.d_ff, d);
      bias(at + "ffn_down.bias", d);
    }
  }
  writer.SetString("general.architecture", "moonshine");
  writer.SetString("general.name", "tiny-test");
  const std::pair<const char*, size_t> numbers[] = {{"embedding_length", d},
                                                    {"feed_forward_length", m.d_ff},
                                                    {"encoder.block_count", m.n_layers},
                                                    {"block_count", m.n_layers},
                                                    {"attention.head_count", m.n_heads},
                                                    {"rope.dimension_count", m.n_rot},
                                                    {"vocab_size", m.n_vocab},
                                                    {"context_length", 60}};
  for (const auto& [key, value] : numbers)
    writer.SetU32(fmt::format("moonshine.{}", key), static_cast<uint32_t>(value));
  writer.SetF32("moonshine.rope.freq_base", 10000.0f);
  writer.SetF32("moonshine.attention.layer_norm_epsilon", 1e-5f);
  std::vector<std::string> pieces = {"<unk>", "<s>", "</s>"};
  for (int i = 0; i < 256; ++i) pieces.push_back(fmt::format("<0x{:02X}>", i));
  for (size_t i = pieces.size(); i < m.n_vocab; ++i) pieces.push_back(fmt::format("▁{}", i));
  std::vector<int32_t> types(m.n_vocab, 1);
  types[0] = 2;
  types[1] = types[2] = 3;
  for (size_t i = 3; i < 259; ++i) types[i] = 6;
  const std::vector<float> scores(m.n_vocab, 0.0f);
  writer.SetString("tokenizer.ggml.model", "llama");
  writer.SetStringArray("tokenizer.ggml.tokens", std::span<const std::string>(pieces));
  writer.SetF32Array("tokenizer.ggml.scores", scores);
  writer.SetI32Array("tokenizer.ggml.token_type", types);
  writer.SetU32("tokenizer.ggml.bos_token_id", 1);
  writer.SetU32("tokenizer.ggml.eos_token_id", 2);
  writer.SetU32("tokenizer.ggml.unknown_token_id", 0);
  auto bytes = writer.ToBytes();
  SOTTO_CHECK(bytes.has_value());
  m.bytes = std::move(*bytes);
  return m;
}

std::shared_ptr<const SpeechModel> TinySpeechModel::Open(SpeechModelOptions options) const {
  auto gguf = GgufFile::Parse(bytes, "tiny.gguf");
  SOTTO_CHECK(gguf.has_value(), "{}", gguf.error().message);
  auto model = SpeechModel::FromGguf(*gguf, options);
  SOTTO_CHECK(model.has_value(), "{}", model.error().message);
  return *model;
}

Rows TinySpeechModel::NaiveFrames(std::span<const float> samples) const {
  Rows x;
  for (const float sample : samples) x.push_back({static_cast<double>(sample)});
  x = Convolve(x, tensors.at("enc.conv1.weight"), 127, 64);
  double mean = 0, variance = 0;
  const double count = static_cast<double>(x.size() * d);
  for (auto& row : x) {
    for (double& v : row) mean += (v = std::tanh(v)) / count;
  }
  for (const auto& row : x) {
    for (const double v : row) variance += (v - mean) * (v - mean) / count;
  }
  for (auto& row : x) {
    for (size_t i = 0; i < d; ++i) {
      row[i] = (row[i] - mean) / std::sqrt(variance + 1e-5) *
                   static_cast<double>(tensors.at("enc.group_norm.weight")[i]) +
               static_cast<double>(tensors.at("enc.group_norm.bias")[i]);
    }
  }
  for (const auto& [name, kernel, stride] : {std::tuple{"enc.conv2", 7, 3}, std::tuple{"enc.conv3", 3, 2}}) {
    x = Convolve(x, tensors.at(fmt::format("{}.weight", name)), static_cast<size_t>(kernel),
                 static_cast<size_t>(stride));
    for (auto& row : x) {
      AddTo(row, tensors.at(fmt::format("{}.bias", name)));
      for (double& v : row) v = Gelu(v);
    }
  }
  for (size_t layer = 0; layer < n_layers; ++layer) {
    const auto t = [&](const std::string& name) -> const std::vector<float>& {
      return tensors.at(fmt::format("enc.blk.{}.{}", layer, name));
    };
    Rows q, k, v;
    for (size_t p = 0; p < x.size(); ++p) {
      const auto normed = Norm(x[p], t("attn_norm.weight"));
      q.push_back(Times(t("attn_q.weight"), normed));
      k.push_back(Times(t("attn_k.weight"), normed));
      v.push_back(Times(t("attn_v.weight"), normed));
      Rotate(q[p], n_heads, n_rot, p);
      Rotate(k[p], n_heads, n_rot, p);
    }
    for (size_t p = 0; p < x.size(); ++p) {
      AddTo(x[p], Times(t("attn_output.weight"), Attend(q[p], k, v, n_heads)));
      auto wide = Times(t("ffn_up.weight"), Norm(x[p], t("ffn_norm.weight")));
      AddTo(wide, t("ffn_up.bias"));
      for (double& value : wide) value = Gelu(value);
      AddTo(x[p], Times(t("ffn_down.weight"), wide));
      AddTo(x[p], t("ffn_down.bias"));
    }
  }
  for (auto& row : x) row = Norm(row, tensors.at("enc.output_norm.weight"));
  return x;
}

Rows TinySpeechModel::NaiveLogits(const Rows& frames, std::span<const TokenId> tokens) const {
  Rows x;
  const std::vector<float>& embedding = tensors.at("token_embd.weight");
  for (const TokenId token : tokens) {
    const auto row = embedding.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(token) * d);
    x.emplace_back(row, row + static_cast<std::ptrdiff_t>(d));
  }
  for (size_t layer = 0; layer < n_layers; ++layer) {
    const auto t = [&](const std::string& name) -> const std::vector<float>& {
      return tensors.at(fmt::format("dec.blk.{}.{}", layer, name));
    };
    Rows cross_k, cross_v, k, v;
    for (const auto& frame : frames) {
      cross_k.push_back(Times(t("cross_attn_k.weight"), frame));
      cross_v.push_back(Times(t("cross_attn_v.weight"), frame));
    }
    for (size_t p = 0; p < x.size(); ++p) {
      const auto normed = Norm(x[p], t("attn_norm.weight"));
      auto q = Times(t("attn_q.weight"), normed);
      k.push_back(Times(t("attn_k.weight"), normed));
      v.push_back(Times(t("attn_v.weight"), normed));
      Rotate(q, n_heads, n_rot, p);
      Rotate(k[p], n_heads, n_rot, p);
      AddTo(x[p], Times(t("attn_output.weight"), Attend(q, k, v, n_heads)));
      const auto cross_q = Times(t("cross_attn_q.weight"), Norm(x[p], t("cross_attn_norm.weight")));
      AddTo(x[p], Times(t("cross_attn_output.weight"), Attend(cross_q, cross_k, cross_v, n_heads)));
      auto both = Times(t("ffn_up.weight"), Norm(x[p], t("ffn_norm.weight")));
      AddTo(both, t("ffn_up.bias"));
      std::vector<double> product(d_ff);
      for (size_t i = 0; i < d_ff; ++i)
        product[i] = both[i] * both[d_ff + i] / (1 + std::exp(-both[d_ff + i]));
      AddTo(x[p], Times(t("ffn_down.weight"), product));
      AddTo(x[p], t("ffn_down.bias"));
    }
  }
  Rows logits;
  for (const auto& row : x)
    logits.push_back(Times(embedding, Norm(row, tensors.at("dec.output_norm.weight"))));
  return logits;
}

std::vector<float> SomeSound(size_t n_samples, uint64_t seed) {
  Random random(seed);
  std::vector<float> samples(n_samples);
  double level = 0;
  for (size_t i = 0; i < n_samples; ++i) {
    level = 0.9 * level + 0.2 * (random.Uniform() - 0.5);
    samples[i] = static_cast<float>(0.4 * level + 0.2 * std::sin(0.05 * static_cast<double>(i)));
  }
  return samples;
}

}  // namespace sotto
