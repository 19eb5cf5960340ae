#include "server/http_server.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>

#include "base/log.h"
#include "server/http_connection.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Result<std::shared_ptr<asio::ssl::context>> LoadCertificate(const HttpOptions& options) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  boost::system::error_code error;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1 | asio::ssl::context::single_dh_use);
  context->use_certificate_chain_file(options.certificate, error);
  if (error) {
    return MakeError(ErrorCode::kInvalidArgument, "the certificate {} cannot be used: {}",
                     options.certificate, error.message());
  }
  context->use_private_key_file(options.certificate_key, asio::ssl::context::pem, error);
  if (error) {
    return MakeError(ErrorCode::kInvalidArgument, "the certificate's key {} cannot be used: {}",
                     options.certificate_key, error.message());
  }
  return context;
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(IoThreads& io, HttpOptions given, HttpHandler& answers)
      : options(std::move(given)),
        handler(answers),
        context(io.context()),
        acceptor(asio::make_strand(io.context())) {}

  std::shared_ptr<asio::ssl::context> certificate() {
    const std::lock_guard lock(mutex);
    return tls;
  }

  const HttpOptions options;
  HttpHandler& handler;
  asio::io_context& context;
  tcp::acceptor acceptor;  // of its strand, once it listens
  uint16_t port = 0;
  std::atomic<size_t> connections{0};
  std::mutex mutex;
  std::shared_ptr<asio::ssl::context> tls;  // guarded by mutex
};

namespace {

// Counts a connection as long as it lives.
class Slot {
 public:
  explicit Slot(std::shared_ptr<HttpServer::Impl> impl) : impl_(std::move(impl)) { ++impl_->connections; }
  ~Slot() {
    if (impl_ != nullptr) --impl_->connections;
  }
  Slot(Slot&&) noexcept = default;
  Slot& operator=(Slot&&) = delete;
  HttpServer::Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<HttpServer::Impl> impl_;
};

asio::awaitable<void> Serve(tcp::socket socket, Slot slot) {
  boost::system::error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) co_return;
  socket.set_option(tcp::no_delay(true), error);
  const std::string peer = remote.address().to_string();
  HttpServer::Impl& impl = slot.impl();
  try {
    if (const auto certificate = impl.certificate()) {
      co_await ServeHttp(TlsStream(std::move(socket), *certificate), impl.options, impl.handler, peer);
    } else {
      co_await ServeHttp(PlainStream(std::move(socket)), impl.options, impl.handler, peer);
    }
  } catch (const std::exception& failure) {
    Log().error("a connection of {} failed: {}", peer, failure.what());
  }
}

asio::awaitable<void> Accept(std::shared_ptr<HttpServer::Impl> impl) {
  asio::steady_timer pause(impl->acceptor.get_executor());
  while (true) {
    auto [error, socket] = co_await impl->acceptor.async_accept(asio::make_strand(impl->context), kTuple);
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error || impl->connections >= impl->options.max_connections) {
      if (error) Log().warn("a connection could not be accepted: {}", error.message());
      pause.expires_after(std::chrono::milliseconds(20));  // files have run out, or somebody floods
      co_await pause.async_wait(kTuple);
      continue;
    }
    const auto executor = socket.get_executor();
    asio::co_spawn(executor, Serve(std::move(socket), Slot(impl)), asio::detached);
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(IoThreads& io, HttpOptions options,
                                                       HttpHandler& handler) {
  auto impl = std::make_shared<Impl>(io, std::move(options), handler);
  const HttpOptions& given = impl->options;
  if (given.certificate.empty() != given.certificate_key.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "TLS needs both a certificate and its key; {} is missing",
                     given.certificate.empty() ? "the certificate" : "the key");
  }
  if (!given.certificate.empty()) {
    SOTTO_ASSIGN_OR_RETURN(impl->tls, LoadCertificate(given));
  }
  boost::system::error_code error;
  const auto address = asio::ip::make_address(given.address, error);
  if (error) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' is no address to listen on; 127.0.0.1 is this machine alone, 0.0.0.0 everybody",
                     given.address);
  }
  const tcp::endpoint endpoint(address, given.port);
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(1024, error);
  if (error) {
    return MakeError(ErrorCode::kUnavailable, "cannot listen on {} port {}: {}", given.address, given.port,
                     error.message());
  }
  impl->port = impl->acceptor.local_endpoint(error).port();
  asio::co_spawn(impl->acceptor.get_executor(), Accept(impl), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() { StopAccepting(); }

void HttpServer::StopAccepting() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] {
    boost::system::error_code ignored;
    impl->acceptor.close(ignored);
  });
}

uint16_t HttpServer::port() const { return impl_->port; }
bool HttpServer::tls() const { return !impl_->options.certificate.empty(); }
size_t HttpServer::connections() const { return impl_->connections; }

Result<void> HttpServer::ReloadCertificate() {
  if (!tls()) return {};
  SOTTO_ASSIGN_OR_RETURN(auto loaded, LoadCertificate(impl_->options));
  const std::lock_guard lock(impl_->mutex);
  impl_->tls = std::move(loaded);
  return {};
}

}  // namespace sotto
