#include "server/call_client.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket.hpp>

#include "base/check.h"
#include "core/audio.h"
#include "server/audio_socket_protocol.h"
#include "server/outbox.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using Kind = AudioSocketMessage::Kind;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr size_t kPacketSamples = 2 * kFrameSamples;
constexpr size_t kMaxWaiting = size_t{1} << 20;

// What both protocols share. Kept by its coroutines.
struct Line {
  Line(asio::any_io_executor executor, LineFormat format, CallClient::Callbacks given)
      : strand(std::move(executor)),
        outbox(std::make_shared<Outbox>(strand, kMaxWaiting)),
        encoder(LineEncoder::Create(format).value()),
        decoder(LineDecoder::Create(format).value()),
        callbacks(std::move(given)) {}

  template <typename Callback, typename... Args>
  void Tell(const Callback& callback, Args&&... args) {
    const std::lock_guard lock(mutex);
    if (!dropped && callback) callback(std::forward<Args>(args)...);
  }
  void Hear(std::string_view bytes) {
    samples.clear();
    const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
    if (decoder->Decode({data, bytes.size()}, &samples))
      Tell(callbacks.on_audio, std::span<const float>(samples));
  }

  const asio::any_io_executor strand;
  const std::shared_ptr<Outbox> outbox;
  const std::unique_ptr<LineEncoder> encoder;  // the sender's
  const std::unique_ptr<LineDecoder> decoder;  // the strand's
  std::vector<float> samples;                  // the strand's
  const CallClient::Callbacks callbacks;
  std::mutex mutex;
  bool dropped = false;  // guarded by mutex
};
using LinePtr = std::shared_ptr<Line>;

class AnyClient : public CallClient {
 public:
  explicit AnyClient(LinePtr line) : line_(std::move(line)) {}
  ~AnyClient() override {
    line_->outbox->End();
    const std::lock_guard lock(line_->mutex);
    line_->dropped = true;
  }
  void Send(std::span<const float> samples) final {
    packet_.insert(packet_.end(), samples.begin(), samples.end());
    size_t sent = 0;
    for (; packet_.size() - sent >= kPacketSamples; sent += kPacketSamples) {
      const std::string bytes = line_->encoder->Encode(std::span(packet_).subspan(sent, kPacketSamples));
      if (!bytes.empty()) Put(bytes);
    }
    packet_.erase(packet_.begin(), packet_.begin() + static_cast<std::ptrdiff_t>(sent));
  }

 protected:
  virtual void Put(const std::string& audio) = 0;
  const LinePtr line_;

 private:
  std::vector<float> packet_;
};

class WebSocketClient final : public AnyClient {
 public:
  using AnyClient::AnyClient;
  void Key(char key) override {
    line_->outbox->Put({Json{{"type", "key"}, {"key", std::string(1, key)}}.dump(), true});
  }
  void HangUp() override { line_->outbox->Put({Json{{"type", "end"}}.dump(), true}); }

 private:
  void Put(const std::string& audio) override { line_->outbox->Put({audio, false}); }
};

class AudioSocketClient final : public AnyClient {
 public:
  AudioSocketClient(LinePtr line, int rate_hz) : AnyClient(std::move(line)), rate_hz_(rate_hz) {}
  void Key(char key) override {
    line_->outbox->Put({AudioSocketBytes(Kind::kKey, std::string_view(&key, 1))});
  }
  void HangUp() override {
    line_->outbox->Put({AudioSocketBytes(Kind::kHangUp, {})});
    line_->outbox->End();
  }

 private:
  void Put(const std::string& audio) override {
    line_->outbox->Put({AudioSocketBytes(Kind::kAudio, audio, rate_hz_)});
  }
  const int rate_hz_;
};

struct WebSocketConnection {
  explicit WebSocketConnection(LinePtr given) : line(std::move(given)), socket(line->strand) {}
  const LinePtr line;
  websocket::stream<beast::tcp_stream> socket;
};

asio::awaitable<void> WriteWebSocket(std::shared_ptr<WebSocketConnection> connection) {
  while (true) {
    Outbox::Message message;
    const Outbox::Taken taken = co_await connection->line->outbox->Take(std::chrono::hours(1), &message);
    if (taken == Outbox::Taken::kNothing) continue;
    if (taken == Outbox::Taken::kEnd) break;
    connection->socket.text(message.text);
    const auto [error, n] = co_await connection->socket.async_write(asio::buffer(message.bytes), kTuple);
    if (error) break;
  }
  if (connection->socket.is_open()) beast::get_lowest_layer(connection->socket).close();
}

asio::awaitable<void> RunWebSocket(LinePtr line, uint16_t port) {
  const auto connection = std::make_shared<WebSocketConnection>(line);
  auto& socket = connection->socket;
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  auto [error] = co_await beast::get_lowest_layer(socket).async_connect(endpoint, kTuple);
  if (!error) beast::get_lowest_layer(socket).socket().set_option(tcp::no_delay(true), error);
  if (!error) std::tie(error) = co_await socket.async_handshake("localhost", "/v1/voice", kTuple);
  if (error) {
    line->Tell(line->callbacks.on_end, error.message());
    co_return;
  }
  asio::co_spawn(line->strand, WriteWebSocket(connection), asio::detached);
  beast::flat_buffer buffer;
  while (true) {
    const auto [failed, n] = co_await socket.async_read(buffer, kTuple);
    if (failed) break;
    const std::string_view bytes(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (socket.got_text()) {
      line->Tell(line->callbacks.on_event, Json::parse(bytes));
    } else {
      line->Hear(bytes);
    }
    buffer.consume(buffer.size());
  }
  line->outbox->End();
  const auto reason = socket.reason();
  line->Tell(line->callbacks.on_end,
             fmt::format("{} {}", reason.code, std::string_view(reason.reason.data(), reason.reason.size())));
}

asio::awaitable<void> WriteAudioSocket(LinePtr line, std::shared_ptr<tcp::socket> socket) {
  boost::system::error_code ignored;
  while (true) {
    Outbox::Message message;
    const Outbox::Taken taken = co_await line->outbox->Take(std::chrono::hours(1), &message);
    if (taken == Outbox::Taken::kNothing) continue;
    if (taken == Outbox::Taken::kEnd) break;
    const auto [error, n] = co_await asio::async_write(*socket, asio::buffer(message.bytes), kTuple);
    if (error) break;
  }
  socket->shutdown(tcp::socket::shutdown_both, ignored);
}

asio::awaitable<void> RunAudioSocket(LinePtr line, uint16_t port, std::string id) {
  const auto socket = std::make_shared<tcp::socket>(line->strand);
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  auto [error] = co_await socket->async_connect(endpoint, kTuple);
  if (!error) socket->set_option(tcp::no_delay(true), error);
  if (!error) {
    const std::string hello = AudioSocketBytes(Kind::kId, id);
    size_t n = 0;
    std::tie(error, n) = co_await asio::async_write(*socket, asio::buffer(hello), kTuple);
  }
  if (error) {
    line->Tell(line->callbacks.on_end, error.message());
    co_return;
  }
  asio::co_spawn(line->strand, WriteAudioSocket(line, socket), asio::detached);
  AudioSocketReader reader;
  std::array<char, 8192> block;
  std::string reason = "closed";
  while (reason == "closed") {
    const auto [failed, n] = co_await socket->async_read_some(asio::buffer(block), kTuple);
    if (failed) break;
    reader.Feed({block.data(), n});
    while (reason == "closed") {
      const auto message = reader.Next();
      if (!message) {
        reason = message.error().message;
      } else if (!*message) {
        break;
      } else if ((*message)->kind == Kind::kAudio) {
        line->Hear((*message)->payload);
      } else if ((*message)->kind == Kind::kHangUp) {
        reason = "hang-up";
      }
    }
  }
  line->outbox->End();
  line->Tell(line->callbacks.on_end, reason);
}

}  // namespace

std::unique_ptr<CallClient> CallOverWebSocket(IoThreads& io, uint16_t port, Json start, LineFormat format,
                                              CallClient::Callbacks callbacks) {
  const auto line = std::make_shared<Line>(asio::make_strand(io.context()), format, std::move(callbacks));
  start["input"] = start["output"] = LineFormatName(format);
  line->outbox->Put({start.dump(), true});
  asio::co_spawn(line->strand, RunWebSocket(line, port), asio::detached);
  return std::make_unique<WebSocketClient>(line);
}

std::unique_ptr<CallClient> CallOverAudioSocket(IoThreads& io, uint16_t port, std::string id, int rate_hz,
                                                CallClient::Callbacks callbacks) {
  SOTTO_CHECK(id.size() == 16);
  const auto line = std::make_shared<Line>(
      asio::make_strand(io.context()), LineFormat{LineFormat::Codec::kPcm16, rate_hz}, std::move(callbacks));
  asio::co_spawn(line->strand, RunAudioSocket(line, port, std::move(id)), asio::detached);
  return std::make_unique<AudioSocketClient>(line, rate_hz);
}

}  // namespace sotto
