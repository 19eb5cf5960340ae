#include "brain/brain.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "brain/brain_impl.h"
#include "brain/call_text.h"
#include "brain/slm_next_token.h"
#include "brain/specialist.h"
#include "text/consent.h"
#include "text/normalise.h"

namespace sotto {
namespace {

constexpr double kSureEnough = 0.9;      // below: the other hypotheses are read too
constexpr double kAcousticWeight = 0.1;  // of a hypothesis' log score against the log confidence
constexpr size_t kMaxHypotheses = 5;

// The first `max_words` words of `text`, in its own spelling.
std::string CutWords(std::string_view text, int max_words) {
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool space = text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
    if (!space && !inside && max_words-- == 0) return std::string(text.substr(0, i));
    inside = !space;
  }
  return std::string(text);
}

}  // namespace

Brain::Brain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Brain::~Brain() = default;
const Workflow& Brain::workflow() const { return *impl_->workflow; }
const Model& Brain::model() const { return *impl_->model; }
const BrainOptions& Brain::options() const { return impl_->options; }

Result<std::shared_ptr<const Brain>> Brain::Open(std::shared_ptr<const Workflow> workflow,
                                                 const std::filesystem::path& model_path,
                                                 BrainOptions options) {
  const std::filesystem::path path = model_path.empty() ? workflow->folder / "model.gguf" : model_path;
  LoadOptions load;
  load.n_threads = options.n_threads;
  load.n_ctx = options.context_tokens;
  SOTTO_ASSIGN_OR_RETURN(const std::shared_ptr<const Specialist> specialist, Specialist::Open(path, load));
  SOTTO_RETURN_IF_ERROR(CheckFits(*specialist->model, *workflow));
  SOTTO_ASSIGN_OR_RETURN(std::unique_ptr<Impl> impl,
                         Impl::Create(std::move(workflow), specialist->model, options));
  if (options.calibrated) impl->calibration = specialist->calibration;
  return std::shared_ptr<const Brain>(new Brain(std::move(impl)));
}

Result<std::shared_ptr<const Brain>> Brain::Create(std::shared_ptr<const Workflow> workflow,
                                                   std::shared_ptr<const Model> model, BrainOptions options) {
  SOTTO_ASSIGN_OR_RETURN(std::unique_ptr<Impl> impl,
                         Impl::Create(std::move(workflow), std::move(model), options));
  return std::shared_ptr<const Brain>(new Brain(std::move(impl)));
}

Result<std::unique_ptr<Brain::Impl>> Brain::Impl::Create(std::shared_ptr<const Workflow> workflow,
                                                         std::shared_ptr<const Model> model,
                                                         BrainOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->workflow = std::move(workflow);
  impl->model = std::move(model);
  impl->options = options;
  impl->workflow_tools = ToToolSpecs(*impl->workflow);
  SOTTO_ASSIGN_OR_RETURN(PromptForm form, PromptForm::Create(impl->model, options.chat_template));
  impl->form = std::make_unique<const PromptForm>(std::move(form));
  SOTTO_ASSIGN_OR_RETURN(auto engine, Engine::Create(impl->model, {.n_threads = options.n_threads}));
  impl->engine = std::make_unique<BatchingEngine>(std::move(engine));
  impl->schema_values = std::make_unique<SchemaValues>(impl->model->tokenizer());
  return impl;
}

Result<KvCache> Brain::Impl::PrefixCache(std::span<const TokenId> prefix) const {
  std::lock_guard lock(prefix_mutex);
  for (const KvCache& cache : prefixes) {
    if (static_cast<size_t>(cache.size()) == prefix.size() && cache.CommonPrefix(prefix) == cache.size()) {
      return cache.Fork();
    }
  }
  KvCache cache = engine->NewCache();
  SOTTO_RETURN_IF_ERROR(SyncCache(*engine, cache, prefix));
  if (prefixes.size() >= kMaxPrefixes) prefixes.erase(prefixes.begin());
  prefixes.push_back(cache.Fork());
  return cache;
}

// One conversation's state between calls.
struct BrainSession::Impl {
  std::shared_ptr<const Brain> brain;
  KvCache cache;
  std::vector<OfferedTool> tools;
  std::vector<ToolSpec> own_tools;  // the conversation's, where it has some
  std::vector<Turn> history;
  std::vector<TokenId> before;  // everything before the utterance
  std::string partial;
  bool list_controls = false;  // the prompt names the control tools
  bool begun = false;
  ConfidenceFeatures features;  // of the last understanding by the model
  const std::vector<ToolCall>* script = nullptr;

  const Brain::Impl& shared() const { return brain->impl(); }

  Result<void> SetTools(const Conversation& conversation, std::span<const std::string> names);
  Result<void> BuildPrompt(const Expectation& expectation);
  // What the partial means, worked out ahead of the end of the turn.
  struct Speculation {
    std::string text;
    Understanding understanding;
    ConfidenceFeatures features;
  };
  std::optional<Speculation> speculation;
  std::vector<TokenId> draft;  // of the last understanding's calls, with the end token

  Result<Understanding> Understand(std::string_view utterance);
  Result<void> Speculate();
  Result<Understanding> Best(const std::string& utterance);
  std::vector<OfferedTool> ToolsFor(const Grounding& grounding) const;
  Understanding Unclear(std::string_view utterance) const;
  ConfidenceFeatures FeaturesOf(const DecodedTurn& turn, const Grounding& grounding) const;
};

Result<void> BrainSession::Impl::SetTools(const Conversation& conversation,
                                          std::span<const std::string> names) {
  const auto named = [&](const ToolSpec& tool) {
    return std::find(names.begin(), names.end(), tool.name) != names.end();
  };
  own_tools = conversation.tools;
  std::vector<ToolSpec> offered = own_tools.empty() ? shared().workflow_tools : own_tools;
  if (std::any_of(offered.begin(), offered.end(), named)) {
    // The way out is always open.
    std::erase_if(offered, [&](const ToolSpec& tool) {
      return !named(tool) && tool.name != shared().workflow->unclear_tool;
    });
  }
  std::copy_if(ControlTools().begin(), ControlTools().end(), std::back_inserter(offered), named);
  list_controls = list_controls || std::any_of(ControlTools().begin(), ControlTools().end(), named);
  SOTTO_ASSIGN_OR_RETURN(tools, MakeOfferedTools(offered, *shared().workflow, shared().options.grounding));
  return {};
}

Result<void> BrainSession::Impl::BuildPrompt(const Expectation& expectation) {
  const PromptForm& form = *shared().form;
  // The prompt lists all tools, whatever this state offers: the prefix must not change from turn to turn.
  std::vector<ToolSpec> listed = own_tools.empty() ? shared().workflow_tools : own_tools;
  if (list_controls) listed.insert(listed.end(), ControlTools().begin(), ControlTools().end());
  const ChatSetup setup = form.Setup(*shared().workflow, listed);
  const std::vector<TokenId> prefix = form.Prefix(setup);
  const std::vector<TokenId> opening = form.Opening(setup, history.empty(), expectation);
  std::vector<std::vector<TokenId>> turns;
  size_t size = prefix.size() + opening.size();
  for (const Turn& turn : history) {
    turns.push_back(form.PastTurn(setup, turns.empty(), turn, tools));
    size += turns.back().size();
  }
  // The oldest turns are forgotten where the context is too short; what was said in them still grounds
  // values.
  const auto limit =
      static_cast<size_t>(std::max(shared().model->config().n_ctx - Brain::Impl::kReservedTokens, 1));
  size_t first = 0;
  while (first < turns.size() && size > limit) size -= turns[first++].size();
  before = prefix;
  for (size_t i = first; i < turns.size(); ++i) before.insert(before.end(), turns[i].begin(), turns[i].end());
  before.insert(before.end(), opening.begin(), opening.end());
  if (!cache.valid() || cache.CommonPrefix(prefix) < static_cast<int>(prefix.size())) {
    SOTTO_ASSIGN_OR_RETURN(cache, shared().PrefixCache(prefix));
  }
  SOTTO_RETURN_IF_ERROR(SyncCache(*shared().engine, cache, before));
  return {};
}

// Nobody is taken to have said yes who said no word of it.
std::vector<OfferedTool> BrainSession::Impl::ToolsFor(const Grounding& grounding) const {
  std::vector<OfferedTool> offered = tools;
  if (shared().options.grounding && !HasWordOfConsent(grounding.normalised())) {
    std::erase_if(offered, [](const OfferedTool& tool) { return tool.name == control::kAffirm; });
  }
  return offered;
}

Understanding BrainSession::Impl::Unclear(std::string_view utterance) const {
  Understanding understanding;
  understanding.calls.push_back({ToolCall{shared().workflow->unclear_tool, Json::object()}, 1.0, {}});
  understanding.confidence = 1.0;
  understanding.transcript = utterance;
  understanding.made_by = MadeBy::kRule;
  return understanding;
}

ConfidenceFeatures BrainSession::Impl::FeaturesOf(const DecodedTurn& turn, const Grounding& grounding) const {
  ConfidenceFeatures made;
  made.name_log_prob = turn.calls.front().name_log_prob;
  made.min_log_prob = turn.min_log_prob;
  made.total_log_prob = turn.log_prob;
  made.min_margin = turn.min_margin;
  made.unclear = turn.calls.front().call.name == shared().workflow->unclear_tool;
  made.words = static_cast<double>(SplitWords(grounding.normalised()).size());
  return made;
}

Result<Understanding> BrainSession::Impl::Understand(std::string_view utterance) {
  const SystemClock clock;
  const TimePoint start = clock.Now();
  const std::string cut = CutWords(utterance, shared().options.max_words);
  const Grounding grounding(history, cut);
  if (grounding.normalised().empty()) return Unclear(utterance);

  const PromptForm& form = *shared().form;
  std::vector<TokenId> prompt = before;
  for (const auto& part : {form.Utterance(cut, grounding.normalised()), form.Close()}) {
    prompt.insert(prompt.end(), part.begin(), part.end());
  }
  SlmNextToken model(*shared().engine, cache, std::move(prompt), std::move(draft));
  draft.clear();
  const SchemaValueDecoder decode_schema_value = [this](ChoiceWriter& writer,
                                                        const OfferedArgument& argument) {
    return shared().schema_values->Decode(writer, argument);
  };
  CallDecoderOptions options;
  options.forced = script;
  auto turn = DecodeCalls(model, ToolsFor(grounding), grounding, form.frame(), decode_schema_value, options);
  if (!turn) {
    if (turn.error().code != ErrorCode::kOutOfRange) return tl::unexpected<Error>(std::move(turn).error());
    Log().warn("not understood: {}", turn.error().message);
    return Unclear(utterance);
  }

  Understanding understanding;
  understanding.transcript = utterance;
  understanding.model = shared().model->id();
  features = FeaturesOf(*turn, grounding);
  understanding.confidence = shared().calibration.Apply(features);
  for (DecodedCall& decoded : turn->calls) {
    Understanding::Call call{std::move(decoded.call), understanding.confidence, {}};
    if (turn->calls.size() > 1) call.confidence = std::exp(decoded.log_prob);
    for (const auto& [name, log_prob] : decoded.argument_log_probs)
      call.arguments.emplace_back(name, std::exp(log_prob));
    understanding.calls.push_back(std::move(call));
  }
  understanding.cost.prefilled = std::max(model.prefilled(), 0);
  understanding.cost.decided = turn->decided;
  draft = model.Encode(turn->text);
  draft.push_back(form.frame().end_token);
  understanding.cost.forced = std::max(static_cast<int>(draft.size()) - turn->decided, 0);
  understanding.cost.commit_to_call_ms = Milliseconds(clock.Now() - start);
  return understanding;
}

BrainSession::BrainSession(std::shared_ptr<const Brain> brain) : impl_(std::make_unique<Impl>()) {
  impl_->brain = std::move(brain);
}
BrainSession::~BrainSession() = default;
BrainSession::BrainSession(BrainSession&&) noexcept = default;
BrainSession& BrainSession::operator=(BrainSession&&) noexcept = default;

Result<void> BrainSession::Begin(const Conversation& history, const Expectation& expectation,
                                 std::span<const std::string> offered) {
  impl_->begun = false;
  impl_->partial.clear();
  impl_->speculation.reset();
  impl_->draft.clear();
  impl_->history = history.turns;
  SOTTO_RETURN_IF_ERROR(impl_->SetTools(history, offered));
  SOTTO_RETURN_IF_ERROR(impl_->BuildPrompt(expectation));
  impl_->begun = true;
  return {};
}

Result<void> BrainSession::Hear(std::string_view partial) {
  SOTTO_CHECK(impl_->begun, "Hear before Begin");
  impl_->partial = CutWords(partial, impl_->shared().options.max_words);
  const std::string normalised = NormaliseSpoken(impl_->partial);
  if (normalised.empty()) return {};
  std::vector<TokenId> tokens = impl_->before;
  const std::vector<TokenId> utterance = impl_->shared().form->Utterance(impl_->partial, normalised);
  tokens.insert(tokens.end(), utterance.begin(), utterance.end());
  SOTTO_RETURN_IF_ERROR(SyncCache(*impl_->shared().engine, impl_->cache, tokens));
  if (impl_->shared().options.speculate) return impl_->Speculate();
  return {};
}

Result<void> BrainSession::Impl::Speculate() {
  if (speculation && speculation->text == partial) return {};
  speculation.reset();
  auto understanding = Understand(partial);
  if (understanding) {
    speculation = Speculation{partial, *std::move(understanding), features};
  } else if (script == nullptr) {
    return tl::unexpected<Error>(std::move(understanding).error());
  }
  return {};
}

Result<Understanding> BrainSession::Peek() {
  SOTTO_CHECK(impl_->begun, "Peek before Begin");
  SOTTO_RETURN_IF_ERROR(impl_->Speculate());
  return impl_->speculation->understanding;
}

// The answer that is there already, if the turn ended with the words it was worked out for.
Result<Understanding> BrainSession::Impl::Best(const std::string& utterance) {
  if (!speculation || speculation->text != CutWords(utterance, shared().options.max_words))
    return Understand(utterance);
  Understanding understanding = std::move(speculation->understanding);
  understanding.transcript = utterance;
  understanding.cost.prefilled = 0;
  features = speculation->features;
  return understanding;
}

Result<Understanding> BrainSession::Commit(std::string_view utterance) {
  const Transcript::Hypothesis only{std::string(utterance), 0};
  return Commit(std::span(&only, 1));
}

Result<Understanding> BrainSession::Commit(std::span<const Transcript::Hypothesis> hypotheses) {
  SOTTO_CHECK(impl_->begun, "Commit before Begin");
  SOTTO_CHECK(!hypotheses.empty());
  const SystemClock clock;
  const TimePoint start = clock.Now();
  SOTTO_ASSIGN_OR_RETURN(Understanding best, impl_->Best(hypotheses.front().text));
  double best_score = std::log(std::max(best.confidence, 1e-9));
  const size_t n = best.confidence >= kSureEnough ? 1 : std::min(hypotheses.size(), kMaxHypotheses);
  for (size_t i = 1; i < n; ++i) {
    SOTTO_ASSIGN_OR_RETURN(Understanding other, impl_->Understand(hypotheses[i].text));
    // Less sure than if it had been heard best.
    const double heard = std::exp(kAcousticWeight * std::min(hypotheses[i].log_score, 0.0));
    other.confidence *= heard;
    for (Understanding::Call& call : other.calls) call.confidence *= heard;
    const double score = std::log(std::max(other.confidence, 1e-9));
    // "Not understood" with certainty is no better a reading than a call with less.
    const bool unclear = other.calls.front().call.name == impl_->shared().workflow->unclear_tool;
    if (unclear || score <= best_score) continue;
    best = std::move(other);
    best_score = score;
  }
  impl_->begun = false;
  best.cost.commit_to_call_ms = Milliseconds(clock.Now() - start);
  return best;
}

void BrainSession::Abandon() { impl_->begun = false; }

void BrainSession::Script(const std::vector<ToolCall>* calls) { impl_->script = calls; }

const ConfidenceFeatures& BrainSession::last_features() const { return impl_->features; }

}  // namespace sotto
