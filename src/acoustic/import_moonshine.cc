#include <algorithm>
#include <cmath>

#include "acoustic/import_model.h"
#include "slm/imported_tensors.h"
#include "slm/tokenizer.h"

namespace sotto {
namespace {

constexpr std::string_view kEncoderOperations[] = {"Add",
                                                   "Cast",
                                                   "Concat",
                                                   "Constant",
                                                   "Conv",
                                                   "Cos",
                                                   "Div",
                                                   "DynamicQuantizeLinear",
                                                   "Erf",
                                                   "Gather",
                                                   "InstanceNormalization",
                                                   "MatMul",
                                                   "MatMulInteger",
                                                   "Mul",
                                                   "Neg",
                                                   "Pow",
                                                   "Range",
                                                   "ReduceMean",
                                                   "Reshape",
                                                   "Shape",
                                                   "Sin",
                                                   "Slice",
                                                   "Softmax",
                                                   "Sqrt",
                                                   "Sub",
                                                   "Tanh",
                                                   "Transpose",
                                                   "Unsqueeze"};
constexpr std::string_view kDecoderOperations[] = {"Add",
                                                   "Cast",
                                                   "Concat",
                                                   "Constant",
                                                   "ConstantOfShape",
                                                   "Cos",
                                                   "DequantizeLinear",
                                                   "Div",
                                                   "DynamicQuantizeLinear",
                                                   "Equal",
                                                   "Expand",
                                                   "Gather",
                                                   "Greater",
                                                   "If",
                                                   "MatMul",
                                                   "MatMulInteger",
                                                   "Mul",
                                                   "Neg",
                                                   "Pow",
                                                   "Range",
                                                   "ReduceMean",
                                                   "Reshape",
                                                   "Shape",
                                                   "Sigmoid",
                                                   "Sin",
                                                   "Slice",
                                                   "Softmax",
                                                   "Sqrt",
                                                   "Sub",
                                                   "Transpose",
                                                   "Trilu",
                                                   "Unsqueeze",
                                                   "Where"};
// The model's own limit (max_position_embeddings of its published configuration).
constexpr uint32_t kMaxTokens = 194;
constexpr size_t kPieces = 32000;

struct Shape {
  size_t d = 0;
  size_t d_ff = 0;
  size_t n_heads = 0;
  size_t head_dim = 0;
  size_t n_rot = 0;
  size_t n_encoder_layers = 0;
  size_t n_decoder_layers = 0;
  size_t n_vocab = 0;
  float theta = 0;
  size_t kernels[3] = {};
  size_t strides[3] = {};
};

// The products of one graph: "layers.0.self_attn.q_proj" to the name that its weights go by.
using Products = std::map<std::string, std::string>;

std::string WithDots(std::string_view path) {
  std::string out(path);
  std::ranges::replace(out, '/', '.');
  return out;
}

Result<Products> ProductsOf(const OnnxFile& file, std::string_view prefix) {
  constexpr std::string_view kSuffix = "/MatMul_quant";
  constexpr std::string_view kQuantized = "_quantized";
  Products products;
  for (const OnnxNode& node : file.nodes()) {
    if (node.op != "MatMulInteger") continue;
    std::string_view name = node.name;
    if (!name.starts_with(prefix) || !name.ends_with(kSuffix) || node.inputs.size() != 4 ||
        !node.inputs[1].ends_with(kQuantized)) {
      return MakeError(ErrorCode::kUnsupported, "{}: product '{}' is not one that can be imported",
                       file.path(), name);
    }
    name.remove_prefix(prefix.size());
    name.remove_suffix(kSuffix.size());
    const std::string base = node.inputs[1].substr(0, node.inputs[1].size() - kQuantized.size());
    const auto [found, added] = products.emplace(WithDots(name), base);
    if (!added && found->second != base) {
      return MakeError(ErrorCode::kUnsupported, "{}: {} has two weights, {} and {}", file.path(), name,
                       found->second, base);
    }
  }
  return products;
}

Result<const OnnxNode*> NodeOf(const OnnxFile& file, std::string_view op, std::string_view name) {
  for (const OnnxNode& node : file.nodes()) {
    if (node.op == op && node.name == name) return &node;
  }
  return MakeError(ErrorCode::kUnsupported, "{}: has no {} '{}': not a Moonshine model", file.path(), op,
                   name);
}

class Importer {
 public:
  Importer(const OnnxFile& encoder, const OnnxFile& decoder, const Vocabulary& vocabulary,
           const ImportOptions& options, GgufWriter& writer)
      : encoder_(encoder),
        decoder_(decoder),
        vocabulary_(vocabulary),
        options_(options),
        writer_(writer),
        tensors_(writer, options.floats) {}

  Result<void> Import() {
    SOTTO_RETURN_IF_ERROR(encoder_.CheckOperations(kEncoderOperations));
    SOTTO_RETURN_IF_ERROR(decoder_.CheckOperations(kDecoderOperations));
    SOTTO_ASSIGN_OR_RETURN(encoder_products_, ProductsOf(encoder_, "/"));
    SOTTO_ASSIGN_OR_RETURN(decoder_products_, ProductsOf(decoder_, "/model/decoder/"));
    SOTTO_RETURN_IF_ERROR(ReadShape());
    SOTTO_RETURN_IF_ERROR(Metadata());
    SOTTO_RETURN_IF_ERROR(Stem());
    for (size_t i = 0; i < shape_.n_encoder_layers; ++i) SOTTO_RETURN_IF_ERROR(EncoderLayer(i));
    SOTTO_RETURN_IF_ERROR(Norm(encoder_, "layer_norm.weight", "enc.output_norm.weight"));
    const size_t dims[] = {shape_.n_vocab, shape_.d};
    SOTTO_ASSIGN_OR_RETURN(auto embedding,
                           decoder_.Dequantise("model.decoder.embed_tokens.weight_merged_0", dims));
    tensors_.AddMatrix("token_embd.weight", std::move(embedding.values), shape_.d, embedding.scale);
    for (size_t i = 0; i < shape_.n_decoder_layers; ++i) SOTTO_RETURN_IF_ERROR(DecoderLayer(i));
    return Norm(decoder_, "model.decoder.norm.weight_merged_0", "dec.output_norm.weight");
  }

 private:
  static Result<size_t> CountLayers(const OnnxFile& file, const Products& products, std::string_view part) {
    size_t n = 0;
    while (products.contains(fmt::format("layers.{}.{}", n, part))) ++n;
    if (n == 0) return MakeError(ErrorCode::kUnsupported, "{}: has no layers.0.{}", file.path(), part);
    return n;
  }

  Result<void> ReadShape() {
    for (size_t i = 0; i < 3; ++i) {
      SOTTO_ASSIGN_OR_RETURN(const OnnxNode* conv,
                             NodeOf(encoder_, "Conv", fmt::format("/conv{0}/Conv", i + 1)));
      const auto one = [&](const char* key) -> int64_t {
        const auto found = conv->integers.find(key);
        return found == conv->integers.end() || found->second.size() != 1 ? 1 : found->second[0];
      };
      const auto pads = conv->integers.find("pads");
      const int64_t kernel = one("kernel_shape");
      const int64_t stride = one("strides");
      const bool padded =
          pads != conv->integers.end() && std::ranges::any_of(pads->second, [](auto p) { return p != 0; });
      if (padded || one("group") != 1 || one("dilations") != 1 || kernel < 1 || kernel > 1024 || stride < 1 ||
          stride > 1024) {
        return MakeError(ErrorCode::kUnsupported,
                         "{}: convolution {} is padded, grouped, dilated or of a kernel of {}",
                         encoder_.path(), conv->name, kernel);
      }
      shape_.kernels[i] = static_cast<size_t>(kernel);
      shape_.strides[i] = static_cast<size_t>(stride);
    }
    SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* norm, encoder_.Get("layer_norm.weight"));
    shape_.d = norm->n_elements();
    SOTTO_ASSIGN_OR_RETURN(shape_.n_encoder_layers,
                           CountLayers(encoder_, encoder_products_, "self_attn.q_proj"));
    SOTTO_ASSIGN_OR_RETURN(shape_.n_decoder_layers,
                           CountLayers(decoder_, decoder_products_, "encoder_attn.q_proj"));
    SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* bias, encoder_.Get("layers.0.mlp.fc1.bias"));
    shape_.d_ff = bias->n_elements();
    SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* embedding,
                           decoder_.Get("model.decoder.embed_tokens.weight_merged_0_quantized"));
    shape_.n_vocab = embedding->dims.empty() ? 0 : embedding->dims[0];
    SOTTO_ASSIGN_OR_RETURN(const OnnxNode* heads, NodeOf(encoder_, "Concat", "/layers.0/self_attn/Concat"));
    if (heads->inputs.size() != 4) {
      return MakeError(ErrorCode::kUnsupported, "{}: {} does not name the heads", encoder_.path(),
                       heads->name);
    }
    SOTTO_ASSIGN_OR_RETURN(const auto n_heads, encoder_.Integers(heads->inputs[2]));
    SOTTO_ASSIGN_OR_RETURN(const auto head_dim, encoder_.Integers(heads->inputs[3]));
    SOTTO_ASSIGN_OR_RETURN(const OnnxTensor* rotary, encoder_.Get("/rotary_emb/Cast_1_output_0"));
    SOTTO_ASSIGN_OR_RETURN(const auto frequencies, encoder_.Floats(rotary->name, std::span(rotary->dims)));
    shape_.n_rot = 2 * frequencies.size();
    const bool sensible = shape_.d >= 32 && shape_.d <= 4096 && shape_.d % 32 == 0 && shape_.d_ff % 32 == 0 &&
                          shape_.d_ff > 0 && n_heads.size() == 1 && head_dim.size() == 1 && n_heads[0] > 0 &&
                          head_dim[0] > 0 && head_dim[0] <= 256 && n_heads[0] <= 64 &&
                          static_cast<size_t>(n_heads[0] * head_dim[0]) == shape_.d &&
                          frequencies.size() >= 2 && shape_.n_rot <= static_cast<size_t>(head_dim[0]) &&
                          frequencies[0] == 1.0f && frequencies[1] > 0.0f && frequencies[1] < 1.0f;
    if (!sensible) {
      return MakeError(ErrorCode::kUnsupported,
                       "{}: embedding {}, feed-forward {}, {} rotated dimensions: not a shape "
                       "that can be imported",
                       encoder_.path(), shape_.d, shape_.d_ff, shape_.n_rot);
    }
    shape_.n_heads = static_cast<size_t>(n_heads[0]);
    shape_.head_dim = static_cast<size_t>(head_dim[0]);
    // theta^(-2/n_rot) is the second frequency.
    shape_.theta = std::round(std::pow(frequencies[1], -static_cast<float>(shape_.n_rot) / 2.0f));
    for (size_t i = 0; i < frequencies.size(); ++i) {
      const double expected = std::pow(static_cast<double>(shape_.theta),
                                       -2.0 * static_cast<double>(i) / static_cast<double>(shape_.n_rot));
      if (std::fabs(frequencies[i] / expected - 1) > 1e-3) {
        return MakeError(ErrorCode::kUnsupported, "{}: rotary frequency {} is {}, expected {}",
                         encoder_.path(), i, frequencies[i], expected);
      }
    }
    return {};
  }

  Result<void> Metadata() {
    if (vocabulary_.pieces.size() != kPieces || shape_.n_vocab < kPieces || shape_.n_vocab > kPieces + 4096) {
      return MakeError(ErrorCode::kUnsupported,
                       "a vocabulary of {} pieces and a decoder of {} tokens, expected {} and up "
                       "to 4096 more",
                       vocabulary_.pieces.size(), shape_.n_vocab, kPieces);
    }
    const std::string size = shape_.d == 288   ? "tiny"
                             : shape_.d == 416 ? "base"
                                               : fmt::format("d{}", shape_.d);
    writer_.SetString("general.architecture", "moonshine");
    SetOrigin(options_, "moonshine-" + size, writer_);
    writer_.SetString("sotto.import.encoder.sha256", encoder_.sha256());
    writer_.SetString("sotto.import.decoder.sha256", decoder_.sha256());
    writer_.SetString("sotto.import.vocabulary.sha256", vocabulary_.sha256);
    const auto number = [&](const char* key, size_t value) {
      writer_.SetU32(fmt::format("moonshine.{}", key), static_cast<uint32_t>(value));
    };
    number("embedding_length", shape_.d);
    number("feed_forward_length", shape_.d_ff);
    number("encoder.block_count", shape_.n_encoder_layers);
    number("block_count", shape_.n_decoder_layers);
    number("attention.head_count", shape_.n_heads);
    number("rope.dimension_count", shape_.n_rot);
    number("vocab_size", shape_.n_vocab);
    number("context_length", kMaxTokens);
    writer_.SetF32("moonshine.rope.freq_base", shape_.theta);
    writer_.SetF32("moonshine.attention.layer_norm_epsilon", 1e-5f);
    std::vector<int32_t> kernels(shape_.kernels, shape_.kernels + 3);
    std::vector<int32_t> strides(shape_.strides, shape_.strides + 3);
    writer_.SetI32Array("moonshine.stem.kernels", kernels);
    writer_.SetI32Array("moonshine.stem.strides", strides);
    return Tokens();
  }

  // SentencePiece as LLaMA's: of two merges the one whose result has the lower id goes first.
  Result<void> Tokens() {
    std::vector<std::string> pieces = vocabulary_.pieces;
    std::vector<float> scores(shape_.n_vocab, 0.0f);
    std::vector<int32_t> types(shape_.n_vocab, static_cast<int32_t>(TokenType::kNormal));
    for (size_t i = 0; i < pieces.size(); ++i) {
      const std::string& piece = pieces[i];
      if (i == 0) types[i] = static_cast<int32_t>(TokenType::kUnknown);
      if (i == 1 || i == 2) types[i] = static_cast<int32_t>(TokenType::kControl);
      if (piece.size() == 6 && piece.starts_with("<0x")) types[i] = static_cast<int32_t>(TokenType::kByte);
      scores[i] = -static_cast<float>(i);
    }
    if (pieces[1] != "<s>" || pieces[2] != "</s>") {
      return MakeError(ErrorCode::kUnsupported,
                       "pieces 1 and 2 of the vocabulary are '{}' and '{}', expected <s> and </s>", pieces[1],
                       pieces[2]);
    }
    for (size_t i = kPieces; i < shape_.n_vocab; ++i) {
      pieces.push_back(fmt::format("<<ST_{}>>", i - kPieces));
      types[i] = static_cast<int32_t>(TokenType::kControl);
    }
    writer_.SetString("tokenizer.ggml.model", "llama");
    writer_.SetStringArray("tokenizer.ggml.tokens", std::span<const std::string>(pieces));
    writer_.SetF32Array("tokenizer.ggml.scores", scores);
    writer_.SetI32Array("tokenizer.ggml.token_type", types);
    writer_.SetU32("tokenizer.ggml.unknown_token_id", 0);
    writer_.SetU32("tokenizer.ggml.bos_token_id", 1);
    writer_.SetU32("tokenizer.ggml.eos_token_id", 2);
    writer_.SetBool("tokenizer.ggml.add_bos_token", false);
    writer_.SetBool("tokenizer.ggml.add_eos_token", false);
    writer_.SetBool("tokenizer.ggml.add_space_prefix", true);
    return {};
  }

  Result<void> Stem() {
    const size_t d = shape_.d;
    const size_t in[] = {1, d, 2 * d};
    const size_t out[] = {d, 2 * d, d};
    for (size_t i = 0; i < 3; ++i) {
      const size_t dims[] = {out[i], in[i], shape_.kernels[i]};
      SOTTO_ASSIGN_OR_RETURN(auto conv, encoder_.Dequantise(fmt::format("conv{}.weight", i + 1), dims));
      const std::string name = fmt::format("enc.conv{}", i + 1);
      std::vector<float> rows = TapsFirst(conv.values, out[i], in[i], shape_.kernels[i]);
      if (i == 0) {
        tensors_.AddFloats(name + ".weight", std::move(rows), shape_.kernels[i]);
        continue;
      }
      tensors_.AddMatrix(name + ".weight", std::move(rows), shape_.kernels[i] * in[i], conv.scale);
      const size_t bias_dims[] = {out[i]};
      SOTTO_ASSIGN_OR_RETURN(auto bias, encoder_.Floats(fmt::format("conv{}.bias", i + 1), bias_dims));
      tensors_.AddFloats(name + ".bias", std::move(bias));
    }
    const size_t dims[] = {d};
    for (const auto& [op, name, target] : {std::tuple{"Mul", "/groupnorm/Mul", "enc.group_norm.weight"},
                                           std::tuple{"Add", "/groupnorm/Add", "enc.group_norm.bias"}}) {
      SOTTO_ASSIGN_OR_RETURN(const OnnxNode* node, NodeOf(encoder_, op, name));
      if (node->inputs.size() != 2) {
        return MakeError(ErrorCode::kUnsupported, "{}: {} has {} inputs", encoder_.path(), name,
                         node->inputs.size());
      }
      SOTTO_ASSIGN_OR_RETURN(auto values, encoder_.Floats(node->inputs[1], dims));
      tensors_.AddFloats(target, std::move(values));
    }
    return {};
  }

  Result<void> Norm(const OnnxFile& file, const std::string& from, const std::string& to) {
    return Vector(file, from, to, shape_.d);
  }
  Result<void> Vector(const OnnxFile& file, const std::string& from, const std::string& to, size_t size) {
    const size_t dims[] = {size};
    SOTTO_ASSIGN_OR_RETURN(auto values, file.Floats(from, dims));
    tensors_.AddFloats(to, std::move(values));
    return {};
  }

  // The weights of a product, [in, out] in ONNX.
  Result<void> Product(const OnnxFile& file, const Products& products, const std::string& from,
                       const std::string& to, size_t n_in, size_t n_out) {
    const auto found = products.find(from);
    if (found == products.end()) {
      return MakeError(ErrorCode::kUnsupported, "{}: has no product {}: not a Moonshine model", file.path(),
                       from);
    }
    const size_t dims[] = {n_in, n_out};
    SOTTO_ASSIGN_OR_RETURN(const auto weights, file.Dequantise(found->second, dims));
    tensors_.AddMatrix(to + ".weight", Transposed(weights.values, n_in, n_out), n_in, weights.scale);
    return {};
  }

  Result<void> Attention(const OnnxFile& file, const Products& products, const std::string& from,
                         const std::string& to) {
    for (const auto& [theirs, ours] : {std::pair{"q_proj", "q"}, std::pair{"k_proj", "k"},
                                       std::pair{"v_proj", "v"}, std::pair{"dense", "output"}}) {
      SOTTO_RETURN_IF_ERROR(
          Product(file, products, fmt::format("{}.{}", from, theirs), to + ours, shape_.d, shape_.d));
    }
    return {};
  }

  Result<void> EncoderLayer(size_t index) {
    const std::string from = fmt::format("layers.{}.", index);
    const std::string to = fmt::format("enc.blk.{}.", index);
    SOTTO_RETURN_IF_ERROR(Norm(encoder_, from + "input_layernorm.weight", to + "attn_norm.weight"));
    SOTTO_RETURN_IF_ERROR(Attention(encoder_, encoder_products_, from + "self_attn", to + "attn_"));
    SOTTO_RETURN_IF_ERROR(Norm(encoder_, from + "post_attention_layernorm.weight", to + "ffn_norm.weight"));
    SOTTO_RETURN_IF_ERROR(
        Product(encoder_, encoder_products_, from + "mlp.fc1", to + "ffn_up", shape_.d, shape_.d_ff));
    SOTTO_RETURN_IF_ERROR(Vector(encoder_, from + "mlp.fc1.bias", to + "ffn_up.bias", shape_.d_ff));
    SOTTO_RETURN_IF_ERROR(
        Product(encoder_, encoder_products_, from + "mlp.fc2", to + "ffn_down", shape_.d_ff, shape_.d));
    return Vector(encoder_, from + "mlp.fc2.bias", to + "ffn_down.bias", shape_.d);
  }

  Result<void> DecoderLayer(size_t index) {
    const std::string from = fmt::format("layers.{}.", index);
    const std::string named = fmt::format("model.decoder.layers.{}.", index);
    const std::string to = fmt::format("dec.blk.{}.", index);
    SOTTO_RETURN_IF_ERROR(Norm(decoder_, named + "input_layernorm.weight_merged_0", to + "attn_norm.weight"));
    SOTTO_RETURN_IF_ERROR(Attention(decoder_, decoder_products_, from + "self_attn", to + "attn_"));
    SOTTO_RETURN_IF_ERROR(
        Norm(decoder_, named + "post_attention_layernorm.weight_merged_0", to + "cross_attn_norm.weight"));
    SOTTO_RETURN_IF_ERROR(Attention(decoder_, decoder_products_, from + "encoder_attn", to + "cross_attn_"));
    SOTTO_RETURN_IF_ERROR(Norm(decoder_, named + "final_layernorm.weight_merged_0", to + "ffn_norm.weight"));
    const size_t up = 2 * shape_.d_ff;
    SOTTO_RETURN_IF_ERROR(
        Product(decoder_, decoder_products_, from + "mlp.up_proj", to + "ffn_up", shape_.d, up));
    SOTTO_RETURN_IF_ERROR(Vector(decoder_, named + "mlp.up_proj.bias_merged_0", to + "ffn_up.bias", up));
    SOTTO_RETURN_IF_ERROR(
        Product(decoder_, decoder_products_, from + "mlp.down_proj", to + "ffn_down", shape_.d_ff, shape_.d));
    return Vector(decoder_, named + "mlp.down_proj.bias_merged_0", to + "ffn_down.bias", shape_.d);
  }

  const OnnxFile& encoder_;
  const OnnxFile& decoder_;
  const Vocabulary& vocabulary_;
  const ImportOptions& options_;
  GgufWriter& writer_;
  ImportedTensors tensors_;
  Products encoder_products_;
  Products decoder_products_;
  Shape shape_;
};

}  // namespace

Result<void> ImportMoonshine(const OnnxFile& encoder, const OnnxFile& decoder, const Vocabulary& vocabulary,
                             const ImportOptions& options, GgufWriter& writer) {
  return Importer(encoder, decoder, vocabulary, options, writer).Import();
}

}  // namespace sotto
