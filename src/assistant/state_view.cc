#include "assistant/state_view.h"

#include "core/conversation_jsonl.h"

namespace sotto {
namespace {

constexpr size_t kFinishedShown = 8;

const ToolDef* ToolOf(const Workflow& workflow, std::string_view name) {
  for (const ToolDef& tool : workflow.tools) {
    if (tool.name == name) return &tool;
  }
  return nullptr;
}

Json TaskView(const Workflow& workflow, int id, const std::string& tool, const Json& slots,
              const char* status) {
  const ToolDef* def = ToolOf(workflow, tool);
  Json view = {{"id", id},         {"tool", tool},   {"title", def == nullptr ? tool : def->title},
               {"status", status}, {"slots", slots}, {"missing", Json::array()}};
  if (def == nullptr || std::string_view(status) == "done" || std::string_view(status) == "failed") {
    return view;
  }
  for (const Slot& slot : def->slots) {
    if (slot.required && slot.when.empty() && !slots.contains(slot.name)) {
      view["missing"].push_back({{"slot", slot.name}, {"ask", slot.ask}});
    }
  }
  return view;
}

}  // namespace

Json StateView(const DialogueProgram& program, const DialogueState& state) {
  const Workflow& workflow = program.workflow();
  Json tasks = Json::array();
  for (auto task = state.stack.rbegin(); task != state.stack.rend(); ++task) {
    tasks.push_back(TaskView(workflow, task->id, task->tool, task->slots,
                             task == state.stack.rbegin() ? "open" : "suspended"));
  }
  for (const QueuedTask& task : state.queue) {
    tasks.push_back(TaskView(workflow, 0, task.call.name, task.call.arguments, "queued"));
  }
  size_t shown = 0;
  for (auto task = state.finished.rbegin(); task != state.finished.rend() && shown < kFinishedShown;
       ++task, ++shown) {
    Json view =
        TaskView(workflow, task->id, task->tool, task->slots, task->failure.empty() ? "done" : "failed");
    if (!task->failure.empty()) view["failure"] = task->failure;
    tasks.push_back(std::move(view));
  }
  return {{"expectation", ToJson(ToExpectation(state))},
          {"pending", Pending::KindName(state.pending.kind)},
          {"tasks", std::move(tasks)},
          {"caller", ToJson(state.caller)},
          {"acting", state.acting != 0},
          {"ended", state.ended}};
}

void StateWatch::Add(const TurnRecord& record) {
  for (const Json& json : record.events) {
    if (const auto event = EventFromJson(json)) Apply(state_, *event);
  }
}

}  // namespace sotto
