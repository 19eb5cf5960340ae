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
constexpr int kPartialEveryFramesInPause = 3;
constexpr auto kPause = std::chrono::milliseconds(90);
constexpr int kFalseInterruptionFrames = 200;  // so long without a word: noise
constexpr double kNoiseConfidence = 0.15;
constexpr size_t kPlainAnswerWords = 4;
// Speech this soon after the end of a turn means that the turn had not ended.
constexpr double kCutOffMs = 1000;
constexpr double kCutOffHeardMs = 400;

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

void VoiceSession::Listen(std::span<const float> frame, bool voiced) {
  pre_roll_.emplace_back(frame.begin(), frame.end());
  if (pre_roll_.size() > kPreRollFrames) pre_roll_.pop_front();
  if (action_ || ending_) {  // nothing said now could still be taken up
    if (utterance_) DropUtterance();
    endpointer_.Reset();
    return;
  }
  needed_pause_ = endpointer_.needed();
  const Endpointer::Event event = endpointer_.Advance(voiced);
  if (utterance_) {
    if (voiced) utterance_->last_voiced = Now();
    if (const auto fed = recognizer_->Feed(frame); !fed) Log().error("{}", fed.error().message);
    ++utterance_->frames;
    if (event == Endpointer::Event::kNone) ListenAlong();
  }
  switch (event) {
    case Endpointer::Event::kNone:
      break;
    case Endpointer::Event::kSpeechStart:
      BeginUtterance();
      break;
    case Endpointer::Event::kSpeechEnd:
    case Endpointer::Event::kTooLong:
      if (utterance_) EndUtterance(event);
      break;
    case Endpointer::Event::kNoInput:
      TakeSilence();
      break;
  }
}

void VoiceSession::BeginUtterance() {
  if (speaker_.busy() && !interruptible_) {
    endpointer_.Reset();
    return;
  }
  Utterance utterance;
  utterance.start = Now() - kOnset;
  utterance.last_voiced = Now();
  utterance.mode = ListeningModeFor(taker_.workflow(), taker_.expectation());
  if (const auto started = recognizer_->Start(utterance.mode); !started) {
    Log().error("{}", started.error().message);
    endpointer_.Reset();
    Enter("", "pause");  // answered like something that was not understood: never silence
    return;
  }
  if (record_ && record_->times.endpoint >= 0) {
    const double now = Ms(Now());
    const double audio = record_->times.first_audio;
    record_->cut_off =
        now - record_->times.endpoint < kCutOffMs && (audio < 0 || now - audio < kCutOffHeardMs);
  }
  if (speaker_.busy()) {
    speaker_.Pause();
    utterance.interrupts = true;
  }
  for (const std::vector<float>& frame : pre_roll_) {
    if (const auto fed = recognizer_->Feed(frame); !fed) Log().error("{}", fed.error().message);
  }
  grasp_ = TurnTaker::Grasp::kNothing;
  utterance_ = std::move(utterance);
}

void VoiceSession::ListenAlong() {
  Utterance& utterance = *utterance_;
  const bool pause = endpointer_.silence() >= kPause;
  if (utterance.frames % (pause ? kPartialEveryFramesInPause : kPartialEveryFrames) != 0) return;
  Transcript partial = recognizer_->Partial();
  if (partial.text != utterance.partial) {
    utterance.partial = std::move(partial.text);
    utterance.last_partial_at = Now();
    endpointer_.SetLong(CountWords(utterance.partial) > kPlainAnswerWords);
    grasp_ = TurnTaker::Grasp::kNothing;
    if (options_.listen_along) {
      if (const auto heard = taker_.Hear(utterance.partial); !heard) Log().error("{}", heard.error().message);
    }
    if (callbacks_.on_partial) callbacks_.on_partial(utterance.partial);
  }
  if (utterance.interrupts && utterance.frames >= kFalseInterruptionFrames &&
      IsBackchannel(utterance.partial)) {
    DropFalseInterruption();
    return;
  }
  if (pause && options_.listen_along) grasp_ = taker_.Peek();
  endpointer_.SetKnown(grasp_ == TurnTaker::Grasp::kComplete     ? Endpointer::Known::kComplete
                       : grasp_ == TurnTaker::Grasp::kUnderstood ? Endpointer::Known::kUnderstood
                                                                 : Endpointer::Known::kNothing);
}

void VoiceSession::EndUtterance(Endpointer::Event why) {
  const Utterance utterance = *std::move(utterance_);
  utterance_.reset();
  TurnRecord record;
  const double endpoint = Ms(Now());
  Result<Transcript> final = recognizer_->Finish();
  if (final && IsNoise(*final, utterance.mode)) {
    taker_.Abandon();
    prepare_in_frames_ = 2;
    if (utterance.interrupts) speaker_.Resume();
    return;
  }
  if (utterance.interrupts) {
    if (final && IsBackchannel(final->text)) {
      taker_.Abandon();
      speaker_.Resume();
      return;
    }
    CloseRecord(true);
    speaker_.Stop();
  }
  record = NewRecord(why == Endpointer::Event::kTooLong      ? "too_long"
                     : grasp_ == TurnTaker::Grasp::kComplete ? "complete"
                                                             : "pause");
  record.times.speech_start = Ms(utterance.start);
  record.times.speech_end = Ms(utterance.last_voiced);
  record.times.endpoint = endpoint;
  if (!utterance.partial.empty()) record.times.last_partial = Ms(utterance.last_partial_at);
  record.times.final_transcript = Ms(Now());
  record.needed_pause_ms = static_cast<double>(needed_pause_.count());
  record.recognizer = services_.recognizers->name();
  record.listening_mode = ListeningModeName(utterance.mode);
  if (!final) {
    Log().error("{}: turn {}: {}", record.session, record.turn, final.error().message);
    record.errors.push_back(final.error().message);
    final = Transcript{};
  }
  TakeTurn(*final, std::move(record));
}

void VoiceSession::DropUtterance() {
  recognizer_->Cancel();
  utterance_.reset();
  endpointer_.Reset();
  taker_.Abandon();
}

void VoiceSession::DropFalseInterruption() {
  DropUtterance();
  speaker_.Resume();
}

bool VoiceSession::IsBackchannel(std::string_view text) const {
  const Expectation::Kind kind = taker_.expectation().kind;
  const bool answer = kind == Expectation::Kind::kConfirm || kind == Expectation::Kind::kOffer;
  return sotto::IsBackchannel(*taker_.workflow().language_data, text, answer);
}

void VoiceSession::Enter(std::string text, std::string ended_by) {
  TurnRecord record = NewRecord(std::move(ended_by));
  record.times.endpoint = Ms(Now());
  record.times.final_transcript = record.times.endpoint;
  record.recognizer = record.ended_by == "keys" ? "keys" : services_.recognizers->name();
  Transcript heard;
  heard.text = std::move(text);
  heard.final = true;
  heard.n_best.push_back({heard.text, 0});
  TakeTurn(heard, std::move(record));
}

void VoiceSession::Key(char key) {
  if (action_ || ending_ || (speaker_.busy() && !interruptible_)) return;
  if (utterance_) DropUtterance();
  if (speaker_.busy()) {
    CloseRecord(true);
    speaker_.Stop();
  }
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
  const Expectation expected = taker_.expectation();
  if (expected.kind == Expectation::Kind::kConfirm && (keys_ == "1" || keys_ == "2")) {
    EnterKeys();
    return;
  }
  if (expected.kind != Expectation::Kind::kSlots) return;
  const ToolDef* tool = taker_.workflow().FindTool(expected.tool);
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
  std::string text = std::exchange(keys_, "");
  if (text.empty()) return;
  if (taker_.expectation().kind == Expectation::Kind::kConfirm) {
    if (text == "1") text = "yes";
    if (text == "2") text = "no";
  }
  Enter(std::move(text), "keys");
}

}  // namespace sotto
