#include "server/media_messages.h"

#include "server/json_fields.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using namespace media_message;

constexpr size_t kIdBytes = 200;
constexpr size_t kPayloadBytes = 64 * 1024;

Result<MediaMessage> ReadStart(JsonFields& message) {
  const Json* given = message.Object("start");
  message.Require("start", given != nullptr);
  SOTTO_RETURN_IF_ERROR(message.Done(true));
  Start start;
  JsonFields fields(*given, "start.");
  fields.Require("streamSid", fields.Text("streamSid", &start.stream, kIdBytes));
  fields.Require("callSid", fields.Text("callSid", &start.call, kIdBytes));
  const Json* format = fields.Object("mediaFormat");
  const Json* parameters = fields.Object("customParameters");
  SOTTO_RETURN_IF_ERROR(fields.Done(true));
  if (format != nullptr) {
    std::string encoding = "audio/x-mulaw";
    int64_t rate = 8000;
    JsonFields of_format(*format, "start.mediaFormat.");
    of_format.Text("encoding", &encoding, kIdBytes);
    of_format.Integer("sampleRate", &rate, 1, 1000000);
    SOTTO_RETURN_IF_ERROR(of_format.Done(true));
    if (encoding != "audio/x-mulaw" || rate != 8000)
      return MakeError(ErrorCode::kInvalidArgument,
                       "'start.mediaFormat' should be audio/x-mulaw with 8000 Hz");
  }
  if (parameters != nullptr) {
    JsonFields of_parameters(*parameters, "start.customParameters.");
    of_parameters.Text("token", &start.token, kIdBytes);
    SOTTO_RETURN_IF_ERROR(of_parameters.Done(true));
  }
  return start;
}

Result<MediaMessage> ReadMedia(JsonFields& message) {
  const Json* given = message.Object("media");
  message.Require("media", given != nullptr);
  SOTTO_RETURN_IF_ERROR(message.Done(true));
  Media media;
  std::string payload;
  std::string track = "inbound";
  JsonFields fields(*given, "media.");
  fields.Require("payload", fields.Text("payload", &payload, kPayloadBytes));
  fields.Text("track", &track, kIdBytes);
  SOTTO_RETURN_IF_ERROR(fields.Done(true));
  if (!FromBase64(payload, &media.audio))
    return MakeError(ErrorCode::kInvalidArgument, "'media.payload' is no base64");
  media.inbound = track == "inbound";
  return media;
}

// The text `name` of the object `of`.
Result<std::string> ReadInner(JsonFields& message, const char* of, const char* name) {
  const Json* given = message.Object(of);
  message.Require(of, given != nullptr);
  SOTTO_RETURN_IF_ERROR(message.Done(true));
  std::string text;
  JsonFields fields(*given, fmt::format("{}.", of));
  fields.Require(name, fields.Text(name, &text, kIdBytes));
  SOTTO_RETURN_IF_ERROR(fields.Done(true));
  return text;
}

std::string Dump(const Json& json) { return json.dump(); }

}  // namespace

Result<MediaMessage> ReadMediaMessage(std::string_view text) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseBody(text));
  JsonFields message(json);
  std::string event;
  message.Require("event", message.Text("event", &event, 40));
  SOTTO_RETURN_IF_ERROR(message.Done(true));
  if (event == "connected") return Connected{};
  if (event == "start") return ReadStart(message);
  if (event == "media") return ReadMedia(message);
  if (event == "stop") return Stop{};
  if (event == "dtmf") {
    SOTTO_ASSIGN_OR_RETURN(const std::string digit, ReadInner(message, "dtmf", "digit"));
    if (digit.size() != 1 || std::string_view("0123456789*#").find(digit[0]) == std::string_view::npos)
      return Other{};  // A to D
    return media_message::Key{digit[0]};
  }
  if (event == "mark") {
    SOTTO_ASSIGN_OR_RETURN(std::string name, ReadInner(message, "mark", "name"));
    return Mark{std::move(name)};
  }
  return Other{};
}

std::string MediaText(std::string_view stream, std::string_view mulaw) {
  return Dump({{"event", "media"}, {"streamSid", stream}, {"media", {{"payload", ToBase64(mulaw)}}}});
}

std::string MarkText(std::string_view stream, std::string_view name) {
  return Dump({{"event", "mark"}, {"streamSid", stream}, {"mark", {{"name", name}}}});
}

std::string ClearText(std::string_view stream) { return Dump({{"event", "clear"}, {"streamSid", stream}}); }

}  // namespace sotto
