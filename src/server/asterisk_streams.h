// Calls that Asterisk brings over a WebSocket (chan_websocket, Asterisk 20.16, 21.11, 22.6 and 23; docs/formats/telephony.md):
// sound as binary messages, everything else as text. Asterisk dials, with the workflow in the address:
//
//   Dial(WebSocket/sotto/c(slin16)v(workflow=banking,call=${UNIQUEID}))
//
//   upgrade, by a key with the scope talk --MEDIA_START, within 10 s--> opening --> sound both ways --> HANGUP, by us, when
//   the last words have been played; or the socket closes. Then the dialplan goes on: GET /v1/calls/CALL says how it ended.
//
// Any thread.
#pragma once

#include <memory>
#include <string_view>
#include <variant>

#include "server/access.h"
#include "server/call_log.h"
#include "server/http.h"
#include "server/voice_calls.h"

namespace sotto {

class AsteriskStreams {
 public:
  // All of it outlives the streams.
  struct Services {
    Access* access = nullptr;
    Scheduler* scheduler = nullptr;
    VoiceCalls* calls = nullptr;
    const ServedWorkflows* workflows = nullptr;
    ServerMetrics* metrics = nullptr;
    CallLog* log = nullptr;
  };

  static constexpr const char* kPath = "/v1/asterisk/media";

  explicit AsteriskStreams(const Services& services) : services_(services) {}

  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request) const;

 private:
  const Services services_;
};

}  // namespace sotto
