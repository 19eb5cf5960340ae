// pipecat's protocol: frames, messages, and what a client is told of a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "heard_sender.h"
#include "scripted_voice.h"
#include "server/rtvi_frames.h"
#include "server/rtvi_line.h"
#include "server/rtvi_messages.h"

namespace sotto {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

// As pipecat's client writes it (@pipecat-ai/websocket-transport 1.7.1).
TEST(RtviFrames, AreReadAsOthersWriteThem) {
  const auto audio =
      ReadRtviFrame("\x12\x12\x12\x05"s + "audio" + "\x1a\x04\x01\x02\x03\x04" + "\x20\x80\x7d\x28\x01"s);
  ASSERT_TRUE(audio) << audio.error().message;
  EXPECT_EQ(std::get<RtviAudio>(*audio).pcm, "\x01\x02\x03\x04");
  EXPECT_EQ(std::get<RtviAudio>(*audio).rate_hz, 16000u);
  EXPECT_EQ(std::get<RtviAudio>(*audio).channels, 1u);
  const auto message = ReadRtviFrame("\x22\x04\x0a\x02{}"s);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(std::get<RtviMessageText>(*message).json, "{}");
  EXPECT_EQ(std::get<RtviOtherFrame>(*ReadRtviFrame("\x0a\x02\x1a\x00"s)).kind, "text");
}

TEST(RtviFrames, ComeBackAsTheyWere) {
  const std::string pcm(960, '\x7f');
  const auto audio = ReadRtviFrame(RtviAudioFrame(pcm, 24000));
  EXPECT_EQ(std::get<RtviAudio>(*audio).pcm, pcm);
  EXPECT_EQ(std::get<RtviAudio>(*audio).rate_hz, 24000u);
  const std::string json = R"({"label": "rtvi-ai", "text": "grüße"})";
  EXPECT_EQ(std::get<RtviMessageText>(*ReadRtviFrame(RtviMessageFrame(json))).json, json);
}

TEST(RtviFrames, WhatIsNoneIsAnError) {
  const std::string whole = RtviAudioFrame("abcd", 16000);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(ReadRtviFrame(std::string_view(whole).substr(0, length))) << length;
  for (const std::string& wrong :
       {"\xff"s, "\x12\xff\xff\xff\xff\x0f"s, "\x08\x01"s, "\x12\x02\x1a\x7f"s, "\x07"s, "{}"s}) {
    const auto frame = ReadRtviFrame(wrong);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().message.find('\n'), std::string::npos);
  }
}

std::string Message(std::string_view type, std::string_view data) {
  return fmt::format(R"({{"label": "rtvi-ai", "id": "m1", "type": "{}", "data": {}}})", type, data);
}
template <typename T>
T ReadAs(std::string_view type, std::string_view data) {
  const auto read = ReadRtviMessage(Message(type, data));
  EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
  return std::get<T>(read->message);
}
std::string Refusal(const std::string& text) {
  const auto read = ReadRtviMessage(text);
  return read ? std::string() : read.error().message;
}

TEST(RtviMessages, AreRead) {
  using namespace rtvi_message;
  EXPECT_EQ(ReadAs<ClientReady>("client-ready", R"({"version": "2.1.0", "about": {"library": "x"}})").version,
            "2.1.0");
  EXPECT_EQ(ReadAs<SendText>("send-text", R"({"content": "hi", "options": {}})").text, "hi");
  EXPECT_FALSE(
      ReadAs<SendText>("send-text", R"({"content": "hi", "options": {"audio_response": false}})").speaks);
  EXPECT_EQ(
      ReadAs<SendText>("append-to-context", R"({"role": "user", "content": "hi", "run_immediately": true})")
          .text,
      "hi");
  EXPECT_EQ(ReadAs<Keys>("dtmf", R"({"buttons": ["1", "#"]})").keys, "1#");
  EXPECT_EQ(ReadAs<Keys>("dtmf", R"({"button": "*"})").keys, "*");
  EXPECT_EQ(ReadAs<Ask>("client-message", R"({"t": "state", "d": {}})").what, Ask::What::kState);
  EXPECT_TRUE(ReadAs<Ask>("client-message", R"({"t": "record", "d": {"paused": true}})").paused);
  ReadAs<DisconnectBot>("disconnect-bot", "{}");
}

TEST(RtviMessages, MistakesAreNamed) {
  EXPECT_THAT(Refusal(Message("nonsense", "{}")), HasSubstr("nonsense"));
  EXPECT_THAT(Refusal(Message("client-ready", R"({"version": "0.3.0"})")), HasSubstr("0.3.0"));
  EXPECT_THAT(Refusal(Message("send-text", "{}")), HasSubstr("content"));
  EXPECT_THAT(Refusal(Message("send-text", R"({"content": "a", "options": {"run_immediately": false}})")),
              HasSubstr("run_immediately"));
  EXPECT_THAT(Refusal(Message("dtmf", R"({"buttons": ["x"]})")), HasSubstr("buttons"));
  EXPECT_THAT(Refusal(Message("dtmf", R"({"buttons": [1]})")), HasSubstr("buttons"));
  EXPECT_THAT(Refusal(Message("client-message", R"({"t": "fly"})")), HasSubstr("fly"));
  EXPECT_THAT(Refusal(Message("client-message", R"({"t": "record"})")), HasSubstr("paused"));
  EXPECT_THAT(Refusal(R"({"label": "other", "type": "client-ready"})"), HasSubstr("rtvi-ai"));
  EXPECT_THAT(Refusal("{"), HasSubstr(""));
  const auto named = ReadRtviMessage(Message("nonsense", "{}"));
  EXPECT_EQ(Json::parse(RtviText(named.error()))["id"], "m1");
  EXPECT_EQ(Json::parse(RtviText(named.error()))["type"], "error-response");
  EXPECT_EQ(Json::parse(RtviText(RtviRefusal{"", "x"}))["data"]["fatal"], false);
}

// A call of the banking workflow with a client of pipecat at its other end.
class RtviCall : public testing::Test {
 protected:
  RtviCall() {
    const LineFormat output{LineFormat::Codec::kPcm16, 24000};
    line_ = std::make_shared<RtviLine>(sender_, world_.clock, output, LineEncoder::Create(output).value(),
                                       nullptr);
    call_ = world_.Open(line_);
  }
  // What the client was told, oldest first.
  std::vector<Json> Told(std::string_view type) const {
    std::vector<Json> told;
    for (const std::string& bytes : sender_->binaries) {
      const RtviFrame frame = ReadRtviFrame(bytes).value();
      if (const auto* message = std::get_if<RtviMessageText>(&frame)) {
        Json json = Json::parse(message->json);
        EXPECT_EQ(json["label"], "rtvi-ai");
        if (json["type"] == type) told.push_back(json["data"]);
      }
    }
    return told;
  }
  size_t AudioBytes() const {
    size_t bytes = 0;
    for (const std::string& one : sender_->binaries) {
      const RtviFrame frame = ReadRtviFrame(one).value();
      if (const auto* audio = std::get_if<RtviAudio>(&frame)) bytes += audio->pcm.size();
    }
    return bytes;
  }
  void Type(const std::string& text, bool speaks = true) {
    line_->Typed(speaks);
    call_->Type(text);
  }

  ScriptedVoice world_;
  const std::shared_ptr<HeardSender> sender_ = std::make_shared<HeardSender>();
  std::shared_ptr<RtviLine> line_;
  std::shared_ptr<VoiceCall> call_;
};

TEST_F(RtviCall, GreetsAndIsHeard) {
  world_.Silence(*call_, 8000);
  EXPECT_THAT(Told("bot-transcription")[0]["text"].get<std::string>(), HasSubstr("BankCo"));
  EXPECT_EQ(Told("bot-tts-text").size(), 1u);
  EXPECT_EQ(Told("bot-started-speaking").size(), 1u);
  EXPECT_EQ(Told("bot-stopped-speaking").size(), 1u);
  const auto output = Told("bot-output");
  ASSERT_EQ(output.size(), 2u);
  EXPECT_EQ(output[0]["spoken_status"], "new");
  EXPECT_EQ(output[1]["spoken_status"], "completed");
  EXPECT_EQ(output[1]["segment_id"], output[0]["segment_id"]);
  EXPECT_EQ(output[1]["spoken_progress"]["accumulated_text"], output[0]["text"]);
  EXPECT_EQ(output[1]["spoken_progress"]["remaining_text"], "");
  EXPECT_GT(AudioBytes(), 48000u);  // of a second
}

TEST_F(RtviCall, WhatIsSpokenInterruptsAndIsAnswered) {
  world_.Silence(*call_, 1500);
  world_.ears.partial = "what is my";
  world_.Say(*call_, "what is my checking balance", 900);
  EXPECT_EQ(Told("user-started-speaking").size(), 1u);
  EXPECT_EQ(Told("user-transcription")[0]["final"], false);
  world_.Silence(*call_, 1200);
  EXPECT_EQ(Told("user-stopped-speaking").size(), 1u);
  EXPECT_EQ(Told("user-transcription").back()["final"], true);
  EXPECT_EQ(Told("user-transcription").back()["text"], "what is my checking balance");
  EXPECT_EQ(Told("user-llm-text")[0]["text"], "what is my checking balance");
  const auto output = Told("bot-output");
  EXPECT_EQ(output[1]["spoken_status"], "in-progress") << "the greeting was cut off";
  EXPECT_FALSE(output[1]["spoken_progress"]["remaining_text"].get<std::string>().empty());
  EXPECT_EQ(Told("llm-function-call-stopped")[0]["function_name"], "check_balance");
  EXPECT_EQ(Told("llm-function-call-stopped")[0]["result"]["ok"], true);
  EXPECT_EQ(Told("llm-function-call-in-progress")[0]["tool_call_id"],
            Told("llm-function-call-stopped")[0]["tool_call_id"]);
  EXPECT_EQ(line_->state()["tasks"][0]["status"], "done");
  world_.Silence(*call_, 10000);
  EXPECT_FALSE(Told("metrics").empty());
}

TEST_F(RtviCall, AReplyMayBeAskedForInSilence) {
  world_.Silence(*call_, 8000);
  const size_t before = AudioBytes();
  Type("what is my checking balance", false);
  world_.Silence(*call_, 8000);
  EXPECT_EQ(AudioBytes(), before);
  EXPECT_TRUE(Told("user-transcription").empty());
  EXPECT_EQ(Told("user-llm-text").size(), 1u);
  EXPECT_EQ(Told("bot-output").back()["will_be_spoken"], false);
  EXPECT_EQ(Told("bot-tts-text").size(), 1u);  // of the greeting
  Type("what is my savings balance");
  world_.Silence(*call_, 3000);
  EXPECT_GT(AudioBytes(), before);
}

TEST_F(RtviCall, SaysHowItEnded) {
  world_.Silence(*call_, 500);
  call_->HangUp("hung_up");
  world_.Silence(*call_, 20);
  EXPECT_EQ(Told("server-message").back()["reason"], "hung_up");
  EXPECT_EQ(Told("bot-stopped-speaking").size(), 1u);
  EXPECT_EQ(sender_->closed, 1000);
}

}  // namespace
}  // namespace sotto
