#include "server/asterisk_messages.h"

#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "core/json.h"
#include "server/json_fields.h"

namespace sotto {
namespace {

using namespace asterisk_message;

constexpr size_t kAsteriskTextBytes = 4096;
constexpr size_t kMostFrameBytes = 65500;  // of a message that Asterisk takes

// The names of Asterisk's codecs that we have too.
std::optional<LineFormat> FormatOf(std::string_view codec) {
  struct Known {
    std::string_view name;
    LineFormat format;
  };
  static constexpr std::array<Known, 6> kKnown{{{"ulaw", {LineFormat::Codec::kMuLaw, 8000}},
                                                {"alaw", {LineFormat::Codec::kALaw, 8000}},
                                                {"slin", {LineFormat::Codec::kPcm16, 8000}},
                                                {"slin16", {LineFormat::Codec::kPcm16, 16000}},
                                                {"slin24", {LineFormat::Codec::kPcm16, 24000}},
                                                {"slin48", {LineFormat::Codec::kPcm16, 48000}}}};
  for (const Known& known : kKnown) {
    if (known.name == codec) return known.format;
  }
  return std::nullopt;
}

size_t FrameBytesOf(const LineFormat& format) {
  const size_t samples = static_cast<size_t>(format.rate_hz) / 50;
  return format.codec == LineFormat::Codec::kPcm16 ? 2 * samples : samples;
}

using Fields = std::map<std::string, std::string, std::less<>>;

// "NAME a:b c:d": values have no spaces.
Result<Fields> ReadPlainFields(std::string_view rest) {
  Fields fields;
  while (true) {
    const size_t begin = rest.find_first_not_of(" \r\n");
    if (begin == std::string_view::npos) return fields;
    rest.remove_prefix(begin);
    const std::string_view word = rest.substr(0, rest.find_first_of(" \r\n"));
    rest.remove_prefix(word.size());
    const size_t colon = word.find(':');
    if (colon != std::string_view::npos && colon > 0)
      fields.insert_or_assign(std::string(word.substr(0, colon)), std::string(word.substr(colon + 1)));
  }
}

Result<Fields> ReadJsonFields(std::string_view text, std::string* event) {
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseBody(text));
  JsonFields given(json);
  given.Require("event", given.Text("event", event, 60));
  SOTTO_RETURN_IF_ERROR(given.Done(true));
  Fields fields;
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) fields.emplace(name, value.get<std::string>());
    if (value.is_number_unsigned()) fields.emplace(name, std::to_string(value.get<uint64_t>()));
  }
  return fields;
}

Result<MediaStart> ReadMediaStart(const Fields& fields) {
  const auto value = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  MediaStart start;
  start.channel = value("channel");
  start.channel_id = value("channel_id");
  start.connection_id = value("connection_id");
  const std::string codec = value("format");
  const auto format = FormatOf(codec);
  if (!format) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "the codec '{}' is not served here; dial with c(ulaw), alaw, slin, slin16, slin24 or slin48",
        codec.substr(0, 40));
  }
  start.format = *format;
  start.frame_bytes = FrameBytesOf(*format);
  if (const std::string size = value("optimal_frame_size"); !size.empty()) {
    const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), start.frame_bytes);
    if (error != std::errc() || end != size.data() + size.size() || start.frame_bytes == 0 ||
        start.frame_bytes > kMostFrameBytes)
      return MakeError(ErrorCode::kInvalidArgument, "'optimal_frame_size' should be 1 to {}",
                       kMostFrameBytes);
  }
  return start;
}

}  // namespace

Result<AsteriskMessage> ReadAsteriskMessage(std::string_view text) {
  if (text.size() > kAsteriskTextBytes)
    return MakeError(ErrorCode::kInvalidArgument, "a message of {} bytes; they have at most {}", text.size(),
                     kAsteriskTextBytes);
  AsteriskMessage message;
  std::string event;
  Fields fields;
  if (text.starts_with('{')) {
    message.json = true;
    SOTTO_ASSIGN_OR_RETURN(fields, ReadJsonFields(text, &event));
  } else {
    event = text.substr(0, text.find_first_of(" \r\n"));
    if (event.empty() || event.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != std::string::npos)
      return MakeError(ErrorCode::kInvalidArgument, "this is no message of Asterisk's chan_websocket");
    SOTTO_ASSIGN_OR_RETURN(fields, ReadPlainFields(text.substr(event.size())));
  }
  message.what = Unused{};
  if (event == "MEDIA_START") {
    SOTTO_ASSIGN_OR_RETURN(message.what, ReadMediaStart(fields));
  } else if (event == "DTMF_END") {
    const auto digit = fields.find("digit");
    if (digit == fields.end() || digit->second.size() != 1)
      return MakeError(ErrorCode::kInvalidArgument, "DTMF_END should say one 'digit'");
    // A to D are keys of the line, not of people.
    if (std::string_view("0123456789*#").find(digit->second[0]) != std::string_view::npos)
      message.what = Digit{digit->second[0]};
  } else if (event == "MEDIA_XOFF" || event == "MEDIA_XON") {
    message.what = Flow{event == "MEDIA_XON"};
  } else if (event == "QUEUE_DRAINED") {
    message.what = QueueDrained{};
  }
  return message;
}

std::string AsteriskCommandText(AsteriskCommand command, bool json) {
  const char* name = command == AsteriskCommand::kHangUp       ? "HANGUP"
                     : command == AsteriskCommand::kFlushMedia ? "FLUSH_MEDIA"
                                                               : "REPORT_QUEUE_DRAINED";
  return json ? Json{{"command", name}}.dump() : name;
}

}  // namespace sotto
