#include "server/media_messages.h"

#include "server/json_fields.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using namespace media_message;

constexpr size_t kIdBytes = 200;
constexpr size_t kPayloadBytes = 64 * 1024;

// What the networks call the same things.
struct StartNames {
  const char* stream;  // null: beside `start`, as stream_id
  const char* call;
  const char* format;
  const char* rate;
  const char* encoding;  // of mu-law
  const char* parameters;
};
constexpr StartNames NamesOf(Carrier carrier) {
  switch (carrier) {
    case Carrier::kTelnyx:
      return {nullptr, "call_control_id", "media_format", "sample_rate", "PCMU", "custom_parameters"};
    case Carrier::kPlivo:
      return {"streamId", "callId", "mediaFormat", "sampleRate", "audio/x-mulaw", nullptr};
    case Carrier::kTwilio:
      break;
  }
  return {"streamSid", "callSid", "mediaFormat", "sampleRate", "audio/x-mulaw", "customParameters"};
}

Result<void> CheckFormat(const Json& format, const StartNames& names) {
  std::string encoding = names.encoding;
  int64_t rate = 8000;
  JsonFields fields(format, fmt::format("start.{}.", names.format));
  fields.Text("encoding", &encoding, kIdBytes);
  fields.Integer(names.rate, &rate, 1, 1000000);
  SOTTO_RETURN_IF_ERROR(fields.Done(true));
  if (encoding == names.encoding && rate == 8000) return {};
  return MakeError(ErrorCode::kInvalidArgument, "'start.{}' should be {} with 8000 Hz", names.format,
                   names.encoding);
}

Result<MediaMessage> ReadStart(JsonFields& message, Carrier carrier) {
  const StartNames names = NamesOf(carrier);
  const Json* given = message.Object("start");
  message.Require("start", given != nullptr);
  Start start;
  if (names.stream == nullptr)
    message.Require("stream_id", message.Text("stream_id", &start.stream, kIdBytes));
  std::string headers;
  if (names.parameters == nullptr) {
    // A text, or the object that it stands for.
    if (const Json* extra = message.Any("extra_headers"))
      headers = extra->is_string() ? extra->get<std::string>() : extra->dump();
  }
  SOTTO_RETURN_IF_ERROR(message.Done(true));
  JsonFields fields(*given, "start.");
  if (names.stream != nullptr)
    fields.Require(names.stream, fields.Text(names.stream, &start.stream, kIdBytes));
  fields.Require(names.call, fields.Text(names.call, &start.call, kIdBytes));
  const Json* format = fields.Object(names.format);
  const Json* parameters = names.parameters == nullptr ? nullptr : fields.Object(names.parameters);
  SOTTO_RETURN_IF_ERROR(fields.Done(true));
  if (format != nullptr) SOTTO_RETURN_IF_ERROR(CheckFormat(*format, names));
  if (parameters != nullptr) {
    JsonFields of_parameters(*parameters, fmt::format("start.{}.", names.parameters));
    of_parameters.Text("token", &start.token, kIdBytes);
    SOTTO_RETURN_IF_ERROR(of_parameters.Done(true));
  } else {
    start.token = ExtraHeader(headers, "token");
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

std::string_view CarrierName(Carrier carrier) {
  switch (carrier) {
    case Carrier::kTelnyx:
      return "telnyx";
    case Carrier::kPlivo:
      return "plivo";
    case Carrier::kTwilio:
      break;
  }
  return "twilio";
}

std::string ExtraHeader(std::string_view headers, std::string_view name) {
  constexpr std::string_view kBetween = "=:;,{} \"'\t";
  constexpr std::string_view kPrefix = "X-PH-";
  bool next = false;
  while (!headers.empty()) {
    const size_t begin = headers.find_first_not_of(kBetween);
    if (begin == std::string_view::npos) break;
    headers.remove_prefix(begin);
    std::string_view word = headers.substr(0, headers.find_first_of(kBetween));
    headers.remove_prefix(word.size());
    if (next) return std::string(word.substr(0, kIdBytes));
    if (word.starts_with(kPrefix)) word.remove_prefix(kPrefix.size());
    next = word == name;
  }
  return {};
}

Result<MediaMessage> ReadMediaMessage(std::string_view text, Carrier carrier) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseBody(text));
  JsonFields message(json);
  std::string event;
  message.Require("event", message.Text("event", &event, 40));
  SOTTO_RETURN_IF_ERROR(message.Done(true));
  if (event == "connected") return Connected{};
  if (event == "start") return ReadStart(message, carrier);
  if (event == "media") return ReadMedia(message);
  if (event == "stop") return Stop{};
  if (event == "dtmf") {
    SOTTO_ASSIGN_OR_RETURN(const std::string digit, ReadInner(message, "dtmf", "digit"));
    if (digit.size() != 1 || std::string_view("0123456789*#").find(digit[0]) == std::string_view::npos)
      return Other{};  // A to D
    return media_message::Key{digit[0]};
  }
  if (carrier == Carrier::kPlivo) {
    if (event != "playedStream") return Other{};
    Mark mark;
    message.Require("name", message.Text("name", &mark.name, kIdBytes));
    SOTTO_RETURN_IF_ERROR(message.Done(true));
    return mark;
  }
  if (event == "mark") {
    SOTTO_ASSIGN_OR_RETURN(std::string name, ReadInner(message, "mark", "name"));
    return Mark{std::move(name)};
  }
  return Other{};
}

std::string MediaText(std::string_view stream, std::string_view mulaw, Carrier carrier) {
  const std::string payload = ToBase64(mulaw);
  if (carrier == Carrier::kPlivo) {
    return Dump({{"event", "playAudio"},
                 {"media", {{"contentType", "audio/x-mulaw"}, {"sampleRate", 8000}, {"payload", payload}}}});
  }
  if (carrier == Carrier::kTelnyx) return Dump({{"event", "media"}, {"media", {{"payload", payload}}}});
  return Dump({{"event", "media"}, {"streamSid", stream}, {"media", {{"payload", payload}}}});
}

std::string MarkText(std::string_view stream, std::string_view name, Carrier carrier) {
  if (carrier == Carrier::kPlivo)
    return Dump({{"event", "checkpoint"}, {"streamId", stream}, {"name", name}});
  if (carrier == Carrier::kTelnyx) return Dump({{"event", "mark"}, {"mark", {{"name", name}}}});
  return Dump({{"event", "mark"}, {"streamSid", stream}, {"mark", {{"name", name}}}});
}

std::string ClearText(std::string_view stream, Carrier carrier) {
  if (carrier == Carrier::kPlivo) return Dump({{"event", "clearAudio"}, {"streamId", stream}});
  if (carrier == Carrier::kTelnyx) return Dump({{"event", "clear"}});
  return Dump({{"event", "clear"}, {"streamSid", stream}});
}

}  // namespace sotto
