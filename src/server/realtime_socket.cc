#include "server/realtime_socket.h"

#include <algorithm>
#include <deque>
#include <mutex>

#include "base/unique_id.h"
#include "server/line_packets.h"
#include "server/metrics.h"
#include "server/openai_api.h"
#include "server/opened_call.h"
#include "server/realtime_messages.h"
#include "server/realtime_model_socket.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using namespace realtime_message;

constexpr uint16_t kDone = 1000;
constexpr uint16_t kRefused = 1008;
constexpr uint16_t kBusy = 1013;
constexpr size_t kMostWaiting = 256 * 1024;            // a reader so slow hears gaps
constexpr size_t kMostCollected = size_t{16000} * 60;  // samples before a commit
constexpr size_t kItemsKept = 200;                     // that can be asked for again
constexpr size_t kSilenceAfterCommit = 16000;          // samples: ends the turn

std::string NewId(std::string_view kind) { return std::string(kind) + "_" + UniqueId().substr(0, 24); }

}  // namespace

// What the client is told of its call.
class RealtimeLine final : public VoiceLine {
 public:
  RealtimeLine(std::shared_ptr<WebSocketSender> sender, RealtimeSession session,
               std::shared_ptr<const void> held)
      : held_(std::move(held)),
        sender_(std::move(sender)),
        session_(std::move(session)),
        encoder_(LineEncoder::Create(session_.output).value()) {}

  void Tell(Json event) {
    const std::lock_guard lock(mutex_);
    Send(std::move(event));
  }
  // What changed is told; the error: a format that there is not.
  Result<void> Update(const realtime_message::Update& update) {
    const std::lock_guard lock(mutex_);
    if (update.input) session_.input = *update.input;
    if (update.output) {
      SOTTO_ASSIGN_OR_RETURN(encoder_, LineEncoder::Create(*update.output));
      session_.output = *update.output;
    }
    if (update.server_turns) session_.server_turns = *update.server_turns;
    if (update.speaks) session_.speaks = *update.speaks;
    Send({{"type", "session.updated"}, {"session", ToRealtime(session_)}});
    return {};
  }
  bool server_turns() const {
    const std::lock_guard lock(mutex_);
    return session_.server_turns;
  }
  void Begin() {
    const std::lock_guard lock(mutex_);
    Send({{"type", "session.created"}, {"session", ToRealtime(session_)}});
  }
  // An item as it was told; false: there is none.
  bool Retrieve(std::string_view id) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(items_.begin(), items_.end(), [&](const Json& item) { return item.at("id") == id; });
    if (found == items_.end()) return false;
    Send({{"type", "conversation.item.retrieved"}, {"item", *found}});
    return true;
  }
  // A message of the user's, before it is answered.
  void Said(std::string_view text) {
    const std::lock_guard lock(mutex_);
    AddUserItem(NewId("item"), text, false);
    typed_ = true;
  }

  void OnFrame(std::span<const float> frame, bool silent) override {
    const std::span<const float> packet = packets_.Add(frame, silent);
    const std::lock_guard lock(mutex_);
    elapsed_ms_ += 10;
    if (packet.empty()) return;
    const std::string bytes = encoder_->Encode(packet);
    if (!bytes.empty() && session_.speaks && !response_.empty() && sender_->waiting_bytes() < kMostWaiting)
      Send(Part("response.output_audio.delta", {{"delta", ToBase64(bytes)}}));
  }
  void OnSpeech(bool speaks) override {
    const std::lock_guard lock(mutex_);
    if (speaks) {
      item_ = NewId("item");
      partial_.clear();
      Send({{"type", "input_audio_buffer.speech_started"},
            {"audio_start_ms", elapsed_ms_},
            {"item_id", item_}});
    } else {
      Send(
          {{"type", "input_audio_buffer.speech_stopped"}, {"audio_end_ms", elapsed_ms_}, {"item_id", item_}});
    }
  }
  // Words that were told are not taken back; the whole comes at the end.
  void OnPartial(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    if (item_.empty() || !text.starts_with(partial_) || text == partial_) return;
    Send({{"type", "conversation.item.input_audio_transcription.delta"},
          {"item_id", item_},
          {"content_index", 0},
          {"delta", text.substr(partial_.size())}});
    partial_ = text;
  }
  void OnReply(const TurnRecord& record, const Json&) override {
    const std::lock_guard lock(mutex_);
    if (!record.heard.text.empty() && !std::exchange(typed_, false)) TellHeard(record);
    item_.clear();
    if (record.reply.text.empty()) return;
    response_ = NewId("resp");
    reply_ = NewId("item");
    said_ = record.reply.text;
    Send({{"type", "response.created"}, {"response", Response("in_progress", "")}});
    Send({{"type", "response.output_item.added"},
          {"response_id", response_},
          {"output_index", 0},
          {"item", RealtimeReplyItem(reply_, said_, session_.speaks, "in_progress")}});
    Send({{"type", "conversation.item.added"},
          {"previous_item_id", Last()},
          {"item", RealtimeReplyItem(reply_, said_, session_.speaks, "in_progress")}});
    Send(Part("response.content_part.added", {{"part", ContentPart("")}}));
    Send(Part(session_.speaks ? "response.output_audio_transcript.delta" : "response.output_text.delta",
              {{"delta", said_}}));
  }
  void OnTurn(const TurnRecord& record) override {
    const std::lock_guard lock(mutex_);
    if (response_.empty()) return;
    const char* status = record.interrupted ? "cancelled" : "completed";
    const std::string heard = record.interrupted ? record.played_text : said_;
    if (session_.speaks) {
      Send(Part("response.output_audio.done", Json::object()));
      Send(Part("response.output_audio_transcript.done", {{"transcript", heard}}));
    } else {
      Send(Part("response.output_text.done", {{"text", heard}}));
    }
    Send(Part("response.content_part.done", {{"part", ContentPart(heard)}}));
    const Json item =
        RealtimeReplyItem(reply_, heard, session_.speaks, record.interrupted ? "incomplete" : "completed");
    Send({{"type", "response.output_item.done"},
          {"response_id", response_},
          {"output_index", 0},
          {"item", item}});
    Send({{"type", "conversation.item.done"}, {"previous_item_id", Last()}, {"item", item}});
    Keep(item);
    Send({{"type", "response.done"}, {"response", Response(status, heard)}});
    last_ = reply_;
    response_.clear();
  }
  void OnEnd(std::string_view reason, const std::optional<HandOff>&) override {
    const std::lock_guard lock(mutex_);
    sender_->Close(kDone, std::string(reason));
  }

 private:
  // All below: under the lock.
  void Send(Json event) {
    event["event_id"] = NewId("event");
    sender_->SendText(event.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  void Keep(const Json& item) {
    items_.push_back(item);
    if (items_.size() > kItemsKept) items_.pop_front();
  }
  Json Last() const { return last_.empty() ? Json(nullptr) : Json(last_); }
  Json Part(const char* type, Json more) const {
    more["type"] = type;
    more["response_id"] = response_;
    more["item_id"] = reply_;
    more["output_index"] = 0;
    more["content_index"] = 0;
    return more;
  }
  Json ContentPart(std::string_view text) const {
    return session_.speaks ? Json{{"type", "audio"}, {"transcript", text}}
                           : Json{{"type", "text"}, {"text", text}};
  }
  Json Response(std::string_view status, std::string_view heard) const {
    Json output = Json::array();
    Json details = nullptr;
    Json usage = nullptr;
    if (status != "in_progress") {
      output.push_back(RealtimeReplyItem(reply_, heard, session_.speaks,
                                         status == "completed" ? "completed" : "incomplete"));
      usage = {{"total_tokens", 0}, {"input_tokens", 0}, {"output_tokens", 0}};
    }
    if (status == "cancelled") details = {{"type", "cancelled"}, {"reason", "turn_detected"}};
    return {{"id", response_},
            {"object", "realtime.response"},
            {"status", status},
            {"status_details", std::move(details)},
            {"output", std::move(output)},
            {"conversation_id", session_.id},
            {"output_modalities", Json::array({session_.speaks ? "audio" : "text"})},
            {"max_output_tokens", "inf"},
            {"usage", std::move(usage)},
            {"metadata", nullptr}};
  }
  void AddUserItem(const std::string& id, std::string_view text, bool spoken) {
    const Json item = RealtimeUserItem(id, text, spoken);
    Keep(item);
    Send({{"type", "conversation.item.added"}, {"previous_item_id", Last()}, {"item", item}});
    Send({{"type", "conversation.item.done"}, {"previous_item_id", Last()}, {"item", item}});
    last_ = id;
  }
  void TellHeard(const TurnRecord& record) {
    if (item_.empty()) item_ = NewId("item");
    const std::string& text = record.understood ? record.understood->transcript : record.heard.text;
    Send({{"type", "input_audio_buffer.committed"}, {"previous_item_id", Last()}, {"item_id", item_}});
    AddUserItem(item_, text, true);
    Send({{"type", "conversation.item.input_audio_transcription.completed"},
          {"item_id", item_},
          {"content_index", 0},
          {"transcript", text},
          {"usage",
           {{"type", "duration"},
            {"seconds", (record.times.speech_end - record.times.speech_start) / 1000}}}});
  }

  const std::shared_ptr<const void> held_;  // one of the client's calls
  LinePackets packets_;                     // the pacer's
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  const std::shared_ptr<WebSocketSender> sender_;
  RealtimeSession session_;
  std::unique_ptr<LineEncoder> encoder_;
  int64_t elapsed_ms_ = 0;
  std::string item_;        // of the user's speech that is heard
  std::string partial_;     // of it, as told
  std::string response_;    // that is being said; empty: none
  std::string reply_;       // its item
  std::string said_;        // its text
  std::string last_;        // the conversation's last item
  std::deque<Json> items_;  // the last ones, as they were told
  bool typed_ = false;      // the next turn's words were an item already
};

namespace {

class RealtimeSocket final : public WebSocketReceiver, public std::enable_shared_from_this<RealtimeSocket> {
 public:
  RealtimeSocket(std::shared_ptr<const VoiceSocketServices> services, ServedWorkflowPtr workflow,
                 Client client, std::shared_ptr<const void> held, std::optional<TraceContext> trace)
      : services_(std::move(services)),
        workflow_(std::move(workflow)),
        client_(std::move(client)),
        held_(std::move(held)),
        trace_(std::move(trace)),
        decoder_(LineDecoder::Create(kUsual).value()) {}

  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    sender_ = sender;
    VoiceOptions options = VoiceCalls::OptionsFor(*workflow_, "voice");
    if (options.session.caller.address.empty()) options.session.caller.address = client_.name;
    RealtimeSession session;
    session.id = options.session.id;
    session.model = workflow_->name;
    session.voice = "workflow";
    session.input = session.output = kUsual;
    line_ = std::make_shared<RealtimeLine>(sender, std::move(session), std::move(held_));
    // Before anything of the call: a client waits for it.
    line_->Begin();
    line_->set_trace(trace_);
    services_->calls->Open(workflow_, std::move(options), line_,
                           [self = shared_from_this()](tl::expected<VoiceCalls::CallPtr, Problem> call) {
                             self->OnOpened(std::move(call));
                           });
  }
  void OnText(std::string_view text) override {
    auto request = ReadRealtimeMessage(text);
    if (!request) return line_->Tell(ToRealtime(request.error()));
    std::visit([&](auto& message) { On(message, request->event); }, request->message);
  }
  void OnBinary(std::string_view) override {
    line_->Tell(ToRealtime(
        RealtimeRefusal{"invalid_type", "audio comes as base64 in input_audio_buffer.append", "", ""}));
  }
  void OnClose(uint16_t) override { call_.HangUp(); }

 private:
  static constexpr LineFormat kUsual{LineFormat::Codec::kPcm16, 24000};

  void OnOpened(tl::expected<VoiceCalls::CallPtr, Problem> opened) {
    if (!opened) {
      Json event = ToRealtime(RealtimeRefusal{opened.error().type, opened.error().detail, "", ""});
      event["error"]["type"] = "server_error";
      line_->Tell(std::move(event));
      return sender_->Close(opened.error().status == 503 ? kBusy : kRefused, opened.error().type);
    }
    call_.Set(*opened);
  }
  void Refuse(std::string code, std::string message, std::string param, const std::string& event) {
    line_->Tell(ToRealtime(RealtimeRefusal{std::move(code), std::move(message), std::move(param), event}));
  }

  // All on the connection's thread.
  void On(const Update& update, const std::string& event) {
    if (update.input) {
      auto decoder = LineDecoder::Create(*update.input);
      if (!decoder) return Refuse("invalid_value", decoder.error().message, "session.audio.input", event);
      decoder_ = *std::move(decoder);
    }
    if (const auto updated = line_->Update(update); !updated)
      Refuse("invalid_value", updated.error().message, "session.audio.output", event);
  }
  void On(const Append& append, const std::string& event) {
    const auto call = call_.get();
    samples_.clear();
    const auto* bytes = reinterpret_cast<const uint8_t*>(append.audio.data());
    if (const auto decoded = decoder_->Decode({bytes, append.audio.size()}, &samples_); !decoded)
      return Refuse("invalid_value", decoded.error().message, "audio", event);
    if (!line_->server_turns()) {
      if (collected_.size() + samples_.size() > kMostCollected)
        return Refuse("invalid_value", "at most a minute of audio before a commit", "audio", event);
      collected_.insert(collected_.end(), samples_.begin(), samples_.end());
    } else if (call != nullptr) {
      call->Hear(samples_);
    }
  }
  void On(const Commit&, const std::string& event) {
    if (line_->server_turns()) return;  // turns end by themselves
    const auto call = call_.get();
    if (collected_.empty() || call == nullptr) {
      return Refuse("input_audio_buffer_commit_empty", "there is no audio to commit", "", event);
    }
    collected_.insert(collected_.end(), kSilenceAfterCommit, 0.0F);
    call->Hear(collected_);
    collected_.clear();
  }
  void On(const Clear&, const std::string&) {
    collected_.clear();
    line_->Tell({{"type", "input_audio_buffer.cleared"}});
  }
  void On(const NewItem& item, const std::string& event) {
    auto said = SaidByUser(item);
    if (!said) return Refuse(said.error().code, said.error().message, said.error().param, event);
    if (!*said) return;
    line_->Said(**said);
    said_ += (said_.empty() ? "" : " ") + **said;
  }
  void On(const Delete&, const std::string& event) {
    Refuse("unsupported_event",
           "'conversation.item.delete' is not served here: the conversation is the workflow's", "type",
           event);
  }
  void On(const Truncate& truncate, const std::string&) {
    // What was heard is known here: sound goes out at the pace it is played.
    line_->Tell({{"type", "conversation.item.truncated"},
                 {"item_id", truncate.item},
                 {"content_index", 0},
                 {"audio_end_ms", truncate.audio_end_ms}});
  }
  void On(const realtime_message::Retrieve& retrieve, const std::string& event) {
    if (!line_->Retrieve(retrieve.item))
      Refuse("item_not_found", "there is no such item, or it is not whole yet", "item_id", event);
  }
  void On(const Create&, const std::string&) {
    if (said_.empty()) return;  // what is spoken is answered by itself
    call_.Type(std::exchange(said_, ""));
  }
  void On(const Cancel&, const std::string&) {
    if (const auto call = call_.get()) call->Hush();
  }

  const std::shared_ptr<const VoiceSocketServices> services_;
  const ServedWorkflowPtr workflow_;
  const Client client_;
  std::shared_ptr<const void> held_;
  const std::optional<TraceContext> trace_;
  // The connection's.
  std::shared_ptr<WebSocketSender> sender_;
  std::shared_ptr<RealtimeLine> line_;
  std::unique_ptr<LineDecoder> decoder_;
  std::vector<float> samples_;
  std::vector<float> collected_;  // where the client commits
  std::string said_;              // messages that wait for response.create

  OpenedCall call_;
};

// Tells a client why it is not served, in the protocol's form: browsers see nothing of a refused upgrade.
class RefusingSocket final : public WebSocketReceiver {
 public:
  explicit RefusingSocket(RealtimeRefusal refusal) : refusal_(std::move(refusal)) {}
  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    Json event = ToRealtime(refusal_);
    event["event_id"] = NewId("event");
    sender->SendText(event.dump());
    sender->Close(kRefused, refusal_.code);
  }
  void OnText(std::string_view) override {}
  void OnBinary(std::string_view) override {}
  void OnClose(uint16_t) override {}

 private:
  const RealtimeRefusal refusal_;
};

// "realtime, openai-insecure-api-key.TOKEN": the token.
std::string TokenOf(std::string_view protocols) {
  constexpr std::string_view kBefore = "openai-insecure-api-key.";
  const size_t at = protocols.find(kBefore);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = protocols.substr(at + kBefore.size());
  return std::string(rest.substr(0, rest.find_first_of(", ")));
}

}  // namespace

std::variant<WebSocketAccept, WebResponse> RealtimeSockets::Upgrade(const WebRequest& request) {
  const auto refuse = [this](const Problem& problem) {
    services_->metrics->Refused(problem.type);
    return OpenAiApi::ToAnswer(problem);
  };
  const std::string* protocols = request.Header("sec-websocket-protocol");
  const std::string token = protocols == nullptr ? "" : TokenOf(*protocols);
  auto client = token.empty() || request.Header("authorization") != nullptr ? access_.Check(request)
                                                                            : services_->authorise(token);
  if (!client) return refuse(client.error());
  if (!client->Can(scope::kTalk)) return refuse({403, "forbidden", "this key may not talk"});
  const std::string* model = request.Query("model");
  const std::string name = model == nullptr ? "" : *model;
  const bool named = protocols != nullptr && protocols->find("realtime") != std::string::npos;
  const auto accept = [named](std::shared_ptr<WebSocketReceiver> receiver) {
    return WebSocketAccept{std::move(receiver), named ? "realtime" : ""};
  };
  const ServedWorkflowPtr workflow = services_->workflows->Find(name);
  const auto language_model = workflow == nullptr ? models_.Find(name) : nullptr;
  if (workflow == nullptr && language_model == nullptr)
    return accept(std::make_shared<RefusingSocket>(RealtimeRefusal{
        "model_not_found",
        fmt::format("the model '{}' does not exist; GET /v1/models lists those that do", name.substr(0, 80)),
        "model",
        {}}));
  if (workflow != nullptr && !workflow->speaks())
    return accept(std::make_shared<RefusingSocket>(
        RealtimeRefusal{"no_voice", "this workflow is served in writing only", "model", {}}));
  if (language_model != nullptr) {
    if (const auto busy = admit_()) return refuse(*busy);
    if (language_model->chat() == nullptr)
      return accept(std::make_shared<RefusingSocket>(RealtimeRefusal{
          "model_not_found", "this model has no chat template: it holds no conversations", "model", {}}));
  }
  auto held = services_->hold(*client);
  if (!held) return refuse(held.error());
  if (language_model != nullptr)
    return accept(MakeRealtimeModelSocket(services_, models_, name, *std::move(held)));
  return accept(std::make_shared<RealtimeSocket>(services_, workflow, *std::move(client), *std::move(held),
                                                 TraceContextOf(request)));
}

}  // namespace sotto
