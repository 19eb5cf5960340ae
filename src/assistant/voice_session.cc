#include "assistant/voice_session.h"

#include <utility>

#include "assistant/caller_names.h"
#include "base/check.h"
#include "base/log.h"

namespace sotto {

VoiceSession::VoiceSession(VoiceServices services, VoiceOptions options, Callbacks callbacks)
    : services_(std::move(services)),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      endpointer_(options_.endpoint),
      speaker_(services_.phrases, *services_.synthesis, services_.synthesizer, services_.wait_for_synthesis),
      played_(kFrameSamples) {}

VoiceSession::~VoiceSession() = default;

Result<std::unique_ptr<VoiceSession>> VoiceSession::Create(VoiceServices services,
                                                           std::unique_ptr<Understander> understander,
                                                           VoiceOptions options, Callbacks callbacks) {
  SOTTO_CHECK(services.recognizers != nullptr && services.phrases != nullptr &&
              services.synthesis != nullptr);
  std::unique_ptr<VoiceSession> session(
      new VoiceSession(std::move(services), std::move(options), std::move(callbacks)));
  SOTTO_ASSIGN_OR_RETURN(session->core_, SessionCore::Open(session->services_, session->options_.session,
                                                           std::move(understander), *session));
  session->core_->taker().set_channel(Channel::kSpoken);
  SOTTO_ASSIGN_OR_RETURN(session->front_end_, FrontEnd::Create(session->options_.front_end));
  SOTTO_ASSIGN_OR_RETURN(session->recognizer_, session->services_.recognizers->Acquire());
  session->ExpectNames(session->options_.names);
  return session;
}

void VoiceSession::Start() {
  record_open_ = true;
  next_filler_ = Now() + options_.filler_after;
  core_->Begin();
  AskNames();
}

void VoiceSession::AskNames() {
  const Caller& caller = core_->taker().dialogue().state().caller;
  if (names_asked_ || !services_.names.is_object() || caller.customer.empty() || !caller.verified()) return;
  names_asked_ = true;
  ActionRequest request;
  request.action = services_.names.at("use").get<std::string>();
  request.options = services_.names;
  request.options.erase("use");
  request.caller = caller;
  request.session = core_->id();
  services_.actions->Start(std::move(request), [inbox = core_->inbox(), this](ToolResult result) {
    inbox->Put([this, result = std::move(result)] {
      if (result.ok) return ExpectNames(NamesIn(result.data));
      Log().warn("{}: the caller's names are not known: {}", core_->id(), result.failure);
    });
  });
}

void VoiceSession::ExpectNames(std::vector<std::string> more) {
  if (AddNames(more, &names_)) recognizer_->SetPhrases(names_);
}

void VoiceSession::Step(std::span<const float> microphone, std::span<float> loudspeaker) {
  SOTTO_CHECK(microphone.size() == kFrameSamples && loudspeaker.size() == kFrameSamples);
  front_end_->Played(played_);
  clean_.assign(microphone.begin(), microphone.end());
  const FrontEnd::Frame frame = front_end_->Process(clean_);
  Poll();
  if (!core_->idle() && Now() >= next_filler_ && !speaker_.busy() && !held_) SayFiller();
  if (!keys_.empty() && Now() - last_key_ > options_.key_pause) EnterKeys();
  if (!typed_.empty()) EnterTyped();
  Listen(clean_, frame.voiced);
  Poll();
  const bool spoke = speaker_.NextFrame(loudspeaker);
  played_.assign(loudspeaker.begin(), loudspeaker.end());
  AfterFrame(spoke);
}

void VoiceSession::Poll() {
  core_->Poll();
  if (finalising_ && Now() >= finalising_->deadline) {
    OnFinal(MakeError(ErrorCode::kTimeout, "{}: no final within {} ms", services_.recognizers->name(),
                      options_.final_within.count()));
  }
  if (held_ && !thinking()) TakeUpHeld();
  core_->inbox()->Read();
}

TurnRecord& VoiceSession::NewTurn(std::string ended_by) {
  if (record_open_) CloseRecord(false);
  record_open_ = true;
  next_filler_ = Now() + options_.filler_after;
  return core_->NewTurn(std::move(ended_by));
}

void VoiceSession::CloseRecord(bool interrupted) {
  if (!record_open_) return;
  record_open_ = false;
  TurnRecord& record = core_->record();
  const Speaker::Heard heard = speaker_.heard();
  record.played_ms = static_cast<double>(heard.audio.count());
  record.played_text = heard.text;
  record.interrupted = interrupted;
  record.times.done = core_->Ms();
  if (const auto error = speaker_.TakeError()) {
    Log().error("{}: turn {}: cannot speak: {}", record.session, record.turn, error->message);
    record.errors.push_back(error->message);
  }
  core_->CloseRecord();
  if (callbacks_.on_turn) callbacks_.on_turn(record);
}

void VoiceSession::TakeSilence() {
  NewTurn("no_input").times.endpoint = core_->Ms();
  core_->TakeSilence();
}

void VoiceSession::OnDecision(const Decision& decision) {
  ending_ = ending_ || decision.ended;
  if (!decision.reply.parts.empty()) {
    interruptible_ = decision.reply.interruptible;
    speaker_.Append(decision.reply);  // a filler may still be playing
  }
  if (!decision.action) return;
  endpointer_.Hold();
  next_filler_ = Now() + options_.filler_after;
}

void VoiceSession::OnSettled() {
  prepare_in_frames_ = 2;
  silent_too_long_ = false;
  Expect(false);
  TurnRecord& record = core_->record();
  AskNames();  // who is calling may be known since this turn
  for (const TurnRecord::Action& action : record.actions) ExpectNames(NamesIn(action.result.data));
  record.voice = services_.phrases->synthesizer().name();
  if (callbacks_.on_reply) callbacks_.on_reply(record);
}

void VoiceSession::Expect(bool start_timer) {
  endpointer_.Listen(ListeningModeFor(core_->taker().workflow(), core_->taker().expectation()));
  if (!start_timer) endpointer_.Hold();
}

void VoiceSession::SayFiller() {
  const DialogueProgram::Variants& texts = services_.program->Message("working");
  const auto reply = texts[fillers_said_++ % texts.size()].Render(Json::object());
  next_filler_ = Now() + options_.filler_again;
  if (!reply) return;
  core_->record().fillers = true;
  interruptible_ = false;
  speaker_.Say(*reply);
}

void VoiceSession::AfterFrame(bool spoke) {
  TurnRecord& record = core_->record();
  if (spoke && record_open_ && record.times.first_audio < 0) record.times.first_audio = core_->Ms();
  if (core_->acting()) return;
  if (prepare_in_frames_ > 0 && (spoke || !speaker_.busy()) && --prepare_in_frames_ == 0 && !ending_ &&
      core_->idle()) {
    core_->taker().Prepare();
  }
  if (speaker_.busy() || !record_open_ || record.times.replied < 0) return;
  if (ending_ && core_->storing()) return;
  CloseRecord(false);
  if (ending_) {
    ended_ = true;
  } else {
    Expect(true);
  }
}

}  // namespace sotto
