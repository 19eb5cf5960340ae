// What comes from outside and is read by us: addresses, JSON bodies, messages, base64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/audio_socket_protocol.h"
#include "server/http.h"
#include "server/json_fields.h"
#include "server/router.h"
#include "server/secrets.h"
#include "server/voice_messages.h"

namespace sotto {
namespace {

using testing::HasSubstr;

TEST(ParseTarget, DecodesPathAndQuery) {
  WebRequest request;
  ASSERT_TRUE(ParseTarget("/v1/a%20b/c?x=1&y=a+b%26&z&=q", &request));
  EXPECT_EQ(request.path, "/v1/a b/c");
  ASSERT_NE(request.Query("y"), nullptr);
  EXPECT_EQ(*request.Query("y"), "a b&");
  EXPECT_EQ(*request.Query("z"), "");
  EXPECT_EQ(request.Query("w"), nullptr);
}

TEST(ParseTarget, RefusesWhatIsNoAddressOfOurs) {
  for (const char* target : {"", "http://elsewhere/x", "*", "/a%2", "/a%zz", "/%00", "/a%0ab", "/%ff",
                             "/../etc/passwd", "/a/%2e%2e/b", "/a\\b", "/a?x=%"}) {
    WebRequest request;
    EXPECT_FALSE(ParseTarget(target, &request)) << target;
  }
}

TEST(Router, FindsByMethodAndPattern) {
  Router router;
  for (const char* method : {"GET", "DELETE"}) router.Add({method, "/v1/sessions/{id}", "", nullptr});
  router.Add({"POST", "/v1/sessions/{id}/turns", "", nullptr});
  const Router::Found found = router.Find("HEAD", "/v1/sessions/ab");
  ASSERT_NE(found.route, nullptr);
  EXPECT_EQ(found.route->method, "GET");
  EXPECT_THAT(found.steps, testing::ElementsAre("ab"));
  EXPECT_EQ(router.Find("PUT", "/v1/sessions/ab").allowed, "GET, DELETE");
  for (const char* path : {"/v1/sessions", "/v1/sessions/", "/v1/sessions/a/b", "/", "", "v1/sessions/a"}) {
    EXPECT_EQ(router.Find("GET", path).route, nullptr) << path;
  }
}

std::string MistakeOf(std::string_view text) {
  const auto body = ParseBody(text);
  if (!body) return body.error().message;
  JsonFields fields(*body);
  std::string name;
  int64_t count = 0;
  fields.Require("name", fields.Text("name", &name, 5));
  fields.Integer("count", &count, 1, 9);
  const auto done = fields.Done();
  return done ? "" : done.error().message;
}

TEST(JsonFields, NamesTheFirstMistake) {
  EXPECT_EQ(MistakeOf(R"({"name": "ab", "count": 9})"), "");
  EXPECT_EQ(MistakeOf(R"({"count": 3})"), "'name' is missing");
  EXPECT_EQ(MistakeOf(R"({"name": null})"), "'name' is missing");
  EXPECT_EQ(MistakeOf(R"({"name": 3})"), "'name' should be a text");
  EXPECT_EQ(MistakeOf(R"({"name": "abcdef"})"), "'name' should be at most 5 bytes long");
  EXPECT_THAT(MistakeOf(R"({"name": "a", "count": 1.5})"), HasSubstr("whole number from 1 to 9"));
  EXPECT_THAT(MistakeOf(R"({"name": "a", "count": 18446744073709551615})"), HasSubstr("whole number"));
  EXPECT_EQ(MistakeOf(R"({"name": "a", "cuont": 1})"), "'cuont' is not known here; did you mean 'count'?");
  EXPECT_EQ(MistakeOf("[1]"), "the body should be a JSON object");
  EXPECT_THAT(MistakeOf("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(MistakeOf(""), HasSubstr("empty"));
  EXPECT_THAT(MistakeOf(std::string(100000, '[')), HasSubstr("deep"));
  EXPECT_THAT(MistakeOf("\"\xff\""), HasSubstr("UTF-8"));
}

TEST(VoiceMessage, IsReadOrRefusedWithAReason) {
  const auto start = ReadVoiceMessage(
      R"({"type":"start","workflow":"banking","input":"mulaw","output":"opus","caller":{"customer":"7"}})");
  ASSERT_TRUE(start) << start.error().message;
  const auto& read = std::get<voice_message::Start>(*start);
  EXPECT_EQ(read.input, (LineFormat{LineFormat::Codec::kMuLaw, 8000}));
  EXPECT_EQ(read.output, (LineFormat{LineFormat::Codec::kOpus, 16000}));
  EXPECT_EQ(read.caller.customer, "7");
  EXPECT_TRUE(read.has_caller);
  EXPECT_EQ(std::get<voice_message::Key>(*ReadVoiceMessage(R"({"type":"key","key":"#"})")).key, '#');
  const std::vector<std::pair<const char*, const char*>> wrong{
      {"{}", "'type' is missing"},
      {R"({"type":"strat"})", "one of start"},
      {R"({"type":"start","input":"mp3"})", "'mp3' is no audio format"},
      {R"({"type":"start","input":"pcm16/44100"})", "44100"},
      {R"({"type":"start","input":"opus/48000"})", "opus has 16000"},
      {R"({"type":"start","caller":{"custmer":"7"}})", "caller.custmer"},
      {R"({"type":"key","key":"x"})", "one of 0 to 9"},
      {R"({"type":"key"})", "'key' is missing"},
      {R"({"type":"resume","session":"a"})", "'secret' is missing"},
      {R"({"type":"resume","session":"a","secret":"b","after":-1})", "'after'"},
      {R"({"type":"end","why":1})", "'why' is not known"}};
  for (const auto& [text, reason] : wrong) {
    const auto message = ReadVoiceMessage(text);
    ASSERT_FALSE(message) << text;
    EXPECT_THAT(message.error().message, HasSubstr(reason)) << text;
  }
}

TEST(Secrets, AgreeWithTheStandards) {
  // RFC 4231, case 2; RFC 2202, case 2; RFC 4648.
  EXPECT_EQ(ToHex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(HmacSha1("Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "ab"));
  std::string bytes;
  for (const auto& [plain, coded] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(ToBase64(plain), coded);
    ASSERT_TRUE(FromBase64(coded, &bytes));
    EXPECT_EQ(bytes, plain);
  }
  EXPECT_EQ(ToBase64Url("\xfb\xff"), "-_8");
  EXPECT_FALSE(FromBase64("a b=", &bytes));
  EXPECT_FALSE(FromBase64("abcde", &bytes));
}

using Kind = AudioSocketMessage::Kind;

TEST(AudioSocket, ComesInAnyPieces) {
  const std::string id(16, 'i');
  const std::string audio(320, 'a');
  const std::string bytes = AudioSocketBytes(Kind::kId, id) + AudioSocketBytes(Kind::kAudio, audio) +
                            AudioSocketBytes(Kind::kAudio, audio + audio, 16000) +
                            AudioSocketBytes(Kind::kKey, "5") + AudioSocketBytes(Kind::kHangUp, "");
  for (size_t piece = 1; piece < bytes.size(); piece += 7) {
    AudioSocketReader reader;
    std::vector<AudioSocketMessage> messages;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      reader.Feed(std::string_view(bytes).substr(at, piece));
      for (auto next = reader.Next(); next.value(); next = reader.Next()) messages.push_back(**next);
    }
    ASSERT_EQ(messages.size(), 5u) << piece;
    EXPECT_EQ(messages[0].payload, id);
    EXPECT_EQ(messages[1].rate_hz, 8000);
    EXPECT_EQ(messages[1].payload, audio);
    EXPECT_EQ(messages[2].rate_hz, 16000);
    EXPECT_EQ(messages[2].payload.size(), 640u);
    EXPECT_EQ(messages[3].payload, "5");
    EXPECT_EQ(messages[4].kind, Kind::kHangUp);
  }
}

TEST(AudioSocket, RefusesWhatIsNone) {
  for (const std::string& bytes : {std::string("GET / HTTP/1.1"), std::string("\x01\x00\x02yz", 5),
                                   std::string("\x10\x00\x03", 3), std::string("\x03\x01\x00", 3)}) {
    AudioSocketReader reader;
    reader.Feed(bytes);
    const auto message = reader.Next();
    ASSERT_FALSE(message) << bytes;
    EXPECT_THAT(message.error().message, HasSubstr("AudioSocket"));
  }
}

}  // namespace
}  // namespace sotto
