#include "assistant/text_session.h"

#include "base/check.h"
#include "base/log.h"
#include "base/utc.h"
#include "dialogue/script.h"

namespace sotto {

Result<std::unique_ptr<TextSession>> TextSession::Open(TextServices services,
                                                       std::unique_ptr<Understander> understander,
                                                       std::string id, Caller caller) {
  SOTTO_CHECK(services.program && services.actions != nullptr && services.clock != nullptr);
  if (id.empty()) return MakeError(ErrorCode::kInvalidArgument, "a session needs an id of its own");
  std::vector<Event> events;
  if (services.store != nullptr) {
    SOTTO_ASSIGN_OR_RETURN(events, services.store->Load(id, services.program->workflow().name));
    SOTTO_RETURN_IF_ERROR(CheckCaller(id, events, caller));
  }
  return std::unique_ptr<TextSession>(new TextSession(std::move(services), std::move(understander),
                                                      std::move(id), std::move(caller), std::move(events)));
}

TextSession::TextSession(TextServices services, std::unique_ptr<Understander> understander, std::string id,
                         Caller caller, std::vector<Event> events)
    : services_(std::move(services)),
      id_(std::move(id)),
      caller_(std::move(caller)),
      resumed_(!events.empty()),
      opened_at_(services_.clock->Now()),
      taker_(services_.program, std::move(understander), events),
      next_turn_(taker_.dialogue().state().turn) {}

TurnRecord TextSession::NewRecord(std::string ended_by) {
  taker_.SetToday(services_.today.value_or(LocalDate(services_.clock->WallNow())));
  TurnRecord record;
  record.session = id_;
  record.turn = next_turn_++;
  record.channel = "text";
  record.ended_by = std::move(ended_by);
  record.at = UtcStamp(services_.clock->WallNow());
  record.times.endpoint = record.times.final_transcript = Ms();
  return record;
}

Result<void> TextSession::Keep(std::span<const Event> events) {
  if (services_.store == nullptr) return {};
  return services_.store->Append(id_, services_.program->workflow().name, events, services_.clock->WallNow());
}

Result<void> TextSession::Know() { return Keep(taker_.Know(caller_)); }

Result<TurnRecord> TextSession::Settle(Decision decision, TurnRecord record) {
  while (true) {
    SOTTO_RETURN_IF_ERROR(Keep(decision.events));
    AddDecision(decision, &record);
    if (decision.hand_off) hand_off_ = decision.hand_off;
    if (!decision.action) break;
    const double begun = Ms();
    ToolResult result = RunAndWait(*services_.actions, *decision.action);
    record.times.acted = Ms();
    record.actions.push_back({*decision.action, result, record.times.acted - begun});
    decision = taker_.AfterAction(result, UtcStamp(services_.clock->WallNow()));
  }
  record.times.replied = record.times.done = Ms();
  record.played_text = record.reply.text;
  Finish(&record);
  return record;
}

void TextSession::Finish(TurnRecord* record) {
  taker_.Describe(record);
  if (services_.turns == nullptr) return;
  if (const auto written = services_.turns->Write(*record); !written) {
    Log().error("{}: turn {}: {}", record->session, record->turn, written.error().message);
    record->errors.push_back(written.error().message);
  }
}

Result<TurnRecord> TextSession::Begin() {
  TurnRecord record = NewRecord("begin");
  if (!resumed_) return Settle(taker_.Begin(id_, caller_), std::move(record));
  if (taker_.acting()) {  // goes on for whom it was begun
    const ActionRequest request = taker_.dialogue().running_action();
    const double begun = Ms();
    ToolResult result = RunAndWait(*services_.actions, request);
    record.times.acted = Ms();
    record.actions.push_back({request, result, record.times.acted - begun});
    SOTTO_ASSIGN_OR_RETURN(
        record, Settle(taker_.AfterAction(result, UtcStamp(services_.clock->WallNow())), std::move(record)));
    SOTTO_RETURN_IF_ERROR(Know());
    return record;
  }
  SOTTO_RETURN_IF_ERROR(Know());
  record.reply = taker_.dialogue().state().last_reply;
  record.times.replied = record.times.done = Ms();
  record.played_text = record.reply.text;
  Finish(&record);
  return record;
}

Result<TurnRecord> TextSession::Say(std::string_view text) {
  TurnRecord record = NewRecord("text");
  record.heard.text = text;
  record.heard.final = true;
  const Transcript::Hypothesis only{std::string(text), 0};
  Decision decision = taker_.Commit(std::span(&only, 1), &record);
  record.times.understood = Ms();
  return Settle(std::move(decision), std::move(record));
}

Result<TurnRecord> TextSession::Silence() {
  TurnRecord record = NewRecord("no_input");
  Decision decision = taker_.NoInput(&record);
  return Settle(std::move(decision), std::move(record));
}

Result<Understanding> TypedUnderstander::Commit(std::span<const Transcript::Hypothesis> hypotheses) {
  Understanding understanding;
  understanding.made_by = MadeBy::kRule;
  understanding.confidence = 1;
  if (!hypotheses.empty()) understanding.transcript = hypotheses.front().text;
  if (next_ < turns_.size()) {
    understanding.calls = turns_[next_++];
  } else {
    std::string_view rest = understanding.transcript;
    while (!rest.empty()) {
      const size_t end = rest.find(';');
      const auto call = ParseCall(rest.substr(0, end), *workflow_);
      if (!call) {
        understanding.calls.clear();
        break;
      }
      understanding.calls.push_back(*call);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
  if (understanding.calls.empty())
    understanding.calls.push_back({{workflow_->unclear_tool, Json::object()}, 1, {}});
  return understanding;
}

}  // namespace sotto
