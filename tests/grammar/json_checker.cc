#include "grammar/json_checker.h"

#include <cmath>
#include <regex>

namespace sotto {
namespace {

bool Fail(std::string& why, const std::string& text) {
  if (why.empty()) why = text;
  return false;
}

bool IsType(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number() && std::floor(value.get<double>()) == value.get<double>();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

size_t Characters(const std::string& text) {
  size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

bool CheckNumber(const Json& schema, double value, std::string& why) {
  if (schema.contains("minimum") && value < schema["minimum"].get<double>()) return Fail(why, "minimum");
  if (schema.contains("maximum") && value > schema["maximum"].get<double>()) return Fail(why, "maximum");
  if (schema.contains("exclusiveMinimum") && value <= schema["exclusiveMinimum"].get<double>())
    return Fail(why, "exclusiveMinimum");
  if (schema.contains("exclusiveMaximum") && value >= schema["exclusiveMaximum"].get<double>())
    return Fail(why, "exclusiveMaximum");
  if (schema.contains("multipleOf")) {
    const double ratio = value / schema["multipleOf"].get<double>();
    if (std::abs(ratio - std::round(ratio)) > 1e-6 * std::max(1.0, std::abs(ratio)))
      return Fail(why, "multipleOf");
  }
  return true;
}

bool CheckString(const Json& schema, const std::string& text, std::string& why) {
  if (schema.contains("minLength") && Characters(text) < schema["minLength"].get<size_t>())
    return Fail(why, "minLength");
  if (schema.contains("maxLength") && Characters(text) > schema["maxLength"].get<size_t>())
    return Fail(why, "maxLength");
  if (schema.contains("pattern")) {
    // The random patterns are ASCII only and anchored: std::regex agrees on them byte by byte.
    if (!std::regex_search(text, std::regex(schema["pattern"].get<std::string>())))
      return Fail(why, "pattern");
  }
  return true;
}

bool CheckObject(const Json& root, const Json& schema, const Json& value, std::string& why) {
  const Json properties = schema.value("properties", Json::object());
  std::vector<std::string> order;
  for (const auto& [name, property] : properties.items()) order.push_back(name);
  size_t at = 0;
  for (const auto& [name, item] : value.items()) {
    while (at < order.size() && order[at] != name) ++at;
    if (at == order.size()) return Fail(why, "property " + name + " unknown or out of order");
    ++at;
    if (!CheckJson(root, properties.at(name), item, why)) return Fail(why, "property " + name);
  }
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name.get<std::string>())) return Fail(why, "required " + name.dump());
  }
  return true;
}

}  // namespace

bool CheckJson(const Json& root, const Json& schema, const Json& value, std::string& why) {
  if (schema.contains("$ref")) {
    const std::string reference = schema["$ref"].get<std::string>();
    const Json& target = reference == "#" ? root : root.at(Json::json_pointer(reference.substr(1)));
    return CheckJson(root, target, value, why);
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    if (!schema.contains(key)) continue;
    for (const Json& one : schema.at(key)) {
      std::string ignored;
      if (CheckJson(root, one, value, ignored)) return true;
    }
    return Fail(why, "no alternative fits");
  }
  if (schema.contains("const")) return value == schema["const"] || Fail(why, "const");
  if (schema.contains("enum")) {
    for (const Json& one : schema["enum"]) {
      if (one == value) return true;
    }
    return Fail(why, "enum");
  }
  const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
  bool fits = false;
  for (const Json& type : types) fits = fits || IsType(value, type.get<std::string>());
  if (!fits) return Fail(why, "type");
  if (value.is_number()) return CheckNumber(schema, value.get<double>(), why);
  if (value.is_string()) return CheckString(schema, value.get<std::string>(), why);
  if (value.is_object()) return CheckObject(root, schema, value, why);
  if (value.is_array()) {
    if (value.size() < schema.value("minItems", size_t{0})) return Fail(why, "minItems");
    if (value.size() > schema.value("maxItems", size_t{1000000})) return Fail(why, "maxItems");
    for (const Json& item : value) {
      if (!CheckJson(root, schema.at("items"), item, why)) return Fail(why, "item");
    }
  }
  return true;
}

}  // namespace sotto
