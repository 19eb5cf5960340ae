#include "dialogue/event.h"

#include <algorithm>
#include <array>

#include "core/caller.h"

namespace sotto {
namespace {

constexpr std::array<std::string_view, 34> kNames{
    "began",        "caller",        "day",           "user_said",     "not_taken",
    "no_input",     "task_began",    "task_queued",   "task_dequeued", "task_suspended",
    "task_resumed", "task_dropped",  "task_done",     "slot_set",      "slot_inherited",
    "slot_cleared", "slot_rejected", "slot_partial",  "doubted",       "confirmed",
    "denied",       "clarify",       "action_began",  "step_done",     "replanned",
    "screened",     "verified",      "verify_failed", "no_progress",   "started_over",
    "replied",      "handed_off",    "ended",         "reopened"};

}  // namespace

std::string_view EventName(Event::Type type) { return kNames.at(static_cast<size_t>(type)); }

std::string ToString(const Event& event) {
  std::string line(EventName(event.type));
  if (event.task != 0) line += fmt::format(" {}", event.task);
  if (!event.name.empty()) line += " " + event.name;
  if (event.type == Event::Type::kReplied || event.value.is_null()) return line;
  if (event.type == Event::Type::kSlotSet || event.type == Event::Type::kSlotInherited ||
      event.type == Event::Type::kSlotPartial) {
    return line + "=" + (event.value.is_string() ? event.value.get<std::string>() : event.value.dump());
  }
  return line + " " + event.value.dump();
}

Json ToJson(const Event& event) {
  Json json{{"event", EventName(event.type)}};
  if (event.task != 0) json["task"] = event.task;
  if (!event.name.empty()) json["name"] = event.name;
  if (!event.value.is_null()) json["value"] = event.value;
  return json;
}

Result<Event> EventFromJson(const Json& json) {
  if (!json.is_object() || !json.contains("event") || !json["event"].is_string()) {
    return MakeError(ErrorCode::kCorrupt, "no event: {}", json.dump().substr(0, 80));
  }
  const std::string name = json["event"].get<std::string>();
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return MakeError(ErrorCode::kCorrupt, "unknown event '{}'", name);
  Event event;
  event.type = static_cast<Event::Type>(found - kNames.begin());
  if (json.contains("task") && json["task"].is_number_integer()) event.task = json["task"].get<int>();
  if (json.contains("name") && json["name"].is_string()) event.name = json["name"].get<std::string>();
  if (json.contains("value")) event.value = json["value"];
  if (event.type == Event::Type::kCaller) {
    if (auto caller = CallerFromJson(event.value); !caller)
      return WithContext(caller.error(), "event caller");
  }
  return event;
}

}  // namespace sotto
