// A route from its configuration: the plan that the cascades of one deployment follow (route/route_plan.h).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "assistant/route_config.h"
#include "brain/brain.h"
#include "core/conversation.h"
#include "route/central_cache.h"
#include "route/exact_cache.h"
#include "route/route_plan.h"

namespace sotto {

// What all deployments of a process share and keep over reloads: the day's spending, what was understood,
// the client and the breakers of endpoints.
class RouteResources {
 public:
  // The error: a key that is not in the environment, a price that cannot be.
  static Result<std::shared_ptr<RouteResources>> Open(RouteConfig config);

  const RouteConfig& config() const { return config_; }
  const Clock& clock() const { return clock_; }
  // By name; null: not a remote one.
  std::shared_ptr<RemoteModel> Remote(std::string_view name) const;
  const std::shared_ptr<AnswerCache>& cache() const { return cache_; }  // null: none configured
  // Its layers on this machine: what is served to other Sottos, and where what must not leave is kept.
  const std::shared_ptr<AnswerCache>& cache_here() const { return cache_here_; }
  // Sentences alike, of a language; null: not configured. The error: the encoder's file is broken.
  Result<std::shared_ptr<SemanticCache>> Semantic(const std::shared_ptr<const LanguageData>& language);
  const std::shared_ptr<Spending>& spending() const { return spending_; }

 private:
  explicit RouteResources(RouteConfig config) : config_(std::move(config)) {}
  Result<CentralOptions> Central() const;

  const SystemClock clock_;
  const RouteConfig config_;
  std::map<std::string, std::shared_ptr<RemoteModel>, std::less<>> remotes_;
  std::shared_ptr<AnswerCache> cache_;
  std::shared_ptr<AnswerCache> cache_here_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<SemanticCache>> semantic_;  // by language; guarded by mutex_
  std::shared_ptr<Spending> spending_;                              // null: no limit
};

// `brain` is the specialist. Errors name file and line of what is wrong: thresholds that were fitted to
// another model, privacy that keeps a remote step from being asked, a tool that there is not, ...
Result<std::shared_ptr<const RoutePlan>> OpenRoute(std::shared_ptr<RouteResources> resources,
                                                   std::shared_ptr<const Brain> brain);

// route.json of the workflow's folder. kNotFound: there is none; kInvalidArgument: it was fitted to another
// model or another workflow than `brain`'s. The error names the file and what to do.
inline constexpr const char* kThresholdFile = "route.json";
Result<ThresholdFile> ReadThresholds(const Brain& brain);

// The sentences of the workflow's folder that were written for it, with what they ask for: seed.jsonl and voices.jsonl,
// those that there are. The error names the file.
Result<std::shared_ptr<const KnownSentences>> ReadKnownSentences(const Workflow& workflow);
// What thresholds are on: null where it is the confidence. kInvalidArgument: it was learnt with other sentences than the
// folder has.
Result<std::shared_ptr<const SuretyJudge>> ReadJudge(const Workflow& workflow, const ThresholdFile& file);

// From when on the specialist is believed, and what that is held against: null: its confidence.
struct SpecialistBelief {
  Thresholds accept;
  std::shared_ptr<const SuretyJudge> judge = nullptr;
};
// Of route.json. Errors as of ReadThresholds and ReadJudge.
Result<SpecialistBelief> ReadBelief(const Brain& brain);

// Which calls may stand as an answer of somebody whom the decoder does not bind (brain/label_rules.h).
RoutePlan::AnswerCheck MakeAnswerCheck(std::shared_ptr<const Workflow> workflow);

}  // namespace sotto
