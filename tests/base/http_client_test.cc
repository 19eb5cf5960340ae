#include "base/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <future>

#include "base/sse.h"
#include "loopback_server.h"

namespace sotto {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

HttpRequest Get(std::string url) { return {.url = std::move(url)}; }

// Answers every request of a connection with `answer(request)`.
std::function<void(int)> Answers(std::function<std::string(const ReceivedRequest&)> answer) {
  return [answer = std::move(answer)](int connection) {
    while (true) {
      const ReceivedRequest request = ReceiveRequest(connection);
      if (request.head.empty() || !SendBytes(connection, answer(request))) return;
    }
  };
}

TEST(HttpClient, SendsAndReceives) {
  std::atomic<int> connections{0};
  const LoopbackServer server([&](int connection) {
    ++connections;
    Answers([](const ReceivedRequest& request) {
      return AnswerText(request.head.starts_with("PUT /a?b=c HTTP/1.1") ? 201 : 400,
                        request.body + "|" + request.head, "X-Note:  seen \r\n");
    })(connection);
  });
  const auto http = MakeHttpClient();
  for (int i = 0; i < 3; ++i) {
    const auto answer = http->Send({.method = "PUT",
                                    .url = server.url("/a?b=c"),
                                    .headers = {{"Authorization", "Bearer x"}, {"X-Empty", ""}},
                                    .body = "text"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 201);
    EXPECT_EQ(answer->Header("x-note"), "seen");
    EXPECT_THAT(answer->body,
                AllOf(HasSubstr("text|PUT"), HasSubstr("Authorization: Bearer x"), HasSubstr("X-Empty:")));
  }
  EXPECT_EQ(connections, 1) << "a connection is used again";
  ASSERT_TRUE(http->Send({.method = "PUT", .url = server.url("/a?b=c"), .new_connection = true}));
  EXPECT_EQ(connections, 2);
}

TEST(HttpClient, SendsForms) {
  const LoopbackServer server(
      Answers([](const ReceivedRequest& request) { return AnswerText(200, request.body); }));
  const auto answer = MakeHttpClient()->Send(
      {.method = "POST",
       .url = server.url(),
       .form = {{"file", std::string("RI\0FF", 5), "speech.wav", "audio/wav"}, {"model", "m"}}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(answer->body, AllOf(HasSubstr("filename=\"speech.wav\""), HasSubstr("audio/wav"),
                                  HasSubstr(std::string("RI\0FF", 5)), HasSubstr("name=\"model\"")));
}

TEST(HttpClient, ManyRequestsShareOneThread) {
  const LoopbackServer server(
      Answers([](const ReceivedRequest& request) { return AnswerText(200, request.body); }));
  const auto http = MakeHttpClient();
  std::vector<std::promise<std::string>> bodies(50);
  for (size_t i = 0; i < bodies.size(); ++i) {
    http->Start({.method = "POST", .url = server.url(), .body = std::to_string(i)}, nullptr,
                [&bodies, i](Result<HttpAnswer> answer) { bodies[i].set_value(answer ? answer->body : ""); });
  }
  for (size_t i = 0; i < bodies.size(); ++i) EXPECT_EQ(bodies[i].get_future().get(), std::to_string(i));
}

TEST(HttpClient, FollowsNoRedirect) {
  std::atomic<int> requests{0};
  const LoopbackServer server(Answers([&](const ReceivedRequest&) {
    ++requests;
    return AnswerText(302, "", "Location: /elsewhere\r\n");
  }));
  const auto answer = MakeHttpClient()->Send(Get(server.url()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(requests, 1);
}

TEST(HttpClient, NamesWhatCameInTheWay) {
  const auto http = MakeHttpClient();
  EXPECT_EQ(http->Send(Get("http://127.0.0.1:1/x")).error().code, ErrorCode::kUnavailable);
  {
    const LoopbackServer server([](int connection) { WaitForEnd(connection); });
    EXPECT_EQ(http->Send({.url = server.url(), .timeout = std::chrono::milliseconds(30)}).error().code,
              ErrorCode::kTimeout);
  }
  {
    const LoopbackServer server([](int connection) { ReceiveRequest(connection); });
    EXPECT_EQ(http->Send(Get(server.url())).error().code, ErrorCode::kIo);
  }
  {
    const LoopbackServer server(
        Answers([](const ReceivedRequest&) { return AnswerText(200, std::string(5000, 'x')); }));
    EXPECT_EQ(http->Send({.url = server.url(), .max_answer_bytes = 4999}).error().code,
              ErrorCode::kOutOfRange);
    EXPECT_TRUE(http->Send({.url = server.url(), .max_answer_bytes = 5000}));
  }
  {
    const LoopbackServer server([](int connection) {
      ReceiveRequest(connection);
      std::string head = "HTTP/1.1 200 OK\r\n";
      for (int i = 0; i < 400; ++i) head += fmt::format("X-{}: {}\r\n", i, std::string(1000, 'y'));
      SendBytes(connection, head + "Content-Length: 0\r\n\r\n");
    });
    EXPECT_EQ(http->Send(Get(server.url())).error().code, ErrorCode::kOutOfRange);
  }
  for (const char* url :
       {"ftp://127.0.0.1/x", "file:///etc/passwd", "127.0.0.1", "http://", "http://h/\r\nX: y", ""}) {
    EXPECT_EQ(http->Send(Get(url)).error().code, ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(http->Send({.url = "http://127.0.0.1:1/", .headers = {{"X", "a\r\nY: b"}}}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(HttpClient, StreamsToTheCallersThread) {
  const LoopbackServer server(
      Answers([](const ReceivedRequest&) { return AnswerText(200, std::string(100'000, 's')); }));
  const auto http = MakeHttpClient();
  size_t size = 0;
  const std::thread::id here = std::this_thread::get_id();
  const auto answer = http->Send(Get(server.url()), [&](const HttpAnswer& head, std::string_view bytes) {
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(std::this_thread::get_id(), here);
    size += bytes.size();
    return true;
  });
  ASSERT_TRUE(answer);
  EXPECT_EQ(size, 100'000u);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(
      http->Send(Get(server.url()), [](const HttpAnswer&, std::string_view) { return false; }).error().code,
      ErrorCode::kCancelled);
}

TEST(HttpClient, StopsWhenAskedTo) {
  std::promise<void> begun;
  const LoopbackServer server([&](int connection) {
    ReceiveRequest(connection);
    begun.set_value();
    WaitForEnd(connection);
  });
  std::stop_source stop;
  std::promise<ErrorCode> told;
  {
    const auto http = MakeHttpClient();
    http->Start({.url = server.url(), .timeout = std::chrono::hours(1), .stop = stop.get_token()}, nullptr,
                [&](Result<HttpAnswer> answer) { told.set_value(answer.error().code); });
    begun.get_future().wait();
    stop.request_stop();
    EXPECT_EQ(told.get_future().get(), ErrorCode::kCancelled);
    EXPECT_EQ(http->Send({.url = server.url(), .stop = stop.get_token()}).error().code,
              ErrorCode::kCancelled);
  }
}

TEST(HttpClient, ItsEndEndsWhatRuns) {
  std::promise<void> begun;
  const LoopbackServer server([&](int connection) {
    ReceiveRequest(connection);
    begun.set_value();
    WaitForEnd(connection);
  });
  std::promise<ErrorCode> told;
  auto http = MakeHttpClient();
  http->Start({.url = server.url(), .timeout = std::chrono::hours(1)}, nullptr,
              [&](Result<HttpAnswer> answer) { told.set_value(answer.error().code); });
  begun.get_future().wait();
  http.reset();
  EXPECT_EQ(told.get_future().get(), ErrorCode::kCancelled);
}

// Every way to fail, with a secret in every place that has room for one: none of them may be told.
TEST(HttpClient, ErrorsTellNoSecrets) {
  const LoopbackServer silent([](int connection) { WaitForEnd(connection); });
  const LoopbackServer broken([](int connection) { ReceiveRequest(connection); });
  const LoopbackServer large(
      Answers([](const ReceivedRequest&) { return AnswerText(200, std::string(100, 'x')); }));
  const auto http = MakeHttpClient();
  std::vector<std::string> urls = {"ftp://user-canary:pass-canary@h/path-canary?query-canary",
                                   "http://user-canary:pass canary@h/path-canary?query-canary#canary",
                                   "canary", "http://canary\n/"};
  for (const int port : {silent.port(), broken.port(), large.port(), 1}) {
    urls.push_back(
        fmt::format("http://user-canary:pass-canary@127.0.0.1:{}/path-canary?q=query-canary#canary", port));
  }
  for (const std::string& url : urls) {
    const auto answer = http->Send({.method = "POST",
                                    .url = url,
                                    .headers = {{"Authorization", "Bearer header-canary"}},
                                    .body = "body-canary",
                                    .timeout = std::chrono::milliseconds(30),
                                    .max_answer_bytes = 50});
    ASSERT_FALSE(answer) << url;
    EXPECT_THAT(answer.error().message, Not(HasSubstr("canary")));
  }
  const auto split = http->Send({.url = "http://127.0.0.1:1/", .headers = {{"X-Key", "header-canary\n"}}});
  EXPECT_THAT(split.error().message, AllOf(HasSubstr("X-Key"), Not(HasSubstr("canary"))));
}

TEST(HttpOrigin, KeepsNothingButTheServer) {
  EXPECT_EQ(HttpOrigin("https://user:secret@cards.example:8443/a/b?token=c#d"), "https://cards.example:8443");
  EXPECT_EQ(HttpOrigin("http://localhost/v1"), "http://localhost");
  EXPECT_EQ(HttpOrigin("not a url"), "");
  EXPECT_EQ(HttpAddress("https://user:secret@speech.example/v1?token=c"), "https://speech.example/v1");
  EXPECT_EQ(UrlEscape("a b&c/\xC3\xA9"), "a%20b%26c%2F%C3%A9");
}

struct SslFree {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// A certificate that nobody vouches for.
TEST(HttpClient, TrustsNoCertificateThatDoesNotVerify) {
  const std::unique_ptr<EVP_PKEY, SslFree> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, SslFree> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"),
                             -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  ASSERT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_server_method()));
  ASSERT_EQ(SSL_CTX_use_certificate(context.get(), certificate.get()), 1);
  ASSERT_EQ(SSL_CTX_use_PrivateKey(context.get(), key.get()), 1);
  std::atomic<int> received{0};
  const LoopbackServer server([&](int connection) {
    const std::unique_ptr<SSL, SslFree> ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), connection);
    if (SSL_accept(ssl.get()) != 1) return;
    char block[512];
    if (SSL_read(ssl.get(), block, sizeof block) > 0) ++received;
    const std::string answer = AnswerText(200, "{}");
    SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
  });
  const auto answer = MakeHttpClient()->Send(Get(fmt::format("https://127.0.0.1:{}/", server.port())));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kIo);
  EXPECT_THAT(answer.error().message, HasSubstr("certificate"));
  EXPECT_EQ(received, 0);
}

std::vector<std::string> Events(std::string_view bytes, size_t piece, SseParser parser = SseParser()) {
  std::vector<std::string> events;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const auto fed = parser.Feed(bytes.substr(at, piece), [&](const SseEvent& event) {
      events.push_back(event.type + "|" + event.data + "|" + event.id);
    });
    if (!fed) events.push_back(fed.error().message);
  }
  return events;
}

TEST(SseParser, ReadsEventsInPiecesOfAnySize) {
  constexpr std::string_view kStream =
      "\xEF\xBB\xBF: a comment\nid: 1\ndata: one\n\nevent: add\r\ndata:two\r\ndata:  three\r\n\r\n\n"
      "id: 2\nretry: 10\n\rdata\rdata\r\rid: bad\x01\ndata: {\"a\": 1}\nother: x\n\ndata: never ended";
  for (const size_t piece : {1u, 2u, 3u, 7u, 1000u}) {
    EXPECT_THAT(Events(kStream, piece), testing::ElementsAre("message|one|1", "add|two\n three|1",
                                                             "message|\n|2", "message|{\"a\": 1}|bad\x01"))
        << piece;
  }
}

TEST(SseParser, RefusesEventsWithoutEnd) {
  const std::string stream = "data: ok\n\ndata: " + std::string(200, 'x');
  const auto events = Events(stream, 10, SseParser(100));
  ASSERT_GE(events.size(), 2u);
  EXPECT_EQ(events[0], "message|ok|");
  EXPECT_THAT(events.back(), HasSubstr("more than 100 bytes"));
}

}  // namespace
}  // namespace sotto
