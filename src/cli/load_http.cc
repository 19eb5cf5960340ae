#include "cli/load_http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace sotto {

Result<LoadConnection> LoadConnection::Open(uint16_t port, std::string headers) {
  LoadConnection connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  connection.headers_ = std::move(headers);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(connection.socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return MakeError(ErrorCode::kUnavailable, "port {} cannot be reached: {}", port, strerror(errno));
  const int on = 1;
  ::setsockopt(connection.socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

LoadConnection::~LoadConnection() {
  if (socket_ >= 0) ::close(socket_);
}

LoadConnection::LoadConnection(LoadConnection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), headers_(std::move(other.headers_)) {}

Result<LoadConnection::Answer> LoadConnection::Ask(std::string_view method, std::string_view path,
                                                   std::string_view body) {
  const std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}{}Content-Length: {}\r\n\r\n{}", method, path,
                  headers_, body.empty() ? "" : "Content-Type: application/json\r\n", body.size(), body);
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = ::send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return MakeError(ErrorCode::kIo, "the server closed the connection");
    sent += static_cast<size_t>(n);
  }
  std::string got;
  size_t wanted = std::string::npos;
  size_t head = std::string::npos;
  std::array<char, 16384> block;
  while (got.size() < wanted) {
    const ssize_t n = ::recv(socket_, block.data(), block.size(), 0);
    if (n <= 0) return MakeError(ErrorCode::kIo, "the server closed the connection");
    got.append(block.data(), static_cast<size_t>(n));
    if (head != std::string::npos) continue;
    head = got.find("\r\n\r\n");
    if (head == std::string::npos) continue;
    size_t length = 0;
    if (const size_t at = got.find("Content-Length: "); at < head)
      std::from_chars(got.data() + at + 16, got.data() + head, length);
    wanted = head + 4 + length;
  }
  Answer answer;
  std::from_chars(got.data() + 9, got.data() + 12, answer.status);  // "HTTP/1.1 200 OK"
  answer.body = got.substr(head + 4);
  return answer;
}

}  // namespace sotto
