// What went wrong, as the answer says it: problem+json (RFC 9457), with one sentence that helps.
#pragma once

#include <string>

#include "base/error.h"
#include "core/json.h"
#include "server/http.h"

namespace sotto {

struct Problem {
  int status = 500;
  std::string type;       // "unknown_session": for programs; the URI is "urn:sotto:problem:" + type
  std::string detail;     // for people
  int retry_after_s = 0;  // of 429 and 503
};

std::string_view StatusText(int status);  // "Not Found"
Json ToJson(const Problem& problem);
WebResponse ToResponse(const Problem& problem);
// What an error of the world is to who asked: their own input (400), or not (500, 503, 504).
Problem ToProblem(const Error& error);

}  // namespace sotto
