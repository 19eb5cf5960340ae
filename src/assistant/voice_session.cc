#include "assistant/voice_session.h"

#include <algorithm>
#include <atomic>

#include "base/check.h"
#include "base/log.h"
#include "base/utc.h"

namespace sotto {

struct VoiceSession::RunningAction {
  ActionRequest request;
  ToolResult result;  // written before `done`
  std::atomic<bool> done{false};
  TimePoint started;
  TimePoint next_filler;
};

VoiceSession::VoiceSession(VoiceServices services, std::unique_ptr<Understander> understander,
                           VoiceOptions options, Callbacks callbacks)
    : services_(std::move(services)),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      endpointer_(options_.endpoint),
      speaker_(services_.phrases, services_.synthesis, services_.wait_for_synthesis),
      taker_(services_.program, std::move(understander)),
      played_(kFrameSamples) {
  taker_.set_channel(Channel::kSpoken);
}

VoiceSession::~VoiceSession() = default;

Result<std::unique_ptr<VoiceSession>> VoiceSession::Create(VoiceServices services,
                                                           std::unique_ptr<Understander> understander,
                                                           VoiceOptions options, Callbacks callbacks) {
  SOTTO_CHECK(services.program != nullptr && services.recognizers != nullptr && services.phrases != nullptr);
  SOTTO_CHECK(services.actions != nullptr && services.clock != nullptr && understander != nullptr);
  if (options.session_id.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "a session needs an id of its own");
  }
  std::unique_ptr<VoiceSession> session(new VoiceSession(std::move(services), std::move(understander),
                                                         std::move(options), std::move(callbacks)));
  SOTTO_ASSIGN_OR_RETURN(session->front_end_, FrontEnd::Create(session->options_.front_end));
  SOTTO_ASSIGN_OR_RETURN(session->recognizer_, session->services_.recognizers->Acquire());
  return session;
}

void VoiceSession::Start() {
  started_at_ = Now();
  last_voiced_ = started_at_;
  OpenRecord(NewRecord("begin"));
  Apply(taker_.Begin(options_.session_id, options_.caller));
}

void VoiceSession::Step(std::span<const float> microphone, std::span<float> loudspeaker) {
  SOTTO_CHECK(microphone.size() == kFrameSamples && loudspeaker.size() == kFrameSamples);
  front_end_->Played(played_);
  clean_.assign(microphone.begin(), microphone.end());
  const FrontEnd::Frame frame = front_end_->Process(clean_);
  if (frame.voiced) last_voiced_ = Now();
  PollAction();
  if (!keys_.empty() && Now() - last_key_ > options_.key_pause) EnterKeys();
  Listen(clean_, frame.voiced);
  const bool spoke = speaker_.NextFrame(loudspeaker);
  played_.assign(loudspeaker.begin(), loudspeaker.end());
  AfterFrame(spoke);
}

TurnRecord VoiceSession::NewRecord(std::string ended_by) {
  taker_.SetToday(services_.today.value_or(LocalDate(services_.clock->WallNow())));
  TurnRecord record;
  record.session = options_.session_id;
  record.turn = next_turn_++;
  record.at = UtcStamp(services_.clock->WallNow());
  record.channel = options_.channel;
  record.ended_by = std::move(ended_by);
  record.voice = services_.phrases->synthesizer().name();
  return record;
}

void VoiceSession::OpenRecord(TurnRecord record) {
  if (record_) CloseRecord(false);
  record_ = std::move(record);
}

void VoiceSession::CloseRecord(bool interrupted) {
  if (!record_) return;
  const Speaker::Heard heard = speaker_.heard();
  record_->played_ms = static_cast<double>(heard.audio.count());
  record_->played_text = heard.text;
  record_->interrupted = interrupted;
  record_->times.done = Ms(Now());
  if (const auto error = speaker_.TakeError()) {
    Log().error("{}: turn {}: cannot speak: {}", record_->session, record_->turn, error->message);
    record_->errors.push_back(error->message);
  }
  taker_.Describe(&*record_);
  const TurnRecord record = *std::move(record_);
  record_.reset();
  if (callbacks_.on_turn) callbacks_.on_turn(record);
}

void VoiceSession::TakeTurn(const Transcript& heard, TurnRecord record) {
  record.heard = heard;
  std::vector<Transcript::Hypothesis> hypotheses = heard.n_best;
  if (hypotheses.empty()) hypotheses.push_back({heard.text, 0});
  const Decision decision = taker_.Commit(hypotheses, &record);
  record.times.understood = Ms(Now());
  OpenRecord(std::move(record));
  Apply(decision);
}

void VoiceSession::TakeSilence() {
  TurnRecord record = NewRecord("no_input");
  record.times.endpoint = Ms(Now());
  const Decision decision = taker_.NoInput(&record);
  OpenRecord(std::move(record));
  Apply(decision);
}

void VoiceSession::Apply(Decision decision) {
  AddDecision(decision, &*record_);
  if (decision.hand_off) hand_off_ = std::move(decision.hand_off);
  ending_ = ending_ || decision.ended;
  if (!decision.reply.parts.empty()) {
    interruptible_ = decision.reply.interruptible;
    speaker_.Append(decision.reply);  // a filler may still be playing
  }
  if (decision.action) {
    RunAction(*std::move(decision.action));
    return;
  }
  record_->times.replied = Ms(Now());
  prepare_in_frames_ = 2;
  Expect(false);
  if (callbacks_.on_reply) callbacks_.on_reply(*record_);
}

void VoiceSession::Expect(bool start_timer) {
  endpointer_.Listen(ListeningModeFor(taker_.workflow(), taker_.expectation()));
  if (!start_timer) endpointer_.Hold();
}

void VoiceSession::RunAction(ActionRequest request) {
  action_ = std::make_shared<RunningAction>();
  action_->request = std::move(request);
  action_->started = Now();
  action_->next_filler = action_->started + options_.filler_after;
  endpointer_.Hold();
  auto job = [running = action_, runner = services_.actions] {
    running->result = RunAndWait(*runner, running->request);
    running->done.store(true, std::memory_order_release);
  };
  if (services_.run_action) {
    services_.run_action(std::move(job));
  } else {
    job();
  }
  PollAction();
}

void VoiceSession::PollAction() {
  if (!action_) return;
  if (!action_->done.load(std::memory_order_acquire)) {
    if (Now() >= action_->next_filler && !speaker_.busy()) SayFiller();
    return;
  }
  const std::shared_ptr<RunningAction> finished = std::move(action_);
  action_.reset();
  record_->actions.push_back({finished->request, finished->result, Milliseconds(Now() - finished->started)});
  record_->times.acted = Ms(Now());
  Apply(taker_.AfterAction(finished->result, UtcStamp(services_.clock->WallNow())));
}

void VoiceSession::SayFiller() {
  const DialogueProgram::Variants& texts = services_.program->Message("working");
  const auto reply = texts[fillers_said_++ % texts.size()].Render(Json::object());
  action_->next_filler = Now() + options_.filler_again;
  if (!reply) return;
  record_->fillers = true;
  interruptible_ = false;
  speaker_.Say(*reply);
}

void VoiceSession::AfterFrame(bool spoke) {
  if (spoke && record_ && record_->times.first_audio < 0) record_->times.first_audio = Ms(Now());
  if (action_) return;
  if (prepare_in_frames_ > 0 && (spoke || !speaker_.busy()) && --prepare_in_frames_ == 0 && !ending_) {
    if (const auto prepared = taker_.Prepare(); !prepared)
      Log().error("the brain failed: {}", prepared.error().message);
  }
  if (speaker_.busy() || !record_ || record_->times.replied < 0) return;
  CloseRecord(false);
  if (ending_) {
    ended_ = true;
  } else {
    Expect(true);
  }
}

}  // namespace sotto
