#include "slm/engine.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/check.h"
#include "slm/logits_at.h"
#include "slm/sampler.h"
#include "slm/transformer.h"
#include "slm/weights.h"

namespace sotto {
namespace {

using Want = ForwardRequest::Want;

// Positions whose logits are computed at once where only the best token of each is kept.
constexpr size_t kArgmaxRows = 16;

// Half precision costs the attention over a long prefix twice the time of bfloat16, which rounds far less
// than int8 activations do: so it is only for models whose activations stay float.
DType KvType(const Model& model) {
  const LoadOptions& options = model.load_options();
  if (options.activations == ActivationType::kFloat || options.kv == KvPrecision::kF32) return DType::kF32;
  const WeightMatrix* sample = model.weights().layers.front().matrix(LayerMatrix::kFfnDown);
  const bool quantised = sample != nullptr && IsQuantized(sample->type());
  return options.kv == KvPrecision::kBF16 || quantised ? DType::kBF16 : DType::kF16;
}

KvLayout LayoutOf(const Model& model) {
  const ModelConfig& config = model.config();
  KvLayout layout;
  layout.n_layers = config.n_layers;
  layout.layer.type = KvType(model);
  layout.layer.n_kv_heads = static_cast<size_t>(config.n_kv_heads);
  layout.layer.head_dim = static_cast<size_t>(config.head_dim);
  return layout;
}

bool EveryPosition(Want want) {
  return want == Want::kAllPositions || want == Want::kArgmax || want == Want::kHidden;
}

}  // namespace

struct Engine::Impl {
  Impl(std::shared_ptr<const Model> the_model, EngineOptions the_options, Isa isa, size_t max_tokens)
      : model(std::move(the_model)),
        options(the_options),
        pool(std::make_shared<KvPool>(LayoutOf(*model))),
        transformer(*model, pool->layout(), isa, options.team, max_tokens),
        max_batch(max_tokens) {}

  // A request and how much of it is done.
  struct Progress {
    ForwardRequest* request;
    size_t done;
  };

  Result<void> CheckIds(std::span<const TokenId> ids) const;
  Result<void> CheckAdapter(const LoraAdapter* lora) const;
  void RunBatch();
  void TakeOutputs(std::span<const float> hidden);
  void LastLogits();
  void AllLogits(Progress& progress, const float* hidden, size_t count);
  // Of all tokens, for `n` hidden states without adapter, into `outputs`.
  void LogitsOfAll(std::span<const float> hidden, std::span<std::vector<float>* const> outputs);

  const std::shared_ptr<const Model> model;
  const EngineOptions options;
  const std::shared_ptr<KvPool> pool;
  Transformer transformer;
  const size_t max_batch;

  // Of the call being computed; kept for their capacity.
  std::vector<Progress> progress;
  std::vector<size_t> in_batch;  // indices into progress
  std::vector<BatchSequence> batch;
  std::vector<ForwardRequest*> want_last;
  std::vector<float> hidden_rows;
  std::vector<std::vector<float>*> outputs;
  std::vector<float> logits;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::Create(std::shared_ptr<const Model> model, EngineOptions options) {
  SOTTO_ASSIGN_OR_RETURN(const Isa isa, ChooseIsa());
  if (options.n_threads < 0 || options.n_threads > 1024 || options.max_batch_tokens < 1) {
    return MakeError(ErrorCode::kInvalidArgument, "engine with {} threads and batches of {} tokens",
                     options.n_threads, options.max_batch_tokens);
  }
  if (options.n_threads == 0)
    options.n_threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (options.team == nullptr)
    options.team = std::make_shared<SharedTeam>(static_cast<size_t>(options.n_threads));
  const ModelConfig& config = model->config();
  // An encoder sees a text at once.
  const int max_tokens =
      config.is_encoder() ? config.n_ctx : std::min(options.max_batch_tokens, config.n_ctx);
  auto impl = std::make_unique<Impl>(std::move(model), options, isa, static_cast<size_t>(max_tokens));
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

const Model& Engine::model() const { return *impl_->model; }
const EngineOptions& Engine::options() const { return impl_->options; }
KvCache Engine::NewCache() const { return KvCache(impl_->pool); }

Result<void> Engine::Check(const ForwardRequest& request) const {
  const ModelConfig& config = impl_->model->config();
  if (config.is_encoder()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' is an encoder: it embeds text and generates none",
                     impl_->model->path(), config.arch_name);
  }
  SOTTO_CHECK(request.cache != nullptr && request.cache->valid());
  SOTTO_CHECK(request.cache->layout() == impl_->pool->layout(), "a cache of another model");
  SOTTO_RETURN_IF_ERROR(impl_->CheckIds(request.tokens));
  SOTTO_RETURN_IF_ERROR(impl_->CheckIds(request.rows));
  const size_t end = static_cast<size_t>(request.cache->size()) + request.tokens.size();
  if (end > static_cast<size_t>(config.n_ctx)) {
    return MakeError(ErrorCode::kOutOfRange,
                     "{} tokens do not fit the context of {} (--ctx sets it, the model was "
                     "trained for {})",
                     end, config.n_ctx, config.n_ctx_train);
  }
  if (request.tokens.empty() && request.want != Want::kNone &&
      (request.cache->last_hidden().empty() || EveryPosition(request.want))) {
    return MakeError(ErrorCode::kInvalidArgument, "no tokens to compute logits for");
  }
  SOTTO_CHECK(request.logits_at == ForwardRequest::kNowhere ||
              (request.want == Want::kHidden && request.logits_at >= 0 &&
               static_cast<size_t>(request.logits_at) < request.tokens.size()));
  return impl_->CheckAdapter(request.lora);
}

Result<void> Engine::Check(const LogitsRequest& request) const {
  SOTTO_CHECK(request.hidden.size() == static_cast<size_t>(impl_->model->config().d_model));
  SOTTO_RETURN_IF_ERROR(impl_->CheckIds(request.rows));
  return impl_->CheckAdapter(request.lora);
}

Result<void> Engine::Impl::CheckIds(std::span<const TokenId> ids) const {
  const int n_vocab = model->config().n_vocab;
  for (const TokenId id : ids) {
    if (id < 0 || id >= n_vocab) {
      return MakeError(ErrorCode::kOutOfRange, "token id {} is out of range: {} has tokens 0 to {}", id,
                       model->path(), n_vocab - 1);
    }
  }
  return {};
}

Result<void> Engine::Impl::CheckAdapter(const LoraAdapter* lora) const {
  if (lora == nullptr || lora->base_id() == model->id()) return {};
  return MakeError(ErrorCode::kInvalidArgument, "{}: adapter was loaded for another model than {}",
                   lora->path(), model->path());
}

Result<void> Engine::Forward(ForwardRequest& request) {
  ForwardRequest* const requests[] = {&request};
  return Forward(requests);
}

Result<void> Engine::Forward(std::span<ForwardRequest* const> requests) {
  for (const ForwardRequest* request : requests) SOTTO_RETURN_IF_ERROR(Check(*request));
  const SharedTeam::Turn turn(*impl_->options.team);
  const auto n_vocab = static_cast<size_t>(impl_->model->config().n_vocab);
  impl_->progress.clear();
  impl_->want_last.clear();
  impl_->hidden_rows.clear();
  size_t left = 0;
  for (ForwardRequest* request : requests) {
    request->argmax.clear();
    request->hidden.clear();
    request->logits.resize(request->want == Want::kAllPositions ? request->tokens.size() * n_vocab : 0);
    impl_->progress.push_back({request, 0});
    left += request->tokens.size();
    if (request->tokens.empty() && request->want != Want::kNone) impl_->want_last.push_back(request);
  }
  while (left > 0) {
    impl_->RunBatch();
    for (const BatchSequence& sequence : impl_->batch) left -= sequence.tokens.size();
  }
  impl_->LastLogits();
  return {};
}

void Engine::Impl::RunBatch() {
  batch.clear();
  in_batch.clear();
  size_t room = max_batch;
  for (size_t i = 0; i < progress.size() && room > 0; ++i) {
    auto& [request, done] = progress[i];
    const std::span<const TokenId> slice =
        request->tokens.subspan(done, std::min(room, request->tokens.size() - done));
    if (slice.empty()) continue;
    room -= slice.size();
    request->cache->Reserve(static_cast<int>(slice.size()));
    batch.push_back({request->cache, slice, EveryPosition(request->want), request->lora});
    in_batch.push_back(i);
  }
  TakeOutputs(transformer.Decode(batch));
}

void Engine::Impl::TakeOutputs(std::span<const float> hidden) {
  const auto d = static_cast<size_t>(model->config().d_model);
  const float* next = hidden.data();
  for (size_t i = 0; i < batch.size(); ++i) {
    Progress& mine = progress[in_batch[i]];
    const size_t n_outputs = batch[i].n_outputs();
    batch[i].cache->Append(batch[i].tokens);
    batch[i].cache->SetLastHidden({next + (n_outputs - 1) * d, d});
    if (mine.request->want == Want::kHidden) {
      mine.request->hidden.insert(mine.request->hidden.end(), next, next + n_outputs * d);
    } else if (EveryPosition(mine.request->want)) {
      AllLogits(mine, next, n_outputs);
    }
    mine.done += batch[i].tokens.size();
    const bool logits_wanted = EveryPosition(mine.request->want)
                                   ? mine.request->logits_at != ForwardRequest::kNowhere
                                   : mine.request->want != Want::kNone;
    if (mine.done == mine.request->tokens.size() && logits_wanted) want_last.push_back(mine.request);
    next += n_outputs * d;
  }
}

void Engine::Impl::AllLogits(Progress& mine, const float* hidden, size_t count) {
  const auto d = static_cast<size_t>(model->config().d_model);
  const auto n_vocab = static_cast<size_t>(model->config().n_vocab);
  const bool keep = mine.request->want == Want::kAllPositions;
  for (size_t first = 0; first < count; first += kArgmaxRows) {
    const size_t rows = std::min(kArgmaxRows, count - first);
    if (!keep) logits.resize(kArgmaxRows * n_vocab);
    float* out = keep ? mine.request->logits.data() + (mine.done + first) * n_vocab : logits.data();
    transformer.Logits(hidden + first * d, rows, mine.request->lora, out);
    for (size_t row = 0; row < rows; ++row) {
      mine.request->argmax.push_back(Argmax(std::span(out + row * n_vocab, n_vocab)));
    }
  }
}

void Engine::Impl::LastLogits() {
  hidden_rows.clear();
  outputs.clear();
  for (ForwardRequest* request : want_last) {
    std::span<const float> hidden = request->cache->last_hidden();
    bool some = request->want == Want::kLastRows;
    if (request->want == Want::kHidden) {
      const auto d = static_cast<size_t>(model->config().d_model);
      hidden = std::span(request->hidden).subspan(static_cast<size_t>(request->logits_at) * d, d);
      some = !request->rows.empty();
    }
    if (some) {
      request->logits.resize(request->rows.size());
      if (!request->rows.empty()) {
        transformer.LogitsOfRows(hidden.data(), request->rows, request->lora, request->logits.data());
      }
    } else if (request->lora != nullptr) {
      request->logits.resize(static_cast<size_t>(model->config().n_vocab));
      transformer.Logits(hidden.data(), 1, request->lora, request->logits.data());
    } else {
      hidden_rows.insert(hidden_rows.end(), hidden.begin(), hidden.end());
      outputs.push_back(&request->logits);
    }
  }
  LogitsOfAll(hidden_rows, outputs);
  for (ForwardRequest* request : want_last) {
    if (request->want == Want::kLast) request->argmax.push_back(Argmax(request->logits));
  }
}

void Engine::Impl::LogitsOfAll(std::span<const float> hidden, std::span<std::vector<float>* const> to) {
  const auto n_vocab = static_cast<size_t>(model->config().n_vocab);
  for (std::vector<float>* output : to) output->resize(n_vocab);
  if (to.size() == 1) {
    transformer.Logits(hidden.data(), 1, nullptr, to.front()->data());
  } else if (to.size() > 1) {
    logits.resize(std::max(logits.size(), to.size() * n_vocab));
    transformer.Logits(hidden.data(), to.size(), nullptr, logits.data());
    const float* next = logits.data();
    for (std::vector<float>* output : to) {
      std::copy(next, next + n_vocab, output->begin());
      next += n_vocab;
    }
  }
}

Result<void> Engine::LogitsAt(const KvCache& cache, std::span<const TokenId> rows, std::span<float> logits,
                              const LoraAdapter* lora) {
  return LogitsAtWith(*this, cache, rows, logits, lora);
}

Result<void> Engine::LogitsOf(LogitsRequest& request) {
  LogitsRequest* const requests[] = {&request};
  return LogitsOf(requests);
}

Result<void> Engine::LogitsOf(std::span<LogitsRequest* const> requests) {
  for (const LogitsRequest* request : requests) SOTTO_RETURN_IF_ERROR(Check(*request));
  const SharedTeam::Turn turn(*impl_->options.team);
  impl_->hidden_rows.clear();
  impl_->outputs.clear();
  for (LogitsRequest* request : requests) {
    if (!request->rows.empty()) {
      request->logits.resize(request->rows.size());
      impl_->transformer.LogitsOfRows(request->hidden.data(), request->rows, request->lora,
                                      request->logits.data());
    } else if (request->lora != nullptr) {
      request->logits.resize(static_cast<size_t>(impl_->model->config().n_vocab));
      impl_->transformer.Logits(request->hidden.data(), 1, request->lora, request->logits.data());
    } else {
      impl_->hidden_rows.insert(impl_->hidden_rows.end(), request->hidden.begin(), request->hidden.end());
      impl_->outputs.push_back(&request->logits);
    }
  }
  impl_->LogitsOfAll(impl_->hidden_rows, impl_->outputs);
  return {};
}

Result<std::vector<float>> Engine::Embed(std::span<const TokenId> tokens) {
  const ModelConfig& config = impl_->model->config();
  if (!config.is_encoder()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: '{}' is no encoder, embeddings need one (bert)",
                     impl_->model->path(), config.arch_name);
  }
  if (tokens.empty()) return MakeError(ErrorCode::kInvalidArgument, "no tokens to embed");
  if (tokens.size() > static_cast<size_t>(config.n_ctx)) {
    return MakeError(ErrorCode::kOutOfRange, "{} tokens do not fit the context of {}", tokens.size(),
                     config.n_ctx);
  }
  SOTTO_RETURN_IF_ERROR(impl_->CheckIds(tokens));
  const SharedTeam::Turn turn(*impl_->options.team);
  KvCache cache = NewCache();
  cache.Reserve(static_cast<int>(tokens.size()));
  const std::span<const float> hidden = impl_->transformer.Encode(cache, tokens);
  const auto d = static_cast<size_t>(config.d_model);
  const size_t n_pooled = config.pooling == Pooling::kCls ? 1 : tokens.size();
  std::vector<double> sum(d, 0.0);
  for (size_t row = 0; row < n_pooled; ++row) {
    for (size_t i = 0; i < d; ++i) sum[i] += static_cast<double>(hidden[row * d + i]);
  }
  double square = 0;
  for (const double value : sum) square += value * value;
  const double norm = std::sqrt(square);
  std::vector<float> embedding(d);
  for (size_t i = 0; i < d; ++i) embedding[i] = static_cast<float>(norm > 0 ? sum[i] / norm : 0.0);
  return embedding;
}

}  // namespace sotto
