// A TCP port: what connects is served by a coroutine on a strand of its own, at most so many at once; the
// others wait in the system's queue.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "server/io_threads.h"

namespace sotto {

class TcpListener {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    uint16_t port = 0;  // 0: any free one
    size_t max_connections = 4096;
  };
  // `peer`: the other side's address. What it throws ends the connection and is logged.
  using Serve =
      std::function<boost::asio::awaitable<void>(boost::asio::ip::tcp::socket socket, std::string peer)>;

  // Listens when this returns. `io` outlives it. The error names address and port.
  static Result<std::unique_ptr<TcpListener>> Listen(IoThreads& io, Options options, Serve serve);
  // Accepts no more. Connections end with `io`.
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  uint16_t port() const;
  size_t connections() const;
  void StopAccepting();

  struct Impl;

 private:
  explicit TcpListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<Impl> impl_;
};

}  // namespace sotto
