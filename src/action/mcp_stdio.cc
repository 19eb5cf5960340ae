#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "action/mcp_protocol.h"
#include "action/mcp_transport.h"
#include "base/check.h"
#include "base/child_process.h"

namespace sotto::mcp {
namespace {

constexpr size_t kMaxUnsentBytes = 2 * kMaxMessageBytes;
constexpr size_t kMaxSaidBytes = 2000;

// A file descriptor that wakes poll().
class Wake {
 public:
  Wake() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { SOTTO_CHECK(event_ >= 0); }
  ~Wake() { close(event_); }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  void Set() { (void)!write(event_, &kOne, sizeof kOne); }
  void Clear() {
    uint64_t count = 0;
    (void)!read(event_, &count, sizeof count);
  }
  int event() const { return event_; }

 private:
  static constexpr uint64_t kOne = 1;
  const int event_;
};

// The child and what is on its way to and from it. The transport's thread alone.
struct Connection {
  Connection(uint64_t number_, ChildProcess child_) : number(number_), child(std::move(child_)) {}
  const uint64_t number;
  ChildProcess child;
  std::string unsent;
  std::string line;  // of its output, not ended yet
  std::string said;  // the last of its standard error, until it has answered once
  bool answered = false;
};

class StdioTransport final : public Transport {
 public:
  explicit StdioTransport(StdioServer server) : server_(std::move(server)) {
    thread_ = std::thread([this] { Work(); });
  }
  ~StdioTransport() override {
    Post({Order::Kind::kStop, 0, {}});
    thread_.join();
  }
  StdioTransport(const StdioTransport&) = delete;
  StdioTransport& operator=(const StdioTransport&) = delete;

  void SetEvents(Events events) override { events_ = std::move(events); }
  void Connect(uint64_t number) override { Post({Order::Kind::kConnect, number, {}}); }
  void Disconnect() override { Post({Order::Kind::kDisconnect, 0, {}}); }
  void Send(std::string message, Sending /*sending*/) override {
    Post({Order::Kind::kSend, 0, std::move(message) + '\n'});
  }
  void SetVersion(std::string /*version*/) override {}

 private:
  struct Order {
    enum class Kind { kConnect, kDisconnect, kSend, kStop };
    Kind kind;
    uint64_t number;
    std::string text;
  };

  void Post(Order order) {
    {
      const std::lock_guard lock(mutex_);
      orders_.push_back(std::move(order));
    }
    wake_.Set();
  }

  void Work() {
    // A child that is gone shows as EPIPE.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (Obey()) {
      Wait();
      if (connection_ && ready_errors_) ReadErrors();
      if (connection_ && ready_output_) ReadOutput();
      if (connection_ && !connection_->unsent.empty()) Write();
    }
    connection_.reset();
  }

  // False: to stop.
  bool Obey() {
    std::deque<Order> orders;
    {
      const std::lock_guard lock(mutex_);
      orders.swap(orders_);
    }
    for (Order& order : orders) {
      switch (order.kind) {
        case Order::Kind::kStop:
          return false;
        case Order::Kind::kDisconnect:
          if (connection_) Lose({ErrorCode::kUnavailable, "the server was stopped"});
          break;
        case Order::Kind::kConnect:
          Begin(order.number);
          break;
        case Order::Kind::kSend:
          if (!connection_) break;  // whoever waits for it was told by on_lost
          connection_->unsent += order.text;
          if (connection_->unsent.size() > kMaxUnsentBytes)
            Lose({ErrorCode::kUnavailable, "the server does not read what it is sent"});
          break;
      }
    }
    return true;
  }

  void Begin(uint64_t number) {
    connection_.reset();
    std::vector<std::string> names = {"PATH", "HOME"};
    names.insert(names.end(), server_.environment.begin(), server_.environment.end());
    auto child = ChildProcess::Start(
        {.arguments = server_.command, .environment = EnvironmentOf(names), .folder = server_.folder});
    if (!child) return events_.on_lost(number, {ErrorCode::kUnavailable, child.error().message});
    errors_open_ = true;
    connection_.emplace(number, *std::move(child));
  }

  void Wait() {
    pollfd ends[4] = {{wake_.event(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLOUT, 0}};
    if (connection_) {
      ends[1].fd = connection_->child.output();
      ends[2].fd = errors_open_ ? connection_->child.errors() : -1;
      ends[3].fd = connection_->unsent.empty() ? -1 : connection_->child.input();
    }
    poll(ends, 4, -1);
    wake_.Clear();
    ready_output_ = ends[1].revents != 0;
    ready_errors_ = ends[2].revents != 0;
  }

  void Write() {
    std::string& unsent = connection_->unsent;
    const ssize_t count = write(connection_->child.input(), unsent.data(), unsent.size());
    if (count > 0) {
      unsent.erase(0, static_cast<size_t>(count));
    } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
      unsent.clear();  // its output says what became of it
    }
  }

  void ReadOutput() {
    char block[65536];
    const ssize_t count = read(connection_->child.output(), block, sizeof block);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      ReadErrors();
      return Lose(
          {ErrorCode::kIo, "the server ended" + (connection_->said.empty() ? "" : ": " + LastSaid())});
    }
    std::string_view bytes(block, static_cast<size_t>(count));
    std::string& line = connection_->line;
    for (size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
      line += bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      const std::string message = std::exchange(line, {});
      if (message.find_first_not_of(" \t\r") == std::string::npos) continue;
      connection_->answered = true;
      connection_->said.clear();
      events_.on_message(connection_->number, message);
    }
    line += bytes;
    if (line.size() > kMaxMessageBytes) Lose({ErrorCode::kIo, "the server wrote a line that is too long"});
  }

  // What a server says before it has answered anything explains why it does not start; later it may hold a
  // caller's words and goes nowhere.
  void ReadErrors() {
    char block[4096];
    while (true) {
      const ssize_t count = read(connection_->child.errors(), block, sizeof block);
      if (count == 0) errors_open_ = false;
      if (count <= 0) return;
      std::string& said = connection_->said;
      if (connection_->answered) continue;
      said.append(block, static_cast<size_t>(count));
      if (said.size() > kMaxSaidBytes) said.erase(0, said.size() - kMaxSaidBytes);
    }
  }

  // The line that names the error, or the last one.
  std::string LastSaid() const {
    std::string last;
    std::string_view rest = connection_->said;
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      if (line.find("rror") != std::string_view::npos) return std::string(line);
      if (!line.empty()) last = line;
    }
    return last;
  }

  void Lose(Error why) {
    const uint64_t number = connection_->number;
    connection_.reset();
    events_.on_lost(number, std::move(why));
  }

  const StdioServer server_;
  Events events_;
  Wake wake_;
  std::mutex mutex_;
  std::deque<Order> orders_;  // guarded by mutex_
  // The thread's:
  std::optional<Connection> connection_;
  bool errors_open_ = true;
  bool ready_output_ = false;
  bool ready_errors_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Transport> MakeStdioTransport(StdioServer server) {
  SOTTO_CHECK(!server.command.empty());
  return std::make_unique<StdioTransport>(std::move(server));
}

}  // namespace sotto::mcp
