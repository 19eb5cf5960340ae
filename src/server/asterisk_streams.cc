#include "server/asterisk_streams.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "assistant/line_audio.h"
#include "server/asterisk_messages.h"
#include "server/line_packets.h"
#include "server/metrics.h"
#include "server/opened_call.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using namespace asterisk_message;

constexpr std::chrono::seconds kMediaStartsWithin{10};
constexpr std::chrono::seconds kDrainedWithin{5};  // the last words
constexpr size_t kMuchWaiting = 64 * 1024;
constexpr size_t kCallIdBytes = 200;
constexpr uint16_t kClosedNormally = 1000;
constexpr uint16_t kClosedByPolicy = 1008;
constexpr uint16_t kClosedBusy = 1013;

// The call's side that speaks to Asterisk.
class AsteriskLine final : public VoiceLine {
 public:
  AsteriskLine(std::shared_ptr<WebSocketSender> sender, const MediaStart& start, bool json, std::string call,
               CallLog& log, Scheduler& scheduler, std::unique_ptr<LineEncoder> encoder)
      : sender_(std::move(sender)),
        frame_bytes_(start.frame_bytes),
        // What is silence in mu-law and A-law is not zero.
        silence_(start.format.codec == LineFormat::Codec::kMuLaw  ? '\xff'
                 : start.format.codec == LineFormat::Codec::kALaw ? '\xd5'
                                                                  : '\0'),
        json_(json),
        call_(std::move(call)),
        log_(log),
        scheduler_(scheduler),
        encoder_(std::move(encoder)) {}

  void SetFlow(bool on) { flows_ = on; }

  void OnFrame(std::span<const float> frame, bool silent) override {
    const std::span<const float> packet = packets_.Add(frame, silent);
    if (packet.empty()) return;
    waiting_ += encoder_->Encode(packet);
    // Whole frames only: Asterisk drops what is left over.
    if (packets_.over() && waiting_.size() % frame_bytes_ != 0)
      waiting_.resize(waiting_.size() + frame_bytes_ - waiting_.size() % frame_bytes_, silence_);
    const size_t whole = waiting_.size() - waiting_.size() % frame_bytes_;
    if (whole == 0) return;
    if (flows_ && sender_->waiting_bytes() < kMuchWaiting) sender_->SendBinary(waiting_.substr(0, whole));
    waiting_.erase(0, whole);
  }
  // What waits in Asterisk's queue is not said any more.
  void OnPaused(bool paused) override {
    if (!paused) return;
    waiting_.clear();
    Command(AsteriskCommand::kFlushMedia);
  }
  bool hears_refusals() const override { return true; }
  void OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) override {
    log_.End(call_, reason, hand_off);
    LastWords();
  }
  // Hung up when Asterisk has played what was sent, or does not say so.
  void LastWords() {
    Command(AsteriskCommand::kReportQueueDrained);
    scheduler_.Post(
        {.not_before = scheduler_.clock().Now() + kDrainedWithin, .what = "last words of an Asterisk call"},
        [sender = sender_, json = json_](std::stop_token) {
          sender->SendText(AsteriskCommandText(AsteriskCommand::kHangUp, json));
          sender->Close(kClosedNormally, "the call is over");
        });
  }

 private:
  void Command(AsteriskCommand command) { sender_->SendText(AsteriskCommandText(command, json_)); }

  const std::shared_ptr<WebSocketSender> sender_;
  const size_t frame_bytes_;
  const char silence_;
  const bool json_;
  const std::string call_;
  CallLog& log_;
  Scheduler& scheduler_;
  std::atomic<bool> flows_{true};
  // The pacer's.
  const std::unique_ptr<LineEncoder> encoder_;
  LinePackets packets_;
  std::string waiting_;  // less than a frame
};

class AsteriskStream final : public WebSocketReceiver, public std::enable_shared_from_this<AsteriskStream> {
 public:
  AsteriskStream(const AsteriskStreams::Services& services, std::string workflow, std::string call,
                 std::shared_ptr<const void> held, std::optional<TraceContext> trace)
      : services_(services),
        workflow_(std::move(workflow)),
        asked_call_(std::move(call)),
        held_(std::move(held)),
        trace_(std::move(trace)) {}

  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    sender_ = std::move(sender);
    Scheduler& scheduler = *services_.scheduler;
    scheduler.Post({.not_before = scheduler.clock().Now() + kMediaStartsWithin,
                    .what = "an Asterisk channel that says nothing"},
                   [weak = weak_from_this()](std::stop_token) {
                     const auto self = weak.lock();
                     if (self != nullptr && !self->started_)
                       self->sender_->Close(kClosedByPolicy, "no MEDIA_START came within 10 s");
                   });
  }
  void OnText(std::string_view text) override {
    const auto message = ReadAsteriskMessage(text);
    if (!message) return Refuse("unreadable", message.error().message, kClosedByPolicy);
    if (const auto* start = std::get_if<MediaStart>(&message->what)) return OnStart(*start, message->json);
    if (const auto* flow = std::get_if<Flow>(&message->what); flow != nullptr && line_ != nullptr)
      line_->SetFlow(flow->on);
    if (std::holds_alternative<QueueDrained>(message->what)) OnDrained();
    const auto call = call_.get();
    if (call == nullptr) return;  // before the call is open nobody listens
    if (const auto* digit = std::get_if<Digit>(&message->what)) call->Key(digit->key);
  }
  void OnBinary(std::string_view bytes) override {
    const auto call = call_.get();
    if (call == nullptr) return;
    samples_.clear();
    if (decoder_->Decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, &samples_))
      call->Hear(samples_);
  }
  void OnClose(uint16_t) override { call_.HangUp(); }

 private:
  void Refuse(std::string_view metric, std::string_view why, uint16_t code) {
    services_.metrics->Refused(metric);
    sender_->SendText(AsteriskCommandText(AsteriskCommand::kHangUp, json_));
    sender_->Close(code, std::string(why.substr(0, 120)));
  }

  void OnStart(const MediaStart& start, bool json) {
    if (started_.exchange(true))
      return Refuse("unreadable", "this channel has started already", kClosedByPolicy);
    json_ = json;
    const std::string& own = start.channel_id.empty() ? start.connection_id : start.channel_id;
    id_ = asked_call_.empty() ? own.substr(0, kCallIdBytes) : asked_call_;
    const auto announced = services_.log->Begin(id_, workflow_);
    const std::string& name = announced && !announced->workflow.empty() ? announced->workflow : workflow_;
    const ServedWorkflowPtr workflow = services_.workflows->Find(name);
    if (workflow == nullptr || !workflow->speaks()) {
      services_.log->End(id_, "unknown_workflow", std::nullopt);
      return Refuse("unknown_workflow", "no such workflow is served by voice", kClosedByPolicy);
    }
    auto decoder = LineDecoder::Create(start.format);
    auto encoder = LineEncoder::Create(start.format);
    if (!decoder || !encoder)
      return Refuse("unreadable", (decoder ? encoder.error() : decoder.error()).message, kClosedByPolicy);
    decoder_ = *std::move(decoder);
    VoiceOptions options = VoiceCalls::OptionsFor(*workflow, "phone");
    if (announced && announced->has_caller) {
      options.session.caller = announced->caller;
      options.session.caller.channel = "phone";
    }
    options.session.channel = "phone";
    options.front_end.echo_cancellation = false;  // the telephone network's business
    line_ = std::make_shared<AsteriskLine>(sender_, start, json, id_, *services_.log, *services_.scheduler,
                                           *std::move(encoder));
    line_->set_trace(trace_);
    services_.calls->Open(workflow, std::move(options), line_,
                          [self = shared_from_this()](tl::expected<VoiceCalls::CallPtr, Problem> opened) {
                            self->OnOpened(std::move(opened));
                          });
  }

  void OnOpened(tl::expected<VoiceCalls::CallPtr, Problem> opened) {
    if (!opened) {
      services_.log->End(id_, opened.error().type, std::nullopt);
      services_.metrics->Refused(opened.error().type);
      if (opened.error().status == 503) return line_->LastWords();  // a sentence may be on its way
      return Refuse(opened.error().type, opened.error().detail, kClosedByPolicy);
    }
    services_.log->SetSession(id_, (*opened)->id(), (*opened)->workflow().name);
    call_.Set(*opened);
  }

  // We asked for it at the end, and only then.
  void OnDrained() {
    sender_->SendText(AsteriskCommandText(AsteriskCommand::kHangUp, json_));
    sender_->Close(kClosedNormally, "the call is over");
  }

  const AsteriskStreams::Services services_;
  const std::string workflow_;
  const std::string asked_call_;
  const std::shared_ptr<const void> held_;  // one of the client's calls
  const std::optional<TraceContext> trace_;
  std::shared_ptr<WebSocketSender> sender_;
  // The connection's.
  std::atomic<bool> started_{false};
  std::string id_;
  std::shared_ptr<AsteriskLine> line_;
  std::unique_ptr<LineDecoder> decoder_;
  std::vector<float> samples_;
  bool json_ = false;
  OpenedCall call_;
};

// Asterisk's websocket_client.conf knows user names and passwords: the password is the key.
std::optional<std::string> KeyOfBasic(const WebRequest& request) {
  const std::string* header = request.Header("authorization");
  if (header == nullptr || !(header->starts_with("Basic ") || header->starts_with("basic ")))
    return std::nullopt;
  std::string pair;
  if (!FromBase64(std::string_view(*header).substr(6), &pair)) return std::string();
  const size_t colon = pair.find(':');
  return colon == std::string::npos ? std::string() : pair.substr(colon + 1);
}

}  // namespace

std::variant<WebSocketAccept, WebResponse> AsteriskStreams::Upgrade(const WebRequest& request) const {
  const auto refuse = [this](const Problem& problem) {
    services_.metrics->Refused(problem.type);
    return ToResponse(problem);
  };
  const auto key = KeyOfBasic(request);
  if (key) {
    if (const auto origin = services_.access->CheckOrigin(request); !origin) return refuse(origin.error());
  }
  auto client = key ? services_.access->CheckToken(*key) : services_.access->Check(request);
  if (!client) return refuse(client.error());
  if (!client->Can(scope::kTalk)) return refuse({403, "forbidden", "this key may not talk"});
  const std::string* workflow = request.Query("workflow");
  const std::string* call = request.Query("call");
  if (call != nullptr && call->size() > kCallIdBytes)
    return refuse({400, "invalid_request", fmt::format("'call' has at most {} letters", kCallIdBytes)});
  if (services_.workflows->Find(workflow == nullptr ? "" : *workflow) == nullptr)
    return refuse({404, "unknown_workflow", "no such workflow is served"});
  auto held = services_.access->Hold(*client);
  if (!held) return refuse(held.error());
  const std::string* protocols = request.Header("sec-websocket-protocol");
  const bool media = protocols != nullptr && protocols->find("media") != std::string::npos;
  return WebSocketAccept{std::make_shared<AsteriskStream>(services_, workflow == nullptr ? "" : *workflow,
                                                          call == nullptr ? "" : *call, *std::move(held),
                                                          TraceContextOf(request)),
                         media ? "media" : ""};
}

}  // namespace sotto
