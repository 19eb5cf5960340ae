// Our own protocol for spoken conversations over a WebSocket (docs/formats/websocket.md): audio as binary
// messages both ways, everything else as JSON. A call outlives its connection for a while: another one that
// knows the call's secret takes it up, and is told what it missed.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "server/client.h"
#include "server/http.h"
#include "server/voice_calls.h"

namespace sotto {

// What the sockets need; all of it outlives them.
struct VoiceSocketServices {
  VoiceCalls* calls = nullptr;
  const ServedWorkflows* workflows = nullptr;
  ServerMetrics* metrics = nullptr;
  Scheduler* scheduler = nullptr;
  // Who has this token.
  std::function<tl::expected<Client, Problem>(std::string_view token)> authorise;
  // One more call of this client's, for as long as what is returned lives.
  std::function<tl::expected<std::shared_ptr<const void>, Problem>(const Client& client)> hold;
};

// Any thread. What it made may outlive it, the services not.
class VoiceSockets {
 public:
  explicit VoiceSockets(VoiceSocketServices services);
  ~VoiceSockets();

  // `client`: who asked for the connection, where that is known already.
  // `trace`: of the request that asked for it.
  std::shared_ptr<WebSocketReceiver> Accept(std::optional<Client> client,
                                            std::optional<TraceContext> trace = std::nullopt) const;

  struct Shared;

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
