#include "workflow/plan_value.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "workflow/yaml_reader.h"

namespace sotto {
namespace {

constexpr size_t kMostTerms = 8;

std::string_view TrimmedValue(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "$keep", "$1.balance", "50", "checking", "'AT&T'".
Result<PlanValue::Term> ParsePlanTerm(std::string_view text) {
  PlanValue::Term term;
  text = TrimmedValue(text);
  if (text.empty()) return MakeError(ErrorCode::kInvalidArgument, "a value is missing");
  if (text.front() == '$') {
    const std::string_view name = text.substr(1);
    const size_t dot = name.find('.');
    const std::string_view first = name.substr(0, dot);
    const bool number =
        !first.empty() && first.size() <= 3 &&
        std::all_of(first.begin(), first.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (number && dot != std::string_view::npos && IsIdentifier(name.substr(dot + 1))) {
      term.kind = PlanValue::Term::Kind::kResult;
      term.step = std::atoi(std::string(first).c_str());
      term.name = name.substr(dot + 1);
      return term;
    }
    if (!IsIdentifier(name)) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "'{}' is no reference: $slot, or $1.field of the first step's result", text);
    }
    term.kind = PlanValue::Term::Kind::kNamed;
    term.name = name;
    return term;
  }
  const bool quoted =
      text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.back() == text.front();
  if (quoted) {
    term.literal = std::string(text.substr(1, text.size() - 2));
    return term;
  }
  const std::string plain(text);
  char* end = nullptr;
  const double number = std::strtod(plain.c_str(), &end);
  if (*end == '\0' && std::isfinite(number)) {
    term.literal = number;
  } else {
    term.literal = plain;
  }
  return term;
}

std::optional<Json> PlanTermValue(const PlanValue::Term& term, const Json& named, const Json& results) {
  const auto of = [](const Json& map, const std::string& key) -> std::optional<Json> {
    const auto found = map.find(key);
    if (found == map.end() || found->is_null()) return std::nullopt;
    return *found;
  };
  switch (term.kind) {
    case PlanValue::Term::Kind::kLiteral:
      return term.literal;
    case PlanValue::Term::Kind::kNamed:
      return of(named, term.name);
    case PlanValue::Term::Kind::kResult: {
      const auto result = results.find(std::to_string(term.step));
      if (result == results.end() || !result->is_object()) return std::nullopt;
      return of(*result, term.name);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<PlanValue> ParsePlanValue(std::string_view text) {
  PlanValue value;
  value.text = TrimmedValue(text);
  std::string_view rest = value.text;
  bool minus = false;
  while (true) {
    const size_t plus = std::min(rest.find(" + "), rest.find(" - "));
    // A name in quotes may have a dash in it.
    const bool quoted = rest.starts_with('\'') || rest.starts_with('"');
    const size_t end = quoted && plus != std::string_view::npos ? std::string_view::npos : plus;
    SOTTO_ASSIGN_OR_RETURN(PlanValue::Term term, ParsePlanTerm(rest.substr(0, end)));
    term.minus = minus;
    value.terms.push_back(std::move(term));
    if (end == std::string_view::npos) break;
    if (value.terms.size() == kMostTerms)
      return MakeError(ErrorCode::kInvalidArgument, "more than {} terms", kMostTerms);
    minus = rest[end + 1] == '-';
    rest = rest.substr(end + 3);
  }
  return value;
}

std::optional<Json> Evaluate(const PlanValue& value, const Json& named, const Json& results) {
  if (value.terms.size() == 1 && !value.terms[0].minus) return PlanTermValue(value.terms[0], named, results);
  double sum = 0;
  for (const PlanValue::Term& term : value.terms) {
    const std::optional<Json> one = PlanTermValue(term, named, results);
    if (!one || !one->is_number()) return std::nullopt;
    sum += (term.minus ? -1 : 1) * one->get<double>();
  }
  if (!std::isfinite(sum)) return std::nullopt;
  const double cents = std::round(sum * 100) / 100;
  return cents == 0 ? Json(0.0) : Json(cents);
}

Json PlanValues(const PlanDef& plan, const Json& slots, const Json& results) {
  Json named = slots;
  for (const auto& [slot, value] : plan.defaults) {
    if (!named.contains(slot)) named[slot] = value;
  }
  for (const auto& [name, value] : plan.values) {
    if (auto known = Evaluate(value, named, results)) named[name] = *std::move(known);
  }
  return named;
}

std::string_view FormatOfEntity(const Entity& entity) {
  switch (entity.type) {
    case Entity::Type::kMoney:
      return "money";
    case Entity::Type::kNumber:
      return "number";
    case Entity::Type::kDigits:
      return "digits";
    case Entity::Type::kDate:
      return "date";
    case Entity::Type::kTime:
      return "time";
    case Entity::Type::kDuration:
      return "duration";
    case Entity::Type::kDateRange:
      return "date_range";
    case Entity::Type::kEnum:
    case Entity::Type::kText:
      break;
  }
  return "text";
}

}  // namespace sotto
