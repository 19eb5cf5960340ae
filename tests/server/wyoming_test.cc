// Wyoming over a real socket: what Home Assistant sends and waits for.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "assistant/open_deployment.h"
#include "assistant/session_host.h"
#include "base/check.h"
#include "server/server.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::HasSubstr;

TEST(WyomingReader, CutsEventsWhateverThePieces) {
  const std::string bytes =
      WyomingBytes({"audio-chunk", {{"rate", 16000}}, std::string("\x01\n\x00\xff", 4)}) +
      "{\"type\": \"ping\", \"data\": {\"text\": \"a\"}}\n" + WyomingBytes({"describe"});
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    WyomingReader reader;
    std::vector<WyomingEvent> events;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      reader.Feed(std::string_view(bytes).substr(at, piece));
      while (auto event = reader.Next().value()) events.push_back(*std::move(event));
    }
    ASSERT_EQ(events.size(), 3u) << piece;
    EXPECT_EQ(events[0].type, "audio-chunk");
    EXPECT_EQ(events[0].data.at("rate"), 16000);
    EXPECT_EQ(events[0].payload, std::string("\x01\n\x00\xff", 4));
    EXPECT_EQ(events[1].data.at("text"), "a");
    EXPECT_EQ(events[2].type, "describe");
  }
}

TEST(WyomingReader, RefusesWhatIsNoEvent) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n"), std::string("[]\n"), std::string("{\"data\": {}}\n"),
        std::string("{\"type\": \"a\", \"payload_length\": -1}\n"),
        std::string("{\"type\": \"a\", \"payload_length\": 99999999}\n"),
        std::string("{\"type\": \"a\", \"data_length\": 2}\n[]"), std::string(70000, ' ')}) {
    WyomingReader reader;
    reader.Feed(bytes);
    const auto event = reader.Next();
    ASSERT_FALSE(event) << bytes.substr(0, 40);
    EXPECT_EQ(event.error().code, ErrorCode::kCorrupt);
  }
}

class WyomingTest : public testing::Test {
 protected:
  void SetUp() override {
    host_ = SessionHost::Open({.threads = 2}).value();
    DeploymentSources sources;
    sources.workflow = SOTTO_SOURCE_DIR "/workflows/banking";
    sources.databases = folder_.path();
    sources.recognizer = "pocketsphinx";
    auto deployment = OpenDeployment(sources, {host_->scheduler(), host_->scheduler()}).value();
    Caller caller;
    caller.customer = "1";
    caller.verified_by = "test";
    const auto workflow =
        std::make_shared<ServedWorkflow>(ServedWorkflow{"banking", std::move(deployment), caller});
    ServerOptions options;
    options.wyoming.emplace_back();
    server_ = Server::Start({&host_->clock(), &host_->scheduler(), nullptr, nullptr}, options,
                            [workflow]() -> Result<std::vector<ServedWorkflowPtr>> {
                              return std::vector<ServedWorkflowPtr>{workflow};
                            })
                  .value();
    connection_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server_->wyoming_ports().at(0));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SOTTO_CHECK(connect(connection_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
    const timeval limit{60, 0};
    setsockopt(connection_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }
  void TearDown() override { close(connection_); }

  void Send(const WyomingEvent& event) const {
    const std::string bytes = WyomingBytes(event);
    SOTTO_CHECK(send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
  }
  // Type "": the connection is over.
  WyomingEvent Next() {
    while (true) {
      if (auto event = reader_.Next().value()) return *std::move(event);
      char block[4096];
      const ssize_t n = recv(connection_, block, sizeof(block), 0);
      if (n <= 0) return {""};
      reader_.Feed({block, static_cast<size_t>(n)});
    }
  }
  // Audio until `end`.
  std::string Audio(const char* end) {
    std::string audio;
    while (true) {
      const WyomingEvent event = Next();
      if (event.type == end) return audio;
      SOTTO_CHECK(event.type == "audio-start" || event.type == "audio-chunk" || event.type == "audio-stop",
                  "{}", event.type + event.data.dump());
      audio += event.payload;
    }
  }

  TempFolder folder_;
  std::unique_ptr<SessionHost> host_;
  std::unique_ptr<Server> server_;
  int connection_ = -1;
  WyomingReader reader_;
};

TEST_F(WyomingTest, SaysWhoItIsAndWhatWasMeant) {
  Send({"describe"});
  const WyomingEvent info = Next();
  EXPECT_EQ(info.type, "info");
  EXPECT_EQ(info.data["handle"][0]["models"][0]["name"], "banking");
  EXPECT_EQ(info.data["asr"][0]["models"][0]["languages"][0], "en");
  EXPECT_EQ(info.data["tts"][0]["voices"].size(), 4u);
  Send({"ping", {{"text", "x"}}});
  EXPECT_EQ(Next().data["text"], "x");
  Send({"recognize", {{"text", "transfer two hundred dollars from checking to savings"}}});
  const WyomingEvent intent = Next();
  EXPECT_EQ(intent.type, "intent");
  EXPECT_EQ(intent.data["name"], "transfer_money");
  const Json amount{{"name", "amount"}, {"value", 200}};
  EXPECT_TRUE(std::ranges::find(intent.data["entities"], amount) != intent.data["entities"].end())
      << intent.data.dump();
  Send({"recognize", {{"text", "which horse won the derby"}}});
  EXPECT_EQ(Next().type, "not-recognized");
  Send({"recognize", {{"txt", 1}}});
  EXPECT_EQ(Next().type, "error");
}

TEST_F(WyomingTest, HoldsAConversation) {
  const Json context{{"conversation_id", "kitchen"}};
  Send({"transcript", {{"text", "transfer 200 dollars from checking to savings"}, {"context", context}}});
  const WyomingEvent read_back = Next();
  EXPECT_EQ(read_back.type, "handled");
  EXPECT_THAT(read_back.data["text"].get<std::string>(), HasSubstr("$200"));
  Send({"transcript", {{"text", "yes"}, {"context", context}}});
  const WyomingEvent done = Next();
  EXPECT_THAT(done.data["text"].get<std::string>(), HasSubstr("$200"));
  EXPECT_EQ(done.data["context"], context);
  // Another conversation knows nothing of this one.
  Send({"transcript", {{"text", "yes"}, {"context", {{"conversation_id", "hall"}}}}});
  EXPECT_THAT(Next().data["text"].get<std::string>(), testing::Not(HasSubstr("$200")));
}

TEST_F(WyomingTest, SpeaksAndHears) {
  Send({"synthesize", {{"text", "What is my checking balance?"}, {"voice", {{"name", "slt"}}}}});
  const std::string whole = Audio("audio-stop");
  EXPECT_GT(whole.size(), 48000u);  // a second
  Send({"transcribe", {{"language", "en"}}});
  Send({"audio-start", {{"rate", 24000}, {"width", 2}, {"channels", 1}}});
  for (size_t at = 0; at < whole.size(); at += 2048)
    Send({"audio-chunk", Json::object(), whole.substr(at, 2048)});
  Send({"audio-stop"});
  const WyomingEvent heard = Next();
  EXPECT_EQ(heard.type, "transcript");
  EXPECT_THAT(heard.data["text"].get<std::string>(), HasSubstr("balance"));

  Send({"synthesize-start", {{"voice", {{"name", "slt"}}}}});
  Send({"synthesize-chunk", {{"text", "Your balance is "}}});
  Send({"synthesize-chunk", {{"text", "ten dollars. Is there"}}});
  Send({"synthesize-chunk", {{"text", " anything else?"}}});
  Send({"synthesize", {{"text", "Your balance is ten dollars. Is there anything else?"}}});
  Send({"synthesize-stop"});
  EXPECT_GT(Audio("synthesize-stopped").size(), 96000u);
}

TEST_F(WyomingTest, RefusesWithASentence) {
  Send({"audio-start", {{"rate", 16000}, {"width", 4}, {"channels", 1}}});
  const WyomingEvent refused = Next();
  EXPECT_EQ(refused.type, "error");
  EXPECT_THAT(refused.data["text"].get<std::string>(), HasSubstr("width"));
  Send({"audio-stop"});  // of nothing: no answer
  Send({"somebody-elses-event", {{"a", 1}}});
  Send({"ping"});
  EXPECT_EQ(Next().type, "pong");
  const std::string garbage = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_GT(send(connection_, garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(Next().data["code"], "unreadable");
  EXPECT_EQ(Next().type, "");
}

}  // namespace
}  // namespace sotto
