// What is to be read out of a document: a JSON Schema of an object whose properties are fields, with a few keys of our
// own (docs/formats/extraction.md).
//
//   {"title": "invoice", "threshold": 0.8, "required": ["total"],
//    "properties": {
//      "invoice_number": {"type": "string", "labels": ["invoice no", "invoice #"], "pattern": "[A-Z0-9-]+"},
//      "date":           {"type": "string", "format": "date"},
//      "total":          {"type": "number", "format": "money", "sum_of": ["subtotal", "tax"]},
//      "currency":       {"enum": ["EUR", "USD"]},
//      "lines":          {"type": "array", "sums_to": ["subtotal"], "items": {"properties": {
//        "description": {}, "quantity": {"type": "number"}, "unit_price": {"format": "money"},
//        "amount": {"format": "money", "product_of": ["quantity", "unit_price"]}}}}}}
//
// Immutable after reading; any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/json.h"

namespace sotto {

struct ExtractField {
  enum class Type { kText, kNumber, kInteger, kMoney, kDate, kIban, kEmail, kPhone, kEnum, kPattern, kLines };
  std::string name;
  Type type = Type::kText;
  std::vector<std::string> labels;  // in small letters; the name's words are one
  std::vector<std::string> values;  // kEnum
  std::optional<std::regex> pattern;
  std::vector<std::string> sum_of;      // fields whose values it is the sum of
  std::vector<ExtractField> items;      // kLines: fields of one line
  std::vector<std::string> product_of;  // of a line's amount: the line's fields that make it
  std::vector<std::string>
      sums_to;  // kLines: fields of the document, the first there of which the amounts make
  bool required = false;
};

struct ExtractSchema {
  std::string title;
  double threshold = 0.8;  // confidence below which a person looks
  std::vector<ExtractField> fields;

  // Errors name `source` and the property: not an object, no properties, a type or format that is not known, a
  // sum_of that names no field.
  static Result<ExtractSchema> Parse(const Json& json, std::string_view source);
  static Result<ExtractSchema> Read(const std::filesystem::path& path);

  const ExtractField* Find(std::string_view name) const;
};

std::string_view FieldTypeName(ExtractField::Type type);  // "money"

}  // namespace sotto
