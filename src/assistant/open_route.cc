#include "assistant/open_route.h"

#include <algorithm>
#include <cstdlib>

#include "assistant/brain_understander.h"
#include "assistant/privacy_guard.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "brain/label_rules.h"
#include "core/conversation_jsonl.h"
#include "privacy/audit.h"
#include "route/cascade.h"
#include "route/redis_cache.h"
#include "slm/model.h"
#include "workflow/stakes.h"
#include "workflow/suggest.h"

namespace sotto {
namespace {

// Of a turn's request to an endpoint, for a price before anything was asked: the tools of a workflow and some
// turns.
constexpr size_t kUsualRequestBytes = 8000;
// A copy of what a shared cache has.
constexpr std::chrono::minutes kCopyFor{1};

Result<std::shared_ptr<RemoteModel>> OpenRemote(const RouteConfig& config, const RouteConfig::Model& model,
                                                const std::shared_ptr<RemoteContext>& context) {
  RemoteOptions options;
  options.name = model.name;
  options.base_url = model.base_url;
  options.model = model.model;
  options.usd_per_million_in = model.usd_per_million_in;
  options.usd_per_million_out = model.usd_per_million_out;
  options.timeout = std::chrono::milliseconds(model.timeout_ms);
  options.hedge_after = std::chrono::milliseconds(model.hedge_after_ms);
  options.retries = model.retries;
  options.stream = model.stream;
  options.max_tokens = model.max_tokens;
  options.breaker = model.breaker;
  if (!model.api_key_env.empty()) {
    const char* key = std::getenv(model.api_key_env.c_str());
    if (key == nullptr || *key == '\0') {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "{}:{}: the key of model '{}' should stand in the environment variable {}, which is not set",
          config.file.string(), model.line, model.name, model.api_key_env);
    }
    options.api_key = key;
  }
  auto remote = RemoteModel::Create(std::move(options), context);
  if (!remote) {
    return MakeError(remote.error().code, "{}:{}: model '{}': {}", config.file.string(), model.line,
                     model.name, remote.error().message);
  }
  return remote;
}

// The value of "workflow.tool", of "workflow", or nothing; keys of this workflow's that name no tool are an
// error.
template <typename Map>
Result<void> CheckTools(const RouteConfig& config, const Map& map, std::string_view section,
                        const Workflow& workflow) {
  for (const auto& [key, unused] : map) {
    if (!key.starts_with(workflow.name + ".")) continue;
    const std::string tool = key.substr(workflow.name.size() + 1);
    if (workflow.FindTool(tool) != nullptr) continue;
    std::vector<std::string> names;
    for (const ToolDef& def : workflow.tools) names.push_back(def.name);
    return config.Wrong(
        fmt::format("{}.{}", section, key),
        fmt::format("workflow '{}' has no tool '{}'; {}", workflow.name, tool, Suggestion(tool, names)));
  }
  return {};
}

// The workflow's own rules (`privacy:` of the workflow and of its tools), in whose place stand those of the section.
Result<PrivacyPolicy> PrivacyOf(const RouteConfig& config, const Workflow& workflow) {
  SOTTO_RETURN_IF_ERROR(CheckTools(config, config.privacy_of, "privacy", workflow));
  PrivacyPolicy rules = workflow.privacy;
  const auto own = config.privacy_of.find(workflow.name);
  const std::string& rule = own != config.privacy_of.end() ? own->second : config.privacy;
  if (!rule.empty()) {
    SOTTO_ASSIGN_OR_RETURN(rules.rule, ParsePrivacyRule(rule));
  }
  for (const ToolDef& tool : workflow.tools) {
    const auto found = config.privacy_of.find(workflow.name + "." + tool.name);
    if (found == config.privacy_of.end()) continue;
    SOTTO_ASSIGN_OR_RETURN(rules.tools[tool.name], ParsePrivacyRule(found->second));
  }
  return rules;
}

// How long what was understood may be kept: never of what acts, nor of an answer to what was asked.
Result<std::function<Duration(const ToolCall&)>> KeepFor(const RouteConfig& config,
                                                         const Workflow& workflow) {
  SOTTO_RETURN_IF_ERROR(CheckTools(config, config.cache->ttl_of, "cache.ttl", workflow));
  std::map<std::string, Duration, std::less<>> ttl;
  const auto own = config.cache->ttl_of.find(workflow.name);
  const int usual = own != config.cache->ttl_of.end() ? own->second : config.cache->ttl_s;
  for (const ToolDef& tool : workflow.tools) {
    const std::string key = workflow.name + "." + tool.name;
    const auto found = config.cache->ttl_of.find(key);
    const bool acts =
        Acts(workflow, tool) || tool.role == ToolRole::kHandoff || tool.role == ToolRole::kVerify;
    if (acts && found != config.cache->ttl_of.end() && found->second > 0) {
      return config.Wrong("cache.ttl." + key,
                          fmt::format("'{}' acts: what asks for it is never kept", tool.name));
    }
    if (!acts)
      ttl[tool.name] = std::chrono::seconds(found != config.cache->ttl_of.end() ? found->second : usual);
  }
  return [ttl = std::move(ttl)](const ToolCall& call) {
    const auto found = ttl.find(call.name);
    return found == ttl.end() ? Duration::zero() : found->second;
  };
}

Result<SpecialistBelief> BeliefIn(const RouteConfig& config, const Brain& brain) {
  if (config.accept) return SpecialistBelief{{*config.accept, {}}};
  auto belief = ReadBelief(brain);
  if (belief || belief.error().code != ErrorCode::kNotFound) return belief;
  return config.Wrong(
      "steps", fmt::format("from when on the specialist is believed is not known: run `sotto route "
                           "calibrate --workflow {} --conversations FILE --max-error 0.01`, or say `accept:`",
                           brain.workflow().folder.string()));
}

std::string Fingerprint(const RoutePlan& plan, const RouteConfig& config, const Brain& brain) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n", brain.workflow().name, brain.workflow().hash,
                                 brain.model().id(), config.cache ? config.cache->tenant : "");
  for (const PlanStep& step : plan.steps) {
    text += fmt::format("{} {}", step.name, step.accept.overall);
    for (const auto& [tool, threshold] : step.accept.by_tool) text += fmt::format(" {}={}", tool, threshold);
    if (step.remote != nullptr) {
      const RemoteOptions& remote = step.remote->model->options();
      text += fmt::format(" {} {} {}", remote.base_url, remote.model, step.remote->trust);
    }
    text += '\n';
  }
  return text;
}

class PlanMaker {
 public:
  PlanMaker(std::shared_ptr<RouteResources> resources, std::shared_ptr<const Brain> brain)
      : resources_(std::move(resources)),
        config_(resources_->config()),
        brain_(std::move(brain)),
        workflow_(std::make_shared<Workflow>(brain_->workflow())) {}

  Result<std::shared_ptr<const RoutePlan>> Make() {
    auto plan = std::make_shared<RoutePlan>();
    plan->tag = workflow_->name;
    plan->check = MakeAnswerCheck(workflow_);
    const bool leaves = std::any_of(config_.models.begin(), config_.models.end(),
                                    [](const RouteConfig::Model& model) { return model.remote(); });
    if (leaves) {
      SOTTO_ASSIGN_OR_RETURN(plan->new_guard, GuardsOf(workflow_->name, workflow_->language, config_.audit,
                                                       resources_->clock()));
    }
    plan->spending = resources_->spending();
    if (config_.usd_a_conversation >= 0) plan->most_a_conversation = config_.usd_a_conversation;
    SOTTO_ASSIGN_OR_RETURN(plan->privacy, PrivacyOf(config_, *workflow_));
    if (config_.cache) {
      plan->cache = resources_->cache();
      if (!config_.cache->central.empty() && !CentralCache::IsHere(config_.cache->central))
        plan->cache_here = resources_->cache_here();
      if (!config_.cache->warm.empty()) {
        SOTTO_ASSIGN_OR_RETURN(plan->warm, Warm());
      }
      SOTTO_ASSIGN_OR_RETURN(plan->keep_for, KeepFor(config_, *workflow_));
    }
    if (config_.cache && config_.cache->similarity > 0) {
      SOTTO_ASSIGN_OR_RETURN(plan->semantic, resources_->Semantic(workflow_->language_data));
    }
    for (const std::string& name : config_.steps) {
      SOTTO_ASSIGN_OR_RETURN(PlanStep step, Step(name));
      plan->steps.push_back(std::move(step));
    }
    plan->fingerprint = Fingerprint(*plan, config_, *brain_);
    if (auto checked = plan->Check(); !checked) return config_.Wrong("privacy", checked.error().message);
    // The resources go with the plan.
    return std::shared_ptr<const RoutePlan>(plan.get(), [plan, resources = resources_](const RoutePlan*) {});
  }

 private:
  Result<PlanStep> Step(const std::string& name) {
    PlanStep step;
    step.name = name;
    if (name == kCacheStep) {
      step.kind = PlanStep::Kind::kCache;
      step.budget = std::chrono::milliseconds(50);
    } else if (name == kSemanticStep) {
      step.kind = PlanStep::Kind::kSemantic;
      step.budget = std::chrono::milliseconds(200);
    } else if (name == kSpecialistStep) {
      step.listens = true;
      SOTTO_ASSIGN_OR_RETURN(SpecialistBelief belief, BeliefIn(config_, *brain_));
      step.accept = std::move(belief.accept);
      step.make = [brain = brain_, judge = std::move(belief.judge)](Scheduler& scheduler) {
        return MakeJudgedBrain(brain, scheduler, judge);
      };
    } else if (name == kPersonStep) {
      const ToolDef* tool = workflow_->FindRole(ToolRole::kHandoff);
      if (tool == nullptr) {
        return config_.Wrong("person",
                             fmt::format("workflow '{}' has no tool of role handoff", workflow_->name));
      }
      step.kind = PlanStep::Kind::kPerson;
      step.after = config_.person->after;
      step.make = [tool = tool->name](Scheduler&) { return MakeHandOver(tool); };
    } else if (const RouteConfig::Model& model = *config_.Find(name); model.remote()) {
      Remote(model, &step);
    } else {
      SOTTO_RETURN_IF_ERROR(Local(model, &step));
    }
    return step;
  }

  // What was understood beforehand. A file of another model or workflow, or a damaged one, is left out with a line of the
  // log: it only costs the time that it would have saved.
  Result<std::shared_ptr<const WarmAnswers>> Warm() {
    const std::string name = config_.cache->warm.string();
    auto text = ReadFile(config_.cache->warm);
    if (!text) return config_.Wrong("cache.warm", text.error().message);
    const auto left_out = [&](const std::string& why) {
      Log().warn("{}; it is left out: `sotto cache warm --workflow {} --out {}` makes it again", why,
                 workflow_->folder.string(), name);
      return std::shared_ptr<const WarmAnswers>();
    };
    auto file = WarmFile::Parse(*text, name);
    if (!file) return left_out(file.error().message);
    if (file->workflow != workflow_->hash || file->model != brain_->model().id()) {
      return left_out(fmt::format("{}: made for workflow {} and model {}, which are {} and {} now", name,
                                  file->workflow, file->model, workflow_->hash, brain_->model().id()));
    }
    // What is never kept is not known from the start either.
    const auto keep_for = KeepFor(config_, *workflow_);
    if (!keep_for) return tl::unexpected(keep_for.error());
    std::erase_if(file->entries, [&](const WarmEntry& entry) {
      return std::any_of(entry.understanding.calls.begin(), entry.understanding.calls.end(),
                         [&](const auto& call) { return (*keep_for)(call.call) <= Duration::zero(); });
    });
    return std::make_shared<const WarmAnswers>(std::move(file->entries));
  }

  void Remote(const RouteConfig::Model& model, PlanStep* step) {
    auto remote = std::make_shared<RemoteStep>();
    remote->name = model.name;
    remote->model = resources_->Remote(model.name);
    remote->tools = ToToolSpecs(*workflow_);
    remote->about = fmt::format("The assistant is {}, for {}.", workflow_->assistant.name, workflow_->name);
    remote->trust = model.trust;
    step->kind = PlanStep::Kind::kRemote;
    step->budget = std::chrono::milliseconds(model.timeout_ms);
    step->price = remote->model->EstimateCost(kUsualRequestBytes);
    step->remote = std::move(remote);
  }

  Result<void> Local(const RouteConfig::Model& model, PlanStep* step) {
    auto brain = Brain::Open(workflow_, model.gguf, brain_->options());
    if (!brain) {
      return MakeError(brain.error().code, "{}:{}: model '{}': {}", config_.file.string(), model.line,
                       model.name, brain.error().message);
    }
    step->budget = std::chrono::milliseconds(model.timeout_ms);
    step->accept.overall = *model.accept;
    step->make = [brain = *std::move(brain)](Scheduler& scheduler) {
      return MakeBrainUnderstander(brain, scheduler);
    };
    return {};
  }

  const std::shared_ptr<RouteResources> resources_;
  const RouteConfig& config_;
  const std::shared_ptr<const Brain> brain_;
  const std::shared_ptr<const Workflow> workflow_;
};

}  // namespace

Result<std::shared_ptr<RouteResources>> RouteResources::Open(RouteConfig config) {
  std::shared_ptr<RouteResources> resources(new RouteResources(std::move(config)));
  const RouteConfig& mine = resources->config_;
  std::shared_ptr<RemoteContext> context;
  for (const RouteConfig::Model& model : mine.models) {
    if (!model.remote()) continue;
    if (context == nullptr) context = RemoteContext::Make();
    SOTTO_ASSIGN_OR_RETURN(resources->remotes_[model.name], OpenRemote(mine, model, context));
  }
  if (mine.cache) {
    resources->cache_ =
        std::make_shared<ExactCache>(resources->clock_, static_cast<size_t>(mine.cache->entries));
    if (!mine.cache->redis.empty()) {
      const auto address = RedisCache::ParseAddress(mine.cache->redis);
      if (!address) return mine.Wrong("cache", address.error().message);
      resources->cache_ =
          std::make_shared<LayeredCache>(resources->cache_, RedisCache::Make(*address), kCopyFor);
    }
    resources->cache_here_ = resources->cache_;
    if (!mine.cache->central.empty()) {
      SOTTO_ASSIGN_OR_RETURN(CentralOptions central, resources->Central());
      resources->cache_ = std::make_shared<LayeredCache>(
          resources->cache_, CentralCache::Make(std::move(central)), kCopyFor, mine.cache->redis.empty());
    }
  }
  if (mine.usd_a_day >= 0)
    resources->spending_ = std::make_shared<Spending>(resources->clock_, mine.usd_a_day);
  return resources;
}

// Before anything of what was understood goes to another machine, a line of the audit.
Result<CentralOptions> RouteResources::Central() const {
  CentralOptions options;
  options.base_url = config_.cache->central;
  if (const std::string& name = config_.cache->central_key_env; !name.empty()) {
    const char* key = std::getenv(name.c_str());
    if (key == nullptr || *key == '\0')
      return config_.Wrong("cache.central_key_env", fmt::format("{} is not in the environment", name));
    options.key = key;
  }
  if (CentralCache::IsHere(options.base_url)) return options;
  SOTTO_ASSIGN_OR_RETURN(std::shared_ptr<AuditLog> log, AuditLog::Open(config_.audit, clock_));
  options.on_sending = [log, to = options.base_url](size_t bytes) {
    AuditRecord record;
    record.to = to;
    record.why = "cache";
    record.rule = PrivacyRule::kAllow;
    record.rule_of = "cache.central";
    record.outcome = AuditRecord::Outcome::kSent;
    record.bytes = bytes;
    return log->Write(record);
  };
  return options;
}

Result<std::shared_ptr<SemanticCache>> RouteResources::Semantic(
    const std::shared_ptr<const LanguageData>& language) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<SemanticCache>& semantic = semantic_[language->code];
  if (semantic == nullptr) {
    SOTTO_ASSIGN_OR_RETURN(auto encoder, OpenInstalledEncoder());
    semantic = std::make_shared<SemanticCache>(
        clock_, language, std::move(encoder),
        SemanticCache::Options{.most = static_cast<size_t>(config_.cache->entries),
                               .similarity = config_.cache->similarity});
  }
  return semantic;
}

std::shared_ptr<RemoteModel> RouteResources::Remote(std::string_view name) const {
  const auto found = remotes_.find(name);
  return found == remotes_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<const RoutePlan>> OpenRoute(std::shared_ptr<RouteResources> resources,
                                                   std::shared_ptr<const Brain> brain) {
  return PlanMaker(std::move(resources), std::move(brain)).Make();
}

Result<ThresholdFile> ReadThresholds(const Brain& brain) {
  const Workflow& workflow = brain.workflow();
  const std::filesystem::path path = workflow.folder / kThresholdFile;
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  auto file = ThresholdFileFromJson(json);
  if (!file) return WithContext(std::move(file).error(), path.string());
  const auto other = [&](const char* what, const std::string& fitted, const std::string& now) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: fitted to {} {}, which is {} now; run `sotto route calibrate --workflow {}` again",
                     path.string(), what, fitted, now, workflow.folder.string());
  };
  if (file->model != brain.model().id()) return other("model", file->model, brain.model().id());
  if (file->workflow != workflow.hash) return other("workflow", file->workflow, workflow.hash);
  return file;
}

Result<std::shared_ptr<const KnownSentences>> ReadKnownSentences(const Workflow& workflow) {
  std::vector<KnownSentence> sentences;
  for (const char* name : {"seed.jsonl", "voices.jsonl"}) {
    const std::filesystem::path path = workflow.folder / name;
    if (!std::filesystem::exists(path)) continue;
    SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadConversations(path));
    for (const LabelledConversation& row : rows)
      for (const Turn& turn : row.conversation.turns)
        if (!turn.calls.empty()) sentences.push_back({turn.user, turn.calls.front().name});
  }
  return std::make_shared<const KnownSentences>(sentences);
}

Result<std::shared_ptr<const SuretyJudge>> ReadJudge(const Workflow& workflow, const ThresholdFile& file) {
  if (!file.learnt) return nullptr;
  SOTTO_ASSIGN_OR_RETURN(auto known, ReadKnownSentences(workflow));
  if (known->id() != file.learnt->known) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "{}: learnt with the sentences {} of seed.jsonl and voices.jsonl, which are {} now; run `sotto "
        "route calibrate --workflow {} --learn FILE` again",
        (workflow.folder / kThresholdFile).string(), file.learnt->known, known->id(),
        workflow.folder.string());
  }
  return std::make_shared<const SuretyJudge>(SuretyJudge{file.learnt->surety, std::move(known)});
}

Result<SpecialistBelief> ReadBelief(const Brain& brain) {
  SOTTO_ASSIGN_OR_RETURN(const ThresholdFile file, ReadThresholds(brain));
  SOTTO_ASSIGN_OR_RETURN(auto judge, ReadJudge(brain.workflow(), file));
  return SpecialistBelief{file.thresholds, std::move(judge)};
}

RoutePlan::AnswerCheck MakeAnswerCheck(std::shared_ptr<const Workflow> workflow) {
  const auto rules = std::make_shared<LabelRules>(*workflow);
  return [workflow = std::move(workflow), rules](
             const Conversation& history, std::span<const std::string> offered, std::string_view utterance,
             std::span<const ToolCall> calls) {
    return rules->WhyNotDecodable(history, offered, utterance, calls);
  };
}

}  // namespace sotto
