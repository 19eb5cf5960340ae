// The words of a tool that people repeat when they agree to it: its verbs with the language's other words for
// the same act, what it acts on, how its values are said and what stands before them. Taken from the tool's
// name, title, texts, phrases and examples.
#pragma once

#include "text/consent.h"
#include "workflow/workflow.h"

namespace sotto {

// Some 100 us: made once a tool (dialogue/program.h).
ToolWords WordsOf(const Workflow& workflow, const ToolDef& tool);

// "transfer money" -> "transferring money": the first word's -ing form, by the spelling rules of English.
std::string Gerund(const std::string& title);

}  // namespace sotto
