#include "trainer/parity.h"

#include <algorithm>
#include <cmath>

#include "slm/engine.h"
#include "trainer/corpus.h"
#include "trainer/sequence.h"

namespace sotto {
namespace {

struct Runner {
  std::unique_ptr<Engine> engine;
  KvCache cache;

  static Result<Runner> Create(std::shared_ptr<const Model> model) {
    SOTTO_ASSIGN_OR_RETURN(auto engine, Engine::Create(std::move(model), {}));
    KvCache cache = engine->NewCache();
    return Runner{std::move(engine), std::move(cache)};
  }

  Result<std::vector<float>> Logits(const std::vector<TokenId>& tokens) {
    cache.Truncate(0);
    ForwardRequest request;
    request.cache = &cache;
    request.tokens = tokens;
    request.want = ForwardRequest::Want::kAllPositions;
    SOTTO_RETURN_IF_ERROR(engine->Forward(request));
    return std::move(request.logits);
  }
};

size_t Best(std::span<const float> logits) {
  return static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// `wanted`: [rows][n_vocab] of the trainer; `got`: [positions][n_vocab] of the engine.
void Compare(std::span<const float> wanted, std::span<const float> got, std::span<const int> rows,
             size_t n_vocab, Agreement& agreement) {
  bool all = true;
  for (size_t r = 0; r < rows.size(); ++r) {
    const auto ours = wanted.subspan(r * n_vocab, n_vocab);
    const auto theirs = got.subspan(static_cast<size_t>(rows[r]) * n_vocab, n_vocab);
    for (size_t i = 0; i < n_vocab; ++i)
      agreement.largest_difference = std::max(agreement.largest_difference, std::abs(ours[i] - theirs[i]));
    const bool same = Best(ours) == Best(theirs);
    agreement.same_best += same ? 1 : 0;
    all = all && same;
  }
  agreement.tokens += rows.size();
  agreement.conversations += 1;
  agreement.same_conversations += all ? 1 : 0;
}

}  // namespace

Result<Parity> MeasureParity(const std::filesystem::path& path, const LoadedModel& model,
                             std::span<const LabelledConversation> rows, std::span<const OfferedTool> tools,
                             const Tokenizer& tokenizer,
                             const std::function<void(size_t, size_t)>& on_progress) {
  SOTTO_ASSIGN_OR_RETURN(const auto as_float,
                         MakeModelFile(model.weights, model.vocabulary, DType::kF32, {"parity", "", ""}));
  LoadOptions exact;
  exact.activations = ActivationType::kFloat;
  SOTTO_ASSIGN_OR_RETURN(auto float_model, Model::FromGguf(as_float, exact));
  SOTTO_ASSIGN_OR_RETURN(Runner floating, Runner::Create(std::move(float_model)));
  SOTTO_ASSIGN_OR_RETURN(auto stored_model, Model::Load(path, {}));
  SOTTO_ASSIGN_OR_RETURN(Runner stored, Runner::Create(std::move(stored_model)));
  const auto pass = Pass::Create(model.weights.shape(), Pass::Precision::kF32);
  pass->Refresh(model.weights);
  const auto n_vocab = static_cast<size_t>(model.weights.shape().n_vocab);

  Parity parity;
  Random unused(0);
  for (size_t i = 0; i < rows.size(); ++i) {
    Batch batch;
    AppendSequence(EncodeConversation(rows[i], tools, tokenizer, {}, unused), model.weights.shape().n_ctx,
                   batch);
    if (!batch.rows.empty()) {
      at::Tensor logits;
      pass->Forward(model.weights, batch, &logits);
      logits = logits.contiguous();
      const std::span<const float> wanted(logits.data_ptr<float>(), static_cast<size_t>(logits.numel()));
      SOTTO_ASSIGN_OR_RETURN(const std::vector<float> in_float, floating.Logits(batch.tokens));
      Compare(wanted, in_float, batch.rows, n_vocab, parity.as_float);
      SOTTO_ASSIGN_OR_RETURN(const std::vector<float> as_stored, stored.Logits(batch.tokens));
      Compare(wanted, as_stored, batch.rows, n_vocab, parity.as_stored);
    }
    if (on_progress) on_progress(i + 1, rows.size());
  }
  return parity;
}

}  // namespace sotto
