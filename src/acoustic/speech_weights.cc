#include "acoustic/speech_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "nn/block_formats.h"
#include "nn/thread_team.h"
#include "slm/weights.h"

namespace sotto {
namespace {

class Builder {
 public:
  Builder(const SpeechConfig& config, const GgufFile& file, ThreadTeam& team)
      : config_(config), file_(file), team_(team), weights_(std::make_unique<SpeechWeights>()) {}

  Result<std::unique_ptr<const SpeechWeights>> Build() {
    SpeechWeights& w = *weights_;
    w.fingerprint = Fnv1a({});
    const size_t d = config_.d_model;
    SOTTO_RETURN_IF_ERROR(Stem());
    w.encoder.resize(config_.n_encoder_layers);
    for (size_t i = 0; i < w.encoder.size(); ++i)
      SOTTO_RETURN_IF_ERROR(Layer(fmt::format("enc.blk.{}.", i), false, w.encoder[i]));
    SOTTO_RETURN_IF_ERROR(Vector("enc.output_norm.weight", d, w.encoder_norm));
    SOTTO_RETURN_IF_ERROR(Matrix("token_embd.weight", config_.n_vocab, d, w.embedding));
    w.decoder.resize(config_.n_decoder_layers);
    for (size_t i = 0; i < w.decoder.size(); ++i)
      SOTTO_RETURN_IF_ERROR(Layer(fmt::format("dec.blk.{}.", i), true, w.decoder[i]));
    SOTTO_RETURN_IF_ERROR(Vector("dec.output_norm.weight", d, w.decoder_norm));
    return std::unique_ptr<const SpeechWeights>(std::move(weights_));
  }

 private:
  Result<void> Stem() {
    SpeechWeights& w = *weights_;
    const size_t d = config_.d_model;
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* first, Checked("enc.conv1.weight", config_.kernels[0], d));
    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> taps, TensorToFloats(*first, first->data, file_.path()));
    const size_t padded = PaddedKernel(config_.kernels[0]);
    std::vector<float> rows(d * padded, 0.0f);
    for (size_t r = 0; r < d; ++r) {
      std::copy_n(taps.begin() + static_cast<std::ptrdiff_t>(r * config_.kernels[0]), config_.kernels[0],
                  rows.begin() + static_cast<std::ptrdiff_t>(r * padded));
    }
    SOTTO_ASSIGN_OR_RETURN(w.conv[0], WeightMatrix::FromFloats(DType::kF32, d, padded, rows, team_));
    SOTTO_RETURN_IF_ERROR(Vector("enc.group_norm.weight", d, w.group_weight));
    SOTTO_RETURN_IF_ERROR(Vector("enc.group_norm.bias", d, w.group_bias));
    SOTTO_RETURN_IF_ERROR(Matrix("enc.conv2.weight", 2 * d, config_.kernels[1] * d, w.conv[1]));
    SOTTO_RETURN_IF_ERROR(Vector("enc.conv2.bias", 2 * d, w.conv_bias[1]));
    SOTTO_RETURN_IF_ERROR(Matrix("enc.conv3.weight", d, config_.kernels[2] * 2 * d, w.conv[2]));
    return Vector("enc.conv3.bias", d, w.conv_bias[2]);
  }

  Result<void> Layer(const std::string& prefix, bool decoder, SpeechLayerWeights& layer) {
    const size_t d = config_.d_model;
    const size_t up = decoder ? 2 * config_.d_ff : config_.d_ff;
    SOTTO_RETURN_IF_ERROR(Vector(prefix + "attn_norm.weight", d, layer.attn_norm));
    SOTTO_RETURN_IF_ERROR(Attention(prefix + "attn_", true, layer.attn));
    if (decoder) {
      SOTTO_RETURN_IF_ERROR(Vector(prefix + "cross_attn_norm.weight", d, layer.cross_norm));
      SOTTO_RETURN_IF_ERROR(Attention(prefix + "cross_attn_", false, layer.cross));
    }
    SOTTO_RETURN_IF_ERROR(Vector(prefix + "ffn_norm.weight", d, layer.ffn_norm));
    SOTTO_RETURN_IF_ERROR(Matrix(prefix + "ffn_up.weight", up, d, layer.up));
    SOTTO_RETURN_IF_ERROR(Vector(prefix + "ffn_up.bias", up, layer.up_bias));
    SOTTO_RETURN_IF_ERROR(Matrix(prefix + "ffn_down.weight", d, config_.d_ff, layer.down));
    return Vector(prefix + "ffn_down.bias", d, layer.down_bias);
  }

  Result<void> Attention(const std::string& prefix, bool rotated, AttentionWeights& attention) {
    const size_t d = config_.d_model;
    SOTTO_RETURN_IF_ERROR(Matrix(prefix + "q.weight", d, d, attention.q, rotated));
    SOTTO_RETURN_IF_ERROR(Matrix(prefix + "k.weight", d, d, attention.k, rotated));
    SOTTO_RETURN_IF_ERROR(Matrix(prefix + "v.weight", d, d, attention.v));
    return Matrix(prefix + "output.weight", d, d, attention.output);
  }

  Result<const GgufTensor*> Checked(const std::string& name, size_t columns, size_t rows) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, file_.GetTensor(name));
    if (tensor->shape != std::array<uint64_t, 4>{columns, rows, 1, 1}) {
      return MakeError(ErrorCode::kCorrupt, "{}: tensor {} has shape {}, expected [{}, {}]", file_.path(),
                       name, ShapeToString(*tensor), columns, rows);
    }
    uint64_t& hash = weights_->fingerprint;
    hash = SampledHash(tensor->data, Fnv1a(name, hash));
    return tensor;
  }

  Result<void> Matrix(const std::string& name, size_t rows, size_t columns, std::optional<WeightMatrix>& out,
                      bool rotated = false) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, Checked(name, columns, rows));
    const std::optional<DType> type = DTypeFromId(static_cast<uint32_t>(tensor->type));
    if (!type) {
      return MakeError(ErrorCode::kUnsupported, "{}: tensor {} has type {}, supported: {}", file_.path(),
                       name, GgufTensorTypeName(tensor->type), GgufSupportedTensorTypes());
    }
    std::span<const std::byte> data = tensor->data;
    std::vector<std::byte> permuted;
    if (rotated) {
      permuted = PairsToHalves(data, tensor->row_bytes());
      data = permuted;
    }
    auto matrix = WeightMatrix::Create(*type, rows, columns, data, team_);
    if (!matrix) return WithContext(matrix.error(), fmt::format("{}: {}", file_.path(), name));
    out = std::move(*matrix);
    return {};
  }

  // The rows of each head in the order 0, 2, 4, ..., 1, 3, 5, ... as far as they are rotated.
  std::vector<std::byte> PairsToHalves(std::span<const std::byte> rows, size_t row_bytes) const {
    std::vector<std::byte> out(rows.begin(), rows.end());
    const size_t half = config_.n_rot / 2;
    for (size_t head = 0; head < config_.n_heads; ++head) {
      for (size_t i = 0; i < config_.n_rot; ++i) {
        const size_t from = i < half ? 2 * i : 2 * (i - half) + 1;
        std::memcpy(out.data() + (head * config_.head_dim + i) * row_bytes,
                    rows.data() + (head * config_.head_dim + from) * row_bytes, row_bytes);
      }
    }
    return out;
  }

  Result<void> Vector(const std::string& name, size_t size, std::vector<float>& out) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, Checked(name, size, 1));
    SOTTO_ASSIGN_OR_RETURN(out, TensorToFloats(*tensor, tensor->data, file_.path()));
    if (!std::ranges::all_of(out, [](float value) { return std::isfinite(value); })) {
      return MakeError(ErrorCode::kCorrupt, "{}: {} holds values that are no finite numbers", file_.path(),
                       name);
    }
    return {};
  }

  const SpeechConfig& config_;
  const GgufFile& file_;
  ThreadTeam& team_;
  std::unique_ptr<SpeechWeights> weights_;
};

}  // namespace

Result<std::unique_ptr<const SpeechWeights>> BuildSpeechWeights(const SpeechConfig& config,
                                                                const GgufFile& file, ThreadTeam& team) {
  return Builder(config, file, team).Build();
}

}  // namespace sotto
