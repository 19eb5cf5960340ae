#include "server/realtime_model.h"

#include <algorithm>

#include "server/secrets.h"

namespace sotto {
namespace {

constexpr size_t kMostUnread = 256 * 1024;  // a reader so slow hears gaps
constexpr size_t kMostKeptItems = 2000;
constexpr uint16_t kConversationOver = 1000;

tl::unexpected<RealtimeRefusal> NotDone(std::string code, std::string message, std::string param = "") {
  return tl::unexpected(RealtimeRefusal{std::move(code), std::move(message), std::move(param), {}});
}

}  // namespace

RealtimeModelConversation::RealtimeModelConversation(std::shared_ptr<WebSocketSender> sender,
                                                     RealtimeSession session, LanguageModels& models,
                                                     std::shared_ptr<const LanguageModel> model,
                                                     bool has_voice, std::shared_ptr<const void> held)
    : held_(std::move(held)),
      models_(models),
      model_(std::move(model)),
      has_voice_(has_voice),
      sender_(std::move(sender)),
      session_(std::move(session)),
      encoder_(LineEncoder::Create(session_.output).value()),
      ready_(!has_voice) {
  settings_.speaks = session_.speaks = has_voice;
}

void RealtimeModelConversation::Open() {
  const std::lock_guard lock(mutex_);
  Send({{"type", "session.created"}, {"session", ToRealtime(session_)}});
}

void RealtimeModelConversation::Attach(const std::shared_ptr<ModelCall>& call) {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return call->HangUp("hung_up");
    call_ = call;
    ready_ = true;
    if (!session_.server_turns) call->Listen(false);
    later = BeginWaiting();
  }
  Run(later);
}

void RealtimeModelConversation::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  response_.reset();
  waiting_.reset();
  if (const auto call = call_.lock()) call->HangUp("hung_up");
}

void RealtimeModelConversation::Tell(Json event) {
  const std::lock_guard lock(mutex_);
  Send(std::move(event));
}

bool RealtimeModelConversation::server_turns() const {
  const std::lock_guard lock(mutex_);
  return session_.server_turns;
}

RealtimeModelConversation::Refused RealtimeModelConversation::Update(const realtime_message::Update& update) {
  const std::lock_guard lock(mutex_);
  RealtimeSettings settings = settings_;
  if (auto read = ReadRealtimeSettings(update.session, "session", &settings); !read) return read;
  if (settings.speaks && !has_voice_)
    return NotDone("invalid_value",
                   "this server has no voice (--text-only): output_modalities should be ['text']",
                   "session.output_modalities");
  if (update.output) {
    auto encoder = LineEncoder::Create(*update.output);
    if (!encoder) return NotDone("invalid_value", encoder.error().message, "session.audio.output");
    encoder_ = *std::move(encoder);
    session_.output = *update.output;
  }
  if (update.input) session_.input = *update.input;
  settings_ = std::move(settings);
  if (update.server_turns) {
    session_.server_turns = *update.server_turns;
    if (const auto call = call_.lock()) call->Listen(session_.server_turns);
  }
  session_.speaks = settings_.speaks;
  session_.instructions = settings_.instructions;
  session_.tools = settings_.tools_json;
  session_.tool_choice = settings_.tool_choice;
  session_.max_output_tokens = settings_.max_tokens > 0 ? Json(settings_.max_tokens) : Json("inf");
  session_.answers_turns = settings_.answers_turns;
  session_.interruptible = settings_.interruptible;
  Send({{"type", "session.updated"}, {"session", ToRealtime(session_)}});
  return {};
}

RealtimeModelConversation::Refused RealtimeModelConversation::Add(const realtime_message::NewItem& item) {
  auto read = ReadRealtimeItem(item.item);
  if (!read) return tl::unexpected(std::move(read).error());
  const std::lock_guard lock(mutex_);
  if (Find(read->id) != nullptr)
    return NotDone("item_exists", fmt::format("there is an item '{}' already", read->id), "item.id");
  if (items_.size() >= kMostKeptItems)
    return NotDone("too_many_items", fmt::format("a conversation has at most {} items", kMostKeptItems));
  if (read->kind == RealtimeItem::Kind::kOutput) {
    const bool called = std::any_of(items_.begin(), items_.end(), [&](const RealtimeItem& other) {
      return other.kind == RealtimeItem::Kind::kCall && other.call == read->call;
    });
    if (!called)
      return NotDone("invalid_value", fmt::format("there was no call '{}'", read->call), "item.call_id");
  }
  AddItem(*std::move(read));
  return {};
}

RealtimeModelConversation::Refused RealtimeModelConversation::Remove(const std::string& item) {
  const std::lock_guard lock(mutex_);
  if (Find(item) == nullptr) return NotDone("item_not_found", "there is no such item", "item_id");
  std::erase_if(items_, [&](const RealtimeItem& one) { return one.id == item; });
  if (last_ == item) last_ = items_.empty() ? "" : items_.back().id;
  Send({{"type", "conversation.item.deleted"}, {"item_id", item}});
  return {};
}

RealtimeModelConversation::Refused RealtimeModelConversation::Retrieve(const std::string& item) {
  const std::lock_guard lock(mutex_);
  const RealtimeItem* found = Find(item);
  if (found == nullptr || found->status == "in_progress")
    return NotDone("item_not_found", "there is no such item, or it is not whole yet", "item_id");
  Send({{"type", "conversation.item.retrieved"}, {"item", ToRealtime(*found)}});
  return {};
}

RealtimeModelConversation::Refused RealtimeModelConversation::Respond(
    const realtime_message::Create& create) {
  Refused refused;
  Later later;
  {
    const std::lock_guard lock(mutex_);
    // One that is only being said is no hindrance: the next waits for its end.
    if (response_ && !response_->written && !response_->stopping)
      return NotDone("conversation_already_has_active_response",
                     fmt::format("the response {} is being written; wait for response.done, or cancel it",
                                 response_->id));
    if (MustWait()) {
      waiting_ = create.response;
    } else {
      later = Begin(create.response, &refused);
    }
  }
  Run(later);
  return refused;
}

RealtimeModelConversation::Refused RealtimeModelConversation::Cancel() {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    if (!response_ && !waiting_)
      return NotDone("response_cancel_not_active", "there is no response that could be cancelled");
    waiting_.reset();
    if (response_) CancelNow("client_cancelled");
    later = Settle();
  }
  Run(later);
  return {};
}

void RealtimeModelConversation::Commit(std::vector<float> samples) {
  const std::lock_guard lock(mutex_);
  const auto length_ms = static_cast<int64_t>(samples.size() / 16);
  unheard_.push_back({NewRealtimeId("item"), true, elapsed_ms_ - length_ms, elapsed_ms_});
  Send({{"type", "input_audio_buffer.committed"},
        {"previous_item_id", Last()},
        {"item_id", unheard_.back().item}});
  if (const auto call = call_.lock()) call->HearWhole(std::move(samples));
}

// The pacer tells.

void RealtimeModelConversation::OnFrame(std::span<const float> frame, bool silent) {
  const std::span<const float> packet = packets_.Add(frame, silent);
  const std::lock_guard lock(mutex_);
  elapsed_ms_ += 10;
  if (packet.empty()) return;
  const std::string bytes = encoder_->Encode(packet);
  if (!bytes.empty() && response_ && !response_->item.empty() && response_->settings.speaks &&
      !response_->stopping && sender_->waiting_bytes() < kMostUnread)
    SendPart("response.output_audio.delta", {{"delta", ToBase64(bytes)}});
}

void RealtimeModelConversation::OnSpeech(bool speaks) {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    user_speaks_ = speaks;
    if (speaks) {
      speech_ = NewRealtimeId("item");
      partial_.clear();
      speech_ms_ = elapsed_ms_;
      Send({{"type", "input_audio_buffer.speech_started"},
            {"audio_start_ms", elapsed_ms_},
            {"item_id", speech_}});
      if (response_ && settings_.interruptible) {
        CancelNow("turn_detected");
        later = Settle();
      }
    } else {
      Send({{"type", "input_audio_buffer.speech_stopped"},
            {"audio_end_ms", elapsed_ms_},
            {"item_id", speech_}});
      unheard_.push_back({std::exchange(speech_, ""), false, speech_ms_, elapsed_ms_});
    }
  }
  Run(later);
}

void RealtimeModelConversation::OnPartial(std::string_view text) {
  const std::lock_guard lock(mutex_);
  // Words that were told are not taken back; the whole comes at the end.
  if (speech_.empty() || !text.starts_with(partial_) || text == partial_) return;
  Send({{"type", "conversation.item.input_audio_transcription.delta"},
        {"item_id", speech_},
        {"content_index", 0},
        {"delta", text.substr(partial_.size())}});
  partial_ = text;
}

void RealtimeModelConversation::OnHeard(const Result<Transcript>& heard) {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    if (unheard_.empty()) return;
    const Spoken spoken = unheard_.front();
    unheard_.pop_front();
    const bool anything = heard && !heard->text.empty();
    if (!heard) {
      Send({{"type", "conversation.item.input_audio_transcription.failed"},
            {"item_id", spoken.item},
            {"content_index", 0},
            {"error",
             {{"type", "server_error"},
              {"code", "not_heard"},
              {"message", heard.error().message},
              {"param", nullptr}}}});
    } else if (anything || spoken.committed) {
      if (!spoken.committed)
        Send({{"type", "input_audio_buffer.committed"},
              {"previous_item_id", Last()},
              {"item_id", spoken.item}});
      RealtimeItem item;
      item.id = spoken.item;
      item.text = heard->text;
      item.spoken = true;
      AddItem(std::move(item));
      Send({{"type", "conversation.item.input_audio_transcription.completed"},
            {"item_id", spoken.item},
            {"content_index", 0},
            {"transcript", heard->text},
            {"usage",
             {{"type", "duration"},
              {"seconds", static_cast<double>(spoken.end_ms - spoken.begin_ms) / 1000}}}});
    }
    // Who goes on speaking is answered when that is over.
    if (anything && !spoken.committed && settings_.answers_turns && !user_speaks_ && !waiting_)
      waiting_ = Json::object();
    later = BeginWaiting();
  }
  Run(later);
}

void RealtimeModelConversation::OnSaid(uint64_t sentence) {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    said_ = sentence;
    later = Settle();
  }
  Run(later);
}

void RealtimeModelConversation::OnStopped(const std::string& heard) {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    said_ = sentences_;
    if (response_ && response_->stopping) later = Finish(heard);
  }
  Run(later);
}

void RealtimeModelConversation::OnEnd(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  response_.reset();
  waiting_.reset();
  sender_->Close(kConversationOver, std::string(reason));
}

// Items.

void RealtimeModelConversation::Send(Json event) {
  event["event_id"] = NewRealtimeId("event");
  sender_->SendText(event.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Of the message of the response.
void RealtimeModelConversation::SendPart(const char* type, Json more) {
  more["type"] = type;
  more["response_id"] = response_->id;
  more["item_id"] = response_->item;
  more["output_index"] = response_->item_index;
  more["content_index"] = 0;
  Send(std::move(more));
}

RealtimeItem* RealtimeModelConversation::Find(std::string_view id) {
  const auto found =
      std::find_if(items_.begin(), items_.end(), [&](const RealtimeItem& item) { return item.id == id; });
  return found == items_.end() ? nullptr : &*found;
}

Json RealtimeModelConversation::Before(std::string_view id) const {
  const RealtimeItem* before = nullptr;
  for (const RealtimeItem& item : items_) {
    if (item.id == id) break;
    before = &item;
  }
  return before == nullptr ? Json(nullptr) : Json(before->id);
}

void RealtimeModelConversation::AddItem(RealtimeItem item) {
  const Json json = ToRealtime(item);
  Send({{"type", "conversation.item.added"}, {"previous_item_id", Last()}, {"item", json}});
  Send({{"type", "conversation.item.done"}, {"previous_item_id", Last()}, {"item", json}});
  Keep(std::move(item));
}

void RealtimeModelConversation::Keep(RealtimeItem item) {
  last_ = item.id;
  items_.push_back(std::move(item));
}

}  // namespace sotto
