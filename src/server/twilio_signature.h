// Whether a request really comes from Twilio: the keyed hash of its address and its form. Of bodies that are no
// form the address holds the SHA-256 of the body, so that the signature covers it too.
// Source: Twilio's documentation, "Validating requests are coming from Twilio". Pure.
#pragma once

#include <string>
#include <string_view>

#include "server/http.h"

namespace sotto {

// Base64 of HMAC-SHA-1 over the address and, sorted by name, each name and value of the form.
std::string TwilioSignature(std::string_view auth_token, std::string_view url, HttpFields form);

// `url`: the whole address, as Twilio was told it: "https://voice.example/v1/twilio/voice?workflow=banking". The
// error says what is missing or wrong, and nothing secret.
Result<void> CheckTwilioSignature(std::string_view auth_token, std::string_view url,
                                  const WebRequest& request);

}  // namespace sotto
