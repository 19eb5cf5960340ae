#include "slm/weights.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "base/hash.h"
#include "nn/block_formats.h"

namespace sotto {

uint64_t SampledHash(std::span<const std::byte> tensor, uint64_t hash) {
  constexpr size_t kSample = 64;
  for (const size_t start : {size_t{0}, tensor.size() / 3, tensor.size() - tensor.size() / 4}) {
    const std::span<const std::byte> piece = tensor.subspan(start, std::min(kSample, tensor.size() - start));
    hash = Fnv1a({reinterpret_cast<const char*>(piece.data()), piece.size()}, hash);
  }
  return hash;
}

namespace {

constexpr std::array<std::string_view, kNumLayerMatrices> kLayerMatrixNames = {
    "attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};

class WeightsBuilder {
 public:
  WeightsBuilder(const ModelConfig& config, TensorSource& source, ThreadTeam& team)
      : config_(config), source_(source), team_(team), weights_(std::make_unique<ModelWeights>()) {}

  Result<std::unique_ptr<const ModelWeights>> Build() {
    SOTTO_RETURN_IF_ERROR(CheckComplete());
    const auto d = static_cast<uint64_t>(config_.d_model);
    weights_->fingerprint = Fnv1a({});
    SOTTO_RETURN_IF_ERROR(
        Matrix("token_embd.weight", config_.n_vocab, config_.d_model, false, weights_->token_embedding));
    SOTTO_RETURN_IF_ERROR(config_.is_encoder() ? EncoderTensors() : DecoderTensors());
    weights_->layers.resize(static_cast<size_t>(config_.n_layers));
    for (int layer = 0; layer < config_.n_layers; ++layer) SOTTO_RETURN_IF_ERROR(Layer(layer, d));
    return std::unique_ptr<const ModelWeights>(std::move(weights_));
  }

 private:
  static std::string LayerTensor(int layer, std::string_view rest) {
    return fmt::format("blk.{}.{}", layer, rest);
  }

  // Every tensor that this architecture cannot do without, checked before anything is packed.
  Result<void> CheckComplete() const {
    std::vector<std::string> missing;
    const auto need = [&](const std::string& name) {
      if (source_.Find(name) == nullptr) missing.push_back(name);
    };
    need("token_embd.weight");
    if (config_.is_encoder()) {
      for (const char* name :
           {"position_embd.weight", "token_types.weight", "token_embd_norm.weight", "token_embd_norm.bias"}) {
        need(name);
      }
    } else {
      need("output_norm.weight");
      if (config_.rope_use_long) need("rope_factors_long.weight");
    }
    for (int layer = 0; layer < config_.n_layers; ++layer) {
      for (int i = 0; i < kNumLayerMatrices; ++i) {
        const auto matrix = static_cast<LayerMatrix>(i);
        if (LayerMatrixShape(config_, matrix)) {
          need(LayerTensor(layer, fmt::format("{}.weight", LayerMatrixName(matrix))));
        }
      }
      for (const std::string_view norm : LayerNorms()) need(LayerTensor(layer, norm));
    }
    if (missing.empty()) return {};
    constexpr size_t kListed = 6;
    const size_t more = missing.size() > kListed ? missing.size() - kListed : 0;
    missing.resize(missing.size() - more);
    return MakeError(ErrorCode::kCorrupt, "{}: architecture '{}' lacks the tensors {}{}", source_.path(),
                     config_.arch_name, fmt::join(missing, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
  }

  std::vector<std::string_view> LayerNorms() const {
    if (config_.is_encoder()) {
      return {"attn_output_norm.weight", "attn_output_norm.bias", "layer_output_norm.weight",
              "layer_output_norm.bias"};
    }
    std::vector<std::string_view> names = {"attn_norm.weight", "ffn_norm.weight"};
    if (config_.qk_norm) names.insert(names.end(), {"attn_q_norm.weight", "attn_k_norm.weight"});
    if (config_.post_norms) names.insert(names.end(), {"post_attention_norm.weight", "post_ffw_norm.weight"});
    return names;
  }

  Result<void> EncoderTensors() {
    const auto d = static_cast<uint64_t>(config_.d_model);
    ModelWeights& w = *weights_;
    SOTTO_RETURN_IF_ERROR(Vector("position_embd.weight", {d, static_cast<uint64_t>(config_.n_ctx_train)},
                                 w.position_embedding));
    const GgufTensor* types = source_.Find("token_types.weight");
    SOTTO_RETURN_IF_ERROR(Vector("token_types.weight", {d, types->shape[1]}, w.token_type));
    w.token_type.resize(d);
    SOTTO_RETURN_IF_ERROR(Vector("token_embd_norm.weight", {d, 1}, w.embedding_norm));
    return Vector("token_embd_norm.bias", {d, 1}, w.embedding_norm_bias);
  }

  Result<void> DecoderTensors() {
    const auto d = static_cast<uint64_t>(config_.d_model);
    ModelWeights& w = *weights_;
    SOTTO_RETURN_IF_ERROR(Vector("output_norm.weight", {d, 1}, w.output_norm));
    if (source_.Find("output.weight") != nullptr) {
      SOTTO_RETURN_IF_ERROR(Matrix("output.weight", config_.n_vocab, config_.d_model, true, w.output));
    } else {
      w.decode_bytes += w.token_embedding->file_bytes();
    }
    for (const char* name : {config_.rope_use_long ? "rope_factors_long.weight" : "rope_factors_short.weight",
                             "rope_freqs.weight"}) {
      if (w.rope_factors.empty() && source_.Find(name) != nullptr) {
        SOTTO_RETURN_IF_ERROR(
            Vector(name, {static_cast<uint64_t>(config_.rope_dims / 2), 1}, w.rope_factors));
      }
    }
    return {};
  }

  Result<void> Layer(int index, uint64_t d) {
    LayerWeights& layer = weights_->layers[static_cast<size_t>(index)];
    for (int i = 0; i < kNumLayerMatrices; ++i) {
      const auto which = static_cast<LayerMatrix>(i);
      if (const auto shape = LayerMatrixShape(config_, which)) {
        SOTTO_RETURN_IF_ERROR(Matrix(LayerTensor(index, fmt::format("{}.weight", LayerMatrixName(which))),
                                     shape->rows, shape->columns, true, layer.matrices[i]));
      }
    }
    const auto head_dim = static_cast<uint64_t>(config_.head_dim);
    const struct {
      std::string_view name;
      uint64_t size;
      std::vector<float>& out;
    } vectors[] = {
        {"attn_norm.weight", d, layer.attn_norm},
        {"ffn_norm.weight", d, layer.ffn_norm},
        {"attn_q_norm.weight", head_dim, layer.q_norm},
        {"attn_k_norm.weight", head_dim, layer.k_norm},
        {"post_attention_norm.weight", d, layer.post_attn_norm},
        {"post_ffw_norm.weight", d, layer.post_ffn_norm},
        {"attn_output.bias", d, layer.output_bias},
        {"ffn_up.bias", static_cast<uint64_t>(config_.d_ff), layer.up_bias},
        {"ffn_down.bias", d, layer.down_bias},
        {"attn_output_norm.weight", d, layer.attn_output_norm},
        {"attn_output_norm.bias", d, layer.attn_output_norm_bias},
        {"layer_output_norm.weight", d, layer.layer_output_norm},
        {"layer_output_norm.bias", d, layer.layer_output_norm_bias},
    };
    for (const auto& vector : vectors) {
      const std::string name = LayerTensor(index, vector.name);
      if (source_.Find(name) != nullptr) SOTTO_RETURN_IF_ERROR(Vector(name, {vector.size, 1}, vector.out));
    }
    return QkvBias(index, layer);
  }

  Result<void> QkvBias(int index, LayerWeights& layer) {
    const auto d_q = static_cast<uint64_t>(config_.d_q());
    const auto d_kv = static_cast<uint64_t>(config_.d_kv());
    const struct {
      std::string_view name;
      uint64_t size;
      uint64_t offset;
    } parts[] = {{"attn_q.bias", d_q, 0},
                 {"attn_k.bias", d_kv, d_q},
                 {"attn_v.bias", d_kv, d_q + d_kv},
                 {"attn_qkv.bias", d_q + 2 * d_kv, 0}};
    std::vector<float> bias;
    for (const auto& part : parts) {
      const std::string name = LayerTensor(index, part.name);
      if (source_.Find(name) == nullptr) continue;
      SOTTO_RETURN_IF_ERROR(Vector(name, {part.size, 1}, bias));
      layer.qkv_bias.resize(d_q + 2 * d_kv, 0.0f);
      std::ranges::copy(bias, layer.qkv_bias.begin() + static_cast<std::ptrdiff_t>(part.offset));
    }
    return {};
  }

  Result<const GgufTensor*> Checked(const std::string& name, std::array<uint64_t, 2> shape) const {
    const GgufTensor* tensor = source_.Find(name);
    SOTTO_CHECK(tensor != nullptr, "{}", name);
    if (tensor->shape != std::array<uint64_t, 4>{shape[0], shape[1], 1, 1}) {
      return MakeError(ErrorCode::kCorrupt, "{}: tensor {} has shape {}, expected [{}, {}]", source_.path(),
                       name, ShapeToString(*tensor), shape[0], shape[1]);
    }
    return tensor;
  }

  void Fingerprint(const GgufTensor& tensor, std::span<const std::byte> data) {
    uint64_t& hash = weights_->fingerprint;
    hash = Fnv1a(tensor.name, hash);
    hash = Fnv1a({reinterpret_cast<const char*>(tensor.shape.data()), sizeof tensor.shape}, hash);
    hash = Fnv1a({reinterpret_cast<const char*>(&tensor.type), sizeof tensor.type}, hash);
    hash = SampledHash(data, hash);
    weights_->weight_bytes += data.size();
  }

  Result<void> Matrix(const std::string& name, int rows, int columns, bool decoded,
                      std::optional<WeightMatrix>& out) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor,
                           Checked(name, {static_cast<uint64_t>(columns), static_cast<uint64_t>(rows)}));
    const std::optional<DType> type = DTypeFromId(static_cast<uint32_t>(tensor->type));
    if (!type) {
      return MakeError(ErrorCode::kUnsupported, "{}: tensor {} has type {}, supported: {}", source_.path(),
                       name, GgufTensorTypeName(tensor->type), GgufSupportedTensorTypes());
    }
    const std::span<const std::byte> data = source_.Acquire(*tensor);
    auto matrix =
        WeightMatrix::Create(*type, static_cast<size_t>(rows), static_cast<size_t>(columns), data, team_);
    if (!matrix) return WithContext(matrix.error(), fmt::format("{}: {}", source_.path(), name));
    Fingerprint(*tensor, data);
    source_.Release(*tensor);
    if (decoded) weights_->decode_bytes += matrix->file_bytes();
    out = std::move(*matrix);
    return {};
  }

  Result<void> Vector(const std::string& name, std::array<uint64_t, 2> shape, std::vector<float>& out) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, Checked(name, shape));
    const std::span<const std::byte> data = source_.Acquire(*tensor);
    SOTTO_ASSIGN_OR_RETURN(out, TensorToFloats(*tensor, data, source_.path()));
    Fingerprint(*tensor, data);
    source_.Release(*tensor);
    // One infinity in a norm makes every logit NaN. Matrices are not looked through here: what comes of
    // theirs is noticed at the logits (brain/slm_next_token.cc).
    if (!std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); })) {
      return MakeError(ErrorCode::kCorrupt, "{}: {} holds values that are no finite numbers", source_.path(),
                       name);
    }
    return {};
  }

  const ModelConfig& config_;
  TensorSource& source_;
  ThreadTeam& team_;
  std::unique_ptr<ModelWeights> weights_;
};

}  // namespace

std::string_view LayerMatrixName(LayerMatrix matrix) {
  return kLayerMatrixNames[static_cast<size_t>(matrix)];
}

std::optional<MatrixShape> LayerMatrixShape(const ModelConfig& config, LayerMatrix matrix) {
  const int d = config.d_model;
  switch (matrix) {
    case LayerMatrix::kAttnQ:
      if (config.fused_qkv) return std::nullopt;
      return MatrixShape{config.d_q(), d};
    case LayerMatrix::kAttnK:
    case LayerMatrix::kAttnV:
      if (config.fused_qkv) return std::nullopt;
      return MatrixShape{config.d_kv(), d};
    case LayerMatrix::kAttnQkv:
      if (!config.fused_qkv) return std::nullopt;
      return MatrixShape{config.d_q() + 2 * config.d_kv(), d};
    case LayerMatrix::kAttnOutput:
      return MatrixShape{d, config.d_q()};
    case LayerMatrix::kFfnGate:
      if (config.fused_gate_up || config.is_encoder()) return std::nullopt;
      return MatrixShape{config.d_ff, d};
    case LayerMatrix::kFfnUp:
      return MatrixShape{config.fused_gate_up ? 2 * config.d_ff : config.d_ff, d};
    case LayerMatrix::kFfnDown:
      return MatrixShape{d, config.d_ff};
  }
  return std::nullopt;
}

Result<std::unique_ptr<const ModelWeights>> BuildWeights(const ModelConfig& config, TensorSource& source,
                                                         ThreadTeam& team) {
  return WeightsBuilder(config, source, team).Build();
}

Result<std::vector<float>> TensorToFloats(const GgufTensor& tensor, std::span<const std::byte> data,
                                          std::string_view path) {
  const std::optional<DType> type = DTypeFromId(static_cast<uint32_t>(tensor.type));
  if (!type) {
    return MakeError(ErrorCode::kUnsupported, "{}: tensor {} has type {}, supported: {}", path, tensor.name,
                     GgufTensorTypeName(tensor.type), GgufSupportedTensorTypes());
  }
  std::vector<float> values(tensor.n_elements());
  DequantizeRow(*type, data, values);
  return values;
}

void GgufTensorSource::Release(const GgufTensor& tensor) {
  if (!gguf_.is_mapped()) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  // Only pages that hold nothing else.
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(tensor.data.data()) + page - 1) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(tensor.data.data() + tensor.data.size()) / page * page;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace sotto
