#include "server/media_streams.h"

#include <atomic>

#include "assistant/line_audio.h"
#include "base/unique_id.h"
#include "server/media_messages.h"
#include "server/metrics.h"
#include "server/twilio_signature.h"

namespace sotto {
namespace {

using namespace media_message;

constexpr std::chrono::seconds kTicketLasts{60};
constexpr std::chrono::seconds kStreamStartsWithin{10};
constexpr std::chrono::seconds kPlayedWithin{5};  // the last words
constexpr size_t kTicketsKept = 10000;
constexpr size_t kTooMuchWaiting = 64 * 1024;
constexpr const char* kLastMark = "end";
constexpr uint16_t kNormalClose = 1000;
constexpr uint16_t kPolicyClose = 1008;

std::string XmlText(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

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

// The call's side that speaks to Twilio.
class MediaLine final : public VoiceLine {
 public:
  MediaLine(std::shared_ptr<WebSocketSender> sender, std::string stream, std::string call, CallLog& log,
            Scheduler& scheduler)
      : sender_(std::move(sender)),
        stream_(std::move(stream)),
        call_(std::move(call)),
        log_(log),
        scheduler_(scheduler),
        encoder_(LineEncoder::Create({LineFormat::Codec::kMuLaw, 8000}).value()) {}

  void OnFrame(std::span<const float> frame, bool silent) override {
    packet_.insert(packet_.end(), frame.begin(), frame.end());
    if (!silent) tail_ = 3;
    if (packet_.size() < 2 * kFrameSamples) return;
    if (tail_ > 0) {
      --tail_;
      const std::string bytes = encoder_->Encode(packet_);
      if (!bytes.empty() && sender_->waiting_bytes() < kTooMuchWaiting)
        sender_->SendText(MediaText(stream_, bytes));
    }
    packet_.clear();
  }
  // What Twilio has in its buffer is not said any more.
  void OnPaused(bool paused) override {
    if (paused) sender_->SendText(ClearText(stream_));
  }
  bool hears_refusals() const override { return true; }
  void OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) override {
    log_.End(call_, reason, hand_off);
    // Twilio ends the call when the socket closes, which must not cut the last words off.
    sender_->SendText(MarkText(stream_, kLastMark));
    scheduler_.Post(
        {.not_before = scheduler_.clock().Now() + kPlayedWithin, .what = "last words of a stream"},
        [sender = sender_](std::stop_token) { sender->Close(kNormalClose, "the call is over"); });
  }

 private:
  const std::shared_ptr<WebSocketSender> sender_;
  const std::string stream_;
  const std::string call_;
  CallLog& log_;
  Scheduler& scheduler_;
  // The pacer's.
  const std::unique_ptr<LineEncoder> encoder_;
  std::vector<float> packet_;
  int tail_ = 0;  // packets after speech: what resampling still holds
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
  std::optional<Ticket> TakeTicket(const std::string& token, const std::string& call) {
    const std::lock_guard lock(mutex);
    const auto found = tickets.find(token);
    if (found == tickets.end() || found->second.until < services.clock->Now() ||
        found->second.ticket.call != call)
      return std::nullopt;
    Ticket ticket = std::move(found->second.ticket);
    tickets.erase(found);
    return ticket;
  }

  Services services;
  TwilioOptions options;
  std::mutex mutex;
  std::map<std::string, Waiting> tickets;  // guarded by mutex; by token
};

namespace {

class MediaStream final : public WebSocketReceiver, public std::enable_shared_from_this<MediaStream> {
 public:
  MediaStream(std::shared_ptr<MediaStreams::Shared> shared, std::optional<TraceContext> trace)
      : shared_(std::move(shared)),
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
    const auto message = ReadMediaMessage(text);
    if (!message) return Refuse("unreadable", message.error().message);
    if (const auto* start = std::get_if<Start>(&*message)) return OnStart(*start);
    if (const auto* mark = std::get_if<Mark>(&*message); mark != nullptr && mark->name == kLastMark)
      return sender_->Close(kNormalClose, "the call is over");
    const auto call = this->call();
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
  void OnClose(uint16_t) override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (call_ != nullptr) call_->HangUp("hung_up");
  }

 private:
  std::shared_ptr<VoiceCall> call() {
    const std::lock_guard lock(mutex_);
    return call_;
  }
  void Refuse(std::string_view metric, std::string_view why) {
    shared_->services.metrics->Refused(metric);
    sender_->Close(kPolicyClose, std::string(why.substr(0, 120)));
  }

  void OnStart(const Start& start) {
    if (started_.exchange(true)) return Refuse("unreadable", "this stream has started already");
    const MediaStreams::Services& services = shared_->services;
    const auto ticket = shared_->TakeTicket(start.token, start.call);
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
    const auto line =
        std::make_shared<MediaLine>(sender_, start.stream, start.call, *services.log, *services.scheduler);
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
    const std::lock_guard lock(mutex_);
    if (closed_) return (*opened)->HangUp("hung_up");
    call_ = *opened;
  }

  const std::shared_ptr<MediaStreams::Shared> shared_;
  const std::optional<TraceContext> trace_;
  std::shared_ptr<WebSocketSender> sender_;
  // The connection's.
  std::atomic<bool> started_{false};
  const std::unique_ptr<LineDecoder> decoder_;
  std::vector<float> samples_;

  std::mutex mutex_;
  std::shared_ptr<VoiceCall> call_;  // guarded by mutex_; null: not open yet
  bool closed_ = false;              // guarded by mutex_
};

}  // namespace

MediaStreams::MediaStreams(const Services& services, TwilioOptions options)
    : shared_(std::make_shared<Shared>()) {
  shared_->services = services;
  shared_->options = std::move(options);
}

MediaStreams::~MediaStreams() = default;

void MediaStreams::AddTo(Router& router) {
  if (shared_->options.auth_token.empty()) return;
  // No scope: who asks has signed it.
  router.Add({"POST", "/v1/twilio/voice", "", [this](Exchange exchange) { Voice(std::move(exchange)); }});
  router.Add({"POST", "/v1/twilio/ended", "", [this](Exchange exchange) { Ended(std::move(exchange)); }});
}

tl::expected<HttpFields, WebResponse> MediaStreams::Check(const WebRequest& request,
                                                          std::string_view scheme) const {
  const std::string& url = shared_->options.public_url;
  // A WebSocket's address is signed as wss://.
  const std::string signed_url = std::string(scheme) + url.substr(url.find("://")) + request.target;
  if (auto checked = CheckTwilioSignature(shared_->options.auth_token, signed_url, request); !checked) {
    shared_->services.metrics->Refused("wrong_signature");
    return tl::unexpected(ToResponse(Problem{403, "wrong_signature", checked.error().message}));
  }
  auto form = ParseForm(request.body);
  if (!form) return tl::unexpected(ToResponse(ToProblem(form.error())));
  return *std::move(form);
}

void MediaStreams::Voice(Exchange exchange) {
  const std::string& url = shared_->options.public_url;
  const auto form = Check(exchange.request, url.substr(0, url.find("://")));
  if (!form) return exchange.respond(form.error());
  const std::string* asked = exchange.request.Query("workflow");
  const ServedWorkflowPtr workflow = shared_->services.workflows->Find(asked == nullptr ? "" : *asked);
  if (workflow == nullptr)
    return exchange.respond(ToResponse(Problem{404, "unknown_workflow", "no such workflow is served"}));
  const std::string call = FieldOf(*form, "CallSid");
  if (call.empty())
    return exchange.respond(ToResponse(Problem{400, "invalid_request", "CallSid is missing"}));
  const bool busy = shared_->services.calls->full();
  const std::string token = busy ? "" : shared_->NewTicket({call, workflow->name, FieldOf(*form, "From")});
  if (token.empty()) {
    shared_->services.metrics->Refused("calls");
    const Texts& sentences = workflow->deployment->workflow().texts.find("busy")->second;
    return exchange.respond(TwiML(fmt::format("<Say>{}</Say><Hangup/>", XmlText(sentences.front()))));
  }
  const bool tls = url.starts_with("https");
  exchange.respond(TwiML(fmt::format(
      R"(<Connect action="{}/v1/twilio/ended"><Stream url="{}{}{}"><Parameter name="token" value="{}"/></Stream></Connect>)",
      XmlText(url), tls ? "wss" : "ws", XmlText(url.substr(url.find("://"))), kPath, token)));
}

void MediaStreams::Ended(Exchange exchange) {
  const std::string& url = shared_->options.public_url;
  const auto form = Check(exchange.request, url.substr(0, url.find("://")));
  if (!form) return exchange.respond(form.error());
  const auto call = shared_->services.log->Find(FieldOf(*form, "CallSid"), "");
  const bool handed_off = call && call->at("reason") == "handed_off";
  if (handed_off && !shared_->options.person.empty())
    return exchange.respond(TwiML(fmt::format("<Dial>{}</Dial>", XmlText(shared_->options.person))));
  exchange.respond(TwiML("<Hangup/>"));
}

std::variant<WebSocketAccept, WebResponse> MediaStreams::Upgrade(const WebRequest& request) {
  if (shared_->options.auth_token.empty())
    return ToResponse(
        Problem{404, "not_found", "this server takes no calls of Twilio's (--twilio-token-file)"});
  const auto checked = Check(request, shared_->options.public_url.starts_with("https") ? "wss" : "ws");
  if (!checked) return checked.error();
  return WebSocketAccept{std::make_shared<MediaStream>(shared_, TraceContextOf(request)), {}};
}

}  // namespace sotto
