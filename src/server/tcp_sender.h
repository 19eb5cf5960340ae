// What a protocol over plain TCP sends: an outbox, message after message, then the end of the connection.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <memory>

#include "server/outbox.h"

namespace sotto {

// Until the outbox ends or the other side does not read for 10 s; then closes, where the other side has not, 2 s
// after the last message. `keep` lives as long: it holds the next two. On the connection's strand.
boost::asio::awaitable<void> SendAll(std::shared_ptr<Outbox> outbox, std::shared_ptr<void> keep,
                                     boost::beast::tcp_stream* stream, const bool* read_to_the_end);

}  // namespace sotto
