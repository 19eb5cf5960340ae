#include "brain/brain.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/log.h"
#include "brain/brain_impl.h"
#include "brain/slm_next_token.h"
#include "brain/specialist.h"
#include "text/consent.h"
#include "text/dates.h"
#include "workflow/stakes.h"
#include "workflow/tool_words.h"

namespace sotto {
namespace {

// Of a model whose products are too small to be worth splitting while several callers wait: they fit the caches.
constexpr uint64_t kSmallModel = uint64_t{32} << 20;
constexpr int kLaneTokens = 128;  // at a time: a few turns; what is longer is cut

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
  for (const ToolDef& tool : impl->workflow->tools) {
    if (tool.role != ToolRole::kTask) continue;
    impl->tool_words[tool.name] = WordsOf(*impl->workflow, tool);
    if (Acts(*impl->workflow, tool)) impl->acting.insert(tool.name);
  }
  SOTTO_ASSIGN_OR_RETURN(PromptForm form, PromptForm::Create(impl->model, options.chat_template));
  impl->form = std::make_unique<const PromptForm>(std::move(form));
  for (const bool controls : {false, true})
    impl->listings[controls] = impl->ListingOf(impl->workflow_tools, controls);
  SOTTO_ASSIGN_OR_RETURN(auto engine,
                         Engine::Create(impl->model, {.n_threads = options.n_threads, .team = options.team}));
  std::vector<std::unique_ptr<Engine>> lanes;
  if (engine->options().team->size() > 1 && impl->model->weight_bytes() <= kSmallModel) {
    for (size_t i = 0; i < engine->options().team->size(); ++i) {
      SOTTO_ASSIGN_OR_RETURN(lanes.emplace_back(),
                             Engine::Create(impl->model, {.n_threads = 1, .max_batch_tokens = kLaneTokens}));
    }
  }
  impl->engine =
      std::make_unique<BatchingEngine>(std::move(engine), std::move(lanes), BatchingEngine::Options());
  impl->schema_values = std::make_unique<SchemaValues>(impl->model->tokenizer());
  return impl;
}

std::vector<ToolSpec> Brain::Impl::Named(std::span<const ToolSpec> of,
                                         std::span<const std::string> names) const {
  const auto named = [&](const ToolSpec& tool) {
    return std::find(names.begin(), names.end(), tool.name) != names.end();
  };
  const bool all = std::none_of(of.begin(), of.end(), named);
  std::vector<ToolSpec> offered;
  // The way out is always open.
  std::copy_if(of.begin(), of.end(), std::back_inserter(offered), [&](const ToolSpec& tool) {
    return all || named(tool) || tool.name == workflow->unclear_tool;
  });
  std::copy_if(ControlTools().begin(), ControlTools().end(), std::back_inserter(offered), named);
  return offered;
}

Result<Brain::Impl::Offer> Brain::Impl::OfferOf(std::span<const std::string> names) const {
  std::vector<std::string> key(names.begin(), names.end());
  {
    const std::lock_guard lock(offers_mutex);
    if (const auto made = offers.find(key); made != offers.end()) return made->second;
  }
  SOTTO_ASSIGN_OR_RETURN(auto made,
                         MakeOfferedTools(Named(workflow_tools, names), *workflow, options.grounding));
  Offer offer = std::make_shared<const std::vector<OfferedTool>>(std::move(made));
  const std::lock_guard lock(offers_mutex);
  if (offers.size() >= kMaxOffers) offers.clear();
  return offers.try_emplace(std::move(key), std::move(offer)).first->second;
}

Brain::Impl::Listing Brain::Impl::ListingOf(std::span<const ToolSpec> tools, bool controls) const {
  std::vector<ToolSpec> listed(tools.begin(), tools.end());
  if (controls) listed.insert(listed.end(), ControlTools().begin(), ControlTools().end());
  Listing listing{form->Setup(*workflow, listed), {}};
  listing.prefix = form->Prefix(listing.setup);
  return listing;
}

Result<KvCache> Brain::Impl::PrefixCache(std::span<const TokenId> prefix) const {
  std::promise<Result<KvCache>> promise;
  std::shared_future<Result<KvCache>> cache;
  bool mine = false;
  {
    std::lock_guard lock(prefix_mutex);
    const auto same = std::find_if(prefixes.begin(), prefixes.end(), [&](const SharedPrefix& known) {
      return std::equal(known.tokens.begin(), known.tokens.end(), prefix.begin(), prefix.end());
    });
    mine = same == prefixes.end();
    if (mine) {
      if (prefixes.size() >= kMaxPrefixes) prefixes.erase(prefixes.begin());
      cache = promise.get_future().share();
      prefixes.push_back({{prefix.begin(), prefix.end()}, cache});
    } else {
      cache = same->cache;
    }
  }
  if (mine) {
    KvCache computed = engine->NewCache();
    const auto synced = SyncCache(*engine, computed, prefix);
    promise.set_value(synced ? Result<KvCache>(std::move(computed)) : tl::unexpected(synced.error()));
    if (!synced) {
      std::lock_guard lock(prefix_mutex);  // the next one tries again
      std::erase_if(prefixes, [&](const SharedPrefix& known) {
        return std::equal(known.tokens.begin(), known.tokens.end(), prefix.begin(), prefix.end());
      });
    }
  }
  const Result<KvCache>& shared = cache.get();
  if (!shared) return tl::unexpected(shared.error());
  return shared->Fork();
}

}  // namespace sotto
