#include "server/audio_socket_server.h"

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "assistant/line_audio.h"
#include "base/log.h"
#include "server/audio_socket_protocol.h"
#include "server/metrics.h"
#include "server/opened_call.h"
#include "server/outbox.h"
#include "server/tcp_listener.h"
#include "server/tcp_sender.h"

namespace sotto {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Kind = AudioSocketMessage::Kind;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kIdWithin{10};
constexpr std::chrono::seconds kSilentFor{60};  // a telephone that sends no audio for so long has gone
constexpr size_t kPacketSamples = 2 * kFrameSamples;
constexpr size_t kMaxWaiting = size_t{1} << 20;
constexpr int kUsualRate = 8000;

bool IsServed(int rate_hz) {
  return rate_hz == 8000 || rate_hz == 16000 || rate_hz == 24000 || rate_hz == 48000;
}

// The call's side that speaks to the connection: one message each 20 ms, silence too, at the rate of what
// comes.
class AudioSocketLine final : public VoiceLine {
 public:
  AudioSocketLine(std::shared_ptr<Outbox> outbox, CallLog& log, std::string id)
      : outbox_(std::move(outbox)), log_(log), id_(std::move(id)) {}

  void SetRate(int rate_hz) { rate_hz_ = rate_hz; }

  void OnFrame(std::span<const float> frame, bool /*silent*/) override {
    packet_.insert(packet_.end(), frame.begin(), frame.end());
    if (packet_.size() < kPacketSamples) return;
    const int rate_hz = rate_hz_;
    if (encoder_ == nullptr || rate_hz != encoder_rate_hz_) {
      auto made = LineEncoder::Create({LineFormat::Codec::kPcm16, rate_hz});
      SOTTO_CHECK(made.has_value(), "{}", made.error().message);
      encoder_ = *std::move(made);
      encoder_rate_hz_ = rate_hz;
      encoded_.clear();
    }
    encoded_ += encoder_->Encode(packet_);
    packet_.clear();
    // Resampling lets pieces of other lengths out; telephones want 20 ms.
    const size_t wanted = static_cast<size_t>(rate_hz) / 50 * 2;
    while (encoded_.size() >= wanted) {
      const std::string_view bytes(encoded_.data(), wanted);
      // Who does not read for a second hears a gap.
      if (outbox_->waiting_bytes() < 50 * wanted)
        outbox_->Put({AudioSocketBytes(Kind::kAudio, bytes, rate_hz)});
      encoded_.erase(0, wanted);
    }
  }
  bool hears_refusals() const override { return true; }
  void OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) override {
    log_.End(id_, reason, hand_off);
    outbox_->Put({AudioSocketBytes(Kind::kHangUp, {})});
    outbox_->End();
  }

 private:
  const std::shared_ptr<Outbox> outbox_;
  CallLog& log_;
  const std::string id_;
  std::atomic<int> rate_hz_{kUsualRate};
  // The pacer's.
  std::vector<float> packet_;
  std::string encoded_;
  std::unique_ptr<LineEncoder> encoder_;
  int encoder_rate_hz_ = 0;
};

struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
  beast::tcp_stream stream;
  std::shared_ptr<Outbox> outbox;
  std::shared_ptr<AudioSocketLine> line;  // null: no UUID yet
  std::unique_ptr<LineDecoder> decoder;
  int rate_hz = 0;  // of the decoder
  std::vector<float> samples;
  bool odd_rate_told = false;
  bool read_to_the_end = false;

  OpenedCall call;
};
using ConnectionPtr = std::shared_ptr<Connection>;

// 16 bytes as people write UUIDs.
std::string UuidText(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<uint8_t>(bytes[i]));
  }
  return text;
}

void Refuse(Connection& connection, ServerMetrics& metrics, std::string_view why) {
  metrics.Refused(why);
  connection.outbox->Put({AudioSocketBytes(Kind::kHangUp, {})});
  connection.outbox->End();
}

void Open(const ConnectionPtr& connection, const AudioSocketServer::Services& services,
          const std::string& own_workflow, const std::string& id) {
  const auto announced = services.log->Begin(id, own_workflow);
  connection->line = std::make_shared<AudioSocketLine>(connection->outbox, *services.log, id);
  const std::string& name = announced && !announced->workflow.empty() ? announced->workflow : own_workflow;
  const ServedWorkflowPtr workflow = services.workflows->Find(name);
  if (workflow == nullptr || !workflow->speaks()) {
    services.log->End(id, "unknown_workflow", std::nullopt);
    return Refuse(*connection, *services.metrics, "unknown_workflow");
  }
  VoiceOptions options = VoiceCalls::OptionsFor(*workflow, "phone");
  if (announced && announced->has_caller) {
    options.session.caller = announced->caller;
    options.session.caller.channel = "phone";
  }
  options.session.channel = "phone";
  options.front_end.echo_cancellation = false;  // the telephone network's business
  services.calls->Open(workflow, std::move(options), connection->line,
                       [connection, services, id](tl::expected<VoiceCalls::CallPtr, Problem> opened) {
                         if (!opened) {
                           services.log->End(id, opened.error().type, std::nullopt);
                           return Refuse(*connection, *services.metrics, opened.error().type);
                         }
                         services.log->SetSession(id, (*opened)->id(), (*opened)->workflow().name);
                         connection->call.Set(*opened);
                       });
}

void Hear(Connection& connection, const AudioSocketMessage& message, VoiceCall* call) {
  if (!IsServed(message.rate_hz)) {
    if (!std::exchange(connection.odd_rate_told, true))
      Log().warn("AudioSocket sends audio of {} Hz, which is not heard: use slin, slin16, slin24 or slin48",
                 message.rate_hz);
    return;
  }
  if (connection.rate_hz != message.rate_hz) {
    auto decoder = LineDecoder::Create({LineFormat::Codec::kPcm16, message.rate_hz});
    SOTTO_CHECK(decoder.has_value(), "{}", decoder.error().message);
    connection.decoder = *std::move(decoder);
    connection.rate_hz = message.rate_hz;
    connection.line->SetRate(message.rate_hz);
  }
  if (call == nullptr) return;  // before the call is open nobody listens
  connection.samples.clear();
  const auto* bytes = reinterpret_cast<const uint8_t*>(message.payload.data());
  if (connection.decoder->Decode({bytes, message.payload.size()}, &connection.samples))
    call->Hear(connection.samples);
}

// False: the connection is over; `reason`: why.
bool Take(const ConnectionPtr& connection, const AudioSocketServer::Services& services,
          const std::string& workflow, const AudioSocketMessage& message, std::string* reason) {
  const std::shared_ptr<VoiceCall> call = connection->call.get();
  const bool known = connection->line != nullptr;
  switch (message.kind) {
    case Kind::kId:
      if (known) break;
      Open(connection, services, workflow, UuidText(message.payload));
      return true;
    case Kind::kAudio:
      if (!known) break;
      Hear(*connection, message, call.get());
      return true;
    case Kind::kKey:
      if (!known) break;
      // A to D are keys of the line, not of people.
      if (call != nullptr &&
          std::string_view("0123456789*#").find(message.payload[0]) != std::string_view::npos)
        call->Key(message.payload[0]);
      return true;
    case Kind::kHangUp:
      *reason = "hung_up";
      return false;
    case Kind::kError:
      *reason = "lost";
      return false;
  }
  Refuse(*connection, *services.metrics, "unreadable");
  *reason = "lost";
  return false;
}

asio::awaitable<std::string> ReadMessages(ConnectionPtr connection,
                                          const AudioSocketServer::Services& services, std::string workflow) {
  AudioSocketReader reader;
  std::array<char, 8192> block;
  std::string reason = "lost";
  while (true) {
    connection->stream.expires_after(connection->line == nullptr ? kIdWithin : kSilentFor);
    const auto [error, n] = co_await connection->stream.async_read_some(asio::buffer(block), kTuple);
    if (error == asio::error::eof) co_return "hung_up";
    if (error) co_return "lost";
    reader.Feed({block.data(), n});
    while (true) {
      const auto message = reader.Next();
      if (!message) {
        Refuse(*connection, *services.metrics, "unreadable");
        co_return "lost";
      }
      if (!*message) break;
      if (!Take(connection, services, workflow, **message, &reason)) co_return reason;
    }
  }
}

asio::awaitable<void> Serve(AudioSocketServer::Services services, std::string workflow, tcp::socket socket) {
  const auto executor = co_await asio::this_coro::executor;
  const auto connection = std::make_shared<Connection>(std::move(socket));
  connection->outbox = std::make_shared<Outbox>(executor, kMaxWaiting);
  asio::co_spawn(executor,
                 SendAll(connection->outbox, connection, &connection->stream, &connection->read_to_the_end),
                 asio::detached);
  const std::string reason = co_await ReadMessages(connection, services, workflow);
  connection->read_to_the_end = true;
  connection->outbox->End();
  connection->call.HangUp(reason);
}

}  // namespace

struct AudioSocketServer::Impl {
  std::unique_ptr<TcpListener> listener;
};

Result<std::unique_ptr<AudioSocketServer>> AudioSocketServer::Listen(IoThreads& io, PortOptions options,
                                                                     const Services& services) {
  auto impl = std::make_unique<Impl>();
  SOTTO_ASSIGN_OR_RETURN(
      impl->listener,
      TcpListener::Listen(io, {options.address, options.port, options.max_connections},
                          [services, workflow = options.workflow](tcp::socket socket, const std::string&) {
                            return Serve(services, workflow, std::move(socket));
                          }));
  return std::unique_ptr<AudioSocketServer>(new AudioSocketServer(std::move(impl)));
}

AudioSocketServer::AudioSocketServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AudioSocketServer::~AudioSocketServer() = default;

uint16_t AudioSocketServer::port() const { return impl_->listener->port(); }
size_t AudioSocketServer::connections() const { return impl_->listener->connections(); }

}  // namespace sotto
