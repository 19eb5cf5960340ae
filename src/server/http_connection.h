// One connection of http_server.h, as a coroutine on a strand of its own. Beast's types are templates over the
// stream: each is made for plain TCP and for TLS in one .cc file alone, because they take long to compile.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <string>

#include "server/http_server.h"

namespace sotto {

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;
using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

// `options` and `handler` outlive it.
template <typename Stream>
boost::asio::awaitable<void> ServeHttp(Stream stream, const HttpOptions& options, HttpHandler& handler,
                                       std::string peer);

// From the handshake on (websocket_connection.cc).
template <typename Stream>
boost::asio::awaitable<void> ServeWebSocket(Stream stream, const HttpOptions& options, BeastRequest request,
                                            WebSocketAccept accept);

}  // namespace sotto
