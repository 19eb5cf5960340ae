#include "server/http_connection.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <vector>

#include "base/ascii.h"
#include "base/check.h"
#include "base/log.h"
#include "server/client_certificate.h"
#include "server/outbox.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kStreamComment{15};
constexpr std::chrono::seconds kWriteWithin{60};
constexpr std::chrono::seconds kCloseWithin{3};
constexpr size_t kDropAtOnce = size_t{64} << 10;
constexpr size_t kDropAtMost = size_t{64} << 20;

// `certificate`: the names in the client's.
Result<WebRequest> Convert(BeastRequest& from, const std::string& peer, bool tls,
                           const std::vector<std::string>& certificate) {
  WebRequest request;
  request.certificate = certificate;
  const auto method = from.method_string();
  request.method.assign(method.data(), method.size());
  request.peer = peer;
  request.tls = tls;
  for (const auto& field : from) {
    const auto name = field.name_string();
    const auto value = field.value();
    request.headers.emplace_back(LowerAscii({name.data(), name.size()}),
                                 std::string(value.data(), value.size()));
  }
  // RFC 9112, 3.2: exactly one, or nobody knows whose page asks.
  if (from.version() >= 11 && from.count(http::field::host) != 1)
    return MakeError(ErrorCode::kInvalidArgument, "a request has one Host header, not {}",
                     from.count(http::field::host));
  SOTTO_RETURN_IF_ERROR(ParseTarget({from.target().data(), from.target().size()}, &request));
  request.body = std::move(from.body());
  return request;
}

// GCC 12 destroys a lambda with captures twice where it is a temporary of a co_await: it is a variable here.
asio::awaitable<WebResponse> Ask(HttpHandler& handler, WebRequest request) {
  const auto executor = co_await asio::this_coro::executor;
  const auto initiate = [&handler, &executor, &request](auto completion) {
    const auto shared = std::make_shared<decltype(completion)>(std::move(completion));
    handler.Handle(std::move(request), [shared, executor = executor](WebResponse response) {
      asio::post(executor, [shared, response = std::move(response)]() mutable {
        std::move (*shared)(std::move(response));
      });
    });
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(WebResponse)>(
      initiate, asio::use_awaitable);
}

template <typename Body>
void SetHead(http::response<Body>& head, const WebResponse& response) {
  head.result(static_cast<unsigned>(response.status));
  if (!response.type.empty()) head.set(http::field::content_type, response.type);
  for (const auto& [name, value] : response.headers) head.set(name, value);
}

class OutboxWriter final : public StreamWriter {
 public:
  explicit OutboxWriter(std::shared_ptr<Outbox> outbox) : outbox_(std::move(outbox)) {}
  bool Write(std::string piece) override { return outbox_->Put({std::move(piece), true}); }
  void End() override { outbox_->End(); }

 private:
  const std::shared_ptr<Outbox> outbox_;
};

// The body piece by piece; the connection is not used again.
template <typename Stream>
asio::awaitable<void> WriteStream(Stream& stream, const HttpOptions& options, WebResponse& response) {
  const auto executor = co_await asio::this_coro::executor;
  http::response<http::empty_body> head;
  head.version(11);
  SetHead(head, response);
  head.keep_alive(false);
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer(head);
  beast::get_lowest_layer(stream).expires_after(kWriteWithin);
  if (const auto [error, n] = co_await http::async_write_header(stream, serializer, kTuple); error) co_return;
  const auto outbox = std::make_shared<Outbox>(executor, options.max_waiting);
  response.stream(std::make_shared<OutboxWriter>(outbox));
  while (true) {
    Outbox::Message piece;
    const Outbox::Taken taken = co_await outbox->Take(kStreamComment, &piece);
    if (taken == Outbox::Taken::kEnd) break;
    if (taken == Outbox::Taken::kNothing) {
      if (response.comment.empty()) continue;
      piece.bytes = response.comment;
    }
    beast::get_lowest_layer(stream).expires_after(kWriteWithin);
    const auto [error, n] =
        co_await asio::async_write(stream, http::make_chunk(asio::buffer(piece.bytes)), kTuple);
    if (error) {
      outbox->End();
      co_return;
    }
  }
  co_await asio::async_write(stream, http::make_chunk_last(), kTuple);
}

// Whether the connection can be used again.
template <typename Stream>
asio::awaitable<bool> Write(Stream& stream, WebResponse& response, bool keep_alive, bool head_only,
                            unsigned version) {
  http::response<http::string_body> answer;
  answer.version(version);
  SetHead(answer, response);
  answer.body() = std::move(response.body);
  answer.keep_alive(keep_alive);
  answer.prepare_payload();
  if (head_only) answer.body().clear();
  http::response_serializer<http::string_body> serializer(answer);
  serializer.split(head_only);
  beast::get_lowest_layer(stream).expires_after(kWriteWithin);
  if (head_only) {
    const auto [error, n] = co_await http::async_write_header(stream, serializer, kTuple);
    co_return !error && keep_alive;
  }
  const auto [error, n] = co_await http::async_write(stream, serializer, kTuple);
  co_return !error && keep_alive;
}

// The same of a file. One that cannot be read has gone meanwhile.
template <typename Stream>
asio::awaitable<bool> WriteFileBody(Stream& stream, HttpHandler& handler, WebResponse& response,
                                    bool keep_alive, bool head_only, unsigned version) {
  http::response<http::file_body> answer;
  error_code error;
  answer.body().open(response.file.c_str(), beast::file_mode::scan, error);
  if (error) {
    WebResponse refusal = handler.Refuse(404, "it is kept no longer");
    co_return co_await Write(stream, refusal, keep_alive, head_only, version);
  }
  answer.version(version);
  SetHead(answer, response);
  answer.keep_alive(keep_alive);
  answer.prepare_payload();
  http::response_serializer<http::file_body> serializer(answer);
  serializer.split(true);
  beast::get_lowest_layer(stream).expires_after(kWriteWithin);
  const auto [failed, n] = co_await http::async_write_header(stream, serializer, kTuple);
  if (failed || head_only) co_return !failed && keep_alive;
  while (!serializer.is_done()) {
    beast::get_lowest_layer(stream).expires_after(kWriteWithin);  // of each piece
    const auto [wrong, m] = co_await http::async_write_some(stream, serializer, kTuple);
    if (wrong) co_return false;
  }
  co_return keep_alive;
}

// The status of a request that cannot be read; 0: the other side went, or was too slow.
int StatusOf(const error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == http::make_error_code(http::error::bad_method).category() ? 400 : 0;
}

// What the other side still sends is read and dropped for a while: closing a socket that holds unread bytes resets the
// connection, and a client in the middle of its body never sees the answer that says why (RFC 9112, section 9.6).
template <typename Stream>
asio::awaitable<void> Close(Stream& stream) {
  auto& lowest = beast::get_lowest_layer(stream);
  lowest.expires_after(kCloseWithin);
  if constexpr (std::is_same_v<Stream, TlsStream>) co_await stream.async_shutdown(kTuple);
  error_code ignored;
  lowest.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::vector<char> dropped(kDropAtOnce);
  for (size_t left = kDropAtMost; left > 0;) {
    const auto [error, n] = co_await lowest.async_read_some(asio::buffer(dropped), kTuple);
    if (error) break;
    left -= std::min(left, n);
  }
}

}  // namespace

template <typename Stream>
asio::awaitable<void> ServeHttp(Stream stream, const HttpOptions& options, HttpHandler& handler,
                                std::string peer) {
  constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  auto& lowest = beast::get_lowest_layer(stream);
  std::vector<std::string> certificate;
  if constexpr (kTls) {
    lowest.expires_after(options.header_within);
    if (const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kTuple); error)
      co_return;
    certificate = CertificateNames(stream.native_handle());
  }
  beast::flat_buffer buffer;
  std::chrono::seconds wait = options.header_within;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<uint32_t>(options.max_head));
    parser.body_limit(boost::none);  // as many as the address takes, once that is known
    lowest.expires_after(wait);
    auto [error, n] = co_await http::async_read_header(stream, buffer, parser, kTuple);
    if (!error && beast::websocket::is_upgrade(parser.get())) {
      BeastRequest request = parser.release();
      auto converted = Convert(request, peer, kTls, certificate);
      if (!converted) {
        WebResponse refusal = handler.Refuse(400, converted.error().message);
        co_await Write(stream, refusal, false, false, 11);
        break;
      }
      auto upgraded = handler.Upgrade(*converted);
      if (auto* accept = std::get_if<WebSocketAccept>(&upgraded)) {
        co_await ServeWebSocket(std::move(stream), options, std::move(request), std::move(*accept));
        co_return;
      }
      co_await Write(stream, std::get<WebResponse>(upgraded), false, false, 11);
      break;
    }
    if (!error) {
      const auto target = parser.get().target();
      const size_t own = handler.MaxBody({target.data(), target.size()});
      const size_t most = own == 0 ? options.max_body : own;
      if (parser.content_length().value_or(0) > most) error = http::error::body_limit;
      parser.body_limit(most);
    }
    if (!error && !parser.is_done()) {
      lowest.expires_after(options.body_within);
      if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        http::response<http::empty_body> proceed(http::status::continue_, 11);
        if (const auto [failed, m] = co_await http::async_write(stream, proceed, kTuple); failed) co_return;
      }
      const auto [failed, m] = co_await http::async_read(stream, buffer, parser, kTuple);
      error = failed;
    }
    if (error) {
      const int status = StatusOf(error);
      if (status == 0) break;
      WebResponse refusal = handler.Refuse(status, error.message());
      co_await Write(stream, refusal, false, false, 11);
      break;
    }
    BeastRequest request = parser.release();
    const bool keep_alive = request.keep_alive();
    const bool head_only = request.method() == http::verb::head;
    const unsigned version = request.version();
    auto converted = Convert(request, peer, kTls, certificate);
    WebResponse response;
    if (converted) {
      lowest.expires_never();
      response = co_await Ask(handler, *std::move(converted));
    } else {
      response = handler.Refuse(400, converted.error().message);
    }
    if (response.stream) {
      co_await WriteStream(stream, options, response);
      break;
    }
    if (!response.file.empty()) {
      if (!co_await WriteFileBody(stream, handler, response, keep_alive, head_only, version)) break;
      wait = options.idle_within;
      continue;
    }
    if (!co_await Write(stream, response, keep_alive, head_only, version)) break;
    wait = options.idle_within;
  }
  co_await Close(stream);
}

template asio::awaitable<void> ServeHttp(PlainStream, const HttpOptions&, HttpHandler&, std::string);
template asio::awaitable<void> ServeHttp(TlsStream, const HttpOptions&, HttpHandler&, std::string);

}  // namespace sotto
