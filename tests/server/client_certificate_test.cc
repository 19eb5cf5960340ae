// Client certificates on a real port: who is let in, whose key they are, what is said where a file is wrong. The
// certificates are made by the program openssl.
#include "server/client_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/check.h"
#include "server/access.h"
#include "server/http_server.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// In a folder: an authority (ca.pem), another (other.pem), the server's certificate, a client's of each.
class Certificates {
 public:
  Certificates() {
    Authority("ca");
    Authority("other");
    Signed("server", "ca", "DNS:localhost");
    Signed("till", "ca", "DNS:till-7.shop.example,URI:spiffe://shop/till");
    Signed("stranger", "other", "DNS:till-7.shop.example");
  }
  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }

 private:
  void Run(const std::string& arguments) const {
    const std::string command =
        fmt::format("cd '{}' && openssl {} >openssl.log 2>&1", folder_.path().string(), arguments);
    SOTTO_CHECK(std::system(command.c_str()) == 0, "{}", command);
  }
  void Authority(const std::string& name) const {
    Run(fmt::format(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={0} -keyout "
        "{0}.key -out {0}.pem",
        name));
  }
  void Signed(const std::string& name, const std::string& by, const std::string& names) const {
    Run(fmt::format(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={0} -keyout {0}.key -out "
        "{0}.csr",
        name));
    std::ofstream(folder_.path() / "names") << "subjectAltName=" << names << "\n";
    Run(
        fmt::format("x509 -req -in {0}.csr -CA {1}.pem -CAkey {1}.key -set_serial {2} -days 2 -extfile names "
                    "-out {0}.pem",
                    name, by, name.size()));
  }

  const TempFolder folder_;
};

// Says who the client is taken for.
class WhoHandler final : public HttpHandler {
 public:
  explicit WhoHandler(Access& access) : access_(access) {}
  void Handle(WebRequest request, HttpRespond respond) override {
    WebResponse response;
    const auto client = access_.Check(request);
    response.status = client ? 200 : client.error().status;
    response.body = client ? client->name + (client->by_certificate ? " by certificate" : " by key")
                           : client.error().detail;
    response.type = fmt::format("{}", fmt::join(request.certificate, "|"));
    respond(std::move(response));
  }
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest&) override { return WebResponse{}; }
  WebResponse Refuse(int status, std::string_view) override {
    WebResponse response;
    response.status = status;
    return response;
  }

 private:
  Access& access_;
};

class ClientCertificateTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { made_ = new Certificates; }
  static void TearDownTestSuite() { delete made_; }

  HttpOptions Options() const {
    HttpOptions options;
    options.certificate = made_->Path("server.pem");
    options.certificate_key = made_->Path("server.key");
    options.client_authorities = made_->Path("ca.pem");
    return options;
  }
  void Start(const HttpOptions& options) {
    auto listening = HttpServer::Listen(io_, options, handler_);
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = *std::move(listening);
  }
  // The answer, whole; empty: there was none. `name`: of the certificate shown; empty: none is.
  std::string Ask(const std::string& name, const std::string& header = "") const {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (!name.empty()) {
      SSL_CTX_use_certificate_file(context, made_->Path(name + ".pem").c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context, made_->Path(name + ".key").c_str(), SSL_FILETYPE_PEM);
    }
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server_->port());
    SOTTO_CHECK(connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    SSL* tls = SSL_new(context);
    SSL_set_fd(tls, connection);
    std::string got;
    if (SSL_connect(tls) == 1) {
      const std::string request =
          "GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + "\r\n";
      SSL_write(tls, request.data(), static_cast<int>(request.size()));
      char block[4096];
      for (int n; (n = SSL_read(tls, block, sizeof block)) > 0;) got.append(block, static_cast<size_t>(n));
    }
    SSL_free(tls);
    close(connection);
    SSL_CTX_free(context);
    return got;
  }

  static Certificates* made_;
  const TempFolder folder_;
  const std::string keys_ = (folder_.path() / "keys.json").string();
  const SystemClock clock_;
  const std::string secret_ = [this] {
    KeyFile file;
    const std::string key = file.Add({.name = "shop", .scopes = {scope::kTalk}}).value();
    EXPECT_EQ(
        file.Add({.name = "till", .scopes = {scope::kTalk}, .certificate = "till-7.shop.example"}).value(),
        "");
    EXPECT_THAT(file.Add({.name = "till 2", .certificate = "till-7.shop.example"}).error().message,
                HasSubstr("the key 'till' is that of the certificate"));
    EXPECT_TRUE(file.Write(keys_));
    return key;
  }();
  const std::unique_ptr<Access> access_ = Access::Open(clock_, {.keys = keys_}).value();
  WhoHandler handler_{*access_};
  IoThreads io_{1};
  std::unique_ptr<HttpServer> server_;
};

Certificates* ClientCertificateTest::made_ = nullptr;

TEST_F(ClientCertificateTest, ACertificateIsAKey) {
  Start(Options());
  const std::string answer = Ask("till");
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("till by certificate"));
  EXPECT_THAT(answer, HasSubstr("till|till-7.shop.example|spiffe://shop/till"));
  // A key in the request says who asks all the same.
  EXPECT_THAT(Ask("till", "Authorization: Bearer " + secret_ + "\r\n"), HasSubstr("shop by key"));
  // Signed by the authority, and nobody's key.
  EXPECT_THAT(Ask("server"), HasSubstr("no key is that of this client certificate"));
  // Pages elsewhere do not borrow a browser's certificate.
  EXPECT_THAT(Ask("till", "Origin: https://elsewhere.example\r\n"), HasSubstr("403"));
}

TEST_F(ClientCertificateTest, NobodyIsLetInWithoutOneWhereItIsRequired) {
  Start(Options());
  EXPECT_EQ(Ask(""), "");
  EXPECT_EQ(Ask("stranger"), "");
}

TEST_F(ClientCertificateTest, OneThatIsOptionalMayBeLeftOutButNotWrong) {
  HttpOptions options = Options();
  options.client_certificate_required = false;
  Start(options);
  EXPECT_THAT(Ask("", "Authorization: Bearer " + secret_ + "\r\n"), HasSubstr("shop by key"));
  EXPECT_THAT(Ask(""), HasSubstr("401"));
  EXPECT_THAT(Ask("till"), HasSubstr("till by certificate"));
  EXPECT_EQ(Ask("stranger"), "");
}

TEST_F(ClientCertificateTest, TheKeyFileKeepsWhatItIsTold) {
  const KeyFile read = KeyFile::Read(keys_).value();
  ASSERT_EQ(read.keys.size(), 2u);
  EXPECT_EQ(read.keys[1].certificate, "till-7.shop.example");
  EXPECT_EQ(read.keys[1].id, "");
  std::ofstream(folder_.path() / "wrong.json")
      << R"({"hash_key": "00", "keys": [{"name": "a", "scopes": []}]})";
  EXPECT_THAT(KeyFile::Read(folder_.path() / "wrong.json").error().message, HasSubstr("keys[0].id"));
}

TEST_F(ClientCertificateTest, WrongFilesAreNamed) {
  HttpOptions options = Options();
  options.client_authorities = folder_.path() / "no.pem";
  EXPECT_THAT(HttpServer::Listen(io_, options, handler_).error().message,
              testing::AllOf(HasSubstr("no.pem"), HasSubstr("PEM file of one or more CA certificates")));
  std::ofstream(folder_.path() / "empty.pem") << "nothing\n";
  options.client_authorities = folder_.path() / "empty.pem";
  EXPECT_THAT(HttpServer::Listen(io_, options, handler_).error().message, HasSubstr("empty.pem"));
  options = {};
  options.client_authorities = made_->Path("ca.pem");
  EXPECT_THAT(HttpServer::Listen(io_, options, handler_).error().message,
              HasSubstr("needs --certificate and --certificate-key"));
}

}  // namespace
}  // namespace sotto
