#include "extract/schema.h"

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

std::string WordsOf(std::string_view name) {
  std::string out = LowerAscii(name);
  std::replace(out.begin(), out.end(), '_', ' ');
  std::replace(out.begin(), out.end(), '-', ' ');
  return out;
}

Result<std::vector<std::string>> TextList(const Json& field, const char* key, const std::string& here) {
  std::vector<std::string> texts;
  const auto found = field.find(key);
  if (found == field.end()) return texts;
  if (!found->is_array()) return MakeError(ErrorCode::kInvalidArgument, "{}.{} is no list", here, key);
  for (const Json& item : *found) {
    if (!item.is_string())
      return MakeError(ErrorCode::kInvalidArgument, "{}.{}: {} is no text", here, key, item.dump());
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

std::string TextAt(const Json& field, const char* key) {
  const auto found = field.find(key);
  return found != field.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<ExtractField::Type> TypeOf(const Json& field, const std::string& here) {
  using Type = ExtractField::Type;
  if (field.contains("enum")) return Type::kEnum;
  const std::string type = TextAt(field, "type");
  const std::string format = TextAt(field, "format");
  if (format == "money") return Type::kMoney;
  if (format == "date") return Type::kDate;
  if (format == "iban") return Type::kIban;
  if (format == "email") return Type::kEmail;
  if (format == "phone") return Type::kPhone;
  if (!format.empty()) {
    return MakeError(ErrorCode::kUnsupported, "{}.format: '{}' is none of money, date, iban, email, phone",
                     here, format);
  }
  if (type == "number") return Type::kNumber;
  if (type == "integer") return Type::kInteger;
  if (type == "array") return Type::kLines;
  if (type.empty() || type == "string") return field.contains("pattern") ? Type::kPattern : Type::kText;
  return MakeError(ErrorCode::kUnsupported, "{}.type: '{}' is none of string, number, integer, array", here,
                   type);
}

Result<ExtractField> ReadField(const std::string& name, const Json& json, std::string_view source);

// Of an array: the fields of its lines.
Result<void> ReadItems(const Json& json, const std::string& here, ExtractField& field) {
  const auto items = json.find("items");
  const auto properties = items != json.end() && items->is_object() ? items->find("properties") : json.end();
  if (items == json.end() || !items->is_object() || properties == items->end() || !properties->is_object() ||
      properties->empty())
    return MakeError(ErrorCode::kInvalidArgument, "{}.items is no object with properties", here);
  bool amount = false;
  for (const auto& [name, item] : properties->items()) {
    SOTTO_ASSIGN_OR_RETURN(ExtractField read, ReadField(name, item, here + ".items"));
    if (read.type == ExtractField::Type::kLines)
      return MakeError(ErrorCode::kUnsupported, "{}.items.properties.{}: lists within lists are not read",
                       here, name);
    amount = amount || read.type == ExtractField::Type::kMoney;
    field.items.push_back(std::move(read));
  }
  if (!amount)
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}.items has no property of format money: a line is told by its amount", here);
  for (const ExtractField& item : field.items) {
    for (const std::string& part : item.product_of) {
      if (std::none_of(field.items.begin(), field.items.end(),
                       [&](const ExtractField& other) { return other.name == part; }))
        return MakeError(ErrorCode::kInvalidArgument,
                         "{}.items.properties.{}.product_of names '{}', which is no property of the items",
                         here, item.name, part);
    }
  }
  return {};
}

Result<ExtractField> ReadField(const std::string& name, const Json& json, std::string_view source) {
  const std::string here = fmt::format("{}: properties.{}", source, name);
  if (!json.is_object()) return MakeError(ErrorCode::kInvalidArgument, "{} is no object", here);
  ExtractField field;
  field.name = name;
  SOTTO_ASSIGN_OR_RETURN(field.type, TypeOf(json, here));
  SOTTO_ASSIGN_OR_RETURN(std::vector<std::string> labels, TextList(json, "labels", here));
  for (const std::string& label : labels) field.labels.push_back(LowerAscii(label));
  if (const std::string title = TextAt(json, "title"); !title.empty())
    field.labels.push_back(LowerAscii(title));
  field.labels.push_back(WordsOf(name));
  SOTTO_ASSIGN_OR_RETURN(field.sum_of, TextList(json, "sum_of", here));
  SOTTO_ASSIGN_OR_RETURN(field.product_of, TextList(json, "product_of", here));
  SOTTO_ASSIGN_OR_RETURN(field.sums_to, TextList(json, "sums_to", here));
  if (field.type == ExtractField::Type::kLines) SOTTO_RETURN_IF_ERROR(ReadItems(json, here, field));
  if (field.type == ExtractField::Type::kEnum) {
    SOTTO_ASSIGN_OR_RETURN(field.values, TextList(json, "enum", here));
    if (field.values.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}.enum is empty", here);
  }
  if (const std::string pattern = TextAt(json, "pattern"); !pattern.empty()) {
    if (pattern.size() > 200)
      return MakeError(ErrorCode::kInvalidArgument, "{}.pattern is longer than 200 letters", here);
    try {
      field.pattern.emplace(pattern, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error& error) {
      return MakeError(ErrorCode::kInvalidArgument, "{}.pattern: {}", here, error.what());
    }
  }
  return field;
}

}  // namespace

std::string_view FieldTypeName(ExtractField::Type type) {
  static constexpr std::string_view kNames[] = {"text",  "number", "integer", "money",   "date", "iban",
                                                "email", "phone",  "enum",    "pattern", "lines"};
  return kNames[static_cast<size_t>(type)];
}

const ExtractField* ExtractSchema::Find(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const ExtractField& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

Result<ExtractSchema> ExtractSchema::Parse(const Json& json, std::string_view source) {
  const auto properties = json.is_object() ? json.find("properties") : json.end();
  if (!json.is_object() || properties == json.end() || !properties->is_object() || properties->empty())
    return MakeError(ErrorCode::kInvalidArgument, "{}: a schema is an object with properties", source);
  ExtractSchema schema;
  schema.title = TextAt(json, "title");
  if (const auto threshold = json.find("threshold"); threshold != json.end()) {
    if (!threshold->is_number() || *threshold < 0.0 || *threshold > 1.0)
      return MakeError(ErrorCode::kInvalidArgument, "{}: threshold is no number of 0..1", source);
    schema.threshold = *threshold;
  }
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> required,
                         TextList(json, "required", std::string(source)));
  for (const auto& [name, field] : properties->items()) {
    SOTTO_ASSIGN_OR_RETURN(ExtractField read, ReadField(name, field, source));
    read.required = std::find(required.begin(), required.end(), name) != required.end();
    schema.fields.push_back(std::move(read));
  }
  for (const std::string& name : required)
    if (schema.Find(name) == nullptr)
      return MakeError(ErrorCode::kInvalidArgument, "{}: required names '{}', which is no property", source,
                       name);
  for (const ExtractField& field : schema.fields) {
    for (const auto& [key, names] :
         {std::pair{"sum_of", &field.sum_of}, std::pair{"sums_to", &field.sums_to}}) {
      for (const std::string& part : *names)
        if (schema.Find(part) == nullptr)
          return MakeError(ErrorCode::kInvalidArgument,
                           "{}: properties.{}.{} names '{}', which is no property", source, field.name, key,
                           part);
    }
  }
  return schema;
}

Result<ExtractSchema> ExtractSchema::Read(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  return Parse(json, path.string());
}

}  // namespace sotto
