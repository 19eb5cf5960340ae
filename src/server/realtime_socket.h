// Spoken conversations for clients of the Realtime interface (server/realtime_messages.h), over a WebSocket at
// /v1/realtime?model=NAME. Of a workflow's name the workflow answers: its ears, brain and voice; a client's own
// instructions and tools are not used. Of a language model's it does, with them (server/realtime_model.h).
// docs/formats/realtime.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "server/access.h"
#include "server/http.h"
#include "server/language_models.h"
#include "server/voice_socket.h"

namespace sotto {

class RealtimeSockets {
 public:
  static constexpr const char* kPath = "/v1/realtime";

  // Whether one more who makes a model write is let in, or why not.
  using Admit = std::function<std::optional<Problem>()>;

  // All of it outlives the sockets, `access` and `models` too.
  RealtimeSockets(VoiceSocketServices services, Access& access, LanguageModels& models, Admit admit)
      : services_(std::make_shared<const VoiceSocketServices>(std::move(services))),
        access_(access),
        models_(models),
        admit_(std::move(admit)) {}

  // Who asks is known by the Authorization header, or, of a browser, by a subprotocol
  // "openai-insecure-api-key.TOKEN" beside "realtime". Any thread.
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request);

 private:
  const std::shared_ptr<const VoiceSocketServices> services_;
  Access& access_;
  LanguageModels& models_;
  const Admit admit_;
};

}  // namespace sotto
