// How Telnyx and Plivo sign the requests that say a call has come (Twilio's way: twilio_signature.h). Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "server/http.h"

namespace sotto {

// Telnyx: Ed25519 over "timestamp|body", in the headers telnyx-signature-ed25519 (base64) and telnyx-timestamp (seconds).
// `public_key`: base64, of the account. One that is older or newer than five minutes is refused: somebody may have kept it.
// Source: Telnyx, "Receiving webhooks", webhook signing.
Result<void> CheckTelnyxSignature(std::string_view public_key, std::chrono::system_clock::time_point now,
                                  const WebRequest& request);
// Of a text of base64 that is an Ed25519 key. The error says so.
Result<void> CheckTelnyxKey(std::string_view public_key);

// Plivo, version 3: base64 of HMAC-SHA-256, keyed with the auth token, over address, sorted parameters and the nonce. `url`:
// without its query. Source: Plivo's server libraries, "validate signature V3".
std::string PlivoSignature(std::string_view auth_token, std::string_view url, HttpFields query,
                           HttpFields form, std::string_view nonce);
// Of the headers x-plivo-signature-v3 (several with commas between: one has to be right) and x-plivo-signature-v3-nonce.
Result<void> CheckPlivoSignature(std::string_view auth_token, std::string_view url,
                                 const WebRequest& request);

}  // namespace sotto
