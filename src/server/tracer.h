// Spans of what the server does, sent to a collector (OpenTelemetry's OTLP over HTTP, as JSON):
//
//   ended -> a bounded queue --every second, or a full batch--> POST --2xx--> gone
//              '-- full: dropped, counted                         '-- else: dropped, counted; then a longer pause
//
// A span says where time went and how it ended: names of routes, workflows, tools, channels and reasons. What a caller
// said, who they are, and ids that a client made up are never in one: attributes are those of the functions below.
// Nothing here waits for the collector. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/http_client.h"
#include "base/scheduler.h"
#include "core/json.h"
#include "core/turn_record.h"
#include "server/trace_context.h"

namespace sotto {

class ServerMetrics;

struct TracerOptions {
  std::string url = {};        // "http://127.0.0.1:4318/v1/traces"; empty: there are no spans
  HttpHeaders headers = {};    // that the collector wants besides
  double share = 1;            // 0..1 of traces that begin here; whoever asks decides for theirs
  size_t most_waiting = 8192;  // spans
  size_t batch = 512;
  std::chrono::milliseconds every{1000};
};

struct Span {
  enum class Kind { kInternal = 1, kServer = 2 };
  using Value = std::variant<std::string, int64_t, double, bool>;
  using Wall = std::chrono::system_clock::time_point;

  TraceContext context;  // its own id
  std::string parent;    // of 16 digits; empty: it is the first
  std::string name;
  Kind kind = Kind::kInternal;
  Wall begin{};
  Wall end{};
  std::vector<std::pair<std::string, Value>> attributes = {};
  bool failed = false;
};

class Tracer {
 public:
  // kInvalidArgument: an address that is none. The arguments outlive it; `metrics` counts what became of spans.
  static Result<std::unique_ptr<Tracer>> Open(Scheduler& scheduler, ServerMetrics& metrics,
                                              TracerOptions options);
  // Sends nothing more.
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  bool on() const { return !options_.url.empty(); }
  // A span that begins now, below `parent`, or as the first of a trace of its own. Of one that is not sampled only the
  // context is of use.
  Span Begin(const std::optional<TraceContext>& parent, std::string name, Span::Kind kind) const;
  // It ends now; or, with `end` set, did.
  void End(Span span);

  // A turn and its stages below `parent`. `session_began`: when Ms 0 of its times was.
  void Turn(const TraceContext& parent, const TurnRecord& record, Span::Wall session_began);

 private:
  struct Shared;
  Tracer(std::shared_ptr<Shared> shared, TracerOptions options)
      : options_(std::move(options)), shared_(std::move(shared)) {}

  const TracerOptions options_;
  const std::shared_ptr<Shared> shared_;
};

// The request's body.
std::string OtlpBody(const std::vector<Span>& spans);
// How many spans a collector's answer says it did not take (partial success); 0 where it says nothing.
int64_t ReadOtlpAnswer(std::string_view body);

}  // namespace sotto
