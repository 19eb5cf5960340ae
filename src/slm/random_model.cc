#include "slm/random_model.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "base/check.h"
#include "nn/half.h"
#include "slm/byte_alphabet.h"
#include "slm/gguf_writer.h"
#include "slm/model.h"
#include "slm/unicode.h"
#include "slm/weights.h"

namespace sotto {
namespace {

constexpr RandomShape kShapes[] = {
    // name, arch, vocabulary, context, d_model, layers, heads, kv heads, head_dim, d_ff, theta
    {"qwen3-0.6b", "qwen3", 151936, 40960, 1024, 28, 16, 8, 128, 3072, 1e6f},
    {"qwen3-1.7b", "qwen3", 151936, 40960, 2048, 28, 16, 8, 128, 6144, 1e6f},
    {"qwen2.5-0.5b", "qwen2", 151936, 32768, 896, 24, 14, 2, 64, 4864, 1e6f},
    {"llama3.2-1b", "llama", 128256, 131072, 2048, 16, 32, 8, 64, 8192, 5e5f},
    {"smollm2-135m", "llama", 49152, 8192, 576, 30, 9, 3, 64, 1536, 1e5f},
    {"smollm2-360m", "llama", 49152, 8192, 960, 32, 15, 5, 64, 2560, 1e5f},
    {"10m", "llama", 4096, 4096, 320, 6, 5, 5, 64, 1024, 1e4f},
    {"specialist-3m", "qwen3", 4224, 4096, 256, 3, 4, 2, 64, 640, 1e4f},
    {"specialist-6m", "qwen3", 4224, 4096, 320, 5, 5, 5, 64, 768, 1e4f},
};

// Fast, and good enough for weights that mean nothing (Marsaglia's xorshift with a multiplier).
class FastBits {
 public:
  explicit FastBits(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Dull;
  }
  void Fill(std::span<std::byte> out) {
    size_t i = 0;
    for (; i + 8 <= out.size(); i += 8) {
      const uint64_t bits = Next();
      std::memcpy(out.data() + i, &bits, 8);
    }
    const uint64_t bits = Next();
    std::memcpy(out.data() + i, &bits, out.size() - i);
  }

 private:
  uint64_t state_;
};

void Store16(std::byte* to, uint16_t value) { std::memcpy(to, &value, 2); }

// Overwrites the scales of random blocks so that the values have a standard deviation of about `deviation`.
void SetBlockScales(DType type, float deviation, std::span<std::byte> data) {
  // d of a block relative to the deviation, and the second factor relative to d (0: there is none).
  float d = 0;
  float m = 0;
  size_t d_offset = 0;
  switch (type) {
    case DType::kQ8_0:
      d = 1 / 73.9f;
      break;
    case DType::kQ4_0:
      d = 1 / 4.6f;
      break;
    case DType::kQ5_0:
      d = 1 / 9.2f;
      break;
    case DType::kQ5_1:
      d = 1 / 9.2f;
      m = -15.5f;
      break;
    case DType::kQ4_K:
      d = 1 / 260.0f;
      m = 7.5f;
      break;
    case DType::kQ5_K:
      d = 1 / 520.0f;
      m = 15.5f;
      break;
    case DType::kQ6_K:
      d = 1 / 1367.0f;
      d_offset = 208;
      break;
    default:
      return;
  }
  const uint16_t d_bits = FloatToF16(d * deviation);
  const uint16_t m_bits = FloatToF16(m * d * deviation);
  const size_t block = BlockBytes(type);
  for (size_t at = 0; at < data.size(); at += block) {
    Store16(data.data() + at + d_offset, d_bits);
    if (m != 0) Store16(data.data() + at + 2, m_bits);
  }
}

// Random values of a float type out of a table of 4096.
template <typename T>
void FillFromTable(FastBits& bits, float deviation, T (*convert)(float), std::span<std::byte> data) {
  std::array<T, 4096> table;
  for (size_t i = 0; i < table.size(); ++i) {
    const float uniform = (static_cast<float>(i) + 0.5f) / static_cast<float>(table.size()) * 2 - 1;
    table[i] = convert(uniform * 1.7320508f * deviation);
  }
  const size_t count = data.size() / sizeof(T);
  for (size_t i = 0; i < count;) {
    uint64_t random = bits.Next();
    for (int part = 0; part < 5 && i < count; ++part, ++i, random >>= 12) {
      std::memcpy(data.data() + i * sizeof(T), &table[random & 4095], sizeof(T));
    }
  }
}

class RandomTensorSource final : public TensorSource {
 public:
  RandomTensorSource(std::string name, std::vector<std::pair<std::string, GgufTensor>> tensors)
      : name_(std::move(name)) {
    for (auto& [tensor_name, tensor] : tensors) {
      auto [at, inserted] = tensors_.emplace(std::move(tensor_name), tensor);
      SOTTO_CHECK(inserted);
      at->second.name = at->first;
    }
  }

  const std::string& path() const override { return name_; }

  const GgufTensor* Find(std::string_view name) const override {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  std::span<const std::byte> Acquire(const GgufTensor& tensor) override {
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(tensor.n_rows() * tensor.row_bytes());
    const std::span data(buffer_.get(), tensor.n_rows() * tensor.row_bytes());
    if (tensor.n_dims == 1) {
      const bool is_norm = tensor.name.find("norm") != std::string_view::npos;
      std::vector<float> values(tensor.n_elements(), is_norm ? 1.0f : 0.0f);
      std::memcpy(data.data(), values.data(), data.size());
      return data;
    }
    FastBits bits(std::hash<std::string_view>()(tensor.name));
    const float deviation = 1 / std::sqrt(static_cast<float>(tensor.shape[0]));
    switch (tensor.type) {
      case DType::kF32:
        FillFromTable<float>(
            bits, deviation, [](float value) { return value; }, data);
        break;
      case DType::kF16:
        FillFromTable<uint16_t>(bits, deviation, &FloatToF16, data);
        break;
      case DType::kBF16:
        FillFromTable<uint16_t>(bits, deviation, &FloatToBf16, data);
        break;
      default:
        bits.Fill(data);
        SetBlockScales(tensor.type, deviation, data);
    }
    return data;
  }

  void Release(const GgufTensor&) override { buffer_.reset(); }

 private:
  const std::string name_;
  std::map<std::string, GgufTensor, std::less<>> tensors_;
  std::unique_ptr<std::byte[]> buffer_;
};

// A byte-level tokenizer: the 256 bytes (as GPT-2 writes them), the special tokens of a specialist, and words
// that no text has.
void SetByteTokenizer(uint32_t n_vocab, GgufWriter& writer) {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  for (const uint32_t code_point : kByteAlphabet.code_points) {
    AppendUtf8(tokens.emplace_back(), code_point);
    types.push_back(static_cast<int32_t>(TokenType::kNormal));
  }
  for (const char* special : {"<|bos|>", "<|user|>", "<|state|>", "<|call|>", "<|end|>", "<|pad|>"}) {
    tokens.emplace_back(special);
    types.push_back(static_cast<int32_t>(TokenType::kControl));
  }
  while (tokens.size() < n_vocab) {
    tokens.push_back(fmt::format("word{}", tokens.size()));
    types.push_back(static_cast<int32_t>(TokenType::kNormal));
  }
  const std::string merges[] = {"\u0120 t"};
  writer.SetString("tokenizer.ggml.model", "gpt2");
  writer.SetString("tokenizer.ggml.pre", "smollm");
  writer.SetStringArray("tokenizer.ggml.tokens", tokens);
  writer.SetI32Array("tokenizer.ggml.token_type", types);
  writer.SetStringArray("tokenizer.ggml.merges", merges);
  writer.SetU32("tokenizer.ggml.bos_token_id", 256);
  writer.SetU32("tokenizer.ggml.eos_token_id", 260);
  writer.SetU32("tokenizer.ggml.padding_token_id", 261);
  writer.SetBool("tokenizer.ggml.add_bos_token", false);
}

// The tokenizer of another model; with the marks of ChatML and tool calls, which a published model of such a
// shape has as single tokens, and with words that no text has up to the size of the vocabulary.
Result<void> CopyTokenizer(const std::filesystem::path& path, uint32_t n_vocab, GgufWriter& writer) {
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const GgufFile> from, GgufFile::Open(path));
  for (const GgufEntry& entry : from->metadata()) {
    if (entry.key.starts_with("tokenizer.")) writer.SetValue(entry.key, entry.value);
  }
  SOTTO_ASSIGN_OR_RETURN(const auto names, from->GetStringArray("tokenizer.ggml.tokens"));
  SOTTO_ASSIGN_OR_RETURN(std::vector<int32_t> types, from->GetI32Array("tokenizer.ggml.token_type"));
  std::vector<std::string> tokens(names.begin(), names.end());
  const auto add = [&](std::string text, TokenType type) {
    tokens.push_back(std::move(text));
    types.push_back(static_cast<int32_t>(type));
  };
  for (const char* mark : {"<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>",
                           "<tool_response>", "</tool_response>"}) {
    if (tokens.size() < n_vocab && std::ranges::find(tokens, mark) == tokens.end())
      add(mark, TokenType::kControl);
  }
  while (tokens.size() < n_vocab) add(fmt::format("unused{}", tokens.size()), TokenType::kUnused);
  writer.SetStringArray("tokenizer.ggml.tokens", std::span<const std::string>(tokens));
  writer.SetI32Array("tokenizer.ggml.token_type", types);
  return {};
}

Result<std::shared_ptr<const GgufFile>> MakeMetadata(const RandomShape& shape, std::string_view name,
                                                     const std::filesystem::path& tokenizer_path) {
  GgufWriter writer;
  const std::string prefix = std::string(shape.arch) + ".";
  writer.SetString("general.architecture", shape.arch);
  writer.SetString("general.name", fmt::format("{} (random weights)", name));
  writer.SetU32(prefix + "context_length", shape.n_ctx);
  writer.SetU32(prefix + "embedding_length", shape.d_model);
  writer.SetU32(prefix + "block_count", shape.n_layers);
  writer.SetU32(prefix + "feed_forward_length", shape.d_ff);
  writer.SetU32(prefix + "attention.head_count", shape.n_heads);
  writer.SetU32(prefix + "attention.head_count_kv", shape.n_kv_heads);
  writer.SetU32(prefix + "attention.key_length", shape.head_dim);
  writer.SetU32(prefix + "attention.value_length", shape.head_dim);
  writer.SetF32(prefix + "attention.layer_norm_rms_epsilon", 1e-6f);
  writer.SetF32(prefix + "rope.freq_base", shape.rope_theta);
  writer.SetU32(prefix + "vocab_size", shape.n_vocab);
  if (tokenizer_path.empty()) {
    SetByteTokenizer(shape.n_vocab, writer);
  } else {
    SOTTO_RETURN_IF_ERROR(CopyTokenizer(tokenizer_path, shape.n_vocab, writer));
  }
  SOTTO_ASSIGN_OR_RETURN(std::string bytes, writer.ToBytes());
  return GgufFile::Parse(std::move(bytes), name);
}

Result<std::vector<std::pair<std::string, GgufTensor>>> MakeTensors(const ModelConfig& config,
                                                                    std::string_view mixture) {
  std::vector<std::pair<std::string, GgufTensor>> tensors;
  const auto vector = [&](std::string name, int size) {
    GgufTensor tensor;
    tensor.shape[0] = static_cast<uint64_t>(size);
    tensors.emplace_back(std::move(name), tensor);
  };
  const auto matrix = [&](const std::string& name, MatrixShape shape) -> Result<void> {
    GgufTensor tensor;
    tensor.n_dims = 2;
    tensor.shape[0] = static_cast<uint64_t>(shape.columns);
    tensor.shape[1] = static_cast<uint64_t>(shape.rows);
    SOTTO_ASSIGN_OR_RETURN(tensor.type, MixtureTensorType(mixture, name, tensor.shape[0], config.n_layers));
    tensors.emplace_back(name, tensor);
    return {};
  };
  SOTTO_RETURN_IF_ERROR(matrix("token_embd.weight", {config.n_vocab, config.d_model}));
  vector("output_norm.weight", config.d_model);
  for (int layer = 0; layer < config.n_layers; ++layer) {
    for (int i = 0; i < kNumLayerMatrices; ++i) {
      const auto which = static_cast<LayerMatrix>(i);
      if (const auto shape = LayerMatrixShape(config, which)) {
        SOTTO_RETURN_IF_ERROR(matrix(fmt::format("blk.{}.{}.weight", layer, LayerMatrixName(which)), *shape));
      }
    }
    vector(fmt::format("blk.{}.attn_norm.weight", layer), config.d_model);
    vector(fmt::format("blk.{}.ffn_norm.weight", layer), config.d_model);
    if (config.qk_norm) {
      vector(fmt::format("blk.{}.attn_q_norm.weight", layer), config.head_dim);
      vector(fmt::format("blk.{}.attn_k_norm.weight", layer), config.head_dim);
    }
    if (config.arch == Arch::kQwen2) {
      vector(fmt::format("blk.{}.attn_q.bias", layer), config.d_q());
      vector(fmt::format("blk.{}.attn_k.bias", layer), config.d_kv());
      vector(fmt::format("blk.{}.attn_v.bias", layer), config.d_kv());
    }
  }
  return tensors;
}

// Layers whose attn_v and ffn_down get more bits in a "_M" mixture (llama.cpp's use_more_bits).
bool UseMoreBits(int layer, int n_layers) {
  return layer < n_layers / 8 || layer >= 7 * n_layers / 8 || (layer - n_layers / 8) % 3 == 2;
}

}  // namespace

std::span<const RandomShape> RandomShapes() { return kShapes; }

Result<DType> MixtureTensorType(std::string_view mixture, std::string_view tensor_name, uint64_t row_length,
                                int n_layers) {
  static constexpr std::pair<std::string_view, DType> kTypes[] = {
      {"F32", DType::kF32},   {"F16", DType::kF16},   {"BF16", DType::kBF16},  {"Q8_0", DType::kQ8_0},
      {"Q4_0", DType::kQ4_0}, {"Q5_0", DType::kQ5_0}, {"Q5_1", DType::kQ5_1},  {"Q4_K", DType::kQ4_K},
      {"Q5_K", DType::kQ5_K}, {"Q6_K", DType::kQ6_K}, {"Q4_K_M", DType::kQ4_K}};
  const auto found = std::ranges::find(kTypes, mixture, &std::pair<std::string_view, DType>::first);
  if (found == std::end(kTypes)) {
    return MakeError(ErrorCode::kInvalidArgument, "unknown type '{}', expected one of {}, Q4_K_M", mixture,
                     GgufSupportedTensorTypes());
  }
  DType type = found->second;
  const bool outer = tensor_name == "token_embd.weight" || tensor_name == "output.weight";
  if (outer && (mixture == "Q4_0" || mixture == "Q4_K_M")) type = DType::kQ6_K;
  if (mixture == "Q4_K_M" && tensor_name.starts_with("blk.")) {
    int layer = 0;
    std::from_chars(tensor_name.data() + 4, tensor_name.data() + tensor_name.size(), layer);
    const bool sensitive = tensor_name.ends_with("attn_v.weight") || tensor_name.ends_with("ffn_down.weight");
    if (sensitive && UseMoreBits(layer, n_layers)) type = DType::kQ6_K;
  }
  if (row_length % BlockSize(type) != 0 && BlockSize(type) == 256) {
    type = type == DType::kQ6_K ? DType::kQ8_0 : DType::kQ5_0;
  }
  if (row_length % BlockSize(type) != 0) type = DType::kF16;
  return type;
}

Result<std::shared_ptr<const Model>> Model::Random(std::string_view shape_and_type, LoadOptions options,
                                                   const std::filesystem::path& tokenizer_path) {
  const size_t colon = shape_and_type.find(':');
  const std::string_view shape_name = shape_and_type.substr(0, colon);
  const std::string_view mixture =
      colon == std::string_view::npos ? "Q8_0" : shape_and_type.substr(colon + 1);
  const auto shape = std::ranges::find(kShapes, shape_name, &RandomShape::name);
  if (shape == std::end(kShapes)) {
    std::vector<std::string_view> names;
    for (const RandomShape& known : kShapes) names.push_back(known.name);
    return MakeError(ErrorCode::kInvalidArgument, "unknown shape '{}', expected one of {}", shape_name,
                     fmt::join(names, ", "));
  }
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> metadata,
                         MakeMetadata(*shape, shape_and_type, tokenizer_path));
  SOTTO_ASSIGN_OR_RETURN(const ModelConfig config, ModelConfig::FromGguf(*metadata, options.n_ctx));
  SOTTO_ASSIGN_OR_RETURN(auto tensors, MakeTensors(config, mixture));
  RandomTensorSource source(std::string(shape_and_type), std::move(tensors));
  return Assemble(std::move(metadata), source, options);
}

}  // namespace sotto
