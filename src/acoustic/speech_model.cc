#include "acoustic/speech_model.h"

#include <cmath>

#include "acoustic/speech_weights.h"
#include "nn/thread_team.h"

namespace sotto {
namespace {

constexpr std::string_view kArchitecture = "moonshine";

Result<size_t> Number(const GgufFile& file, std::string_view key, size_t least, size_t most) {
  const std::string full = fmt::format("{}.{}", kArchitecture, key);
  SOTTO_ASSIGN_OR_RETURN(const uint32_t value, file.GetU32(full));
  if (value < least || value > most) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} is {}, expected {} to {}", file.path(), full, value, least,
                     most);
  }
  return static_cast<size_t>(value);
}

Result<SpeechConfig> ReadConfig(const GgufFile& file) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view arch, file.GetString("general.architecture"));
  if (arch != kArchitecture) {
    return MakeError(ErrorCode::kUnsupported, "{}: architecture '{}' is no speech recogniser, expected '{}'",
                     file.path(), arch, kArchitecture);
  }
  SpeechConfig config;
  SOTTO_ASSIGN_OR_RETURN(config.d_model, Number(file, "embedding_length", 32, 4096));
  SOTTO_ASSIGN_OR_RETURN(config.n_encoder_layers, Number(file, "encoder.block_count", 1, 64));
  SOTTO_ASSIGN_OR_RETURN(config.n_decoder_layers, Number(file, "block_count", 1, 64));
  SOTTO_ASSIGN_OR_RETURN(config.n_heads, Number(file, "attention.head_count", 1, 64));
  SOTTO_ASSIGN_OR_RETURN(config.d_ff, Number(file, "feed_forward_length", 32, 32768));
  SOTTO_ASSIGN_OR_RETURN(config.n_vocab, Number(file, "vocab_size", 4, 1 << 20));
  SOTTO_ASSIGN_OR_RETURN(config.max_tokens, Number(file, "context_length", 2, 4096));
  config.head_dim = config.d_model / config.n_heads;
  if (config.head_dim * config.n_heads != config.d_model || config.head_dim > 256) {
    return MakeError(ErrorCode::kCorrupt, "{}: {} heads do not divide an embedding of {}", file.path(),
                     config.n_heads, config.d_model);
  }
  SOTTO_ASSIGN_OR_RETURN(config.n_rot, Number(file, "rope.dimension_count", 0, config.head_dim));
  if (config.n_rot % 2 != 0) {
    return MakeError(ErrorCode::kCorrupt, "{}: moonshine.rope.dimension_count is {}, expected an even number",
                     file.path(), config.n_rot);
  }
  SOTTO_ASSIGN_OR_RETURN(const float theta, file.GetF32("moonshine.rope.freq_base"));
  SOTTO_ASSIGN_OR_RETURN(config.norm_eps, file.GetF32("moonshine.attention.layer_norm_epsilon"));
  if (!(theta > 0 && std::isfinite(theta)) || !(config.norm_eps > 0 && config.norm_eps < 1)) {
    return MakeError(ErrorCode::kCorrupt, "{}: rope.freq_base {} and layer_norm_epsilon {} make no sense",
                     file.path(), theta, config.norm_eps);
  }
  config.rope_theta = static_cast<double>(theta);
  for (const auto& [key, values] : {std::pair{"moonshine.stem.kernels", config.kernels},
                                    std::pair{"moonshine.stem.strides", config.strides}}) {
    if (!file.Has(key)) continue;
    SOTTO_ASSIGN_OR_RETURN(const std::vector<int32_t> given, file.GetI32Array(key));
    for (size_t i = 0; i < 3; ++i) {
      if (given.size() != 3 || given[i] < 1 || given[i] > 1024) {
        return MakeError(ErrorCode::kCorrupt, "{}: {} must be three numbers from 1 to 1024", file.path(),
                         key);
      }
      values[i] = static_cast<size_t>(given[i]);
    }
  }
  return config;
}

}  // namespace

size_t SpeechConfig::FramesOf(size_t n_samples) const {
  size_t n = n_samples;
  for (size_t i = 0; i < 3; ++i) n = n < kernels[i] ? 0 : (n - kernels[i]) / strides[i] + 1;
  return n;
}

SpeechModel::SpeechModel() = default;
SpeechModel::~SpeechModel() = default;

Result<std::shared_ptr<const SpeechModel>> SpeechModel::Open(const std::filesystem::path& path,
                                                             SpeechModelOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> file, GgufFile::Open(path));
  return FromGguf(std::move(file), options);
}

Result<std::shared_ptr<const SpeechModel>> SpeechModel::FromGguf(std::shared_ptr<const GgufFile> gguf,
                                                                 SpeechModelOptions options) {
  auto model = std::shared_ptr<SpeechModel>(new SpeechModel());
  SOTTO_ASSIGN_OR_RETURN(model->config_, ReadConfig(*gguf));
  SpeechConfig& config = model->config_;
  SOTTO_ASSIGN_OR_RETURN(model->tokenizer_, Tokenizer::Create(*gguf));
  const Tokenizer& tokenizer = *model->tokenizer_;
  if (tokenizer.size() != config.n_vocab || !tokenizer.bos() || !tokenizer.eos()) {
    return MakeError(ErrorCode::kCorrupt, "{}: a tokenizer of {} pieces for a vocabulary of {}{}",
                     gguf->path(), tokenizer.size(), config.n_vocab,
                     tokenizer.bos() && tokenizer.eos() ? "" : ", without BOS and EOS");
  }
  config.bos = *tokenizer.bos();
  config.eos = *tokenizer.eos();
  ThreadTeam team(static_cast<size_t>(std::max(1, options.n_threads)));
  SOTTO_ASSIGN_OR_RETURN(model->weights_, BuildSpeechWeights(config, *gguf, team));
  SOTTO_ASSIGN_OR_RETURN(const std::string_view name, gguf->GetStringOr("general.name", "unnamed"));
  model->name_ = name;
  model->id_ = fmt::format("{:016x}", model->weights_->fingerprint);
  model->options_ = options;
  model->gguf_ = std::move(gguf);
  return std::shared_ptr<const SpeechModel>(std::move(model));
}

}  // namespace sotto
