#include "slm/lora.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "nn/thread_team.h"
#include "slm/lora_weights.h"

namespace sotto {
namespace {

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";

// What "blk.3.attn_q.weight" changes; layer -1: the output matrix.
struct Target {
  int layer;
  LayerMatrix matrix;
  MatrixShape shape;
};

std::optional<Target> ParseTarget(std::string_view tensor, const ModelConfig& config) {
  if (tensor == "output.weight") {
    return Target{-1, LayerMatrix::kAttnQ, {config.n_vocab, config.d_model}};
  }
  if (!tensor.starts_with("blk.") || !tensor.ends_with(".weight")) return std::nullopt;
  tensor.remove_prefix(4);
  tensor.remove_suffix(7);
  int layer = 0;
  const auto [end, error] = std::from_chars(tensor.data(), tensor.data() + tensor.size(), layer);
  if (error != std::errc() || layer < 0 || layer >= config.n_layers) return std::nullopt;
  tensor.remove_prefix(static_cast<size_t>(end - tensor.data()));
  for (int i = 0; i < kNumLayerMatrices; ++i) {
    const auto matrix = static_cast<LayerMatrix>(i);
    if (!tensor.starts_with('.') || tensor.substr(1) != LayerMatrixName(matrix)) continue;
    if (const auto shape = LayerMatrixShape(config, matrix)) return Target{layer, matrix, *shape};
  }
  return std::nullopt;
}

Result<WeightMatrix> LoadMatrix(const GgufFile& gguf, const GgufTensor& tensor, ThreadTeam& team) {
  // Small, and read by rows of `rank`, which is seldom a whole number of blocks: kept as floats.
  SOTTO_ASSIGN_OR_RETURN(const std::vector<float> values, TensorToFloats(tensor, tensor.data, gguf.path()));
  return WeightMatrix::FromFloats(DType::kF32, tensor.shape[1], tensor.shape[0], values, team);
}

Result<void> CheckHeader(const GgufFile& gguf, const ModelConfig& config) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view type, gguf.GetStringOr("general.type", "model"));
  if (type != "adapter") {
    return MakeError(ErrorCode::kInvalidArgument, "{}: general.type = '{}', expected 'adapter'", gguf.path(),
                     type);
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string_view kind, gguf.GetString("adapter.type"));
  if (kind != "lora") {
    return MakeError(ErrorCode::kUnsupported, "{}: adapter.type = '{}', expected 'lora'", gguf.path(), kind);
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch, gguf.GetString("general.architecture"));
  if (arch != config.arch_name) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: adapter for architecture '{}', the model's is '{}'",
                     gguf.path(), arch, config.arch_name);
  }
  return {};
}

Result<LoraPair> LoadPair(const GgufFile& gguf, std::string_view base_name, const MatrixShape& shape,
                          float alpha, ThreadTeam& team) {
  SOTTO_ASSIGN_OR_RETURN(const GgufTensor* a, gguf.GetTensor(fmt::format("{}{}", base_name, kSuffixA)));
  SOTTO_ASSIGN_OR_RETURN(const GgufTensor* b, gguf.GetTensor(fmt::format("{}{}", base_name, kSuffixB)));
  const uint64_t rank = a->shape[1];
  if (a->shape[0] != static_cast<uint64_t>(shape.columns) ||
      b->shape[1] != static_cast<uint64_t>(shape.rows) || b->shape[0] != rank || rank == 0 || a->n_dims > 2 ||
      b->n_dims > 2) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "{}: {} has adapter shapes {} and {}, the model's matrix is [{}, {}]: adapter of another model",
        gguf.path(), base_name, ShapeToString(*a), ShapeToString(*b), shape.columns, shape.rows);
  }
  SOTTO_ASSIGN_OR_RETURN(WeightMatrix matrix_a, LoadMatrix(gguf, *a, team));
  SOTTO_ASSIGN_OR_RETURN(WeightMatrix matrix_b, LoadMatrix(gguf, *b, team));
  const float scale = alpha > 0 ? alpha / static_cast<float>(rank) : 1.0f;
  return LoraPair{std::move(matrix_a), std::move(matrix_b), scale};
}

}  // namespace

LoraAdapter::LoraAdapter() = default;
LoraAdapter::~LoraAdapter() = default;

Result<std::shared_ptr<const LoraAdapter>> LoraAdapter::Load(const std::filesystem::path& path,
                                                             const Model& base) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const GgufFile> gguf, GgufFile::Open(path));
  const ModelConfig& config = base.config();
  SOTTO_RETURN_IF_ERROR(CheckHeader(*gguf, config));
  SOTTO_ASSIGN_OR_RETURN(const float alpha, gguf->GetF32("adapter.lora.alpha"));
  ThreadTeam team(1);
  auto weights = std::make_unique<LoraWeights>();
  weights->layers.resize(static_cast<size_t>(config.n_layers));
  size_t pairs = 0;
  for (const GgufTensor& tensor : gguf->tensors()) {
    if (tensor.name.ends_with(kSuffixB)) continue;
    const std::string_view base_name = tensor.name.ends_with(kSuffixA)
                                           ? tensor.name.substr(0, tensor.name.size() - kSuffixA.size())
                                           : tensor.name;
    const std::optional<Target> target = ParseTarget(base_name, config);
    if (!tensor.name.ends_with(kSuffixA) || !target) {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "{}: tensor {} changes nothing in {}: adapter of another model, or of a part that cannot be "
          "adapted",
          path.string(), tensor.name, base.path());
    }
    SOTTO_ASSIGN_OR_RETURN(LoraPair pair, LoadPair(*gguf, base_name, target->shape, alpha, team));
    if (target->layer < 0) {
      weights->output.emplace(std::move(pair));
    } else {
      weights->layers[static_cast<size_t>(target->layer)][static_cast<size_t>(target->matrix)].emplace(
          std::move(pair));
    }
    ++pairs;
  }
  if (pairs == 0) return MakeError(ErrorCode::kCorrupt, "{}: adapter without tensors", path.string());
  std::shared_ptr<LoraAdapter> adapter(new LoraAdapter());
  adapter->path_ = path.string();
  adapter->base_id_ = base.id();
  adapter->weights_ = std::move(weights);
  return std::shared_ptr<const LoraAdapter>(std::move(adapter));
}

}  // namespace sotto
