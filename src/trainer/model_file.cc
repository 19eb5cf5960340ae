#include "trainer/model_file.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "slm/gguf.h"
#include "trainer/composed_rows.h"

namespace sotto {
namespace {

void WriteMetadata(const DecoderShape& shape, const ModelFileInfo& info, DType type, GgufWriter& writer) {
  const auto u32 = [&](const char* key, int value) {
    writer.SetU32(std::string("qwen3.") + key, static_cast<uint32_t>(value));
  };
  writer.SetString("general.architecture", "qwen3");
  writer.SetString("general.type", "model");
  writer.SetString("general.name", info.name);
  if (!info.description.empty()) writer.SetString("general.description", info.description);
  if (!info.licence.empty()) writer.SetString("general.license", info.licence);
  if (!info.workflow_hash.empty()) writer.SetString("sotto.workflow_hash", info.workflow_hash);
  writer.SetU32("general.file_type", type == DType::kQ8_0 ? 7 : type == DType::kF16 ? 1 : 0);
  writer.SetU32("general.quantization_version", 2);
  u32("context_length", shape.n_ctx);
  u32("embedding_length", shape.d_model);
  u32("block_count", shape.n_layers);
  u32("feed_forward_length", shape.d_ff);
  u32("attention.head_count", shape.n_heads);
  u32("attention.head_count_kv", shape.n_kv_heads);
  u32("attention.key_length", shape.head_dim);
  u32("attention.value_length", shape.head_dim);
  u32("rope.dimension_count", shape.head_dim);
  u32("vocab_size", shape.n_vocab);
  writer.SetF32("qwen3.rope.freq_base", shape.rope_theta);
  writer.SetF32("qwen3.attention.layer_norm_rms_epsilon", shape.norm_eps);
}

Result<DecoderShape> ReadShape(const GgufFile& file) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch, file.GetString("general.architecture"));
  if (arch != "qwen3") {
    return MakeError(ErrorCode::kUnsupported, "{}: architecture '{}'; only qwen3 models are trained on",
                     file.path(), arch);
  }
  DecoderShape shape;
  const std::pair<const char*, int*> keys[] = {
      {"context_length", &shape.n_ctx},          {"embedding_length", &shape.d_model},
      {"block_count", &shape.n_layers},          {"feed_forward_length", &shape.d_ff},
      {"attention.head_count", &shape.n_heads},  {"attention.head_count_kv", &shape.n_kv_heads},
      {"attention.key_length", &shape.head_dim},
  };
  for (const auto& [key, to] : keys) {
    SOTTO_ASSIGN_OR_RETURN(const uint32_t value, file.GetU32(std::string("qwen3.") + key));
    *to = static_cast<int>(value);
  }
  SOTTO_ASSIGN_OR_RETURN(shape.rope_theta, file.GetF32("qwen3.rope.freq_base"));
  SOTTO_ASSIGN_OR_RETURN(shape.norm_eps, file.GetF32("qwen3.attention.layer_norm_rms_epsilon"));
  SOTTO_ASSIGN_OR_RETURN(const auto tokens, file.GetStringArray("tokenizer.ggml.tokens"));
  shape.n_vocab = static_cast<int>(tokens.size());
  SOTTO_RETURN_IF_ERROR(shape.Validate());
  return shape;
}

double Normal(Random& random) {
  const double u = 1.0 - random.Uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * random.Uniform());
}

}  // namespace

std::vector<TensorPiece> TensorPieces(const Weights& weights) {
  const DecoderShape& shape = weights.shape();
  const int64_t kv = int64_t{shape.n_kv_heads} * shape.head_dim;
  std::vector<TensorPiece> pieces{{"token_embd.weight", weights.embedding(), 0, shape.n_vocab}};
  for (int i = 0; i < shape.n_layers; ++i) {
    const LayerViews& layer = weights.layer(i);
    const std::string p = fmt::format("blk.{}.", i);
    pieces.push_back({p + "attn_norm.weight", layer.attn_norm, 0, 1});
    pieces.push_back({p + "attn_q.weight", layer.qkv, 0, shape.d_q()});
    pieces.push_back({p + "attn_k.weight", layer.qkv, shape.d_q(), kv});
    pieces.push_back({p + "attn_v.weight", layer.qkv, shape.d_q() + kv, kv});
    pieces.push_back({p + "attn_q_norm.weight", layer.q_norm, 0, 1});
    pieces.push_back({p + "attn_k_norm.weight", layer.k_norm, 0, 1});
    pieces.push_back({p + "attn_output.weight", layer.attn_out, 0, shape.d_model});
    pieces.push_back({p + "ffn_norm.weight", layer.ffn_norm, 0, 1});
    pieces.push_back({p + "ffn_gate.weight", layer.gate_up, 0, shape.d_ff});
    pieces.push_back({p + "ffn_up.weight", layer.gate_up, shape.d_ff, shape.d_ff});
    pieces.push_back({p + "ffn_down.weight", layer.down, 0, shape.d_model});
  }
  pieces.push_back({"output_norm.weight", weights.final_norm(), 0, 1});
  return pieces;
}

namespace {

// Reads `weights` when it is written.
GgufWriter ModelWriter(const Weights& weights, const TrainVocabulary& vocabulary, DType type,
                       const ModelFileInfo& info) {
  SOTTO_CHECK(vocabulary.tokens.size() == static_cast<size_t>(weights.shape().n_vocab));
  GgufWriter writer;
  WriteMetadata(weights.shape(), info, type, writer);
  vocabulary.Write(writer);
  for (const TensorPiece& piece : TensorPieces(weights)) {
    const ParameterView& view = weights.view(piece.parameter);
    const auto columns = static_cast<size_t>(view.columns);
    const float* from = weights.data(piece.parameter) + piece.first * view.columns;
    const bool gain = view.rows == 1;
    const DType stored = gain ? DType::kF32 : type;
    const auto fill = [=, rows = static_cast<size_t>(piece.rows)](std::span<std::byte> to) -> Result<void> {
      const size_t row_bytes = RowBytes(stored, columns);
      for (size_t r = 0; r < rows; ++r) {
        QuantizeRow(stored, std::span(from + r * columns, columns), to.subspan(r * row_bytes, row_bytes));
      }
      return {};
    };
    const std::vector<uint64_t> shape =
        gain ? std::vector<uint64_t>{columns}
             : std::vector<uint64_t>{columns, static_cast<uint64_t>(piece.rows)};
    writer.AddTensor(piece.name, stored, shape, fill);
  }
  return writer;
}

}  // namespace

Result<void> WriteModelFile(const std::filesystem::path& path, const Weights& weights,
                            const TrainVocabulary& vocabulary, DType type, const ModelFileInfo& info) {
  return ModelWriter(weights, vocabulary, type, info).Write(path);
}

Result<std::shared_ptr<const GgufFile>> MakeModelFile(const Weights& weights,
                                                      const TrainVocabulary& vocabulary, DType type,
                                                      const ModelFileInfo& info) {
  SOTTO_ASSIGN_OR_RETURN(std::string bytes, ModelWriter(weights, vocabulary, type, info).ToBytes());
  return GgufFile::Parse(std::move(bytes), info.name);
}

Result<Weights> ReadWeights(const GgufFile& file) {
  SOTTO_ASSIGN_OR_RETURN(const DecoderShape shape, ReadShape(file));
  if (file.FindTensor("output.weight") != nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: has an output matrix of its own; only tied models are trained", file.path());
  }
  Weights weights(shape);
  for (const TensorPiece& piece : TensorPieces(weights)) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, file.GetTensor(piece.name));
    const ParameterView& view = weights.view(piece.parameter);
    const auto columns = static_cast<size_t>(view.columns);
    const auto n = static_cast<size_t>(piece.rows) * columns;
    const auto type = DTypeFromId(static_cast<uint32_t>(tensor->type));
    if (!type || tensor->shape[0] != columns || tensor->n_elements() != n) {
      return MakeError(ErrorCode::kCorrupt, "{}: tensor {} has shape {}, expected [{}, {}]", file.path(),
                       piece.name, ShapeToString(*tensor), columns, piece.rows);
    }
    DequantizeRow(*type, tensor->data,
                  std::span(weights.data(piece.parameter) + piece.first * view.columns, n));
  }
  return weights;
}

Result<LoadedModel> ReadModelFile(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path));
  SOTTO_ASSIGN_OR_RETURN(Weights weights, ReadWeights(*file));
  SOTTO_ASSIGN_OR_RETURN(TrainVocabulary vocabulary, TrainVocabulary::Of(*file));
  return LoadedModel{std::move(weights), std::move(vocabulary)};
}

Result<Weights> ExtendToVocabulary(const LoadedModel& base, const TrainVocabulary& vocabulary,
                                   Random& random) {
  const size_t n_base = base.vocabulary.n_base;
  if (vocabulary.n_base != n_base || vocabulary.merges != base.vocabulary.merges) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "the base model has another base vocabulary ({} tokens, not {})", n_base,
                     vocabulary.n_base);
  }
  DecoderShape shape = base.weights.shape();
  shape.n_vocab = static_cast<int>(vocabulary.tokens.size());
  Weights weights(shape);
  for (size_t i = 0; i < weights.parameters().size(); ++i) {
    const int64_t n = std::min(weights.view(i).size(), base.weights.view(i).size());
    std::copy_n(base.weights.data(i),
                i == weights.embedding() ? static_cast<int64_t>(n_base) * shape.d_model : n, weights.data(i));
  }
  TrainVocabulary plain = base.vocabulary;
  plain.tokens.resize(n_base);
  plain.types.resize(n_base);
  SOTTO_ASSIGN_OR_RETURN(const auto tokenizer, plain.MakeTokenizer());
  ComposedRows(vocabulary, *tokenizer).Compose(weights);
  const int64_t d = shape.d_model;
  float* table = weights.data(weights.embedding());
  const std::vector<std::string>& known = base.vocabulary.tokens;
  for (size_t id = n_base; id < vocabulary.tokens.size(); ++id) {
    float* row = table + static_cast<int64_t>(id) * d;
    const auto same =
        std::find(known.begin() + static_cast<std::ptrdiff_t>(n_base), known.end(), vocabulary.tokens[id]);
    if (same != known.end()) {
      std::copy_n(base.weights.data(base.weights.embedding()) + (same - known.begin()) * d, d, row);
      continue;
    }
    for (int64_t j = 0; j < d; ++j) row[j] += static_cast<float>(0.02 * Normal(random));
  }
  return weights;
}

void RoundWeights(DType type, Weights& weights) {
  for (size_t i = 0; i < weights.parameters().size(); ++i) {
    const ParameterView& view = weights.view(i);
    if (view.rows == 1) continue;
    const auto columns = static_cast<size_t>(view.columns);
    std::vector<std::byte> row(RowBytes(type, columns));
    for (int64_t r = 0; r < view.rows; ++r) {
      const std::span<float> values(weights.data(i) + r * view.columns, columns);
      QuantizeRow(type, values, row);
      DequantizeRow(type, row, values);
    }
  }
}

}  // namespace sotto
