// The section `route:` of sotto.yaml (docs/formats/route.md): which models there are besides the specialist,
// in which order they are asked, what they cost, what may leave the machine and what is kept. A value.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/circuit_breaker.h"
#include "base/error.h"

namespace sotto {

inline constexpr const char* kCacheStep = "cache";
inline constexpr const char* kSemanticStep = "semantic";
inline constexpr const char* kSpecialistStep = "specialist";
inline constexpr const char* kPersonStep = "person";

struct RouteConfig {
  struct Model {
    std::string name;
    int line = 0;
    // An endpoint ...
    std::string base_url;
    std::string model;
    std::string api_key_env;  // the variable that its key stands in; empty: it wants none
    double usd_per_million_in = 0;
    double usd_per_million_out = 0;
    int timeout_ms = 2000;  // for the whole step
    int hedge_after_ms = 0;
    int retries = 1;
    int max_tokens = 256;
    bool stream = false;
    double trust = 0.9;  // how often it is right
    BreakerOptions breaker;
    // ... or a model on this machine.
    std::string gguf;
    std::optional<double> accept;  // of its confidence

    bool remote() const { return gguf.empty(); }
  };
  struct Cache {
    int entries = 10000;
    int ttl_s = 86400;
    std::map<std::string, int, std::less<>> ttl_of;  // "workflow" or "workflow.tool" -> seconds, 0: never
    std::string tenant;
    std::string redis;            // "host:port"; empty: only in the process
    std::string central;          // address of another Sotto that keeps for several machines; empty: none
    std::string central_key_env;  // the variable that the key to it stands in; empty: it wants none
    bool serve = false;           // what is kept in the process and in Redis is served to other Sottos
    std::filesystem::path warm;   // what `sotto cache warm` wrote; empty: none
    // From which nearness on (cosine) another sentence says the same; 0: only the same words count.
    double similarity = 0;
  };
  struct Person {
    int after = 2;  // turns in a row that nobody was sure of
  };

  std::filesystem::path file;
  std::vector<Model> models;
  std::vector<std::string> steps;  // names, in order
  std::optional<double> accept;    // of the specialist; none: route.json of the workflow says
  std::optional<Cache> cache;
  std::optional<Person> person;
  double usd_a_day = -1;           // negative: no limit
  double usd_a_conversation = -1;  // the same
  std::string privacy;             // of workflows that are not named; empty: their own
  std::map<std::string, std::string, std::less<>> privacy_of;  // "workflow" or "workflow.tool"
  std::filesystem::path audit;                                 // of what left (privacy/audit.h)
  std::map<std::string, int, std::less<>> lines;               // of keys, for later messages: "privacy.x"

  const Model* Find(std::string_view name) const;
  // "sotto.yaml:12: ..." of a key that turns out wrong later.
  tl::unexpected<Error> Wrong(std::string_view key, std::string_view why) const;
};

// `path` empty: sotto.yaml in the current folder. Nullopt: no such file there, or no section in it. The error
// is the first mistake with its line, and how many there are besides.
Result<std::optional<RouteConfig>> ReadRouteConfig(const std::filesystem::path& path);
// Of a text; `file` for messages.
Result<std::optional<RouteConfig>> ParseRouteConfig(std::string_view text, const std::filesystem::path& file);

}  // namespace sotto
