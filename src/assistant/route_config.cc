#include "assistant/route_config.h"

#include <algorithm>
#include <set>

#include "base/http_client.h"
#include "base/mapped_file.h"
#include "route/central_cache.h"
#include "route/outbound.h"
#include "workflow/suggest.h"
#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

const std::vector<std::string> kSectionKeys{"models", "steps",  "accept",  "cache",
                                            "person", "budget", "privacy", "audit"};
const std::vector<std::string> kEndpointKeys{
    "base_url",       "model",   "api_key_env", "input_price", "output_price", "timeout_ms",
    "hedge_after_ms", "retries", "max_tokens",  "stream",      "trust",        "breaker_failures",
    "breaker_open_ms"};
const std::vector<std::string> kLocalKeys{"gguf", "accept", "timeout_ms"};
const std::vector<std::string> kCacheKeys{"entries", "ttl_s",      "ttl",     "tenant",
                                          "redis",   "similarity", "central", "central_key_env",
                                          "serve",   "warm"};
const std::vector<std::string> kBudgetKeys{"usd_per_day", "usd_per_conversation"};
const std::vector<std::string> kPrivacyNames{"local", "pseudonymise", "allow"};

class ConfigReader {
 public:
  explicit ConfigReader(RouteConfig* config) : config_(*config) {}

  void Read(const YAML::Node& section) {
    if (!yaml_.CheckMap(section, "route", kSectionKeys, "route")) return;
    for (const auto& item : section) Remember(item.first.Scalar(), item.first.Mark());
    if (section["accept"]) ReadShare(section, "accept", &config_.accept.emplace());
    if (section["models"]) ReadModels(section["models"]);
    if (section["cache"]) ReadCache(section["cache"]);
    if (section["person"]) ReadPerson(section["person"]);
    if (section["budget"]) ReadBudget(section["budget"]);
    if (section["privacy"]) ReadPrivacy(section["privacy"]);
    std::string audit = "privacy_audit.jsonl";
    yaml_.Read(section, "route", "audit", audit);
    config_.audit = config_.file.parent_path() / audit;
    ReadSteps(section["steps"]);
  }

  const std::vector<Mistake>& mistakes() const { return yaml_.mistakes; }

 private:
  void Remember(const std::string& key, YAML::Mark mark) { config_.lines[key] = mark.line + 1; }

  void ReadShare(const YAML::Node& map, const std::string& key, double* out) {
    const size_t before = yaml_.mistakes.size();
    double value = -1;
    yaml_.Read(map, "route", key, value);
    if (yaml_.mistakes.size() > before) return;
    if (value < 0 || value > 1) {
      yaml_.Add(map[key].Mark(),
                fmt::format("'{}' is {}, but should be from 0 to 1", key, map[key].Scalar()));
    } else {
      *out = value;
    }
  }

  void ReadAmount(const YAML::Node& map, const std::string& key, double* out) {
    yaml_.Read(map, "route", key, *out);
    if (map[key] && *out < 0) yaml_.Add(map[key].Mark(), fmt::format("'{}' must not be negative", key));
  }

  void ReadModels(const YAML::Node& models) {
    if (!yaml_.CheckNames(models, "models", "models", true)) return;
    for (const auto& item : models) {
      RouteConfig::Model model;
      model.name = item.first.Scalar();
      model.line = item.first.Mark().line + 1;
      if (model.name == kCacheStep || model.name == kSpecialistStep || model.name == kSemanticStep ||
          model.name == kPersonStep)
        yaml_.Add(item.first.Mark(),
                  fmt::format("'{}' is the name of a step that there is already", model.name));
      const bool local = item.second.IsMap() && item.second["gguf"];
      if (!yaml_.CheckMap(item.second, "models." + model.name, local ? kLocalKeys : kEndpointKeys,
                          "model '" + model.name + "'"))
        continue;
      if (local) {
        ReadLocal(item.second, &model);
      } else {
        ReadEndpoint(item.first.Mark(), item.second, &model);
      }
      config_.models.push_back(std::move(model));
    }
  }

  void ReadLocal(const YAML::Node& node, RouteConfig::Model* model) {
    model->timeout_ms = 5000;
    yaml_.Read(node, "", "gguf", model->gguf);
    yaml_.Read(node, "", "timeout_ms", model->timeout_ms, 1);
    if (node["accept"]) {
      ReadShare(node, "accept", &model->accept.emplace());
    } else {
      yaml_.Add(node.Mark(),
                fmt::format("model '{}' needs accept: from how sure on it is believed", model->name));
    }
  }

  void ReadEndpoint(YAML::Mark mark, const YAML::Node& node, RouteConfig::Model* model) {
    yaml_.Read(node, "", "base_url", model->base_url);
    yaml_.Read(node, "", "model", model->model);
    yaml_.Read(node, "", "api_key_env", model->api_key_env);
    ReadAmount(node, "input_price", &model->usd_per_million_in);
    ReadAmount(node, "output_price", &model->usd_per_million_out);
    yaml_.Read(node, "", "timeout_ms", model->timeout_ms, 1);
    yaml_.Read(node, "", "hedge_after_ms", model->hedge_after_ms, 0);
    yaml_.Read(node, "", "retries", model->retries, 0);
    yaml_.Read(node, "", "max_tokens", model->max_tokens, 1);
    yaml_.Read(node, "", "stream", model->stream);
    if (node["trust"]) ReadShare(node, "trust", &model->trust);
    yaml_.Read(node, "", "breaker_failures", model->breaker.failures, 0);
    int open_ms = static_cast<int>(std::chrono::milliseconds(10000).count());
    yaml_.Read(node, "", "breaker_open_ms", open_ms, 1);
    model->breaker.open = std::chrono::milliseconds(open_ms);
    const std::string& url = model->base_url;
    if (url.empty()) {
      yaml_.Add(mark, fmt::format("model '{}' needs base_url (an endpoint) or gguf (a file)", model->name));
    } else if (HttpOrigin(url).empty() || (!url.starts_with("http://") && !url.starts_with("https://"))) {
      yaml_.Add(node["base_url"].Mark(), "'base_url' is no address", "https://api.example/v1");
    }
    if (model->model.empty())
      yaml_.Add(mark, fmt::format("model '{}' needs model: its name at the endpoint", model->name));
    for (const char* key : {"input_price", "output_price"})
      if (!node[key])
        yaml_.Add(mark, fmt::format("model '{}' needs {}: USD for a million tokens, 0 where it is free",
                                    model->name, key));
  }

  void ReadCache(const YAML::Node& node) {
    if (!yaml_.CheckMap(node, "cache", kCacheKeys, "cache")) return;
    RouteConfig::Cache& cache = config_.cache.emplace();
    yaml_.Read(node, "cache", "entries", cache.entries, 1);
    yaml_.Read(node, "cache", "ttl_s", cache.ttl_s, 1);
    yaml_.Read(node, "cache", "tenant", cache.tenant);
    yaml_.Read(node, "cache", "redis", cache.redis);
    yaml_.Read(node, "cache", "central", cache.central);
    yaml_.Read(node, "cache", "central_key_env", cache.central_key_env);
    yaml_.Read(node, "cache", "serve", cache.serve);
    std::string warm;
    yaml_.Read(node, "cache", "warm", warm);
    if (!warm.empty()) cache.warm = config_.file.parent_path() / warm;
    for (const char* key : {"central", "central_key_env", "warm"}) {
      if (node[key]) Remember(std::string("cache.") + key, node[key].Mark());
    }
    if (const auto right = CentralCache::CheckAddress(cache.central); !cache.central.empty() && !right)
      yaml_.Add(node["central"].Mark(), right.error().message);
    if (node["similarity"]) ReadShare(node, "similarity", &cache.similarity);
    if (const YAML::Node ttl = node["ttl"]; ttl && yaml_.CheckNames(ttl, "cache.ttl", "ttl", false)) {
      for (const auto& item : ttl) {
        int seconds = 0;
        yaml_.Read(ttl, "cache.ttl", item.first.Scalar(), seconds, 0);
        cache.ttl_of[item.first.Scalar()] = seconds;
        Remember("cache.ttl." + item.first.Scalar(), item.first.Mark());
      }
    }
    if (!cache.redis.empty() && cache.redis.find(':') == std::string::npos)
      yaml_.Add(node["redis"].Mark(), "'redis' must be host:port", "127.0.0.1:6379");
  }

  void ReadPerson(const YAML::Node& node) {
    if (!yaml_.CheckMap(node, "person", {"after"}, "person")) return;
    yaml_.Read(node, "person", "after", config_.person.emplace().after, 1);
  }

  void ReadBudget(const YAML::Node& node) {
    if (!yaml_.CheckMap(node, "budget", kBudgetKeys, "budget")) return;
    ReadAmount(node, "usd_per_day", &config_.usd_a_day);
    ReadAmount(node, "usd_per_conversation", &config_.usd_a_conversation);
  }

  void ReadPrivacy(const YAML::Node& node) {
    if (!yaml_.CheckNames(node, "privacy", "privacy", false)) return;
    for (const auto& item : node) {
      const std::string& whose = item.first.Scalar();
      Remember("privacy." + whose, item.first.Mark());
      const size_t rule = yaml_.ReadOneOf(node, "privacy", whose, kPrivacyNames, 0);
      (whose == "default" ? config_.privacy : config_.privacy_of[whose]) = kPrivacyNames[rule];
    }
  }

  // As written, else: what is kept, the specialist, the like of it, the models in their order, the person.
  void ReadSteps(const YAML::Node& node) {
    std::vector<std::string> known;
    if (config_.cache) known.push_back(kCacheStep);
    known.push_back(kSpecialistStep);
    if (config_.cache && config_.cache->similarity > 0) known.push_back(kSemanticStep);
    for (const RouteConfig::Model& model : config_.models) known.push_back(model.name);
    if (config_.person) known.push_back(kPersonStep);
    config_.steps = known;
    if (!node) return;
    if (!node.IsSequence()) return yaml_.Add(node.Mark(), "'steps' must be a list of names");
    config_.steps.clear();
    for (const YAML::Node& item : node) {
      const std::string name = item.IsScalar() ? item.Scalar() : "";
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        yaml_.Add(item.Mark(), fmt::format("no step '{}'", name), Suggestion(name, known));
      } else if (std::find(config_.steps.begin(), config_.steps.end(), name) != config_.steps.end()) {
        yaml_.Add(item.Mark(), fmt::format("step '{}' stands twice", name));
      }
      config_.steps.push_back(name);
    }
    if (std::find(config_.steps.begin(), config_.steps.end(), kSpecialistStep) == config_.steps.end())
      yaml_.Add(node.Mark(), "'steps' lacks specialist");
    const auto place = [&](const char* step) {
      return std::find(config_.steps.begin(), config_.steps.end(), step);
    };
    if (place(kSemanticStep) < place(kSpecialistStep))
      yaml_.Add(node.Mark(), "semantic compares what the specialist guesses and must come after it");
    const auto person = std::find(config_.steps.begin(), config_.steps.end(), kPersonStep);
    if (person != config_.steps.end() && person + 1 != config_.steps.end())
      yaml_.Add(node.Mark(), "person must be the last of 'steps'");
  }

  RouteConfig& config_;
  YamlReader yaml_;
};

}  // namespace

const RouteConfig::Model* RouteConfig::Find(std::string_view name) const {
  const auto found =
      std::find_if(models.begin(), models.end(), [&](const Model& model) { return model.name == name; });
  return found == models.end() ? nullptr : &*found;
}

tl::unexpected<Error> RouteConfig::Wrong(std::string_view key, std::string_view why) const {
  const auto line = lines.find(key);
  return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", file.string(),
                   line == lines.end() ? 1 : line->second, why);
}

Result<std::optional<RouteConfig>> ParseRouteConfig(std::string_view text,
                                                    const std::filesystem::path& file) {
  YAML::Node root;
  try {
    root = YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", file.string(), error.mark.line + 1, error.msg);
  }
  if (!root.IsMap() || !root["route"]) return std::nullopt;
  RouteConfig config;
  config.file = file;
  ConfigReader reader(&config);
  try {
    reader.Read(root["route"]);
  } catch (const YAML::Exception& error) {
    return MakeError(ErrorCode::kInvalidArgument, "{}:{}: {}", file.string(), error.mark.line + 1, error.msg);
  }
  if (!reader.mistakes().empty()) {
    const Mistake& first = reader.mistakes().front();
    const size_t others = reader.mistakes().size() - 1;
    return MakeError(ErrorCode::kInvalidArgument, "{}{}", ToString(first, file.string()),
                     others == 0 ? "" : fmt::format(" (and {} more)", others));
  }
  return config;
}

Result<std::optional<RouteConfig>> ReadRouteConfig(const std::filesystem::path& path) {
  const std::filesystem::path file = path.empty() ? "sotto.yaml" : path;
  if (path.empty() && !std::filesystem::exists(file)) return std::nullopt;
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  return ParseRouteConfig(text, file);
}

}  // namespace sotto
