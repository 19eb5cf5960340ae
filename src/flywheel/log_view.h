// The logged conversations of a time as everything that looks at them needs them: in memory, session by
// session, and what each turn and event of them says. Immutable once read; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flywheel/turn_store.h"

namespace sotto {

struct LogView {
  // A session that was gone on with later is several, each with turns in order.
  std::vector<std::vector<StoredTurn>> sessions;
  std::vector<std::string> not_read;  // rows of the store
  std::string first, last;            // times of the first and last turn that says one; empty: none

  size_t turns() const;  // with words of a caller
};

Result<LogView> ReadLog(TurnStore& store, const TurnQuery& query);

// Whether the caller said anything (no greeting, no silence).
inline bool HasWords(const TurnRecord& record) { return !record.heard.text.empty(); }
// The words as they were understood.
const std::string& WordsOf(const TurnRecord& record);
// The calls of a turn; none where nothing was understood.
std::vector<ToolCall> CallsOf(const TurnRecord& record);
// Of a turn: 0 where nothing was understood.
double ConfidenceOf(const TurnRecord& record);
// USD that were paid for a turn on its way (understood.route).
double CostOf(const TurnRecord& record);
// Whether what was understood is that it was not: no call, or nothing but the workflow's unclear tool.
bool NotUnderstood(const TurnRecord& record, std::string_view unclear_tool);

// An event of a record (docs/formats/events.md) without what is not looked at.
struct LoggedEvent {
  std::string type;
  int task = 0;
  std::string name;
  const Json* value = nullptr;  // of the record; null: none
};
// Of what is no event, the type is empty. The view lives as long as `event`.
LoggedEvent EventOf(const Json& event);

// "confirm transfer_money", "ask amount, from_account": what stood before the caller spoke.
std::string StateText(const Expectation& expectation);
// "transfer_money(amount, from_account)": which arguments, not what they are.
std::string SkeletonOf(const std::vector<ToolCall>& calls);
std::string CallsText(const std::vector<ToolCall>& calls);

}  // namespace sotto
