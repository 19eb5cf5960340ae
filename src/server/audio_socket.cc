#include "server/audio_socket.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>

#include "assistant/line_audio.h"
#include "base/log.h"
#include "base/unique_id.h"
#include "server/audio_socket_protocol.h"
#include "server/outbox.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Kind = AudioSocketMessage::Kind;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kFirstWithin{10};
constexpr std::chrono::seconds kSilentFor{30};  // no message at all: the exchange has gone
constexpr size_t kPacketSamples = 2 * kFrameSamples;
constexpr int kUsualRate = 8000;

// The call, as the exchange hears it: 20 ms a message, silence too, because it keeps time by them.
class ExchangeLine final : public VoiceLine {
 public:
  explicit ExchangeLine(std::shared_ptr<Outbox> outbox) : outbox_(std::move(outbox)) {}

  // Of what comes: what goes has the same.
  void SetRate(int rate_hz) { rate_hz_ = rate_hz; }

  void OnFrame(std::span<const float> frame, bool) override {
    packet_.insert(packet_.end(), frame.begin(), frame.end());
    if (packet_.size() < kPacketSamples) return;
    const int rate_hz = rate_hz_;
    if (encoder_ == nullptr || rate_hz != encoder_rate_hz_) {
      auto encoder = LineEncoder::Create({LineFormat::Codec::kPcm16, rate_hz});
      if (encoder) encoder_ = *std::move(encoder);
      encoder_rate_hz_ = rate_hz;
      encoded_.clear();
    }
    if (encoder_ != nullptr) encoded_ += encoder_->Encode(packet_);
    packet_.clear();
    // Exactly 20 ms each, whatever resampling lets out.
    const auto bytes = static_cast<size_t>(rate_hz / 50 * 2);
    while (encoded_.size() >= bytes) {
      outbox_->Put({AudioSocketBytes(Kind::kAudio, encoded_.substr(0, bytes), rate_hz)});
      encoded_.erase(0, bytes);
    }
  }
  void OnEnd(std::string_view, const std::optional<HandOff>&) override {
    outbox_->Put({AudioSocketBytes(Kind::kHangUp, {})});
    outbox_->End();
  }

 private:
  const std::shared_ptr<Outbox> outbox_;
  std::atomic<int> rate_hz_{kUsualRate};
  // The pacer's.
  std::unique_ptr<LineEncoder> encoder_;
  int encoder_rate_hz_ = 0;
  std::vector<float> packet_;
  std::string encoded_;
};

}  // namespace

struct AudioSocketServer::Impl {
  AudioSocketOptions options;
  VoiceCalls& calls;
  const ServedWorkflows& workflows;
  asio::io_context& context;
  tcp::acceptor acceptor;
  uint16_t port = 0;
};

namespace {

using ImplPtr = std::shared_ptr<AudioSocketServer::Impl>;

struct Connection {
  explicit Connection(tcp::socket from) : socket(std::move(from)), timer(socket.get_executor()) {}
  tcp::socket socket;
  asio::steady_timer timer;
  std::shared_ptr<Outbox> outbox;
  std::shared_ptr<ExchangeLine> line;
  VoiceCalls::CallPtr call;  // of the strand
  bool gone = false;         // of the strand
  std::unique_ptr<LineDecoder> decoder;
  int decoder_rate_hz = 0;
};
using ConnectionPtr = std::shared_ptr<Connection>;

asio::awaitable<void> Write(ConnectionPtr connection) {
  while (true) {
    Outbox::Message message;
    const Outbox::Taken taken = co_await connection->outbox->Take(std::chrono::hours(1), &message);
    if (taken == Outbox::Taken::kEnd) break;
    if (taken == Outbox::Taken::kNothing) continue;
    const auto [error, n] = co_await asio::async_write(connection->socket, asio::buffer(message.bytes), kTuple);
    if (error) break;
  }
  boost::system::error_code ignored;
  connection->socket.close(ignored);
}

// An exchange that says nothing has gone.
asio::awaitable<void> Watch(ConnectionPtr connection) {
  while (connection->socket.is_open()) {
    const auto [error] = co_await connection->timer.async_wait(kTuple);
    if (error == asio::error::operation_aborted && connection->socket.is_open()) continue;  // put off
    boost::system::error_code ignored;
    connection->socket.close(ignored);
  }
}

void Open(const ImplPtr& impl, const ConnectionPtr& connection) {
  const ServedWorkflowPtr workflow = impl->workflows.Find(impl->options.workflow);
  if (workflow == nullptr) {
    Log().error("AudioSocket: no workflow '{}' is served", impl->options.workflow);
    return connection->outbox->End();
  }
  VoiceOptions options = workflow->voice_options;
  options.session.id = UniqueId();
  options.session.channel = "phone";
  options.session.caller = workflow->caller;
  options.session.caller.channel = "phone";
  options.front_end.echo_cancellation = false;  // nothing comes back on such a line
  impl->calls.Open(workflow, std::move(options), connection->line,
                   [connection](tl::expected<VoiceCalls::CallPtr, Problem> opened) {
                     asio::post(connection->socket.get_executor(), [connection, opened = std::move(opened)] {
                       if (!opened) {
                         Log().warn("AudioSocket: a call was refused: {}", opened.error().detail);
                         connection->outbox->Put({AudioSocketBytes(Kind::kHangUp, {})});
                         return connection->outbox->End();
                       }
                       connection->call = *opened;
                       if (connection->gone) connection->call->HangUp("hung_up");
                     });
                   });
}

void Hear(Connection& connection, const AudioSocketMessage& message) {
  if (connection.decoder_rate_hz != message.rate_hz) {
    connection.decoder_rate_hz = message.rate_hz;
    auto decoder = LineDecoder::Create({LineFormat::Codec::kPcm16, message.rate_hz});
    connection.decoder = decoder ? *std::move(decoder) : nullptr;
    if (decoder) {
      connection.line->SetRate(message.rate_hz);
    } else {
      Log().error("AudioSocket: {}", decoder.error().message);
    }
  }
  if (connection.call == nullptr || connection.decoder == nullptr) return;
  std::vector<float> samples;
  const std::string& bytes = message.payload;
  if (connection.decoder->Decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, &samples))
    connection.call->Hear(samples);
}

// False: the call is over, or this is no AudioSocket.
bool Take(const ImplPtr& impl, const ConnectionPtr& connection, const AudioSocketMessage& message,
          bool* begun) {
  switch (message.kind) {
    case Kind::kId:
      if (!std::exchange(*begun, true)) Open(impl, connection);
      return true;
    case Kind::kAudio:
      Hear(*connection, message);
      return *begun;
    case Kind::kKey:
      if (connection->call != nullptr) connection->call->Key(message.payload[0]);
      return *begun;
    default:
      return false;
  }
}

asio::awaitable<void> Serve(ImplPtr impl, tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  const auto connection = std::make_shared<Connection>(std::move(socket));
  const auto executor = co_await asio::this_coro::executor;
  connection->outbox = std::make_shared<Outbox>(executor, impl->options.max_waiting);
  connection->line = std::make_shared<ExchangeLine>(connection->outbox);
  connection->timer.expires_after(kFirstWithin);
  asio::co_spawn(executor, Write(connection), asio::detached);
  asio::co_spawn(executor, Watch(connection), asio::detached);
  AudioSocketReader reader;
  std::string block(4096, '\0');
  bool begun = false;
  for (bool more = true; more;) {
    const auto [error, n] = co_await connection->socket.async_read_some(asio::buffer(block), kTuple);
    if (error) break;
    reader.Feed(std::string_view(block).substr(0, n));
    if (begun) connection->timer.expires_after(kSilentFor);
    while (more) {
      const auto message = reader.Next();
      if (!message) Log().warn("{}", message.error().message);
      if (message && !message->has_value()) break;
      more = message && Take(impl, connection, **message, &begun);
    }
  }
  connection->gone = true;
  if (connection->call != nullptr) {
    connection->call->HangUp("hung_up");
  } else {
    connection->outbox->End();
  }
  connection->timer.cancel();
}

asio::awaitable<void> Accept(ImplPtr impl) {
  asio::steady_timer pause(impl->acceptor.get_executor());
  while (impl->acceptor.is_open()) {
    auto [error, socket] = co_await impl->acceptor.async_accept(asio::make_strand(impl->context), kTuple);
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error) {
      pause.expires_after(std::chrono::milliseconds(20));
      co_await pause.async_wait(kTuple);
      continue;
    }
    const auto strand = socket.get_executor();
    asio::co_spawn(strand, Serve(impl, std::move(socket)), asio::detached);
  }
}

}  // namespace

Result<std::unique_ptr<AudioSocketServer>> AudioSocketServer::Listen(IoThreads& io, AudioSocketOptions options,
                                                                     VoiceCalls& calls,
                                                                     const ServedWorkflows& workflows) {
  const auto impl = std::make_shared<Impl>(
      Impl{std::move(options), calls, workflows, io.context(),
           tcp::acceptor(asio::make_strand(io.context()))});
  boost::system::error_code error;
  const auto address = asio::ip::make_address(impl->options.address, error);
  const tcp::endpoint endpoint(address, impl->options.port);
  if (!error) impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(256, error);
  if (error) {
    return MakeError(ErrorCode::kUnavailable, "cannot listen for AudioSocket on {} port {}: {}",
                     impl->options.address, impl->options.port, error.message());
  }
  impl->port = impl->acceptor.local_endpoint(error).port();
  asio::co_spawn(impl->acceptor.get_executor(), Accept(impl), asio::detached);
  return std::unique_ptr<AudioSocketServer>(new AudioSocketServer(impl));
}

AudioSocketServer::~AudioSocketServer() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] {
    boost::system::error_code ignored;
    impl->acceptor.close(ignored);
  });
}

uint16_t AudioSocketServer::port() const { return impl_->port; }

}  // namespace sotto
