#include "specialist/call_summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/check.h"
#include "text/normalise.h"
#include "text/speak.h"
#include "text/spoken_numbers.h"

namespace sotto {
namespace {

constexpr std::string_view kDefaultForm =
    "Call {session} on {at}, {channel}, {turns:count(turn,turns)}.\n"
    "[Customer {customer}][, verified by {verified_by}].\n"
    "@done Done: {what}[ ({details})].\n"
    "@failed Not done: {what}[ ({details})]: {why}.\n"
    "@dropped Given up: {what}[ ({details})].\n"
    "@open Left open: {what}[ ({details})].\n"
    "Handed over to a person: {handed_over}.\n"
    "Not understood: {not_understood:count(time,times)}.\n";

constexpr std::string_view kTaskOutcomes[] = {"done", "failed", "open", "dropped"};

std::string ValueWords(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return NumberText(value.get<double>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return {};
}

std::string SlotWords(const TaskFact& task, const ToolDef* tool) {
  std::string out;
  for (const auto& [name, value] : task.slots.items()) {
    std::string words = ValueWords(value);
    const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(name);
    if (slot != nullptr && slot->entity.type == Entity::Type::kEnum) words = SpokenValue(slot->entity, words);
    if (words.empty()) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", PlainWords(name), words);
  }
  return out;
}

double LastTime(const TurnRecord& record) {
  const TurnRecord::Times& t = record.times;
  return std::max({t.done, t.replied, t.acted, t.understood, t.endpoint, 0.0});
}

}  // namespace

std::string_view TaskOutcomeName(TaskFact::Outcome outcome) {
  return kTaskOutcomes[static_cast<size_t>(outcome)];
}

CallFacts FactsOf(std::span<const TurnRecord> records) {
  SOTTO_CHECK(!records.empty());
  CallFacts facts;
  facts.session = records.front().session;
  facts.workflow = records.front().workflow;
  facts.channel = records.front().channel;
  facts.at = records.front().at;
  std::map<int, size_t> tasks;  // id -> place
  for (const TurnRecord& record : records) {
    if (record.caller != Caller()) facts.caller = record.caller;
    using Outcome = TurnRecord::Outcome;
    facts.turns += record.outcome != Outcome::kBegan && !record.heard.text.empty();
    facts.not_understood += record.outcome == Outcome::kNotUnderstood;
    facts.silences += record.outcome == Outcome::kNoInput;
    facts.seconds = std::max(facts.seconds, LastTime(record) / 1000);
    facts.ended = facts.ended || record.reply.ends_conversation;
    if (record.escalation) facts.handed_over = record.escalation->reason;
    for (const Json& event : record.events) {
      const std::string name = event.value("event", "");
      const int id = event.value("task", 0);
      if (name == "task_began") {
        tasks[id] = facts.tasks.size();
        facts.tasks.push_back(
            {event.value("name", ""), Json::object(), TaskFact::Outcome::kOpen, "", Json::object()});
        continue;
      }
      const auto found = tasks.find(id);
      if (found == tasks.end()) continue;
      TaskFact& task = facts.tasks[found->second];
      if (name == "slot_set" || name == "slot_inherited") {
        task.slots[event.value("name", "")] = event.value("value", Json());
      } else if (name == "slot_cleared") {
        task.slots.erase(event.value("name", ""));
      } else if (name == "task_done") {
        task.why = event.value("name", "");
        task.outcome = task.why.empty() ? TaskFact::Outcome::kDone : TaskFact::Outcome::kFailed;
        task.data = event.value("value", Json());
      } else if (name == "task_dropped") {
        task.outcome = TaskFact::Outcome::kDropped;
        task.why = event.value("name", "");
      }
    }
  }
  return facts;
}

Result<NoteForm> NoteForm::Parse(std::string_view text, std::string_view source) {
  NoteForm form;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#')) continue;
    const std::string here = fmt::format("{}:{}", source, number);
    std::optional<TaskFact::Outcome> each;
    if (line.starts_with('@')) {
      const size_t space = std::min(line.find(' '), line.size());
      const std::string_view name = line.substr(1, space - 1);
      for (size_t i = 0; i < std::size(kTaskOutcomes); ++i) {
        if (kTaskOutcomes[i] == name) each = static_cast<TaskFact::Outcome>(i);
      }
      if (!each) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "{}: no tasks are '{}' (@done, @failed, @open, @dropped)", here, name);
      }
      line.remove_prefix(std::min(space + 1, line.size()));
    }
    SOTTO_ASSIGN_OR_RETURN(ReplyTemplate parsed, ReplyTemplate::Parse(line, here));
    form.lines_.push_back({each, std::move(parsed)});
  }
  if (form.lines_.empty()) return MakeError(ErrorCode::kInvalidArgument, "{}: a form without a line", source);
  return form;
}

const NoteForm& NoteForm::Default() {
  static const NoteForm form = [] {
    auto parsed = Parse(kDefaultForm, "the built-in form");
    SOTTO_CHECK(parsed, "{}", parsed.error().message);
    return *std::move(parsed);
  }();
  return form;
}

std::string NoteForm::Write(const CallFacts& facts, const Workflow* workflow) const {
  Json call{{"session", facts.session},
            {"at", facts.at},
            {"turns", facts.turns},
            {"silences", facts.silences},
            {"seconds", std::round(facts.seconds)}};
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) call[name] = value;
  };
  set("workflow", facts.workflow);
  set("channel", facts.channel);
  set("customer", facts.caller.customer);
  set("verified_by", facts.caller.verified_by);
  set("address", facts.caller.address);
  set("handed_over", facts.handed_over);
  if (facts.not_understood > 0) call["not_understood"] = facts.not_understood;
  RenderOptions plain;
  plain.spoken_form = [](std::string_view, std::string_view value) { return std::string(value); };
  std::string note;
  const auto write = [&](const ReplyTemplate& text, const Json& values) {
    const auto rendered = text.Render(values, plain);
    // A line of brackets of which none had a value leaves its marks.
    if (!rendered || rendered->text.find_first_not_of(" .,;:-\t") == std::string::npos) return;
    note += rendered->text + "\n";
  };
  for (const Line& line : lines_) {
    if (!line.each) {
      write(line.text, call);
      continue;
    }
    for (const TaskFact& task : facts.tasks) {
      if (task.outcome != *line.each) continue;
      const ToolDef* tool = workflow == nullptr ? nullptr : workflow->FindTool(task.tool);
      Json values = call;
      values["tool"] = task.tool;
      values["what"] = tool == nullptr || tool->title.empty() ? PlainWords(task.tool) : tool->title;
      if (std::string details = SlotWords(task, tool); !details.empty())
        values["details"] = std::move(details);
      if (!task.why.empty()) values["why"] = PlainWords(task.why);
      values["slots"] = task.slots;
      if (task.data.is_object()) values["result"] = task.data;
      write(line.text, values);
    }
  }
  return note;
}

}  // namespace sotto
