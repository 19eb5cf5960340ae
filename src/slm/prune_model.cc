#include "slm/prune_model.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <vector>

#include "nn/block_formats.h"
#include "slm/gguf_writer.h"
#include "slm/gptq.h"
#include "slm/model.h"

namespace sotto {
namespace {

constexpr size_t kWidthStep = 32;  // a block of Q8_0, and what the trainer's vectors want

using Places = std::vector<size_t>;  // ascending

std::optional<int> LayerNumber(std::string_view name) {
  int layer = 0;
  if (!name.starts_with("blk.")) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return error == std::errc() ? std::optional(layer) : std::nullopt;
}

// "ffn_down.weight" of "blk.3.ffn_down.weight"; the name itself outside of the layers.
std::string_view PartOf(std::string_view name) {
  return LayerNumber(name) ? name.substr(name.find('.', 4) + 1) : name;
}

Places AllPlaces(size_t n) {
  Places all(n);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

// The `count` with the largest importance.
Places MostImportant(const std::vector<double>& importance, size_t count) {
  Places order = AllPlaces(importance.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return importance[a] > importance[b]; });
  order.resize(std::min(count, order.size()));
  std::sort(order.begin(), order.end());
  return order;
}

double ShareOf(const std::vector<double>& importance, const Places& kept) {
  const double all = std::accumulate(importance.begin(), importance.end(), 0.0);
  double some = 0;
  for (const size_t i : kept) some += importance[i];
  return all > 0 ? some / all : 1;
}

size_t Stepped(double share, size_t width) {
  const auto steps = std::lround(share * static_cast<double>(width) / kWidthStep);
  return std::clamp(static_cast<size_t>(std::max(1L, steps)) * kWidthStep, std::min(kWidthStep, width),
                    width);
}

std::vector<float> RowsOf(const GgufTensor& tensor) {
  std::vector<float> values(tensor.n_elements());
  for (uint64_t row = 0; row < tensor.n_rows(); ++row)
    DequantizeRow(tensor.type, tensor.data.subspan(row * tensor.row_bytes(), tensor.row_bytes()),
                  std::span(values).subspan(row * tensor.shape[0], tensor.shape[0]));
  return values;
}

DType TypeFor(DType type, size_t row) {
  if (CanQuantize(type) && row % BlockSize(type) == 0) return type;
  return row % BlockSize(DType::kQ8_0) == 0 ? DType::kQ8_0 : DType::kF16;
}

// What is kept of one layer, and how the columns that are left make up for those that are gone.
struct LayerCut {
  Places neurons;
  Places heads;                        // query heads
  Places groups;                       // key/value heads
  std::vector<double> down, output;    // [all][kept]: w' = w M; empty: columns are only chosen
  double attn_gain = 1, ffn_gain = 1;  // of the norms
};

class Pruner {
 public:
  Pruner(std::shared_ptr<const GgufFile> in, const PruneOptions& options)
      : in_(std::move(in)), options_(options) {}

  Result<Pruned> Run(const TokenSequences& sequences, const std::filesystem::path& out) {
    SOTTO_RETURN_IF_ERROR(ReadShape());
    SOTTO_ASSIGN_OR_RETURN(const auto model, Model::FromGguf(in_, {.n_threads = options_.n_threads}));
    PassOptions pass;
    pass.n_threads = options_.n_threads;
    pass.most_rows = options_.most_rows;
    pass.progress = options_.progress;
    SOTTO_ASSIGN_OR_RETURN(inputs_, MeasureInputs(model, sequences, pass));
    channels_ = ChooseChannels();
    for (int layer = 0; layer < n_layers_; ++layer) {
      SOTTO_ASSIGN_OR_RETURN(LayerCut cut, CutLayer(layer));
      cuts_.push_back(std::move(cut));
    }
    SOTTO_RETURN_IF_ERROR(Write(out));
    pruned_.neurons_kept /= n_layers_;
    pruned_.heads_kept /= n_layers_;
    return pruned_;
  }

 private:
  Result<void> ReadShape() {
    if (!(options_.keep > 0 && options_.keep <= 1 && options_.keep_channels > 0 &&
          options_.keep_channels <= 1))
      return MakeError(ErrorCode::kInvalidArgument, "what is kept is a share from above 0 to 1");
    SOTTO_ASSIGN_OR_RETURN(const std::string_view name, in_->GetString("general.architecture"));
    architecture_ = name;
    const auto number = [&](const char* key) { return in_->GetU32(architecture_ + key); };
    SOTTO_ASSIGN_OR_RETURN(const uint32_t layers, number(".block_count"));
    SOTTO_ASSIGN_OR_RETURN(const uint32_t d_model, number(".embedding_length"));
    SOTTO_ASSIGN_OR_RETURN(const uint32_t d_ff, number(".feed_forward_length"));
    SOTTO_ASSIGN_OR_RETURN(const uint32_t heads, number(".attention.head_count"));
    SOTTO_ASSIGN_OR_RETURN(const uint32_t kv_heads,
                           in_->GetU32Or(architecture_ + ".attention.head_count_kv", heads));
    if (heads == 0 || kv_heads == 0 || heads % kv_heads != 0)
      return MakeError(ErrorCode::kCorrupt, "{}: {} heads are no whole groups of {}", in_->path(), heads,
                       kv_heads);
    SOTTO_ASSIGN_OR_RETURN(const uint32_t head_dim,
                           in_->GetU32Or(architecture_ + ".attention.key_length", d_model / heads));
    SOTTO_ASSIGN_OR_RETURN(const uint32_t value_dim,
                           in_->GetU32Or(architecture_ + ".attention.value_length", head_dim));
    if (value_dim != head_dim)
      return MakeError(ErrorCode::kUnsupported, "{}: keys of {} and values of {} are not pruned", in_->path(),
                       head_dim, value_dim);
    n_layers_ = static_cast<int>(layers);
    head_dim_ = head_dim;
    ModelWidth& before = pruned_.before;
    before = {d_model, d_ff, heads, kv_heads, 0};
    for (const GgufTensor& tensor : in_->tensors()) before.parameters += tensor.n_elements();
    ModelWidth& after = pruned_.after;
    after.d_model = Stepped(options_.keep_channels, d_model);
    after.d_ff = Stepped(options_.keep, d_ff);
    const size_t per_group = heads / kv_heads;
    if (kv_heads > 1) {
      after.n_kv_heads = std::max<size_t>(1, static_cast<size_t>(std::lround(options_.keep * kv_heads)));
      after.n_heads = after.n_kv_heads * per_group;
    } else {
      after.n_kv_heads = 1;
      after.n_heads =
          std::max<size_t>(1, static_cast<size_t>(std::ceil(options_.keep * static_cast<double>(per_group))));
    }
    for (int layer = 0; layer < n_layers_; ++layer) {
      for (const char* part :
           {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
        const GgufTensor* tensor = in_->FindTensor(fmt::format("blk.{}.{}.weight", layer, part));
        if (tensor == nullptr || tensor->n_dims != 2)
          return MakeError(
              ErrorCode::kUnsupported,
              "{}: blk.{}.{}.weight is not there as a matrix: fused matrices and experts are not pruned",
              in_->path(), layer, part);
      }
    }
    return {};
  }

  Result<const InputMoments*> Moments(int layer, LayerMatrix matrix, size_t width) const {
    const auto found = inputs_.find(InputOf(layer, matrix, false));
    if (found == inputs_.end() || found->second.width != width)
      return MakeError(ErrorCode::kUnsupported, "{}: what goes into {} of layer {} was not seen", in_->path(),
                       LayerMatrixName(matrix), layer);
    return &found->second;
  }

  Places ChooseChannels() const {
    const size_t width = pruned_.before.d_model;
    if (pruned_.after.d_model == width) return AllPlaces(width);
    std::vector<double> importance(width);
    for (const auto& [input, moments] : inputs_) {
      if (moments.width != width || moments.n == 0) continue;
      if (input.matrix != LayerMatrix::kAttnQ && input.matrix != LayerMatrix::kFfnUp) continue;
      double trace = 0;
      for (size_t i = 0; i < width; ++i) trace += moments.second[i * width + i];
      for (size_t i = 0; i < width; ++i)
        importance[i] += moments.second[i * width + i] / std::max(trace, 1e-30);
    }
    return MostImportant(importance, pruned_.after.d_model);
  }

  // `columns`: how many belong together. What each such part adds: tr(W_p C_pp W_p^T).
  static std::vector<double> Contributions(const std::vector<float>& w, const InputMoments& moments,
                                           size_t columns) {
    const size_t width = moments.width;
    const size_t rows = w.size() / width;
    std::vector<double> parts(width / columns);
    std::vector<double> product(columns * columns);
    for (size_t part = 0; part < parts.size(); ++part) {
      const size_t first = part * columns;
      std::fill(product.begin(), product.end(), 0.0);  // W_p^T W_p
      for (size_t row = 0; row < rows; ++row)
        for (size_t i = 0; i < columns; ++i)
          for (size_t j = 0; j < columns; ++j)
            product[i * columns + j] += double{w[row * width + first + i]} * w[row * width + first + j];
      for (size_t i = 0; i < columns; ++i)
        for (size_t j = 0; j < columns; ++j)
          parts[part] += product[i * columns + j] * moments.second[(first + i) * width + first + j];
    }
    return parts;
  }

  // C[:, S] C[S, S]^-1.
  Result<std::vector<double>> Fitted(const InputMoments& moments, const Places& kept) const {
    if (!options_.fit || kept.size() == moments.width) return std::vector<double>();
    const size_t n = kept.size(), width = moments.width;
    std::vector<double> square(n * n);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j) square[i * n + j] = moments.second[kept[i] * width + kept[j]];
    SOTTO_ASSIGN_OR_RETURN(const std::vector<double> u, InverseFactor(square, n, options_.damp));
    std::vector<double> inverse(n * n);  // U^T U
    for (size_t k = 0; k < n; ++k)
      for (size_t i = k; i < n; ++i)
        for (size_t j = k; j < n; ++j) inverse[i * n + j] += u[k * n + i] * u[k * n + j];
    std::vector<double> fitted(width * n);
    for (size_t row = 0; row < width; ++row)
      for (size_t k = 0; k < n; ++k) {
        const double c = moments.second[row * width + kept[k]];
        for (size_t j = 0; j < n; ++j) fitted[row * n + j] += c * inverse[k * n + j];
      }
    return fitted;
  }

  // So that channels that are left are as large after the norm as they were: rms of the kept by rms of all.
  Result<double> GainOf(int layer, LayerMatrix matrix, std::string_view norm) const {
    const size_t width = pruned_.before.d_model;
    if (channels_.size() == width) return 1.0;
    SOTTO_ASSIGN_OR_RETURN(const InputMoments* moments, Moments(layer, matrix, width));
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor,
                           in_->GetTensor(fmt::format("blk.{}.{}.weight", layer, norm)));
    const std::vector<float> gain = RowsOf(*tensor);
    double all = 0, kept = 0;
    const auto square = [&](size_t i) {
      return moments->second[i * width + i] / std::max(1e-12, double{gain[i]} * gain[i]);
    };
    for (size_t i = 0; i < width; ++i) all += square(i) / static_cast<double>(width);
    for (const size_t i : channels_) kept += square(i) / static_cast<double>(channels_.size());
    return all > 0 ? std::sqrt(kept / all) : 1.0;
  }

  Result<LayerCut> CutLayer(int layer) {
    const ModelWidth& before = pruned_.before;
    const ModelWidth& after = pruned_.after;
    LayerCut cut;
    const auto matrix = [&](const char* part) -> Result<std::vector<float>> {
      SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor,
                             in_->GetTensor(fmt::format("blk.{}.{}.weight", layer, part)));
      return RowsOf(*tensor);
    };
    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> down, matrix("ffn_down"));
    SOTTO_ASSIGN_OR_RETURN(const InputMoments* hidden, Moments(layer, LayerMatrix::kFfnDown, before.d_ff));
    const std::vector<double> neurons = Contributions(down, *hidden, 1);
    cut.neurons = MostImportant(neurons, after.d_ff);
    pruned_.neurons_kept += ShareOf(neurons, cut.neurons);
    SOTTO_ASSIGN_OR_RETURN(cut.down, Fitted(*hidden, cut.neurons));

    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> output, matrix("attn_output"));
    SOTTO_ASSIGN_OR_RETURN(const InputMoments* heard,
                           Moments(layer, LayerMatrix::kAttnOutput, before.n_heads * head_dim_));
    const std::vector<double> heads = Contributions(output, *heard, head_dim_);
    const size_t per_group = before.n_heads / before.n_kv_heads;
    if (before.n_kv_heads > 1) {
      std::vector<double> groups(before.n_kv_heads);
      for (size_t head = 0; head < heads.size(); ++head) groups[head / per_group] += heads[head];
      cut.groups = MostImportant(groups, after.n_kv_heads);
      for (const size_t group : cut.groups)
        for (size_t head = 0; head < per_group; ++head) cut.heads.push_back(group * per_group + head);
    } else {
      cut.groups = {0};
      cut.heads = MostImportant(heads, after.n_heads);
    }
    pruned_.heads_kept += ShareOf(heads, cut.heads);
    SOTTO_ASSIGN_OR_RETURN(cut.output, Fitted(*heard, PlacesOfHeads(cut.heads)));
    SOTTO_ASSIGN_OR_RETURN(cut.attn_gain, GainOf(layer, LayerMatrix::kAttnQ, "attn_norm"));
    SOTTO_ASSIGN_OR_RETURN(cut.ffn_gain, GainOf(layer, LayerMatrix::kFfnUp, "ffn_norm"));
    return cut;
  }

  Places PlacesOfHeads(const Places& heads) const {
    Places places;
    for (const size_t head : heads)
      for (size_t i = 0; i < head_dim_; ++i) places.push_back(head * head_dim_ + i);
    return places;
  }

  // Which rows and columns of a tensor stay, and what becomes of its columns.
  struct TensorCut {
    Places rows, columns;
    const std::vector<double>* fitted = nullptr;
    double gain = 1;
  };

  TensorCut CutOf(const GgufTensor& tensor) const {
    const ModelWidth& before = pruned_.before;
    TensorCut cut{AllPlaces(tensor.n_rows()), AllPlaces(tensor.shape[0])};
    const std::string_view part = PartOf(tensor.name);
    const auto layer = LayerNumber(tensor.name);
    if (!layer) {
      // The embedding, an output of its own, the last norm, biases of the width.
      if (tensor.shape[0] == before.d_model) cut.columns = channels_;
      if (part == "output_norm.weight" && !cuts_.empty()) cut.gain = cuts_.back().ffn_gain;
      return cut;
    }
    const LayerCut& kept = cuts_[static_cast<size_t>(*layer)];
    const bool bias = part.ends_with(".bias");
    const auto rows = [&](const Places& places) { (bias ? cut.columns : cut.rows) = places; };
    if (part.starts_with("attn_q.")) rows(PlacesOfHeads(kept.heads));
    if (part.starts_with("attn_k.") || part.starts_with("attn_v.")) rows(PlacesOfHeads(kept.groups));
    if (part.starts_with("ffn_gate.") || part.starts_with("ffn_up.")) rows(kept.neurons);
    if (part.starts_with("attn_output.") || part.starts_with("ffn_down.")) rows(channels_);
    if (bias) return cut;
    if (part == "attn_output.weight") {
      cut.columns = PlacesOfHeads(kept.heads);
      if (!kept.output.empty()) cut.fitted = &kept.output;
    } else if (part == "ffn_down.weight") {
      cut.columns = kept.neurons;
      if (!kept.down.empty()) cut.fitted = &kept.down;
    } else if (tensor.shape[0] == before.d_model) {
      cut.columns = channels_;
      if (part == "attn_norm.weight") cut.gain = kept.attn_gain;
      if (part == "ffn_norm.weight") cut.gain = kept.ffn_gain;
    }
    return cut;
  }

  static void Fill(const GgufTensor& tensor, const TensorCut& cut, DType type, std::span<std::byte> out) {
    const std::vector<float> values = RowsOf(tensor);
    const size_t width = tensor.shape[0], n = cut.columns.size();
    const size_t bytes = n / BlockSize(type) * BlockBytes(type);
    std::vector<float> row(n);
    std::vector<double> sum(n);
    for (size_t r = 0; r < cut.rows.size(); ++r) {
      const float* from = values.data() + cut.rows[r] * width;
      if (cut.fitted != nullptr) {
        std::fill(sum.begin(), sum.end(), 0.0);
        for (size_t i = 0; i < width; ++i)
          for (size_t j = 0; j < n; ++j) sum[j] += double{from[i]} * (*cut.fitted)[i * n + j];
        for (size_t j = 0; j < n; ++j) row[j] = static_cast<float>(sum[j]);
      } else {
        for (size_t j = 0; j < n; ++j) row[j] = static_cast<float>(cut.gain * double{from[cut.columns[j]]});
      }
      QuantizeRow(type, row, out.subspan(r * bytes, bytes));
    }
  }

  Result<void> Write(const std::filesystem::path& out) {
    GgufWriter writer;
    writer.CopyMetadata(*in_);
    ModelWidth& after = pruned_.after;
    const auto set = [&](const char* key, size_t value) {
      writer.SetU32(architecture_ + key, static_cast<uint32_t>(value));
    };
    set(".embedding_length", after.d_model);
    set(".feed_forward_length", after.d_ff);
    set(".attention.head_count", after.n_heads);
    set(".attention.head_count_kv", after.n_kv_heads);
    // No longer what follows from the width.
    set(".attention.key_length", head_dim_);
    set(".attention.value_length", head_dim_);
    if (!in_->Has(architecture_ + ".rope.dimension_count")) set(".rope.dimension_count", head_dim_);
    for (const GgufTensor& tensor : in_->tensors()) {
      TensorCut cut = CutOf(tensor);
      std::vector<uint64_t> shape(tensor.shape.begin(), tensor.shape.begin() + tensor.n_dims);
      shape[0] = cut.columns.size();
      if (tensor.n_dims > 1) shape[1] = cut.rows.size();
      const DType vector_type = CanQuantize(tensor.type) ? tensor.type : DType::kF32;
      const DType type = tensor.n_dims > 1 ? TypeFor(tensor.type, cut.columns.size()) : vector_type;
      after.parameters += cut.columns.size() * cut.rows.size();
      writer.AddTensor(tensor.name, type, shape,
                       [this, &tensor, cut = std::move(cut), type,
                        done = ++n_tensors_](std::span<std::byte> bytes) -> Result<void> {
                         Fill(tensor, cut, type, bytes);
                         if (options_.progress) options_.progress(done, in_->tensors().size());
                         return {};
                       });
    }
    return writer.Write(out);
  }

  const std::shared_ptr<const GgufFile> in_;
  const PruneOptions& options_;
  std::string architecture_;
  int n_layers_ = 0;
  size_t head_dim_ = 0;
  size_t n_tensors_ = 0;
  std::map<LayerInput, InputMoments> inputs_;
  Places channels_;  // of the residual stream
  std::vector<LayerCut> cuts_;
  Pruned pruned_;
};

}  // namespace

Result<Pruned> PruneModel(std::shared_ptr<const GgufFile> in, const TokenSequences& sequences,
                          const std::filesystem::path& out, const PruneOptions& options) {
  return Pruner(std::move(in), options).Run(sequences, out);
}

}  // namespace sotto
