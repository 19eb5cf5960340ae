// Calls that Twilio brings (docs/formats/twilio.md): webhooks that say where a call goes, and the WebSocket that
// carries its sound.
//
//   POST /v1/twilio/voice --signed by Twilio--> TwiML: connect to /v1/twilio/media, with a token
//   /v1/twilio/media      --signed, the token of this call, once--> the call
//   POST /v1/twilio/ended --signed--> TwiML: dial a person, or hang up
//
// Nothing is opened for a request whose signature is wrong. Any thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>

#include "server/call_log.h"
#include "server/router.h"
#include "server/voice_calls.h"

namespace sotto {

struct TwilioOptions {
  std::string auth_token;  // empty: there are no such addresses
  std::string public_url;  // as Twilio was told it, without a slash at its end: "https://voice.example"
  std::string person;      // number that a hand-off dials; empty: it hangs up
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
    std::string call;  // "CA..."
    std::string workflow;
    std::string from;  // the caller's number
  };

  static constexpr const char* kPath = "/v1/twilio/media";

  MediaStreams(const Services& services, TwilioOptions options);
  ~MediaStreams();

  // Nothing where no auth token is given.
  void AddTo(Router& router);
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request);

  struct Shared;

 private:
  void Voice(Exchange exchange);
  void Ended(Exchange exchange);
  // The error is the answer.
  tl::expected<HttpFields, WebResponse> Check(const WebRequest& request, std::string_view scheme) const;

  const std::shared_ptr<Shared> shared_;
};

}  // namespace sotto
