#include "text/template.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "text/calendar_speech.h"
#include "text/speak.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

constexpr std::pair<std::string_view, FieldType> kTypes[] = {{"text", FieldType::kText},
                                                             {"money", FieldType::kMoney},
                                                             {"number", FieldType::kNumber},
                                                             {"count", FieldType::kCount},
                                                             {"digits", FieldType::kDigits},
                                                             {"date", FieldType::kDate},
                                                             {"time", FieldType::kTime},
                                                             {"duration", FieldType::kDuration},
                                                             {"date_range", FieldType::kDateRange},
                                                             {"percent", FieldType::kPercent},
                                                             {"list", FieldType::kList}};

std::optional<FieldType> TypeOf(std::string_view name) {
  for (const auto& [text, type] : kTypes) {
    if (text == name) return type;
  }
  return std::nullopt;
}

bool IsName(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    const bool ok =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (!ok) return false;
  }
  return true;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The inside of {...}: "name", "name:type" or "name:type(arguments)". The error is without its place.
Result<TemplateField> ParseField(std::string_view inside) {
  TemplateField field;
  const size_t colon = inside.find(':');
  const std::string_view name = Trim(inside.substr(0, colon));
  if (!IsName(name)) {
    return MakeError(ErrorCode::kInvalidArgument, "'{{{}}}' is not a field; write {{slot}} or {{slot:type}}",
                     inside);
  }
  field.name = std::string(name);
  if (colon == std::string_view::npos) return field;
  std::string_view type = Trim(inside.substr(colon + 1));
  std::string_view arguments;
  const size_t open = type.find('(');
  if (open != std::string_view::npos) {
    if (type.back() != ')')
      return MakeError(ErrorCode::kInvalidArgument, "')' is missing in '{{{}}}'", inside);
    arguments = type.substr(open + 1, type.size() - open - 2);
    type = type.substr(0, open);
  }
  const std::optional<FieldType> found = TypeOf(type);
  if (!found) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "no field type '{}'; types are text, money, number, count, digits, date, time, duration, "
        "date_range, percent, list",
        type);
  }
  field.type = *found;
  if (open == std::string_view::npos) return field;
  const size_t comma = arguments.find(',');
  if (field.type == FieldType::kCount && comma != std::string_view::npos) {
    field.one = std::string(Trim(arguments.substr(0, comma)));
    field.many = std::string(Trim(arguments.substr(comma + 1)));
    return field;
  }
  const std::optional<FieldType> element = TypeOf(Trim(arguments));
  if (field.type == FieldType::kList && element && *element != FieldType::kList) {
    field.element = *element;
    return field;
  }
  return MakeError(ErrorCode::kInvalidArgument, "'{}' takes no '({})'; count(one,many) and list(TYPE) do",
                   type, arguments);
}

const Json* Find(const Json& values, std::string_view name) {
  const Json* at = &values;
  if (at->is_object()) {
    const auto whole = at->find(std::string(name));
    if (whole != at->end()) return whole->is_null() ? nullptr : &*whole;
  }
  while (true) {
    const size_t dot = name.find('.');
    if (!at->is_object()) return nullptr;
    const auto found = at->find(std::string(name.substr(0, dot)));
    if (found == at->end() || found->is_null()) return nullptr;
    at = &*found;
    if (dot == std::string_view::npos) return at;
    name.remove_prefix(dot + 1);
  }
}

struct Rendered {
  std::string shown;
  std::string spoken;
};

std::optional<double> AsNumber(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::string AsText(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return NumberText(value.get<double>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

Rendered RenderText(const TemplateField& field, const Json& value, const RenderOptions& options) {
  std::string text = AsText(value);
  if (options.spoken_form) {
    text = options.spoken_form(field.name, text);
  } else {
    for (char& c : text) c = c == '_' ? ' ' : c;
  }
  return {text, SpeakText(text)};
}

Result<Rendered> RenderNumber(const TemplateField& field, FieldType type, const Json& value,
                              const RenderOptions& options) {
  const std::optional<double> number = AsNumber(value);
  if (!number) {
    return MakeError(ErrorCode::kInvalidArgument, "'{}' should be a number, but is {}", field.name,
                     value.dump());
  }
  switch (type) {
    case FieldType::kMoney:
      return Rendered{ShowMoney(*number, options.currency), SpeakMoney(*number, options.currency)};
    case FieldType::kPercent:
      return Rendered{ShowPercent(*number), SpeakPercent(*number)};
    case FieldType::kCount: {
      const std::string& noun = *number == 1 ? field.one : field.many;
      const std::string tail = noun.empty() ? "" : " " + noun;
      return Rendered{NumberText(*number) + tail, SpeakNumber(*number) + tail};
    }
    default:
      return Rendered{NumberText(*number), SpeakNumber(*number)};
  }
}

Result<Rendered> RenderScalar(const TemplateField& field, FieldType type, const Json& value,
                              const RenderOptions& options) {
  switch (type) {
    case FieldType::kMoney:
    case FieldType::kNumber:
    case FieldType::kCount:
    case FieldType::kPercent:
      return RenderNumber(field, type, value, options);
    case FieldType::kDigits:
      return Rendered{AsText(value), SpeakDigits(AsText(value))};
    case FieldType::kDate:
      return Rendered{ShowDate(AsText(value), options.today), SpeakDate(AsText(value), options.today)};
    case FieldType::kTime:
      return Rendered{ShowDayTime(AsText(value)), SpeakDayTime(AsText(value))};
    case FieldType::kDuration:
      return Rendered{ShowPeriod(AsText(value)), SpeakPeriod(AsText(value))};
    case FieldType::kDateRange:
      return Rendered{ShowDateRange(AsText(value), options.today),
                      SpeakDateRange(AsText(value), options.today)};
    default:
      return RenderText(field, value, options);
  }
}

Result<Rendered> RenderField(const TemplateField& field, const Json& value, const RenderOptions& options) {
  if (field.type != FieldType::kList) return RenderScalar(field, field.type, value, options);
  if (!value.is_array()) return RenderScalar(field, field.element, value, options);
  Rendered all;
  for (size_t i = 0; i < value.size(); ++i) {
    SOTTO_ASSIGN_OR_RETURN(const Rendered item, RenderScalar(field, field.element, value[i], options));
    const bool last = i + 1 == value.size();
    const char* glue = i == 0 ? "" : !last ? ", " : value.size() == 2 ? " and " : ", and ";
    all.shown += glue + item.shown;
    all.spoken += glue + item.spoken;
  }
  if (value.empty()) all = {"none", "none"};
  return all;
}

}  // namespace

Result<ReplyTemplate> ReplyTemplate::Parse(std::string_view text, std::string_view source) {
  ReplyTemplate result;
  result.text_ = std::string(text);
  std::string literal;
  int group = 0;
  int groups = 0;
  size_t group_fields = 0;
  const auto flush = [&] {
    if (!literal.empty()) result.pieces_.push_back({true, literal, {}, group});
    literal.clear();
  };
  const auto wrong = [&](size_t at, std::string_view what) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: column {}: {}", source, at + 1, what);
  };
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool twice = at + 1 < text.size() && text[at + 1] == c;
    const bool special = c == '{' || c == '}' || c == '[' || c == ']';
    if (!special) {
      literal += c;
    } else if (twice) {
      literal += c;
      ++at;
    } else if (c == '}') {
      return wrong(at, "'}' without '{'; write '}}' for the character itself");
    } else if (c == '[') {
      if (group != 0) return wrong(at, "'[' inside '[...]'");
      flush();
      group = ++groups;
      group_fields = 0;
    } else if (c == ']') {
      if (group == 0) return wrong(at, "']' without '['; write ']]' for the character itself");
      if (group_fields == 0)
        return wrong(at, "'[...]' without a field is always left in; remove the brackets");
      flush();
      group = 0;
    } else {
      const size_t close = text.find('}', at);
      if (close == std::string_view::npos) return wrong(at, "'{' is never closed");
      flush();
      Result<TemplateField> field = ParseField(text.substr(at + 1, close - at - 1));
      if (!field) return wrong(at, field.error().message);
      field->optional = group != 0;
      ++group_fields;
      result.pieces_.push_back({false, "", *std::move(field), group});
      at = close;
    }
  }
  if (group != 0) return wrong(text.size(), "'[' is never closed");
  flush();
  return result;
}

Result<Reply> ReplyTemplate::Render(const Json& values, const RenderOptions& options) const {
  Reply reply;
  std::vector<bool> left_out(pieces_.size() + 1, false);
  for (const Piece& piece : pieces_) {
    if (!piece.fixed && piece.group != 0 && Find(values, piece.field.name) == nullptr) {
      left_out[static_cast<size_t>(piece.group)] = true;
    }
  }
  const auto add = [&](std::string_view shown, std::string_view spoken, bool fixed) {
    reply.text += shown;
    if (!spoken.empty()) reply.parts.push_back({std::string(spoken), fixed});
  };
  for (const Piece& piece : pieces_) {
    if (left_out[static_cast<size_t>(piece.group)]) continue;
    if (piece.fixed) {
      add(piece.literal, SpeakText(piece.literal), true);
      continue;
    }
    const Json* value = Find(values, piece.field.name);
    if (value == nullptr) {
      return MakeError(ErrorCode::kNotFound, "no value for '{{{}}}' in \"{}\"", piece.field.name, text_);
    }
    SOTTO_ASSIGN_OR_RETURN(const Rendered rendered, RenderField(piece.field, *value, options));
    add(rendered.shown, rendered.spoken, false);
  }
  return reply;
}

std::vector<TemplateField> ReplyTemplate::fields() const {
  std::vector<TemplateField> fields;
  for (const Piece& piece : pieces_) {
    if (!piece.fixed) fields.push_back(piece.field);
  }
  return fields;
}

std::vector<std::string> ReplyTemplate::FixedParts() const {
  std::vector<std::string> parts;
  for (const Piece& piece : pieces_) {
    if (piece.fixed) parts.push_back(SpeakText(piece.literal));
  }
  return parts;
}

Result<ReplyVariants> ReplyVariants::Parse(const Json& text_or_list, std::string_view source) {
  ReplyVariants variants;
  const Json list = text_or_list.is_array() ? text_or_list : Json::array({text_or_list});
  if (list.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: an empty list of texts", source);
  for (const Json& text : list) {
    if (!text.is_string()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: a text or a list of texts, not {}", source,
                       text.dump());
    }
    SOTTO_ASSIGN_OR_RETURN(ReplyTemplate parsed,
                           ReplyTemplate::Parse(text.get_ref<const std::string&>(), source));
    variants.templates_.push_back(std::move(parsed));
  }
  return variants;
}

}  // namespace sotto
