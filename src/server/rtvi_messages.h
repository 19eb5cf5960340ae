// The messages of RTVI, the protocol of pipecat's clients (version 2.1.0; 1.x says the same), as far as a client sends
// them, read and checked, and the shape of those it is sent. docs/formats/rtvi.md. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

#include "core/json.h"

namespace sotto {

inline constexpr const char* kRtviVersion = "2.1.0";

namespace rtvi_message {

struct ClientReady {
  std::string version;  // of the protocol; empty: not said
};
// The user writes.
struct SendText {
  std::string text;
  bool speaks = true;  // the reply is to be heard
};
struct Keys {
  std::string keys;  // 0-9, *, #
};
// client-message: what Sotto does for an application beside the conversation.
struct Ask {
  enum class What { kState, kHush, kRecord };
  What what = What::kState;
  bool paused = false;  // kRecord
};
struct DisconnectBot {};

}  // namespace rtvi_message

using RtviMessage = std::variant<rtvi_message::ClientReady, rtvi_message::SendText, rtvi_message::Keys,
                                 rtvi_message::Ask, rtvi_message::DisconnectBot>;

struct RtviRequest {
  std::string id;
  RtviMessage message;
};
// What a client's mistake is answered with: `error-response` to that id; without one `error`.
struct RtviRefusal {
  std::string id;
  std::string message;  // what is wrong, and what would be right
};
tl::expected<RtviRequest, RtviRefusal> ReadRtviMessage(std::string_view text);

// {"label": "rtvi-ai", "type", "id", "data"}
std::string RtviText(std::string_view type, Json data, std::string_view id);
std::string RtviText(const RtviRefusal& refusal);

// "state", as client-message and server-response call it.
std::string_view RtviAskName(rtvi_message::Ask::What what);

}  // namespace sotto
