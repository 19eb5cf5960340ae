// Spoken and written conversations for clients of pipecat (RTVI over a WebSocket, protobuf frames), at
// /v1/rtvi?workflow=NAME&token=TOKEN&rate=24000. docs/formats/rtvi.md.
//
//   open --client-ready--> the call is opened --> bot-ready, the greeting, turns --disconnect-bot, close--> hung up
//     '--nothing within 10 s--> closed
#pragma once

#include <memory>
#include <variant>

#include "server/access.h"
#include "server/http.h"
#include "server/voice_socket.h"

namespace sotto {

class RtviSockets {
 public:
  static constexpr const char* kPath = "/v1/rtvi";

  // All of it outlives the sockets, `access` too.
  RtviSockets(VoiceSocketServices services, Access& access)
      : services_(std::make_shared<const VoiceSocketServices>(std::move(services))), access_(access) {}

  // Who asks is known by the Authorization header or, since a browser cannot send one, by `token` in the address: a
  // key, or better a short-lived token of POST /v1/tokens. Any thread.
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request);

 private:
  const std::shared_ptr<const VoiceSocketServices> services_;
  Access& access_;
};

}  // namespace sotto
