#include "server/rtvi_frames.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <optional>

namespace sotto {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

// Of pipecat.Frame, AudioRawFrame and MessageFrame.
constexpr int kTextField = 1;
constexpr int kAudioField = 2;
constexpr int kTranscriptionField = 3;
constexpr int kMessageField = 4;
constexpr int kNameField = 2;
constexpr int kPcmField = 3;
constexpr int kRateField = 4;
constexpr int kChannelsField = 5;
constexpr int kDataField = 1;

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return static_cast<uint32_t>(field) << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t BytesTag(int field) { return Tag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED); }
constexpr uint32_t NumberTag(int field) { return Tag(field, WireFormatLite::WIRETYPE_VARINT); }

bool ReadBytes(CodedInputStream& input, std::string* bytes) {
  uint32_t size = 0;
  return input.ReadVarint32(&size) && size <= static_cast<uint32_t>(INT32_MAX) &&
         input.ReadString(bytes, static_cast<int>(size));
}

// The fields of the message that `bytes` are, each given to `field`, which says whether it could be read.
template <typename Field>
bool ReadFields(std::string_view bytes, Field field) {
  CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  while (const uint32_t tag = input.ReadTag()) {
    if (!field(input, tag)) return false;
  }
  return input.ConsumedEntireMessage();
}

bool ReadAudioFields(std::string_view bytes, RtviAudio* audio) {
  return ReadFields(bytes, [audio](CodedInputStream& input, uint32_t tag) {
    if (tag == BytesTag(kPcmField)) return ReadBytes(input, &audio->pcm);
    if (tag == NumberTag(kRateField)) return input.ReadVarint32(&audio->rate_hz);
    if (tag == NumberTag(kChannelsField)) return input.ReadVarint32(&audio->channels);
    return WireFormatLite::SkipField(&input, tag);
  });
}

bool ReadMessageFields(std::string_view bytes, RtviMessageText* message) {
  return ReadFields(bytes, [message](CodedInputStream& input, uint32_t tag) {
    if (tag == BytesTag(kDataField)) return ReadBytes(input, &message->json);
    return WireFormatLite::SkipField(&input, tag);
  });
}

// False where what stands in the frame's field cannot be read.
bool ReadKind(uint32_t tag, std::string_view bytes, RtviFrame* frame) {
  if (tag == BytesTag(kAudioField)) {
    RtviAudio audio;
    if (!ReadAudioFields(bytes, &audio)) return false;
    *frame = std::move(audio);
  } else if (tag == BytesTag(kMessageField)) {
    RtviMessageText message;
    if (!ReadMessageFields(bytes, &message)) return false;
    *frame = std::move(message);
  } else {
    *frame = RtviOtherFrame{tag == BytesTag(kTextField) ? "text" : "transcription"};
  }
  return true;
}

void WriteBytes(CodedOutputStream& output, int field, std::string_view bytes) {
  output.WriteTag(BytesTag(field));
  output.WriteVarint32(static_cast<uint32_t>(bytes.size()));
  output.WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
}

// A message that `write` writes.
template <typename Write>
std::string Written(Write write) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    CodedOutputStream output(&stream);
    write(output);
  }
  return bytes;
}

std::string Frame(int kind, std::string_view message) {
  return Written([&](CodedOutputStream& output) { WriteBytes(output, kind, message); });
}

}  // namespace

Result<RtviFrame> ReadRtviFrame(std::string_view bytes) {
  constexpr size_t kMostBytes = size_t{1} << 30;  // what the library counts with
  std::optional<RtviFrame> frame;
  const bool read =
      bytes.size() <= kMostBytes && ReadFields(bytes, [&frame](CodedInputStream& input, uint32_t tag) {
        if (tag != BytesTag(kTextField) && tag != BytesTag(kAudioField) &&
            tag != BytesTag(kTranscriptionField) && tag != BytesTag(kMessageField))
          return WireFormatLite::SkipField(&input, tag);
        std::string inner;
        return ReadBytes(input, &inner) && ReadKind(tag, inner, &frame.emplace());
      });
  if (!read) return MakeError(ErrorCode::kCorrupt, "a binary message is no protobuf of pipecat's Frame");
  if (!frame)
    return MakeError(ErrorCode::kCorrupt, "a frame should hold text, audio, transcription or message");
  return *std::move(frame);
}

std::string RtviAudioFrame(std::string_view pcm, uint32_t rate_hz) {
  return Frame(kAudioField, Written([&](CodedOutputStream& output) {
                 WriteBytes(output, kNameField, "audio");
                 WriteBytes(output, kPcmField, pcm);
                 output.WriteTag(NumberTag(kRateField));
                 output.WriteVarint32(rate_hz);
                 output.WriteTag(NumberTag(kChannelsField));
                 output.WriteVarint32(1);
               }));
}

std::string RtviMessageFrame(std::string_view json) {
  return Frame(kMessageField,
               Written([&](CodedOutputStream& output) { WriteBytes(output, kDataField, json); }));
}

}  // namespace sotto
