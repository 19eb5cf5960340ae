// sotto cache: what processes have understood and keep together.
#include "assistant/route_config.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "core/json.h"
#include "route/redis_cache.h"

namespace sotto {
namespace {

struct CacheFlags {
  std::string config;
  std::string redis;
  std::string tag;
  bool json = false;
};

Result<std::shared_ptr<RedisCache>> OpenCache(const CacheFlags& flags) {
  std::string address = flags.redis;
  if (address.empty()) {
    SOTTO_ASSIGN_OR_RETURN(const auto config, ReadRouteConfig(flags.config));
    if (config && config->cache) address = config->cache->redis;
  }
  if (address.empty()) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "no cache outlives a process here: say --redis HOST:PORT, or route: cache: redis: in sotto.yaml");
  }
  SOTTO_ASSIGN_OR_RETURN(RedisOptions options, RedisCache::ParseAddress(address));
  options.warns = false;  // what is wrong is the answer
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

void AddCacheFlags(CLI::App& command, CacheFlags& flags) {
  command.add_option("--config", flags.config, "File with the section route:; default: sotto.yaml")
      ->envname("SOTTO_CONFIG");
  command.add_option("--redis", flags.redis, "HOST:PORT, instead of what the file says");
  command.add_flag("--json", flags.json, "As JSON");
}

}  // namespace

void RegisterCache(CLI::App& app, CliContext& context) {
  CLI::App* cache = app.add_subcommand("cache", "What was understood before and is kept in Redis");
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
}

}  // namespace sotto
