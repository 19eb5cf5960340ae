#include "slm/model_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "slm/gguf.h"

namespace sotto {
namespace {

constexpr std::array<std::pair<std::string_view, Arch>, 7> kArchs = {{
    {"llama", Arch::kLlama},
    {"qwen2", Arch::kQwen2},
    {"qwen3", Arch::kQwen3},
    {"gemma2", Arch::kGemma2},
    {"phi3", Arch::kPhi3},
    {"granite", Arch::kGranite},
    {"bert", Arch::kBert},
}};

// Larger counts are not models this engine can hold; they stop overflow before it happens.
constexpr uint32_t kMaxCount = 1u << 24;
constexpr int kDefaultCtx = 8192;

// Reads `<arch>.<key>` values; remembers what is missing and the first value that is wrong.
class Keys {
 public:
  Keys(const GgufFile& gguf, std::string prefix) : gguf_(gguf), prefix_(std::move(prefix)) {}

  int Count(std::string_view key) {
    const std::string full = Full(key);
    if (!gguf_.Has(full)) {
      missing_.push_back(full);
      return 1;
    }
    return CountOr(key, 1);
  }

  int CountOr(std::string_view key, int fallback) {
    const std::string full = Full(key);
    const Result<uint32_t> value = gguf_.GetU32Or(full, static_cast<uint32_t>(fallback));
    if (!value) return Wrong(value.error(), fallback);
    if (*value > kMaxCount) {
      return Wrong({ErrorCode::kCorrupt,
                    fmt::format("{}: {} = {}, expected at most {}", gguf_.path(), full, *value, kMaxCount)},
                   fallback);
    }
    return static_cast<int>(*value);
  }

  float Number(std::string_view key) {
    const std::string full = Full(key);
    if (!gguf_.Has(full)) {
      missing_.push_back(full);
      return 1;
    }
    return NumberOr(key, 1);
  }

  float NumberOr(std::string_view key, float fallback) {
    const std::string full = Full(key);
    const Result<float> value = gguf_.GetF32Or(full, fallback);
    if (!value) return Wrong(value.error(), fallback);
    if (!std::isfinite(*value)) {
      return Wrong({ErrorCode::kCorrupt, fmt::format("{}: {} is not a finite number", gguf_.path(), full)},
                   fallback);
    }
    return *value;
  }

  std::string TextOr(std::string_view key, std::string_view fallback) {
    const Result<std::string_view> value = gguf_.GetStringOr(Full(key), fallback);
    if (!value) return Wrong(value.error(), std::string(fallback));
    return std::string(*value);
  }

  bool Has(std::string_view key) const { return gguf_.Has(Full(key)); }
  std::string Full(std::string_view key) const { return prefix_ + "." + std::string(key); }

  Result<void> Check() const {
    if (!missing_.empty()) {
      return MakeError(ErrorCode::kCorrupt, "{}: architecture '{}' lacks the keys {}", gguf_.path(), prefix_,
                       fmt::join(missing_, ", "));
    }
    if (wrong_) return tl::unexpected<Error>(*wrong_);
    return {};
  }

 private:
  template <typename T>
  T Wrong(Error error, T fallback) {
    if (!wrong_) wrong_ = std::move(error);
    return fallback;
  }

  const GgufFile& gguf_;
  const std::string prefix_;
  std::vector<std::string> missing_;
  std::optional<Error> wrong_;
};

void ReadShapes(Keys& keys, ModelConfig& config) {
  config.n_ctx_train = keys.Count("context_length");
  config.d_model = keys.Count("embedding_length");
  config.n_layers = keys.Count("block_count");
  config.n_heads = keys.Count("attention.head_count");
  config.d_ff = keys.Count("feed_forward_length");
  config.n_kv_heads = keys.CountOr("attention.head_count_kv", config.n_heads);
  config.head_dim = keys.CountOr("attention.key_length", config.d_model / std::max(config.n_heads, 1));
  config.norm_eps = config.arch == Arch::kBert ? keys.Number("attention.layer_norm_epsilon")
                                               : keys.Number("attention.layer_norm_rms_epsilon");
}

Result<void> ReadRope(const GgufFile& gguf, Keys& keys, ModelConfig& config) {
  if (config.rope_pairs == RopePairs::kNone) return {};
  config.rope_dims = keys.CountOr("rope.dimension_count", config.head_dim);
  config.rope_theta = keys.NumberOr("rope.freq_base", 10000);
  config.rope_attn_factor = keys.NumberOr("rope.scaling.attn_factor", 1);
  // As llama.cpp reads them: a factor alone means linear, 0 means none, and the key had another name once.
  const std::string scaling = keys.TextOr("rope.scaling.type", "linear");
  if (scaling != "none" && scaling != "linear" && scaling != "longrope") {
    return MakeError(ErrorCode::kUnsupported, "{}: {} = '{}' is not supported (none, linear, longrope are)",
                     gguf.path(), keys.Full("rope.scaling.type"), scaling);
  }
  const char* factor_key = keys.Has("rope.scaling.factor") || !keys.Has("rope.scale_linear")
                               ? "rope.scaling.factor"
                               : "rope.scale_linear";
  const float factor = keys.NumberOr(factor_key, 0);
  if (factor < 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} = {}, expected at least 0", gguf.path(),
                     keys.Full(factor_key), factor);
  }
  if (scaling != "none" && factor > 0) config.rope_freq_scale = 1 / factor;
  if (!std::isfinite(config.rope_freq_scale)) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} = {} is too small", gguf.path(), keys.Full(factor_key),
                     factor);
  }
  if (gguf.FindTensor("rope_factors_long.weight") != nullptr) {
    config.rope_original_ctx = keys.Count("rope.scaling.original_context_length");
  }
  return {};
}

void ReadScales(Keys& keys, ModelConfig& config) {
  config.attention_scale = 1 / std::sqrt(static_cast<float>(config.head_dim));
  if (config.arch == Arch::kGemma2) {
    // The 27B model, known by its depth, scales by d_model / n_heads instead of head_dim.
    if (config.n_layers == 46) {
      config.attention_scale =
          1 / std::sqrt(static_cast<float>(config.d_model) / static_cast<float>(config.n_heads));
    }
    config.embedding_scale = std::sqrt(static_cast<float>(config.d_model));
    config.attention_softcap = keys.NumberOr("attn_logit_softcapping", 50);
    config.final_softcap = keys.NumberOr("final_logit_softcapping", 30);
    config.sliding_window = keys.Count("attention.sliding_window");
    config.sliding_layers = SlidingLayers::kEven;
  }
  if (config.arch == Arch::kGranite) {
    config.attention_scale = keys.NumberOr("attention.scale", config.attention_scale);
    config.embedding_scale = keys.NumberOr("embedding_scale", 1);
    config.residual_scale = keys.NumberOr("residual_scale", 1);
    config.logit_scale = 1 / keys.NumberOr("logit_scale", 1);
  }
}

// Gemma 2 always has a window (above). Of the others those that were trained with one name it; it is of all
// layers, unless a pattern says otherwise.
Result<void> ReadWindow(const GgufFile& gguf, Keys& keys, ModelConfig& config) {
  constexpr const char* kPattern = "attention.sliding_window_pattern";
  if (config.arch == Arch::kGemma2) return {};
  config.sliding_window = keys.CountOr("attention.sliding_window", 0);
  if (config.sliding_window == 0) return {};
  if (config.arch == Arch::kLlama) {
    // Converters carry the key over from Mistral's first models; llama.cpp and what was measured against it
    // attend to everything.
    if (config.sliding_window < config.n_ctx_train) {
      Log().warn("{}: {} = {} is not applied: models of this architecture are run without it", gguf.path(),
                 keys.Full("attention.sliding_window"), config.sliding_window);
    }
    config.sliding_window = 0;
    return {};
  }
  if (config.arch == Arch::kBert || keys.Has(kPattern)) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: {} = {} {} is not supported; a window over all layers of a decoder is", gguf.path(),
                     keys.Full("attention.sliding_window"), config.sliding_window,
                     keys.Has(kPattern) ? "with " + keys.Full(kPattern) : "of an encoder");
  }
  config.sliding_layers = SlidingLayers::kAll;
  return {};
}

Result<void> Validate(const GgufFile& gguf, const ModelConfig& config) {
  const auto wrong = [&](std::string_view what) {
    return MakeError(ErrorCode::kCorrupt, "{}: {}", gguf.path(), what);
  };
  for (const auto& [name, value] :
       {std::pair{"context_length", config.n_ctx_train}, std::pair{"embedding_length", config.d_model},
        std::pair{"block_count", config.n_layers}, std::pair{"attention.head_count", config.n_heads},
        std::pair{"attention.head_count_kv", config.n_kv_heads},
        std::pair{"feed_forward_length", config.d_ff}, std::pair{"attention.key_length", config.head_dim}}) {
    if (value <= 0) return wrong(fmt::format("{}.{} = {}, expected > 0", config.arch_name, name, value));
  }
  if (config.n_layers > 1024) return wrong(fmt::format("block_count = {} is not plausible", config.n_layers));
  if (config.head_dim > 1024) return wrong(fmt::format("head size {} is not supported", config.head_dim));
  if (config.n_heads > 4096) return wrong(fmt::format("head_count = {} is not plausible", config.n_heads));
  if (config.n_heads % config.n_kv_heads != 0) {
    return wrong(
        fmt::format("{} heads cannot share {} key/value heads evenly", config.n_heads, config.n_kv_heads));
  }
  if (config.rope_dims > config.head_dim || config.rope_dims % 2 != 0) {
    return wrong(fmt::format("rope.dimension_count = {}, expected even and at most {}", config.rope_dims,
                             config.head_dim));
  }
  if (!std::isfinite(config.logit_scale)) return wrong("logit_scale = 0");
  if (config.norm_eps < 0) return wrong("negative norm epsilon");
  if (config.rope_theta <= 0) return wrong("rope.freq_base must be > 0");
  return {};
}

Result<void> ChooseContext(const GgufFile& gguf, int n_ctx, ModelConfig& config) {
  if (n_ctx < 0) {
    return MakeError(ErrorCode::kInvalidArgument, "context of {} tokens, expected > 0", n_ctx);
  }
  if (config.is_encoder()) {
    if (n_ctx > config.n_ctx_train) {
      return MakeError(ErrorCode::kInvalidArgument, "context of {} tokens, {} has positions for {}", n_ctx,
                       gguf.path(), config.n_ctx_train);
    }
    config.n_ctx = n_ctx == 0 ? config.n_ctx_train : n_ctx;
    return {};
  }
  if (n_ctx > (1 << 20)) {
    return MakeError(ErrorCode::kInvalidArgument, "context of {} tokens, expected at most {}", n_ctx,
                     1 << 20);
  }
  config.n_ctx = n_ctx;
  if (n_ctx == 0) {
    config.n_ctx = std::min(config.n_ctx_train, kDefaultCtx);
    if (config.rope_original_ctx > 0) config.n_ctx = std::min(config.n_ctx, config.rope_original_ctx);
  }
  config.rope_use_long = config.rope_original_ctx > 0 && config.n_ctx > config.rope_original_ctx;
  return {};
}

}  // namespace

std::string_view SupportedArchitectures() { return "llama, qwen2, qwen3, gemma2, phi3, granite, bert"; }

Result<Arch> ArchFromName(std::string_view name) {
  for (const auto& [known, arch] : kArchs) {
    if (known == name) return arch;
  }
  return MakeError(ErrorCode::kUnsupported, "architecture '{}' is not supported (supported: {})", name,
                   SupportedArchitectures());
}

void ApplyArchConventions(ModelConfig& config) {
  switch (config.arch) {
    case Arch::kLlama:
    case Arch::kGranite:
      config.rope_pairs = RopePairs::kAdjacent;
      break;
    case Arch::kQwen2:
      config.rope_pairs = RopePairs::kHalves;
      break;
    case Arch::kQwen3:
      config.rope_pairs = RopePairs::kHalves;
      config.qk_norm = true;
      break;
    case Arch::kGemma2:
      config.rope_pairs = RopePairs::kHalves;
      config.gate = Gate::kGeluTanh;
      config.post_norms = true;
      break;
    case Arch::kPhi3:
      config.rope_pairs = RopePairs::kHalves;
      config.fused_qkv = true;
      config.fused_gate_up = true;
      break;
    case Arch::kBert:
      config.gate = Gate::kGeluTanh;
      config.causal = false;
      config.pooling = Pooling::kMean;
      break;
  }
}

Result<ModelConfig> ModelConfig::FromGguf(const GgufFile& gguf, int n_ctx) {
  ModelConfig config;
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch_name, gguf.GetString("general.architecture"));
  const Result<Arch> arch = ArchFromName(arch_name);
  if (!arch) return WithContext(arch.error(), gguf.path());
  config.arch = *arch;
  config.arch_name = arch_name;
  if (const auto name = gguf.GetStringOr("general.name", "")) config.name = *name;
  ApplyArchConventions(config);

  Keys keys(gguf, config.arch_name);
  ReadShapes(keys, config);
  SOTTO_RETURN_IF_ERROR(keys.Check());
  if (config.n_heads <= 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: {}.attention.head_count = 0", gguf.path(), arch_name);
  }
  SOTTO_RETURN_IF_ERROR(ReadRope(gguf, keys, config));
  ReadScales(keys, config);
  SOTTO_RETURN_IF_ERROR(ReadWindow(gguf, keys, config));
  const int head_dim_v = keys.CountOr("attention.value_length", config.head_dim);
  if (config.arch == Arch::kBert) {
    const int pooling = keys.CountOr("pooling_type", 1);
    if (pooling != 1 && pooling != 2) {
      return MakeError(ErrorCode::kUnsupported, "{}: bert.pooling_type = {}, supported: 1 (mean), 2 (cls)",
                       gguf.path(), pooling);
    }
    config.pooling = pooling == 1 ? Pooling::kMean : Pooling::kCls;
  }
  SOTTO_RETURN_IF_ERROR(keys.Check());
  SOTTO_RETURN_IF_ERROR(Validate(gguf, config));
  if (head_dim_v != config.head_dim) {
    return MakeError(ErrorCode::kUnsupported, "{}: keys of {} and values of {} components, expected equal",
                     gguf.path(), config.head_dim, head_dim_v);
  }
  // The embedding decides; the key is for files without tensors.
  const GgufTensor* embedding = gguf.FindTensor("token_embd.weight");
  const uint64_t n_vocab =
      embedding != nullptr ? embedding->shape[1] : static_cast<uint64_t>(keys.CountOr("vocab_size", 0));
  if (embedding == nullptr && n_vocab == 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: tensor token_embd.weight is missing", gguf.path());
  }
  if (n_vocab == 0 || n_vocab > kMaxCount) {
    return MakeError(ErrorCode::kCorrupt, "{}: vocabulary of {} tokens (token_embd.weight)", gguf.path(),
                     n_vocab);
  }
  config.n_vocab = static_cast<int>(n_vocab);
  SOTTO_RETURN_IF_ERROR(ChooseContext(gguf, n_ctx, config));
  return config;
}

}  // namespace sotto
