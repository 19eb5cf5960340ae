#include "workflow/plan_types.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "workflow/plan_value.h"

namespace sotto {

bool IsNumeric(std::string_view format) {
  return format == "money" || format == "number" || format == "count" || format == "percent";
}

std::vector<std::string> ListedIn(const Entity& entity) {
  std::vector<std::string> values;
  for (const EntityValue& value : entity.values) values.push_back(value.value);
  return values;
}

bool IsIn(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string WhyUnfit(const PlanType& type, const Entity& entity) {
  const std::string is = fmt::format("a value of type {}", type.format);
  switch (entity.type) {
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return IsNumeric(type.format) ? "" : is;
    case Entity::Type::kEnum:
      if (!type.is_enum) return is + ", which may be anything";
      for (const std::string& value : type.listed) {
        if (!IsIn(ListedIn(entity), value)) return fmt::format("perhaps '{}'", value);
      }
      return "";
    case Entity::Type::kText:
      return type.format == "text" || type.format == "digits" ? "" : is;
    default:
      return type.format == FormatOfEntity(entity) ? "" : is;
  }
}

std::string NameOfEntity(const Entity& entity) {
  if (entity.type == Entity::Type::kEnum) return fmt::format("one of {}", fmt::join(ListedIn(entity), ", "));
  return std::string(FormatOfEntity(entity));
}

bool LiteralFits(const Json& literal, const Entity& entity) {
  switch (entity.type) {
    case Entity::Type::kMoney:
    case Entity::Type::kNumber: {
      if (!literal.is_number()) return false;
      const double number = literal.get<double>();
      return (!entity.min || number >= *entity.min) && (!entity.max || number <= *entity.max);
    }
    case Entity::Type::kEnum:
      return IsIn(ListedIn(entity), ValueText(literal));
    case Entity::Type::kDigits:
      return literal.is_string() && (entity.length == 0 || literal.get_ref<const std::string&>().size() ==
                                                               static_cast<size_t>(entity.length));
    default:
      return literal.is_string();
  }
}

Json LiteralAs(const Json& literal, const Entity& entity) {
  return entity.type == Entity::Type::kEnum ? ValueJson(entity, ValueText(literal)) : literal;
}

}  // namespace sotto
