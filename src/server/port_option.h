// Where a TCP port of the server listens, and for which workflow, as people write it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

struct PortOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;     // 0: any free one
  std::string workflow;  // of what comes there; empty: the first that is served
  size_t max_connections = 1024;
};

// "9092", "0.0.0.0:9092", "[::1]:9092=banking". `what`: the option, for the message.
Result<PortOptions> ParsePort(std::string_view text, std::string_view what);

}  // namespace sotto
