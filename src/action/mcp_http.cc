#include <condition_variable>
#include <mutex>
#include <optional>

#include "action/mcp_protocol.h"
#include "action/mcp_transport.h"
#include "base/check.h"
#include "base/sse.h"

namespace sotto::mcp {
namespace {

// Whoever sends a message says when it is too late; this is for servers that never end.
constexpr std::chrono::minutes kLongest{10};

class StreamableHttp final : public Transport {
 public:
  StreamableHttp(std::string url, HttpHeaders headers, HttpClient& http)
      : url_(std::move(url)), headers_(std::move(headers)), http_(http) {}
  ~StreamableHttp() override {
    EndSession();
    std::unique_lock lock(mutex_);
    const std::stop_source running = stop_;
    lock.unlock();
    running.request_stop();
    lock.lock();
    idle_.wait(lock, [&] { return n_running_ == 0; });
  }
  StreamableHttp(const StreamableHttp&) = delete;
  StreamableHttp& operator=(const StreamableHttp&) = delete;

  void SetEvents(Events events) override { events_ = std::move(events); }

  void Connect(uint64_t number) override {
    const std::lock_guard lock(mutex_);
    number_ = number;
    session_.clear();
    version_.clear();
    stop_ = std::stop_source();
  }

  void Disconnect() override {
    EndSession();
    std::unique_lock lock(mutex_);
    const std::stop_source running = stop_;
    lock.unlock();
    running.request_stop();
  }

  void SetVersion(std::string version) override {
    const std::lock_guard lock(mutex_);
    version_ = std::move(version);
  }

  void Send(std::string message, Sending sending) override {
    auto exchange = std::make_shared<Exchange>();
    exchange->over = std::move(sending.over);
    HttpRequest request = NewRequest("POST");
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("Accept", "application/json, text/event-stream");
    request.body = std::move(message);
    request.new_connection = sending.once;
    {
      const std::lock_guard lock(mutex_);
      exchange->number = number_;
      exchange->had_session = !session_.empty();
      exchange->caller_stops.emplace(std::move(sending.stop),
                                     [exchange = exchange.get()] { exchange->stop.request_stop(); });
      exchange->we_stop.emplace(stop_.get_token(),
                                [exchange = exchange.get()] { exchange->stop.request_stop(); });
      ++n_running_;
    }
    request.stop = exchange->stop.get_token();
    http_.Start(
        std::move(request),
        [this, exchange](const HttpAnswer& answer, std::string_view bytes) {
          return Receive(*exchange, answer, bytes);
        },
        [this, exchange](Result<HttpAnswer> answer) {
          exchange->caller_stops.reset();
          exchange->we_stop.reset();
          Finish(*exchange, std::move(answer));
          const std::lock_guard lock(mutex_);
          if (--n_running_ == 0) idle_.notify_all();
        });
  }

 private:
  using StopOn = std::stop_callback<std::function<void()>>;

  // One POST; the HTTP client's thread alone, but for `stop`.
  struct Exchange {
    uint64_t number = 0;
    bool had_session = false;
    Over over;
    std::stop_source stop;
    std::optional<StopOn> caller_stops;
    std::optional<StopOn> we_stop;
    std::string json;
    bool too_large = false;
    SseParser events{kMaxMessageBytes};
  };

  HttpRequest NewRequest(std::string method) {
    HttpRequest request{.method = std::move(method), .url = url_, .headers = headers_};
    request.timeout = kLongest;
    request.max_answer_bytes = 4 * kMaxMessageBytes;
    const std::lock_guard lock(mutex_);
    if (!session_.empty()) request.headers.emplace_back("Mcp-Session-Id", session_);
    if (!version_.empty()) request.headers.emplace_back("MCP-Protocol-Version", version_);
    return request;
  }

  // Tells the server that its session is not needed any more; what it answers does not matter.
  void EndSession() {
    {
      const std::lock_guard lock(mutex_);
      if (session_.empty()) return;
    }
    HttpRequest request = NewRequest("DELETE");
    request.timeout = std::chrono::seconds(1);
    {
      const std::lock_guard lock(mutex_);
      session_.clear();
    }
    http_.Start(std::move(request), nullptr, [](const Result<HttpAnswer>&) {});
  }

  bool Receive(Exchange& exchange, const HttpAnswer& answer, std::string_view bytes) {
    TakeSession(exchange, answer);
    if (answer.Header("content-type").starts_with("text/event-stream")) {
      const auto read = exchange.events.Feed(bytes, [&](const SseEvent& event) {
        if (!event.data.empty()) events_.on_message(exchange.number, event.data);
      });
      exchange.too_large = !read;
    } else {
      exchange.json += bytes;
      exchange.too_large = exchange.json.size() > kMaxMessageBytes;
    }
    return !exchange.too_large;
  }

  // The session is known before the message that began it is.
  void TakeSession(const Exchange& exchange, const HttpAnswer& answer) {
    const std::string_view session = answer.Header("mcp-session-id");
    const std::lock_guard lock(mutex_);
    if (exchange.number == number_ && session_.empty() && !session.empty()) session_ = session;
  }

  void Finish(Exchange& exchange, Result<HttpAnswer> answer) {
    Error why{ErrorCode::kIo, HttpOrigin(url_) + ": no answer to a message"};
    if (exchange.too_large) {
      why.message = HttpOrigin(url_) + ": a message that is too large";
    } else if (!answer) {
      why = std::move(answer).error();
    } else if (answer->ok()) {
      if (!exchange.json.empty()) events_.on_message(exchange.number, exchange.json);
    } else {
      why = ErrorOf(answer->status);
      if (answer->status == 404 && exchange.had_session) {
        why = {ErrorCode::kUnavailable, HttpOrigin(url_) + ": the session is over"};
        events_.on_lost(exchange.number, why);
      }
    }
    if (exchange.over) exchange.over(std::move(why));
  }

  Error ErrorOf(int status) const {
    const bool later = status == 429 || status == 502 || status == 503;
    const bool refused = status >= 300 && status < 500;
    return {later     ? ErrorCode::kUnavailable
            : refused ? ErrorCode::kUnsupported
                      : ErrorCode::kIo,
            fmt::format("{}: HTTP {}", HttpOrigin(url_), status)};
  }

  const std::string url_;
  const HttpHeaders headers_;
  HttpClient& http_;
  Events events_;
  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_:
  uint64_t number_ = 0;
  std::string session_;
  std::string version_;
  std::stop_source stop_;
  size_t n_running_ = 0;
};

}  // namespace

std::unique_ptr<Transport> MakeHttpTransport(std::string url, HttpHeaders headers, HttpClient& http) {
  return std::make_unique<StreamableHttp>(std::move(url), std::move(headers), http);
}

}  // namespace sotto::mcp
