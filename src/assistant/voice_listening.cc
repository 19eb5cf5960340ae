// The half of VoiceSession that listens: from frames to the end of a turn.
#include <algorithm>

#include "assistant/voice_session.h"
#include "base/check.h"
#include "base/log.h"
#include "text/consent.h"

namespace sotto {
namespace {

constexpr size_t kPreRollFrames = 30;  // what the recognizer gets from before speech was noticed
constexpr auto kOnset = std::chrono::milliseconds(80);
constexpr int kPartialEveryFrames = 8;
constexpr auto kPause = std::chrono::milliseconds(90);
constexpr int kFalseInterruptionFrames = 200;  // so long without a word: noise
constexpr double kNoiseConfidence = 0.15;
constexpr size_t kPlainAnswerWords = 4;
// Speech this soon after the end of a turn means that the turn had not ended.
constexpr double kCutOffMs = 1000;
constexpr double kCutOffHeardMs = 400;
constexpr size_t kMaxHeldFrames = 2000;  // what is older is dropped

size_t CountWords(std::string_view text) {
  if (text.empty()) return 0;
  return static_cast<size_t>(std::count(text.begin(), text.end(), ' ')) + 1;
}

// Noise is heard as one or two words that the recognizer itself does not believe.
// Not where yes or no is waited for: "yes", "yeah" and "yep" share one probability there.
bool IsNoise(const Transcript& transcript, ListeningMode mode) {
  if (transcript.text.empty()) return true;
  if (mode == ListeningMode::kYesNo) return false;
  if (transcript.words.empty() || transcript.words.size() > 2) return false;
  return std::all_of(transcript.words.begin(), transcript.words.end(),
                     [](const TranscriptWord& word) { return word.confidence < kNoiseConfidence; });
}

}  // namespace

template <typename T, typename Handle>
std::function<void(T)> VoiceSession::ForUtterance(Handle handle) {
  return [inbox = core_->inbox(), this, number = utterance_number_, handle](T told) {
    inbox->Put([this, number, handle, told = std::move(told)] {
      if (number == utterance_number_) (this->*handle)(told);
    });
  };
}

void VoiceSession::Listen(std::span<const float> frame, bool voiced) {
  pre_roll_.emplace_back(frame.begin(), frame.end());
  if (pre_roll_.size() > kPreRollFrames) pre_roll_.pop_front();
  if (core_->acting() || ending_) {  // nothing said now could still be taken up
    if (utterance_ || finalising_ || held_) DropUtterance();
    endpointer_.Reset();
    return;
  }
  needed_pause_ = endpointer_.needed();
  const Endpointer::Event event = endpointer_.Advance(voiced);
  if (held_) {
    if (voiced) held_->last_voiced = Now();
    held_->frames.emplace_back(frame.begin(), frame.end());
    if (held_->frames.size() > kMaxHeldFrames) held_->frames.pop_front();
  }
  if (utterance_) {
    if (voiced) utterance_->last_voiced = Now();
    recognizer_->Feed(frame);
    ++utterance_->frames;
    if (event == Endpointer::Event::kNone) ListenAlong();
  }
  switch (event) {
    case Endpointer::Event::kNone:
      break;
    case Endpointer::Event::kSpeechStart:
      OnSpeechStart();
      break;
    case Endpointer::Event::kSpeechEnd:
    case Endpointer::Event::kTooLong:
      OnSpeechEnd(event);
      break;
    case Endpointer::Event::kNoInput:
      if (thinking()) {
        silent_too_long_ = true;
      } else {
        TakeSilence();
      }
      break;
  }
}

void VoiceSession::OnSpeechStart() {
  if (!thinking()) {
    if (!BeginUtterance(Now() - kOnset)) return;
    for (const std::vector<float>& frame : pre_roll_) recognizer_->Feed(frame);
  } else if (held_) {
    held_->ended.reset();  // goes on
  } else {
    held_.emplace();
    held_->start = Now() - kOnset;
    held_->last_voiced = Now();
    held_->frames = pre_roll_;
  }
}

void VoiceSession::OnSpeechEnd(Endpointer::Event why) {
  if (utterance_) {
    EndUtterance(why, Now());
  } else if (held_) {
    held_->ended = why;
    held_->ended_at = Now();
  }
}

bool VoiceSession::BeginUtterance(TimePoint start) {
  if (RefusesSpeech()) {
    endpointer_.Reset();
    return false;
  }
  TurnRecord& record = core_->record();
  if (record_open_ && record.times.endpoint >= 0) {
    const double noticed = core_->Ms(start + kOnset);
    const double audio = record.times.first_audio;
    record.cut_off =
        noticed - record.times.endpoint < kCutOffMs && (audio < 0 || noticed - audio < kCutOffHeardMs);
  }
  Utterance utterance;
  utterance.start = start;
  utterance.last_voiced = start + kOnset;
  utterance.mode = ListeningModeFor(core_->taker().workflow(), core_->taker().expectation());
  if (speaker_.busy()) {
    speaker_.Pause();
    utterance.interrupts = true;
  }
  ++utterance_number_;
  recognizer_->Start(utterance.mode);
  utterance_ = std::move(utterance);
  if (callbacks_.on_speech) callbacks_.on_speech(true);
  return true;
}

// The turn before is decided: what was said meanwhile is heard now.
void VoiceSession::TakeUpHeld() {
  const Held held = *std::exchange(held_, std::nullopt);
  if (ending_ || !BeginUtterance(held.start)) return;
  utterance_->last_voiced = held.last_voiced;
  utterance_->frames = static_cast<int>(held.frames.size());
  for (const std::vector<float>& frame : held.frames) recognizer_->Feed(frame);
  if (held.ended) EndUtterance(*held.ended, held.ended_at);
}

void VoiceSession::ListenAlong() {
  Utterance& utterance = *utterance_;
  if (endpointer_.silence() >= kPause) {
    // The end of the turn may wait for this one: it waits for none that was asked for before.
    if (std::exchange(utterance.pause_asked, true)) return;
    recognizer_->Partial(true, ForUtterance<std::optional<Transcript>>(&VoiceSession::OnPausePartial));
  } else if (!utterance.partial_asked && utterance.frames % kPartialEveryFrames == 0) {
    utterance.partial_asked = true;
    recognizer_->Partial(false, ForUtterance<std::optional<Transcript>>(&VoiceSession::OnPartial));
  }
}

void VoiceSession::OnPartial(const std::optional<Transcript>& partial) {
  if (!utterance_) return;  // it is over: its final comes
  utterance_->partial_asked = false;
  TakePartial(partial);
}

void VoiceSession::OnPausePartial(const std::optional<Transcript>& partial) {
  if (!utterance_) return;
  utterance_->pause_asked = false;
  TakePartial(partial);
}

void VoiceSession::TakePartial(const std::optional<Transcript>& partial) {
  Utterance& utterance = *utterance_;
  if (!partial) return;
  if (partial->text != utterance.partial) {
    utterance.partial = partial->text;
    utterance.last_partial_at = Now();
    endpointer_.SetLong(CountWords(utterance.partial) > kPlainAnswerWords);
    utterance.grasp = TurnTaker::Grasp::kNothing;
    if (options_.listen_along) core_->taker().Hear(utterance.partial, nullptr);
    if (callbacks_.on_partial) callbacks_.on_partial(utterance.partial);
  }
  if (utterance.interrupts && utterance.frames >= kFalseInterruptionFrames &&
      IsBackchannel(utterance.partial)) {
    DropUtterance();
    speaker_.Resume();
    return;
  }
  if (options_.listen_along && endpointer_.silence() >= kPause && !utterance.partial.empty() &&
      utterance.peeked != utterance.partial) {
    utterance.peeked = utterance.partial;
    core_->taker().Hear(utterance.partial, ForUtterance<Result<Understanding>>(&VoiceSession::OnPeeked));
  }
  ShowGrasp();
}

void VoiceSession::OnPeeked(const Result<Understanding>& peeked) {
  if (!utterance_ || utterance_->peeked != utterance_->partial) return;
  utterance_->grasp = core_->taker().GraspOf(peeked);
  ShowGrasp();
}

void VoiceSession::ShowGrasp() {
  const TurnTaker::Grasp grasp = utterance_->grasp;
  endpointer_.SetKnown(grasp == TurnTaker::Grasp::kComplete     ? Endpointer::Known::kComplete
                       : grasp == TurnTaker::Grasp::kUnderstood ? Endpointer::Known::kUnderstood
                                                                : Endpointer::Known::kNothing);
}

void VoiceSession::EndUtterance(Endpointer::Event why, TimePoint at) {
  Finalising& ended = finalising_.emplace();
  ended.utterance = *std::exchange(utterance_, std::nullopt);
  ended.ended_by = why == Endpointer::Event::kTooLong                     ? "too_long"
                   : ended.utterance.grasp == TurnTaker::Grasp::kComplete ? "complete"
                                                                          : "pause";
  ended.endpoint = at;
  ended.needed_pause = needed_pause_;
  ended.deadline = Now() + options_.final_within;
  recognizer_->Finish(options_.final_within, ForUtterance<Result<Transcript>>(&VoiceSession::OnFinal));
  if (callbacks_.on_speech) callbacks_.on_speech(false);
}

void VoiceSession::OnFinal(const Result<Transcript>& final) {
  const Finalising ended = *std::exchange(finalising_, std::nullopt);
  ++utterance_number_;
  const Utterance& utterance = ended.utterance;
  const bool nothing =
      final && (IsNoise(*final, utterance.mode) || (utterance.interrupts && IsBackchannel(final->text)));
  if (nothing) {
    core_->taker().Abandon();
    prepare_in_frames_ = 2;
    if (utterance.interrupts) speaker_.Resume();
    if (std::exchange(silent_too_long_, false)) TakeSilence();
    return;
  }
  if (utterance.interrupts) {
    CloseRecord(true);
    speaker_.Stop();
  }
  TurnRecord& record = NewTurn(ended.ended_by);
  record.times.speech_start = core_->Ms(utterance.start);
  record.times.speech_end = core_->Ms(utterance.last_voiced);
  record.times.endpoint = core_->Ms(ended.endpoint);
  if (!utterance.partial.empty()) record.times.last_partial = core_->Ms(utterance.last_partial_at);
  record.times.final_transcript = core_->Ms();
  record.needed_pause_ms = static_cast<double>(ended.needed_pause.count());
  record.recognizer = services_.recognizers->name();
  record.listening_mode = ListeningModeName(utterance.mode);
  if (final) {
    record.heard = *final;
  } else {
    Log().error("{}: turn {}: {}", record.session, record.turn, final.error().message);
    record.errors.push_back(final.error().message);
  }
  core_->Take();
}

void VoiceSession::DropUtterance() {
  if (utterance_ && callbacks_.on_speech) callbacks_.on_speech(false);
  recognizer_->Cancel();
  utterance_.reset();
  finalising_.reset();
  held_.reset();
  ++utterance_number_;
  endpointer_.Reset();
  core_->taker().Abandon();
}

bool VoiceSession::IsBackchannel(std::string_view text) const {
  const Expectation::Kind kind = core_->taker().expectation().kind;
  const bool answer = kind == Expectation::Kind::kConfirm || kind == Expectation::Kind::kOffer;
  return sotto::IsBackchannel(*core_->taker().workflow().language_data, text, answer);
}

void VoiceSession::Key(char key) {
  if (core_->acting() || ending_ || RefusesSpeech()) return;
  if (utterance_ || finalising_ || held_) DropUtterance();
  if (core_->idle()) Hush();
  last_key_ = Now();
  if (key == '*') {
    keys_.clear();
    return;
  }
  if (key == '#') {
    EnterKeys();
    return;
  }
  if (key < '0' || key > '9') return;
  keys_ += key;
  const Expectation expected = core_->taker().expectation();
  if (expected.kind == Expectation::Kind::kConfirm && (keys_ == "1" || keys_ == "2")) {
    EnterKeys();
    return;
  }
  if (expected.kind != Expectation::Kind::kSlots) return;
  const ToolDef* tool = core_->taker().workflow().FindTool(expected.tool);
  for (const std::string& name : expected.slots) {
    const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(name);
    if (slot == nullptr || slot->entity.type != Entity::Type::kDigits) continue;
    if (slot->entity.length > 0 && keys_.size() == static_cast<size_t>(slot->entity.length)) {
      EnterKeys();
      return;
    }
  }
}

void VoiceSession::EnterKeys() {
  if (thinking()) return;  // as soon as the turn before is decided
  std::string text = std::exchange(keys_, "");
  if (text.empty()) return;
  if (core_->taker().expectation().kind == Expectation::Kind::kConfirm) {
    if (text == "1") text = "yes";
    if (text == "2") text = "no";
  }
  Enter(std::move(text), "keys");
}

void VoiceSession::Type(std::string text) {
  if (!text.empty() && !ending_) typed_.push_back(std::move(text));
}

void VoiceSession::EnterTyped() {
  if (core_->acting() || thinking()) return;
  if (ending_) return typed_.clear();
  if (utterance_ || held_) DropUtterance();
  Hush();
  std::string text = std::move(typed_.front());
  typed_.pop_front();
  Enter(std::move(text), "text");
}

void VoiceSession::Hush() {
  if (!speaker_.busy()) return;
  CloseRecord(true);
  speaker_.Stop();
  if (!ending_) Expect(true);
}

void VoiceSession::Enter(std::string text, std::string by) {
  TurnRecord& record = NewTurn(by);
  record.times.endpoint = record.times.final_transcript = core_->Ms();
  record.recognizer = std::move(by);
  record.heard.text = text;
  record.heard.final = true;
  record.heard.n_best.push_back({std::move(text), 0});
  core_->Take();
}

}  // namespace sotto
