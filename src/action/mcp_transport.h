// How messages get to an MCP server and back: over the pipes of a child process (one message a line), or by
// streamable HTTP (one POST a message; answers as JSON or as server-sent events).
//
// A transport lives as long as its client and connects as often as it is told to; what it tells carries the
// number of the connection that it is about. It never calls back from inside Connect, Disconnect or Send. Any
// thread may call these; the events come on a thread of the transport's. The destructor ends the connection
// and waits until no event runs (REQUIRES: not called from one).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/http_client.h"

namespace sotto::mcp {

class Transport {
 public:
  struct Events {
    std::function<void(uint64_t connection, std::string_view text)> on_message;
    // The connection ended or never came about; nothing more comes of it.
    std::function<void(uint64_t connection, Error why)> on_lost;
  };
  // Nothing more comes for this message: kUnavailable: it certainly had no effect.
  using Over = std::function<void(Error why)>;

  virtual ~Transport() = default;
  // Once, before anything else.
  virtual void SetEvents(Events events) = 0;
  // Begins the connection `number`, after whatever was there is gone.
  virtual void Connect(uint64_t number) = 0;
  virtual void Disconnect() = 0;
  struct Sending {
    std::stop_token stop = {};  // set when the answer is not wanted any more
    Over over = nullptr;        // may be null
    bool once = false;          // must never get there twice
  };
  virtual void Send(std::string message, Sending sending) = 0;
  // After initialize: the revision that both speak.
  virtual void SetVersion(std::string version) = 0;
};

struct StdioServer {
  std::vector<std::string> command;
  std::vector<std::string> environment;  // names of ours that it gets, besides PATH and HOME
  std::filesystem::path folder;          // where it runs
};
std::unique_ptr<Transport> MakeStdioTransport(StdioServer server);

// Of a URL: `headers` go with every request. `http` outlives the transport.
std::unique_ptr<Transport> MakeHttpTransport(std::string url, HttpHeaders headers, HttpClient& http);

}  // namespace sotto::mcp
