// The half of RealtimeModelConversation that answers: a response from its beginning to response.done.
#include <algorithm>

#include "server/realtime_model.h"

namespace sotto {
namespace {

tl::unexpected<RealtimeRefusal> NotBegun(std::string code, std::string message, std::string param = "") {
  return tl::unexpected(RealtimeRefusal{std::move(code), std::move(message), std::move(param), {}});
}

bool IsBlankText(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Json RealtimeUsage(const Completion& done) {
  return {{"total_tokens", done.prompt_tokens + done.completion_tokens},
          {"input_tokens", done.prompt_tokens},
          {"output_tokens", done.completion_tokens},
          {"input_token_details",
           {{"text_tokens", done.prompt_tokens}, {"audio_tokens", 0}, {"cached_tokens", done.cached_tokens}}},
          {"output_token_details", {{"text_tokens", done.completion_tokens}, {"audio_tokens", 0}}}};
}

}  // namespace

bool RealtimeModelConversation::MustWait() const { return !ready_ || response_ || !unheard_.empty(); }

RealtimeModelConversation::Later RealtimeModelConversation::BeginWaiting() {
  if (!waiting_ || MustWait()) return nullptr;
  const Json asked = *std::exchange(waiting_, std::nullopt);
  Refused refused;
  Later later = Begin(asked, &refused);
  if (!refused) Send(ToRealtime(refused.error()));
  return later;
}

RealtimeModelConversation::Later RealtimeModelConversation::Begin(const Json& asked, Refused* refused) {
  Response response;
  response.id = NewRealtimeId("resp");
  response.settings = settings_;
  *refused = ReadRealtimeSettings(asked, "response", &response.settings);
  if (!*refused) return nullptr;
  if (response.settings.speaks && !has_voice_) {
    *refused = NotBegun("invalid_value",
                        "this server has no voice (--text-only): output_modalities should be ['text']",
                        "response.output_modalities");
    return nullptr;
  }
  response.kept = asked.value("conversation", Json("auto")) != "none";
  response.metadata = asked.value("metadata", Json(nullptr));
  std::deque<RealtimeItem> given;
  const auto input = asked.find("input");
  const bool own = input != asked.end() && input->is_array();
  for (const Json& one : own ? *input : Json::array()) {
    const RealtimeItem* known = one.is_object() && one.value("type", Json()) == "item_reference" &&
                                        one.value("id", Json()).is_string()
                                    ? Find(one.at("id").get<std::string>())
                                    : nullptr;
    auto item = known != nullptr ? tl::expected<RealtimeItem, RealtimeRefusal>(*known)
                : one.is_object()
                    ? ReadRealtimeItem(one)
                    : NotBegun("invalid_value", "response.input should be a list of items", "response.input");
    if (!item) {
      *refused = tl::unexpected(std::move(item).error());
      return nullptr;
    }
    given.push_back(*std::move(item));
  }
  ChatRequest request = RealtimeChat(session_.model, response.settings, own ? given : items_);
  response_ = std::move(response);
  Send({{"type", "response.created"}, {"response", ToJson(*response_)}});
  if (const auto call = call_.lock(); call != nullptr && response_->settings.speaks) call->Begin();
  return [self = shared_from_this(), id = response_->id, request = std::move(request)] {
    self->Write(id, request);
  };
}

// Without the lock: tokens and grammars take their time.
void RealtimeModelConversation::Write(const std::string& response, const ChatRequest& request) {
  const auto writing = models_.Prepare(model_, request);
  const auto done = [weak = weak_from_this(), response](Result<Completion> completion) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    Later later;
    {
      const std::lock_guard lock(self->mutex_);
      later = self->OnWritten(response, std::move(completion));
    }
    Run(later);
  };
  if (!writing) {
    const bool busy = writing.error().status == 503;
    return done(MakeError(busy ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument, "{}",
                          writing.error().message));
  }
  (*writing)(
      [weak = weak_from_this(), response](std::string_view piece) {
        const auto self = weak.lock();
        if (self == nullptr) return false;
        const std::lock_guard lock(self->mutex_);
        return self->OnPiece(response, piece);
      },
      done);
}

bool RealtimeModelConversation::OnPiece(const std::string& response, std::string_view piece) {
  if (!response_ || response_->id != response || response_->stopping) return false;
  const size_t told = response_->item.empty() ? 0 : response_->text.size();
  response_->text += piece;
  if (response_->item.empty()) {
    if (IsBlankText(response_->text)) return true;
    OpenMessage();
  }
  SendPart(
      response_->settings.speaks ? "response.output_audio_transcript.delta" : "response.output_text.delta",
      {{"delta", response_->text.substr(told)}});
  SayWhole(false);
  return true;
}

RealtimeModelConversation::Later RealtimeModelConversation::OnWritten(const std::string& response,
                                                                      Result<Completion> done) {
  if (!response_ || response_->id != response || response_->stopping) return nullptr;
  response_->written = true;
  if (!done) {
    response_->status = "failed";
    const bool wrong = done.error().code == ErrorCode::kInvalidArgument;
    response_->details = {{"type", "failed"},
                          {"error",
                           {{"type", wrong ? "invalid_request_error" : "server_error"},
                            {"code", wrong ? "invalid_value" : "not_written"},
                            {"message", done.error().message}}}};
  } else {
    response_->done = *std::move(done);
    if (response_->done.finish == Completion::Finish::kLength) {
      response_->status = "incomplete";
      response_->details = {{"type", "incomplete"}, {"reason", "max_output_tokens"}};
    }
    AddCalls();
  }
  SayWhole(true);
  return Settle();
}

void RealtimeModelConversation::OpenMessage() {
  response_->item = NewRealtimeId("item");
  response_->item_index = response_->output.size();
  const Json item = ToRealtime(Message("in_progress", ""));
  response_->output.push_back(item);
  Send({{"type", "response.output_item.added"},
        {"response_id", response_->id},
        {"output_index", response_->item_index},
        {"item", item}});
  if (response_->kept) {
    Send({{"type", "conversation.item.added"}, {"previous_item_id", Last()}, {"item", item}});
    Keep(Message("in_progress", ""));
  }
  SendPart("response.content_part.added",
           {{"part", response_->settings.speaks ? Json{{"type", "audio"}, {"transcript", ""}}
                                                : Json{{"type", "text"}, {"text", ""}}}});
}

// Gives the mouth what is a whole sentence of the text, or all of it.
void RealtimeModelConversation::SayWhole(bool all) {
  if (!response_->settings.speaks || response_->item.empty()) return;
  const std::string_view rest = std::string_view(response_->text).substr(response_->given);
  const size_t whole = all ? rest.size() : WholeSentences(rest);
  if (whole == 0 || IsBlankText(rest.substr(0, whole))) return;
  const auto call = call_.lock();
  if (call != nullptr) call->Say(std::string(rest.substr(0, whole)), ++sentences_);
  response_->given += whole;
}

void RealtimeModelConversation::AddCalls() {
  for (const WrittenCall& call : CallsOf(*model_, response_->done)) AddCall(call);
}

void RealtimeModelConversation::AddCall(const WrittenCall& call) {
  const size_t index = response_->output.size();
  RealtimeItem item;
  item.kind = RealtimeItem::Kind::kCall;
  item.id = NewRealtimeId("item");
  item.status = "in_progress";
  item.call = NewRealtimeId("call");
  item.name = call.name;
  const auto tell = [&](const char* type) {
    const Json json = ToRealtime(item);
    Send({{"type", fmt::format("response.output_item.{}", type)},
          {"response_id", response_->id},
          {"output_index", index},
          {"item", json}});
    if (response_->kept)
      Send({{"type", fmt::format("conversation.item.{}", type)},
            {"previous_item_id", Last()},
            {"item", json}});
  };
  tell("added");
  const auto arguments = [&](const char* type, Json more) {
    more["type"] = fmt::format("response.function_call_arguments.{}", type);
    more["response_id"] = response_->id;
    more["item_id"] = item.id;
    more["output_index"] = index;
    more["call_id"] = item.call;
    Send(std::move(more));
  };
  arguments("delta", {{"delta", call.arguments}});
  arguments("done", {{"name", call.name}, {"arguments", call.arguments}});
  item.text = call.arguments;
  item.status = call.name.empty() ? "incomplete" : "completed";
  tell("done");
  response_->output.push_back(ToRealtime(item));
  if (response_->kept) Keep(std::move(item));
}

void RealtimeModelConversation::CancelNow(const char* reason) {
  if (response_->stopping) return;
  response_->status = "cancelled";
  response_->details = {{"type", "cancelled"}, {"reason", reason}};
  const auto call = call_.lock();
  if (call != nullptr && response_->given > 0 && said_ < sentences_) {
    response_->stopping = true;
    return call->Stop();
  }
  response_->written = true;
  // Of what is to be spoken nothing is left but what was said.
  if (response_->settings.speaks) response_->text.resize(response_->given);
}

RealtimeModelConversation::Later RealtimeModelConversation::Settle() {
  if (!response_ || !response_->written || response_->stopping || said_ < sentences_) return nullptr;
  return Finish(response_->text);
}

// `heard`: what of the text counts.
RealtimeModelConversation::Later RealtimeModelConversation::Finish(const std::string& heard) {
  Response& response = *response_;
  if (!response.item.empty()) {
    if (response.settings.speaks) {
      SendPart("response.output_audio.done", Json::object());
      SendPart("response.output_audio_transcript.done", {{"transcript", heard}});
      SendPart("response.content_part.done", {{"part", {{"type", "audio"}, {"transcript", heard}}}});
    } else {
      SendPart("response.output_text.done", {{"text", heard}});
      SendPart("response.content_part.done", {{"part", {{"type", "text"}, {"text", heard}}}});
    }
    RealtimeItem item = Message(response.status == "completed" ? "completed" : "incomplete", heard);
    const Json json = ToRealtime(item);
    response.output[response.item_index] = json;
    Send({{"type", "response.output_item.done"},
          {"response_id", response.id},
          {"output_index", response.item_index},
          {"item", json}});
    if (response.kept) {
      Send({{"type", "conversation.item.done"}, {"previous_item_id", Before(item.id)}, {"item", json}});
      if (RealtimeItem* kept = Find(item.id)) *kept = std::move(item);
    }
  }
  Send({{"type", "response.done"}, {"response", ToJson(response)}});
  response_.reset();
  return BeginWaiting();
}

RealtimeItem RealtimeModelConversation::Message(std::string_view status, std::string_view text) const {
  RealtimeItem item;
  item.id = response_->item;
  item.role = RealtimeItem::Role::kAssistant;
  item.text = text;
  item.spoken = response_->settings.speaks;
  item.status = status;
  return item;
}

Json RealtimeModelConversation::ToJson(const Response& response) const {
  const bool over = response.written || response.stopping;
  return {{"id", response.id},
          {"object", "realtime.response"},
          {"status", over ? response.status : "in_progress"},
          {"status_details", response.details},
          {"output", over ? response.output : Json::array()},
          {"conversation_id", response.kept ? Json(session_.id) : Json(nullptr)},
          {"output_modalities", Json::array({response.settings.speaks ? "audio" : "text"})},
          {"max_output_tokens",
           response.settings.max_tokens > 0 ? Json(response.settings.max_tokens) : Json("inf")},
          {"usage", over ? RealtimeUsage(response.done) : Json(nullptr)},
          {"metadata", response.metadata}};
}

}  // namespace sotto
