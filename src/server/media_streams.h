// Calls that telephone networks bring (docs/formats/twilio.md, telephony.md): webhooks that say where a call goes, and the
// WebSocket that carries its sound. The same for Twilio, Telnyx and Plivo; shown for the first:
//
//   POST /v1/twilio/voice --signed by Twilio--> TwiML: connect to /v1/twilio/media, with a token
//   /v1/twilio/media      --signed (by Twilio alone), the token of this call, once--> the call
//   POST /v1/twilio/ended --signed--> TwiML: dial a person, or hang up
//
// Nothing is opened for a request whose signature is wrong, nor for a stream without a token. Any thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "server/call_log.h"
#include "server/media_messages.h"
#include "server/router.h"
#include "server/voice_calls.h"

namespace sotto {

struct CarrierOptions {
  // What their requests are signed with; empty: there are no such addresses.
  std::string twilio_token = {};  // of the account
  std::string telnyx_key = {};    // public, base64
  std::string plivo_token = {};
  std::string public_url = {};  // as they were told it, without a slash at its end: "https://voice.example"
  std::string person = {};      // number that a hand-off dials; empty: it hangs up

  const std::string& secret(Carrier carrier) const;
};

class MediaStreams {
 public:
  // All of it outlives the streams.
  struct Services {
    const Clock* clock = nullptr;
    Scheduler* scheduler = nullptr;
    VoiceCalls* calls = nullptr;
    const ServedWorkflows* workflows = nullptr;
    ServerMetrics* metrics = nullptr;
    CallLog* log = nullptr;
  };
  // For whom a token was made.
  struct Ticket {
    Carrier carrier = Carrier::kTwilio;
    std::string call;  // "CA..."
    std::string workflow;
    std::string from;  // the caller's number
  };

  // Whose stream comes to this address; none: nobody's.
  static std::optional<Carrier> CarrierOf(std::string_view path);

  MediaStreams(const Services& services, CarrierOptions options);
  ~MediaStreams();

  // Of those whose secret is given.
  void AddTo(Router& router);
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request);

  struct Shared;

 private:
  void Voice(Carrier carrier, Exchange exchange);
  void Ended(Carrier carrier, Exchange exchange);
  // The error is the answer.
  tl::expected<HttpFields, WebResponse> Check(Carrier carrier, const WebRequest& request,
                                              std::string_view scheme) const;

  const std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
