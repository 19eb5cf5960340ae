// An HTTP client that costs next to nothing: benchmarks share the machine with what they measure, and what
// libcurl computes would count. One connection that is kept, requests one after the other; 127.0.0.1 only. One
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

class LoadConnection {
 public:
  struct Answer {
    int status = 0;
    std::string body;
  };

  // `headers`: of every request, each with its end of line.
  static Result<LoadConnection> Open(uint16_t port, std::string headers = {});
  ~LoadConnection();
  LoadConnection(LoadConnection&& other) noexcept;
  LoadConnection& operator=(LoadConnection&&) = delete;

  // `body`: JSON; empty: none. Answers with a Content-Length alone.
  Result<Answer> Ask(std::string_view method, std::string_view path, std::string_view body = {});

 private:
  explicit LoadConnection(int socket) : socket_(socket) {}
  int socket_ = -1;
  std::string headers_;
};

}  // namespace sotto
