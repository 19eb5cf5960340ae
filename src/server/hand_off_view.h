// A hand-off as answers and events show it: {"reason", "summary", "tasks"}, or null.
#pragma once

#include <optional>

#include "assistant/session_core.h"
#include "core/json.h"

namespace sotto {

inline Json HandOffView(const std::optional<HandOff>& hand_off) {
  if (!hand_off) return nullptr;
  return {{"reason", hand_off->reason}, {"summary", hand_off->summary}, {"tasks", hand_off->tasks}};
}

}  // namespace sotto
