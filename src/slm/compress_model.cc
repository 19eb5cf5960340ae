#include "slm/compress_model.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <thread>

#include "base/check.h"
#include "nn/block_formats.h"
#include "slm/gguf_writer.h"
#include "slm/gptq.h"

namespace sotto {
namespace {

using Bytes = std::vector<std::byte>;

// Calls `each(row)` for all rows, on some threads.
template <typename Each>
void ForRows(size_t n_rows, int n_threads, const Each& each) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    constexpr size_t kRows = 8;
    for (size_t first = next.fetch_add(kRows); first < n_rows; first = next.fetch_add(kRows)) {
      for (size_t row = first; row < std::min(first + kRows, n_rows); ++row) each(row);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < n_threads; ++i) threads.emplace_back(work);
  work();
}

// Sum over the rows of w H w^T.
double Energy(const std::vector<float>& w, size_t n_cols, std::span<const double> h) {
  const std::vector<float> zero(n_cols, 0);
  double energy = 0;
  for (size_t row = 0; row < w.size() / n_cols; ++row)
    energy += OutputError(std::span(w).subspan(row * n_cols, n_cols), zero, h);
  return energy;
}

class Compressor {
 public:
  Compressor(std::shared_ptr<const GgufFile> in, const TokenSequences& sequences,
             const CompressOptions& options)
      : in_(std::move(in)), sequences_(sequences), options_(options) {}

  Result<Compressed> Run(const std::filesystem::path& out) {
    SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const Model> model, Model::FromGguf(in_, Loading()));
    if (model->config().is_encoder())
      return MakeError(ErrorCode::kInvalidArgument, "{} is an encoder; gptq and awq are for decoders",
                       in_->path());
    const int n_layers = model->config().n_layers;
    fused_qkv_ = model->config().fused_qkv;
    fused_gate_up_ = model->config().fused_gate_up;
    n_heads_ = static_cast<size_t>(model->config().n_heads);
    n_kv_heads_ = static_cast<size_t>(model->config().n_kv_heads);
    head_dim_ = static_cast<size_t>(model->config().head_dim);
    model.reset();
    if (options_.method == QuantizeMethod::kAwq) {
      SOTTO_ASSIGN_OR_RETURN(const auto inputs, Measure(-1));
      for (int layer = 0; layer < n_layers; ++layer) {
        SOTTO_RETURN_IF_ERROR(AwqLayer(layer, inputs));
        if (options_.progress)
          options_.progress(static_cast<size_t>(layer) + 1, static_cast<size_t>(n_layers));
      }
    } else if (options_.method == QuantizeMethod::kGptq) {
      for (int layer = 0; layer < n_layers; ++layer) {
        SOTTO_ASSIGN_OR_RETURN(const auto inputs, Measure(layer));
        SOTTO_RETURN_IF_ERROR(GptqLayer(layer, inputs));
        if (options_.progress)
          options_.progress(static_cast<size_t>(layer) + 1, static_cast<size_t>(n_layers));
      }
    }
    QuantizeOptions quantize;
    quantize.n_threads = options_.n_threads;
    quantize.replaced = [this](const GgufTensor& tensor, DType) -> std::span<const std::byte> {
      const auto found = replaced_.find(tensor.name);
      return found == replaced_.end() ? std::span<const std::byte>()
                                      : std::span<const std::byte>(found->second);
    };
    SOTTO_RETURN_IF_ERROR(QuantizeModel(*in_, options_.recipe, out, quantize));
    done_.sequences = sequences_.size();
    for (const auto& sequence : sequences_) done_.tokens += sequence.size();
    return std::move(done_);
  }

 private:
  LoadOptions Loading() const { return {.n_threads = options_.n_threads}; }

  // Inputs with every matrix that is rounded already as it was rounded.
  Result<std::map<LayerInput, InputMoments>> Measure(int only_layer) {
    std::shared_ptr<const GgufFile> file = in_;
    if (!replaced_.empty()) {
      GgufWriter writer;
      writer.CopyMetadata(*in_);
      for (const GgufTensor& tensor : in_->tensors()) {
        const std::span<const uint64_t> shape(tensor.shape.data(), static_cast<size_t>(tensor.n_dims));
        const auto found = replaced_.find(tensor.name);
        if (found == replaced_.end()) {
          writer.AddTensor(tensor.name, tensor.type, shape, tensor.data);
        } else {
          writer.AddTensor(tensor.name, QuantizedType(*in_, tensor, options_.recipe), shape, found->second);
        }
      }
      SOTTO_ASSIGN_OR_RETURN(std::string bytes, writer.ToBytes());
      SOTTO_ASSIGN_OR_RETURN(file, GgufFile::Parse(std::move(bytes), in_->path()));
    }
    SOTTO_ASSIGN_OR_RETURN(auto model, Model::FromGguf(file, Loading()));
    PassOptions pass;
    pass.n_threads = options_.n_threads;
    pass.most_rows = options_.most_rows;
    pass.only_layer = only_layer;
    return MeasureInputs(std::move(model), sequences_, pass);
  }

  static std::string NameOf(int layer, LayerMatrix matrix) {
    return fmt::format("blk.{}.{}.weight", layer, LayerMatrixName(matrix));
  }
  Result<std::vector<float>> Floats(const GgufTensor& tensor) const {
    return TensorToFloats(tensor, tensor.data, in_->path());
  }
  // Null: there is none, or it cannot be calibrated.
  const GgufTensor* Calibrated(int layer, LayerMatrix matrix) const {
    const GgufTensor* tensor = in_->FindTensor(NameOf(layer, matrix));
    if (tensor == nullptr || !CanGptq(QuantizedType(*in_, *tensor, options_.recipe))) return nullptr;
    return tensor;
  }

  Result<void> GptqLayer(int layer, const std::map<LayerInput, InputMoments>& inputs) {
    std::map<LayerInput, std::vector<double>> factors;
    for (int i = 0; i < kNumLayerMatrices; ++i) {
      const auto matrix = static_cast<LayerMatrix>(i);
      const GgufTensor* tensor = Calibrated(layer, matrix);
      if (tensor == nullptr) continue;
      const LayerInput input = InputOf(layer, matrix, fused_qkv_);
      const InputMoments& moments = inputs.at(input);
      SOTTO_CHECK(moments.width == tensor->shape[0]);
      std::vector<double>& u = factors[input];
      if (u.empty()) {
        SOTTO_ASSIGN_OR_RETURN(u, InverseFactor(moments.second, moments.width, options_.damp));
      }
      SOTTO_ASSIGN_OR_RETURN(const std::vector<float> w, Floats(*tensor));
      Write(*tensor, w, w, moments.second,
            [&u](DType type, std::vector<float>& row, std::span<std::byte> out) {
              GptqRow(type, row, u, out);
            });
    }
    return {};
  }

  // Rounds `scaled` (what is stored) row by row with `round`, keeps plain rounding of a row where that computes
  // better, and notes the errors. `h`: of the inputs that the stored matrix sees.
  template <typename Round>
  void Write(const GgufTensor& tensor, const std::vector<float>& plain, const std::vector<float>& scaled,
             std::span<const double> h, const Round& round, double exponent = 0,
             std::span<const double> plain_h = {}) {
    const DType type = QuantizedType(*in_, tensor, options_.recipe);
    const auto n_cols = static_cast<size_t>(tensor.shape[0]);
    const auto n_rows = static_cast<size_t>(tensor.n_rows());
    const size_t row_bytes = RowBytes(type, n_cols);
    Bytes bytes(n_rows * row_bytes);
    std::vector<double> errors(n_rows), rounded(n_rows);
    ForRows(n_rows, options_.n_threads, [&](size_t row) {
      const std::span<const float> w = std::span(scaled).subspan(row * n_cols, n_cols);
      const std::span<std::byte> out = std::span(bytes).subspan(row * row_bytes, row_bytes);
      std::vector<float> work(w.begin(), w.end());
      std::vector<float> back(n_cols);
      Bytes other(row_bytes);
      round(type, work, out);
      DequantizeRow(type, out, back);
      errors[row] = OutputError(back, w, h);
      QuantizeRow(type, w, other);
      DequantizeRow(type, other, back);
      const double simple = OutputError(back, w, h);
      if (simple < errors[row] || !std::isfinite(errors[row])) {
        std::copy(other.begin(), other.end(), out.begin());
        errors[row] = simple;
      }
      if (plain_h.empty()) {
        rounded[row] = simple;
      } else {
        const std::span<const float> p = std::span(plain).subspan(row * n_cols, n_cols);
        QuantizeRow(type, p, other);
        DequantizeRow(type, other, back);
        rounded[row] = OutputError(back, p, plain_h);
      }
    });
    CompressedMatrix note{std::string(tensor.name), 0, 0, exponent};
    const double energy = std::max(Energy(scaled, n_cols, h), 1e-300);
    for (size_t row = 0; row < n_rows; ++row) {
      note.rounded += rounded[row] / energy;
      note.error += errors[row] / energy;
    }
    done_.matrices.push_back(std::move(note));
    replaced_[std::string(tensor.name)] = std::move(bytes);
  }

  // --- AWQ ---

  struct Scaled {
    const GgufTensor* tensor;
    std::vector<float> w;
  };
  // The matrices of one input with column j times scale[j], rounded for inputs divided by it: squared error.
  double AwqError(const std::vector<Scaled>& group, const InputMoments& moments,
                  std::span<const double> scale) {
    const size_t n = moments.width;
    std::vector<double> h(n * n);
    std::vector<double> weight(n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) h[i * n + j] = moments.second[i * n + j] / (scale[i] * scale[j]);
      weight[i] = h[i * n + i];
    }
    double error = 0;
    for (const Scaled& one : group) {
      const DType type = QuantizedType(*in_, *one.tensor, options_.recipe);
      const size_t n_rows = one.w.size() / n;
      std::vector<double> errors(n_rows);
      ForRows(n_rows, options_.n_threads, [&](size_t row) {
        std::vector<float> w(n), back(n);
        for (size_t j = 0; j < n; ++j) w[j] = one.w[row * n + j] * static_cast<float>(scale[j]);
        Bytes out(RowBytes(type, n));
        WeightedRow(type, w, weight, out);
        DequantizeRow(type, out, back);
        errors[row] = OutputError(back, w, h);
      });
      for (const double one_row : errors) error += one_row;
    }
    return error;
  }

  // Scales of the exponent; `merged[j]`: channels that must share one (value heads of grouped queries).
  static std::vector<double> ScalesOf(std::span<const double> mean_abs, double exponent) {
    std::vector<double> scale(mean_abs.size(), 1);
    if (exponent == 0) return scale;
    double least = HUGE_VAL, most = 0;
    for (size_t j = 0; j < scale.size(); ++j) {
      scale[j] = std::pow(std::max(mean_abs[j], 1e-4), exponent);
      least = std::min(least, scale[j]);
      most = std::max(most, scale[j]);
    }
    const double middle = std::sqrt(least * most);
    for (double& one : scale) one /= middle;
    return scale;
  }

  // Chooses the scales of the matrices that read one input and writes them. `shared`: channel j and j + shared
  // have one scale (0: each its own). The scales.
  Result<std::vector<double>> AwqGroup(int layer, std::span<const LayerMatrix> matrices,
                                       const InputMoments& moments, bool foldable, size_t shared) {
    std::vector<Scaled> group;
    for (const LayerMatrix matrix : matrices) {
      const GgufTensor* tensor = Calibrated(layer, matrix);
      if (tensor == nullptr) {
        // One that reads the input and is not written here would read scaled inputs.
        if (in_->FindTensor(NameOf(layer, matrix)) != nullptr) foldable = false;
        continue;
      }
      SOTTO_ASSIGN_OR_RETURN(std::vector<float> w, Floats(*tensor));
      const auto changed = pending_.find(std::string(tensor->name));
      if (changed != pending_.end()) w = changed->second;
      group.push_back({tensor, std::move(w)});
    }
    const size_t n = moments.width;
    std::vector<double> mean_abs = moments.mean_abs;
    if (shared > 0) mean_abs = SharedOverGroups(mean_abs, shared);
    std::vector<double> best(n, 1);
    double exponent = 0;
    if (!group.empty() && foldable) {
      double least = AwqError(group, moments, best);
      for (int step = 1; step <= 10; ++step) {
        const std::vector<double> scale = ScalesOf(mean_abs, 0.1 * step);
        const double error = AwqError(group, moments, scale);
        if (error < least) {
          least = error;
          best = scale;
          exponent = 0.1 * step;
        }
      }
    }
    std::vector<double> h(n * n), weight(n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) h[i * n + j] = moments.second[i * n + j] / (best[i] * best[j]);
      weight[i] = h[i * n + i];
    }
    for (const Scaled& one : group) {
      std::vector<float> scaled = one.w;
      for (size_t k = 0; k < scaled.size(); ++k) scaled[k] *= static_cast<float>(best[k % n]);
      pending_.erase(std::string(one.tensor->name));
      Write(
          *one.tensor, one.w, scaled, h,
          [&](DType type, std::vector<float>& row, std::span<std::byte> out) {
            WeightedRow(type, row, weight, out);
          },
          exponent, moments.second);
    }
    return best;
  }

  // The channels of the attention's output belong to query heads; a value head feeds all heads of its group:
  // their channels share one scale.
  std::vector<double> SharedOverGroups(const std::vector<double>& values, size_t) const {
    std::vector<double> shared(values.size());
    const size_t group = n_heads_ / n_kv_heads_;
    for (size_t kv = 0; kv < n_kv_heads_; ++kv) {
      for (size_t c = 0; c < head_dim_; ++c) {
        double sum = 0;
        for (size_t g = 0; g < group; ++g) sum += values[(kv * group + g) * head_dim_ + c];
        for (size_t g = 0; g < group; ++g)
          shared[(kv * group + g) * head_dim_ + c] = sum / static_cast<double>(group);
      }
    }
    return shared;
  }

  // A norm's weights divided by the scales of what it feeds.
  Result<void> DivideNorm(int layer, std::string_view norm, std::span<const double> scale) {
    const GgufTensor* tensor = in_->FindTensor(fmt::format("blk.{}.{}.weight", layer, norm));
    SOTTO_CHECK(tensor != nullptr && tensor->type == DType::kF32);
    SOTTO_ASSIGN_OR_RETURN(std::vector<float> values, Floats(*tensor));
    for (size_t j = 0; j < values.size(); ++j) values[j] /= static_cast<float>(scale[j]);
    Bytes bytes(values.size() * sizeof(float));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    replaced_[std::string(tensor->name)] = std::move(bytes);
    return {};
  }
  bool HasFloatNorm(int layer, std::string_view norm) const {
    const GgufTensor* tensor = in_->FindTensor(fmt::format("blk.{}.{}.weight", layer, norm));
    return tensor != nullptr && tensor->type == DType::kF32;
  }

  // Row r of the matrix divided by scale[r]: to be written by its own group.
  Result<void> DivideRows(int layer, LayerMatrix matrix, std::span<const double> scale) {
    const GgufTensor* tensor = in_->FindTensor(NameOf(layer, matrix));
    SOTTO_ASSIGN_OR_RETURN(std::vector<float> w, Floats(*tensor));
    const auto n = static_cast<size_t>(tensor->shape[0]);
    for (size_t row = 0; row < w.size() / n; ++row) {
      for (size_t j = 0; j < n; ++j) w[row * n + j] /= static_cast<float>(scale[row]);
    }
    pending_[std::string(tensor->name)] = std::move(w);
    return {};
  }

  // What reads comes before what it reads from: rows that were divided are then rounded as they are stored.
  Result<void> AwqLayer(int layer, const std::map<LayerInput, InputMoments>& inputs) {
    const LayerMatrix down[] = {LayerMatrix::kFfnDown};
    const LayerMatrix output[] = {LayerMatrix::kAttnOutput};
    const LayerMatrix feed[] = {LayerMatrix::kFfnGate, LayerMatrix::kFfnUp};
    const LayerMatrix attention[] = {LayerMatrix::kAttnQ, LayerMatrix::kAttnK, LayerMatrix::kAttnV,
                                     LayerMatrix::kAttnQkv};
    const bool up_free = !fused_gate_up_ && Calibrated(layer, LayerMatrix::kFfnUp) != nullptr &&
                         in_->FindTensor(fmt::format("blk.{}.ffn_up.bias", layer)) == nullptr;
    SOTTO_ASSIGN_OR_RETURN(const auto down_scale,
                           AwqGroup(layer, down, inputs.at({layer, LayerMatrix::kFfnDown}), up_free, 0));
    if (up_free) SOTTO_RETURN_IF_ERROR(DivideRows(layer, LayerMatrix::kFfnUp, down_scale));

    const bool value_free = !fused_qkv_ && Calibrated(layer, LayerMatrix::kAttnV) != nullptr &&
                            in_->FindTensor(fmt::format("blk.{}.attn_v.bias", layer)) == nullptr;
    SOTTO_ASSIGN_OR_RETURN(
        const auto output_scale,
        AwqGroup(layer, output, inputs.at({layer, LayerMatrix::kAttnOutput}), value_free, 1));
    if (value_free) {
      std::vector<double> rows(n_kv_heads_ * head_dim_);
      const size_t group = n_heads_ / n_kv_heads_;
      for (size_t kv = 0; kv < n_kv_heads_; ++kv) {
        for (size_t c = 0; c < head_dim_; ++c)
          rows[kv * head_dim_ + c] = output_scale[kv * group * head_dim_ + c];
      }
      SOTTO_RETURN_IF_ERROR(DivideRows(layer, LayerMatrix::kAttnV, rows));
    }
    const bool ffn_norm = HasFloatNorm(layer, "ffn_norm");
    SOTTO_ASSIGN_OR_RETURN(const auto feed_scale,
                           AwqGroup(layer, feed, inputs.at({layer, LayerMatrix::kFfnUp}), ffn_norm, 0));
    if (ffn_norm) SOTTO_RETURN_IF_ERROR(DivideNorm(layer, "ffn_norm", feed_scale));
    const bool attn_norm = HasFloatNorm(layer, "attn_norm");
    SOTTO_ASSIGN_OR_RETURN(
        const auto attention_scale,
        AwqGroup(layer, attention, inputs.at(InputOf(layer, LayerMatrix::kAttnQ, fused_qkv_)), attn_norm, 0));
    if (attn_norm) SOTTO_RETURN_IF_ERROR(DivideNorm(layer, "attn_norm", attention_scale));
    return {};
  }

  const std::shared_ptr<const GgufFile> in_;
  const TokenSequences& sequences_;
  const CompressOptions& options_;
  bool fused_qkv_ = false;
  bool fused_gate_up_ = false;
  size_t n_heads_ = 1;
  size_t n_kv_heads_ = 1;
  size_t head_dim_ = 1;
  std::map<std::string, Bytes, std::less<>> replaced_;
  std::map<std::string, std::vector<float>, std::less<>> pending_;  // changed, not yet written
  Compressed done_;
};

}  // namespace

std::optional<QuantizeMethod> FindQuantizeMethod(std::string_view name) {
  for (const auto method : {QuantizeMethod::kRtn, QuantizeMethod::kGptq, QuantizeMethod::kAwq}) {
    if (QuantizeMethodName(method) == name) return method;
  }
  return std::nullopt;
}

std::string_view QuantizeMethodName(QuantizeMethod method) {
  switch (method) {
    case QuantizeMethod::kRtn:
      return "rtn";
    case QuantizeMethod::kGptq:
      return "gptq";
    case QuantizeMethod::kAwq:
      return "awq";
  }
  return "rtn";
}

Result<Compressed> CompressModel(std::shared_ptr<const GgufFile> in, const TokenSequences& sequences,
                                 const std::filesystem::path& out, const CompressOptions& options) {
  if (options.method != QuantizeMethod::kRtn && sequences.empty())
    return MakeError(ErrorCode::kInvalidArgument, "{} needs texts to calibrate with (--calibrate FILE.jsonl)",
                     QuantizeMethodName(options.method));
  return Compressor(std::move(in), sequences, options).Run(out);
}

}  // namespace sotto
