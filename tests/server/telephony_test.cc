// Telephone networks other than Twilio, and Asterisk over a WebSocket: what they say, how they sign it, and a call of each
// that says its greeting, hears a key and ends.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/pcm16.h"
#include "scripted_voice.h"
#include "server/asterisk_messages.h"
#include "server/asterisk_streams.h"
#include "server/carrier_signature.h"
#include "server/media_streams.h"
#include "server/secrets.h"

namespace sotto {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

// Made with `openssl genpkey -algorithm ed25519`, `openssl pkeyutl -sign -rawin`.
constexpr const char* kTelnyxKey = "czga6EZcr0eD9Jr5jtZg3aCWXoVYYhrY5SUb/q9xlYM=";
constexpr const char* kTelnyxBody = "CallSid=v3%3Aabc&From=%2B15550100";
constexpr const char* kTelnyxSignature =
    "W2zwiBfxhLkUfOH63IgoJg/0lnjGKReItN8PKk12yljH/XyLTPpMj3XafgQmdE+sNYc+YpqykRbmE8/+Px3eAA==";
constexpr int64_t kTelnyxTime = 1764580000;

std::chrono::system_clock::time_point At(int64_t unix_s) {
  return std::chrono::system_clock::time_point(seconds(unix_s));
}

WebRequest TelnyxRequest() {
  WebRequest request;
  request.method = "POST";
  request.target = request.path = "/v1/telnyx/voice";
  request.headers = {{"telnyx-signature-ed25519", kTelnyxSignature},
                     {"telnyx-timestamp", std::to_string(kTelnyxTime)}};
  request.body = kTelnyxBody;
  return request;
}

TEST(CarrierSignature, TelnyxSignsTimeAndBody) {
  const WebRequest good = TelnyxRequest();
  EXPECT_TRUE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime + 200), good));
  EXPECT_FALSE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime + 400), good));  // kept by somebody
  EXPECT_FALSE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime - 400), good));
  WebRequest changed = good;
  changed.body += "0";
  EXPECT_FALSE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime), changed));
  changed = good;
  changed.headers[1].second = std::to_string(kTelnyxTime + 1);
  EXPECT_FALSE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime), changed));
  changed = good;
  changed.headers[0].second = "AAAA";
  EXPECT_FALSE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime), changed));
  changed.headers.clear();
  EXPECT_FALSE(CheckTelnyxSignature(kTelnyxKey, At(kTelnyxTime), changed));
  EXPECT_TRUE(CheckTelnyxKey(kTelnyxKey));
  EXPECT_FALSE(CheckTelnyxKey("AAAA"));
}

// Computed by hand as Plivo's libraries do: address, sorted query, a dot, sorted parameters, a dot, the nonce.
TEST(CarrierSignature, PlivoSignsAddressParametersAndNonce) {
  const std::string url = "https://voice.example/v1/plivo/voice";
  const std::string token = "plivo-auth-token";
  EXPECT_EQ(
      PlivoSignature(token, url, {}, {{"From", "15550100"}, {"CallUUID", "abc-1"}, {"To", "15550123"}}, "n1"),
      "PnbNvkN6jFsziDbhRYHi29JfW4Fl8JHhOJRrqU5hi+w=");
  EXPECT_EQ(PlivoSignature(token, url, {{"workflow", "banking"}}, {{"CallUUID", "abc-1"}}, "n2"),
            "LVN/bVw8C/o3i6B0VNPuraQWSCvwmZjxtVqcu76N2Mk=");
  EXPECT_EQ(PlivoSignature(token, url, {{"b", "2"}, {"a", "1"}}, {}, "n3"),
            "f3PHPY0fPj3DN+IpD0x2t1SibAO3VaPH/M81VMu0bTE=");
  WebRequest request;
  request.query = {{"workflow", "banking"}};
  request.body = "CallUUID=abc-1";
  request.headers = {{"x-plivo-signature-v3", "AAAA, LVN/bVw8C/o3i6B0VNPuraQWSCvwmZjxtVqcu76N2Mk="},
                     {"x-plivo-signature-v3-nonce", "n2"}};
  EXPECT_TRUE(CheckPlivoSignature(token, url, request));
  request.body = "CallUUID=abc-2";
  EXPECT_FALSE(CheckPlivoSignature(token, url, request));
  request.headers.pop_back();
  EXPECT_FALSE(CheckPlivoSignature(token, url, request));
}

// Examples of the networks' documentation.
TEST(MediaMessages, ThreeNetworksSayTheSame) {
  using namespace media_message;
  const auto telnyx = ReadMediaMessage(
      R"({"event": "start", "sequence_number": "1", "stream_id": "32DE0DEA", "start": {"user_id": "3E6F", "call_control_id":
          "v2:T02llQ", "from": "+13122010094", "client_state": "aGF2", "custom_parameters": {"token": "t1"},
          "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}}})",
      Carrier::kTelnyx);
  ASSERT_TRUE(telnyx) << telnyx.error().message;
  EXPECT_EQ(std::get<Start>(*telnyx).stream, "32DE0DEA");
  EXPECT_EQ(std::get<Start>(*telnyx).call, "v2:T02llQ");
  EXPECT_EQ(std::get<Start>(*telnyx).token, "t1");
  const auto plivo = ReadMediaMessage(
      R"({"event": "start", "sequenceNumber": 1, "start": {"callId": "1234-c", "streamId": "8765-s", "accountId": "MA",
          "tracks": ["inbound"], "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}},
          "extra_headers": "userId=12345;token=t2"})",
      Carrier::kPlivo);
  ASSERT_TRUE(plivo) << plivo.error().message;
  EXPECT_EQ(std::get<Start>(*plivo).stream, "8765-s");
  EXPECT_EQ(std::get<Start>(*plivo).call, "1234-c");
  EXPECT_EQ(std::get<Start>(*plivo).token, "t2");
  EXPECT_EQ(ExtraHeader(R"({"X-PH-token": "t3"})", "token"), "t3");
  EXPECT_EQ(ExtraHeader("nothing", "token"), "");
  const auto l16 = ReadMediaMessage(
      R"({"event":"start","start":{"callId":"c","streamId":"s","mediaFormat":{"encoding":"audio/x-l16","sampleRate":8000}}})",
      Carrier::kPlivo);
  ASSERT_FALSE(l16);
  EXPECT_THAT(l16.error().message, HasSubstr("audio/x-mulaw"));
  const auto played =
      ReadMediaMessage(R"({"event":"playedStream","streamId":"s","name":"end"})", Carrier::kPlivo);
  EXPECT_EQ(std::get<Mark>(*played).name, "end");
  const auto key =
      ReadMediaMessage(R"({"event":"dtmf","stream_id":"s","dtmf":{"digit":"7"}})", Carrier::kTelnyx);
  EXPECT_EQ(std::get<media_message::Key>(*key).key, '7');
  EXPECT_TRUE(std::holds_alternative<Other>(
      *ReadMediaMessage(R"({"event":"clearedAudio","streamId":"s"})", Carrier::kPlivo)));
  EXPECT_EQ(MediaText("s", "\xff", Carrier::kTelnyx), R"({"event":"media","media":{"payload":"/w=="}})");
  EXPECT_EQ(
      MediaText("s", "\xff", Carrier::kPlivo),
      R"({"event":"playAudio","media":{"contentType":"audio/x-mulaw","sampleRate":8000,"payload":"/w=="}})");
  EXPECT_EQ(MarkText("s", "end", Carrier::kPlivo), R"({"event":"checkpoint","streamId":"s","name":"end"})");
  EXPECT_EQ(MarkText("s", "end", Carrier::kTelnyx), R"({"event":"mark","mark":{"name":"end"}})");
  EXPECT_EQ(ClearText("s", Carrier::kTelnyx), R"({"event":"clear"})");
  EXPECT_EQ(ClearText("s", Carrier::kPlivo), R"({"event":"clearAudio","streamId":"s"})");
}

TEST(AsteriskMessages, AreReadInBothForms) {
  using namespace asterisk_message;
  const auto plain = ReadAsteriskMessage(
      "MEDIA_START connection_id:e226e283 channel:WebSocket/connectionid format:ulaw optimal_frame_size:160");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_FALSE(plain->json);
  EXPECT_EQ(std::get<MediaStart>(plain->what).connection_id, "e226e283");
  EXPECT_EQ(std::get<MediaStart>(plain->what).format, (LineFormat{LineFormat::Codec::kMuLaw, 8000}));
  EXPECT_EQ(std::get<MediaStart>(plain->what).frame_bytes, 160u);
  const auto json = ReadAsteriskMessage(
      R"({"event": "MEDIA_START", "connection_id": "m1", "channel": "WebSocket/m1/0x51", "channel_id": "1761245643.1",
          "format": "slin16", "optimal_frame_size": 640, "ptime": 20, "channel_variables": {"A": "b"}})");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_TRUE(json->json);
  EXPECT_EQ(std::get<MediaStart>(json->what).channel_id, "1761245643.1");
  EXPECT_EQ(std::get<MediaStart>(json->what).frame_bytes, 640u);
  EXPECT_EQ(std::get<Digit>(ReadAsteriskMessage("DTMF_END digit:5")->what).key, '5');
  EXPECT_TRUE(std::holds_alternative<Unused>(ReadAsteriskMessage("DTMF_END digit:A")->what));
  EXPECT_FALSE(std::get<Flow>(ReadAsteriskMessage("MEDIA_XOFF")->what).on);
  EXPECT_TRUE(std::get<Flow>(ReadAsteriskMessage(R"({"event":"MEDIA_XON","channel_id":"1"})")->what).on);
  EXPECT_TRUE(std::holds_alternative<QueueDrained>(ReadAsteriskMessage("QUEUE_DRAINED")->what));
  EXPECT_TRUE(
      std::holds_alternative<Unused>(ReadAsteriskMessage("STATUS queue_length:43 xon_level:800")->what));
  for (const char* wrong :
       {"", "hello", "{", "[]", R"({"event": 3})", "DTMF_END", "MEDIA_START format:opus",
        "MEDIA_START format:ulaw optimal_frame_size:0", "MEDIA_START format:ulaw optimal_frame_size:x"})
    EXPECT_FALSE(ReadAsteriskMessage(wrong)) << wrong;
  EXPECT_EQ(AsteriskCommandText(AsteriskCommand::kHangUp, false), "HANGUP");
  EXPECT_EQ(AsteriskCommandText(AsteriskCommand::kFlushMedia, true), R"({"command":"FLUSH_MEDIA"})");
}

// The other end of a WebSocket: what was sent to it.
class HeardSocket final : public WebSocketSender {
 public:
  void SendText(std::string text) override {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
    changed_.notify_all();
  }
  void SendBinary(std::string bytes) override {
    const std::lock_guard lock(mutex_);
    binary_.push_back(std::move(bytes));
    changed_.notify_all();
  }
  void Close(uint16_t code, std::string) override {
    const std::lock_guard lock(mutex_);
    closed_ = code;
    changed_.notify_all();
  }
  size_t waiting_bytes() const override { return 0; }

  // Waits for one with `part` in it.
  std::string TextWith(const std::string& part) {
    std::unique_lock lock(mutex_);
    size_t seen = 0;
    while (true) {
      for (; seen < texts_.size(); ++seen) {
        if (texts_[seen].find(part) != std::string::npos) return texts_[seen];
      }
      changed_.wait(lock);
    }
  }
  std::vector<std::string> Binary(size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return binary_.size() >= n; });
    return binary_;
  }
  uint16_t WaitForClose() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_.has_value(); });
    return *closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;  // guarded by mutex_, as are the next two
  std::vector<std::string> binary_;
  std::optional<uint16_t> closed_;
};

class TelephonyTest : public testing::Test {
 protected:
  TelephonyTest()
      : world_(), calls_({&scheduler_, &clock_, nullptr, nullptr, &world_.metrics}, {.threads = 1}) {
    told_clock_.Advance(seconds(kTelnyxTime));
    workflows_ = ServedWorkflows::Create([this]() -> Result<std::vector<ServedWorkflowPtr>> {
                   return std::vector<ServedWorkflowPtr>{world_.served};
                 }).value();
  }

  // "state" and "reason" of a call that is over.
  std::string ReasonOf(const std::string& call) {
    while (true) {
      const auto found = log_.Find(call, "");
      if (found && found->at("state") == "ended") return found->at("reason");
      std::this_thread::yield();
    }
  }

  const SystemClock clock_;
  FakeClock told_clock_;  // of signatures and tokens
  Scheduler scheduler_{clock_, {.threads = 2}};
  ScriptedVoice world_;
  CallLog log_{told_clock_};
  VoiceCalls calls_;
  std::unique_ptr<ServedWorkflows> workflows_;
};

class CarriersTest : public TelephonyTest {
 protected:
  CarriersTest()
      : streams_({&told_clock_, &scheduler_, &calls_, workflows_.get(), &world_.metrics, &log_},
                 {.telnyx_key = kTelnyxKey,
                  .plivo_token = "plivo-auth-token",
                  .public_url = "https://voice.example",
                  .person = "+15550199"}) {
    streams_.AddTo(router_);
  }
  WebResponse Ask(WebRequest request) {
    const auto found = router_.Find(request.method, request.path);
    SOTTO_CHECK(found.route != nullptr, "{}", request.path);
    WebResponse answer;
    found.route->handle(
        {std::move(request), {}, found.steps, [&](WebResponse response) { answer = response; }});
    return answer;
  }
  WebRequest PlivoRequest(const std::string& path, const std::string& body) {
    WebRequest request;
    request.method = "POST";
    request.target = request.path = path;
    request.body = body;
    request.headers = {
        {"x-plivo-signature-v3", PlivoSignature("plivo-auth-token", "https://voice.example" + path, {},
                                                ParseForm(body).value(), "n")},
        {"x-plivo-signature-v3-nonce", "n"}};
    return request;
  }
  std::shared_ptr<WebSocketReceiver> Connect(const std::string& path,
                                             const std::shared_ptr<HeardSocket>& socket) {
    WebRequest request;
    request.method = "GET";
    request.target = request.path = path;
    auto accepted = streams_.Upgrade(request);
    SOTTO_CHECK(std::holds_alternative<WebSocketAccept>(accepted), "{}", path);
    auto receiver = std::get<WebSocketAccept>(accepted).receiver;
    receiver->OnOpen(socket);
    return receiver;
  }
  // A call that begins with `start`, is heard greeting, and is hung up.
  void ExpectGreeted(Carrier carrier, const std::string& start, const std::string& call) {
    const std::string path = fmt::format("/v1/{}/media", CarrierName(carrier));
    const auto socket = std::make_shared<HeardSocket>();
    const auto receiver = Connect(path, socket);
    receiver->OnText(start);
    const Json media = Json::parse(socket->TextWith("payload"));
    std::string bytes;
    ASSERT_TRUE(FromBase64(media["media"]["payload"].get<std::string>(), &bytes));
    EXPECT_EQ(bytes.size(), 160u);  // 20 ms
    receiver->OnText(R"({"event":"dtmf","dtmf":{"digit":"1"}})");
    receiver->OnText(R"({"event":"stop"})");
    EXPECT_EQ(ReasonOf(call), "hung_up");
    // Its token opens nothing again.
    const auto again = std::make_shared<HeardSocket>();
    const auto second = Connect(path, again);
    second->OnText(start);
    EXPECT_EQ(again->WaitForClose(), 1008);
    receiver->OnClose(1000);
    second->OnClose(1008);
  }
  static std::string TokenIn(const std::string& xml, const std::string& before, char after) {
    const size_t at = xml.find(before);
    SOTTO_CHECK(at != std::string::npos, "{}", xml);
    return xml.substr(at + before.size(), xml.find(after, at + before.size()) - at - before.size());
  }

  Router router_;
  MediaStreams streams_;
};

TEST_F(CarriersTest, TelnyxBringsACall) {
  const WebResponse answer = Ask(TelnyxRequest());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body,
              HasSubstr(R"(<Stream url="wss://voice.example/v1/telnyx/media" bidirectionalMode="rtp")"));
  const std::string token = TokenIn(answer.body, R"(name="token" value=")", '"');
  ExpectGreeted(Carrier::kTelnyx,
                Json{{"event", "start"},
                     {"stream_id", "s1"},
                     {"start",
                      {{"call_control_id", "v3:abc"},
                       {"custom_parameters", {{"token", token}}},
                       {"media_format", {{"encoding", "PCMU"}, {"sample_rate", 8000}}}}}}
                    .dump(),
                "v3:abc");
  WebRequest wrong = TelnyxRequest();
  wrong.body += "0";
  EXPECT_EQ(Ask(wrong).status, 403);
}

TEST_F(CarriersTest, PlivoBringsACallAndAsksWhatIsNext) {
  const WebResponse answer = Ask(PlivoRequest("/v1/plivo/voice", "CallUUID=c-1&From=15550100"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(">wss://voice.example/v1/plivo/media</Stream>"));
  EXPECT_THAT(answer.body, HasSubstr("https://voice.example/v1/plivo/ended</Redirect>"));
  const std::string token = TokenIn(answer.body, "extraHeaders=\"token=", '"');
  const auto start = [&](const std::string& call) {
    return Json{{"event", "start"},
                {"start", {{"callId", call}, {"streamId", "s-1"}}},
                {"extra_headers", "token=" + token}}
        .dump();
  };
  // The token is of another call: nothing is opened.
  const auto socket = std::make_shared<HeardSocket>();
  const auto other = Connect("/v1/plivo/media", socket);
  other->OnText(start("c-2"));
  EXPECT_EQ(socket->WaitForClose(), 1008);
  other->OnClose(1008);
  ExpectGreeted(Carrier::kPlivo, start("c-1"), "c-1");
  EXPECT_THAT(Ask(PlivoRequest("/v1/plivo/ended", "CallUUID=c-1")).body, HasSubstr("<Hangup/>"));
  log_.Begin("c-3", "banking");
  log_.End("c-3", "handed_off", std::nullopt);
  EXPECT_THAT(Ask(PlivoRequest("/v1/plivo/ended", "CallUUID=c-3")).body,
              HasSubstr("<Dial><Number>+15550199</Number></Dial>"));
  WebRequest wrong = PlivoRequest("/v1/plivo/voice", "CallUUID=c-1");
  wrong.body = "CallUUID=c-9";
  EXPECT_EQ(Ask(wrong).status, 403);
}

TEST_F(CarriersTest, WhoHasNoSecretHereHasNoAddress) {
  EXPECT_EQ(router_.Find("POST", "/v1/twilio/voice").route, nullptr);
  WebRequest request;
  request.path = request.target = "/v1/twilio/media";
  const auto refused = streams_.Upgrade(request);
  ASSERT_TRUE(std::holds_alternative<WebResponse>(refused));
  EXPECT_EQ(std::get<WebResponse>(refused).status, 404);
}

class AsteriskTest : public TelephonyTest {
 protected:
  AsteriskTest() {
    KeyFile keys;
    key_ = keys.Add({.name = "pbx", .scopes = {scope::kTalk}}).value();
    deaf_key_ = keys.Add({.name = "prometheus", .scopes = {scope::kMetrics}}).value();
    SOTTO_CHECK(keys.Write(folder_.path() / "keys.json").has_value());
    access_ = Access::Open(clock_, {.keys = folder_.path() / "keys.json"}).value();
    streams_.emplace(AsteriskStreams::Services{access_.get(), &scheduler_, &calls_, workflows_.get(),
                                               &world_.metrics, &log_});
  }
  std::variant<WebSocketAccept, WebResponse> Upgrade(const std::string& authorization,
                                                     const std::string& target) {
    WebRequest request;
    request.method = "GET";
    request.target = target;
    SOTTO_CHECK(ParseTarget(target, &request).has_value());
    request.headers = {{"host", "sotto.example"}, {"sec-websocket-protocol", "media"}};
    if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
    return streams_->Upgrade(request);
  }
  std::string Basic(const std::string& key) const { return "Basic " + ToBase64("sotto:" + key); }

  TempFolder folder_;
  std::string key_;
  std::string deaf_key_;
  std::unique_ptr<Access> access_;
  std::optional<AsteriskStreams> streams_;
};

TEST_F(AsteriskTest, OnlyWhoMayTalkIsLetIn) {
  const auto status = [&](const std::string& authorization, const std::string& target) {
    const auto answer = Upgrade(authorization, target);
    return std::holds_alternative<WebResponse>(answer) ? std::get<WebResponse>(answer).status : 101;
  };
  EXPECT_EQ(status("", "/v1/asterisk/media"), 401);
  EXPECT_EQ(status("Basic !", "/v1/asterisk/media"), 401);
  EXPECT_EQ(status(Basic("sotto_aaaaaaaa_wrong"), "/v1/asterisk/media"), 401);
  EXPECT_EQ(status(Basic(deaf_key_), "/v1/asterisk/media"), 403);
  EXPECT_EQ(status(Basic(key_), "/v1/asterisk/media?workflow=nothing"), 404);
  EXPECT_EQ(status(Basic(key_), "/v1/asterisk/media?workflow=banking"), 101);
  EXPECT_EQ(status("Bearer " + key_, "/v1/asterisk/media"), 101);
}

TEST_F(AsteriskTest, ACallGreetsInWholeFramesAndStopsForXoff) {
  auto accepted = Upgrade(Basic(key_), "/v1/asterisk/media?workflow=banking&call=call-7");
  const auto& accept = std::get<WebSocketAccept>(accepted);
  EXPECT_EQ(accept.protocol, "media");
  const auto socket = std::make_shared<HeardSocket>();
  accept.receiver->OnOpen(socket);
  accept.receiver->OnText(
      "MEDIA_START connection_id:m1 channel:WebSocket/m1/0x5 format:slin16 optimal_frame_size:640");
  std::vector<float> samples;
  for (const std::string& packet : socket->Binary(20)) {
    EXPECT_EQ(packet.size() % 640, 0u);
    const std::vector<float> more = FromPcm16Bytes(packet);
    samples.insert(samples.end(), more.begin(), more.end());
  }
  EXPECT_GT(LoudnessOf(samples), 0.01);
  accept.receiver->OnText("MEDIA_XOFF");
  accept.receiver->OnBinary(std::string(640, '\0'));
  accept.receiver->OnText("DTMF_END digit:1");
  // Asterisk hangs up.
  accept.receiver->OnClose(1000);
  EXPECT_EQ(ReasonOf("call-7"), "hung_up");
  // The last words are over when Asterisk says so.
  socket->TextWith("REPORT_QUEUE_DRAINED");
  accept.receiver->OnText("QUEUE_DRAINED");
  EXPECT_EQ(socket->TextWith("HANGUP"), "HANGUP");
  EXPECT_EQ(socket->WaitForClose(), 1000);
}

TEST_F(AsteriskTest, WhatIsNoneOfItsMessagesClosesTheLine) {
  for (const char* text : {"hello", "MEDIA_START format:opus"}) {
    auto accepted = Upgrade(Basic(key_), "/v1/asterisk/media");
    const auto& accept = std::get<WebSocketAccept>(accepted);
    const auto socket = std::make_shared<HeardSocket>();
    accept.receiver->OnOpen(socket);
    accept.receiver->OnText(text);
    EXPECT_EQ(socket->WaitForClose(), 1008) << text;
    accept.receiver->OnClose(1008);
  }
}

}  // namespace
}  // namespace sotto
