// sotto cache: what processes have understood and keep together.
#include <cstdlib>

#include "assistant/open_route.h"
#include "assistant/route_config.h"
#include "assistant/warm_file.h"
#include "base/mapped_file.h"
#include "cli/brain_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "core/conversation_jsonl.h"
#include "core/json.h"
#include "route/central_cache.h"
#include "route/redis_cache.h"

namespace sotto {
namespace {

struct CacheFlags {
  std::string config;
  std::string redis;
  std::string central;
  std::string tag;
  bool json = false;
};

struct WarmFlags {
  BrainFlags brain;
  std::string config;
  std::vector<std::string> files;
  size_t top = 1000;
  double accept = -1;
  std::string out = "warm.jsonl";
  bool json = false;
};

// The one that is shared furthest: of the flags, else of the file.
Result<std::shared_ptr<SharedCache>> OpenCache(const CacheFlags& flags) {
  std::string redis = flags.redis;
  CentralOptions central;
  central.base_url = flags.central;
  std::string key_env = "SOTTO_CACHE_KEY";
  if (redis.empty() && central.base_url.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto config, ReadRouteConfig(flags.config));
    if (config && config->cache) {
      redis = config->cache->redis;
      central.base_url = config->cache->central;
      if (!config->cache->central_key_env.empty()) key_env = config->cache->central_key_env;
    }
  }
  if (!central.base_url.empty()) {
    SOTTO_RETURN_IF_ERROR(CentralCache::CheckAddress(central.base_url));
    if (const char* key = std::getenv(key_env.c_str())) central.key = key;
    central.warns = false;  // what is wrong is the answer
    return CentralCache::Make(std::move(central));
  }
  if (redis.empty()) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "no cache outlives a process here: say --redis HOST:PORT or --central URL, or route: cache: "
        "redis: or central: in sotto.yaml");
  }
  SOTTO_ASSIGN_OR_RETURN(RedisOptions options, RedisCache::ParseAddress(redis));
  options.warns = false;
  return RedisCache::Make(options);
}

Result<void> CacheStats(const CacheFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto cache, OpenCache(flags));
  SOTTO_ASSIGN_OR_RETURN(const size_t entries, cache->Count());
  if (flags.json) {
    fmt::print("{}\n", Json{{"entries", entries}}.dump());
  } else {
    fmt::print("{} entries\n", entries);
  }
  return {};
}

Result<void> CacheFlush(const CacheFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto cache, OpenCache(flags));
  SOTTO_ASSIGN_OR_RETURN(const size_t removed, cache->Remove(flags.tag));
  if (flags.json) {
    fmt::print("{}\n", Json{{"removed", removed}}.dump());
  } else {
    fmt::print("{} entries removed\n", removed);
  }
  return {};
}

// What callers began with: of the files, else what the workflow's tools give as examples.
Result<std::vector<std::string>> FirstSentences(const WarmFlags& flags, const Workflow& workflow) {
  std::vector<std::string> sentences;
  for (const std::string& name : flags.files) {
    SOTTO_ASSIGN_OR_RETURN(const std::vector<LabelledConversation> rows, ReadConversations(name));
    for (const LabelledConversation& row : rows) {
      if (!row.conversation.turns.empty()) sentences.push_back(row.conversation.turns.front().user);
    }
  }
  if (!flags.files.empty()) return sentences;
  for (const ToolDef& tool : workflow.tools) {
    for (const std::string& example : tool.examples) {
      if (example.find_first_of("{@") == std::string::npos) sentences.push_back(example);
    }
  }
  return sentences;
}

Result<SpecialistBelief> WarmBelief(const WarmFlags& flags, const Brain& brain) {
  if (flags.accept >= 0) return SpecialistBelief{{flags.accept, {}}};
  SOTTO_ASSIGN_OR_RETURN(const auto config, ReadRouteConfig(flags.config));
  if (config && config->accept) return SpecialistBelief{{*config->accept, {}}};
  auto belief = ReadBelief(brain);
  if (belief || belief.error().code != ErrorCode::kNotFound) return belief;
  return MakeError(ErrorCode::kInvalidArgument,
                   "from when on the specialist is believed is not known: say --accept 0.9, `accept:` in the "
                   "section route:, or run `sotto route calibrate`");
}

Result<void> CacheWarm(const WarmFlags& flags) {
  SOTTO_ASSIGN_OR_RETURN(const auto brain, flags.brain.OpenBrain());
  SOTTO_ASSIGN_OR_RETURN(SpecialistBelief belief, WarmBelief(flags, *brain));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> sentences, FirstSentences(flags, brain->workflow()));
  SOTTO_ASSIGN_OR_RETURN(const WarmMade made,
                         MakeWarmFile(brain, sentences, {flags.top, belief.accept, belief.judge}));
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(flags.out, made.file.Text()));
  if (flags.json) {
    fmt::print("{}\n", Json{{"entries", made.file.entries.size()},
                            {"asked", made.asked},
                            {"unsure", made.unsure},
                            {"not_kept", made.not_kept},
                            {"file", flags.out}}
                           .dump());
  } else {
    fmt::print("{}: {} of {} sentences ({} unsure, {} that are never kept)\n", flags.out,
               made.file.entries.size(), made.asked, made.unsure, made.not_kept);
  }
  return {};
}

void AddCacheFlags(CLI::App& command, CacheFlags& flags) {
  command.add_option("--config", flags.config, "File with the section route:; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  command.add_option("--redis", flags.redis, "HOST:PORT, instead of what the file says");
  command.add_option("--central", flags.central,
                     "Address of the Sotto that keeps for all; its key: $SOTTO_CACHE_KEY");
  command.add_flag("--json", flags.json, "As JSON");
}

}  // namespace

void RegisterCache(CLI::App& app, CliContext& context) {
  CLI::App* cache = app.add_subcommand(
      "cache", "What was understood before: kept in Redis or by another Sotto, or made beforehand");
  cache->require_subcommand(1);
  auto flags = std::make_shared<CacheFlags>();
  CLI::App* stats = cache->add_subcommand("stats", "How much there is");
  AddCacheFlags(*stats, *flags);
  stats->footer("Example:\n  sotto cache stats --redis 127.0.0.1:6379");
  stats->callback([flags, &context] {
    if (auto result = CacheStats(*flags); !result) context.Fail(result.error());
  });
  CLI::App* flush = cache->add_subcommand("flush", "Remove what is kept");
  AddCacheFlags(*flush, *flags);
  flush->add_option("--tag", flags->tag, "Only of a workflow or a tool: banking, banking/check_balance");
  flush->footer(
      "Processes that run keep copies for at most a minute.\nExample:\n"
      "  sotto cache flush --redis 127.0.0.1:6379 --tag banking/get_statement");
  flush->callback([flags, &context] {
    if (auto result = CacheFlush(*flags); !result) context.Fail(result.error());
  });
  auto warm_flags = std::make_shared<WarmFlags>();
  CLI::App* warm = cache->add_subcommand("warm", "Understand beforehand what callers begin with most often");
  warm_flags->brain.AddTo(*warm);
  warm->add_option("--config", warm_flags->config, "File with the section route:; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  warm->add_option("--conversations", warm_flags->files,
                   "What callers said, *.jsonl; default: the examples of the workflow's tools");
  warm->add_option("--top", warm_flags->top, "At most so many sentences")->capture_default_str();
  warm->add_option("--accept", warm_flags->accept, "From how sure on it is believed; default: as the route")
      ->check(CLI::Range(0.0, 1.0));
  warm->add_option("--out", warm_flags->out, "The file, for route: cache: warm:")->capture_default_str();
  warm->add_flag("--json", warm_flags->json, "As JSON");
  warm->footer(
      "What acts, hands over or hangs on the day is left out.\nExample:\n"
      "  sotto cache warm --workflow workflows/banking --top 500 --accept 0.9 --out warm.jsonl");
  warm->callback([warm_flags, &context] {
    if (auto result = CacheWarm(*warm_flags); !result) context.Fail(result.error());
  });
}

}  // namespace sotto
