#include "server/tcp_sender.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace sotto {
namespace {

namespace asio = boost::asio;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kSendWithin{10};
constexpr std::chrono::milliseconds kLastWithin{2000};

}  // namespace

asio::awaitable<void> SendAll(std::shared_ptr<Outbox> outbox, std::shared_ptr<void> /*keep*/,
                              boost::beast::tcp_stream* stream, const bool* read_to_the_end) {
  while (true) {
    Outbox::Message message;
    const Outbox::Taken taken = co_await outbox->Take(std::chrono::hours(1), &message);
    if (taken == Outbox::Taken::kNothing) continue;
    if (taken == Outbox::Taken::kEnd) break;
    stream->expires_after(kSendWithin);  // a read that is under way keeps its own limit
    const auto [error, n] = co_await asio::async_write(*stream, asio::buffer(message.bytes), kAsTuple);
    if (error) break;
  }
  boost::system::error_code ignored;
  stream->socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  // The other side closes when it has read the last of it, or is not waited for.
  asio::steady_timer last(co_await asio::this_coro::executor);
  for (int i = 0; i < 20 && !*read_to_the_end; ++i) {
    last.expires_after(kLastWithin / 20);
    co_await last.async_wait(kAsTuple);
  }
  stream->close();
}

}  // namespace sotto
