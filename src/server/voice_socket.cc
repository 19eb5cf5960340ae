#include "server/voice_socket.h"

#include <deque>

#include "assistant/grounding_view.h"
#include "base/unique_id.h"
#include "server/hand_off_view.h"
#include "server/line_packets.h"
#include "server/metrics.h"
#include "server/secrets.h"
#include "server/voice_messages.h"

namespace sotto {
namespace {

using namespace voice_message;

constexpr size_t kCallEventsKept = 400;      // for a connection that comes back
constexpr size_t kTooMuchAudio = 64 * 1024;  // waiting: a reader so slow hears gaps
constexpr std::chrono::seconds kStartWithin{10};
constexpr uint16_t kCloseNormal = 1000;
constexpr uint16_t kClosePolicy = 1008;
constexpr uint16_t kCloseBusy = 1013;

}  // namespace

// A call, as its connections see it one after the other.
class SocketLine final : public VoiceLine {
 public:
  SocketLine(ServedWorkflowPtr workflow, LineFormat input, std::unique_ptr<LineEncoder> encoder,
             std::shared_ptr<const void> held)
      : held_(std::move(held)),
        served_(std::move(workflow)),
        workflow_(&served_->deployment->workflow()),
        input_(input),
        encoder_(std::move(encoder)) {}

  const std::string& secret() const { return secret_; }
  LineFormat input() const { return input_; }

  // `sender` is told what came after event number `after`, and everything from now on.
  void Attach(std::shared_ptr<WebSocketSender> sender, uint64_t after) {
    const std::lock_guard lock(mutex_);
    if (sender_ != nullptr) sender_->Close(kCloseNormal, "another connection has taken the call");
    for (const auto& [number, text] : events_) {
      if (number > after) sender->SendText(text);
    }
    sender_ = std::move(sender);
    if (ended_) sender_->Close(kCloseNormal, "the call is over");
  }
  // False: another connection has the call by now.
  bool Detach(const std::shared_ptr<WebSocketSender>& sender) {
    const std::lock_guard lock(mutex_);
    if (sender_ != sender) return false;
    sender_ = nullptr;
    return !ended_;
  }
  void Tell(Json event) {
    const std::lock_guard lock(mutex_);
    event["event"] = ++last_;
    events_.emplace_back(last_, event.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (events_.size() > kCallEventsKept) events_.pop_front();
    if (sender_ != nullptr) sender_->SendText(events_.back().second);
  }

  void OnFrame(std::span<const float> frame, bool silent) override {
    const std::span<const float> packet = packets_.Add(frame, silent);
    if (packet.empty()) return;
    std::string bytes = encoder_->Encode(packet);
    const std::lock_guard lock(mutex_);
    if (sender_ != nullptr && !bytes.empty() && sender_->waiting_bytes() < kTooMuchAudio)
      sender_->SendBinary(std::move(bytes));
  }
  void OnPartial(std::string_view text) override { Tell({{"type", "partial"}, {"text", text}}); }
  void OnReply(const TurnRecord& record, const Json& state) override {
    if (!record.heard.text.empty()) {
      Tell({{"type", "final"},
            {"turn", record.turn},
            {"text", record.understood ? record.understood->transcript : record.heard.text},
            {"confidence", HeardConfidence(record.heard)}});
    }
    if (record.understood) {
      Json call = ToJson(*record.understood);
      AddGrounding(*workflow_, record, &call);
      call["type"] = "call";
      call["turn"] = record.turn;
      Tell(std::move(call));
    }
    if (!record.actions.empty()) {
      Json actions = Json::array();
      for (const TurnRecord::Action& action : record.actions) {
        actions.push_back({{"tool", action.request.tool},
                           {"ok", action.result.ok},
                           {"failure", action.result.failure},
                           {"ms", action.ms}});
      }
      Tell({{"type", "actions"}, {"turn", record.turn}, {"actions", std::move(actions)}});
    }
    Tell({{"type", "state"}, {"turn", record.turn}, {"state", state}});
    Tell({{"type", "reply"}, {"turn", record.turn}, {"text", record.reply.text}});
  }
  void OnTurn(const TurnRecord& record) override {
    Tell({{"type", "turn"}, {"turn", record.turn}, {"record", ToJson(record)}});
  }
  void OnPaused(bool paused) override { Tell({{"type", "interruption"}, {"paused", paused}}); }
  void OnRecording(std::string_view id, bool paused) override {
    Tell({{"type", "recording"}, {"id", id}, {"paused", paused}});
  }
  void OnEnd(std::string_view reason, const std::optional<HandOff>& hand_off) override {
    Tell({{"type", "ended"}, {"reason", reason}, {"hand_off", HandOffView(hand_off)}});
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (sender_ != nullptr) sender_->Close(kCloseNormal, "the call is over");
  }

 private:
  const std::string secret_ = UniqueId();
  const std::shared_ptr<const void> held_;  // one of the client's calls
  const ServedWorkflowPtr served_;
  const Workflow* const workflow_;
  const LineFormat input_;
  // The pacer's.
  const std::unique_ptr<LineEncoder> encoder_;
  LinePackets packets_;

  std::mutex mutex_;
  // All guarded by mutex_.
  std::shared_ptr<WebSocketSender> sender_;  // null: the connection was lost
  std::deque<std::pair<uint64_t, std::string>> events_;
  uint64_t last_ = 0;
  bool ended_ = false;
};

// The lines of calls, found by session: what Resume looks for.
struct VoiceSockets::Shared {
  VoiceSocketServices services;
  std::mutex mutex;
  std::unordered_map<std::string, std::weak_ptr<SocketLine>> lines;  // guarded by mutex

  void Add(const std::string& session, const std::shared_ptr<SocketLine>& line) {
    const std::lock_guard lock(mutex);
    std::erase_if(lines, [](const auto& entry) { return entry.second.expired(); });
    lines[session] = line;
  }
  std::shared_ptr<SocketLine> Find(const std::string& session) {
    const std::lock_guard lock(mutex);
    const auto found = lines.find(session);
    return found == lines.end() ? nullptr : found->second.lock();
  }
};

namespace {

class VoiceSocket final : public WebSocketReceiver, public std::enable_shared_from_this<VoiceSocket> {
 public:
  VoiceSocket(std::shared_ptr<VoiceSockets::Shared> shared, std::optional<Client> client,
              std::optional<TraceContext> trace)
      : shared_(std::move(shared)),
        services_(shared_->services),
        trace_(std::move(trace)),
        client_(std::move(client)) {}

  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    sender_ = std::move(sender);
    const TimePoint until = services_.scheduler->clock().Now() + kStartWithin;
    services_.scheduler->Post({.not_before = until, .what = "a line that says nothing"},
                              [weak = weak_from_this()](std::stop_token) {
                                const auto self = weak.lock();
                                if (self != nullptr && !self->begun_)
                                  self->sender_->Close(kClosePolicy, "nothing was started within 10 s");
                              });
  }
  void OnText(std::string_view text) override {
    const auto message = ReadVoiceMessage(text);
    if (!message) return Refuse({400, "invalid_message", message.error().message}, false);
    if (const auto* start = std::get_if<Start>(&*message)) return OnStart(*start);
    if (const auto* resume = std::get_if<Resume>(&*message)) return OnResume(*resume);
    const auto call = this->call();
    if (call == nullptr) return Refuse({409, "not_started", "the first message is start or resume"}, false);
    if (const auto* key = std::get_if<voice_message::Key>(&*message)) call->Key(key->key);
    if (const auto* record = std::get_if<Record>(&*message)) call->PauseRecording(record->paused);
    if (std::holds_alternative<End>(*message)) call->HangUp("hung_up");
  }
  void OnBinary(std::string_view bytes) override {
    const auto call = this->call();
    if (call == nullptr) return;  // before the call is open nobody listens
    samples_.clear();
    const std::span<const uint8_t> data(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (const auto decoded = decoder_->Decode(data, &samples_); !decoded) {
      if (!std::exchange(told_of_audio_, true))
        Refuse({400, "invalid_audio", decoded.error().message}, false);
      return;
    }
    call->Hear(samples_);
  }
  void OnClose(uint16_t code) override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (call_ == nullptr || !line_->Detach(sender_)) return;
    // Who closes properly has hung up; who is lost may come back.
    code == kCloseNormal ? call_->HangUp("hung_up") : call_->Hold();
  }

 private:
  std::shared_ptr<VoiceCall> call() {
    const std::lock_guard lock(mutex_);
    return call_;
  }

  void OnStart(const Start& start) {
    if (begun_.exchange(true))
      return Refuse({409, "started_already", "this connection has a call already"}, false);
    if (!client_ || !start.token.empty()) {
      auto client = services_.authorise(start.token);
      if (!client) return Refuse(client.error(), true);
      client_ = *std::move(client);
    }
    if (!client_->Can(scope::kTalk)) return Refuse({403, "forbidden", "this key may not talk"}, true);
    if (start.has_caller && !client_->Can(scope::kVouch))
      return Refuse({403, "forbidden", "this key may not say who is calling"}, true);
    const ServedWorkflowPtr workflow = services_.workflows->Find(start.workflow);
    if (workflow == nullptr) return Refuse({404, "unknown_workflow", "no such workflow is served"}, true);
    auto decoder = LineDecoder::Create(start.input);
    auto encoder = LineEncoder::Create(start.output);
    if (!decoder || !encoder) return Refuse(ToProblem(decoder ? encoder.error() : decoder.error()), true);
    decoder_ = *std::move(decoder);
    output_ = start.output;
    if (!workflow->speaks())
      return Refuse({422, "no_voice", "this workflow is served in writing only"}, true);
    VoiceOptions options = VoiceCalls::OptionsFor(*workflow, "voice");
    if (!start.session.empty()) options.session.id = start.session;
    if (start.has_caller) {
      options.session.caller = start.caller;
      options.session.caller.channel = "voice";
    }
    // A session that was begun with one key is nobody's with another.
    if (options.session.caller.address.empty()) options.session.caller.address = client_->name;
    auto held = services_.hold(*client_);
    if (!held) return Refuse(held.error(), true);
    options.front_end.echo_cancellation = start.echo_cancellation;
    const auto line =
        std::make_shared<SocketLine>(workflow, start.input, *std::move(encoder), *std::move(held));
    line->set_trace(trace_);
    services_.calls->Open(workflow, std::move(options), line,
                          [self = shared_from_this(), line](tl::expected<VoiceCalls::CallPtr, Problem> call) {
                            self->OnOpened(line, std::move(call));
                          });
  }

  void OnOpened(const std::shared_ptr<SocketLine>& line, tl::expected<VoiceCalls::CallPtr, Problem> opened) {
    if (!opened) return Refuse(opened.error(), true);
    const std::lock_guard lock(mutex_);
    const VoiceCall& call = **opened;
    shared_->Add(call.id(), line);
    line->Tell({{"type", "started"},
                {"session", call.id()},
                {"secret", line->secret()},
                {"workflow", call.workflow().name},
                {"version", call.workflow().deployment->version()},
                {"input", LineFormatName(line->input())},
                {"output", LineFormatName(output_)}});
    if (closed_) return (*opened)->HangUp("hung_up");
    line_ = line;
    call_ = *opened;
    line->Attach(sender_, 0);
  }

  void OnResume(const Resume& resume) {
    if (begun_.exchange(true))
      return Refuse({409, "started_already", "this connection has a call already"}, false);
    const auto line = shared_->Find(resume.session);
    const auto call = services_.calls->Find(resume.session);
    if (line == nullptr || call == nullptr || !SameSecret(line->secret(), resume.secret))
      return Refuse({404, "unknown_session", "there is no such call, or it is over"}, true);
    const std::lock_guard lock(mutex_);
    auto decoder = LineDecoder::Create(line->input());
    if (!decoder) return Refuse(ToProblem(decoder.error()), true);
    decoder_ = *std::move(decoder);
    line_ = line;
    call_ = call;
    call->Resume();
    line->Attach(sender_, resume.after);
  }

  void Refuse(const Problem& problem, bool close) {
    Json event = ToJson(problem);
    event["problem"] = event["type"];
    event["type"] = "error";
    sender_->SendText(event.dump());
    if (close) sender_->Close(problem.status == 503 ? kCloseBusy : kClosePolicy, problem.type);
  }

  const std::shared_ptr<VoiceSockets::Shared> shared_;
  const VoiceSocketServices& services_;
  const std::optional<TraceContext> trace_;
  std::shared_ptr<WebSocketSender> sender_;
  // The connection's.
  std::optional<Client> client_;
  std::atomic<bool> begun_{false};
  bool told_of_audio_ = false;
  std::unique_ptr<LineDecoder> decoder_;  // before call_ is set
  LineFormat output_;
  std::vector<float> samples_;

  std::mutex mutex_;
  std::shared_ptr<SocketLine> line_;  // guarded by mutex_, as are the next two
  std::shared_ptr<VoiceCall> call_;   // null: not open yet
  bool closed_ = false;
};

}  // namespace

VoiceSockets::VoiceSockets(VoiceSocketServices services) : shared_(std::make_shared<Shared>()) {
  shared_->services = std::move(services);
}

VoiceSockets::~VoiceSockets() = default;

std::shared_ptr<WebSocketReceiver> VoiceSockets::Accept(std::optional<Client> client,
                                                        std::optional<TraceContext> trace) const {
  return std::make_shared<VoiceSocket>(shared_, std::move(client), std::move(trace));
}

}  // namespace sotto
