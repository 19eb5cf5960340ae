#include "brain/label_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "brain/grounding.h"
#include "grammar/grammar.h"
#include "grammar/matcher.h"
#include "text/dates.h"
#include "text/normalise.h"

namespace sotto {
namespace {

bool IsNumeric(Entity::Type type) { return type == Entity::Type::kMoney || type == Entity::Type::kNumber; }

bool IsCalendarValue(Entity::Type type, std::string_view text) {
  switch (type) {
    case Entity::Type::kTime:
      return ParseDayTime(text).has_value();
    case Entity::Type::kDuration:
      return ParsePeriod(text).has_value();
    case Entity::Type::kDateRange:
      return ParseDateRange(text).has_value();
    default:
      return ParseDate(text).has_value();
  }
}

std::string_view CalendarForm(Entity::Type type) {
  switch (type) {
    case Entity::Type::kTime:
      return "a time such as 15:30 or 08:00/12:00";
    case Entity::Type::kDuration:
      return "a length such as P14D or PT1H30M";
    case Entity::Type::kDateRange:
      return "two days such as 2026-03-01/2026-03-15";
    default:
      return "a day such as 2026-03-03";
  }
}

std::optional<std::string> WrongValue(const Slot& slot, const Json& value) {
  const Entity& entity = slot.entity;
  if (entity.type == Entity::Type::kEnum) {
    for (const EntityValue& listed : entity.values)
      if (SameValue(ValueJson(entity, listed.value), value)) return std::nullopt;
    return fmt::format("{} is no value of '{}'", value.dump(), slot.name);
  }
  if (IsNumeric(entity.type) != value.is_number())
    return fmt::format("{} of '{}' should be a {}", value.dump(), slot.name,
                       IsNumeric(entity.type) ? "number" : "string");
  if (entity.IsCalendar() && !(value.is_string() && IsCalendarValue(entity.type, value.get<std::string>())))
    return fmt::format("{} of '{}' should be {}", value.dump(), slot.name, CalendarForm(entity.type));
  if (entity.type == Entity::Type::kDigits && entity.length > 0 &&
      (value.get<std::string>().size() != static_cast<size_t>(entity.length) ||
       value.get<std::string>().find_first_not_of("0123456789") != std::string::npos))
    return fmt::format("{} of '{}' should be {} digits", value.dump(), slot.name, entity.length);
  return std::nullopt;
}

// One of those that fit; names by what the model writes, which is not the user's own spelling.
bool IsAmong(std::span<const GroundedValue> candidates, const OfferedArgument& argument, const Json& value) {
  const bool name = argument.kind == OfferedArgument::Kind::kSpan && value.is_string();
  const std::string written = name ? Json(NormaliseSpoken(value.get<std::string>())).dump() : "";
  return std::any_of(candidates.begin(), candidates.end(), [&](const GroundedValue& candidate) {
    return candidate.unfit.empty() &&
           (SameValue(candidate.value, value) || (name && candidate.literal == written));
  });
}

bool Allows(const OfferedArgument& argument, const Json& value) {
  const auto grammar = Grammar::FromSchema(argument.schema, argument.name);
  if (!grammar) return false;
  Matcher matcher(*grammar);
  return matcher.AcceptBytes(CanonicalJson(value)) && matcher.CanEnd();
}

// Of a closed list a value may be meant in words that nobody has listed: the label stands all the same.
bool IsRead(OfferedArgument::Kind kind) {
  return kind != OfferedArgument::Kind::kSchema && kind != OfferedArgument::Kind::kChoice;
}

}  // namespace

LabelRules::LabelRules(const Workflow& workflow) : workflow_(workflow) {
  for (const ToolDef& tool : workflow.tools)
    offered_.emplace(tool.name, MakeOfferedTool(ToToolSpec(tool), &tool, true));
}

std::optional<std::string> LabelRules::WhyMalformed(const Turn& turn) const {
  if (NormaliseSpoken(turn.user).empty()) return "nothing was said";
  if (turn.calls.empty()) return "no call";
  for (const ToolCall& call : turn.calls) {
    if (IsControlTool(call.name) && workflow_.FindTool(call.name) == nullptr) continue;
    const ToolDef* tool = workflow_.FindTool(call.name);
    if (tool == nullptr) return fmt::format("the workflow has no tool '{}'", call.name);
    for (const auto& [name, value] : call.arguments.items()) {
      const Slot* slot = tool->FindSlot(name);
      if (slot == nullptr) return fmt::format("tool '{}' has no argument '{}'", call.name, name);
      if (auto wrong = WrongValue(*slot, value)) return wrong;
    }
  }
  return std::nullopt;
}

std::optional<std::string> LabelRules::WhyUngrounded(std::span<const Turn> history, const Turn& turn,
                                                     std::optional<Date> today) const {
  std::optional<Grounding> grounding;  // costs more than all the rest, and most turns carry no values
  for (const ToolCall& call : turn.calls) {
    const auto tool = offered_.find(call.name);
    if (tool == offered_.end()) continue;
    for (const OfferedArgument& argument : tool->second.arguments) {
      const auto value = call.arguments.find(argument.name);
      if (value == call.arguments.end() || !IsRead(argument.kind)) continue;
      if (!grounding) {
        grounding.emplace(*workflow_.language_data, history, turn.user, Channel::kSpoken,
                          CallDay{today, WritesDayFirst(workflow_.language)});
      }
      if (!IsAmong(grounding->Candidates(argument), argument, *value))
        return fmt::format("{} of '{}' was never said", value->dump(), argument.name);
    }
  }
  return std::nullopt;
}

bool LabelRules::IsGrounded(const Conversation& history, const Turn& turn) const {
  return !WhyUngrounded(history.turns, turn, history.today);
}

std::optional<std::string> LabelRules::WhyMalformed(const Conversation& conversation) const {
  for (size_t i = 0; i < conversation.turns.size(); ++i) {
    if (const auto why = WhyMalformed(conversation.turns[i])) return fmt::format("turn {}: {}", i + 1, *why);
  }
  return std::nullopt;
}

std::optional<std::string> LabelRules::WhyInvalid(const Conversation& conversation) const {
  const std::span<const Turn> turns = conversation.turns;
  for (size_t i = 0; i < turns.size(); ++i) {
    auto why = WhyMalformed(turns[i]);
    if (!why) why = WhyUngrounded(turns.first(i), turns[i], conversation.today);
    if (why) return fmt::format("turn {}: {}", i + 1, *why);
  }
  return std::nullopt;
}

std::optional<std::string> LabelRules::WhyCallIsNone(const ToolCall& call, const OfferedTool& tool,
                                                     const Grounding& grounding) const {
  const ToolDef* def = workflow_.FindTool(call.name);
  for (const auto& [name, value] : call.arguments.items()) {
    const OfferedArgument* argument = tool.Find(name);
    if (argument == nullptr) return fmt::format("an argument that '{}' does not have", tool.name);
    const Slot* slot = def != nullptr ? def->FindSlot(name) : nullptr;
    bool fits = slot == nullptr || !WrongValue(*slot, value);
    if (fits && argument->kind == OfferedArgument::Kind::kSchema) {
      fits = Allows(*argument, value);
    }
    if (!fits) return fmt::format("'{}' of '{}' breaks its schema", name, tool.name);
    if (argument->kind != OfferedArgument::Kind::kSchema &&
        !IsAmong(grounding.Candidates(*argument), *argument, value))
      return fmt::format("'{}' of '{}' was never said", name, tool.name);
  }
  return std::nullopt;
}

std::optional<std::string> LabelRules::WhyNotDecodable(const Conversation& history,
                                                       std::span<const std::string> offered,
                                                       std::string_view utterance,
                                                       std::span<const ToolCall> calls) const {
  if (calls.empty()) return "no call";
  if (calls.size() > kMaxCalls) return fmt::format("more than {} calls", kMaxCalls);
  std::map<std::string, OfferedTool, std::less<>> own;
  if (!history.tools.empty()) {
    auto tools = MakeOfferedTools(history.tools, workflow_, true);
    if (!tools) return tools.error().message;
    for (OfferedTool& tool : *tools) own.emplace(tool.name, std::move(tool));
  }
  const auto& known = own.empty() ? offered_ : own;
  const auto is_offered = [&](std::string_view name) {
    return std::find(offered.begin(), offered.end(), name) != offered.end();
  };
  const bool all_tasks = std::all_of(offered.begin(), offered.end(),
                                     [&](const std::string& name) { return !known.contains(name); });
  const Grounding grounding(*workflow_.language_data, history.turns, utterance, history.channel,
                            CallDay{history.today, WritesDayFirst(workflow_.language)});
  for (const ToolCall& call : calls) {
    const auto tool = known.find(call.name);
    if (tool == known.end()) {
      if (!IsControlTool(call.name) || !is_offered(call.name)) return "a tool that was not offered";
      if (!call.arguments.empty()) return fmt::format("arguments of '{}', which has none", call.name);
      continue;
    }
    if (!all_tasks && !is_offered(call.name)) return "a tool that was not offered";
    if (!call.arguments.is_object()) return fmt::format("arguments of '{}' that are no object", call.name);
    if (auto why = WhyCallIsNone(call, tool->second, grounding)) return why;
  }
  return std::nullopt;
}

}  // namespace sotto
