#include "server/json_fields.h"

#include <algorithm>
#include <cmath>

#include "workflow/suggest.h"

namespace sotto {

Result<Json> ParseBody(std::string_view text) {
  if (text.empty()) return MakeError(ErrorCode::kInvalidArgument, "the body is empty; it should be JSON");
  return ParseJson(text, "body");
}

JsonFields::JsonFields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (!json_.is_object())
    mistake_ = fmt::format("{} should be a JSON object",
                           where_.empty() ? "the body" : "'" + where_.substr(0, where_.size() - 1) + "'");
}

const Json* JsonFields::Find(const char* name) {
  known_.emplace_back(name);
  if (!mistake_.empty()) return nullptr;
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

void JsonFields::Wrong(std::string_view name, std::string_view should_be) {
  if (mistake_.empty()) mistake_ = fmt::format("'{}{}' should be {}", where_, name, should_be);
}

void JsonFields::Require(const char* name, bool there) {
  if (!there && mistake_.empty()) mistake_ = fmt::format("'{}{}' is missing", where_, name);
}

bool JsonFields::Text(const char* name, std::string* value, size_t max_bytes) {
  const Json* field = Find(name);
  if (field == nullptr) return false;
  if (!field->is_string()) {
    Wrong(name, "a text");
  } else if (field->get_ref<const std::string&>().size() > max_bytes) {
    Wrong(name, fmt::format("at most {} bytes long", max_bytes));
  } else {
    *value = field->get<std::string>();
  }
  return true;
}

bool JsonFields::Bool(const char* name, bool* value) {
  const Json* field = Find(name);
  if (field == nullptr) return false;
  if (field->is_boolean()) {
    *value = field->get<bool>();
  } else {
    Wrong(name, "true or false");
  }
  return true;
}

bool JsonFields::Number(const char* name, double* value, double least, double most) {
  const Json* field = Find(name);
  if (field == nullptr) return false;
  const double given = field->is_number() ? field->get<double>() : std::nan("");
  if (given >= least && given <= most) {
    *value = given;
  } else {
    Wrong(name, fmt::format("a number from {} to {}", least, most));
  }
  return true;
}

bool JsonFields::Integer(const char* name, int64_t* value, int64_t least, int64_t most) {
  const Json* field = Find(name);
  if (field == nullptr) return false;
  const bool fits = field->is_number_integer() &&
                    !(field->is_number_unsigned() && field->get<uint64_t>() > uint64_t{INT64_MAX}) &&
                    field->get<int64_t>() >= least && field->get<int64_t>() <= most;
  if (fits) {
    *value = field->get<int64_t>();
  } else {
    Wrong(name, fmt::format("a whole number from {} to {}", least, most));
  }
  return true;
}

const Json* JsonFields::Any(const char* name) { return Find(name); }

const Json* JsonFields::Object(const char* name) {
  const Json* field = Find(name);
  if (field == nullptr || field->is_object()) return field;
  Wrong(name, "an object");
  return nullptr;
}

const Json* JsonFields::Array(const char* name, size_t most) {
  const Json* field = Find(name);
  if (field == nullptr) return nullptr;
  if (!field->is_array()) {
    Wrong(name, "an array");
  } else if (field->size() > most) {
    Wrong(name, fmt::format("an array of at most {}", most));
  } else {
    return field;
  }
  return nullptr;
}

Result<void> JsonFields::Done(bool others) {
  if (mistake_.empty() && !others) {
    for (const auto& [name, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      const std::string closest = ClosestName(name, known_);
      mistake_ = fmt::format("'{}{}' is not known here{}", where_, name.substr(0, 60),
                             closest.empty() ? "" : "; did you mean '" + closest + "'?");
      break;
    }
  }
  if (!mistake_.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}", mistake_);
  return {};
}

}  // namespace sotto
