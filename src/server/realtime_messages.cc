#include "server/realtime_messages.h"

#include <algorithm>

#include "server/json_fields.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using namespace realtime_message;

constexpr size_t kMaxAudioText = size_t{15} << 20;  // as the original: 15 MB an append
constexpr size_t kMaxSaid = 4000;

tl::unexpected<RealtimeRefusal> No(std::string message, std::string param,
                                   std::string code = "invalid_value") {
  return tl::unexpected(RealtimeRefusal{std::move(code), std::move(message), std::move(param), {}});
}

const Json* At(const Json& json, std::initializer_list<const char*> path) {
  const Json* here = &json;
  for (const char* step : path) {
    if (!here->is_object() || !here->contains(step)) return nullptr;
    here = &here->at(step);
  }
  return here;
}

tl::expected<std::optional<LineFormat>, RealtimeRefusal> ReadFormat(const Json& session, const char* side) {
  const Json* format = At(session, {"audio", side, "format"});
  if (format == nullptr || format->is_null()) return std::nullopt;
  const std::string where = std::string("session.audio.") + side + ".format";
  const Json* type = At(*format, {"type"});
  const std::string name = type != nullptr && type->is_string() ? type->get<std::string>() : "";
  if (name == "audio/pcmu") return LineFormat{LineFormat::Codec::kMuLaw, 8000};
  if (name == "audio/pcma") return LineFormat{LineFormat::Codec::kALaw, 8000};
  const Json* rate = At(*format, {"rate"});
  if (name != "audio/pcm" || (rate != nullptr && *rate != 24000))
    return No("format should be audio/pcm with rate 24000, audio/pcmu or audio/pcma", where);
  return LineFormat{LineFormat::Codec::kPcm16, 24000};
}

tl::expected<RealtimeMessage, RealtimeRefusal> ReadUpdate(const Json& event) {
  const Json* session = At(event, {"session"});
  if (session == nullptr || !session->is_object()) return No("session should be an object", "session");
  if (const Json* type = At(*session, {"type"}); type != nullptr && *type != "realtime")
    return No("session.type should be 'realtime'", "session.type");
  Update update;
  update.session = *session;
  auto input = ReadFormat(*session, "input");
  if (!input) return tl::unexpected(input.error());
  auto output = ReadFormat(*session, "output");
  if (!output) return tl::unexpected(output.error());
  update.input = *input;
  update.output = *output;
  if (const Json* turns = At(*session, {"audio", "input", "turn_detection"}))
    update.server_turns = !turns->is_null();
  if (const Json* modalities = At(*session, {"output_modalities"})) {
    if (!modalities->is_array()) return No("should be a list", "session.output_modalities");
    update.speaks = std::find(modalities->begin(), modalities->end(), "audio") != modalities->end();
  }
  return update;
}

tl::expected<RealtimeMessage, RealtimeRefusal> ReadItem(const Json& event) {
  const Json* item = At(event, {"item"});
  const Json* type = item == nullptr ? nullptr : At(*item, {"type"});
  if (type == nullptr || !type->is_string()) return No("item.type is missing", "item.type");
  return NewItem{*item};
}

// An event whose only field is an item's id.
template <typename Message>
tl::expected<RealtimeMessage, RealtimeRefusal> ReadItemId(const Json& event) {
  Message message;
  JsonFields fields(event);
  fields.Require("item_id", fields.Text("item_id", &message.item, 200));
  if (auto done = fields.Done(true); !done) return No(done.error().message, "item_id");
  return message;
}

tl::expected<RealtimeMessage, RealtimeRefusal> ReadEvent(const std::string& type, const Json& event) {
  if (type == "session.update") return ReadUpdate(event);
  if (type == "conversation.item.create") return ReadItem(event);
  if (type == "input_audio_buffer.append") {
    const Json* audio = At(event, {"audio"});
    if (audio == nullptr || !audio->is_string()) return No("audio should be base64", "audio");
    Append append;
    const std::string& text = audio->get_ref<const std::string&>();
    if (text.size() > kMaxAudioText || !FromBase64(text, &append.audio))
      return No("audio should be base64, at most 15 MB", "audio");
    return append;
  }
  if (type == "input_audio_buffer.commit") return Commit{};
  if (type == "input_audio_buffer.clear") return Clear{};
  if (type == "response.create") {
    Create create;
    const Json* response = At(event, {"response"});
    if (response != nullptr && !response->is_null()) create.response = *response;
    if (!create.response.is_object()) return No("response should be an object", "response");
    return create;
  }
  if (type == "response.cancel" || type == "output_audio_buffer.clear") return Cancel{};
  if (type == "conversation.item.truncate") {
    Truncate truncate;
    JsonFields fields(event);
    fields.Require("item_id", fields.Text("item_id", &truncate.item, 200));
    fields.Integer("audio_end_ms", &truncate.audio_end_ms, 0, int64_t{1} << 40);
    if (auto done = fields.Done(true); !done) return No(done.error().message, "item_id");
    return truncate;
  }
  if (type == "conversation.item.retrieve") return ReadItemId<Retrieve>(event);
  if (type == "conversation.item.delete") return ReadItemId<Delete>(event);
  return No(fmt::format("there is no event '{}'", type.substr(0, 80)), "type", "unknown_event");
}

}  // namespace

tl::expected<RealtimeRequest, RealtimeRefusal> ReadRealtimeMessage(std::string_view text) {
  const auto json = ParseBody(text);
  if (!json) return No(json.error().message, "", "invalid_json");
  RealtimeRequest request;
  std::string type;
  JsonFields fields(*json);
  fields.Text("event_id", &request.event, 512);
  fields.Require("type", fields.Text("type", &type, 200));
  if (auto done = fields.Done(true); !done) return No(done.error().message, "type");
  auto message = ReadEvent(type, *json);
  if (!message) {
    message.error().event = request.event;
    return tl::unexpected(message.error());
  }
  request.message = *std::move(message);
  return request;
}

tl::expected<std::optional<std::string>, RealtimeRefusal> SaidByUser(const NewItem& given) {
  const Json& item = given.item;
  const Json* role = At(item, {"role"});
  if (item.at("type") != "message" || role == nullptr || *role != "user") return std::nullopt;
  const Json* content = At(item, {"content"});
  if (content == nullptr || !content->is_array()) return No("item.content should be a list", "item.content");
  std::string said;
  for (const Json& part : *content) {
    const Json* kind = At(part, {"type"});
    const Json* text = At(part, {"text"});
    if (kind == nullptr || *kind != "input_text" || text == nullptr || !text->is_string())
      return No("parts of a message should be input_text; audio comes through input_audio_buffer.append",
                "item.content");
    said += text->get<std::string>();
  }
  if (said.empty()) return No("the message is empty", "item.content");
  if (said.size() > kMaxSaid)
    return No(fmt::format("a message has at most {} bytes", kMaxSaid), "item.content");
  return said;
}

Json RealtimeFormat(const LineFormat& format) {
  switch (format.codec) {
    case LineFormat::Codec::kMuLaw:
      return {{"type", "audio/pcmu"}};
    case LineFormat::Codec::kALaw:
      return {{"type", "audio/pcma"}};
    default:
      return {{"type", "audio/pcm"}, {"rate", format.rate_hz}};
  }
}

Json ToRealtime(const RealtimeSession& session) {
  Json turns = nullptr;
  if (session.server_turns) {
    turns = {{"type", "semantic_vad"},
             {"eagerness", "auto"},
             {"create_response", session.answers_turns},
             {"interrupt_response", session.interruptible}};
  }
  return {
      {"type", "realtime"},
      {"object", "realtime.session"},
      {"id", session.id},
      {"model", session.model},
      {"output_modalities", Json::array({session.speaks ? "audio" : "text"})},
      {"instructions", session.instructions},
      {"tools", session.tools},
      {"tool_choice", session.tool_choice},
      {"max_output_tokens", session.max_output_tokens},
      {"tracing", nullptr},
      {"truncation", "auto"},
      {"prompt", nullptr},
      {"expires_at", 0},
      {"include", nullptr},
      {"audio",
       {{"input",
         {{"format", RealtimeFormat(session.input)},
          {"transcription", {{"model", session.model}, {"language", "en"}}},
          {"noise_reduction", nullptr},
          {"turn_detection", std::move(turns)}}},
        {"output", {{"format", RealtimeFormat(session.output)}, {"voice", session.voice}, {"speed", 1.0}}}}}};
}

Json ToRealtime(const RealtimeRefusal& refusal) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"type", "error"},
          {"error",
           {{"type", "invalid_request_error"},
            {"code", refusal.code},
            {"message", refusal.message},
            {"param", or_null(refusal.param)},
            {"event_id", or_null(refusal.event)}}}};
}

Json RealtimeUserItem(const std::string& id, std::string_view transcript, bool spoken) {
  Json part = spoken ? Json{{"type", "input_audio"}, {"transcript", transcript}}
                     : Json{{"type", "input_text"}, {"text", transcript}};
  return {{"id", id},          {"object", "realtime.item"},
          {"type", "message"}, {"status", "completed"},
          {"role", "user"},    {"content", Json::array({std::move(part)})}};
}

Json RealtimeReplyItem(const std::string& id, std::string_view text, bool spoken, std::string_view status) {
  Json content = Json::array();
  if (status != "in_progress") {
    content.push_back(spoken ? Json{{"type", "output_audio"}, {"transcript", text}}
                             : Json{{"type", "output_text"}, {"text", text}});
  }
  return {{"id", id},         {"object", "realtime.item"}, {"type", "message"},
          {"status", status}, {"role", "assistant"},       {"content", std::move(content)}};
}

}  // namespace sotto
