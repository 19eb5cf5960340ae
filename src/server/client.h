// Who asks, as far as the server knows: the name of an API key, and what it may.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sotto {

namespace scope {
inline constexpr const char* kTalk = "talk";              // sessions and calls
inline constexpr const char* kVouch = "vouch";            // say who is calling
inline constexpr const char* kModels = "models";          // the OpenAI-compatible endpoints
inline constexpr const char* kLabel = "label";            // say what turns meant, in the key's name
inline constexpr const char* kMetrics = "metrics";        // read them
inline constexpr const char* kRecordings = "recordings";  // list, hear, pause and delete them
inline constexpr const char* kCache = "cache";            // the central cache of other Sottos
inline constexpr const char* kAdmin = "admin";            // reload
}  // namespace scope
inline const std::vector<std::string> kScopes{scope::kTalk,  scope::kVouch,   scope::kModels,
                                              scope::kLabel, scope::kMetrics, scope::kRecordings,
                                              scope::kAdmin, scope::kCache};

// Who asks a server without keys.
inline constexpr const char* kAnybody = "anybody";

struct Client {
  std::string name;
  std::vector<std::string> scopes;
  bool by_certificate = false;  // that it showed, in place of a key
  bool by_token = false;        // of a key: it makes no further ones

  bool Can(std::string_view what) const {
    return std::find(scopes.begin(), scopes.end(), what) != scopes.end();
  }
};

}  // namespace sotto
