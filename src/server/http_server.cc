#include "server/http_server.h"

#include <boost/asio/ssl/context.hpp>
#include <mutex>

#include "server/client_certificate.h"
#include "server/http_connection.h"
#include "server/tcp_listener.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

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
  if (!options.client_authorities.empty()) {
    SOTTO_RETURN_IF_ERROR(AskForCertificates(context->native_handle(), options.client_authorities,
                                             options.client_certificate_required));
  }
  return context;
}

// What every connection needs, and keeps.
struct Shared {
  Shared(HttpOptions given, HttpHandler& answers) : options(std::move(given)), handler(answers) {}

  std::shared_ptr<asio::ssl::context> certificate() {
    const std::lock_guard lock(mutex);
    return tls;
  }

  const HttpOptions options;
  HttpHandler& handler;
  std::mutex mutex;
  std::shared_ptr<asio::ssl::context> tls;  // guarded by mutex; null: plain TCP
};

asio::awaitable<void> Serve(std::shared_ptr<Shared> shared, tcp::socket socket, std::string peer) {
  if (const auto certificate = shared->certificate()) {
    co_await ServeHttp(TlsStream(std::move(socket), *certificate), shared->options, shared->handler, peer);
  } else {
    co_await ServeHttp(PlainStream(std::move(socket)), shared->options, shared->handler, peer);
  }
}

}  // namespace

struct HttpServer::Impl {
  std::shared_ptr<Shared> shared;
  std::unique_ptr<TcpListener> listener;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(IoThreads& io, HttpOptions options,
                                                       HttpHandler& handler) {
  auto impl = std::make_unique<Impl>();
  impl->shared = std::make_shared<Shared>(std::move(options), handler);
  const HttpOptions& given = impl->shared->options;
  if (given.certificate.empty() != given.certificate_key.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "TLS needs both a certificate and its key; {} is missing",
                     given.certificate.empty() ? "the certificate" : "the key");
  }
  if (given.certificate.empty() && !given.client_authorities.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "clients show certificates in TLS only: {} needs --certificate and --certificate-key",
                     given.client_authorities);
  }
  if (!given.certificate.empty()) {
    SOTTO_ASSIGN_OR_RETURN(impl->shared->tls, LoadCertificate(given));
  }
  SOTTO_ASSIGN_OR_RETURN(impl->listener,
                         TcpListener::Listen(io, {given.address, given.port, given.max_connections},
                                             [shared = impl->shared](tcp::socket socket, std::string peer) {
                                               return Serve(shared, std::move(socket), std::move(peer));
                                             }));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return impl_->listener->port(); }
bool HttpServer::tls() const { return !impl_->shared->options.certificate.empty(); }
size_t HttpServer::connections() const { return impl_->listener->connections(); }
void HttpServer::StopAccepting() { impl_->listener->StopAccepting(); }

Result<void> HttpServer::ReloadCertificate() {
  if (!tls()) return {};
  SOTTO_ASSIGN_OR_RETURN(auto loaded, LoadCertificate(impl_->shared->options));
  const std::lock_guard lock(impl_->shared->mutex);
  impl_->shared->tls = std::move(loaded);
  return {};
}

}  // namespace sotto
