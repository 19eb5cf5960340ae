#include "assistant/text_session.h"

#include <utility>

#include "dialogue/script.h"

namespace sotto {
namespace {

// Whoever writes sees that something happens, and may have brought a large model.
constexpr std::chrono::seconds kUnderstandWithin{60};

}  // namespace

Result<std::unique_ptr<TextSession>> TextSession::Open(SessionServices services,
                                                       std::unique_ptr<Understander> understander,
                                                       std::string id, Caller caller, Channel words) {
  std::unique_ptr<TextSession> session(new TextSession);
  SessionOptions options;
  options.id = std::move(id);
  options.channel = "text";
  options.understand_within = kUnderstandWithin;
  options.caller = std::move(caller);
  SOTTO_ASSIGN_OR_RETURN(session->core_, SessionCore::Open(std::move(services), std::move(options),
                                                           std::move(understander), *session));
  session->core_->taker().set_channel(words);
  return session;
}

void TextSession::OnSettled() {
  TurnRecord& record = core_->record();
  record.times.done = record.times.replied;
  record.played_text = record.reply.text;
}

TurnRecord TextSession::Settled() {
  core_->Settle();
  core_->CloseRecord();
  return core_->record();
}

TurnRecord TextSession::Begin() {
  core_->Begin();
  TurnRecord& record = core_->record();
  record.times.endpoint = record.times.final_transcript = 0;
  return Settled();
}

TurnRecord TextSession::Say(std::string_view text) {
  TurnRecord& record = core_->NewTurn("text");
  record.times.endpoint = record.times.final_transcript = core_->Ms();
  record.heard.text = text;
  record.heard.final = true;
  core_->Take();
  return Settled();
}

TurnRecord TextSession::Silence() {
  TurnRecord& record = core_->NewTurn("no_input");
  record.times.endpoint = record.times.final_transcript = core_->Ms();
  core_->TakeSilence();
  return Settled();
}

void TypedUnderstander::Hear(std::string, Done peek) {
  if (peek) peek(MakeError(ErrorCode::kUnsupported, "typed calls have no partials"));
}

void TypedUnderstander::Commit(std::vector<Transcript::Hypothesis> hypotheses, Duration, Done done) {
  done(Read(std::move(hypotheses.front().text)));
}

Understanding TypedUnderstander::Read(std::string text) {
  Understanding understanding;
  understanding.made_by = MadeBy::kRule;
  understanding.confidence = 1;
  understanding.transcript = std::move(text);
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
