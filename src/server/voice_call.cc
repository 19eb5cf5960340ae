#include "server/voice_call.h"

#include <algorithm>
#include <array>

#include "assistant/spoken_files.h"
#include "base/log.h"
#include "server/call_recording.h"
#include "server/hand_off_view.h"
#include "server/metrics.h"
#include "server/recordings.h"
#include "server/webhooks.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kLate{30};           // is heard: what a small jitter buffer would bridge
constexpr std::chrono::milliseconds kBeforeSpeech{400};  // it is noticed that much after it began, at most

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
  SOTTO_RETURN_IF_ERROR(call->Record());
  call->WatchForVoicemail();
  if (services.tracer != nullptr) {
    call->span_ = services.tracer->Begin(call->line_->trace(), "call", Span::Kind::kServer);
    call->span_.attributes = {{"sotto.workflow", workflow->name}, {"sotto.channel", call->channel_}};
  }
  return call;
}

VoiceSession::Callbacks VoiceCall::MakeCallbacks() {
  VoiceSession::Callbacks callbacks;
  callbacks.on_partial = [this](std::string_view partial) {
    if (voicemail_) voicemail_->Words(partial);
    line_->OnPartial(partial);
  };
  callbacks.on_speech = [this](bool speaks) {
    if (recording_ != nullptr && speaks) recording_->Doubt(services_.clock->Now() - kBeforeSpeech);
    line_->OnSpeech(speaks);
  };
  callbacks.on_reply = [this](const TurnRecord& record) {
    state_.Add(record);
    if (voicemail_) voicemail_->Words(record.heard.text);
    if (recording_ != nullptr) WatchSecrets(record);
    line_->OnReply(record, state_.View());
  };
  callbacks.on_turn = [this](const TurnRecord& record) {
    services_.metrics->Turn(record);
    if (services_.tracer != nullptr) services_.tracer->Turn(span_.context, record, began_wall_);
    secret_repeated_ = false;
    if (recording_ != nullptr) recording_->SetSecret(secret_asked_);
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

Result<void> VoiceCall::Record() {
  const Workflow& workflow = workflow_->deployment->workflow();
  if (!workflow.recording.calls) return {};
  if (services_.recordings == nullptr) {
    return MakeError(
        ErrorCode::kUnavailable,
        "calls of '{}' are to be recorded (`recording:`), and the server has no folder for it (--recordings)",
        workflow_->name);
  }
  auto begun = services_.recordings->Begin({id_, workflow_->name, channel_, workflow.recording.keep_days});
  if (!begun) {  // a full disk is no reason to hang up on people
    Log().error("a call is not recorded: {}", begun.error().message);
    services_.metrics->Recorded(workflow_->name, "failed", 0, 0, 0);
    return {};
  }
  recording_ = *std::move(begun);
  auto detector = Detector::For(workflow.language);
  secrets_.emplace(workflow, detector ? *detector : nullptr);
  return {};
}

void VoiceCall::WatchForVoicemail() {
  if (!line_->hears_refusals()) return;
  const Workflow& workflow = workflow_->deployment->workflow();
  const VoicemailWatch::Rule rule = VoicemailWatch::RuleOf(workflow);
  if (rule == VoicemailWatch::Rule::kNone) return;
  VoicemailWatch::Message message;
  if (rule == VoicemailWatch::Rule::kLeaveMessage)
    message = SpokenMessage(*workflow_->deployment, "voicemail");
  voicemail_.emplace(workflow, rule, std::move(message));
}

void VoiceCall::WatchSecrets(const TurnRecord& record) {
  const SecretWatch::Verdict verdict = secrets_->Look(record);
  if (verdict.said && record.times.speech_start >= 0) {
    const Duration since_began = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double, std::milli>(record.times.speech_start));
    recording_->Erase(began_ + since_began - kBeforeSpeech);
  }
  secret_asked_ = secrets_->Asks(state_.expectation());
  secret_repeated_ = verdict.repeated;
  recording_->SetSecret(secret_asked_ || secret_repeated_);
  recording_->Decided();
}

void VoiceCall::PauseRecording(bool paused) {
  if (recording_ != nullptr) recording_->Ask(paused);
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
    began_ = services_.clock->Now();
    began_wall_ = services_.clock->WallNow();
    session_->Start();
  }
  std::array<float, kFrameSamples> heard;
  std::array<float, kFrameSamples> said;
  hearing_.Take(heard);
  if (voicemail_) machine_ = voicemail_->Hear(heard) || machine_;
  // A machine is no partner: what the conversation would have said is not said.
  const bool goes_on = machine_ ? voicemail_->Say(said) : (session_->Step(heard, said), true);
  const bool silent = std::all_of(said.begin(), said.end(), [](float sample) { return sample == 0; });
  if (late > kLate && !silent) services_.metrics->LateFrames(1);
  if (recording_ != nullptr) recording_->Add(now, heard, said);
  line_->OnFrame(said, silent);
  if (machine_) return goes_on ? true : End(voicemail_->reason());
  Watch();
  return session_->ended() ? End(session_->hand_off() ? "handed_off" : "ended") : true;
}

void VoiceCall::Watch() {
  if (session_->paused() != paused_) {
    paused_ = session_->paused();
    line_->OnPaused(paused_);
  }
  if (recording_ != nullptr && recording_paused_ != recording_->paused()) {
    recording_paused_ = recording_->paused();
    line_->OnRecording(recording_->id(), *recording_paused_);
  }
  if (session_->late_frames() > late_frames_) {
    services_.metrics->LateFrames(session_->late_frames() - late_frames_);
    late_frames_ = session_->late_frames();
  }
}

bool VoiceCall::End(std::string_view reason) {
  over_ = true;
  services_.metrics->CallEnded(workflow_->name, reason);
  if (recording_ != nullptr) recording_->Finish();
  if (services_.tracer != nullptr) {
    span_.attributes.emplace_back("sotto.reason", std::string(reason));
    if (machine_) span_.attributes.emplace_back("sotto.voicemail", std::string(voicemail_->why()));
    span_.attributes.emplace_back("sotto.turns", static_cast<int64_t>(session_->turns()));
    services_.tracer->End(span_);
  }
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
