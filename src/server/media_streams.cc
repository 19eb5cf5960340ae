#include "server/media_streams.h"

#include <array>
#include <atomic>

#include "assistant/line_audio.h"
#include "base/markup.h"
#include "base/unique_id.h"
#include "server/carrier_signature.h"
#include "server/line_packets.h"
#include "server/metrics.h"
#include "server/opened_call.h"
#include "server/twilio_signature.h"

namespace sotto {
namespace {

using namespace media_message;

constexpr std::chrono::seconds kTicketLasts{60};
constexpr std::chrono::seconds kStreamStartsWithin{10};
constexpr std::chrono::seconds kPlayedWithin{5};  // the last words
constexpr size_t kTicketsKept = 10000;
constexpr size_t kTooMuchWaiting = 64 * 1024;
constexpr size_t kPacketBytes = 160;  // 20 ms of mu-law
constexpr char kMuLawSilence = '\xff';
constexpr const char* kLastMark = "end";
constexpr uint16_t kNormalClose = 1000;
constexpr uint16_t kPolicyClose = 1008;

WebResponse TwiML(std::string_view verbs) {
  WebResponse response;
  response.type = "text/xml; charset=utf-8";
  response.body = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{}</Response>", verbs);
  return response;
}

std::string FieldOf(const HttpFields& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

// The call's side that speaks to the network.
class MediaLine final : public VoiceLine {
 public:
  MediaLine(Carrier carrier, std::shared_ptr<WebSocketSender> sender, std::string stream, std::string call,
            CallLog& log, Scheduler& scheduler)
      : carrier_(carrier),
        sender_(std::move(sender)),
        stream_(std::move(stream)),
        call_(std::move(call)),
        log_(log),
        scheduler_(scheduler),
        encoder_(LineEncoder::Create({LineFormat::Codec::kMuLaw, 8000}).value()) {}

  void OnFrame(std::span<const float> frame, bool silent) override {
    const std::span<const float> packet = packets_.Add(frame, silent);
    if (packet.empty()) return;
    // 20 ms a message, which is the least that Telnyx takes: resampling lets pieces of other lengths out.
    waiting_ += encoder_->Encode(packet);
    if (packets_.over() && waiting_.size() % kPacketBytes != 0)
      waiting_.resize(waiting_.size() + kPacketBytes - waiting_.size() % kPacketBytes, kMuLawSilence);
    while (waiting_.size() >= kPacketBytes) {
      if (sender_->waiting_bytes() < kTooMuchWaiting)
        sender_->SendText(MediaText(stream_, waiting_.substr(0, kPacketBytes), carrier_));
      waiting_.erase(0, kPacketBytes);
    }
  }
  // What the network has in its buffer is not said any more.
  void OnPaused(bool paused) override {
    if (!paused) return;
    waiting_.clear();
    sender_->SendText(ClearText(stream_, carrier_));
  }
  bool hears_refusals() const override { return true; }
  void OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) override {
    log_.End(call_, reason, hand_off);
    // The network ends the call when the socket closes, which must not cut the last words off.
    sender_->SendText(MarkText(stream_, kLastMark, carrier_));
    scheduler_.Post(
        {.not_before = scheduler_.clock().Now() + kPlayedWithin, .what = "last words of a stream"},
        [sender = sender_](std::stop_token) { sender->Close(kNormalClose, "the call is over"); });
  }

 private:
  const Carrier carrier_;
  const std::shared_ptr<WebSocketSender> sender_;
  const std::string stream_;
  const std::string call_;
  CallLog& log_;
  Scheduler& scheduler_;
  // The pacer's.
  const std::unique_ptr<LineEncoder> encoder_;
  LinePackets packets_;
  std::string waiting_;  // less than a packet
};

}  // namespace

struct MediaStreams::Shared {
  struct Waiting {
    Ticket ticket;
    TimePoint until;
  };

  std::string NewTicket(Ticket ticket) {
    const std::lock_guard lock(mutex);
    const TimePoint now = services.clock->Now();
    std::erase_if(tickets, [&](const auto& entry) { return entry.second.until < now; });
    if (tickets.size() >= kTicketsKept) return {};
    const std::string token = UniqueId();
    tickets[token] = {std::move(ticket), now + kTicketLasts};
    return token;
  }
  // Once, and of this call.
  std::optional<Ticket> TakeTicket(Carrier carrier, const std::string& token, const std::string& call) {
    const std::lock_guard lock(mutex);
    const auto found = tickets.find(token);
    if (found == tickets.end() || found->second.until < services.clock->Now() ||
        found->second.ticket.call != call || found->second.ticket.carrier != carrier)
      return std::nullopt;
    Ticket ticket = std::move(found->second.ticket);
    tickets.erase(found);
    return ticket;
  }

  Services services;
  CarrierOptions options;
  std::mutex mutex;
  std::map<std::string, Waiting> tickets;  // guarded by mutex; by token
};

namespace {

class MediaStream final : public WebSocketReceiver, public std::enable_shared_from_this<MediaStream> {
 public:
  MediaStream(Carrier carrier, std::shared_ptr<MediaStreams::Shared> shared,
              std::optional<TraceContext> trace)
      : carrier_(carrier),
        shared_(std::move(shared)),
        trace_(std::move(trace)),
        decoder_(LineDecoder::Create({LineFormat::Codec::kMuLaw, 8000}).value()) {}

  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    sender_ = std::move(sender);
    Scheduler& scheduler = *shared_->services.scheduler;
    scheduler.Post(
        {.not_before = scheduler.clock().Now() + kStreamStartsWithin, .what = "a stream that says nothing"},
        [weak = weak_from_this()](std::stop_token) {
          const auto self = weak.lock();
          if (self != nullptr && !self->started_)
            self->sender_->Close(kPolicyClose, "nothing was started within 10 s");
        });
  }
  void OnText(std::string_view text) override {
    const auto message = ReadMediaMessage(text, carrier_);
    if (!message) return Refuse("unreadable", message.error().message);
    if (const auto* start = std::get_if<Start>(&*message)) return OnStart(*start);
    if (const auto* mark = std::get_if<Mark>(&*message); mark != nullptr && mark->name == kLastMark)
      return sender_->Close(kNormalClose, "the call is over");
    const auto call = call_.get();
    if (call == nullptr) return;  // before the call is open nobody listens
    if (const auto* media = std::get_if<Media>(&*message); media != nullptr && media->inbound) {
      samples_.clear();
      const auto* bytes = reinterpret_cast<const uint8_t*>(media->audio.data());
      if (decoder_->Decode({bytes, media->audio.size()}, &samples_)) call->Hear(samples_);
    }
    if (const auto* key = std::get_if<media_message::Key>(&*message)) call->Key(key->key);
    if (std::holds_alternative<Stop>(*message)) call->HangUp("hung_up");
  }
  void OnBinary(std::string_view) override { Refuse("unreadable", "media streams are texts"); }
  void OnClose(uint16_t) override { call_.HangUp(); }

 private:
  void Refuse(std::string_view metric, std::string_view why) {
    shared_->services.metrics->Refused(metric);
    sender_->Close(kPolicyClose, std::string(why.substr(0, 120)));
  }

  void OnStart(const Start& start) {
    if (started_.exchange(true)) return Refuse("unreadable", "this stream has started already");
    const MediaStreams::Services& services = shared_->services;
    const auto ticket = shared_->TakeTicket(carrier_, start.token, start.call);
    if (!ticket)
      return Refuse("unauthorized", "the stream's token is not one of this call, or was used before");
    services.log->Begin(start.call, ticket->workflow);
    const ServedWorkflowPtr workflow = services.workflows->Find(ticket->workflow);
    if (workflow == nullptr || !workflow->speaks()) {
      services.log->End(start.call, "unknown_workflow", std::nullopt);
      return Refuse("unknown_workflow", "no such workflow is served by voice");
    }
    VoiceOptions options = VoiceCalls::OptionsFor(*workflow, "phone");
    options.session.channel = "phone";
    options.session.caller.address = ticket->from;
    options.front_end.echo_cancellation = false;  // the telephone network's business
    const auto line = std::make_shared<MediaLine>(carrier_, sender_, start.stream, start.call, *services.log,
                                                  *services.scheduler);
    line->set_trace(trace_);
    services.calls->Open(
        workflow, std::move(options), line,
        [self = shared_from_this(), call = start.call](tl::expected<VoiceCalls::CallPtr, Problem> opened) {
          self->OnOpened(call, std::move(opened));
        });
  }

  void OnOpened(const std::string& id, tl::expected<VoiceCalls::CallPtr, Problem> opened) {
    CallLog& log = *shared_->services.log;
    if (!opened) {
      log.End(id, opened.error().type, std::nullopt);
      return Refuse(opened.error().type, opened.error().detail);
    }
    log.SetSession(id, (*opened)->id(), (*opened)->workflow().name);
    call_.Set(*opened);
  }

  const Carrier carrier_;
  const std::shared_ptr<MediaStreams::Shared> shared_;
  const std::optional<TraceContext> trace_;
  std::shared_ptr<WebSocketSender> sender_;
  // The connection's.
  std::atomic<bool> started_{false};
  const std::unique_ptr<LineDecoder> decoder_;
  std::vector<float> samples_;
  OpenedCall call_;
};

constexpr std::array kCarriers{Carrier::kTwilio, Carrier::kTelnyx, Carrier::kPlivo};

const char* CallField(Carrier carrier) { return carrier == Carrier::kPlivo ? "CallUUID" : "CallSid"; }

std::string SayXml(Carrier carrier, const std::string& text) {
  const char* verb = carrier == Carrier::kPlivo ? "Speak" : "Say";
  return fmt::format("<{0}>{1}</{0}><Hangup/>", verb, EscapeMarkup(text));
}

std::string DialXml(Carrier carrier, const std::string& number) {
  if (carrier == Carrier::kPlivo)
    return fmt::format("<Dial><Number>{}</Number></Dial>", EscapeMarkup(number));
  return fmt::format("<Dial>{}</Dial>", EscapeMarkup(number));
}

// Connects the call to the stream, and asks afterwards what is next. `url`: of this server.
std::string ConnectXml(Carrier carrier, std::string_view url, std::string_view token) {
  const std::string_view name = CarrierName(carrier);
  const std::string ended = fmt::format("{}/v1/{}/ended", EscapeMarkup(url), name);
  const std::string media = fmt::format("{}{}/v1/{}/media", url.starts_with("https") ? "wss" : "ws",
                                        EscapeMarkup(url.substr(url.find("://"))), name);
  switch (carrier) {
    case Carrier::kTelnyx:
      return fmt::format(
          R"(<Connect><Stream url="{}" bidirectionalMode="rtp" bidirectionalCodec="PCMU"><Parameter name="token" value="{}"/></Stream></Connect><Redirect method="POST">{}</Redirect>)",
          media, token, ended);
    case Carrier::kPlivo:
      return fmt::format(
          R"(<Stream bidirectional="true" keepCallAlive="true" contentType="audio/x-mulaw;rate=8000" extraHeaders="token={}">{}</Stream><Redirect method="POST">{}</Redirect>)",
          token, media, ended);
    case Carrier::kTwilio:
      break;
  }
  return fmt::format(
      R"(<Connect action="{}"><Stream url="{}"><Parameter name="token" value="{}"/></Stream></Connect>)",
      ended, media, token);
}

}  // namespace

const std::string& CarrierOptions::secret(Carrier carrier) const {
  switch (carrier) {
    case Carrier::kTelnyx:
      return telnyx_key;
    case Carrier::kPlivo:
      return plivo_token;
    case Carrier::kTwilio:
      break;
  }
  return twilio_token;
}

std::optional<Carrier> MediaStreams::CarrierOf(std::string_view path) {
  for (const Carrier carrier : kCarriers) {
    if (path == fmt::format("/v1/{}/media", CarrierName(carrier))) return carrier;
  }
  return std::nullopt;
}

MediaStreams::MediaStreams(const Services& services, CarrierOptions options)
    : shared_(std::make_shared<Shared>()) {
  shared_->services = services;
  shared_->options = std::move(options);
}

MediaStreams::~MediaStreams() = default;

void MediaStreams::AddTo(Router& router) {
  for (const Carrier carrier : kCarriers) {
    if (shared_->options.secret(carrier).empty()) continue;
    const std::string base = fmt::format("/v1/{}/", CarrierName(carrier));
    // No scope: who asks has signed it.
    router.Add({"POST", base + "voice", "",
                [this, carrier](Exchange exchange) { Voice(carrier, std::move(exchange)); }});
    router.Add({"POST", base + "ended", "",
                [this, carrier](Exchange exchange) { Ended(carrier, std::move(exchange)); }});
  }
}

tl::expected<HttpFields, WebResponse> MediaStreams::Check(Carrier carrier, const WebRequest& request,
                                                          std::string_view scheme) const {
  const std::string& secret = shared_->options.secret(carrier);
  const std::string& url = shared_->options.public_url;
  const std::string base = std::string(scheme) + url.substr(url.find("://"));
  Result<void> checked;
  switch (carrier) {
    case Carrier::kTwilio:
      checked = CheckTwilioSignature(secret, base + request.target, request);
      break;
    case Carrier::kTelnyx:
      checked = CheckTelnyxSignature(secret, shared_->services.clock->WallNow(), request);
      break;
    case Carrier::kPlivo:
      checked =
          CheckPlivoSignature(secret, base + request.target.substr(0, request.target.find('?')), request);
      break;
  }
  if (!checked) {
    shared_->services.metrics->Refused("wrong_signature");
    return tl::unexpected(ToResponse(Problem{403, "wrong_signature", checked.error().message}));
  }
  auto form = ParseForm(request.body);
  if (!form) return tl::unexpected(ToResponse(ToProblem(form.error())));
  return *std::move(form);
}

void MediaStreams::Voice(Carrier carrier, Exchange exchange) {
  const std::string& url = shared_->options.public_url;
  const auto form = Check(carrier, exchange.request, url.substr(0, url.find("://")));
  if (!form) return exchange.respond(form.error());
  const std::string* asked = exchange.request.Query("workflow");
  const ServedWorkflowPtr workflow = shared_->services.workflows->Find(asked == nullptr ? "" : *asked);
  if (workflow == nullptr)
    return exchange.respond(ToResponse(Problem{404, "unknown_workflow", "no such workflow is served"}));
  const std::string call = FieldOf(*form, CallField(carrier));
  if (call.empty()) {
    return exchange.respond(
        ToResponse(Problem{400, "invalid_request", fmt::format("{} is missing", CallField(carrier))}));
  }
  const bool busy = shared_->services.calls->full();
  const std::string token =
      busy ? "" : shared_->NewTicket({carrier, call, workflow->name, FieldOf(*form, "From")});
  if (token.empty()) {
    shared_->services.metrics->Refused("calls");
    const Texts& sentences = workflow->deployment->workflow().texts.find("busy")->second;
    return exchange.respond(TwiML(SayXml(carrier, sentences.front())));
  }
  exchange.respond(TwiML(ConnectXml(carrier, url, token)));
}

void MediaStreams::Ended(Carrier carrier, Exchange exchange) {
  const std::string& url = shared_->options.public_url;
  const auto form = Check(carrier, exchange.request, url.substr(0, url.find("://")));
  if (!form) return exchange.respond(form.error());
  const auto call = shared_->services.log->Find(FieldOf(*form, CallField(carrier)), "");
  const bool handed_off = call && call->at("reason") == "handed_off";
  const std::string& person = shared_->options.person;
  exchange.respond(TwiML(handed_off && !person.empty() ? DialXml(carrier, person) : "<Hangup/>"));
}

std::variant<WebSocketAccept, WebResponse> MediaStreams::Upgrade(const WebRequest& request) {
  const std::optional<Carrier> carrier = CarrierOf(request.path);
  if (!carrier || shared_->options.secret(*carrier).empty()) {
    return ToResponse(Problem{404, "not_found",
                              fmt::format("this server takes no calls of {}'s (--{}-...-file)",
                                          carrier ? CarrierName(*carrier) : "anybody",
                                          carrier ? CarrierName(*carrier) : "twilio")});
  }
  // The others do not sign it: what `start` brings must be right.
  if (*carrier == Carrier::kTwilio) {
    const auto checked =
        Check(*carrier, request, shared_->options.public_url.starts_with("https") ? "wss" : "ws");
    if (!checked) return checked.error();
  }
  return WebSocketAccept{std::make_shared<MediaStream>(*carrier, shared_, TraceContextOf(request)), {}};
}

}  // namespace sotto
