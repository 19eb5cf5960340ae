// Spoken conversations for clients of the Realtime interface (server/realtime_messages.h), over a WebSocket at
// /v1/realtime?model=WORKFLOW. The workflow answers: its ears, brain and voice; a client's own instructions and
// tools are not used. docs/formats/realtime.md.
#pragma once

#include <memory>
#include <variant>

#include "server/access.h"
#include "server/http.h"
#include "server/voice_socket.h"

namespace sotto {

class RealtimeSockets {
 public:
  static constexpr const char* kPath = "/v1/realtime";

  // All of it outlives the sockets, `access` too.
  RealtimeSockets(VoiceSocketServices services, Access& access)
      : services_(std::make_shared<const VoiceSocketServices>(std::move(services))), access_(access) {}

  // Who asks is known by the Authorization header, or, of a browser, by a subprotocol
  // "openai-insecure-api-key.TOKEN" beside "realtime". Any thread.
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request);

 private:
  const std::shared_ptr<const VoiceSocketServices> services_;
  Access& access_;
};

}  // namespace sotto
