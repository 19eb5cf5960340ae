// The words a workflow is about: those of its tools' names, titles, descriptions and values, without the
// small words. General nonsense ("turn on the lights") is nonsense only where it has none of them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/workflow.h"

namespace sotto {

using WordSet = std::set<std::string, std::less<>>;

// What a caller may come for: a task or a person.
inline bool IsGoal(const ToolDef& tool) {
  return tool.role == ToolRole::kTask || tool.role == ToolRole::kHandoff;
}

// Of the names, descriptions and values of its goals.
WordSet OwnWords(const Workflow& workflow);

// The view lives as long as `text`.
inline std::string_view FirstWord(std::string_view text) { return text.substr(0, text.find(' ')); }

// The words of `text` that say what it is about: four letters or more, none of the commonest;
// `{slots}` and `@slot=value` are left out.
WordSet ContentWords(std::string_view text);

// The words of an identifier, what Sotto says for the value, and the workflow's synonyms.
std::vector<std::string> ListedForms(const EntityValue& value);

// Whether `words` stand in `spoken` as whole words; both in spoken form.
bool HasWords(std::string_view spoken, std::string_view words);

// `spoken`: text in spoken form. A plural counts as its singular.
bool HasAnyOf(const WordSet& words, std::string_view spoken);

}  // namespace sotto
