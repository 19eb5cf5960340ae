// CheckNote: a note against its records, by other means than FactsOf() and NoteForm: every number of the note must stand in
// the records' JSON, every line that states an outcome must find a tool with that outcome in the raw events.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "base/ascii.h"
#include "specialist/call_summary.h"
#include "text/normalise.h"

namespace sotto {
namespace {

bool IsNumeral(char c) { return c >= '0' && c <= '9'; }

// Every number within the text, as it is spelled: "2026", "4532", "15.99".
std::vector<std::string> NumbersIn(std::string_view text) {
  std::vector<std::string> numbers;
  for (size_t i = 0; i < text.size();) {
    if (!IsNumeral(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() &&
           (IsNumeral(text[end]) || (text[end] == '.' && end + 1 < text.size() && IsNumeral(text[end + 1]))))
      ++end;
    numbers.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return numbers;
}

// "200.0" and "200" are one number; leading zeros are kept: "0042" is no 42.
std::string PlainNumber(const std::string& number) {
  if (number.size() > 1 && number[0] == '0' && number[1] != '.') return number;
  if (number.find('.') == std::string::npos) return number;
  std::string trimmed = number;
  while (trimmed.ends_with('0')) trimmed.pop_back();
  if (trimmed.ends_with('.')) trimmed.pop_back();
  return trimmed;
}

}  // namespace

std::vector<std::string> CheckNote(std::string_view note, std::span<const TurnRecord> records) {
  std::string all;
  std::set<std::string> numbers;
  size_t turns = 0;
  size_t lost = 0;
  size_t silent = 0;
  double ms = 0;
  // tool -> outcomes that the events tell of it.
  std::set<std::pair<std::string, std::string>> outcomes;
  std::map<int, std::string> tool_of;
  std::set<int> over;
  bool handed_over = false;
  for (const TurnRecord& record : records) {
    const std::string json = ToJson(record).dump(-1, ' ', false, Json::error_handler_t::replace);
    all += json;
    for (const std::string& number : NumbersIn(json)) numbers.insert(PlainNumber(number));
    turns += record.outcome != TurnRecord::Outcome::kBegan && !record.heard.text.empty();
    lost += record.outcome == TurnRecord::Outcome::kNotUnderstood;
    silent += record.outcome == TurnRecord::Outcome::kNoInput;
    handed_over = handed_over || record.outcome == TurnRecord::Outcome::kEscalated;
    ms = std::max({ms, record.times.done, record.times.replied, record.times.acted, record.times.understood,
                   record.times.endpoint});
    for (const Json& event : record.events) {
      const std::string name = event.value("event", "");
      const int id = event.value("task", 0);
      if (name == "task_began") tool_of[id] = event.value("name", "");
      if (name == "task_done")
        outcomes.emplace(tool_of[id], event.value("name", "").empty() ? "done" : "failed");
      if (name == "task_dropped") outcomes.emplace(tool_of[id], "dropped");
      if (name == "task_done" || name == "task_dropped") over.insert(id);
    }
  }
  for (const auto& [id, tool] : tool_of) {
    if (!over.contains(id)) outcomes.emplace(tool, "open");
  }
  // Counted, not written: how many turns, how long.
  for (const size_t counted : {turns, lost, silent, static_cast<size_t>(std::round(ms / 1000))})
    numbers.insert(fmt::format("{}", counted));
  all = LowerAscii(all);

  std::vector<std::string> wrong;
  while (!note.empty()) {
    const size_t end = std::min(note.find('\n'), note.size());
    const std::string_view line = note.substr(0, end);
    note.remove_prefix(std::min(end + 1, note.size()));
    for (const std::string& number : NumbersIn(line)) {
      if (!numbers.contains(PlainNumber(number)))
        wrong.push_back(fmt::format("the number {} is not in the record: {}", number, line));
    }
    // Values stand in brackets as "name value, name value": each value is in the record.
    const size_t open = line.find(" (");
    const size_t close = line.find(')', open == std::string_view::npos ? 0 : open);
    if (open != std::string_view::npos && close != std::string_view::npos) {
      for (std::string_view rest = line.substr(open + 2, close - open - 2); !rest.empty();) {
        const size_t comma = std::min(rest.find(", "), rest.size());
        const std::string_view one = rest.substr(0, comma);
        rest.remove_prefix(std::min(comma + 2, rest.size()));
        const size_t space = one.rfind(' ');
        const std::string value = LowerAscii(one.substr(space == std::string_view::npos ? 0 : space + 1));
        if (all.find(value) == std::string::npos && !numbers.contains(PlainNumber(value)))
          wrong.push_back(fmt::format("'{}' is not in the record: {}", value, line));
      }
    }
    const std::pair<std::string_view, std::string_view> kSaid[] = {
        {"Done: ", "done"}, {"Not done: ", "failed"}, {"Given up: ", "dropped"}, {"Left open: ", "open"}};
    for (const auto& [words, outcome] : kSaid) {
      if (!line.starts_with(words)) continue;
      const bool known =
          std::ranges::any_of(outcomes, [&](const auto& one) { return one.second == outcome; });
      if (!known) wrong.push_back(fmt::format("nothing in the record is '{}': {}", outcome, line));
    }
    if (line.starts_with("Handed over") && !handed_over)
      wrong.push_back(fmt::format("nobody took over: {}", line));
  }
  return wrong;
}

}  // namespace sotto
