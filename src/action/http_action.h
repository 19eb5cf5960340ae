// The generic HTTP action: the slots as JSON to an endpoint, its JSON answer as the result.
//
//   action:
//     use: http
//     method: POST                             # default; GET puts the slots into the query
//     url: "http://localhost:8080/cards/cancel"
//     headers: {Authorization: "Bearer ${CARDS_TOKEN}"}   # ${NAME}: from the environment
//     timeout_ms: 2000
//     failures: {404: card_not_found, 409: already_cancelled}
//
// Status 2xx is success; a listed status is that failure, with the answer's JSON as its data; 429, 502, 503
// and a connection that is refused or breaks are `unavailable` (tried again by the executor), 504 and silence
// `timeout`, anything else `failed` (redirects too: they are not followed). An answer that is not a JSON
// object, or of more than 1 MiB, is `bad_answer`. The idempotency key travels as the header Idempotency-Key,
// who is calling (as far as the session knows) as Sotto-Caller-Customer, -Verified-By, -Verified-At, -Channel
// and -Address.
// Its backend is "http:" and the server. Nothing that is logged holds a path, a query, a header or a slot.
#pragma once

#include "action/registry.h"
#include "base/http_client.h"

namespace sotto {

// `http` outlives the action.
RegisteredAction MakeHttpAction(HttpClient& http);

}  // namespace sotto
