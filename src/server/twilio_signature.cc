#include "server/twilio_signature.h"

#include <algorithm>

#include "base/sha256.h"
#include "server/secrets.h"

namespace sotto {

std::string TwilioSignature(std::string_view auth_token, std::string_view url, HttpFields form) {
  std::sort(form.begin(), form.end());
  std::string text(url);
  for (const auto& [name, value] : form) text += name + value;
  return ToBase64(HmacSha1(auth_token, text));
}

Result<void> CheckTwilioSignature(std::string_view auth_token, std::string_view url,
                                  const WebRequest& request) {
  const std::string* given = request.Header("x-twilio-signature");
  if (given == nullptr) return MakeError(ErrorCode::kInvalidArgument, "there is no X-Twilio-Signature");
  HttpFields form;
  if (const std::string* body_hash = request.Query("bodySHA256")) {
    if (!SameSecret(Sha256(request.body), *body_hash))
      return MakeError(ErrorCode::kInvalidArgument, "bodySHA256 is not the hash of this body");
  } else if (!request.body.empty()) {
    SOTTO_ASSIGN_OR_RETURN(form, ParseForm(request.body));
  }
  if (!SameSecret(TwilioSignature(auth_token, url, std::move(form)), *given)) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "the signature is not that of this request: the auth token differs, or the address is not the "
        "one that Twilio was told (--public-url)");
  }
  return {};
}

}  // namespace sotto
