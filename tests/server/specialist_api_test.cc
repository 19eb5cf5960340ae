#include "server/specialist_api.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

class SpecialistApiTest : public ::testing::Test {
 protected:
  SpecialistApiTest()
      : api_(scheduler_, [] { return std::filesystem::path(SOTTO_SOURCE_DIR "/specialists"); }) {
    api_.AddTo(router_);
  }

  // What is answered; the scheduler works before Post() returns.
  WebResponse Ask(const std::string& method, const std::string& path, const std::string& body = "") {
    const Router::Found found = router_.Find(method, path);
    EXPECT_NE(found.route, nullptr) << path;
    WebResponse got;
    Exchange exchange;
    exchange.request.method = method;
    exchange.request.path = path;
    exchange.request.body = body;
    exchange.steps = found.steps;
    exchange.respond = [&got](WebResponse response) { got = std::move(response); };
    found.route->handle(std::move(exchange));
    return got;
  }

  FakeClock clock_;
  Scheduler scheduler_{clock_};
  Router router_;
  SpecialistApi api_;
};

TEST_F(SpecialistApiTest, ListsExtractsAndClassifies) {
  const Json list = Json::parse(Ask("GET", "/v1/specialists").body);
  EXPECT_GE(list["specialists"].size(), 8u);
  const WebResponse extracted =
      Ask("POST", "/v1/extract",
          R"({"specialist": "date", "input": ["next friday", "may I"], "today": "2016-11-07"})");
  EXPECT_EQ(extracted.status, 200) << extracted.body;
  const Json found = Json::parse(extracted.body);
  ASSERT_EQ(found["results"].size(), 2u);
  EXPECT_EQ(found["results"][0]["found"][0]["value"], "2016-11-18");
  EXPECT_TRUE(found["results"][1]["found"].empty());
  const Json risk = Json::parse(
      Ask("POST", "/v1/classify", R"({"specialist": "escalation_risk", "input": "let me talk to a person"})")
          .body);
  EXPECT_EQ(risk["results"][0]["risk"], 1.0);
}

TEST_F(SpecialistApiTest, RefusesWhatItCannotDo) {
  EXPECT_EQ(Ask("POST", "/v1/classify", R"({"specialist": "date", "input": "x"})").status, 400);
  EXPECT_EQ(Ask("POST", "/v1/classify", R"({"specialist": "../specialists/date", "input": "x"})").status,
            404);
  EXPECT_EQ(Ask("POST", "/v1/classify", R"({"specialist": "nobody", "input": "x"})").status, 404);
  for (const char* wrong :
       {"{", "[]", R"({"input": "x"})", R"({"specialist": "date"})", R"({"specialist": "date", "input": []})",
        R"({"specialist": "date", "input": [1]})",
        R"({"specialist": "date", "input": "x", "today": "2016-13-01"})",
        R"({"specialist": "date", "input": "x", "texts": []})"})
    EXPECT_EQ(Ask("POST", "/v1/extract", wrong).status, 400) << wrong;
  EXPECT_EQ(Ask("POST", "/v1/embeddings", R"({"input": 3})").status, 400);
}

}  // namespace
}  // namespace sotto
