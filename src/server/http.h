// HTTP as plain values: what handlers get and give, without the library that reads and writes it
// (http_server.h). A handler never blocks and answers through a callback, from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace sotto {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct WebRequest {
  std::string method;  // "GET"
  std::string target;  // as it was sent: "/v1/a%20b?x=1"
  std::string path;    // decoded, UTF-8: "/v1/sessions/ab"
  HttpFields query;    // decoded, UTF-8
  HttpFields headers;  // names in lower case
  std::string body;
  std::string peer;  // address of the other side
  bool tls = false;
  // Of the certificate that the client showed and that was verified (server/client_certificate.h); empty: none.
  std::vector<std::string> certificate;

  // The first of that name; null where there is none. `name` in lower case.
  const std::string* Header(std::string_view name) const;
  const std::string* Query(std::string_view name) const;
};

// "/v1/a%20b?x=1": sets path and query. kInvalidArgument: no absolute path, a wrong escape, a control
// character, bytes that are no UTF-8, or ".." as a step.
Result<void> ParseTarget(std::string_view target, WebRequest* request);
// "a=b&c=d", as targets and forms have it.
Result<HttpFields> ParseForm(std::string_view text);

// A body that is written as it comes. Any thread.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // False: the reader has gone, or is so slow that it was given up; nothing more is sent.
  virtual bool Write(std::string piece) = 0;
  virtual void End() = 0;
};

struct WebResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  HttpFields headers;
  // Where not empty, its bytes are the body.
  std::filesystem::path file;
  // Where set, it is the body: called once, when the head has been sent. Keeps the connection from being used
  // again. `comment`, where not empty, is written when nothing was for 15 s (server-sent events: ":\n\n").
  std::function<void(std::shared_ptr<StreamWriter>)> stream;
  std::string comment;
};
using HttpRespond = std::function<void(WebResponse)>;

// The server's end of a WebSocket. Any thread. What is sent waits in a queue; where the other side does not
// read for so long that it holds more than its limit, the connection is closed with 1013.
class WebSocketSender {
 public:
  virtual ~WebSocketSender() = default;
  virtual void SendText(std::string text) = 0;
  virtual void SendBinary(std::string bytes) = 0;
  // After what was sent. `reason`: at most 123 bytes.
  virtual void Close(uint16_t code, std::string reason) = 0;
  virtual size_t waiting_bytes() const = 0;
};

// What a WebSocket does with what comes. One thread at a time; never blocks.
class WebSocketReceiver {
 public:
  virtual ~WebSocketReceiver() = default;
  // First. `sender` may be kept; it does nothing once the connection has gone.
  virtual void OnOpen(std::shared_ptr<WebSocketSender> sender) = 0;
  virtual void OnText(std::string_view text) = 0;
  virtual void OnBinary(std::string_view bytes) = 0;
  // Last, whoever closed. `code`: 1006 where the connection was lost.
  virtual void OnClose(uint16_t code) = 0;
};

struct WebSocketAccept {
  std::shared_ptr<WebSocketReceiver> receiver;
  std::string protocol;  // of those that the client offers; empty: none
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // `respond` is called exactly once, from any thread, possibly before this returns.
  virtual void Handle(WebRequest request, HttpRespond respond) = 0;
  // A WebSocket is asked for: it is accepted, or the answer that refuses it.
  virtual std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request) = 0;
  // Bytes that the body of a request to this address may have; 0: as many as the port's others.
  virtual size_t MaxBody(std::string_view /*target*/) const { return 0; }
  // Before any of it was read: a request that the library refuses (431, 413, 400). The answer's body.
  virtual WebResponse Refuse(int status, std::string_view why) = 0;
};

}  // namespace sotto
