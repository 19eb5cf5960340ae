#include "brain/offered_tool.h"

#include <algorithm>
#include <cstdlib>

#include "text/normalise.h"
#include "workflow/number_slot.h"

namespace sotto {
namespace {

using Kind = OfferedArgument::Kind;

constexpr int kMaxDigits = 64;  // longer ones nobody says

std::string TypeOf(const Json& schema) {
  const auto type = schema.find("type");
  if (type == schema.end()) return "";
  if (type->is_string()) return type->get<std::string>();
  return "";
}

std::string Literal(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// 4 for "^\d{4}$" and "^[0-9]{4}$", 0 for "^\d+$", nullopt for anything else.
std::optional<int> DigitsOfPattern(const std::string& pattern) {
  std::string rest = pattern;
  for (const std::string_view digit : {"\\d", "[0-9]"}) {
    if (!rest.starts_with("^" + std::string(digit)) || !rest.ends_with("$")) continue;
    rest = rest.substr(1 + digit.size(), rest.size() - 2 - digit.size());
    if (rest == "+" || rest == "*") return 0;
    if (rest.size() >= 3 && rest.front() == '{' && rest.back() == '}' &&
        std::all_of(rest.begin() + 1, rest.end() - 1, [](char c) { return c >= '0' && c <= '9'; })) {
      const int count = std::atoi(rest.substr(1, std::min<size_t>(rest.size() - 2, 9)).c_str());
      return count > 0 && count <= kMaxDigits ? std::optional(count) : std::nullopt;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

void ReadSchema(const Json& schema, OfferedArgument& argument) {
  const std::string type = TypeOf(schema);
  const auto values = schema.find("enum");
  if (values != schema.end() && values->is_array()) {
    argument.kind = Kind::kChoice;
    for (const Json& value : *values) argument.literals.push_back(Literal(value));
  } else if (schema.contains("const")) {
    argument.kind = Kind::kChoice;
    argument.literals = {Literal(schema.at("const"))};
  } else if (type == "boolean") {
    argument.kind = Kind::kChoice;
    argument.literals = {"true", "false"};
  } else if (type == "number" || type == "integer") {
    argument.kind = Kind::kNumber;
    argument.integer = type == "integer";
    if (schema.contains("minimum") && schema.at("minimum").is_number())
      argument.min = schema.at("minimum").get<double>();
    if (schema.contains("maximum") && schema.at("maximum").is_number())
      argument.max = schema.at("maximum").get<double>();
  } else if (type == "string") {
    const auto pattern = schema.find("pattern");
    if (pattern == schema.end()) {
      const bool plain =
          !schema.contains("minLength") && !schema.contains("maxLength") && !schema.contains("format");
      argument.kind = plain ? Kind::kSpan : Kind::kSchema;
      if (schema.value("format", Json()) == "date") {
        argument.kind = Kind::kCalendar;
        argument.entity.type = Entity::Type::kDate;
      }
    } else if (const auto digits =
                   pattern->is_string() ? DigitsOfPattern(pattern->get<std::string>()) : std::nullopt) {
      argument.kind = Kind::kDigits;
      argument.n_digits = *digits;
    }
  }
}

// The kind of value that the workflow's entity says it is.
void ReadKind(const Slot& slot, OfferedArgument& argument) {
  switch (slot.entity.type) {
    case Entity::Type::kDigits:
      argument.kind = Kind::kDigits;
      argument.n_digits = slot.entity.length;
      break;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      argument.kind = Kind::kNumber;
      argument.number = WantedNumber(slot.entity);
      break;
    case Entity::Type::kText:
      argument.kind = Kind::kSpan;
      break;
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      argument.kind = Kind::kCalendar;
      argument.entity = slot.entity;
      return;
    case Entity::Type::kEnum:
      break;
  }
}

OfferedArgument::Listed ListedOf(const EntityValue& value) {
  OfferedArgument::Listed listed{value.value, {}};
  std::vector<std::string> forms{value.value, value.spoken};
  forms.insert(forms.end(), value.synonyms.begin(), value.synonyms.end());
  for (const std::string& form : forms) {
    std::string normal = NormaliseSpoken(form);
    if (!normal.empty() &&
        std::find(listed.forms.begin(), listed.forms.end(), normal) == listed.forms.end()) {
      listed.forms.push_back(std::move(normal));
    }
  }
  return listed;
}

void ReadUsualFor(const ToolDef& tool, const Entity& entity, OfferedArgument& argument) {
  for (const Entity::UsualFor& usual : entity.usual_for) {
    const std::vector<EntityValue>& values = tool.FindSlot(usual.slot)->entity.values;
    auto& all = argument.number_for;
    auto one =
        std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.argument == usual.slot; });
    if (one == all.end()) {
      one =
          all.insert(all.end(), {usual.slot, {}, std::vector<NumberWanted>(values.size(), argument.number)});
      for (const EntityValue& value : values) one->values.push_back(ListedOf(value));
    }
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i].value == usual.value) one->numbers[i] = WantedNumber(entity, usual);
  }
}

void ReadSlot(const Slot& slot, OfferedArgument& argument) {
  if (argument.kind != Kind::kChoice || slot.entity.type != Entity::Type::kEnum) ReadKind(slot, argument);
  argument.secret = slot.secret;
  for (const EntityValue& value : slot.entity.values) argument.listed.push_back(ListedOf(value));
}

}  // namespace

const OfferedArgument* OfferedTool::Find(std::string_view argument) const {
  const auto found = std::find_if(arguments.begin(), arguments.end(), [&](const OfferedArgument& candidate) {
    return candidate.name == argument;
  });
  return found == arguments.end() ? nullptr : &*found;
}

OfferedTool MakeOfferedTool(const ToolSpec& spec, const ToolDef* def, bool grounding) {
  OfferedTool tool{spec.name, {}};
  const auto properties = spec.parameters.find("properties");
  if (properties == spec.parameters.end() || !properties->is_object()) return tool;
  for (const auto& [name, schema] : properties->items()) {
    OfferedArgument argument;
    argument.name = name;
    argument.schema = schema;
    if (schema.is_object()) ReadSchema(schema, argument);
    const Slot* slot = def != nullptr ? def->FindSlot(name) : nullptr;
    if (slot != nullptr) {
      ReadSlot(*slot, argument);
      ReadUsualFor(*def, slot->entity, argument);
    }
    const bool grounded = grounding && (slot == nullptr || slot->grounded);
    argument.named = argument.kind == Kind::kChoice && grounded && slot != nullptr && !slot->inferred &&
                     argument.listed.size() == argument.literals.size();
    if (!grounded && argument.kind != Kind::kChoice) argument.kind = Kind::kSchema;
    tool.arguments.push_back(std::move(argument));
  }
  return tool;
}

Result<std::vector<OfferedTool>> MakeOfferedTools(std::span<const ToolSpec> specs, const Workflow& workflow,
                                                  bool grounding) {
  if (specs.empty()) return MakeError(ErrorCode::kInvalidArgument, "no tool is offered");
  std::vector<OfferedTool> tools;
  for (const ToolSpec& spec : specs) {
    if (std::any_of(tools.begin(), tools.end(),
                    [&](const OfferedTool& tool) { return tool.name == spec.name; })) {
      return MakeError(ErrorCode::kInvalidArgument, "tool '{}' is offered twice", spec.name);
    }
    tools.push_back(MakeOfferedTool(spec, workflow.FindTool(spec.name), grounding));
  }
  return tools;
}

}  // namespace sotto
