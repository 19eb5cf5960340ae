#include "embed/sentence_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "embed/import_sentence_encoder.h"
#include "nn/compute.h"
#include "slm/weights.h"

namespace sotto {
namespace {

constexpr size_t kEmbedding = 256;
constexpr size_t kHeads = 4;
constexpr size_t kInner = 1536;  // of the feed-forward layers
constexpr float kNormEps = 1e-6f;
// Tokens of a pass: what is multiplied together stays in the second-level cache.
constexpr size_t kTokensAtOnce = 256;

struct EncoderLayer {
  size_t d_in = 0;
  size_t head_dim = 0;
  std::vector<float> attn_norm, attn_norm_bias, qkv_bias, output_bias, residual_bias;
  std::vector<float> ffn_norm, ffn_norm_bias, up_bias, down_bias;
  std::optional<WeightMatrix> qkv, output, residual, up, down;  // residual: where d_in is another
};

class WeightReader {
 public:
  WeightReader(const GgufFile& file, ThreadTeam& team) : file_(file), team_(team) {}

  Result<void> Floats(const std::string& name, size_t n, std::vector<float>& out) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, Find(name, n, 1));
    SOTTO_ASSIGN_OR_RETURN(out, TensorToFloats(*tensor, tensor->data, file_.path()));
    if (!std::ranges::all_of(out, [](float value) { return std::isfinite(value); })) {
      return MakeError(ErrorCode::kCorrupt, "{}: {} holds values that are no finite numbers", file_.path(),
                       name);
    }
    return {};
  }

  Result<void> Matrix(const std::string& name, size_t columns, size_t rows,
                      std::optional<WeightMatrix>& out) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, Find(name, columns, rows));
    auto matrix = WeightMatrix::Create(tensor->type, rows, columns, tensor->data, team_);
    if (!matrix) return WithContext(matrix.error(), fmt::format("{}: tensor {}", file_.path(), name));
    out = std::move(*matrix);
    return {};
  }

 private:
  Result<const GgufTensor*> Find(const std::string& name, size_t columns, size_t rows) {
    SOTTO_ASSIGN_OR_RETURN(const GgufTensor* tensor, file_.GetTensor(name));
    if (tensor->shape != std::array<uint64_t, 4>{columns, rows, 1, 1}) {
      return MakeError(ErrorCode::kCorrupt, "{}: tensor {} has shape {}, expected [{}, {}]", file_.path(),
                       name, ShapeToString(*tensor), columns, rows);
    }
    return tensor;
  }

  const GgufFile& file_;
  ThreadTeam& team_;
};

Result<void> ReadEncoderLayer(WeightReader& reader, size_t index, size_t d_in, EncoderLayer& layer) {
  constexpr size_t kSize = SentenceEncoder::kSize;
  layer.d_in = d_in;
  layer.head_dim = d_in / kHeads;
  const auto name = [index](const char* what) { return fmt::format("blk.{}.{}", index, what); };
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("attn_norm.weight"), d_in, layer.attn_norm));
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("attn_norm.bias"), d_in, layer.attn_norm_bias));
  SOTTO_RETURN_IF_ERROR(reader.Matrix(name("attn_qkv.weight"), d_in, 3 * d_in, layer.qkv));
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("attn_qkv.bias"), 3 * d_in, layer.qkv_bias));
  SOTTO_RETURN_IF_ERROR(reader.Matrix(name("attn_output.weight"), d_in, kSize, layer.output));
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("attn_output.bias"), kSize, layer.output_bias));
  if (d_in != kSize) {
    SOTTO_RETURN_IF_ERROR(reader.Matrix(name("residual.weight"), d_in, kSize, layer.residual));
    SOTTO_RETURN_IF_ERROR(reader.Floats(name("residual.bias"), kSize, layer.residual_bias));
  }
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("ffn_norm.weight"), kSize, layer.ffn_norm));
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("ffn_norm.bias"), kSize, layer.ffn_norm_bias));
  SOTTO_RETURN_IF_ERROR(reader.Matrix(name("ffn_up.weight"), kSize, kInner, layer.up));
  SOTTO_RETURN_IF_ERROR(reader.Floats(name("ffn_up.bias"), kInner, layer.up_bias));
  SOTTO_RETURN_IF_ERROR(reader.Matrix(name("ffn_down.weight"), kInner, kSize, layer.down));
  return reader.Floats(name("ffn_down.bias"), kSize, layer.down_bias);
}

}  // namespace

struct SentenceEncoder::Weights {
  std::optional<WeightMatrix> embedding;  // [n_vocab, 256]
  std::vector<float> timing;              // [128] angles a position
  EncoderLayer layers[2];
  std::optional<WeightMatrix> output;  // [512, 512]
  std::vector<float> output_bias;
};

// Scratch of a pass over sentences that lie one after the other: rows are tokens.
struct SentenceEncoder::Engine {
  Engine(Isa isa, std::shared_ptr<SharedTeam> team, ActivationMode activations)
      : mode(activations), compute(isa, std::move(team)) {}

  // What one pass reads: the tokens of some sentences, and where each begins.
  struct Batch {
    std::vector<int32_t> tokens;
    std::vector<size_t> begins = {0};  // and the end of the last
    size_t size() const { return begins.size() - 1; }
  };

  void Embed(const Weights& weights, const Batch& batch);
  void Layer(const EncoderLayer& layer, const Batch& batch);
  void Attend(const EncoderLayer& layer, const Batch& batch);
  // out [batch.size(), kSize].
  void Run(const Weights& weights, const Batch& batch, float* out);

  std::mutex mutex;  // over all below
  const ActivationMode mode;
  Compute compute;
  std::vector<float> x, y, wide, attended;  // [n_tokens, ...]
  AlignedBuffer page_memory;
};

void SentenceEncoder::Engine::Embed(const Weights& weights, const Batch& batch) {
  x.resize(batch.tokens.size() * kEmbedding);
  for (size_t s = 0; s < batch.size(); ++s) {
    for (size_t t = batch.begins[s]; t < batch.begins[s + 1]; ++t) {
      const std::span<float> row(x.data() + t * kEmbedding, kEmbedding);
      weights.embedding->Row(static_cast<size_t>(batch.tokens[t]), row);
      const auto position = static_cast<float>(t - batch.begins[s]);
      const size_t half = weights.timing.size();
      for (size_t i = 0; i < half; ++i) {
        const float angle = position * weights.timing[i];
        row[i] = 2 * row[i] + std::sin(angle);
        row[half + i] = 2 * row[half + i] + std::cos(angle);
      }
    }
  }
}

// wide [n_tokens, 3 d_in] holds queries, keys and values; leaves attended [n_tokens, d_in].
void SentenceEncoder::Engine::Attend(const EncoderLayer& layer, const Batch& batch) {
  AttentionParams params;
  params.layout = {DType::kF32, kHeads, layer.head_dim};
  params.n_heads = kHeads;
  params.scale = 1.0f / std::sqrt(static_cast<float>(layer.head_dim));
  params.causal = false;
  constexpr size_t kPages = (kMaxTokens + KvPageLayout::kPositions - 1) / KvPageLayout::kPositions;
  const size_t page_bytes = params.layout.page_bytes();
  if (page_memory.size() < kPages * page_bytes) {
    page_memory = AlignedBuffer(kPages * page_bytes);
    std::memset(page_memory.data(), 0, page_memory.size());
  }
  void* pages[kPages];
  const void* const_pages[kPages];
  for (size_t i = 0; i < kPages; ++i) const_pages[i] = pages[i] = page_memory.data() + i * page_bytes;
  const size_t d = layer.d_in;
  attended.resize(batch.tokens.size() * d);
  for (size_t s = 0; s < batch.size(); ++s) {
    const size_t begin = batch.begins[s];
    const size_t n = batch.begins[s + 1] - begin;
    if (n == 0) continue;
    const size_t n_pages = (n + KvPageLayout::kPositions - 1) / KvPageLayout::kPositions;
    const float* qkv = wide.data() + begin * 3 * d;
    compute.WriteKv(params.layout, {pages, n_pages}, 0, n, qkv + d, qkv + 2 * d, 3 * d);
    const AttentionSequence sequence{{const_pages, n_pages}, 0, n, n};
    compute.Attention(params, {&sequence, 1}, qkv, attended.data() + begin * d, 3 * d);
  }
}

void SentenceEncoder::Engine::Layer(const EncoderLayer& layer, const Batch& batch) {
  const size_t n = batch.tokens.size();
  const size_t d = layer.d_in;
  y.resize(n * std::max(d, kSize));
  compute.LayerNorm(x.data(), n, d, layer.attn_norm.data(), layer.attn_norm_bias.data(), kNormEps, y.data());
  wide.resize(n * std::max(3 * d, kInner));
  compute.MatMul(*layer.qkv, y.data(), n, wide.data(), mode);
  compute.AddBias(layer.qkv_bias.data(), n, 3 * d, wide.data());
  Attend(layer, batch);
  if (layer.residual) {
    compute.MatMul(*layer.residual, x.data(), n, y.data(), mode);
    compute.AddBias(layer.residual_bias.data(), n, kSize, y.data());
    x.assign(y.begin(), y.end());
  }
  compute.MatMul(*layer.output, attended.data(), n, y.data(), mode);
  compute.AddBias(layer.output_bias.data(), n, kSize, y.data());
  compute.Add(y.data(), n * kSize, x.data());
  compute.LayerNorm(x.data(), n, kSize, layer.ffn_norm.data(), layer.ffn_norm_bias.data(), kNormEps,
                    y.data());
  compute.MatMul(*layer.up, y.data(), n, wide.data(), mode);
  compute.AddBias(layer.up_bias.data(), n, kInner, wide.data());
  for (size_t i = 0; i < n * kInner; ++i) wide[i] = std::max(wide[i], 0.0f);
  compute.MatMul(*layer.down, wide.data(), n, y.data(), mode);
  compute.AddBias(layer.down_bias.data(), n, kSize, y.data());
  compute.Add(y.data(), n * kSize, x.data());
}

void SentenceEncoder::Engine::Run(const Weights& weights, const Batch& batch, float* out) {
  const SharedTeam::Turn turn(compute.shared_team());
  Embed(weights, batch);
  for (const EncoderLayer& layer : weights.layers) {
    Layer(layer, batch);
    compute.shared_team().LetOthers();
  }
  y.assign(batch.size() * kSize, 0.0f);
  for (size_t s = 0; s < batch.size(); ++s) {
    const size_t n = batch.begins[s + 1] - batch.begins[s];
    for (size_t t = batch.begins[s]; t < batch.begins[s + 1]; ++t) {
      for (size_t i = 0; i < kSize; ++i) y[s * kSize + i] += x[t * kSize + i];
    }
    for (size_t i = 0; i < kSize; ++i) y[s * kSize + i] /= static_cast<float>(std::max<size_t>(n, 1));
  }
  compute.MatMul(*weights.output, y.data(), batch.size(), out, mode);
  compute.AddBias(weights.output_bias.data(), batch.size(), kSize, out);
  compute.Tanh(out, batch.size(), kSize);
  for (size_t s = 0; s < batch.size(); ++s) {
    float* row = out + s * kSize;
    const double square = std::inner_product(row, row + kSize, row, 0.0);
    const auto scale = static_cast<float>(1.0 / std::sqrt(std::max(square, 1e-12)));
    for (size_t i = 0; i < kSize; ++i) row[i] *= scale;
  }
}

SentenceEncoder::SentenceEncoder() = default;
SentenceEncoder::~SentenceEncoder() = default;

Result<std::shared_ptr<const SentenceEncoder>> SentenceEncoder::Open(const std::filesystem::path& path,
                                                                     SentenceEncoderOptions options) {
  SOTTO_ASSIGN_OR_RETURN(const auto file, GgufFile::Open(path));
  return FromGguf(*file, std::move(options));
}

Result<std::shared_ptr<const SentenceEncoder>> SentenceEncoder::FromGguf(const GgufFile& file,
                                                                         SentenceEncoderOptions options) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch, file.GetString("general.architecture"));
  if (arch != kSentenceEncoderArchitecture) {
    return MakeError(ErrorCode::kUnsupported, "{}: architecture '{}' is no sentence encoder, expected '{}'",
                     file.path(), arch, kSentenceEncoderArchitecture);
  }
  auto encoder = std::shared_ptr<SentenceEncoder>(new SentenceEncoder());
  SOTTO_ASSIGN_OR_RETURN(const std::string_view name, file.GetString("general.name"));
  SOTTO_ASSIGN_OR_RETURN(const std::string_view sha, file.GetString(kEncoderSha256Key));
  encoder->name_ = name;
  encoder->id_ = sha.substr(0, 16);
  SOTTO_ASSIGN_OR_RETURN(encoder->pieces_, ReadSentencePieces(file));

  auto weights = std::make_unique<Weights>();
  ThreadTeam loading(1);
  WeightReader reader(file, loading);
  SOTTO_ASSIGN_OR_RETURN(const GgufTensor* embedding, file.GetTensor("token_embd.weight"));
  const size_t n_vocab = embedding->shape[1];
  if (n_vocab < encoder->pieces_.size()) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} pieces, but rows for {}", file.path(),
                     encoder->pieces_.size(), n_vocab);
  }
  SOTTO_RETURN_IF_ERROR(reader.Matrix("token_embd.weight", kEmbedding, n_vocab, weights->embedding));
  SOTTO_RETURN_IF_ERROR(reader.Floats("timing", kEmbedding / 2, weights->timing));
  SOTTO_RETURN_IF_ERROR(ReadEncoderLayer(reader, 0, kEmbedding, weights->layers[0]));
  SOTTO_RETURN_IF_ERROR(ReadEncoderLayer(reader, 1, kSize, weights->layers[1]));
  SOTTO_RETURN_IF_ERROR(reader.Matrix("output.weight", kSize, kSize, weights->output));
  SOTTO_RETURN_IF_ERROR(reader.Floats("output.bias", kSize, weights->output_bias));
  encoder->weights_ = std::move(weights);

  SOTTO_ASSIGN_OR_RETURN(const Isa isa, ChooseIsa());
  if (options.team == nullptr) options.team = std::make_shared<SharedTeam>(1);
  encoder->engine_ = std::make_unique<Engine>(isa, std::move(options.team),
                                              options.exact ? ActivationMode::kFloat : ActivationMode::kInt8);
  return std::shared_ptr<const SentenceEncoder>(std::move(encoder));
}

std::vector<int32_t> SentenceEncoder::Tokens(std::string_view text) const {
  std::vector<int32_t> tokens = pieces_.Encode(text);
  if (tokens.size() > kMaxTokens) tokens.resize(kMaxTokens);
  return tokens;
}

std::vector<float> SentenceEncoder::Encode(std::string_view text) const {
  const std::string one(text);
  return EncodeMany({&one, 1});
}

std::vector<float> SentenceEncoder::EncodeMany(std::span<const std::string> texts) const {
  std::vector<float> out(texts.size() * kSize);
  size_t first = 0;
  Engine::Batch batch;
  const auto run = [&] {
    if (batch.size() == 0) return;
    const std::scoped_lock lock(engine_->mutex);
    engine_->Run(*weights_, batch, out.data() + first * kSize);
    first += batch.size();
    batch = {};
  };
  for (const std::string& text : texts) {
    const std::vector<int32_t> tokens = Tokens(text);
    if (batch.tokens.size() + tokens.size() > kTokensAtOnce) run();
    batch.tokens.insert(batch.tokens.end(), tokens.begin(), tokens.end());
    batch.begins.push_back(batch.tokens.size());
  }
  run();
  return out;
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  SOTTO_CHECK(a.size() == b.size());
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace sotto
