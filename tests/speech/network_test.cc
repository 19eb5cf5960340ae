// The network backends against small servers that do, and do not, what they should.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <cstdlib>
#include <thread>

#include "base/check.h"
#include "loopback_server.h"
#include "speech/backends.h"
#include "speech/openai_audio.h"
#include "speech/wyoming.h"

namespace sotto {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Wyoming(const LoopbackServer& server) {
  return fmt::format("wyoming://127.0.0.1:{}", server.port());
}

// Everything until `end` was seen or the other side closed.
std::string ReadUntil(int socket, std::string_view end) {
  std::string bytes;
  char block[4096];
  while (bytes.find(end) == std::string::npos) {
    const ssize_t count = ::recv(socket, block, sizeof(block), 0);
    if (count <= 0) break;
    bytes.append(block, static_cast<size_t>(count));
  }
  return bytes;
}

Result<Transcript> HearOnce(RecognizerPool& pool) {
  auto recognizer = pool.Acquire();
  SOTTO_CHECK(recognizer.has_value());
  SOTTO_RETURN_IF_ERROR((*recognizer)->Start(ListeningMode::kOpen));
  SOTTO_RETURN_IF_ERROR((*recognizer)->Feed(std::vector<float>(1600, 0.1f)));
  return (*recognizer)->Finish();
}

TEST(Wyoming, Recognizes) {
  const LoopbackServer server([](int socket) {
    const std::string heard = ReadUntil(socket, "audio-stop");
    EXPECT_THAT(heard, HasSubstr("\"type\":\"transcribe\""));
    EXPECT_THAT(heard, HasSubstr("\"payload_length\":3200"));
    const std::string data = R"({"text": " Transfer $200."})";
    SendBytes(socket, fmt::format("{{\"type\":\"transcript\",\"data_length\":{}}}\n{}", data.size(), data));
  });
  const auto transcript = HearOnce(**OpenWyomingRecognizers(Wyoming(server)));
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(transcript->text, "Transfer $200.");
}

TEST(Wyoming, Speaks) {
  const LoopbackServer server([](int socket) {
    EXPECT_THAT(ReadUntil(socket, "\n"), HasSubstr("Hello there"));
    SendBytes(socket, "{\"type\":\"audio-start\",\"data\":{\"rate\":22050,\"width\":2,\"channels\":1}}\n");
    SendBytes(
        socket,
        "{\"type\":\"audio-chunk\",\"data\":{\"rate\":22050,\"width\":2,\"channels\":1},\"payload_length\":"
        "44100}\n" +
            std::string(44100, '\x10'));
    SendBytes(socket, "{\"type\":\"audio-stop\"}\n");
  });
  const auto voice = OpenWyomingSynthesizer(Wyoming(server), "");
  ASSERT_TRUE(voice);
  const auto audio = SynthesizeAll(**voice, "Hello there");
  ASSERT_TRUE(audio) << audio.error().message;
  EXPECT_NEAR(audio->seconds(), 1, 0.01);
}

TEST(Wyoming, GarbageSlownessAndAbsenceAreErrors) {
  {
    const LoopbackServer server([](int socket) {
      ReadUntil(socket, "audio-stop");
      SendBytes(socket, "HTTP/1.1 400 Bad Request\n");
    });
    EXPECT_EQ(HearOnce(**OpenWyomingRecognizers(Wyoming(server))).error().code, ErrorCode::kCorrupt);
  }
  {
    const LoopbackServer server([](int socket) { ReadUntil(socket, "never"); });
    WyomingOptions quick;
    quick.transcript = std::chrono::milliseconds(50);
    EXPECT_EQ(HearOnce(**OpenWyomingRecognizers(Wyoming(server), quick)).error().code, ErrorCode::kTimeout);
  }
  EXPECT_EQ(HearOnce(**OpenWyomingRecognizers("wyoming://127.0.0.1:1")).error().code,
            ErrorCode::kUnavailable);
  EXPECT_FALSE(OpenWyomingRecognizers("wyoming://:x"));
}

std::string HttpAnswer(const std::string& body) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.size(),
                     body);
}

TEST(OpenAiAudio, Recognizes) {
  const LoopbackServer server([](int socket) {
    const std::string request = ReadUntil(socket, "response_format");
    EXPECT_THAT(request, HasSubstr("POST /v1/audio/transcriptions"));
    EXPECT_THAT(request, HasSubstr("RIFF"));
    SendBytes(socket, HttpAnswer(R"({"text": "what is my balance"})"));
  });
  const auto transcript = HearOnce(**OpenOpenAiRecognizers(server.url("/v1")));
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(transcript->text, "what is my balance");
}

TEST(OpenAiAudio, SpeaksWavAsItArrives) {
  std::string wav(
      "RIFF\xff\xff\xff\xffWAVEfmt "
      "\x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\xff\xff\xff\xff",
      44);
  wav += std::string(48000, '\x10');  // one second at 24 kHz
  const LoopbackServer server([&](int socket) {
    EXPECT_THAT(ReadUntil(socket, "wav"), HasSubstr("Hello there"));
    SendBytes(socket, HttpAnswer(wav));
  });
  const auto audio = SynthesizeAll(**OpenOpenAiSynthesizer(server.url("/v1"), ""), "Hello there");
  ASSERT_TRUE(audio) << audio.error().message;
  EXPECT_NEAR(audio->seconds(), 1, 0.01);
}

// The key, the address's secrets and what was to be said: none of them stands in any error or name.
TEST(OpenAiAudio, ErrorsTellNoSecrets) {
  setenv("OPENAI_API_KEY", "key-canary", 1);
  const LoopbackServer silent([](int socket) { ReadUntil(socket, "never"); });
  OpenAiAudioOptions quick;
  quick.speech = quick.transcript = std::chrono::milliseconds(50);
  const std::string port = silent.url("/v1").substr(std::string("http://127.0.0.1:").size());
  for (const std::string& base :
       {"http://user-canary:canary@127.0.0.1:" + port,
        std::string("http://user-canary:canary@127.0.0.1:1/v1"), std::string("canary://x")}) {
    const auto voice = OpenOpenAiSynthesizer(base, "", quick);
    if (!voice) {
      EXPECT_THAT(voice.error().message, Not(HasSubstr("canary")));
      continue;
    }
    EXPECT_THAT((*voice)->name(), Not(HasSubstr("canary")));
    const auto audio = SynthesizeAll(**voice, "say canary");
    ASSERT_FALSE(audio);
    EXPECT_THAT(audio.error().message, Not(HasSubstr("canary")));
    const auto pool = OpenOpenAiRecognizers(base, quick);
    EXPECT_THAT((*pool)->name(), Not(HasSubstr("canary")));
    EXPECT_THAT(HearOnce(**pool).error().message, Not(HasSubstr("canary")));
  }
  unsetenv("OPENAI_API_KEY");
}

TEST(OpenAiAudio, GarbageAndErrorsAreErrors) {
  {
    const LoopbackServer server([](int socket) {
      ReadUntil(socket, "response_format");
      SendBytes(socket, HttpAnswer("<html>"));
    });
    EXPECT_EQ(HearOnce(**OpenOpenAiRecognizers(server.url("/v1"))).error().code, ErrorCode::kCorrupt);
  }
  {
    const LoopbackServer server([](int socket) {
      ReadUntil(socket, "wav");
      const std::string refusal =
          R"({"error": {"message": "no voice for Hello, key canary", "type": "invalid_request", "code": "voice_not_found"}})";
      SendBytes(socket, fmt::format("HTTP/1.1 404 No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                                    refusal.size(), refusal));
    });
    const auto audio = SynthesizeAll(**OpenOpenAiSynthesizer(server.url("/v1"), ""), "Hello");
    ASSERT_FALSE(audio);
    EXPECT_THAT(audio.error().message, HasSubstr("HTTP 404: voice_not_found"));
    EXPECT_THAT(audio.error().message, Not(AnyOf(HasSubstr("canary"), HasSubstr("Hello"))));
  }
  {
    const LoopbackServer server([](int socket) {
      ReadUntil(socket, "wav");
      SendBytes(socket, HttpAnswer("this is not audio at all"));
    });
    EXPECT_EQ(SynthesizeAll(**OpenOpenAiSynthesizer(server.url("/v1"), ""), "Hello").error().code,
              ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(OpenOpenAiRecognizers("http://"));
}

// Hears the length of what it is given.
class LengthRecognizer final : public Recognizer {
 public:
  void NewCaller() override {}
  Result<void> Start(ListeningMode) override { return {}; }
  Result<void> Feed(std::span<const float> samples) override {
    length_ += samples.size();
    return {};
  }
  std::optional<Transcript> Partial() override { return std::nullopt; }
  Result<Transcript> Finish() override {
    Transcript transcript;
    transcript.text = std::to_string(length_);
    return transcript;
  }
  void Cancel() override { length_ = 0; }

 private:
  size_t length_ = 0;
};
class LengthPool final : public RecognizerPool {
 public:
  Result<std::unique_ptr<Recognizer>> Acquire() override { return std::make_unique<LengthRecognizer>(); }
  std::string name() const override { return "length"; }
};

TEST(Fallback, TheNextRecognizerHearsTheWholeUtterance) {
  const LoopbackServer server([](int socket) {
    ReadUntil(socket, "audio-stop");
    SendBytes(socket, "garbage\n");
  });
  std::vector<std::unique_ptr<RecognizerPool>> pools;
  pools.push_back(*OpenWyomingRecognizers(Wyoming(server)));
  pools.push_back(std::make_unique<LengthPool>());
  const auto transcript = HearOnce(*MakeFallbackRecognizers(std::move(pools)));
  ASSERT_TRUE(transcript) << transcript.error().message;
  EXPECT_EQ(transcript->text, "1600");
}

}  // namespace
}  // namespace sotto
