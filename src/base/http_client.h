// HTTP and HTTPS requests: one client for actions, teachers, speech servers and MCP (libcurl underneath).
//
//   const std::unique_ptr<HttpClient> http = MakeHttpClient();
//   auto answer = http->Send({.method = "POST", .url = "https://cards.example/cancel", .body = "{}"});
//
// One thread of the client's own moves the bytes of all requests; connections are kept and used again. An
// answer of any status is an answer; errors are what came in its way:
//   kUnavailable      no connection was made: nothing was asked for
//   kIo               the connection broke, or the server's certificate does not verify
//   kTimeout          the whole answer was not there in time
//   kOutOfRange       the answer is larger than the request allows
//   kCancelled        the request's stop token, or the client's end
//   kInvalidArgument  the URL or a header cannot be sent
// The client never follows a redirect (a 3xx is an answer like any other), never trusts a certificate that
// does not verify, and speaks nothing but http and https. Secrets: an error names the server alone
// ("https://cards.example"), never path, query, user, header or body.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sotto {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// A part of a multipart/form-data body.
struct HttpPart {
  std::string name;
  std::string value;
  std::string file_name = {};  // empty: a plain field
  std::string type = {};       // "audio/wav"
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers = {};
  std::string body = {};
  std::vector<HttpPart> form = {};  // instead of `body`
  std::chrono::milliseconds connect{5000};
  std::chrono::milliseconds timeout{5000};  // for the whole
  size_t max_answer_bytes = size_t{1} << 20;
  // Of a kept connection that the server closes at that moment a request is sent again, whatever it does
  // there. Set for what must not be done twice and says no idempotency key.
  bool new_connection = false;
  std::stop_token stop = {};
};

struct HttpAnswer {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;

  bool ok() const { return status >= 200 && status < 300; }
  // The first of that name (in lower case); empty: none.
  std::string_view Header(std::string_view name) const;
};

// Any thread.
class HttpClient {
 public:
  // A piece of the body of an answer with a 2xx status; `answer` has status and headers. False: no more is
  // wanted, the request ends as kCancelled.
  using OnBytes = std::function<bool(const HttpAnswer& answer, std::string_view bytes)>;
  using Done = std::function<void(Result<HttpAnswer>)>;

  // Ends what runs: told kCancelled.
  virtual ~HttpClient() = default;

  // Never waits. `done` is called once; both callbacks come on the client's thread and must neither wait nor
  // destroy the client. With `on_bytes` (may be null) the pieces go there instead of into the answer's body.
  virtual void Start(HttpRequest request, OnBytes on_bytes, Done done) = 0;

  // The same, waiting; `on_bytes` is called on this thread. REQUIRES: not the client's thread.
  Result<HttpAnswer> Send(HttpRequest request);
  Result<HttpAnswer> Send(HttpRequest request, const OnBytes& on_bytes);
};

std::unique_ptr<HttpClient> MakeHttpClient();

// "https://user:secret@cards.example:8443/a?token=b" -> "https://cards.example:8443": what may stand in logs.
std::string HttpOrigin(std::string_view url);

// The same with the path, for names: "https://cards.example:8443/a".
std::string HttpAddress(std::string_view url);

// "a b&c" -> "a%20b%26c"
std::string UrlEscape(std::string_view text);

}  // namespace sotto
