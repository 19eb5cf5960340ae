#include "grammar/random_schema.h"

#include <string>
#include <vector>

namespace sotto {
namespace {

double RandomNumber(Random& random) {
  const double whole =
      static_cast<double>(random.Below(random.Chance(0.5) ? 20 : 3000)) - (random.Chance(0.4) ? 1000 : 0);
  return random.Chance(0.5) ? whole : whole + static_cast<double>(random.Below(100)) / 100;
}

Json NumberSchema(Random& random) {
  Json schema{{"type", random.Chance(0.5) ? "integer" : "number"}};
  if (random.Chance(0.5)) schema[random.Chance(0.5) ? "minimum" : "exclusiveMinimum"] = RandomNumber(random);
  if (random.Chance(0.5)) schema[random.Chance(0.5) ? "maximum" : "exclusiveMaximum"] = RandomNumber(random);
  if (random.Chance(0.2)) schema["multipleOf"] = random.Chance(0.5) ? 0.01 : 0.1;
  return schema;
}

Json StringSchema(Random& random) {
  Json schema{{"type", "string"}};
  if (random.Chance(0.4)) {
    const std::vector<std::string> patterns = {"^[a-c]{2,4}$", "^\\d{4}$",  "^(ab|cd)+e?$",
                                               "^a.*b$",       "^[^a-z]*$", "^x?y*z+$"};
    schema["pattern"] = random.Pick(patterns);
    if (schema["pattern"] != "^\\d{4}$") schema["maxLength"] = 4 + random.Below(5);
    // Only ASCII, so that the checker's regular expressions agree.
    if (schema["pattern"] == "^a.*b$") schema["pattern"] = "^a[ -~]*b$";
    if (schema["pattern"] == "^[^a-z]*$") schema["pattern"] = "^[A-Z0-9 ]*$";
    return schema;
  }
  if (random.Chance(0.4)) schema["minLength"] = random.Below(4);
  schema["maxLength"] = random.Below(8);
  return schema;
}

Json EnumSchema(Random& random) {
  const std::vector<Json> values = {
      "a", "ab", "abc", 1, 10, 1.5, true, nullptr, "x\"y", "\u00e9", Json{{"a", 1}}, Json::array({1, "b"})};
  Json list = Json::array();
  for (size_t i = random.Below(4); i > 0; --i) list.push_back(random.Pick(values));
  if (random.Chance(0.3)) return Json{{"const", random.Pick(values)}};
  return Json{{"enum", list}};
}

Json Any(Random& random, int depth);

Json ObjectSchema(Random& random, int depth) {
  const std::vector<std::string> names = {"a", "ab", "abc", "account", "amount", "b", "q\"", "\u00e9"};
  Json properties = Json::object();
  Json required = Json::array();
  for (size_t i = random.Below(5); i > 0; --i) {
    const std::string name = random.Pick(names);
    if (properties.contains(name)) continue;
    properties[name] = Any(random, depth - 1);
    if (random.Chance(0.3)) required.push_back(name);
  }
  Json schema{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

Json Any(Random& random, int depth) {
  const size_t kind = random.Below(depth > 0 ? 10 : 5);
  switch (kind) {
    case 0:
      return NumberSchema(random);
    case 1:
      return StringSchema(random);
    case 2:
      return EnumSchema(random);
    case 3:
      return Json{{"type", random.Chance(0.5) ? "boolean" : "null"}};
    case 4:
      return random.Chance(0.3) ? Json{{"$ref", "#/$defs/shared"}}
                                : Json{{"type", Json::array({"boolean", "integer"})}};
    case 5:
    case 6:
      return ObjectSchema(random, depth);
    case 7: {
      Json schema{{"type", "array"}, {"items", Any(random, depth - 1)}};
      if (random.Chance(0.5)) schema["minItems"] = random.Below(3);
      if (random.Chance(0.5)) schema["maxItems"] = random.Below(8);
      return schema;
    }
    case 8: {
      Json list = Json::array();
      for (size_t i = 1 + random.Below(3); i > 0; --i) list.push_back(Any(random, depth - 1));
      return Json{{"anyOf", list}};
    }
    default:
      return Json{{"$ref", "#/$defs/shared"}};
  }
}

}  // namespace

Json RandomSchema(Random& random) {
  Json schema = ObjectSchema(random, 3);
  schema["$defs"] = Json{{"shared", ObjectSchema(random, 2)}};
  return schema;
}

}  // namespace sotto
