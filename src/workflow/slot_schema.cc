#include "workflow/slot_schema.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include "base/utf8.h"
#include "text/normalise.h"
#include "text/speak.h"
#include "text/spoken_numbers.h"
#include "workflow/schema_resolver.h"

namespace sotto {
namespace {

constexpr int kMaxDigits = 64;

// ---- words of names and descriptions ----

// "fromAccount" -> from account; "Order number, 5 digits" -> order number 5 digits. Lower case.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  char before = ' ';
  for (const char c : text) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    const bool hump = std::isupper(static_cast<unsigned char>(c)) != 0 &&
                      std::islower(static_cast<unsigned char>(before)) != 0;
    if (letter && (!inside || hump)) words.emplace_back();
    if (letter) words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    inside = letter;
    before = c;
  }
  return words;
}

bool HasAny(const std::vector<std::string>& words, const std::set<std::string>& wanted) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return wanted.contains(word); });
}

bool HasPair(const std::vector<std::string>& words, std::string_view first, std::string_view second) {
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == first && words[i + 1] == second) return true;
  }
  return false;
}

// 5 for "5" and "five"; nothing for what is no plausible number of digits.
std::optional<int> CountOf(const std::string& word) {
  static const std::map<std::string, int> numbers{{"two", 2},  {"three", 3},   {"four", 4},    {"five", 5},
                                                  {"six", 6},  {"seven", 7},   {"eight", 8},   {"nine", 9},
                                                  {"ten", 10}, {"twelve", 12}, {"sixteen", 16}};
  if (const auto found = numbers.find(word); found != numbers.end()) return found->second;
  if (word.empty() || word.size() > 2) return std::nullopt;
  int count = 0;
  for (const char c : word) {
    if (c < '0' || c > '9') return std::nullopt;
    count = count * 10 + (c - '0');
  }
  return count > 0 && count <= kMaxDigits ? std::optional(count) : std::nullopt;
}

struct SaidDigits {
  bool digits = false;       // the words speak of digits only
  std::optional<int> count;  // and of how many
};

SaidDigits DigitsInProse(const std::vector<std::string>& words) {
  static const std::set<std::string> others{"letter", "letters", "character", "characters", "alphanumeric",
                                            "dash",   "dashes",  "hyphen",    "name",       "names",
                                            "email",  "iban",    "plate",     "text",       "word"};
  SaidDigits said;
  if (HasAny(words, others)) return said;
  std::vector<std::optional<int>> counts;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] != "digit" && words[i] != "digits") continue;
    const std::optional<int> count = i > 0 ? CountOf(words[i - 1]) : std::nullopt;
    const bool range =
        count && i > 1 && (words[i - 2] == "to" || words[i - 2] == "or" || CountOf(words[i - 2]));
    if (range) return said;
    said.digits = true;
    counts.push_back(count);
  }
  const bool last_four = HasPair(words, "last", "four") || HasPair(words, "last", "4");
  if (counts.size() == 1) said.count = counts.front();
  if (counts.size() > 1) return {};  // "3 digits, a dash, 4 digits"
  if (last_four) said = {true, 4};
  said.digits = said.digits || HasPair(words, "phone", "number") || HasPair(words, "zip", "code") ||
                HasPair(words, "account", "number") || HasPair(words, "card", "number") ||
                HasAny(words, {"pin", "phone"});
  return said;
}

const std::set<std::string> kCurrencyWords{"dollar", "dollars", "usd",   "euro",    "euros",
                                           "eur",    "gbp",     "money", "currency"};

// Whether a number is an amount of money: the last word of its name is one, or its description names a
// currency; an id, a count or an amount of something else is none.
bool IsMoney(const std::vector<std::string>& name, const std::vector<std::string>& description,
             bool integer) {
  static const std::set<std::string> amounts{"amount",  "price",  "cost",   "fee",     "payment",
                                             "balance", "budget", "salary", "deposit", "dollars",
                                             "usd",     "euros",  "eur",    "gbp",     "money"};
  static const std::set<std::string> counts{"id",   "number", "count", "code",  "center", "level",
                                            "type", "days",   "rate",  "index", "size",   "percent"};
  static const std::set<std::string> units{"percent", "percentage", "gram",    "grams", "kg",    "ml",
                                           "minutes", "hours",      "days",    "cents", "items", "pieces",
                                           "litres",  "liters",     "degrees", "units", "points"};
  if (name.empty() || counts.contains(name.back()) || HasAny(description, units) || HasAny(name, units))
    return false;
  const bool currency = HasAny(name, kCurrencyWords) || HasAny(description, kCurrencyWords);
  return currency || (!integer && amounts.contains(name.back()));
}

std::string CurrencyOf(const std::vector<std::string>& name, const std::vector<std::string>& description) {
  for (const std::vector<std::string>* words : {&name, &description}) {
    if (HasAny(*words, {"eur", "euro", "euros"})) return "EUR";
    if (HasAny(*words, {"gbp"})) return "GBP";
  }
  return "USD";
}

// ---- kinds ----

// The body of a pattern between ^ and $; what is not anchored matches inside of other texts, so it is no rule
// for the whole.
std::optional<std::string_view> Anchored(std::string_view pattern) {
  if (!pattern.starts_with('^') || !pattern.ends_with('$') || pattern.ends_with("\\$")) return std::nullopt;
  pattern.remove_prefix(1);
  pattern.remove_suffix(1);
  return pattern;
}

struct DigitPattern {
  int length = 0;     // 0: any
  bool exact = true;  // the slot says the same as the pattern
};

// ^\d{4}$, ^[0-9]+$, \d* ... nothing for other patterns.
std::optional<DigitPattern> DigitsOfPattern(std::string_view pattern) {
  const auto anchored = Anchored(pattern);
  std::string_view rest = anchored ? *anchored : pattern;
  DigitPattern digits;
  digits.exact = anchored.has_value();
  const std::string_view digit = rest.starts_with("\\d") ? "\\d" : "[0-9]";
  if (!rest.starts_with(digit)) return std::nullopt;
  rest.remove_prefix(digit.size());
  if (rest == "+") return digits;
  if (rest == "*") return DigitPattern{0, false};
  if (rest.empty()) return anchored ? DigitPattern{1, true} : DigitPattern{0, false};
  if (rest.size() < 3 || rest.front() != '{' || rest.back() != '}') return std::nullopt;
  rest = rest.substr(1, rest.size() - 2);
  int count = 0;
  for (const char c : rest) {
    if (c == ',') return DigitPattern{0, false};  // a range of lengths
    if (c < '0' || c > '9') return std::nullopt;
    count = count * 10 + (c - '0');
    if (count > kMaxDigits) return DigitPattern{0, false};  // nobody says so many
  }
  if (count == 0) return std::nullopt;
  if (!anchored) return DigitPattern{0, false};
  return DigitPattern{count, true};
}

// ^(small|large)$ -> the words; nothing for other patterns.
std::vector<std::string> WordsOfPattern(std::string_view pattern) {
  const auto anchored = Anchored(pattern);
  if (!anchored || !anchored->starts_with('(') || !anchored->ends_with(')')) return {};
  std::string_view body = anchored->substr(1, anchored->size() - 2);
  if (body.starts_with("?:")) body.remove_prefix(2);
  std::vector<std::string> words(1);
  for (const char c : body) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == ' ';
    if (!plain && c != '|') return {};
    if (c == '|') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// How a value is said: its words without punctuation; empty for "+".
std::string SaidForm(std::string_view value) {
  std::string said;
  for (const std::string& word : WordsOf(value)) said += (said.empty() ? "" : " ") + word;
  for (const char c : value) {
    if (static_cast<unsigned char>(c) >= 0x80) return PlainWords(value);  // letters of other scripts
  }
  return said;
}

class SlotReader {
 public:
  SlotReader(std::string_view name, const Json& schema, const std::string& path)
      : name_(WordsOf(name)), schema_(schema), path_(path) {}

  Result<SlotSchema> Read() {
    out_.description = SchemaText(schema_, "description");
    described_ = WordsOf(out_.description);
    out_.nullable = schema_.contains("nullable") && schema_.at("nullable") == true;
    for (const char* key : {"not", "if", "then", "else", "dependentRequired", "dependentSchemas"}) {
      if (schema_.contains(key)) Weaker(key, "is not checked");
    }
    if (const auto values = ListedValues(schema_)) {
      SOTTO_RETURN_IF_ERROR(ReadValues(*values));
      return out_;
    }
    if (schema_.contains("enum")) return RefuseSchema(path_ + ".enum", "not a list", "a list of values");
    SOTTO_ASSIGN_OR_RETURN(const std::string type, Type());
    if (type == "boolean") {
      ReadBoolean();
    } else if (type == "number" || type == "integer") {
      SOTTO_RETURN_IF_ERROR(ReadNumber(type == "integer"));
    } else if (type == "string") {
      ReadString();
    } else if (type == "array") {
      return RefuseSchema(path_, "an array, and a slot holds one value", "a string, number or boolean");
    } else if (type == "object") {
      return RefuseSchema(path_, "an object, and a slot holds one value",
                          "its properties as arguments of their own");
    } else {
      return RefuseSchema(path_ + ".type", fmt::format("no type '{}'", type),
                          "string, number, integer, boolean or a list of values");
    }
    return out_;
  }

 private:
  void Weaker(const std::string& key, std::string_view what) {
    out_.weaker.push_back(fmt::format("{}.{}: {}", path_, key, what));
  }

  Result<std::string> Type() {
    if (!schema_.contains("type")) {
      for (const auto& [key, type] :
           {std::pair("properties", "object"), std::pair("items", "array"), std::pair("pattern", "string"),
            std::pair("format", "string"), std::pair("minLength", "string"), std::pair("maxLength", "string"),
            std::pair("minimum", "number"), std::pair("maximum", "number")}) {
        if (schema_.contains(key)) return std::string(type);
      }
      out_.weaker.push_back(path_ + ": no type is given, so any text is taken");
      return std::string("string");
    }
    const Json& type = schema_.at("type");
    if (type.is_string()) return type.get<std::string>();
    if (!type.is_array())
      return RefuseSchema(path_ + ".type", "not a name: " + ShortJson(type), "\"string\" or the like");
    std::vector<std::string> types;
    for (const Json& one : type) {
      if (!one.is_string())
        return RefuseSchema(path_ + ".type", "not a list of names", "[\"string\", \"null\"]");
      if (one == "null") {
        out_.nullable = true;
      } else {
        types.push_back(one.get<std::string>());
      }
    }
    if (types.empty()) return RefuseSchema(path_ + ".type", "only null", "a value that can be said");
    if (types.size() == 1) return types.front();
    if (types == std::vector<std::string>{"integer", "number"} ||
        types == std::vector<std::string>{"number", "integer"})
      return std::string("number");
    for (const std::string& one : types) {
      if (one == "array" || one == "object") {
        return RefuseSchema(path_ + ".type", fmt::format("one of several types is '{}'", one),
                            "a string, number or boolean");
      }
    }
    Weaker("type", fmt::format("{} become text", fmt::join(types, " and ")));
    return std::string("string");
  }

  Result<void> ReadValues(const Json& values) {
    Entity& entity = out_.entity;
    entity.type = Entity::Type::kEnum;
    std::optional<Entity::ValueType> type;
    std::map<std::string, std::string> said;  // -> the value
    for (size_t i = 0; i < values.size(); ++i) {
      const Json& value = values[i];
      const std::string here =
          schema_.contains("const") ? path_ + ".const" : fmt::format("{}.enum[{}]", path_, i);
      if (value.is_null()) {
        out_.nullable = true;
        continue;
      }
      const auto own = value.is_string()           ? Entity::ValueType::kString
                       : value.is_boolean()        ? Entity::ValueType::kBoolean
                       : value.is_number_integer() ? Entity::ValueType::kInteger
                                                   : Entity::ValueType::kNumber;
      if (value.is_structured())
        return RefuseSchema(here, "a structure: " + ShortJson(value), "a string, number or boolean");
      if (value.is_number() && !(std::abs(value.get<double>()) < 9e15))
        return RefuseSchema(here, "a number of more than 15 digits: " + ShortJson(value),
                            "one that can be said");
      const bool numbers = type && type != own && IsNumeric(*type) && IsNumeric(own);
      if (type && type != own && !numbers)
        return RefuseSchema(here, "values of several types", "all strings, or all numbers");
      type = numbers ? Entity::ValueType::kNumber : own;
      const std::string text = value.is_string()    ? value.get<std::string>()
                               : value.is_boolean() ? (value.get<bool>() ? "true" : "false")
                                                    : NumberText(value.get<double>());
      const std::string form = value.is_number() ? SpeakNumber(value.get<double>()) : SaidForm(text);
      if (form.empty()) {
        return RefuseSchema(here, fmt::format("nobody can say '{}'", text),
                            "a value with letters or digits, such as \"plus\"");
      }
      const auto [other, added] = said.emplace(form, text);
      if (!added && other->second != text) {
        return RefuseSchema(here, fmt::format("'{}' and '{}' are said the same way", other->second, text),
                            "values that can be told apart by ear");
      }
      if (added) entity.values.push_back({text, value.is_number() ? form : "", {}});
    }
    if (entity.values.empty()) return RefuseSchema(path_, "no values", "at least one value");
    entity.value_type = *type;
    if (entity.value_type == Entity::ValueType::kBoolean) SayBooleans();
    return {};
  }

  static bool IsNumeric(Entity::ValueType type) {
    return type == Entity::ValueType::kInteger || type == Entity::ValueType::kNumber;
  }

  void SayBooleans() {
    for (EntityValue& value : out_.entity.values) {
      const bool truth = value.value == "true";
      value.spoken = truth ? "yes" : "no";
      value.synonyms =
          truth ? std::vector<std::string>{"true", "on"} : std::vector<std::string>{"false", "off"};
    }
  }

  void ReadBoolean() {
    out_.entity.type = Entity::Type::kEnum;
    out_.entity.value_type = Entity::ValueType::kBoolean;
    out_.entity.values = {{"true", "", {}}, {"false", "", {}}};
    SayBooleans();
  }

  Result<std::optional<double>> Bound(const char* key) {
    if (!schema_.contains(key) || schema_.at(key).is_null()) return std::optional<double>();
    const Json& value = schema_.at(key);
    if (!value.is_number())
      return RefuseSchema(path_ + "." + key, "not a number: " + ShortJson(value), "a number");
    return std::optional(value.get<double>());
  }

  Result<void> ReadNumber(bool integer) {
    Entity& entity = out_.entity;
    static const std::set<std::string> digit_names{"phone", "telephone", "zip", "zipcode", "postcode", "pin"};
    const bool digits = integer && !schema_.contains("minimum") && !schema_.contains("maximum") &&
                        (HasPair(name_, "card", "number") || HasPair(name_, "account", "number") ||
                         HasPair(name_, "phone", "number") || HasAny(name_, digit_names));
    if (digits) {
      entity.type = Entity::Type::kDigits;
      out_.weaker.push_back(path_ + ": the call carries digits as a string, so that leading zeros stay");
      return {};
    }
    const bool money = IsMoney(name_, described_, integer);
    entity.type = money ? Entity::Type::kMoney : Entity::Type::kNumber;
    if (money) entity.currency = CurrencyOf(name_, described_);
    entity.value_type = integer ? Entity::ValueType::kInteger : Entity::ValueType::kNumber;
    SOTTO_ASSIGN_OR_RETURN(entity.min, Bound("minimum"));
    SOTTO_ASSIGN_OR_RETURN(entity.max, Bound("maximum"));
    SOTTO_RETURN_IF_ERROR(Exclusive("exclusiveMinimum", "minimum", 1, entity.min));
    SOTTO_RETURN_IF_ERROR(Exclusive("exclusiveMaximum", "maximum", -1, entity.max));
    if (entity.min && entity.max && *entity.min > *entity.max)
      return RefuseSchema(path_, "minimum is above maximum", "minimum <= maximum");
    SOTTO_ASSIGN_OR_RETURN(const auto multiple, Bound("multipleOf"));
    if (multiple && !(integer && *multiple == 1) && !(money && std::abs(*multiple - 0.01) < 1e-12))
      Weaker("multipleOf", "is not checked");
    return {};
  }

  // `key` is a number, or true beside `plain` (JSON Schema draft 4). The slot's limits are inclusive: the
  // next whole number or cent, else the limit itself.
  Result<void> Exclusive(const char* key, const char* plain, int direction, std::optional<double>& bound) {
    if (!schema_.contains(key) || schema_.at(key) == false || schema_.at(key).is_null()) return {};
    std::optional<double> limit;
    if (schema_.at(key) == true) {
      SOTTO_ASSIGN_OR_RETURN(limit, Bound(plain));
    } else {
      SOTTO_ASSIGN_OR_RETURN(limit, Bound(key));
    }
    if (!limit) return {};
    const Entity& entity = out_.entity;
    if (entity.value_type == Entity::ValueType::kInteger) {
      *limit = direction > 0 ? std::floor(*limit) + 1 : std::ceil(*limit) - 1;
    } else if (entity.type == Entity::Type::kMoney) {
      *limit = std::round(*limit * 100 + direction) / 100;
    } else {
      Weaker(key, fmt::format("{} itself is allowed too", NumberText(*limit)));
    }
    if (!bound || (direction > 0 ? *limit > *bound : *limit < *bound)) bound = limit;
    return {};
  }

  void ReadString() {
    Entity& entity = out_.entity;
    entity.type = Entity::Type::kText;
    const std::string pattern = SchemaText(schema_, "pattern");
    const std::string format = SchemaText(schema_, "format");
    if (format == "date" && pattern.empty()) {
      entity.type = Entity::Type::kDate;
      return;
    }
    if (const auto words = WordsOfPattern(pattern); !words.empty()) {
      Json values(words);
      if (ReadValues(values)) return;
      out_.entity = Entity{};
      entity.type = Entity::Type::kText;
    }
    if (const auto digits = DigitsOfPattern(pattern)) {
      entity.type = Entity::Type::kDigits;
      entity.length = digits->length;
      if (!digits->exact) Weaker("pattern", fmt::format("'{}' becomes digits of any length", pattern));
      return;
    }
    if (!pattern.empty())
      Weaker("pattern", fmt::format("'{}' is not checked: any text is taken", Cut(pattern)));
    if (!format.empty()) Weaker("format", fmt::format("'{}' is not checked: any text is taken", Cut(format)));
    for (const char* key : {"minLength", "maxLength"}) {
      if (schema_.contains(key) && schema_.at(key) != 0 && !schema_.at(key).is_null())
        Weaker(key, "is not checked");
    }
    if (!pattern.empty() || !format.empty()) return;
    std::vector<std::string> said = name_;
    said.insert(said.end(), described_.begin(), described_.end());
    const SaidDigits digits = DigitsInProse(said);
    if (!digits.digits) return;
    entity.type = Entity::Type::kDigits;
    if (digits.count) {
      out_.hint = fmt::format("the description speaks of {0} digits; 'length: {0}' would insist on them",
                              *digits.count);
    }
  }

  static std::string Cut(const std::string& text) {
    return text.size() > 60 ? CleanUtf8(text.substr(0, 57)) + "..." : text;
  }

  const std::vector<std::string> name_;
  const Json& schema_;
  const std::string path_;
  std::vector<std::string> described_;
  SlotSchema out_;
};

}  // namespace

Result<SlotSchema> ReadSlotSchema(std::string_view name, const Json& schema, const Json& root,
                                  const std::string& path) {
  SOTTO_ASSIGN_OR_RETURN(const Json resolved, ResolveSchema(schema, root, path));
  return SlotReader(name, resolved, path).Read();
}

}  // namespace sotto
