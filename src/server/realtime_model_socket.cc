#include "server/realtime_model_socket.h"

#include "base/unique_id.h"
#include "server/realtime_model.h"

namespace sotto {
namespace {

using namespace realtime_message;

constexpr uint16_t kModelRefused = 1008;
constexpr uint16_t kModelBusy = 1013;
constexpr size_t kMostUncommitted = size_t{16000} * 60;  // samples
constexpr LineFormat kModelAudio{LineFormat::Codec::kPcm16, 24000};

ServedWorkflowPtr FirstVoice(const ServedWorkflows& workflows) {
  for (const ServedWorkflowPtr& workflow : workflows.All()) {
    if (workflow->speaks()) return workflow;
  }
  return nullptr;
}

class RealtimeModelSocket final : public WebSocketReceiver,
                                  public std::enable_shared_from_this<RealtimeModelSocket> {
 public:
  RealtimeModelSocket(std::shared_ptr<const VoiceSocketServices> services, LanguageModels& models,
                      std::string model, std::shared_ptr<const void> held)
      : services_(std::move(services)),
        models_(models),
        model_(std::move(model)),
        voice_(FirstVoice(*services_->workflows)),
        held_(std::move(held)),
        decoder_(LineDecoder::Create(kModelAudio).value()) {}

  void OnOpen(std::shared_ptr<WebSocketSender> sender) override {
    sender_ = sender;
    RealtimeSession session;
    session.id = UniqueId();
    session.model = model_;
    session.voice = voice_ == nullptr ? "" : voice_->name;
    session.input = session.output = kModelAudio;
    conversation_ = std::make_shared<RealtimeModelConversation>(std::move(sender), std::move(session),
                                                                models_, models_.Find(model_),
                                                                voice_ != nullptr, std::move(held_));
    conversation_->Open();
    if (voice_ == nullptr) return;
    services_->calls->OpenHeld(
        [voice = voice_, model = model_, metrics = services_->metrics,
         line = conversation_]() -> Result<VoiceCalls::HeldPtr> {
          SOTTO_ASSIGN_OR_RETURN(auto call, ModelCall::Open(voice, model, *metrics, line));
          return call;
        },
        [self = shared_from_this()](tl::expected<VoiceCalls::HeldPtr, Problem> call) {
          self->OnOpened(std::move(call));
        });
  }
  void OnText(std::string_view text) override {
    auto request = ReadRealtimeMessage(text);
    if (!request) return conversation_->Tell(ToRealtime(request.error()));
    auto done = std::visit([&](auto& message) { return On(message); }, request->message);
    if (done) return;
    done.error().event = request->event;
    conversation_->Tell(ToRealtime(done.error()));
  }
  void OnBinary(std::string_view) override {
    conversation_->Tell(ToRealtime(
        RealtimeRefusal{"invalid_type", "audio comes as base64 in input_audio_buffer.append", "", ""}));
  }
  void OnClose(uint16_t) override { conversation_->Close(); }

 private:
  using Refused = RealtimeModelConversation::Refused;

  void OnOpened(tl::expected<VoiceCalls::HeldPtr, Problem> opened) {
    if (!opened) {
      Json event = ToRealtime(RealtimeRefusal{opened.error().type, opened.error().detail, "", ""});
      event["error"]["type"] = "server_error";
      conversation_->Tell(std::move(event));
      return sender_->Close(opened.error().status == 503 ? kModelBusy : kModelRefused, opened.error().type);
    }
    const auto call = std::static_pointer_cast<ModelCall>(*opened);
    {
      const std::lock_guard lock(mutex_);
      call_ = call;
    }
    conversation_->Attach(call);
  }
  std::shared_ptr<ModelCall> call() {
    const std::lock_guard lock(mutex_);
    return call_.lock();
  }
  static Refused No(std::string code, std::string message, std::string param) {
    return tl::unexpected(RealtimeRefusal{std::move(code), std::move(message), std::move(param), {}});
  }

  // All on the connection's thread.
  Refused On(const Update& update) {
    std::unique_ptr<LineDecoder> decoder;
    if (update.input) {
      auto made = LineDecoder::Create(*update.input);
      if (!made) return No("invalid_value", made.error().message, "session.audio.input");
      decoder = *std::move(made);
    }
    if (auto updated = conversation_->Update(update); !updated) return updated;
    if (decoder != nullptr) decoder_ = std::move(decoder);
    return {};
  }
  Refused On(const Append& append) {
    if (voice_ == nullptr) return No("no_ears", "this server has no ears (--text-only)", "audio");
    samples_.clear();
    const auto* bytes = reinterpret_cast<const uint8_t*>(append.audio.data());
    if (const auto decoded = decoder_->Decode({bytes, append.audio.size()}, &samples_); !decoded)
      return No("invalid_value", decoded.error().message, "audio");
    if (conversation_->server_turns()) {
      if (const auto call = this->call()) call->Hear(samples_);
      return {};
    }
    if (collected_.size() + samples_.size() > kMostUncommitted)
      return No("invalid_value", "at most a minute of audio before a commit", "audio");
    collected_.insert(collected_.end(), samples_.begin(), samples_.end());
    return {};
  }
  Refused On(const Commit&) {
    if (conversation_->server_turns()) return {};  // turns end by themselves
    if (collected_.empty() || call() == nullptr)
      return No("input_audio_buffer_commit_empty", "there is no audio to commit", "");
    conversation_->Commit(std::exchange(collected_, {}));
    return {};
  }
  Refused On(const Clear&) {
    collected_.clear();
    conversation_->Tell({{"type", "input_audio_buffer.cleared"}});
    return {};
  }
  Refused On(const NewItem& item) { return conversation_->Add(item); }
  Refused On(const Delete& item) { return conversation_->Remove(item.item); }
  Refused On(const realtime_message::Retrieve& item) { return conversation_->Retrieve(item.item); }
  Refused On(const Truncate& truncate) {
    // What was heard is known here: sound goes out at the pace it is played.
    conversation_->Tell({{"type", "conversation.item.truncated"},
                         {"item_id", truncate.item},
                         {"content_index", 0},
                         {"audio_end_ms", truncate.audio_end_ms}});
    return {};
  }
  Refused On(const Create& create) { return conversation_->Respond(create); }
  Refused On(const realtime_message::Cancel&) { return conversation_->Cancel(); }

  const std::shared_ptr<const VoiceSocketServices> services_;
  LanguageModels& models_;
  const std::string model_;
  const ServedWorkflowPtr voice_;  // null: conversations are written
  std::shared_ptr<const void> held_;
  // The connection's.
  std::shared_ptr<WebSocketSender> sender_;
  std::shared_ptr<RealtimeModelConversation> conversation_;
  std::unique_ptr<LineDecoder> decoder_;
  std::vector<float> samples_;
  std::vector<float> collected_;  // where the client commits

  std::mutex mutex_;
  std::weak_ptr<ModelCall> call_;  // guarded by mutex_; the calls have it
};

}  // namespace

std::shared_ptr<WebSocketReceiver> MakeRealtimeModelSocket(
    std::shared_ptr<const VoiceSocketServices> services, LanguageModels& models, const std::string& model,
    std::shared_ptr<const void> held) {
  return std::make_shared<RealtimeModelSocket>(std::move(services), models, model, std::move(held));
}

}  // namespace sotto
