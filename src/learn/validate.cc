#include "learn/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "brain/said_dates.h"
#include "learn/own_words.h"
#include "text/dates.h"
#include "text/normalise.h"
#include "text/said_digits.h"
#include "text/spoken_numbers.h"
#include "workflow/number_slot.h"

namespace sotto {
namespace {

bool IsNumeric(Entity::Type type) { return type == Entity::Type::kMoney || type == Entity::Type::kNumber; }

bool NumberSaid(double value, const Entity& entity, const std::string& spoken) {
  const std::vector<SaidNumber> said =
      SaidNumbers(ReadNumbers(spoken, {.homophones = true}), WantedNumber(entity));
  return std::any_of(said.begin(), said.end(), [&](const SaidNumber& number) {
    return number.fit == SaidNumber::Fit::kPlain && std::abs(number.value - value) < 1e-9;
  });
}

bool DigitsSaid(const std::string& digits, int length, const std::string& spoken) {
  const NumberOptions options{.homophones = true};
  const std::vector<std::string_view> words = SplitWords(spoken);
  const std::vector<std::string> said =
      SaidDigits(words, ReadNumbers(words, options), static_cast<size_t>(length));
  return std::find(said.begin(), said.end(), digits) != said.end();
}

// `said`: normalised. Values of the calendar are read elsewhere.
bool ValueSaid(const Slot& slot, const Json& value, const std::vector<std::string>& said) {
  const auto any = [&](const auto& test) { return std::any_of(said.begin(), said.end(), test); };
  if (IsNumeric(slot.entity.type))
    return value.is_number() &&
           any([&](const auto& text) { return NumberSaid(value.get<double>(), slot.entity, text); });
  if (!value.is_string()) return false;
  const auto text = value.get<std::string>();
  if (slot.entity.type == Entity::Type::kDigits)
    return any([&](const auto& spoken) { return DigitsSaid(text, slot.entity.length, spoken); });
  for (const EntityValue& listed : slot.entity.values)
    if (SameValue(Json(listed.value), value)) return true;
  const std::string words = NormaliseSpoken(text);
  return !words.empty() && any([&](const auto& spoken) { return HasWords(spoken, words); });
}

bool SaidBefore(std::span<const Turn> history, const std::string& slot, const Json& value) {
  for (const Turn& turn : history)
    for (const ToolCall& call : turn.calls)
      if (call.arguments.contains(slot) && SameValue(call.arguments[slot], value)) return true;
  return false;
}

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

std::optional<std::string> Ungrounded(const Workflow& workflow, std::span<const Turn> history,
                                      const Turn& turn, const CallDay& day) {
  std::vector<std::string> texts{turn.user};
  for (auto earlier = history.rbegin(); earlier != history.rend(); ++earlier) texts.push_back(earlier->user);
  std::vector<std::string> said;
  for (const std::string& text : texts) said.push_back(NormaliseSpoken(text));
  for (const ToolCall& call : turn.calls) {
    const ToolDef* tool = workflow.FindTool(call.name);
    if (tool == nullptr) continue;
    for (const auto& [name, value] : call.arguments.items()) {
      const Slot* slot = tool->FindSlot(name);
      if (slot == nullptr || !slot->grounded || slot->entity.type == Entity::Type::kEnum) continue;
      const bool now = slot->entity.IsCalendar()
                           ? value.is_string() && WasSaid(slot->entity, value.get<std::string>(), texts, day)
                           : ValueSaid(*slot, value, said);
      if (!now && !SaidBefore(history, name, value))
        return fmt::format("{} of '{}' was never said", value.dump(), name);
    }
  }
  return std::nullopt;
}

}  // namespace

namespace {

std::optional<std::string> WhyInvalid(const Workflow& workflow, std::span<const Turn> history,
                                      const Turn& turn, const CallDay& day) {
  if (NormaliseSpoken(turn.user).empty()) return "nothing was said";
  if (turn.calls.empty()) return "no call";
  for (const ToolCall& call : turn.calls) {
    if (IsControlTool(call.name) && workflow.FindTool(call.name) == nullptr) continue;
    const ToolDef* tool = workflow.FindTool(call.name);
    if (tool == nullptr) return fmt::format("the workflow has no tool '{}'", call.name);
    for (const auto& [name, value] : call.arguments.items()) {
      const Slot* slot = tool->FindSlot(name);
      if (slot == nullptr) return fmt::format("tool '{}' has no argument '{}'", call.name, name);
      if (auto wrong = WrongValue(*slot, value)) return wrong;
    }
  }
  return Ungrounded(workflow, history, turn, day);
}

CallDay DayOf(const Workflow& workflow, const Conversation& conversation) {
  return {conversation.today, WritesDayFirst(workflow.language)};
}

}  // namespace

bool IsGrounded(const Workflow& workflow, const Conversation& history, const Turn& turn) {
  return !Ungrounded(workflow, history.turns, turn, DayOf(workflow, history));
}

std::optional<std::string> WhyInvalid(const Workflow& workflow, const Conversation& conversation) {
  const std::span<const Turn> turns = conversation.turns;
  const CallDay day = DayOf(workflow, conversation);
  for (size_t i = 0; i < turns.size(); ++i)
    if (auto why = WhyInvalid(workflow, turns.first(i), turns[i], day))
      return fmt::format("turn {}: {}", i + 1, *why);
  return std::nullopt;
}

}  // namespace sotto
