// Fuzz target: any bytes as what somebody sends to the server: an address, a form, a JSON body, a message of a
// voice WebSocket, of the Realtime interface, of pipecat's clients or of media streams, of Asterisk, of traces, an AudioSocket or a Wyoming stream in pieces, a form with files, base64, a name of an
// audio format, audio. Whatever they are, reading them gives a value or a one-line error, and the pieces do not matter.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "one_line.h"
#include "server/act_log.h"
#include "server/asterisk_messages.h"
#include "server/audio_socket_protocol.h"
#include "server/cache_api.h"
#include "server/http.h"
#include "server/json_fields.h"
#include "server/media_messages.h"
#include "server/multipart.h"
#include "server/realtime_items.h"
#include "server/realtime_messages.h"
#include "server/rtvi_frames.h"
#include "server/rtvi_messages.h"
#include "server/secrets.h"
#include "server/trace_context.h"
#include "server/tracer.h"
#include "server/voice_messages.h"
#include "server/wav_file.h"
#include "server/wyoming_protocol.h"

namespace sotto {
namespace {

void ReadAddress(std::string_view text) {
  WebRequest request;
  const auto parsed = ParseTarget(text, &request);
  CheckError(parsed);
  if (!parsed) return;
  SOTTO_CHECK(request.path.starts_with('/') && (request.path + "/").find("/../") == std::string::npos);
  SOTTO_CHECK(FindInvalidUtf8(request.path) == std::string_view::npos);
}

// Messages of the stream, then whether it ended in an error.
std::vector<std::string> Messages(std::string_view bytes, size_t piece) {
  AudioSocketReader reader;
  std::vector<std::string> messages;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    reader.Feed(bytes.substr(at, piece));
    while (true) {
      const auto message = reader.Next();
      CheckError(message);
      if (!message) return messages.emplace_back("error"), messages;
      if (!message->has_value()) break;
      SOTTO_CHECK((*message)->payload.size() <= 0xffff);
      messages.push_back(static_cast<char>((*message)->kind) + (*message)->payload);
    }
  }
  return messages;
}

// The same of Wyoming.
std::vector<std::string> Events(std::string_view bytes, size_t piece) {
  WyomingReader reader;
  std::vector<std::string> events;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    reader.Feed(bytes.substr(at, piece));
    while (true) {
      auto event = reader.Next();
      CheckError(event);
      if (!event) return events.emplace_back("error"), events;
      if (!event->has_value()) break;
      events.push_back((*event)->type + (*event)->data.dump() + (*event)->payload);
    }
  }
  return events;
}

void ReadAudio(std::string_view bytes) {
  for (const char* name : {"pcm16", "pcm16/8000", "mulaw", "opus"}) {
    const auto decoder = LineDecoder::Create(*ParseLineFormat(name));
    SOTTO_CHECK(decoder.has_value());
    std::vector<float> samples;
    CheckError((*decoder)->Decode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, &samples));
  }
}

void ReadRealtime(std::string_view text) {
  const auto request = ReadRealtimeMessage(text);
  if (!request) {
    SOTTO_CHECK(request.error().message.find('\n') == std::string::npos);
    return;
  }
  const RealtimeMessage& message = request->message;
  RealtimeSettings settings;
  if (const auto* update = std::get_if<realtime_message::Update>(&message))
    (void)ReadRealtimeSettings(update->session, "session", &settings);
  if (const auto* create = std::get_if<realtime_message::Create>(&message))
    (void)ReadRealtimeSettings(create->response, "response", &settings);
  std::deque<RealtimeItem> items;
  if (const auto* given = std::get_if<realtime_message::NewItem>(&message)) {
    (void)SaidByUser(*given);
    if (auto item = ReadRealtimeItem(given->item)) items.push_back(*std::move(item));
  }
  SOTTO_CHECK(!RealtimeChat("m", settings, items).messages.empty());
}

// A frame that was read is written again and read as the same.
void ReadRtvi(std::string_view bytes) {
  const auto frame = ReadRtviFrame(bytes);
  CheckError(frame);
  if (!frame) return;
  if (const auto* audio = std::get_if<RtviAudio>(&*frame))
    SOTTO_CHECK(std::get<RtviAudio>(*ReadRtviFrame(RtviAudioFrame(audio->pcm, audio->rate_hz))).pcm ==
                audio->pcm);
  if (const auto* message = std::get_if<RtviMessageText>(&*frame)) {
    SOTTO_CHECK(std::get<RtviMessageText>(*ReadRtviFrame(RtviMessageFrame(message->json))).json ==
                message->json);
    if (const auto read = ReadRtviMessage(message->json); !read)
      SOTTO_CHECK(read.error().message.find('\n') == std::string::npos);
  }
}

void ReadTurn(std::string_view text) {
  const auto body = ParseBody(text);
  CheckError(body);
  if (!body) return;
  JsonFields fields(*body);
  std::string said;
  bool silence = false;
  fields.Require("text", fields.Text("text", &said, 100) || fields.Bool("silence", &silence));
  CheckError(fields.Done());
}

}  // namespace
}  // namespace sotto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  const std::string text(reinterpret_cast<const char*>(data), size);
  ReadAddress(text);
  CheckError(ParseForm(text));
  CheckError(ReadVoiceMessage(text));
  CheckError(ParseLineFormat(text));
  for (const Carrier carrier : {Carrier::kTwilio, Carrier::kTelnyx, Carrier::kPlivo})
    CheckError(ReadMediaMessage(text, carrier));
  SOTTO_CHECK(ExtraHeader(text, "token").size() <= text.size());
  CheckError(ReadAsteriskMessage(text));
  ReadRealtime(text);
  ReadRtvi(text);
  CheckError(ParseMultipart("multipart/form-data; boundary=b", text));
  CheckError(ParseMultipart(text, text));
  ReadTurn(text);
  CheckError(ReadWavHeader(text));
  if (const auto context = ParseTraceParent(text)) SOTTO_CHECK(ParseTraceParent(TraceParentText(*context)));
  SOTTO_CHECK(CheckedTraceState(text).size() <= text.size());
  SOTTO_CHECK(ReadOtlpAnswer(text) >= 0);
  CheckError(ReadCacheEntry(text));
  CheckError(VerifyActText(text, "", "audit.jsonl"));
  std::string bytes;
  if (FromBase64(text, &bytes)) SOTTO_CHECK(bytes.size() <= text.size());
  SOTTO_CHECK(Messages(text, 1) == Messages(text, 1 + size / 3));
  SOTTO_CHECK(Events(text, 1) == Events(text, 1 + size / 3));
  if (size <= 4000) ReadAudio(text);
  return 0;
}
