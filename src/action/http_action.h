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
// and a refused connection are `unavailable` (tried again by the executor), 504 and silence `timeout`,
// anything else `failed`. An answer that is not a JSON object is `bad_answer`. The idempotency key travels as
// the header Idempotency-Key.
#pragma once

#include "action/registry.h"

namespace sotto {

ToolResult RunHttpAction(const ActionRequest& request);

}  // namespace sotto
