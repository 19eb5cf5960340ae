// The tools of one turn, as the decoder needs them: which arguments in which order, and what kind of value
// each takes. Made from a ToolSpec (JSON Schema) and, where the workflow knows the tool, its slots.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/tool.h"
#include "text/said_numbers.h"
#include "workflow/workflow.h"

namespace sotto {

struct OfferedArgument {
  enum class Kind {
    kChoice,    // one of `literals`
    kNumber,    // a number that was said
    kDigits,    // a digit string that was said
    kSpan,      // words that were said, or a listed value
    kCalendar,  // a day, time, length or range that was said (brain/said_dates.h)
    kSchema,    // anything `schema` allows: grounding is off, or the value is structured
  };
  struct Listed {
    std::string value;               // as in the call
    std::vector<std::string> forms;  // normalised ways to say it, `value` itself among them
  };

  std::string name;
  Kind kind = Kind::kSchema;
  std::vector<std::string> literals;  // kChoice: JSON
  int n_digits = 0;                   // kDigits: exact length, 0 for any
  std::optional<double> min;          // kNumber
  std::optional<double> max;
  bool integer = false;  // kNumber: no fraction
  bool secret = false;   // kDigits: a PIN or the like
  NumberWanted number;   // kNumber: money or not, what it usually holds
  struct NumberFor;
  std::vector<NumberFor> number_for;  // kNumber: what it usually holds by what another argument is
  std::vector<Listed>
      listed;          // kSpan; kChoice of a workflow's slot: how each of `literals` is named, same order
  bool named = false;  // kChoice: only a value that was named may be chosen (brain/value_evidence.h)
  Entity entity;       // kCalendar: which, and its limits
  Json schema;
};

struct OfferedArgument::NumberFor {
  std::string argument;
  std::vector<Listed> values;         // all that the other lists
  std::vector<NumberWanted> numbers;  // for each of them
};

struct OfferedTool {
  std::string name;
  std::vector<OfferedArgument> arguments;  // schema order

  const OfferedArgument* Find(std::string_view argument) const;
};

// `def` may be null: kinds are then read off the schema (number -> kNumber, pattern of n digits -> kDigits,
// format date -> kCalendar, other strings -> kSpan). `grounding` false turns all but kChoice into kSchema.
OfferedTool MakeOfferedTool(const ToolSpec& spec, const ToolDef* def, bool grounding);

// All of them. A name that comes twice is an error; so is an empty list.
Result<std::vector<OfferedTool>> MakeOfferedTools(std::span<const ToolSpec> specs, const Workflow& workflow,
                                                  bool grounding);

}  // namespace sotto
