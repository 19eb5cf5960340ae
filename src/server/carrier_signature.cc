#include "server/carrier_signature.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "server/secrets.h"

namespace sotto {
namespace {

constexpr size_t kEd25519KeyBytes = 32;
constexpr size_t kEd25519SignatureBytes = 64;
constexpr std::chrono::seconds kSignedWithin{300};

bool VerifiesEd25519(std::string_view key, std::string_view signature, std::string_view text) {
  const auto* key_bytes = reinterpret_cast<const unsigned char*>(key.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> made(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key_bytes, key.size()), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return made != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, made.get()) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

std::string Joined(HttpFields fields, std::string_view between, std::string_view after) {
  std::sort(fields.begin(), fields.end());
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += after;
    text += name;
    text += between;
    text += value;
  }
  return text;
}

}  // namespace

Result<void> CheckTelnyxKey(std::string_view public_key) {
  std::string key;
  if (!FromBase64(public_key, &key) || key.size() != kEd25519KeyBytes)
    return MakeError(ErrorCode::kInvalidArgument,
                     "Telnyx's public key should be base64 of 32 bytes, as its portal shows it");
  return {};
}

Result<void> CheckTelnyxSignature(std::string_view public_key, std::chrono::system_clock::time_point now,
                                  const WebRequest& request) {
  const std::string* given = request.Header("telnyx-signature-ed25519");
  const std::string* timestamp = request.Header("telnyx-timestamp");
  if (given == nullptr || timestamp == nullptr)
    return MakeError(ErrorCode::kInvalidArgument,
                     "there is no Telnyx-Signature-Ed25519, or no Telnyx-Timestamp");
  int64_t signed_s = 0;
  const auto [end, error] =
      std::from_chars(timestamp->data(), timestamp->data() + timestamp->size(), signed_s);
  const int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (error != std::errc() || end != timestamp->data() + timestamp->size() ||
      signed_s < now_s - kSignedWithin.count() || signed_s > now_s + kSignedWithin.count())
    return MakeError(ErrorCode::kInvalidArgument, "Telnyx-Timestamp is not of the last five minutes");
  std::string key;
  std::string signature;
  if (!FromBase64(public_key, &key) || !FromBase64(*given, &signature) ||
      signature.size() != kEd25519SignatureBytes ||
      !VerifiesEd25519(key, signature, *timestamp + "|" + request.body))
    return MakeError(
        ErrorCode::kInvalidArgument,
        "the signature is not that of this request: the public key is another account's, or somebody "
        "changed it");
  return {};
}

std::string PlivoSignature(std::string_view auth_token, std::string_view url, HttpFields query,
                           HttpFields form, std::string_view nonce) {
  std::string text(url);
  if (!query.empty() || !form.empty()) text += "?";
  const bool both = !query.empty() && !form.empty();
  text += Joined(std::move(query), "=", "&");
  if (both) text += ".";
  text += Joined(std::move(form), "", "");
  text += ".";
  text += nonce;
  return ToBase64(HmacSha256(auth_token, text));
}

Result<void> CheckPlivoSignature(std::string_view auth_token, std::string_view url,
                                 const WebRequest& request) {
  const std::string* given = request.Header("x-plivo-signature-v3");
  const std::string* nonce = request.Header("x-plivo-signature-v3-nonce");
  if (given == nullptr || nonce == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "there is no X-Plivo-Signature-V3, or no nonce for it");
  HttpFields form;
  if (!request.body.empty()) {
    SOTTO_ASSIGN_OR_RETURN(form, ParseForm(request.body));
  }
  const std::string right = PlivoSignature(auth_token, url, request.query, std::move(form), *nonce);
  for (std::string_view rest = *given; !rest.empty();) {
    const size_t comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (SameSecret(one, right)) return {};
  }
  return MakeError(
      ErrorCode::kInvalidArgument,
      "the signature is not that of this request: the auth token differs, or the address is not the one "
      "that Plivo was told (--public-url)");
}

}  // namespace sotto
