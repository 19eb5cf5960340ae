#include "learn/teacher.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "learn/test_workflow.h"

namespace sotto {
namespace {

// An HTTP server on this machine that answers each request with the next recorded reply.
class ReplayServer {
 public:
  struct Reply {
    int status = 200;
    std::string content;  // the assistant's text; raw body where status is not 200
  };

  explicit ReplayServer(std::deque<Reply> replies) : replies_(std::move(replies)) {
    socket_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(socket_, 8), 0);
    socklen_t size = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~ReplayServer() {
    shutdown(socket_, SHUT_RDWR);
    close(socket_);
    thread_.join();
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/v1", port_); }
  std::vector<std::string> requests;

 private:
  void Serve() {
    while (true) {
      const int client = accept(socket_, nullptr, nullptr);
      if (client < 0) return;
      requests.push_back(ReadRequest(client));
      Reply reply{500, "nothing recorded"};
      if (!replies_.empty()) {
        reply = replies_.front();
        replies_.pop_front();
      }
      const std::string body =
          reply.status == 200
              ? Json{{"choices",
                      Json::array({{{"message", {{"role", "assistant"}, {"content", reply.content}}}}})}}
                    .dump()
              : reply.content;
      const std::string answer = fmt::format(
          "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: "
          "close\r\n\r\n{}",
          reply.status, body.size(), body);
      EXPECT_EQ(send(client, answer.data(), answer.size(), 0), static_cast<ssize_t>(answer.size()));
      close(client);
    }
  }
  static std::string ReadRequest(int client) {
    std::string text;
    char buffer[4096];
    size_t wanted = std::string::npos;
    while (text.size() < wanted) {
      const ssize_t n = recv(client, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
      const size_t head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      const size_t length = text.find("Content-Length: ");
      wanted = head + 4 + (length == std::string::npos ? 0 : std::stoul(text.substr(length + 16)));
    }
    return text;
  }

  std::deque<Reply> replies_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
};

std::string Row(const std::string& user, const std::string& call) {
  return Json{{"messages",
               Json::array({{{"role", "user"}, {"content", user}},
                            {{"role", "assistant"},
                             {"content", ""},
                             {"tool_calls",
                              Json::array({{{"type", "function"}, {"function", *ParseJson(call, "")}}})}}})}}
      .dump();
}

constexpr const char* kMove =
    R"({"name": "move_money", "arguments": {"amount": 40, "to_account": "savings"}})";

TEST(TeacherTest, ExpandsSeedsAndReportsWhatItDropped) {
  const std::string good = Row("chuck forty bucks into savings", kMove);
  const std::string ungrounded = Row("chuck some money into savings", kMove);
  const std::string unknown = Row("fly me to the moon", R"({"name": "fly", "arguments": {}})");
  ReplayServer server({
      {200,
       "Sure! Here they are:\n" + good + "\n" + ungrounded + "\n" + unknown + "\n" + good + "\n{\"a\": 1}"},
      {200, kMove},
      {200, "```json\n" + std::string(kMove) + "\n```"},
      {200, R"({"name": "intent_unclear", "arguments": {}})"},
  });
  const auto teacher = ConnectChatModel({server.url(), "big", "", 10, 0});
  TeacherOptions options;
  options.count = 5;
  options.max_requests = 1;
  const auto taught = ExpandSeeds(*teacher, *TestWorkflow(), {}, options);
  ASSERT_TRUE(taught) << taught.error().message;
  ASSERT_EQ(taught->conversations.size(), 1u);
  EXPECT_EQ(taught->conversations[0].conversation.turns[0].user, "chuck forty bucks into savings");
  EXPECT_EQ(taught->dropped.at("grounding: a value was never said"), 1u);
  EXPECT_EQ(taught->dropped.at("schema: wrong call"), 1u);
  EXPECT_EQ(taught->dropped.at("duplicate"), 1u);
  EXPECT_EQ(taught->n_requests, 4u);
  EXPECT_THAT(server.requests.front(), testing::HasSubstr("POST /v1/chat/completions"));
  EXPECT_THAT(server.requests.front(), testing::HasSubstr("\"model\":\"big\""));
}

TEST(TeacherTest, DisagreementGoesToAnArbiter) {
  LabelledConversation trace;
  trace.conversation.turns.resize(1);
  trace.conversation.turns[0].user = "put 40 in savings";
  const std::string other = R"({"name": "move_money", "arguments": {"amount": 40}})";
  const std::string third = R"({"name": "pay_someone", "arguments": {"amount": 40}})";
  {
    ReplayServer server({{200, kMove}, {200, other}, {200, third}, {200, kMove}});
    const auto teacher = ConnectChatModel({server.url(), "big", "", 10, 0});
    const auto taught = Relabel(*teacher, *TestWorkflow(), {trace}, {});
    ASSERT_TRUE(taught);
    EXPECT_EQ(taught->n_arbitrated, 1u);
    ASSERT_EQ(taught->conversations.size(), 1u);
    EXPECT_EQ(ToString(taught->conversations[0].conversation.turns[0].calls[0]),
              "move_money(amount=40, to_account=savings)");
  }
  {
    ReplayServer server({{200, kMove}, {200, other}, {200, third}, {200, "I cannot decide"}});
    const auto teacher = ConnectChatModel({server.url(), "big", "", 10, 0});
    const auto taught = Relabel(*teacher, *TestWorkflow(), {trace}, {});
    ASSERT_TRUE(taught);
    EXPECT_TRUE(taught->conversations.empty());
    EXPECT_EQ(taught->dropped.at("agreement: labellers differ"), 1u);
  }
}

TEST(TeacherTest, AnEndpointThatFailsIsRetriedThenAnError) {
  ReplayServer server({{503, "busy"}, {503, "busy"}});
  const auto teacher = ConnectChatModel({server.url(), "big", "", 10, 1});
  const auto taught = ExpandSeeds(*teacher, *TestWorkflow(), {}, {});
  ASSERT_FALSE(taught);
  EXPECT_EQ(taught.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(taught.error().message, testing::HasSubstr("HTTP 503"));
  EXPECT_EQ(server.requests.size(), 2u);
}

// The client is the test's: nothing is sent, and no error tells the key, the address's secrets or the seeds.
TEST(TeacherTest, ErrorsTellNoSecrets) {
  class Refusing final : public HttpClient {
   public:
    void Start(HttpRequest request, OnBytes, Done done) override {
      sent.push_back(request);
      done(
          HttpAnswer{401, {}, R"({"error": {"message": "key-canary is wrong", "code": "invalid_api_key"}})"});
    }
    std::vector<HttpRequest> sent;
  };
  const auto http = std::make_shared<Refusing>();
  const auto teacher = ConnectChatModel(
      {"https://user-canary:canary@teacher.example/path-canary?key=canary", "big", "key-canary", 10, 1},
      http);
  const auto answer = teacher->Complete(Json::array({{{"role", "user"}, {"content", "seed-canary"}}}), 0, 1);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "https://teacher.example: HTTP 401: invalid_api_key");
  ASSERT_EQ(http->sent.size(), 1u);
  EXPECT_THAT(http->sent[0].body, testing::HasSubstr("seed-canary"));
}

TEST(TeacherTest, FindsObjectsAmongProse) {
  EXPECT_EQ(ObjectsIn("a {\"x\": \"}\"} b {broken} {\"y\": {\"z\": 1}}").size(), 2u);
  EXPECT_TRUE(ObjectsIn("{{{{").empty());
  EXPECT_DOUBLE_EQ(Likeness("move money", "move money"), 1);
  EXPECT_LT(Likeness("move money", "cancel card"), 0.2);
}

}  // namespace
}  // namespace sotto
