// What comes from outside and is read by us: addresses, JSON bodies, messages, base64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/audio_socket_protocol.h"
#include "server/audio_socket_server.h"
#include "server/call_log.h"
#include "server/example_sentences.h"
#include "server/http.h"
#include "server/json_fields.h"
#include "server/media_messages.h"
#include "server/multipart.h"
#include "server/router.h"
#include "server/secrets.h"
#include "server/twilio_signature.h"
#include "server/voice_messages.h"
#include "workflow/parse.h"

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
  EXPECT_TRUE(
      std::get<voice_message::Record>(*ReadVoiceMessage(R"({"type":"recording","paused":true})")).paused);
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

TEST(Ports, AreReadOrRefusedWithAReason) {
  const struct {
    const char* text;
    const char* address;
    uint16_t port;
    const char* workflow;
  } fine[] = {{"9092", "127.0.0.1", 9092, ""},
              {"0", "127.0.0.1", 0, ""},
              {"0.0.0.0:9092", "0.0.0.0", 9092, ""},
              {"[::1]:9092=banking", "::1", 9092, "banking"}};
  for (const auto& one : fine) {
    const auto read = ParsePort(one.text, "wyoming");
    ASSERT_TRUE(read) << one.text;
    EXPECT_EQ(read->address, one.address);
    EXPECT_EQ(read->port, one.port);
    EXPECT_EQ(read->workflow, one.workflow);
  }
  for (const char* text : {"", "x", "90920", "-1", ":9092", "9092 ", "localhost:", "=banking"}) {
    EXPECT_FALSE(ParsePort(text, "wyoming")) << text;
  }
}

TEST(CallLog, TellsHowACallEnded) {
  FakeClock clock;
  CallLog log(clock);
  EXPECT_FALSE(log.Find("a", ""));
  EXPECT_TRUE(log.Announce("a", {"shop", "banking", {}}));
  EXPECT_EQ(log.Find("a", "shop")->at("state"), "announced");
  EXPECT_FALSE(log.Find("a", "other"));  // somebody else announced it
  const auto told = log.Begin("a", "telecom");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->workflow, "banking");
  EXPECT_FALSE(log.Announce("a", {}));
  log.SetSession("a", "s1", "banking");
  log.End("a", "handed_off", HandOff{"asked", "wants a person", Json::array(), {}});
  const auto ended = log.Find("a", "shop");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->at("state"), "ended");
  EXPECT_EQ(ended->at("session"), "s1");
  EXPECT_EQ(ended->at("hand_off").at("summary"), "wants a person");
  clock.Advance(std::chrono::minutes(11));
  EXPECT_FALSE(log.Find("a", "shop"));
  EXPECT_FALSE(log.Begin("b", "telecom"));  // announced by nobody
  EXPECT_EQ(log.Find("b", "anybody")->at("workflow"), "telecom");
  EXPECT_TRUE(log.Announce("c", {"", "banking", {}}));
  clock.Advance(std::chrono::minutes(2));
  EXPECT_FALSE(log.Begin("c", "telecom"));  // too late
}

TEST(CallLog, KeepsNoMoreThanItMay) {
  FakeClock clock;
  CallLog log(clock, 10);
  for (int i = 0; i < 100; ++i) log.End(std::to_string(i), "ended", std::nullopt);
  EXPECT_FALSE(log.Find("50", ""));
  EXPECT_TRUE(log.Find("99", ""));
}

// The example of Twilio's documentation.
TEST(Twilio, SignaturesAreThoseOfItsDocumentation) {
  const HttpFields form{{"CallSid", "CA1234567890ABCDE"},
                        {"Caller", "+14158675309"},
                        {"Digits", "1234"},
                        {"From", "+14158675309"},
                        {"To", "+18005551212"}};
  EXPECT_EQ(TwilioSignature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form),
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

TEST(MediaMessage, IsReadOrRefusedWithAReason) {
  const auto start = ReadMediaMessage(
      R"({"event":"start","start":{"streamSid":"MZ1","callSid":"CA1","customParameters":{"token":"t","x":"y"}}})");
  ASSERT_TRUE(start) << start.error().message;
  EXPECT_EQ(std::get<media_message::Start>(*start).token, "t");
  const auto media = ReadMediaMessage(R"({"event":"media","media":{"track":"outbound","payload":"AP8="}})");
  ASSERT_TRUE(media);
  EXPECT_EQ(std::get<media_message::Media>(*media).audio, std::string("\0\xff", 2));
  EXPECT_FALSE(std::get<media_message::Media>(*media).inbound);
  EXPECT_TRUE(std::holds_alternative<media_message::Other>(*ReadMediaMessage(R"({"event":"new","new":{}})")));
  const std::vector<std::pair<const char*, const char*>> wrong{
      {"{}", "'event' is missing"},
      {R"({"event":"start"})", "'start' is missing"},
      {R"({"event":"start","start":{"streamSid":"a"}})", "start.callSid"},
      {R"({"event":"start","start":{"streamSid":"a","callSid":"b","mediaFormat":{"sampleRate":16000}}})",
       "8000"},
      {R"({"event":"media","media":{"payload":"*"}})", "base64"},
      {R"({"event":"dtmf","dtmf":{}})", "dtmf.digit"},
      {R"({"event":"mark","mark":3})", "mark"}};
  for (const auto& [text, reason] : wrong) {
    const auto message = ReadMediaMessage(text);
    ASSERT_FALSE(message) << text;
    EXPECT_THAT(message.error().message, HasSubstr(reason)) << text;
  }
  EXPECT_EQ(MediaText("MZ1", "\xff"), R"({"event":"media","streamSid":"MZ1","media":{"payload":"/w=="}})");
}

TEST(Multipart, IsReadOrRefusedWithAReason) {
  const std::string type = "multipart/form-data; boundary=\"x y\"";
  const auto read =
      ParseMultipart(type,
                     "--x y\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
                     "Content-Type: audio/wav\r\n\r\nRI\r\nFF\r\n--x y\r\ncontent-disposition: "
                     "form-data; name=model\r\n\r\n\r\n--x y--\r\n");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ(read->at(0).name, "file");
  EXPECT_EQ(read->at(0).file_name, "a.wav");
  EXPECT_EQ(read->at(0).bytes, "RI\r\nFF");
  EXPECT_EQ(read->at(1).name, "model");
  EXPECT_EQ(read->at(1).bytes, "");
  for (const char* body :
       {"", "--x", "--x y", "--x y\r\n", "--x y\r\n\r\n--x y--", "--x y\r\nA: b\r\n\r\nc\r\n--x y--"}) {
    EXPECT_FALSE(ParseMultipart(type, body)) << body;
  }
  EXPECT_FALSE(ParseMultipart("application/json", "{}"));
  EXPECT_FALSE(ParseMultipart("multipart/form-data", "--"));
}

TEST(ExampleSentences, AreWhatPeopleSay) {
  const auto workflow = LoadWorkflow(SOTTO_SOURCE_DIR "/workflows/banking").value();
  const std::vector<std::string> sentences = ExampleSentences(*workflow);
  EXPECT_GE(sentences.size(), 8u);
  for (const std::string& sentence : sentences) {
    EXPECT_EQ(sentence.find('{'), std::string::npos) << sentence;
    EXPECT_LE(sentence.size(), 80u) << sentence;
  }
}

}  // namespace
}  // namespace sotto
