#include "embed/import_sentence_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "core/json.h"

namespace sotto {
namespace {

constexpr std::string_view kPiecesKey = "sotto.sentence_pieces.tokens";
constexpr std::string_view kScoresKey = "sotto.sentence_pieces.scores";
// Weights of the package are 28 MB.
constexpr size_t kMaxWeightBytes = size_t{1} << 28;

constexpr std::string_view kEncoderOperations[] = {
    "Add",     "BatchMatMul",  "BiasAdd",  "Cast",     "ConcatV2",      "Const",     "Conv2D",
    "Cos",     "ExpandDims",   "GatherNd", "GatherV2", "Greater",       "Less",      "LogicalNot",
    "MatMul",  "Max",          "Maximum",  "Mean",     "Mul",           "Pack",      "Placeholder",
    "Prod",    "Range",        "RealDiv",  "Relu",     "Reshape",       "Rsqrt",     "ScatterNd",
    "Shape",   "Sin",          "Slice",    "Softmax",  "SparseToDense", "SplitV",    "Square",
    "Squeeze", "StridedSlice", "Sub",      "Sum",      "Tanh",          "Transpose", "Where"};

tl::unexpected<Error> NotSuch(std::string_view source, std::string_view why) {
  return MakeError(ErrorCode::kCorrupt, "{}: no graph model of TensorFlow.js: {}", source, why);
}

Result<void> CheckGraph(const Json& root, std::string_view source) {
  const auto topology = root.find("modelTopology");
  if (topology == root.end() || !topology->is_object() || !topology->contains("node") ||
      !(*topology)["node"].is_array()) {
    return NotSuch(source, "it has no modelTopology.node");
  }
  for (const Json& node : (*topology)["node"]) {
    if (!node.is_object() || !node.contains("op") || !node["op"].is_string())
      return NotSuch(source, "a node without op");
    const auto& op = node["op"].get_ref<const std::string&>();
    if (std::ranges::find(kEncoderOperations, op) == std::end(kEncoderOperations)) {
      return MakeError(ErrorCode::kUnsupported, "{}: operation '{}' is none of the sentence encoder's",
                       source, op);
    }
  }
  return {};
}

Result<void> AddWeight(const Json& entry, std::string_view source, TfjsModel& model) {
  if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
      !entry.contains("shape") || !entry["shape"].is_array() || !entry.contains("dtype") ||
      !entry["dtype"].is_string()) {
    return NotSuch(source, "a weight without name, shape or dtype");
  }
  const auto& name = entry["name"].get_ref<const std::string&>();
  const auto& dtype = entry["dtype"].get_ref<const std::string&>();
  if (entry.contains("quantization") || (dtype != "float32" && dtype != "int32")) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: weight '{}' is quantised or of type '{}', expected float32", source, name, dtype);
  }
  TfjsWeight weight;
  weight.floats = dtype == "float32";
  weight.offset = model.size_bytes;
  weight.n = 1;
  for (const Json& size : entry["shape"]) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > kMaxWeightBytes)
      return NotSuch(source, fmt::format("weight '{}' has an impossible shape", name));
    weight.shape.push_back(size.get<size_t>());
    weight.n *= weight.shape.back();
    if (weight.n > kMaxWeightBytes / 4) return NotSuch(source, fmt::format("weight '{}' is too large", name));
  }
  model.size_bytes += 4 * weight.n;
  if (model.size_bytes > kMaxWeightBytes) return NotSuch(source, "its weights are too large");
  if (!model.weights.emplace(name, std::move(weight)).second)
    return NotSuch(source, fmt::format("weight '{}' is there twice", name));
  return {};
}

std::string ShapeText(std::span<const size_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

class EncoderImporter {
 public:
  EncoderImporter(const TfjsModel& model, std::string_view bytes, const ImportOptions& options,
                  GgufWriter& writer)
      : model_(model), bytes_(bytes), tensors_(writer, options.floats) {}

  Result<void> Import() {
    SOTTO_ASSIGN_OR_RETURN(std::vector<float> embedding,
                           Floats("module/Embeddings_en", {kVocabulary, kEmbedding}));
    tensors_.AddMatrix("token_embd.weight", std::move(embedding), kEmbedding, 0);
    SOTTO_ASSIGN_OR_RETURN(
        std::vector<float> timing,
        Floats(kApply + "TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1",
               {1, kEmbedding / 2}));
    tensors_.AddFloats("timing", std::move(timing));
    for (size_t layer = 0; layer < 2; ++layer) SOTTO_RETURN_IF_ERROR(Layer(layer));
    const std::string hidden = "module/Encoder_en/hidden_layers/tanh_layer_0/";
    SOTTO_RETURN_IF_ERROR(Matrix(hidden + "weights", {kSize, kSize}, "output.weight"));
    return Vector(hidden + "bias", kSize, "output.bias");
  }

 private:
  static constexpr size_t kVocabulary = 8002;
  static constexpr size_t kEmbedding = 256;
  static constexpr size_t kSize = 512;
  static constexpr size_t kInner = 1536;

  Result<std::vector<float>> Floats(const std::string& name, const std::vector<size_t>& shape) const {
    const auto found = model_.weights.find(name);
    if (found == model_.weights.end()) {
      return MakeError(ErrorCode::kUnsupported, "{}: has no weight '{}': not the sentence encoder",
                       model_.path, name);
    }
    const TfjsWeight& weight = found->second;
    if (weight.shape != shape || !weight.floats) {
      return MakeError(ErrorCode::kUnsupported, "{}: weight '{}' has shape {}, expected {} of float32",
                       model_.path, name, ShapeText(weight.shape), ShapeText(shape));
    }
    std::vector<float> values(weight.n);
    std::memcpy(values.data(), bytes_.data() + weight.offset, 4 * weight.n);
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) {
      return MakeError(ErrorCode::kCorrupt, "{}: weight '{}' holds values that are no finite numbers",
                       model_.path, name);
    }
    return values;
  }

  // A kernel [..., inputs, outputs] as rows of inputs.
  Result<void> Matrix(const std::string& from, const std::vector<size_t>& shape, const std::string& to) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<float> values, Floats(from, shape));
    const size_t n_out = shape.back();
    const size_t n_in = shape[shape.size() - 2];
    tensors_.AddMatrix(to, Transposed(values, n_in, n_out), n_in, 0);
    return {};
  }

  Result<void> Vector(const std::string& from, size_t n, const std::string& to) {
    SOTTO_ASSIGN_OR_RETURN(std::vector<float> values, Floats(from, {n}));
    tensors_.AddFloats(to, std::move(values));
    return {};
  }

  Result<void> Layer(size_t index) {
    const size_t d = index == 0 ? kEmbedding : kSize;
    const std::string blk = fmt::format("blk.{}.", index);
    const std::string at = fmt::format("Layer_{}/TransformerLayer/", index);
    const std::string stack = kApply + "TransformerStack/" + at;
    const std::string whole = "/ConcatPartitions/concat";
    SOTTO_RETURN_IF_ERROR(Norm(kApply + at, d, blk + "attn_norm"));
    for (const auto& [from, to, n] : {std::tuple{"qkv_transform_single", "attn_qkv", 3 * d},
                                      std::tuple{"output_transform_single", "attn_output", kSize}}) {
      const std::string part = fmt::format("MultiheadAttention/{}/", from);
      SOTTO_RETURN_IF_ERROR(Matrix("module/Encoder_en/KonaTransformer/Encode/" + at + part + "kernel/part_0",
                                   {1, 1, d, n}, blk + to + ".weight"));
      SOTTO_RETURN_IF_ERROR(Vector(kApply + at + part + "bias" + whole, n, blk + to + ".bias"));
    }
    if (index == 0) {
      SOTTO_RETURN_IF_ERROR(
          Matrix(kApply + at + "dense/kernel" + whole, {d, kSize}, blk + "residual.weight"));
      SOTTO_RETURN_IF_ERROR(Vector(kApply + at + "dense/bias" + whole, kSize, blk + "residual.bias"));
    }
    SOTTO_RETURN_IF_ERROR(Norm(kApply + at + "FFN/", kSize, blk + "ffn_norm"));
    SOTTO_RETURN_IF_ERROR(
        Matrix(stack + "FFN/conv1/Tensordot/Reshape_1", {kSize, kInner}, blk + "ffn_up.weight"));
    SOTTO_RETURN_IF_ERROR(Vector(kApply + at + "FFN/conv1/bias" + whole, kInner, blk + "ffn_up.bias"));
    SOTTO_RETURN_IF_ERROR(
        Matrix(stack + "FFN/conv2/Tensordot/Reshape_1", {kInner, kSize}, blk + "ffn_down.weight"));
    return Vector(kApply + at + "FFN/conv2/bias" + whole, kSize, blk + "ffn_down.bias");
  }

  Result<void> Norm(const std::string& at, size_t n, const std::string& to) {
    const std::string norm = at + "layer_prepostprocess/layer_norm/layer_norm_";
    SOTTO_RETURN_IF_ERROR(Vector(norm + "scale/ConcatPartitions/concat", n, to + ".weight"));
    return Vector(norm + "bias/ConcatPartitions/concat", n, to + ".bias");
  }

  const std::string kApply = "module_apply_default/Encoder_en/KonaTransformer/Encode/";
  const TfjsModel& model_;
  const std::string_view bytes_;
  ImportedTensors tensors_;
};

Result<void> AddPieces(std::string_view vocabulary, std::string_view source, GgufWriter& writer) {
  SOTTO_ASSIGN_OR_RETURN(const Json root, ParseJson(vocabulary, source));
  std::vector<std::string> pieces;
  std::vector<double> scores;
  for (const Json& entry : root) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() ||
        !(entry[1].is_number() || entry[1].is_null())) {
      return MakeError(ErrorCode::kCorrupt, "{}: entry {} is no [piece, score]", source, pieces.size());
    }
    pieces.push_back(entry[0]);
    // The published file has null for some pieces (":"), which the reference adds as 0.
    scores.push_back(entry[1].is_null() ? 0.0 : entry[1].get<double>());
  }
  if (const auto made = SentencePieces::Create(pieces, scores); !made)
    return WithContext(made.error(), source);
  writer.SetStringArray(kPiecesKey, std::span<const std::string>(pieces));
  GgufArray array{GgufValueType::kF64, scores.size(), std::as_bytes(std::span(scores)), {}};
  writer.SetValue(kScoresKey, {GgufValueType::kArray, std::move(array)});
  return {};
}

}  // namespace

Result<TfjsModel> ReadTfjsModel(std::string_view text, std::string_view source) {
  SOTTO_ASSIGN_OR_RETURN(const Json root, ParseJson(text, source));
  if (!root.is_object()) return NotSuch(source, "it is no object");
  SOTTO_RETURN_IF_ERROR(CheckGraph(root, source));
  const auto manifest = root.find("weightsManifest");
  if (manifest == root.end() || !manifest->is_array() || manifest->size() != 1 ||
      !(*manifest)[0].is_object() || !(*manifest)[0].contains("paths") ||
      !(*manifest)[0].contains("weights") || !(*manifest)[0]["paths"].is_array() ||
      !(*manifest)[0]["weights"].is_array()) {
    return NotSuch(source, "its weightsManifest is not one group of paths and weights");
  }
  TfjsModel model;
  model.path = source;
  for (const Json& path : (*manifest)[0]["paths"]) {
    if (!path.is_string() || path.get_ref<const std::string&>().find('/') != std::string::npos)
      return NotSuch(source, "a shard is no name of a file beside it");
    model.shards.push_back(path);
  }
  for (const Json& entry : (*manifest)[0]["weights"]) SOTTO_RETURN_IF_ERROR(AddWeight(entry, source, model));
  return model;
}

Result<void> ImportSentenceEncoder(const TfjsModel& model, std::string_view weights,
                                   std::string_view vocabulary, const ImportOptions& options,
                                   GgufWriter& writer) {
  if (weights.size() != model.size_bytes) {
    return MakeError(ErrorCode::kCorrupt, "{}: its shards have {} bytes, its weights need {}", model.path,
                     weights.size(), model.size_bytes);
  }
  writer.SetString("general.architecture", kSentenceEncoderArchitecture);
  SetOrigin(options, "universal-sentence-encoder-lite", writer);
  writer.SetString(kEncoderSha256Key, Sha256(weights));
  SOTTO_RETURN_IF_ERROR(AddPieces(vocabulary, "vocab.json", writer));
  return EncoderImporter(model, weights, options, writer).Import();
}

bool HoldsTfjsModel(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / "model.json", error) &&
         std::filesystem::exists(folder / "vocab.json", error);
}

Result<std::string> ImportSentenceEncoderFolder(const std::filesystem::path& folder,
                                                const std::filesystem::path& out,
                                                const ImportOptions& options) {
  const std::filesystem::path json = folder / "model.json";
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(json));
  SOTTO_ASSIGN_OR_RETURN(const TfjsModel model, ReadTfjsModel(text, json.string()));
  std::string weights;
  for (const std::string& shard : model.shards) {
    SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(folder / shard));
    weights += bytes;
  }
  SOTTO_ASSIGN_OR_RETURN(const std::string vocabulary, ReadFile(folder / "vocab.json"));
  GgufWriter writer;
  SOTTO_RETURN_IF_ERROR(ImportSentenceEncoder(model, weights, vocabulary, options, writer));
  std::error_code error;
  if (out.has_parent_path()) std::filesystem::create_directories(out.parent_path(), error);
  SOTTO_RETURN_IF_ERROR(writer.Write(out));
  SOTTO_ASSIGN_OR_RETURN(const auto written, GgufFile::Open(out));
  SOTTO_ASSIGN_OR_RETURN(const std::string_view name, written->GetString("general.name"));
  return std::string(name);
}

Result<SentencePieces> ReadSentencePieces(const GgufFile& file) {
  SOTTO_ASSIGN_OR_RETURN(const auto views, file.GetStringArray(kPiecesKey));
  const GgufValue* scores = file.Find(kScoresKey);
  const GgufArray* array = scores == nullptr ? nullptr : std::get_if<GgufArray>(&scores->value);
  if (array == nullptr || array->element_type != GgufValueType::kF64) {
    return MakeError(ErrorCode::kCorrupt, "{}: '{}' is no array of F64", file.path(), kScoresKey);
  }
  std::vector<double> values(array->count);
  std::memcpy(values.data(), array->raw.data(), array->raw.size());
  auto pieces = SentencePieces::Create({views.begin(), views.end()}, values);
  if (!pieces) return WithContext(pieces.error(), file.path());
  return pieces;
}

}  // namespace sotto
