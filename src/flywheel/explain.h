// Why did the assistant do that? One logged turn, step by step: heard -> understood (how sure, by whom, what in the
// words each value rests on) -> decided -> acted -> said, and which versions were live. As JSON, and as text that
// needs no programmer to read. Pure; any thread.
#pragma once

#include <span>
#include <string>

#include "flywheel/label_store.h"
#include "flywheel/log_view.h"
#include "workflow/workflow.h"

namespace sotto {

// `session`: its turns in order. `workflow` may be null: then synonyms of values are not known. `labels`: what
// people said about turns; those of this one are told. kNotFound: no such turn.
Result<Json> ExplainTurn(std::span<const StoredTurn> session, int turn, const Workflow* workflow,
                         std::span<const Label> labels = {});
// REQUIRES: of ExplainTurn.
std::string ExplanationText(const Json& explanation);

}  // namespace sotto
