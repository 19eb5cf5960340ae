#include "server/wyoming_server.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "server/metrics.h"
#include "server/tcp_listener.h"
#include "server/tcp_sender.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::minutes kQuietFor{10};  // a client that asks for nothing so long has gone
constexpr size_t kMaxUnsent = size_t{32} << 20;

struct WyomingConnection {
  explicit WyomingConnection(tcp::socket socket) : stream(std::move(socket)) {}
  boost::beast::tcp_stream stream;
  std::shared_ptr<Outbox> outbox;
  bool read_to_the_end = false;
};

asio::awaitable<void> ReadEvents(WyomingConnection& connection, WyomingSession& session,
                                 ServerMetrics& metrics) {
  constexpr auto kAsResult = asio::as_tuple(asio::use_awaitable);
  WyomingReader reader;
  std::array<char, 8192> block;
  while (true) {
    connection.stream.expires_after(kQuietFor);
    const auto [error, n] = co_await connection.stream.async_read_some(asio::buffer(block), kAsResult);
    if (error) co_return;
    reader.Feed({block.data(), n});
    while (true) {
      auto event = reader.Next();
      if (!event) {
        metrics.Refused("unreadable");
        connection.outbox->Put(
            {WyomingBytes({"error", {{"text", event.error().message}, {"code", "unreadable"}}})});
        co_return;
      }
      if (!*event) break;
      session.Take(*std::move(*event));
    }
  }
}

asio::awaitable<void> ServeWyoming(WyomingServices services, ServerMetrics* metrics, std::string workflow,
                                   tcp::socket socket) {
  const auto executor = co_await asio::this_coro::executor;
  const auto connection = std::make_shared<WyomingConnection>(std::move(socket));
  connection->outbox = std::make_shared<Outbox>(executor, kMaxUnsent);
  asio::co_spawn(executor,
                 SendAll(connection->outbox, connection, &connection->stream, &connection->read_to_the_end),
                 asio::detached);
  // What is still being computed when the client goes is sent to an outbox that has ended.
  const auto session = std::make_shared<WyomingSession>(
      services, std::move(workflow),
      [outbox = connection->outbox](const WyomingEvent& event) { outbox->Put({WyomingBytes(event)}); });
  co_await ReadEvents(*connection, *session, *metrics);
  connection->read_to_the_end = true;
  connection->outbox->End();
}

}  // namespace

struct WyomingServer::Impl {
  WyomingConversations conversations;
  WyomingWork work;
  std::unique_ptr<TcpListener> listener;
};

Result<std::unique_ptr<WyomingServer>> WyomingServer::Listen(IoThreads& io, PortOptions options,
                                                             const Services& services) {
  auto impl = std::make_unique<Impl>();
  const WyomingServices parts{services.scheduler, services.workflows, services.sessions, &impl->conversations,
                              &impl->work};
  SOTTO_ASSIGN_OR_RETURN(
      impl->listener, TcpListener::Listen(io, {options.address, options.port, options.max_connections},
                                          [parts, metrics = services.metrics, workflow = options.workflow](
                                              tcp::socket socket, const std::string&) {
                                            return ServeWyoming(parts, metrics, workflow, std::move(socket));
                                          }));
  return std::unique_ptr<WyomingServer>(new WyomingServer(std::move(impl)));
}

WyomingServer::WyomingServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WyomingServer::~WyomingServer() { impl_->work.Wait(); }

uint16_t WyomingServer::port() const { return impl_->listener->port(); }
size_t WyomingServer::connections() const { return impl_->listener->connections(); }

}  // namespace sotto
