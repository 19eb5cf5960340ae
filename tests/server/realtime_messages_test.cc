#include "server/realtime_messages.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

using namespace realtime_message;

std::string CodeOf(std::string_view text) {
  const auto read = ReadRealtimeMessage(text);
  return read ? "" : read.error().code + " " + read.error().param;
}

template <typename T>
T Read(std::string_view text) {
  const auto read = ReadRealtimeMessage(text);
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
  return std::get<T>(read->message);
}

std::optional<std::string> Said(std::string_view text) {
  const auto said = SaidByUser(Read<NewItem>(text));
  EXPECT_TRUE(said.has_value()) << (said ? "" : said.error().message);
  return said.value_or(std::nullopt);
}

TEST(RealtimeMessages, UpdatesOfWhatCanBeChanged) {
  const auto update = Read<Update>(
      R"({"type": "session.update", "session": {"type": "realtime", "instructions": "be nice", "output_modalities":
      ["text"], "audio": {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": null}, "output": {"format":
      {"type": "audio/pcm", "rate": 24000}}}}})");
  EXPECT_EQ(update.input, (LineFormat{LineFormat::Codec::kMuLaw, 8000}));
  EXPECT_EQ(update.output, (LineFormat{LineFormat::Codec::kPcm16, 24000}));
  EXPECT_EQ(update.server_turns, false);
  EXPECT_EQ(update.speaks, false);
  const auto nothing = Read<Update>(R"({"type": "session.update", "session": {}})");
  EXPECT_FALSE(nothing.input || nothing.output || nothing.server_turns || nothing.speaks);
}

TEST(RealtimeMessages, SoundAndWords) {
  EXPECT_EQ(Read<Append>(R"({"type": "input_audio_buffer.append", "audio": "AAEC"})").audio,
            std::string("\0\1\2", 3));
  EXPECT_EQ(
      Said(R"({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content":
            [{"type": "input_text", "text": "hello "}, {"type": "input_text", "text": "there"}]}})"),
      "hello there");
  EXPECT_EQ(Said(R"({"type": "conversation.item.create", "item": {"type": "function_call_output"}})"),
            std::nullopt);
  EXPECT_EQ(Read<Truncate>(R"({"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": 70})")
                .audio_end_ms,
            70);
  Read<Create>(R"({"type": "response.create", "response": {}})");
  Read<Cancel>(R"({"type": "response.cancel"})");
}

TEST(RealtimeMessages, MistakesAreNamed) {
  EXPECT_EQ(CodeOf("{"), "invalid_json ");
  EXPECT_EQ(CodeOf("[]"), "invalid_value type");
  EXPECT_EQ(CodeOf(R"({"type": 7})"), "invalid_value type");
  EXPECT_EQ(CodeOf(R"({"type": "session.begin"})"), "unknown_event type");
  EXPECT_EQ(CodeOf(R"({"type": "conversation.item.delete"})"), "invalid_value item_id");
  EXPECT_EQ(CodeOf(R"({"type": "session.update"})"), "invalid_value session");
  EXPECT_EQ(CodeOf(R"({"type": "session.update", "session": {"type": "transcription"}})"),
            "invalid_value session.type");
  EXPECT_EQ(
      CodeOf(R"({"type": "session.update", "session": {"audio": {"input": {"format": {"type": "audio/pcm",
            "rate": 8000}}}}})"),
      "invalid_value session.audio.input.format");
  EXPECT_EQ(CodeOf(R"({"type": "input_audio_buffer.append", "audio": "%%"})"), "invalid_value audio");
  EXPECT_EQ(CodeOf(R"({"type": "input_audio_buffer.append"})"), "invalid_value audio");
  const auto sound = SaidByUser(
      Read<NewItem>(R"({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
            "content": [{"type": "input_audio", "audio": "AA"}]}})"));
  ASSERT_FALSE(sound);
  EXPECT_EQ(sound.error().param, "item.content");
  EXPECT_EQ(CodeOf(R"({"type": "conversation.item.truncate"})"), "invalid_value item_id");
  const auto read = ReadRealtimeMessage(R"({"type": "nonsense", "event_id": "mine"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(ToRealtime(read.error()).at("error").at("event_id"), "mine");
}

}  // namespace
}  // namespace sotto
