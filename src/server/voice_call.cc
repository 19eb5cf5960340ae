#include "server/voice_call.h"

#include <algorithm>
#include <array>

#include "server/hand_off_view.h"
#include "server/metrics.h"
#include "server/webhooks.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kLate{30};  // is heard: what a small jitter buffer would bridge

}  // namespace

VoiceCall::VoiceCall(ServedWorkflowPtr workflow, const Services& services, std::string id,
                     std::shared_ptr<VoiceLine> line)
    : workflow_(std::move(workflow)),
      services_(services),
      id_(std::move(id)),
      line_(std::move(line)),
      state_(workflow_->deployment->parts().program) {
  services_.metrics->CallBegan(workflow_->name);
}

VoiceCall::~VoiceCall() {
  if (!over_) services_.metrics->CallEnded(workflow_->name, "server_stops");
}

Result<std::shared_ptr<VoiceCall>> VoiceCall::Open(ServedWorkflowPtr workflow, const Services& services,
                                                   VoiceOptions options, std::shared_ptr<VoiceLine> line) {
  workflow = ArmOf(std::move(workflow), options.session.caller, options.session.id);
  VoiceServices voice =
      workflow->deployment->ServicesWithVoice(*services.clock, services.journal, services.turns);
  std::unique_ptr<Understander> understander = workflow->deployment->NewUnderstander(*services.scheduler);
  std::shared_ptr<VoiceCall> call(new VoiceCall(workflow, services, options.session.id, std::move(line)));
  call->channel_ = options.session.channel;
  SOTTO_ASSIGN_OR_RETURN(call->session_, VoiceSession::Create(std::move(voice), std::move(understander),
                                                              std::move(options), call->MakeCallbacks()));
  return call;
}

VoiceSession::Callbacks VoiceCall::MakeCallbacks() {
  VoiceSession::Callbacks callbacks;
  callbacks.on_partial = [this](std::string_view partial) { line_->OnPartial(partial); };
  callbacks.on_speech = [this](bool speaks) { line_->OnSpeech(speaks); };
  callbacks.on_reply = [this](const TurnRecord& record) {
    state_.Add(record);
    line_->OnReply(record, state_.View());
  };
  callbacks.on_turn = [this](const TurnRecord& record) {
    services_.metrics->Turn(record);
    line_->OnTurn(record);
  };
  return callbacks;
}

void VoiceCall::Key(char key) {
  inbox_->Put([this, key] { session_->Key(key); });
}

void VoiceCall::Type(std::string text) {
  inbox_->Put([this, text = std::move(text)] { session_->Type(text); });
}

void VoiceCall::Hush() {
  inbox_->Put([this] { session_->Hush(); });
}

void VoiceCall::Hold() {
  inbox_->Put([this] { held_since_ = services_.clock->Now(); });
}

void VoiceCall::Resume() {
  inbox_->Put([this] { held_since_.reset(); });
}

void VoiceCall::HangUp(std::string reason) {
  inbox_->Put([this, reason = std::move(reason)] { hang_up_ = reason; });
}

bool VoiceCall::Step(Duration late) {
  inbox_->Read();
  if (!hang_up_.empty()) return End(hang_up_);
  const TimePoint now = services_.clock->Now();
  if (held_since_) return now - *held_since_ < services_.hold ? true : End("lost");
  if (!started_) {
    started_ = true;
    session_->Start();
  }
  std::array<float, kFrameSamples> heard;
  std::array<float, kFrameSamples> said;
  hearing_.Take(heard);
  session_->Step(heard, said);
  const bool silent = std::all_of(said.begin(), said.end(), [](float sample) { return sample == 0; });
  if (late > kLate && !silent) services_.metrics->LateFrames(1);
  line_->OnFrame(said, silent);
  Watch();
  return session_->ended() ? End(session_->hand_off() ? "handed_off" : "ended") : true;
}

void VoiceCall::Watch() {
  if (session_->paused() != paused_) {
    paused_ = session_->paused();
    line_->OnPaused(paused_);
  }
  if (session_->late_frames() > late_frames_) {
    services_.metrics->LateFrames(session_->late_frames() - late_frames_);
    late_frames_ = session_->late_frames();
  }
}

bool VoiceCall::End(std::string_view reason) {
  over_ = true;
  services_.metrics->CallEnded(workflow_->name, reason);
  line_->OnEnd(reason, session_->hand_off());
  if (services_.webhooks != nullptr) {
    const auto& hand_off = session_->hand_off();
    services_.webhooks->Tell(hand_off ? "call.handed_off" : "call.ended",
                             {{"session", id_},
                              {"workflow", workflow_->name},
                              {"channel", channel_},
                              {"reason", reason},
                              {"turns", session_->turns()},
                              {"hand_off", HandOffView(hand_off)}});
  }
  return false;
}

}  // namespace sotto
