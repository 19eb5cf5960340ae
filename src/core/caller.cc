#include "core/caller.h"

#include <array>
#include <utility>

namespace sotto {
namespace {

constexpr std::array<std::pair<const char*, std::string Caller::*>, 5> kFields{{
    {"customer", &Caller::customer},
    {"channel", &Caller::channel},
    {"address", &Caller::address},
    {"verified_by", &Caller::verified_by},
    {"verified_at", &Caller::verified_at},
}};

}  // namespace

Json ToJson(const Caller& caller) {
  Json json = Json::object();
  for (const auto& [key, field] : kFields) {
    if (!(caller.*field).empty()) json[key] = caller.*field;
  }
  return json;
}

Result<Caller> CallerFromJson(const Json& json) {
  if (!json.is_object()) return MakeError(ErrorCode::kInvalidArgument, "caller is not an object");
  Caller caller;
  for (const auto& [key, field] : kFields) {
    const auto value = json.find(key);
    if (value == json.end()) continue;
    if (!value->is_string()) return MakeError(ErrorCode::kInvalidArgument, "caller.{} is not a text", key);
    caller.*field = value->get<std::string>();
  }
  return caller;
}

}  // namespace sotto
