#include "grammar/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "grammar/grammar.h"

namespace sotto {
namespace {

constexpr int kMaxSchemaDepth = 200;
constexpr size_t kInlineItems = 4;  // longer bounded arrays call their item as a rule

constexpr std::string_view kAnnotations[] = {
    "title",    "description", "default",    "examples", "example",   "$schema", "$id",
    "$comment", "$anchor",     "deprecated", "readOnly", "writeOnly", "$defs",   "definitions"};

bool IsAnnotation(const std::string& key) {
  return std::find(std::begin(kAnnotations), std::end(kAnnotations), key) != std::end(kAnnotations) ||
         key.starts_with("x-");
}

bool HasType(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return type == "integer" && value.is_number() && value.get<double>() == std::floor(value.get<double>());
}

// What a schema without `type` must be, by its keywords; empty: unknown.
std::string InferredType(const Json& schema) {
  static constexpr std::pair<std::string_view, std::string_view> kOf[] = {
      {"properties", "object"}, {"required", "object"},         {"additionalProperties", "object"},
      {"items", "array"},       {"minItems", "array"},          {"maxItems", "array"},
      {"pattern", "string"},    {"format", "string"},           {"minLength", "string"},
      {"maxLength", "string"},  {"minimum", "number"},          {"maximum", "number"},
      {"multipleOf", "number"}, {"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"}};
  for (const auto& [key, type] : kOf) {
    if (schema.contains(key)) return std::string(type);
  }
  return "";
}

// The item that a step of a $ref names ("0"), or null.
const Json* ItemAt(const Json& array, const std::string& key) {
  const bool digits = !key.empty() && key.size() < 9 &&
                      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  const size_t index = digits ? std::stoul(key) : array.size();
  return index < array.size() ? &array.at(index) : nullptr;
}

// A $ref is recursive when it can be reached from its own target.
void CollectReferences(const Json& schema, std::set<std::string>& out) {
  if (schema.is_object()) {
    for (const auto& [key, value] : schema.items()) {
      if (key == "$ref" && value.is_string()) out.insert(value.get<std::string>());
      if (key != "$defs" && key != "definitions" && key != "enum" && key != "const")
        CollectReferences(value, out);
    }
  } else if (schema.is_array()) {
    for (const Json& item : schema) CollectReferences(item, out);
  }
}

}  // namespace

tl::unexpected<Error> SchemaCompiler::Wrong(ErrorCode code, const std::string& path,
                                            std::string_view what) const {
  return MakeError(code, "{}: {}: {}", source_, path, what);
}

Result<void> SchemaCompiler::CheckBudget(const std::string& path) const {
  if (nfa.size() > max_states_ * 4) {
    return Wrong(ErrorCode::kOutOfRange, path,
                 fmt::format("the schema needs more than {} states", max_states_));
  }
  return {};
}

SchemaCompiler::SchemaCompiler(const Json& document, std::string source, size_t max_states)
    : document_(document), source_(std::move(source)), max_states_(max_states) {
  FindRecursive();
}

Result<const Json*> SchemaCompiler::Resolve(const std::string& reference, const std::string& path) const {
  if (!reference.starts_with('#')) {
    return Wrong(ErrorCode::kUnsupported, path,
                 fmt::format("$ref '{}' is not inside the schema (#/...)", reference));
  }
  const Json* at = &document_;
  std::string_view rest = std::string_view(reference).substr(1);
  while (!rest.empty()) {
    const size_t slash = rest.find('/', 1);
    std::string key;
    const std::string_view raw = rest.substr(1, slash == std::string_view::npos ? slash : slash - 1);
    for (size_t i = 0; i < raw.size(); ++i) {
      const bool tilde = raw[i] == '~' && i + 1 < raw.size();
      key += tilde ? (raw[i + 1] == '0' ? '~' : '/') : raw[i];
      i += tilde ? 1 : 0;
    }
    const Json* next = nullptr;
    if (rest[0] == '/' && at->is_object() && at->contains(key)) next = &at->at(key);
    if (rest[0] == '/' && at->is_array()) next = ItemAt(*at, key);
    if (next == nullptr)
      return Wrong(ErrorCode::kNotFound, path, fmt::format("$ref '{}' leads nowhere", reference));
    at = next;
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  }
  return at;
}

void SchemaCompiler::FindRecursive() {
  std::set<std::string> all;
  CollectReferences(document_, all);
  for (const char* key : {"$defs", "definitions"}) {
    if (document_.is_object() && document_.contains(key)) {
      const Json& definitions = document_.at(key);
      if (!definitions.is_object()) continue;
      for (const auto& [name, schema] : definitions.items()) CollectReferences(schema, all);
    }
  }
  const auto next = [&](const std::string& reference) {
    std::set<std::string> out;
    if (const auto target = Resolve(reference, "$")) CollectReferences(**target, out);
    return out;
  };
  for (const std::string& reference : all) {
    std::set<std::string> seen;
    std::vector<std::string> work{reference};
    while (!work.empty()) {
      const std::string at = work.back();
      work.pop_back();
      for (const std::string& to : next(at)) {
        if (seen.insert(to).second) work.push_back(to);
      }
    }
    if (seen.contains(reference)) recursive_.insert(reference);
  }
}

Result<void> SchemaCompiler::CheckKeywords(const Json& schema, const std::string& path, std::string_view what,
                                           std::initializer_list<std::string_view> keywords) const {
  for (const auto& [key, value] : schema.items()) {
    if (IsAnnotation(key) || std::find(keywords.begin(), keywords.end(), key) != keywords.end()) continue;
    return Wrong(ErrorCode::kUnsupported, path + "." + key,
                 fmt::format("keyword '{}' is not supported {}", key, what));
  }
  return {};
}

Result<void> SchemaCompiler::Add(const Json& schema, const std::string& path, uint32_t from, uint32_t to) {
  if (!schema.is_object()) {
    const bool never = schema.is_boolean() && !schema.get<bool>();
    return Wrong(never ? ErrorCode::kInvalidArgument : ErrorCode::kUnsupported, path,
                 never ? "'false' matches nothing" : "a schema must be an object here");
  }
  SOTTO_RETURN_IF_ERROR(CheckBudget(path));
  if (depth_ > kMaxSchemaDepth) return Wrong(ErrorCode::kOutOfRange, path, "nested too deep");
  ++depth_;
  const Result<void> result = [&]() -> Result<void> {
    if (schema.contains("nullable")) return AddNullable(schema, path, from, to);
    if (schema.contains("$ref")) return AddReference(schema, path, from, to);
    if (schema.contains("enum") || schema.contains("const")) return AddEnum(schema, path, from, to);
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (schema.contains(keyword)) return AddAlternatives(schema, keyword, path, from, to);
    }
    std::string type = InferredType(schema);
    if (schema.contains("type")) {
      const Json& given = schema.at("type");
      if (given.is_array()) {
        if (given.empty())
          return Wrong(ErrorCode::kInvalidArgument, path + ".type", "an empty list matches nothing");
        for (const Json& one : given) {
          if (!one.is_string())
            return Wrong(ErrorCode::kInvalidArgument, path + ".type", "not a list of names");
          SOTTO_RETURN_IF_ERROR(AddType(one.get<std::string>(), schema, path, from, to));
        }
        return {};
      }
      if (!given.is_string()) return Wrong(ErrorCode::kInvalidArgument, path + ".type", "not a name");
      type = given.get<std::string>();
    }
    if (type.empty()) {
      // Of a keyword that says nothing about the type the name helps more than what is missing.
      SOTTO_RETURN_IF_ERROR(CheckKeywords(schema, path, "here", {}));
      return Wrong(ErrorCode::kUnsupported, path, "a schema needs a type, an enum or alternatives");
    }
    return AddType(type, schema, path, from, to);
  }();
  --depth_;
  return result;
}

// OpenAPI 3.0's word for "or null".
Result<void> SchemaCompiler::AddNullable(const Json& schema, const std::string& path, uint32_t from,
                                         uint32_t to) {
  if (!schema.at("nullable").is_boolean())
    return Wrong(ErrorCode::kInvalidArgument, path + ".nullable", "neither true nor false");
  Json rest = schema;
  rest.erase("nullable");
  if (schema.at("nullable").get<bool>()) nfa.AddEpsilon(nfa.AddLiteral(from, "null"), to);
  return Add(rest, path, from, to);
}

Result<void> SchemaCompiler::AddType(const std::string& type, const Json& schema, const std::string& path,
                                     uint32_t from, uint32_t to) {
  const bool one = !schema.contains("type") || schema.at("type").is_string();
  // In a list of types a keyword belongs to whichever type it is about.
  const auto check = [&](std::string_view what,
                         std::initializer_list<std::string_view> keywords) -> Result<void> {
    if (one) return CheckKeywords(schema, path, what, keywords);
    return CheckKeywords(schema, path, "here",
                         {"type", "pattern", "format", "minLength", "maxLength", "minimum", "maximum",
                          "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "items", "minItems",
                          "maxItems", "properties", "required", "additionalProperties"});
  };
  if (type == "object") {
    SOTTO_RETURN_IF_ERROR(check("for an object", {"type", "properties", "required", "additionalProperties"}));
    return AddObject(schema, path, from, to);
  }
  if (type == "array") {
    SOTTO_RETURN_IF_ERROR(check("for an array", {"type", "items", "minItems", "maxItems"}));
    return AddArray(schema, path, from, to);
  }
  if (type == "string") {
    SOTTO_RETURN_IF_ERROR(check("for a string", {"type", "pattern", "format", "minLength", "maxLength"}));
    return AddString(schema, path, from, to);
  }
  if (type == "number" || type == "integer") {
    SOTTO_RETURN_IF_ERROR(check("for a number", {"type", "minimum", "maximum", "exclusiveMinimum",
                                                 "exclusiveMaximum", "multipleOf", "format"}));
    return AddNumber(schema, path, type == "integer", from, to);
  }
  if (type == "boolean" || type == "null") {
    SOTTO_RETURN_IF_ERROR(check("for a " + type, {"type"}));
    for (const char* text : {"true", "false", "null"}) {
      if ((type == "null") == (text[0] == 'n')) nfa.AddEpsilon(nfa.AddLiteral(from, text), to);
    }
    return {};
  }
  return Wrong(ErrorCode::kInvalidArgument, path + ".type", fmt::format("no type '{}'", type));
}

Result<void> SchemaCompiler::AddAlternatives(const Json& schema, const char* keyword, const std::string& path,
                                             uint32_t from, uint32_t to) {
  SOTTO_RETURN_IF_ERROR(CheckKeywords(schema, path, fmt::format("beside '{}'", keyword), {keyword, "type"}));
  const Json& list = schema.at(keyword);
  const std::string here = path + "." + keyword;
  if (!list.is_array() || list.empty())
    return Wrong(ErrorCode::kInvalidArgument, here, "not a list of schemas");
  std::vector<std::pair<uint32_t, uint32_t>> ends;  // of the alternatives
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", here, i);
    const uint32_t begin = nfa.AddState();
    const uint32_t end = nfa.AddState();
    Json typed = list[i];
    if (schema.contains("type") && typed.is_object() && !typed.contains("type") && !typed.contains("$ref")) {
      typed["type"] = schema.at("type");
    }
    SOTTO_RETURN_IF_ERROR(Add(typed, at, begin, end));
    nfa.AddEpsilon(from, begin);
    nfa.AddEpsilon(end, to);
    const bool exclusive = std::string_view(keyword) == "oneOf";
    for (size_t j = 0; exclusive && j < ends.size(); ++j) {
      if (!nfa.MayOverlap(ends[j].first, ends[j].second, begin, end)) continue;
      return Wrong(ErrorCode::kUnsupported, here,
                   fmt::format("alternatives {} and {} may both match one value; use anyOf", j, i));
    }
    ends.emplace_back(begin, end);
  }
  return {};
}

Result<void> SchemaCompiler::AddEnum(const Json& schema, const std::string& path, uint32_t from,
                                     uint32_t to) {
  SOTTO_RETURN_IF_ERROR(CheckKeywords(schema, path, "beside 'enum' or 'const'", {"enum", "const", "type"}));
  Json values = Json::array();
  if (schema.contains("enum")) {
    if (!schema.at("enum").is_array())
      return Wrong(ErrorCode::kInvalidArgument, path + ".enum", "not a list");
    for (const Json& value : schema.at("enum")) {
      if (!schema.contains("const") || value == schema.at("const")) values.push_back(value);
    }
  } else {
    values.push_back(schema.at("const"));
  }
  std::vector<std::string> types;
  if (schema.contains("type")) {
    const Json& type = schema.at("type");
    for (const Json& one : type.is_array() ? type : Json::array({type})) {
      if (!one.is_string()) return Wrong(ErrorCode::kInvalidArgument, path + ".type", "not a name");
      types.push_back(one.get<std::string>());
    }
  }
  bool any = false;
  for (const Json& value : values) {
    const bool fits = types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) {
                        return HasType(value, type);
                      });
    if (!fits) continue;
    any = true;
    nfa.AddEpsilon(nfa.AddLiteral(from, CanonicalJson(value)), to);
  }
  if (!any) return Wrong(ErrorCode::kInvalidArgument, path, "no value is allowed");
  return {};
}

Result<void> SchemaCompiler::AddReference(const Json& schema, const std::string& path, uint32_t from,
                                          uint32_t to) {
  SOTTO_RETURN_IF_ERROR(CheckKeywords(schema, path, "beside '$ref'", {"$ref"}));
  if (!schema.at("$ref").is_string())
    return Wrong(ErrorCode::kInvalidArgument, path + ".$ref", "not a string");
  const std::string reference = schema.at("$ref").get<std::string>();
  SOTTO_ASSIGN_OR_RETURN(const Json* target, Resolve(reference, path + ".$ref"));
  if (!recursive_.contains(reference)) return Add(*target, reference, from, to);
  SOTTO_ASSIGN_OR_RETURN(const uint32_t rule, RuleFor(*target, reference, reference));
  nfa.AddCall(from, rule, to);
  return {};
}

Result<uint32_t> SchemaCompiler::RuleFor(const Json& schema, const std::string& key,
                                         const std::string& path) {
  if (const auto found = rule_of_.find(key); found != rule_of_.end()) return found->second;
  const auto rule = static_cast<uint32_t>(rules.size());
  rule_of_.emplace(key, rule);
  const uint32_t start = nfa.AddState();
  const uint32_t end = nfa.AddState();
  nfa.Accept(end);
  rules.push_back({start, end});
  SOTTO_RETURN_IF_ERROR(Add(schema, path, start, end));
  return rule;
}

namespace {

// A count keyword; the error is the reason.
Result<std::optional<size_t>> Count(const Json& schema, const char* key) {
  if (!schema.contains(key)) return std::optional<size_t>();
  const Json& value = schema.at(key);
  if (!value.is_number() || value.get<double>() < 0 ||
      value.get<double>() != std::floor(value.get<double>())) {
    return MakeError(ErrorCode::kInvalidArgument, "not a count");
  }
  return std::optional<size_t>(static_cast<size_t>(std::min(value.get<double>(), 1e9)));
}

Result<std::optional<double>> Number(const Json& schema, const char* key) {
  if (!schema.contains(key)) return std::optional<double>();
  if (!schema.at(key).is_number()) return MakeError(ErrorCode::kInvalidArgument, "not a number");
  return std::optional<double>(schema.at(key).get<double>());
}

}  // namespace

#define SOTTO_KEYWORD(declaration, function, key)                       \
  auto declaration##_result = function(schema, key);                    \
  if (!declaration##_result) {                                          \
    return Wrong(declaration##_result.error().code, path + "." + (key), \
                 declaration##_result.error().message);                 \
  }                                                                     \
  const auto declaration = *declaration##_result

Result<void> SchemaCompiler::AddString(const Json& schema, const std::string& path, uint32_t from,
                                       uint32_t to) {
  SOTTO_KEYWORD(min, Count, "minLength");
  SOTTO_KEYWORD(max, Count, "maxLength");
  if (min.value_or(0) > max_states_ || (max && *max > max_states_)) {
    return Wrong(ErrorCode::kOutOfRange, path,
                 fmt::format("the length needs more than {} states", max_states_));
  }
  CharDfa dfa = LengthDfa(min.value_or(0), max);
  const auto narrow = [&](const char* key, std::string_view pattern) -> Result<void> {
    Result<CharDfa> parsed = PatternDfa(pattern, max_states_);
    if (!parsed) return Wrong(parsed.error().code, path + "." + key, parsed.error().message);
    Result<CharDfa> both = Intersect(dfa, *parsed, max_states_);
    if (!both) return Wrong(both.error().code, path + "." + key, both.error().message);
    dfa = *std::move(both);
    return {};
  };
  for (const char* key : {"pattern", "format"}) {
    if (!schema.contains(key)) continue;
    if (!schema.at(key).is_string())
      return Wrong(ErrorCode::kInvalidArgument, path + "." + key, "not a string");
    const auto& text = schema.at(key).get_ref<const std::string&>();
    const bool is_format = std::string_view(key) == "format";
    const std::string_view pattern = is_format ? FormatPattern(text) : text;
    if (is_format && pattern.empty()) {
      return Wrong(
          ErrorCode::kUnsupported, path + ".format",
          fmt::format("no format '{}'; there are date, time, date-time, email, uuid, ipv4, hostname, uri",
                      text));
    }
    SOTTO_RETURN_IF_ERROR(narrow(key, pattern));
  }
  if (dfa.IsEmpty()) return Wrong(ErrorCode::kInvalidArgument, path, "no string is allowed");
  nfa.AddString(from, dfa, to);
  return CheckBudget(path);
}

Result<void> SchemaCompiler::AddNumber(const Json& schema, const std::string& path, bool integer,
                                       uint32_t from, uint32_t to) {
  SOTTO_KEYWORD(minimum, Number, "minimum");
  SOTTO_KEYWORD(maximum, Number, "maximum");
  SOTTO_KEYWORD(over, Number, "exclusiveMinimum");
  SOTTO_KEYWORD(under, Number, "exclusiveMaximum");
  SOTTO_KEYWORD(multiple, Number, "multipleOf");
  NumberBounds bounds;
  bounds.max_decimals = integer ? 0 : 10;
  if (multiple) {
    int decimals = -1;
    for (int i = 0; i <= 10; ++i) {
      if (std::abs(*multiple * std::pow(10, i) - 1) < 1e-9) decimals = i;
    }
    if (decimals < 0)
      return Wrong(ErrorCode::kUnsupported, path + ".multipleOf", "only 1, 0.1, 0.01, ... are supported");
    bounds.max_decimals = std::min(bounds.max_decimals, decimals);
  }
  bounds.minimum = minimum;
  bounds.maximum = maximum;
  if (over && (!minimum || *over >= *minimum)) bounds.minimum = over, bounds.exclusive_minimum = true;
  if (under && (!maximum || *under <= *maximum)) bounds.maximum = under, bounds.exclusive_maximum = true;
  Result<CharDfa> dfa = NumberDfa(bounds, max_states_);
  if (!dfa) return Wrong(dfa.error().code, path, dfa.error().message);
  if (dfa->IsEmpty()) return Wrong(ErrorCode::kInvalidArgument, path, "no number is allowed");
  nfa.AddPlain(from, *dfa, to);
  return {};
}

Result<void> SchemaCompiler::AddArray(const Json& schema, const std::string& path, uint32_t from,
                                      uint32_t to) {
  SOTTO_KEYWORD(given_min, Count, "minItems");
  SOTTO_KEYWORD(max, Count, "maxItems");
  const size_t min = given_min.value_or(0);
  if (max && *max < min) return Wrong(ErrorCode::kInvalidArgument, path, "no array is allowed");
  const uint32_t open = nfa.AddLiteral(from, "[");
  const uint32_t close = nfa.AddState();
  nfa.AddEdge(close, ']', ']', to);
  if (min == 0) nfa.AddEpsilon(open, close);
  if (max && *max == 0) return {};
  if (!schema.contains("items")) return Wrong(ErrorCode::kUnsupported, path, "an array needs 'items'");
  const std::string items_path = path + ".items";
  if (max.value_or(0) > max_states_ || min > max_states_) {
    return Wrong(ErrorCode::kOutOfRange, path,
                 fmt::format("the length needs more than {} states", max_states_));
  }
  const Json& items = schema.at("items");
  const size_t copies = max.value_or(min + 1);
  std::optional<uint32_t> rule;
  if (copies > kInlineItems) {
    SOTTO_ASSIGN_OR_RETURN(rule, RuleFor(items, "items " + items_path, items_path));
  }
  const auto item = [&](uint32_t begin, uint32_t end) -> Result<void> {
    if (!rule) return Add(items, items_path, begin, end);
    nfa.AddCall(begin, *rule, end);
    return {};
  };
  uint32_t at = nfa.AddState();
  nfa.AddEpsilon(open, at);
  for (size_t i = 1; i <= copies; ++i) {
    const uint32_t after = nfa.AddState();
    SOTTO_RETURN_IF_ERROR(item(at, after));
    if (i >= min) nfa.AddEpsilon(after, close);
    if (i == copies) {
      if (!max) nfa.AddEpsilon(nfa.AddLiteral(after, ", "), at);
      break;
    }
    at = nfa.AddLiteral(after, ", ");
  }
  return {};
}

Result<void> SchemaCompiler::AddObject(const Json& schema, const std::string& path, uint32_t from,
                                       uint32_t to) {
  if (schema.contains("additionalProperties") && !schema.at("additionalProperties").is_boolean()) {
    return Wrong(ErrorCode::kUnsupported, path + ".additionalProperties", "only true or false are supported");
  }
  const Json none = Json::object();
  const Json& properties = schema.contains("properties") ? schema.at("properties") : none;
  if (!properties.is_object())
    return Wrong(ErrorCode::kInvalidArgument, path + ".properties", "not an object");
  std::set<std::string> required;
  if (schema.contains("required") && !schema.at("required").is_null()) {
    if (!schema.at("required").is_array())
      return Wrong(ErrorCode::kInvalidArgument, path + ".required", "not a list");
    for (const Json& name : schema.at("required")) {
      if (!name.is_string() || !properties.contains(name.get<std::string>())) {
        return Wrong(ErrorCode::kInvalidArgument, path + ".required",
                     fmt::format("{} is not among the properties", name.dump()));
      }
      required.insert(name.get<std::string>());
    }
  }
  // Before the i-th property: nothing written yet, or something that a comma must follow.
  uint32_t first = nfa.AddLiteral(from, "{");
  uint32_t rest = nfa.AddState();
  for (const auto& [name, property] : properties.items()) {
    const uint32_t after = nfa.AddState();
    const uint32_t none_yet = nfa.AddState();
    const uint32_t value = nfa.AddState();
    const std::string key = CanonicalJson(name) + ": ";
    nfa.AddEpsilon(nfa.AddLiteral(first, key), value);
    nfa.AddEpsilon(nfa.AddLiteral(rest, ", " + key), value);
    const std::string at = path + ".properties." + name;
    SOTTO_RETURN_IF_ERROR(Add(property, at, value, after));
    if (!required.contains(name)) {
      nfa.AddEpsilon(first, none_yet);
      nfa.AddEpsilon(rest, after);
    }
    first = none_yet;
    rest = after;
  }
  const uint32_t close = nfa.AddState();
  nfa.AddEpsilon(first, close);
  nfa.AddEpsilon(rest, close);
  nfa.AddEdge(close, '}', '}', to);
  return CheckBudget(path);
}

}  // namespace sotto
