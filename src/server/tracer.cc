#include "server/tracer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <deque>
#include <mutex>

#include "base/log.h"
#include "base/unique_id.h"
#include "server/metrics.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;

constexpr size_t kSpanIdDigits = 16;
constexpr milliseconds kCollectorAnswersWithin{10000};
constexpr milliseconds kLongestPause{60000};

std::string NanoText(Span::Wall time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

Json ValueOf(const Span::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return {{"stringValue", *text}};
  if (const auto* number = std::get_if<int64_t>(&value)) return {{"intValue", std::to_string(*number)}};
  if (const auto* number = std::get_if<double>(&value)) return {{"doubleValue", *number}};
  return {{"boolValue", std::get<bool>(value)}};
}

Json AttributesOf(const std::vector<std::pair<std::string, Span::Value>>& attributes) {
  Json list = Json::array();
  for (const auto& [key, value] : attributes) list.push_back({{"key", key}, {"value", ValueOf(value)}});
  return list;
}

Json SpanJson(const Span& span) {
  Json json = {{"traceId", span.context.trace_id},
               {"spanId", span.context.span_id},
               {"name", span.name},
               {"kind", static_cast<int>(span.kind)},
               {"startTimeUnixNano", NanoText(span.begin)},
               {"endTimeUnixNano", NanoText(span.end)},
               {"attributes", AttributesOf(span.attributes)},
               {"status", {{"code", span.failed ? 2 : 0}}}};
  if (!span.parent.empty()) json["parentSpanId"] = span.parent;
  if (!span.context.state.empty()) json["traceState"] = span.context.state;
  return json;
}

// The first digits of a random id as a number in [0, 1).
double PlaceOf(std::string_view trace_id) {
  uint32_t value = 0;
  std::from_chars(trace_id.data(), trace_id.data() + 8, value, 16);
  return static_cast<double>(value) / 4294967296.0;
}

}  // namespace

std::string OtlpBody(const std::vector<Span>& spans) {
  Json list = Json::array();
  for (const Span& span : spans) list.push_back(SpanJson(span));
  const Json body = {
      {"resourceSpans",
       {{{"resource", {{"attributes", AttributesOf({{"service.name", std::string("sotto")}})}}},
         {"scopeSpans", {{{"scope", {{"name", "sotto.server"}}}, {"spans", std::move(list)}}}}}}}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int64_t ReadOtlpAnswer(std::string_view body) {
  if (body.empty() || body.size() > 65536) return 0;
  const auto json = ParseJson(body, "the collector's answer");
  if (!json || !json->is_object()) return 0;
  const auto partial = json->find("partialSuccess");
  if (partial == json->end() || !partial->is_object()) return 0;
  const auto rejected = partial->find("rejectedSpans");
  if (rejected == partial->end()) return 0;
  int64_t n = 0;
  if (rejected->is_number_integer()) {
    n = rejected->get<int64_t>();
  } else if (rejected->is_string()) {  // 64-bit integers are texts in protobuf's JSON
    const auto& text = rejected->get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), n);
  }
  return std::max<int64_t>(0, n);
}

struct Tracer::Shared : std::enable_shared_from_this<Shared> {
  Shared(Scheduler& runs, ServerMetrics& counts, TracerOptions given)
      : scheduler(runs), metrics(counts), options(std::move(given)), strand(runs.NewStrand()) {}

  Scheduler& scheduler;
  ServerMetrics& metrics;
  const TracerOptions options;
  const Scheduler::Strand strand;
  const std::unique_ptr<HttpClient> http = MakeHttpClient();
  std::atomic<bool> posted{false};  // a batch is on its way, or will be when its time comes
  std::mutex mutex;
  // All guarded by mutex.
  std::deque<Span> waiting;
  milliseconds pause{0};
  bool told = false;    // that the collector is away
  bool closed = false;  // the metrics have gone

  void Put(Span span) {
    const std::lock_guard lock(mutex);
    if (closed) return;
    if (waiting.size() >= options.most_waiting) return metrics.Spans("dropped", 1);
    waiting.push_back(std::move(span));
    if (!posted)
      Post(pause.count() > 0 ? pause : waiting.size() >= options.batch ? milliseconds(0) : options.every);
  }
  // REQUIRES: mutex is held.
  void Post(Duration after) {
    posted = true;
    scheduler.Post(
        {.strand = strand,
         .priority = Priority::kIdle,
         .blocks = true,
         .not_before = scheduler.clock().Now() + after,
         .what = "spans for the collector"},
        [weak = weak_from_this()](std::stop_token stop) -> Result<void> {
          if (const auto self = weak.lock()) self->Send(stop);
          return {};
        },
        // Refused: the next span tries again. Not under the mutex, which may be held here.
        [weak = weak_from_this()](const Result<void>& done) {
          const auto self = weak.lock();
          if (self != nullptr && !done) self->posted = false;
        });
  }
  void Send(const std::stop_token& stop) {
    std::vector<Span> batch;
    {
      const std::lock_guard lock(mutex);
      const auto n = static_cast<std::ptrdiff_t>(std::min(waiting.size(), options.batch));
      batch.assign(std::make_move_iterator(waiting.begin()), std::make_move_iterator(waiting.begin() + n));
      waiting.erase(waiting.begin(), waiting.begin() + n);
    }
    HttpHeaders headers = options.headers;
    headers.emplace_back("Content-Type", "application/json");
    const auto answer = http->Send({.method = "POST",
                                    .url = options.url,
                                    .headers = std::move(headers),
                                    .body = OtlpBody(batch),
                                    .timeout = kCollectorAnswersWithin,
                                    .stop = stop});
    const std::lock_guard lock(mutex);
    if (closed) return;
    Count(answer, static_cast<int64_t>(batch.size()));
    posted = false;
    if (waiting.empty()) return;
    Post(pause.count() > 0 ? pause : waiting.size() >= options.batch ? milliseconds(0) : options.every);
  }
  // REQUIRES: mutex is held.
  void Count(const Result<HttpAnswer>& answer, int64_t n) {
    if (answer && answer->ok()) {
      const int64_t rejected = std::min(n, ReadOtlpAnswer(answer->body));
      metrics.Spans("sent", n - rejected);
      if (rejected > 0) metrics.Spans("rejected", rejected);
      if (std::exchange(told, false)) Log().info("traces: the collector is back");
      pause = milliseconds(0);
      return;
    }
    metrics.Spans("dropped", n);
    pause = std::min(kLongestPause, std::max(options.every, 2 * pause));
    if (!std::exchange(told, true)) {
      Log().warn("traces: {}: {}; spans are dropped until it is back", HttpOrigin(options.url),
                 answer ? fmt::format("HTTP {}", answer->status) : answer.error().message);
    }
  }
};

Result<std::unique_ptr<Tracer>> Tracer::Open(Scheduler& scheduler, ServerMetrics& metrics,
                                             TracerOptions options) {
  if (!options.url.empty() && !options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "traces: '{}' is no address of a collector, as in http://127.0.0.1:4318/v1/traces",
                     options.url);
  }
  auto shared = std::make_shared<Shared>(scheduler, metrics, options);
  return std::unique_ptr<Tracer>(new Tracer(std::move(shared), std::move(options)));
}

Tracer::~Tracer() {
  const std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
}

Span Tracer::Begin(const std::optional<TraceContext>& parent, std::string name, Span::Kind kind) const {
  Span span;
  if (parent) {
    span.context = *parent;
    span.parent = parent->span_id;
  } else {
    span.context.trace_id = UniqueId();
    span.context.sampled = PlaceOf(span.context.trace_id) < options_.share;
  }
  span.context.span_id = UniqueId().substr(0, kSpanIdDigits);
  span.name = std::move(name);
  span.kind = kind;
  span.begin = shared_->scheduler.clock().WallNow();
  return span;
}

void Tracer::End(Span span) {
  if (!on() || !span.context.sampled) return;
  if (span.end == Span::Wall{}) span.end = shared_->scheduler.clock().WallNow();
  shared_->Put(std::move(span));
}

void Tracer::Turn(const TraceContext& parent, const TurnRecord& record, Span::Wall session_began) {
  if (!on() || !parent.sampled) return;
  const TurnRecord::Times& times = record.times;
  const auto at = [&](double ms) {
    return session_began + std::chrono::duration_cast<Span::Wall::duration>(
                               std::chrono::duration<double, std::milli>(std::max(0.0, ms)));
  };
  const std::array<double, 9> all{times.speech_start,     times.speech_end,  times.endpoint,
                                  times.final_transcript, times.understood,  times.acted,
                                  times.replied,          times.first_audio, times.done};
  double first = -1;
  double last = -1;
  for (const double ms : all) {
    if (ms < 0) continue;
    if (first < 0 || ms < first) first = ms;
    last = std::max(last, ms);
  }
  Span turn = Begin(parent, "turn", Span::Kind::kInternal);
  turn.begin = at(first);
  turn.end = at(last);
  turn.failed = !record.errors.empty();
  turn.attributes = {{"sotto.workflow", record.workflow},
                     {"sotto.channel", record.channel},
                     {"sotto.turn", static_cast<int64_t>(record.turn)},
                     {"sotto.outcome", std::string(OutcomeName(record.outcome))},
                     {"sotto.ended_by", record.ended_by},
                     {"sotto.interrupted", record.interrupted}};
  if (record.understood) turn.attributes.emplace_back("sotto.confidence", record.understood->confidence);
  const TraceContext context = turn.context;
  const auto stage = [&](const char* name, double from, double to) {
    if (from < 0 || to < from) return;
    Span span = Begin(context, name, Span::Kind::kInternal);
    span.begin = at(from);
    span.end = at(to);
    End(std::move(span));
  };
  stage("speech", times.speech_start, times.speech_end);
  stage("endpoint", times.speech_end, times.endpoint);
  stage("words", times.endpoint, times.final_transcript);
  stage("meaning", times.final_transcript, times.understood);
  double action_end = times.acted;
  for (auto action = record.actions.rbegin(); action != record.actions.rend() && action_end >= 0; ++action) {
    Span span = Begin(context, "action", Span::Kind::kInternal);
    span.begin = at(action_end - action->ms);
    span.end = at(action_end);
    span.failed = !action->result.ok;
    span.attributes = {{"sotto.tool", action->request.tool},
                       {"sotto.result", action->result.ok ? std::string("ok") : action->result.failure}};
    action_end -= action->ms;
    End(std::move(span));
  }
  stage("first_audio", times.replied, times.first_audio);
  stage("reply", times.first_audio, times.done);
  End(std::move(turn));
}

}  // namespace sotto
