#include "server/tcp_listener.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

struct TcpListener::Impl {
  Impl(IoThreads& io, Options given, Serve serves)
      : options(std::move(given)),
        serve(std::move(serves)),
        context(io.context()),
        acceptor(asio::make_strand(io.context())) {}

  const Options options;
  const Serve serve;
  asio::io_context& context;
  tcp::acceptor acceptor;  // of its strand, once it listens
  uint16_t port = 0;
  std::atomic<size_t> connections{0};
};

namespace {

// Counts a connection as long as it lives.
class Slot {
 public:
  explicit Slot(std::shared_ptr<TcpListener::Impl> impl) : impl_(std::move(impl)) { ++impl_->connections; }
  ~Slot() {
    if (impl_ != nullptr) --impl_->connections;
  }
  Slot(Slot&&) noexcept = default;
  Slot& operator=(Slot&&) = delete;
  TcpListener::Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<TcpListener::Impl> impl_;
};

asio::awaitable<void> ServeOne(tcp::socket socket, Slot slot) {
  boost::system::error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) co_return;
  socket.set_option(tcp::no_delay(true), error);
  std::string peer = remote.address().to_string();
  try {
    co_await slot.impl().serve(std::move(socket), std::move(peer));
  } catch (const std::exception& failure) {
    Log().error("a connection of {} failed: {}", remote.address().to_string(), failure.what());
  }
}

asio::awaitable<void> Accept(std::shared_ptr<TcpListener::Impl> impl) {
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
    asio::co_spawn(executor, ServeOne(std::move(socket), Slot(impl)), asio::detached);
  }
}

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::Listen(IoThreads& io, Options options, Serve serve) {
  auto impl = std::make_shared<Impl>(io, std::move(options), std::move(serve));
  const Options& given = impl->options;
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
  return std::unique_ptr<TcpListener>(new TcpListener(std::move(impl)));
}

TcpListener::~TcpListener() { StopAccepting(); }

void TcpListener::StopAccepting() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] {
    boost::system::error_code ignored;
    impl->acceptor.close(ignored);
  });
}

uint16_t TcpListener::port() const { return impl_->port; }
size_t TcpListener::connections() const { return impl_->connections; }

}  // namespace sotto
