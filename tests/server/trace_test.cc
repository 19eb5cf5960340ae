// Spans: whose trace they belong to, what they say, and what becomes of them where the collector is away.
#include <atomic>
#include <mutex>
#include <thread>

#include "assistant/session_host.h"
#include "base/http_client.h"
#include "loopback_server.h"
#include "scripted_voice.h"
#include "server/server.h"
#include "server/tracer.h"

namespace sotto {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kTrace = "0af7651916cd43dd8448eb211c80319c";
constexpr const char* kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, IsReadAsTheSpecificationSays) {
  const struct {
    std::string text;
    bool good;
  } cases[] = {
      {kParent, true},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true},
      {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
      {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings", true},
      {"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what-the-future-brings", false},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false},
      {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
      {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
      {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
      {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-01", false},
      {"", false},
  };
  for (const auto& one : cases) EXPECT_EQ(ParseTraceParent(one.text).has_value(), one.good) << one.text;
  EXPECT_TRUE(ParseTraceParent(kParent)->sampled);
  EXPECT_FALSE(ParseTraceParent(cases[1].text)->sampled);
  EXPECT_EQ(TraceParentText(*ParseTraceParent(kParent)), kParent);
  EXPECT_EQ(CheckedTraceState("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
            "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
  EXPECT_EQ(CheckedTraceState("tenant@vendor=1, , x=y"), "tenant@vendor=1, , x=y");
  EXPECT_EQ(CheckedTraceState("no pairs"), "");
  EXPECT_EQ(CheckedTraceState("a=b\n"), "");
  EXPECT_EQ(CheckedTraceState(std::string(600, 'a') + "=b"), "");
  WebRequest twice;
  twice.headers = {{"traceparent", kParent}, {"traceparent", kParent}};
  EXPECT_FALSE(TraceContextOf(twice));
}

TEST(OtlpAnswer, SaysHowManyWereNotTaken) {
  EXPECT_EQ(ReadOtlpAnswer(""), 0);
  EXPECT_EQ(ReadOtlpAnswer("{}"), 0);
  EXPECT_EQ(ReadOtlpAnswer(R"({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "full"}})"), 3);
  EXPECT_EQ(ReadOtlpAnswer(R"({"partialSuccess": {"rejectedSpans": 2}})"), 2);
  EXPECT_EQ(ReadOtlpAnswer(R"({"partialSuccess": {"rejectedSpans": -2}})"), 0);
  EXPECT_EQ(ReadOtlpAnswer("[1"), 0);
}

// Takes spans, as an OpenTelemetry collector does.
class Collector {
 public:
  explicit Collector(int status = 200, std::string answer = "{}")
      : server_([this, status, answer = std::move(answer)](int connection) {
          while (true) {
            const ReceivedRequest request = ReceiveRequest(connection);
            if (request.head.empty()) return;
            const Json body = Json::parse(request.body);
            {
              const std::lock_guard lock(mutex_);
              head_ = request.head;
              for (const Json& span : body["resourceSpans"][0]["scopeSpans"][0]["spans"])
                spans_.push_back(span);
              n_ = static_cast<int>(spans_.size());
            }
            n_.notify_all();
            if (!SendBytes(connection, AnswerText(status, answer))) return;
          }
        }) {}
  std::string url() const { return server_.url("/v1/traces"); }
  std::vector<Json> WaitFor(int n) const {
    for (int now = n_; now < n; now = n_) n_.wait(now);
    const std::lock_guard lock(mutex_);
    return spans_;
  }
  std::string head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }

 private:
  mutable std::mutex mutex_;
  std::string head_;  // guarded by mutex_, as is the next
  std::vector<Json> spans_;
  std::atomic<int> n_{0};
  LoopbackServer server_;
};

const Json* FindSpan(const std::vector<Json>& spans, std::string_view name) {
  for (const Json& span : spans) {
    if (span["name"] == name) return &span;
  }
  return nullptr;
}

int CountOf(const ServerMetrics& metrics, const std::string& result) {
  const std::string text = metrics.Text({}, 0);
  const std::string line = "sotto_trace_spans_total{result=\"" + result + "\"} ";
  const size_t at = text.find(line);
  return at == std::string::npos ? 0 : std::stoi(text.substr(at + line.size()));
}

void WaitForCount(const ServerMetrics& metrics, const std::string& result, int n) {
  while (CountOf(metrics, result) < n) std::this_thread::yield();
}

TEST(Tracer, SendsWhatEndedWithTheHeadersThatTheCollectorWants) {
  const Collector collector(200, R"({"partialSuccess": {"rejectedSpans": "1"}})");
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  ServerMetrics metrics;
  const auto tracer =
      Tracer::Open(scheduler, metrics,
                   {.url = collector.url(), .headers = {{"X-Key", "secret"}}, .every = milliseconds(1)})
          .value();
  Span span = tracer->Begin(ParseTraceParent(kParent), "GET /healthz", Span::Kind::kServer);
  span.context.state = "congo=1";
  span.attributes = {{"a", std::string("b")}, {"n", int64_t{200}}, {"x", 0.5}, {"y", true}};
  span.failed = true;
  tracer->End(span);
  tracer->End(tracer->Begin(std::nullopt, "second", Span::Kind::kInternal));
  const auto spans = collector.WaitFor(2);
  EXPECT_EQ(spans[0]["traceId"], kTrace);
  EXPECT_EQ(spans[0]["parentSpanId"], "b7ad6b7169203331");
  EXPECT_EQ(spans[0]["spanId"].get<std::string>().size(), 16u);
  EXPECT_EQ(spans[0]["traceState"], "congo=1");
  EXPECT_EQ(spans[0]["kind"], 2);
  EXPECT_EQ(spans[0]["status"]["code"], 2);
  EXPECT_EQ(spans[0]["attributes"][1], Json::parse(R"({"key": "n", "value": {"intValue": "200"}})"));
  EXPECT_LE(std::stoll(spans[0]["startTimeUnixNano"].get<std::string>()),
            std::stoll(spans[0]["endTimeUnixNano"].get<std::string>()));
  EXPECT_FALSE(spans[1].contains("parentSpanId"));
  EXPECT_NE(spans[1]["traceId"], kTrace);
  EXPECT_THAT(collector.head(), HasSubstr("X-Key: secret"));
  WaitForCount(metrics, "rejected", 1);
}

TEST(Tracer, WhatTheCollectorDoesNotTakeIsDroppedAndCounted) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  ServerMetrics metrics;
  const auto away =
      Tracer::Open(scheduler, metrics, {.url = "http://127.0.0.1:1/v1/traces", .every = milliseconds(1)})
          .value();
  for (int i = 0; i < 3; ++i) away->End(away->Begin(std::nullopt, "a", Span::Kind::kInternal));
  WaitForCount(metrics, "dropped", 3);
  const Collector wrong(503);
  const auto refused =
      Tracer::Open(scheduler, metrics, {.url = wrong.url(), .every = milliseconds(1)}).value();
  refused->End(refused->Begin(std::nullopt, "a", Span::Kind::kInternal));
  WaitForCount(metrics, "dropped", 4);
  EXPECT_EQ(CountOf(metrics, "sent"), 0);
}

TEST(Tracer, TheQueueIsBoundedAndSharesAreKept) {
  const FakeClock clock;  // stands still: nothing is ever sent
  Scheduler scheduler(clock);
  ServerMetrics metrics;
  const auto tracer =
      Tracer::Open(scheduler, metrics, {.url = "http://127.0.0.1:1/", .most_waiting = 3}).value();
  for (int i = 0; i < 5; ++i) tracer->End(tracer->Begin(std::nullopt, "a", Span::Kind::kInternal));
  EXPECT_EQ(CountOf(metrics, "dropped"), 2);
  const auto none = Tracer::Open(scheduler, metrics, {.url = "http://127.0.0.1:1/", .share = 0}).value();
  EXPECT_FALSE(none->Begin(std::nullopt, "a", Span::Kind::kServer).context.sampled);
  EXPECT_TRUE(none->Begin(ParseTraceParent(kParent), "a", Span::Kind::kServer).context.sampled);
  EXPECT_FALSE(Tracer::Open(scheduler, metrics, {.url = "collector:4318"}));
  EXPECT_FALSE(Tracer::Open(scheduler, metrics, {}).value()->on());
}

TEST(Tracer, ARequestsTraceGoesThroughItsTurnAndNamesNobody) {
  const Collector collector;
  const TempFolder folder;
  const auto host = SessionHost::Open({.threads = 2}).value();
  Scheduler& scheduler = host->scheduler();
  auto deployment =
      OpenDeployment(
          {.workflow = SOTTO_SOURCE_DIR "/workflows/banking", .databases = folder.path(), .spoken = false},
          {scheduler, scheduler})
          .value();
  Caller caller;
  caller.customer = "1";
  caller.verified_by = "test";
  const auto served =
      std::make_shared<ServedWorkflow>(ServedWorkflow{"banking", std::move(deployment), caller});
  ServerOptions options;
  options.traces = {.url = collector.url(), .every = milliseconds(5)};
  const auto server = Server::Start({&host->clock(), &scheduler, nullptr, nullptr}, std::move(options),
                                    [&]() -> Result<std::vector<ServedWorkflowPtr>> {
                                      return std::vector<ServedWorkflowPtr>{served};
                                    })
                          .value();
  const auto http = MakeHttpClient();
  const auto ask = [&](const std::string& path, const Json& body, HttpHeaders headers) {
    headers.emplace_back("Content-Type", "application/json");
    return http
        ->Send({.method = "POST",
                .url = server->url() + path,
                .headers = std::move(headers),
                .body = body.dump()})
        .value();
  };
  const std::string session = "canary-session-4141";
  EXPECT_EQ(ask("/v1/sessions", {{"session", session}}, {{"traceparent", "not one"}}).status, 201);
  EXPECT_EQ(ask("/v1/sessions/" + session + "/turns", {{"text", "what is my savings balance canarybird"}},
                {{"traceparent", kParent}, {"tracestate", "congo=1"}})
                .status,
            200);
  std::vector<Json> spans;
  for (int n = 1;; ++n) {
    spans = collector.WaitFor(n);
    const Json* request = FindSpan(spans, "POST /v1/sessions/{id}/turns");
    if (request != nullptr && FindSpan(spans, "action") != nullptr) break;
  }
  const Json& request = *FindSpan(spans, "POST /v1/sessions/{id}/turns");
  EXPECT_EQ(request["traceId"], kTrace);
  EXPECT_EQ(request["parentSpanId"], "b7ad6b7169203331");
  EXPECT_EQ(request["traceState"], "congo=1");
  const Json* turn = nullptr;
  for (const Json& span : spans) {
    if (span["name"] == "turn" && span["traceId"] == kTrace) turn = &span;
  }
  ASSERT_NE(turn, nullptr);
  EXPECT_EQ((*turn)["parentSpanId"], request["spanId"]);
  for (const char* stage : {"meaning", "action"}) {
    const Json* span = FindSpan(spans, stage);
    ASSERT_NE(span, nullptr) << stage;
    EXPECT_EQ((*span)["parentSpanId"], (*turn)["spanId"]) << stage;
    EXPECT_EQ((*span)["traceId"], kTrace);
  }
  EXPECT_THAT(FindSpan(spans, "action")->dump(), HasSubstr("check_balance"));
  const Json* began = FindSpan(spans, "POST /v1/sessions");
  ASSERT_NE(began, nullptr);
  EXPECT_FALSE(began->contains("parentSpanId"));  // what cannot be read begins a trace of its own
  for (const Json& span : spans) {
    EXPECT_THAT(span.dump(), Not(HasSubstr("canary")));
    EXPECT_THAT(span.dump(), Not(HasSubstr("4141")));
  }
}

TEST(Tracer, ACallIsASpanOfItsTurnsAndStages) {
  ScriptedVoice world;
  const Collector collector;
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  const auto tracer =
      Tracer::Open(scheduler, world.metrics, {.url = collector.url(), .every = milliseconds(5)}).value();
  const auto line = std::make_shared<HeardLine>();
  line->set_trace(ParseTraceParent(kParent));
  VoiceCall::Services services;
  services.tracer = tracer.get();
  const auto call = world.Open(line, services);
  world.Silence(*call, 5000);
  world.Say(*call, "what is my savings balance");
  world.Silence(*call, 8000);
  call->HangUp("hung_up");
  world.Step(*call);
  std::vector<Json> spans;
  for (int n = 1; FindSpan(spans, "call") == nullptr; ++n) spans = collector.WaitFor(n);
  const Json& whole = *FindSpan(spans, "call");
  EXPECT_EQ(whole["traceId"], kTrace);
  EXPECT_EQ(whole["parentSpanId"], "b7ad6b7169203331");
  EXPECT_THAT(whole.dump(), HasSubstr("hung_up"));
  int turns = 0;
  for (const Json& span : spans) {
    EXPECT_EQ(span["traceId"], kTrace);
    if (span["name"] != "turn") continue;
    ++turns;
    EXPECT_EQ(span["parentSpanId"], whole["spanId"]);
  }
  EXPECT_GE(turns, 2);
  for (const char* stage : {"speech", "endpoint", "words", "meaning", "action", "first_audio", "reply"})
    EXPECT_NE(FindSpan(spans, stage), nullptr) << stage;
  // On the call's clock: a second of speech.
  const Json& speech = *FindSpan(spans, "speech");
  const int64_t lasted = std::stoll(speech["endTimeUnixNano"].get<std::string>()) -
                         std::stoll(speech["startTimeUnixNano"].get<std::string>());
  EXPECT_NEAR(static_cast<double>(lasted) / 1e9, 1, 0.5);
}

}  // namespace
}  // namespace sotto
