#include "server/rtvi_socket.h"

#include <atomic>
#include <charconv>

#include "server/metrics.h"
#include "server/opened_call.h"
#include "server/rtvi_frames.h"
#include "server/rtvi_line.h"

namespace sotto {
namespace {

using namespace rtvi_message;

constexpr int kPlayedRateHz = 24000;  // what pipecat's client plays, whatever a frame says
constexpr std::chrono::seconds kReadyWithin{10};
constexpr uint16_t kRtviRefused = 1008;
constexpr uint16_t kRtviBusy = 1013;

class RtviSocket final : public WebSocketReceiver, public std::enable_shared_from_this<RtviSocket> {
 public:
  RtviSocket(std::shared_ptr<const VoiceSocketServices> services, ServedWorkflowPtr workflow,
             std::string client, LineFormat output, std::unique_ptr<LineEncoder> encoder,
             std::shared_ptr<const void> held, std::optional<TraceContext> trace)
      : services_(std::move(services)),
        workflow_(std::move(workflow)),
        client_(std::move(client)),
        output_(output),
        encoder_(std::move(encoder)),
        held_(std::move(held)),
        trace_(std::move(trace)) {}

  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    sender_ = sender;
    Scheduler& scheduler = *services_->scheduler;
    line_ = std::make_shared<RtviLine>(std::move(sender), scheduler.clock(), output_, std::move(encoder_),
                                       std::move(held_));
    line_->set_trace(trace_);
    scheduler.Post(
        {.not_before = scheduler.clock().Now() + kReadyWithin, .what = "a pipecat client that says nothing"},
        [weak = weak_from_this()](std::stop_token) {
          const auto self = weak.lock();
          if (self != nullptr && !self->begun_)
            self->sender_->Close(kRtviRefused, "no client-ready came within 10 s");
        });
  }
  void OnText(std::string_view) override {
    line_->Refuse({"", "messages should be binary: protobuf of pipecat's Frame"});
  }
  void OnBinary(std::string_view bytes) override {
    auto frame = ReadRtviFrame(bytes);
    if (!frame) return line_->Refuse({"", frame.error().message});
    if (const auto* audio = std::get_if<RtviAudio>(&*frame)) return Hear(*audio);
    if (const auto* other = std::get_if<RtviOtherFrame>(&*frame))
      return line_->Refuse({"", fmt::format("frames with {} are not read here: send a message of type "
                                            "send-text",
                                            other->kind)});
    auto request = ReadRtviMessage(std::get<RtviMessageText>(*frame).json);
    if (!request) return line_->Refuse(request.error());
    std::visit([&](const auto& message) { On(message, request->id); }, request->message);
  }
  void OnClose(uint16_t) override { call_.HangUp(); }

 private:
  void Hear(const RtviAudio& audio) {
    const auto call = call_.get();
    if (call == nullptr) return;  // before the call is open nobody listens
    if (audio.rate_hz != decoded_hz_ || audio.channels != 1) {
      auto decoder =
          LineDecoder::Create({LineFormat::Codec::kPcm16, static_cast<int>(audio.rate_hz & 0xffffff)});
      if (!decoder || audio.channels != 1) {
        if (!std::exchange(told_of_audio_, true))
          line_->Refuse({"", "audio should have 1 channel and a rate of 8000, 16000, 24000 or 48000"});
        return;
      }
      decoder_ = *std::move(decoder);
      decoded_hz_ = audio.rate_hz;
    }
    samples_.clear();
    const auto* bytes = reinterpret_cast<const uint8_t*>(audio.pcm.data());
    if (const auto decoded = decoder_->Decode({bytes, audio.pcm.size()}, &samples_); !decoded) {
      if (!std::exchange(told_of_audio_, true)) line_->Refuse({"", decoded.error().message});
      return;
    }
    call->Hear(samples_);
  }

  void On(const ClientReady&, const std::string& id) {
    if (begun_.exchange(true)) return line_->Refuse({id, "this connection has a conversation already"});
    VoiceOptions options = VoiceCalls::OptionsFor(*workflow_, "voice");
    if (options.session.caller.address.empty()) options.session.caller.address = client_;
    services_->calls->Open(
        workflow_, std::move(options), line_,
        [self = shared_from_this(), id](const tl::expected<VoiceCalls::CallPtr, Problem>& call) {
          self->OnOpened(call, id);
        });
  }
  void OnOpened(const tl::expected<VoiceCalls::CallPtr, Problem>& opened, const std::string& id) {
    if (!opened) {
      const Problem& problem = opened.error();
      line_->Tell("error", {{"error", problem.detail}, {"message", problem.type}, {"fatal", true}});
      return sender_->Close(problem.status == 503 ? kRtviBusy : kRtviRefused, problem.type);
    }
    const VoiceCall& call = **opened;
    line_->Tell("bot-ready",
                {{"version", kRtviVersion},
                 {"about",
                  {{"library", "sotto"},
                   {"session", call.id()},
                   {"workflow", call.workflow().name},
                   {"workflow_version", call.workflow().deployment->version()}}}},
                id);
    call_.Set(*opened);
  }

  // The call; null, and the client was told: it is not open yet.
  std::shared_ptr<VoiceCall> CallFor(const std::string& id) {
    auto call = call_.get();
    if (call == nullptr) line_->Refuse({id, "the bot is not ready: wait for bot-ready"});
    return call;
  }
  void On(const SendText& send, const std::string& id) {
    if (!begun_) return line_->Refuse({id, "the first message should be client-ready"});
    line_->Typed(send.speaks);
    call_.Type(send.text);
  }
  void On(const Keys& keys, const std::string& id) {
    const auto call = CallFor(id);
    for (const char key : call == nullptr ? std::string() : keys.keys) call->Key(key);
  }
  void On(const Ask& ask, const std::string& id) {
    const auto call = CallFor(id);
    if (call == nullptr) return;
    Json answer = nullptr;
    if (ask.what == Ask::What::kState) answer = line_->state();
    if (ask.what == Ask::What::kHush) call->Hush();
    if (ask.what == Ask::What::kRecord) call->PauseRecording(ask.paused);
    line_->Tell("server-response", {{"t", RtviAskName(ask.what)}, {"d", std::move(answer)}}, id);
  }
  void On(const DisconnectBot&, const std::string& id) {
    if (const auto call = CallFor(id)) call->HangUp("hung_up");
  }

  const std::shared_ptr<const VoiceSocketServices> services_;
  const ServedWorkflowPtr workflow_;
  const std::string client_;  // its name
  const LineFormat output_;
  std::unique_ptr<LineEncoder> encoder_;  // until the line has it, as the next
  std::shared_ptr<const void> held_;
  const std::optional<TraceContext> trace_;
  // The connection's.
  std::shared_ptr<WebSocketSender> sender_;
  std::shared_ptr<RtviLine> line_;
  std::unique_ptr<LineDecoder> decoder_;
  uint32_t decoded_hz_ = 0;
  bool told_of_audio_ = false;
  std::vector<float> samples_;

  std::atomic<bool> begun_{false};
  OpenedCall call_;
};

}  // namespace

std::variant<WebSocketAccept, WebResponse> RtviSockets::Upgrade(const WebRequest& request) {
  const auto refuse = [this](const Problem& problem) {
    services_->metrics->Refused(problem.type);
    return ToResponse(problem);
  };
  const std::string* token = request.Query("token");
  const bool in_address = token != nullptr && request.Header("authorization") == nullptr;
  if (in_address) {
    if (const auto origin = access_.CheckOrigin(request); !origin) return refuse(origin.error());
  }
  auto client = in_address ? services_->authorise(*token) : access_.Check(request);
  if (!client) return refuse(client.error());
  if (!client->Can(scope::kTalk)) return refuse({403, "forbidden", "this key may not talk"});
  const std::string* name = request.Query("workflow");
  const ServedWorkflowPtr workflow = services_->workflows->Find(name == nullptr ? "" : *name);
  if (workflow == nullptr) return refuse({404, "unknown_workflow", "no such workflow is served"});
  if (!workflow->speaks()) return refuse({422, "no_voice", "this workflow is served in writing only"});
  LineFormat output{LineFormat::Codec::kPcm16, kPlayedRateHz};
  if (const std::string* rate = request.Query("rate")) {
    const auto [end, error] = std::from_chars(rate->data(), rate->data() + rate->size(), output.rate_hz);
    if (error != std::errc() || end != rate->data() + rate->size()) output.rate_hz = 0;
  }
  auto encoder = LineEncoder::Create(output);
  if (!encoder) return refuse({400, "invalid_rate", "rate should be 8000, 16000, 24000 or 48000"});
  auto held = services_->hold(*client);
  if (!held) return refuse(held.error());
  return WebSocketAccept{
      std::make_shared<RtviSocket>(services_, workflow, client->name, output, *std::move(encoder),
                                   *std::move(held), TraceContextOf(request)),
      {}};
}

}  // namespace sotto
