// Where a conversation stands, for people who watch it: what pages and other programs show of a dialogue.
#pragma once

#include "core/json.h"
#include "dialogue/dialogue.h"

namespace sotto {

// {"expectation": {...}, "tasks": [{"id", "tool", "title", "status": open|suspended|queued|done|failed,
// "slots", "missing", "failure"?}], "caller": {...}, "acting": bool, "ended": bool}. Tasks: the open one
// first, then suspended and queued ones, then those that ended, the last first, at most eight of them.
Json StateView(const Dialogue& dialogue);

}  // namespace sotto
