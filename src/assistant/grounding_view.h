// Which of the user's words each value of a call came from: for people who watch. Found again by reading the
// words as the brain reads them; what is not found (carried over, inferred) has none.
#pragma once

#include "core/json.h"
#include "core/turn_record.h"
#include "workflow/workflow.h"

namespace sotto {

// Adds "grounding" to each call of `understood` (ToJson of the record's understanding): argument ->
// [[begin, end), ...] of its "transcript", in UTF-16 code units, as browsers count. REQUIRES:
// record.understood.
void AddGrounding(const Workflow& workflow, const TurnRecord& record, Json* understood);

}  // namespace sotto
