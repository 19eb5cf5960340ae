#include "slm/model.h"

#include <algorithm>
#include <thread>

#include "nn/thread_team.h"
#include "slm/weights.h"

namespace sotto {

Model::Model() = default;
Model::~Model() = default;

Result<std::shared_ptr<const Model>> Model::Load(const std::filesystem::path& path, LoadOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> gguf, GgufFile::Open(path));
  return FromGguf(std::move(gguf), options);
}

Result<std::shared_ptr<const Model>> Model::FromGguf(std::shared_ptr<const GgufFile> gguf,
                                                     LoadOptions options) {
  SOTTO_ASSIGN_OR_RETURN(const std::string_view type, gguf->GetStringOr("general.type", "model"));
  if (type == "adapter") {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: an adapter, not a model: give its base model and --lora", gguf->path());
  }
  GgufTensorSource source(*gguf);
  return Assemble(gguf, source, options);
}

Result<std::shared_ptr<const Model>> Model::Assemble(std::shared_ptr<const GgufFile> gguf,
                                                     TensorSource& source, LoadOptions options) {
  std::shared_ptr<Model> model(new Model());
  SOTTO_ASSIGN_OR_RETURN(model->config_, ModelConfig::FromGguf(*gguf, options.n_ctx));
  const ModelConfig& config = model->config_;
  // A large vocabulary takes as long as a quarter of the packing, and on one thread: both at once.
  Result<std::shared_ptr<const Tokenizer>> tokenizer = nullptr;
  std::jthread reader([&] { tokenizer = Tokenizer::Create(*gguf); });
  ThreadTeam team(static_cast<size_t>(std::max(options.n_threads, 1)));
  auto weights = BuildWeights(config, source, team);
  reader.join();
  if (!tokenizer) return tl::unexpected<Error>(std::move(tokenizer).error());
  if ((*tokenizer)->size() > static_cast<size_t>(config.n_vocab)) {
    return MakeError(ErrorCode::kCorrupt, "{}: the tokenizer has {} tokens, token_embd.weight only {}",
                     gguf->path(), (*tokenizer)->size(), config.n_vocab);
  }
  if (!weights) return tl::unexpected<Error>(std::move(weights).error());
  model->tokenizer_ = std::move(*tokenizer);
  model->weights_ = std::move(*weights);
  model->load_options_ = options;
  model->path_ = gguf->path();
  model->gguf_ = std::move(gguf);
  model->weight_bytes_ = model->weights_->weight_bytes;
  model->decode_bytes_ = model->weights_->decode_bytes;
  model->id_ = fmt::format("{:016x}", model->weights_->fingerprint);
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace sotto
