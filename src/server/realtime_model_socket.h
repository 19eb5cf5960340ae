// The connection of a Realtime client whose answers a language model writes (server/realtime_model.h).
#pragma once

#include <memory>
#include <string>

#include "server/http.h"
#include "server/language_models.h"
#include "server/voice_socket.h"

namespace sotto {

// Ears and mouth are those of the first workflow that is served by voice; where none is, conversations are written.
// `models` outlives the socket and offers `model`, which has a chat template. `held`: one of the client's calls.
std::shared_ptr<WebSocketReceiver> MakeRealtimeModelSocket(
    std::shared_ptr<const VoiceSocketServices> services, LanguageModels& models, const std::string& model,
    std::shared_ptr<const void> held);

}  // namespace sotto
