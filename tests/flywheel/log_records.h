// Turn records as tests write them: a conversation of a small workflow, turn by turn.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/turn_record.h"
#include "flywheel/log_view.h"
#include "workflow/parse.h"

namespace sotto {

inline std::shared_ptr<const Workflow> BankingWorkflow() {
  static const auto workflow = *LoadWorkflow(std::string(SOTTO_SOURCE_DIR) + "/workflows/banking");
  return workflow;
}

// One session's records, in order; `Say` adds a turn of the caller's.
struct LoggedSession {
  explicit LoggedSession(std::string id) : session(std::move(id)) {}

  TurnRecord& Say(std::string words, std::vector<ToolCall> calls, double confidence = 0.95) {
    TurnRecord& record = records.emplace_back();
    record.session = session;
    record.turn = static_cast<int>(records.size());
    record.at = "2026-11-02T08:00:00Z";
    record.channel = "text";
    record.workflow = "banking";
    record.ended_by = "text";
    record.heard.text = words;
    record.events.push_back({{"event", "user_said"}, {"name", words}});
    Understanding& understood = record.understood.emplace();
    understood.transcript = std::move(words);
    understood.confidence = confidence;
    for (ToolCall& call : calls) {
      Understanding::Call one;
      one.call = std::move(call);
      one.confidence = confidence;
      understood.calls.push_back(std::move(one));
    }
    return record;
  }

  std::vector<StoredTurn> stored() const {
    std::vector<StoredTurn> turns;
    for (const TurnRecord& record : records) {
      StoredTurn& turn = turns.emplace_back();
      turn.id = static_cast<int64_t>(turns.size());
      turn.source = source;
      turn.record = record;
    }
    return turns;
  }

  std::string session;
  std::string source = "live";
  std::vector<TurnRecord> records;
};

inline Json EventJson(const char* event, int task = 0, const char* name = "", Json value = nullptr) {
  Json json{{"event", event}};
  if (task != 0) json["task"] = task;
  if (*name != 0) json["name"] = name;
  if (!value.is_null()) json["value"] = std::move(value);
  return json;
}

}  // namespace sotto
