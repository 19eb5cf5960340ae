#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "server/http_connection.h"
#include "server/outbox.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kHandshakeWithin{10};
constexpr std::chrono::seconds kIdle{60};  // then a ping; no answer within as long: lost
constexpr uint16_t kLost = 1006;
constexpr uint16_t kTooSlow = 1013;

template <typename Stream>
struct Connection {
  explicit Connection(Stream stream) : socket(std::move(stream)) {}
  websocket::stream<Stream> socket;
  std::shared_ptr<Outbox> outbox;
  websocket::close_reason reason{websocket::close_code::normal};  // set before the outbox ends
};

template <typename Stream>
class Sender final : public WebSocketSender {
 public:
  Sender(std::shared_ptr<Connection<Stream>> connection, asio::any_io_executor strand)
      : connection_(connection), outbox_(connection->outbox), strand_(std::move(strand)) {}

  void SendText(std::string text) override { Send({std::move(text), true}); }
  void SendBinary(std::string bytes) override { Send({std::move(bytes), false}); }
  void Close(uint16_t code, std::string reason) override {
    asio::post(strand_, [connection = connection_, code, reason = std::move(reason)] {
      if (const auto alive = connection.lock()) {
        alive->reason.code = static_cast<websocket::close_code>(code);
        alive->reason.reason.assign(reason.data(), std::min<size_t>(reason.size(), 120));
        alive->outbox->End();
      }
    });
  }
  size_t waiting_bytes() const override { return outbox_->waiting_bytes(); }

 private:
  void Send(Outbox::Message message) {
    if (outbox_->Put(std::move(message)) || !outbox_->overflowed()) return;
    // It reads so slowly that a close frame would not reach it either.
    asio::post(strand_, [connection = connection_] {
      if (const auto alive = connection.lock()) beast::get_lowest_layer(alive->socket).close();
    });
  }

  const std::weak_ptr<Connection<Stream>> connection_;
  const std::shared_ptr<Outbox> outbox_;
  const asio::any_io_executor strand_;
};

template <typename Stream>
asio::awaitable<void> WriteMessages(std::shared_ptr<Connection<Stream>> connection) {
  while (true) {
    Outbox::Message message;
    const Outbox::Taken taken = co_await connection->outbox->Take(std::chrono::hours(1), &message);
    if (taken == Outbox::Taken::kNothing) continue;
    if (taken == Outbox::Taken::kEnd) break;
    connection->socket.text(message.text);
    const auto [error, n] = co_await connection->socket.async_write(asio::buffer(message.bytes), kTuple);
    if (error) co_return;
  }
  if (!connection->socket.is_open()) co_return;
  if (connection->outbox->overflowed()) connection->reason = {static_cast<websocket::close_code>(kTooSlow)};
  co_await connection->socket.async_close(connection->reason, kTuple);
}

}  // namespace

template <typename Stream>
asio::awaitable<void> ServeWebSocket(Stream stream, const HttpOptions& options, BeastRequest request,
                                     WebSocketAccept accept) {
  const auto executor = co_await asio::this_coro::executor;
  const auto connection = std::make_shared<Connection<Stream>>(std::move(stream));
  auto& socket = connection->socket;
  beast::get_lowest_layer(socket).expires_never();
  socket.set_option(websocket::stream_base::timeout{kHandshakeWithin, kIdle, true});
  socket.read_message_max(options.max_message);
  if (!accept.protocol.empty()) {
    socket.set_option(websocket::stream_base::decorator([protocol = accept.protocol](auto& response) {
      response.set(boost::beast::http::field::sec_websocket_protocol, protocol);
    }));
  }
  if (const auto [error] = co_await socket.async_accept(request, kTuple); error) {
    accept.receiver->OnClose(kLost);
    co_return;
  }
  connection->outbox = std::make_shared<Outbox>(executor, options.max_waiting);
  accept.receiver->OnOpen(std::make_shared<Sender<Stream>>(connection, executor));
  asio::co_spawn(executor, WriteMessages(connection), asio::detached);
  beast::flat_buffer buffer;
  while (true) {
    const auto [error, n] = co_await socket.async_read(buffer, kTuple);
    if (error) break;
    const std::string_view bytes(static_cast<const char*>(buffer.data().data()), buffer.size());
    if (socket.got_text()) {
      accept.receiver->OnText(bytes);
    } else {
      accept.receiver->OnBinary(bytes);
    }
    buffer.consume(buffer.size());
  }
  const auto code = static_cast<uint16_t>(socket.reason().code);
  accept.receiver->OnClose(code == 0 ? kLost : code);
  connection->outbox->End();
  beast::get_lowest_layer(socket).close();
}

template asio::awaitable<void> ServeWebSocket(PlainStream, const HttpOptions&, BeastRequest, WebSocketAccept);
template asio::awaitable<void> ServeWebSocket(TlsStream, const HttpOptions&, BeastRequest, WebSocketAccept);

}  // namespace sotto
