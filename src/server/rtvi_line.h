// What a client of pipecat is told of its call (server/rtvi_messages.h), and its sound: frames of a WebSocket. A call's
// line; what it says of the dialogue comes before it is heard. Threads: as VoiceLine.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "assistant/line_audio.h"
#include "base/clock.h"
#include "server/http.h"
#include "server/line_packets.h"
#include "server/rtvi_messages.h"
#include "server/voice_call.h"

namespace sotto {

class RtviLine final : public VoiceLine {
 public:
  // `encoder`: of `output`, which is PCM. `held`: one of the client's calls, for as long as this lives.
  RtviLine(std::shared_ptr<WebSocketSender> sender, const Clock& clock, LineFormat output,
           std::unique_ptr<LineEncoder> encoder, std::shared_ptr<const void> held);

  // Both from any thread. `id`: of the message that is answered; empty: none is.
  void Tell(std::string_view type, Json data, std::string_view id = "");
  void Refuse(const RtviRefusal& refusal);
  // Of the text that is typed now. `speaks` false: its reply is not to be heard.
  void Typed(bool speaks);
  // As the last turn left it; null: there was none.
  Json state() const;

  void OnFrame(std::span<const float> frame, bool silent) override;
  void OnPartial(std::string_view text) override;
  void OnReply(const TurnRecord& record, const Json& state) override;
  void OnTurn(const TurnRecord& record) override;
  void OnSpeech(bool speaks) override;
  void OnPaused(bool paused) override;
  void OnRecording(std::string_view id, bool paused) override;
  void OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) override;

 private:
  // All below: under the lock.
  void Send(std::string_view type, Json data, std::string_view id = "");
  void TellHeard(const TurnRecord& record);
  void TellActions(const TurnRecord& record);
  void TellMetrics(const TurnRecord& record);
  void BeginSpeaking();
  void EndSpeaking();

  const std::shared_ptr<const void> held_;
  const std::shared_ptr<WebSocketSender> sender_;
  const Clock& clock_;
  const uint32_t rate_hz_;
  // The pacer's.
  const std::unique_ptr<LineEncoder> encoder_;
  LinePackets packets_;

  mutable std::mutex mutex_;
  // All guarded by mutex_.
  Json state_ = nullptr;
  std::string text_;        // of the reply under way; empty: none
  int segment_ = 0;         // its number
  bool begun_ = false;      // it is heard
  bool speaks_ = false;     // the client was told so
  int quiet_ = 0;           // frames of silence since
  std::deque<bool> typed_;  // texts that no turn was made of yet: whether the reply is to be heard
  bool muted_ = false;      // the reply under way is not
};

}  // namespace sotto
