#include "flywheel/log_view.h"

#include <algorithm>

namespace sotto {

size_t LogView::turns() const {
  size_t count = 0;
  for (const auto& session : sessions)
    count += static_cast<size_t>(std::count_if(session.begin(), session.end(),
                                               [](const StoredTurn& turn) { return HasWords(turn.record); }));
  return count;
}

Result<LogView> ReadLog(TurnStore& store, const TurnQuery& query) {
  LogView view;
  SOTTO_RETURN_IF_ERROR(
      store.EachSession(query, &view.not_read, [&](std::vector<StoredTurn> session) -> Result<void> {
        for (const StoredTurn& turn : session) {
          const std::string& at = turn.record.at;
          if (at.empty()) continue;
          if (view.first.empty() || at < view.first) view.first = at;
          if (at > view.last) view.last = at;
        }
        const auto parts = SessionParts(session);
        if (parts.size() == 1) {
          view.sessions.push_back(std::move(session));
        } else {
          for (const auto& part : parts) view.sessions.emplace_back(part.begin(), part.end());
        }
        return {};
      }));
  return view;
}

const std::string& WordsOf(const TurnRecord& record) {
  return record.understood && !record.understood->transcript.empty() ? record.understood->transcript
                                                                     : record.heard.text;
}

std::vector<ToolCall> CallsOf(const TurnRecord& record) {
  std::vector<ToolCall> calls;
  if (record.understood)
    for (const Understanding::Call& call : record.understood->calls) calls.push_back(call.call);
  return calls;
}

double ConfidenceOf(const TurnRecord& record) {
  return record.understood && !record.understood->calls.empty() ? record.understood->confidence : 0;
}

double CostOf(const TurnRecord& record) {
  double cost = 0;
  if (record.understood)
    for (const RouteStep& step : record.understood->route) cost += step.cost;
  return cost;
}

bool NotUnderstood(const TurnRecord& record, std::string_view unclear_tool) {
  if (record.outcome == TurnRecord::Outcome::kNotUnderstood || !record.understood) return true;
  const auto& calls = record.understood->calls;
  return std::all_of(calls.begin(), calls.end(),
                     [&](const Understanding::Call& call) { return call.call.name == unclear_tool; });
}

LoggedEvent EventOf(const Json& event) {
  LoggedEvent out;
  if (!event.is_object()) return out;
  if (event.contains("event") && event["event"].is_string()) out.type = event["event"].get<std::string>();
  if (event.contains("task") && event["task"].is_number_integer()) out.task = event["task"].get<int>();
  if (event.contains("name") && event["name"].is_string()) out.name = event["name"].get<std::string>();
  if (event.contains("value")) out.value = &event["value"];
  return out;
}

std::string StateText(const Expectation& expectation) {
  constexpr const char* kKinds[] = {"", "ask", "confirm", "offer"};
  std::string text = kKinds[static_cast<size_t>(expectation.kind)];
  if (!expectation.tool.empty()) text += " " + expectation.tool;
  for (size_t i = 0; i < expectation.slots.size(); ++i) text += (i == 0 ? ": " : ", ") + expectation.slots[i];
  return text;
}

std::string SkeletonOf(const std::vector<ToolCall>& calls) {
  std::string text;
  for (const ToolCall& call : calls) {
    if (!text.empty()) text += "; ";
    std::vector<std::string> names;
    for (const auto& item : call.arguments.items()) names.push_back(item.key());
    std::sort(names.begin(), names.end());
    text += call.name + "(";
    for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + names[i];
    text += ")";
  }
  return text;
}

std::string CallsText(const std::vector<ToolCall>& calls) {
  std::string text;
  for (const ToolCall& call : calls) text += (text.empty() ? "" : "; ") + ToString(call);
  return text;
}

}  // namespace sotto
