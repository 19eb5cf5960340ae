#include "server/rtvi_line.h"

#include "base/unique_id.h"
#include "base/utc.h"
#include "server/hand_off_view.h"
#include "server/rtvi_frames.h"

namespace sotto {
namespace {

constexpr uint16_t kRtviClosed = 1000;
constexpr size_t kRtviMostWaiting = 256 * 1024;  // a reader so slow hears gaps
constexpr std::string_view kTypedTurn = "text";  // TurnRecord::ended_by
constexpr int kRtviQuietFrames = 35;             // as pipecat: 350 ms of silence are the end of speaking

}  // namespace

RtviLine::RtviLine(std::shared_ptr<WebSocketSender> sender, const Clock& clock, LineFormat output,
                   std::unique_ptr<LineEncoder> encoder, std::shared_ptr<const void> held)
    : held_(std::move(held)),
      sender_(std::move(sender)),
      clock_(clock),
      rate_hz_(static_cast<uint32_t>(output.rate_hz)),
      encoder_(std::move(encoder)) {}

void RtviLine::Tell(std::string_view type, Json data, std::string_view id) {
  const std::lock_guard lock(mutex_);
  Send(type, std::move(data), id);
}

void RtviLine::Refuse(const RtviRefusal& refusal) {
  sender_->SendBinary(RtviMessageFrame(RtviText(refusal)));
}

void RtviLine::Typed(bool speaks) {
  const std::lock_guard lock(mutex_);
  typed_.push_back(speaks);
}

Json RtviLine::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void RtviLine::OnFrame(std::span<const float> frame, bool silent) {
  const std::span<const float> packet = packets_.Add(frame, silent);
  const std::string bytes = packet.empty() ? std::string() : encoder_->Encode(packet);
  const std::lock_guard lock(mutex_);
  if (muted_) return;
  if (!silent) {
    quiet_ = 0;
    BeginSpeaking();
  } else if (speaks_ && ++quiet_ >= kRtviQuietFrames) {
    EndSpeaking();
  }
  if (!bytes.empty() && sender_->waiting_bytes() < kRtviMostWaiting)
    sender_->SendBinary(RtviAudioFrame(bytes, rate_hz_));
}

void RtviLine::OnPartial(std::string_view text) {
  Tell("user-transcription",
       {{"text", text}, {"final", false}, {"user_id", ""}, {"timestamp", UtcStamp(clock_.WallNow())}});
}

void RtviLine::OnReply(const TurnRecord& record, const Json& state) {
  const std::lock_guard lock(mutex_);
  muted_ = false;
  if (record.ended_by == kTypedTurn && !typed_.empty()) {
    muted_ = !typed_.front();
    typed_.pop_front();
  }
  state_ = state;
  if (!record.heard.text.empty()) TellHeard(record);
  TellActions(record);
  Send("server-message", {{"type", "state"}, {"turn", record.turn}, {"state", state}});
  text_ = record.reply.text;
  begun_ = false;
  if (text_.empty()) return;
  Send("bot-llm-started", Json::object());
  Send("bot-llm-text", {{"text", text_}});
  Send("bot-llm-stopped", Json::object());
  Send("bot-transcription", {{"text", text_}});
  Send("bot-output", {{"text", text_},
                      {"aggregated_by", "sentence"},
                      {"segment_id", ++segment_},
                      {"spoken", !muted_},
                      {"will_be_spoken", !muted_},
                      {"spoken_status", "new"}});
}

void RtviLine::OnTurn(const TurnRecord& record) {
  const std::lock_guard lock(mutex_);
  if (speaks_) EndSpeaking();
  if (begun_) {
    Send("bot-tts-stopped", Json::object());
    const std::string heard = record.interrupted ? record.played_text : text_;
    const bool prefix = text_.starts_with(heard);
    Send("bot-output",
         {{"text", text_},
          {"aggregated_by", "sentence"},
          {"segment_id", segment_},
          {"spoken", true},
          {"will_be_spoken", true},
          {"spoken_status", record.interrupted ? "in-progress" : "completed"},
          {"spoken_progress",
           {{"accumulated_text", heard}, {"remaining_text", prefix ? text_.substr(heard.size()) : ""}}}});
  }
  text_.clear();
  begun_ = false;
  muted_ = false;
  TellMetrics(record);
  Send("server-message", {{"type", "turn"}, {"turn", record.turn}, {"record", ToJson(record)}});
}

void RtviLine::OnSpeech(bool speaks) {
  Tell(speaks ? "user-started-speaking" : "user-stopped-speaking", Json::object());
}

void RtviLine::OnPaused(bool paused) {
  const std::lock_guard lock(mutex_);
  if (paused && speaks_) EndSpeaking();
  Send("server-message", {{"type", "interruption"}, {"paused", paused}});
}

void RtviLine::OnRecording(std::string_view id, bool paused) {
  Tell("server-message", {{"type", "recording"}, {"id", id}, {"paused", paused}});
}

void RtviLine::OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) {
  const std::lock_guard lock(mutex_);
  if (speaks_) EndSpeaking();
  Send("server-message", {{"type", "ended"}, {"reason", reason}, {"hand_off", HandOffView(hand_off)}});
  sender_->Close(kRtviClosed, std::string(reason));
}

void RtviLine::Send(std::string_view type, Json data, std::string_view id) {
  sender_->SendBinary(RtviMessageFrame(RtviText(type, std::move(data), id)));
}

void RtviLine::TellHeard(const TurnRecord& record) {
  const std::string& text = record.understood ? record.understood->transcript : record.heard.text;
  if (record.ended_by != kTypedTurn)
    Send("user-transcription", {{"text", text}, {"final", true}, {"user_id", ""}, {"timestamp", record.at}});
  Send("user-llm-text", {{"text", text}});
}

// They were done when this is told: nothing is asked of the client.
void RtviLine::TellActions(const TurnRecord& record) {
  for (const TurnRecord::Action& action : record.actions) {
    const std::string id = "call_" + UniqueId().substr(0, 24);
    const std::string& tool = action.request.tool;
    Send("llm-function-call-started", {{"function_name", tool}});
    Send("llm-function-call-in-progress",
         {{"function_name", tool}, {"tool_call_id", id}, {"arguments", action.request.arguments}});
    Json result = {
        {"ok", action.result.ok}, {"failure", action.result.failure}, {"data", action.result.data}};
    Send(
        "llm-function-call-stopped",
        {{"function_name", tool}, {"tool_call_id", id}, {"cancelled", false}, {"result", std::move(result)}});
  }
}

void RtviLine::TellMetrics(const TurnRecord& record) {
  Json processing = Json::array();
  const auto add = [&processing](const char* stage, double from, double to) {
    if (from >= 0 && to >= from) processing.push_back({{"processor", stage}, {"value", (to - from) / 1000}});
  };
  const TurnRecord::Times& times = record.times;
  add("words", times.endpoint, times.final_transcript);
  add("meaning", times.final_transcript, times.understood);
  add("action", times.understood, times.acted);
  Json first = Json::array();
  if (const double ms = record.EndpointToFirstAudioMs(); ms >= 0)
    first.push_back({{"processor", "sotto"}, {"value", ms / 1000}});
  if (!processing.empty() || !first.empty())
    Send("metrics", {{"processing", std::move(processing)}, {"ttfb", std::move(first)}});
}

void RtviLine::BeginSpeaking() {
  if (!speaks_) Send("bot-started-speaking", Json::object());
  speaks_ = true;
  if (begun_ || text_.empty()) return;
  begun_ = true;
  Send("bot-tts-started", Json::object());
  Send("bot-tts-text", {{"text", text_}});
}

void RtviLine::EndSpeaking() {
  speaks_ = false;
  quiet_ = 0;
  Send("bot-stopped-speaking", Json::object());
}

}  // namespace sotto
