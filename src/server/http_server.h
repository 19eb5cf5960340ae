// One port that speaks HTTP/1.1 and WebSocket, with TLS where files are given. Requests of a connection are
// answered one after the other; every read and write has a time limit, every size a bound:
//
//   accepted --TLS--> head (header_within, max_head) --> body (max_body) --> handler --> answer --> head ...
//                                 '--> WebSocket: receiver until it is closed
//
// Beast reads and writes it (it refuses smuggled lengths); nothing of Beast shows here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "server/http.h"
#include "server/io_threads.h"

namespace sotto {

struct HttpOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  // PEM files; empty: no TLS.
  std::string certificate;
  std::string certificate_key;
  // PEM file of the authorities whose certificates clients show; empty: nobody is asked for one.
  std::string client_authorities;
  bool client_certificate_required = true;  // false: it may be left out
  size_t max_body = size_t{1} << 20;
  size_t max_head = size_t{16} << 10;
  size_t max_message = size_t{64} << 10;  // of a WebSocket, coming in
  size_t max_waiting = size_t{1} << 20;   // bytes that a reader who does not read is given
  size_t max_connections = 4096;
  std::chrono::seconds header_within{15};
  std::chrono::seconds body_within{30};
  std::chrono::seconds idle_within{75};  // between requests
};

class HttpServer {
 public:
  // Listens when this returns. `handler` and `io` outlive it. The error names address and port, or the file.
  static Result<std::unique_ptr<HttpServer>> Listen(IoThreads& io, HttpOptions options, HttpHandler& handler);
  // Accepts no more. Connections end with `io`.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  bool tls() const;
  size_t connections() const;
  // Reads the certificate and the clients' authorities again; connections that exist keep theirs. No effect without TLS.
  Result<void> ReloadCertificate();
  void StopAccepting();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace sotto
