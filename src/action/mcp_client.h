// One MCP server as a client sees it: connects when the first tool is called, knows the server's tools, calls
// them, and connects again when the server is gone.
//
//   idle -> connecting (initialize, tools/list) -> ready -> lost -> (next call, not before its pause)
//   connecting ...
//
// After the first loss the next call connects at once; after another without a successful call in between it
// waits half a second, then twice as long each time up to 30 s; calls meanwhile are kUnavailable. A server
// that does not get through initialize in 10 s, or leaves three calls in a row unanswered until they are
// given up, counts as lost.
//
// Errors of a call: kUnavailable it certainly had no effect (not connected, not sent); kIo, kTimeout,
// kCancelled it may have had one; kNotFound no such tool; kInvalidArgument the server refuses the arguments;
// kUnsupported the server refuses the call; kCorrupt an answer that is none. No message quotes arguments or
// answers.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "action/mcp_protocol.h"
#include "action/mcp_transport.h"
#include "base/clock.h"

namespace sotto::mcp {

// Any thread.
class Client {
 public:
  using Done = std::function<void(Result<Json>)>;
  using ToolsDone = std::function<void(Result<std::vector<Tool>>)>;
  struct Counters {
    uint64_t connections = 0;
    uint64_t losses = 0;
    uint64_t strange = 0;  // messages that are none, or answer nothing that was asked
  };

  // `name` for messages; `clock` outlives the client.
  Client(std::string name, std::unique_ptr<Transport> transport, const Clock& clock);
  // What waits is told kCancelled. REQUIRES: not from a callback.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects now rather than at the first call.
  void Connect();
  // The result of tools/call, as the server has it. The key, unless it is empty, goes along in _meta as
  // "sotto/idempotency_key", for servers that look at it. `done` is called once, on any thread, also before
  // Call returns. When `stop` is set before the answer is there the server is told, and `done` gets
  // kCancelled.
  void Call(const ToolCall& call, const std::string& idempotency_key, std::stop_token stop, Done done);
  // The server's tools, once they are known.
  void ListTools(std::stop_token stop, ToolsDone done);

  const std::string& name() const { return name_; }
  // As it calls itself; empty before it was connected.
  std::string server_name() const;
  // By the annotations of a tool that is known: calling it once more does no harm.
  bool Repeatable(const std::string& tool) const;
  Counters counters() const;

 private:
  enum class State { kIdle, kConnecting, kReady, kLost };
  struct Request;
  using Requests = std::map<int64_t, std::shared_ptr<Request>>;
  using Lock = std::unique_lock<std::mutex>;
  using StopOn = std::stop_callback<std::function<void()>>;

  void Add(std::shared_ptr<Request> request, std::stop_token stop);
  // True: connected, or on the way.
  bool ConnectIfDue(const Lock&);
  void SendCall(int64_t id, Request& request, const Lock&);
  void SendHandshake(std::string_view method, const Json& params, const Lock&);
  Transport::Over Over(int64_t id);
  void Cancel(int64_t id);
  void OnMessage(uint64_t connection, std::string_view text);
  void OnLost(uint64_t connection, Error why);
  void OnOver(uint64_t connection, int64_t id, Error why);
  // The errors end the connection.
  Result<void> OnHandshake(const Message& message, Lock& lock);
  Result<void> OnInitialized(const Json& result, const Lock&);
  Result<bool> OnTools(const Json& result, const Lock&);  // true: that was the last page
  void GetReady(Lock& lock);
  // Releases the lock.
  void Lose(Error why, Lock& lock);
  std::shared_ptr<Request> Take(int64_t id, const Lock&);
  const Tool* FindTool(const std::string& tool) const;
  Error Named(Error error) const;

  const std::string name_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  State state_ = State::kIdle;
  uint64_t connection_ = 0;
  int64_t next_id_ = 1;
  int64_t handshake_ = 0;  // the id of the handshake's open request
  bool initialized_ = false;
  bool closing_ = false;
  TimePoint connecting_since_{};
  TimePoint not_before_{};
  int losses_in_a_row_ = 0;
  int unanswered_ = 0;
  int bad_in_a_row_ = 0;
  std::string lost_because_;
  ServerInfo server_;
  std::vector<Tool> tools_;
  std::vector<Tool> pages_;  // while they are read
  std::set<std::string> cursors_;
  Requests requests_;  // that wait for the connection or an answer
  Counters counters_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace sotto::mcp
