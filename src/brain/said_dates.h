// Days, times, lengths and ranges that were said, for slots of those types.
//
// A model knows no calendar and is not told the day, so it does not write dates: it writes the words that
// were said, as for names ("day": "next tuesday"), and the words' meaning on the day of the call is the
// call's value ("2026-03-24"). Where words have several meanings, the first that the slot's limits allow is
// taken.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brain/offered_tool.h"
#include "core/conversation.h"
#include "text/normalise.h"

namespace sotto {

// What relative words hang on.
struct CallDay {
  std::optional<Date> today;  // unknown: no days and no ranges are read
  bool day_first = false;     // WritesDayFirst(workflow.language)
};

struct SaidValue {
  std::string words;  // normalised
  std::string value;  // ISO 8601
};

// Every one that `text` names, in its order; `words` are its own. REQUIRES: entity.IsCalendar().
std::vector<SaidValue> SaidCalendarValues(const Entity& entity, std::string_view text,
                                          std::span<const NormalisedWord> words, const CallDay& day);

// Whether anything in `texts` means `value`.
bool WasSaid(const Entity& entity, std::string_view value, std::span<const std::string> texts,
             const CallDay& day);

// The calls of the last of `turns`, with the words that said them for the calendar's values: as a model
// writes and reads them. The newest words win; a value that nobody said stays as it is. REQUIRES: turns is
// not empty.
std::vector<ToolCall> CallsInWordsSaid(std::span<const Turn> turns, std::span<const OfferedTool> tools,
                                       const CallDay& day);

}  // namespace sotto
