#include "flywheel/patterns_struggle.h"

#include <algorithm>
#include <map>
#include <set>

namespace sotto {
namespace {

class StruggleCounter {
 public:
  void Session(const std::vector<StoredTurn>& session) {
    open_.clear();
    slots_.clear();
    const TurnRecord* before = nullptr;
    for (const StoredTurn& turn : session) {
      const TurnRecord& record = turn.record;
      const Expectation& asked = record.expectation;
      if (asked.kind == Expectation::Kind::kSlots)
        for (const std::string& slot : asked.slots)
          if (before == nullptr || before->expectation != asked) ++Of(asked.tool, slot).tasks;
      // The same question a second time, after words that did not answer it.
      if (before != nullptr && HasWords(*before) && asked.kind != Expectation::Kind::kNone &&
          before->expectation == asked)
        Blame(asked, &Struggle::again);
      if (record.outcome == TurnRecord::Outcome::kNoInput) Blame(asked, &Struggle::silences);
      for (const Json& event : record.events) Event(EventOf(event));
      if (record.outcome == TurnRecord::Outcome::kEscalated) {
        if (asked.kind != Expectation::Kind::kNone) {
          Blame(asked, &Struggle::handoffs);
        } else if (!open_.empty()) {
          ++Of(open_.rbegin()->second, "").handoffs;
        }
        open_.clear();
      }
      before = &record;
    }
    for (const auto& [task, tool] : open_) ++Of(tool, "").abandoned;
  }

  std::vector<Struggle> Take() {
    std::vector<Struggle> all;
    for (auto& [key, struggle] : counts_) all.push_back(std::move(struggle));
    std::stable_sort(all.begin(), all.end(), [](const Struggle& a, const Struggle& b) {
      return a.rate() * static_cast<double>(a.tasks) > b.rate() * static_cast<double>(b.tasks);
    });
    return all;
  }

 private:
  Struggle& Of(const std::string& tool, const std::string& slot) {
    Struggle& one = counts_[{tool, slot}];
    one.tool = tool;
    one.slot = slot;
    return one;
  }

  void Blame(const Expectation& asked, size_t Struggle::*what) {
    if (asked.tool.empty()) return;
    ++(Of(asked.tool, "").*what);
    for (const std::string& slot : asked.slots) ++(Of(asked.tool, slot).*what);
  }

  void Event(const LoggedEvent& event) {
    if (event.type == "task_began") {
      open_[event.task] = event.name;
      ++Of(event.name, "").tasks;
    } else if (event.type == "slot_set") {
      const std::string tool = open_.contains(event.task) ? open_[event.task] : "";
      const Json value = event.value == nullptr ? Json() : *event.value;
      const auto [known, fresh] = slots_.try_emplace({event.task, event.name}, value);
      if (!fresh && !SameValue(known->second, value) && !tool.empty()) {
        ++Of(tool, "").corrected;
        ++Of(tool, event.name).corrected;
      }
      known->second = value;
    } else if (event.type == "task_done") {
      if (const auto open = open_.find(event.task); open != open_.end()) {
        if (event.name.empty()) ++Of(open->second, "").done;
        open_.erase(open);
      }
    } else if (event.type == "task_dropped") {
      if (const auto open = open_.find(event.task); open != open_.end()) {
        ++Of(open->second, "").abandoned;
        open_.erase(open);
      }
    }
  }

  std::map<std::pair<std::string, std::string>, Struggle> counts_;
  std::map<int, std::string> open_;  // tasks of this session and their tools
  std::map<std::pair<int, std::string>, Json> slots_;
};

}  // namespace

std::vector<Struggle> FindStruggles(const LogView& log) {
  StruggleCounter counter;
  for (const auto& session : log.sessions) counter.Session(session);
  return counter.Take();
}

}  // namespace sotto
