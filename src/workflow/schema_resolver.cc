#include "workflow/schema_resolver.h"

#include <algorithm>
#include <cctype>

#include "base/utf8.h"

namespace sotto {
namespace {

constexpr int kMaxReferences = 32;

// A JSON pointer ("#/$defs/Hue", "#/properties/a/anyOf/0") into the document.
const Json* Find(const Json& root, std::string_view reference) {
  if (!reference.starts_with('#')) return nullptr;
  const Json* at = &root;
  std::string_view rest = reference.substr(1);
  while (!rest.empty()) {
    if (rest[0] != '/') return nullptr;
    const size_t slash = std::min(rest.find('/', 1), rest.size());
    std::string key;
    for (size_t i = 1; i < slash; ++i) {
      const bool tilde = rest[i] == '~' && i + 1 < slash;
      key += tilde ? (rest[i + 1] == '0' ? '~' : '/') : rest[i];
      i += tilde ? 1 : 0;
    }
    rest = rest.substr(slash);
    if (at->is_object() && at->contains(key)) {
      at = &at->at(key);
      continue;
    }
    const bool index = at->is_array() && !key.empty() && key.size() < 9 &&
                       std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!index || std::stoul(key) >= at->size()) return nullptr;
    at = &at->at(std::stoul(key));
  }
  return at;
}

bool IsNullSchema(const Json& schema) {
  if (!schema.is_object()) return false;
  if (schema.contains("type")) return schema.at("type") == "null";
  if (schema.contains("const")) return schema.at("const").is_null();
  return schema.contains("enum") && schema.at("enum") == Json::array({nullptr});
}

// Keys of `over` win, but a bound is the narrower of the two.
void Merge(Json& into, const Json& over) {
  for (const auto& [key, value] : over.items()) {
    const bool bound = into.contains(key) && into.at(key).is_number() && value.is_number();
    if (bound && (key == "minimum" || key == "exclusiveMinimum" || key == "minLength")) {
      if (into.at(key).get<double>() >= value.get<double>()) continue;
    } else if (bound && (key == "maximum" || key == "exclusiveMaximum" || key == "maxLength")) {
      if (into.at(key).get<double>() <= value.get<double>()) continue;
    } else if ((key == "properties" || key == "$defs") && into.contains(key) && into.at(key).is_object() &&
               value.is_object()) {
      Merge(into[key], value);
      continue;
    } else if (key == "required" && into.contains(key) && into.at(key).is_array() && value.is_array()) {
      for (const Json& name : value) into[key].push_back(name);
      continue;
    }
    into[key] = value;
  }
}

class Resolver {
 public:
  explicit Resolver(const Json& root) : root_(root) {}

  Result<Json> Resolve(const Json& schema, const std::string& path) {
    if (schema.is_boolean())
      return schema.get<bool>() ? Result<Json>(Json::object())
                                : RefuseSchema(path, "'false' matches nothing", "a type");
    if (!schema.is_object())
      return RefuseSchema(path, "not a schema: " + ShortJson(schema), "an object with a 'type'");
    if (++depth_ > kMaxReferences)
      return RefuseSchema(path, "$refs that lead to themselves", "one value, not a structure of itself");
    auto result = ResolveObject(schema, path);
    --depth_;
    return result;
  }

 private:
  Result<Json> ResolveObject(const Json& schema, const std::string& path) {
    Json resolved = Json::object();
    if (schema.contains("$ref")) {
      const std::string reference = SchemaText(schema, "$ref");
      const Json* target = Find(root_, reference);
      if (target == nullptr)
        return RefuseSchema(path + ".$ref", fmt::format("'{}' leads nowhere", reference), "'#/$defs/NAME'");
      SOTTO_ASSIGN_OR_RETURN(resolved, Resolve(*target, path + ".$ref"));
    }
    if (schema.contains("allOf")) {
      const Json& parts = schema.at("allOf");
      if (!parts.is_array()) return RefuseSchema(path + ".allOf", "not a list", "a list of schemas");
      for (size_t i = 0; i < parts.size(); ++i) {
        SOTTO_ASSIGN_OR_RETURN(const Json part, Resolve(parts[i], fmt::format("{}.allOf[{}]", path, i)));
        Merge(resolved, part);
      }
    }
    Json own = schema;
    for (const char* key : {"$ref", "allOf", "anyOf", "oneOf"}) own.erase(key);
    Merge(resolved, own);
    for (const char* key : {"anyOf", "oneOf"}) {
      if (!schema.contains(key)) continue;
      SOTTO_ASSIGN_OR_RETURN(const Json one, Alternatives(schema.at(key), path + "." + key));
      Json outer = resolved;  // the description beside anyOf is the argument's
      resolved = one;
      Merge(resolved, outer);
    }
    return resolved;
  }

  Result<Json> Alternatives(const Json& list, const std::string& path) {
    if (!list.is_array() || list.empty())
      return RefuseSchema(path, "not a list of schemas", "a list of schemas");
    std::vector<Json> kept;
    bool nullable = false;
    for (size_t i = 0; i < list.size(); ++i) {
      if (IsNullSchema(list[i])) {
        nullable = true;
        continue;
      }
      SOTTO_ASSIGN_OR_RETURN(Json one, Resolve(list[i], fmt::format("{}[{}]", path, i)));
      nullable = nullable || (one.contains("nullable") && one.at("nullable") == true);
      kept.push_back(std::move(one));
    }
    if (kept.empty()) return RefuseSchema(path, "only null", "a value that can be said");
    Json one = kept.front();
    if (kept.size() > 1) {
      SOTTO_ASSIGN_OR_RETURN(one, Union(kept, path));
    }
    if (nullable) one["nullable"] = true;
    return one;
  }

  // Alternatives that list their values are one list; alternatives of plain types are a list of types.
  static Result<Json> Union(const std::vector<Json>& schemas, const std::string& path) {
    Json values = Json::array();
    Json types = Json::array();
    for (const Json& schema : schemas) {
      if (const auto listed = ListedValues(schema)) {
        for (const Json& value : *listed) {
          if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
        }
      } else if (const std::string type = SchemaText(schema, "type");
                 type == "string" || type == "number" || type == "integer" || type == "boolean") {
        types.push_back(type);
      } else {
        return RefuseSchema(path, "alternatives that are no single kind of value",
                            "one string, number or boolean, or a list of values");
      }
    }
    if (types.empty()) return Json{{"enum", std::move(values)}};
    return Json{{"type", std::move(types)}};
  }

  const Json& root_;
  int depth_ = 0;
};

}  // namespace

tl::unexpected<Error> RefuseSchema(const std::string& path, std::string_view what, std::string_view want) {
  return MakeError(ErrorCode::kInvalidArgument, "{}: {}; want {}", path, what, want);
}

std::string ShortJson(const Json& value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? CleanUtf8(text.substr(0, 57)) + "..." : text;
}

// The values of a schema that lists them (enum or const), or nothing.
std::string SchemaText(const Json& schema, const char* key) {
  return schema.is_object() && schema.contains(key) && schema.at(key).is_string()
             ? schema.at(key).get<std::string>()
             : "";
}

std::optional<Json> ListedValues(const Json& schema) {
  if (!schema.is_object()) return std::nullopt;
  if (schema.contains("const")) return Json::array({schema.at("const")});
  if (schema.contains("enum") && schema.at("enum").is_array()) return schema.at("enum");
  return std::nullopt;
}

Result<Json> ResolveSchema(const Json& schema, const Json& root, const std::string& path) {
  return Resolver(root).Resolve(schema, path);
}

}  // namespace sotto
