// A server on 127.0.0.1 whose every connection is talked to by a function of the test, on a thread of its
// own.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace sotto {

class LoopbackServer {
 public:
  // `talk` gets the connection's socket, which is closed when it returns.
  explicit LoopbackServer(std::function<void(int)> talk) : talk_(std::move(talk)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    SOTTO_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                listen(listener_, 64) == 0);
    SOTTO_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    accepter_ = std::thread([this] { Accept(); });
  }
  ~LoopbackServer() {
    shutdown(listener_, SHUT_RDWR);
    accepter_.join();
    close(listener_);
    {
      const std::lock_guard lock(mutex_);
      for (const int open : open_) shutdown(open, SHUT_RDWR);
    }
    for (std::thread& talker : talkers_) talker.join();
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url(std::string_view path = "/") const {
    return fmt::format("http://127.0.0.1:{}{}", port_, path);
  }

 private:
  void Accept() {
    while (true) {
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      {
        const std::lock_guard lock(mutex_);
        open_.push_back(connection);
      }
      talkers_.emplace_back([this, connection] {
        talk_(connection);
        const std::lock_guard lock(mutex_);
        std::erase(open_, connection);
        shutdown(connection, SHUT_RDWR);
        close(connection);
      });
    }
  }

  const std::function<void(int)> talk_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;  // guarded by mutex_
  std::vector<std::thread> talkers_;
  std::thread accepter_;
};

inline bool SendBytes(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

// Until the other side closes.
inline void WaitForEnd(int connection) {
  char block[4096];
  while (recv(connection, block, sizeof block, 0) > 0) {
  }
}

struct ReceivedRequest {
  std::string head;  // request line and headers
  std::string body;
};

// One request with its body (Content-Length); empty at the end of the connection.
inline ReceivedRequest ReceiveRequest(int connection) {
  std::string text;
  size_t wanted = std::string::npos;
  size_t head = std::string::npos;
  while (text.size() < wanted) {
    char block[4096];
    const ssize_t n = recv(connection, block, sizeof block, 0);
    if (n <= 0) return {};
    text.append(block, static_cast<size_t>(n));
    if (head != std::string::npos) continue;
    head = text.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    const size_t length = text.find("Content-Length: ");
    wanted = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
  }
  return {text.substr(0, head), text.substr(head + 4)};
}

inline std::string AnswerText(int status, std::string_view body, std::string_view headers = "") {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), headers, body);
}

}  // namespace sotto
