// Which trace something belongs to, as programs tell one another: W3C Trace Context (traceparent, tracestate;
// www.w3.org/TR/trace-context). A value. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/http.h"

namespace sotto {

struct TraceContext {
  std::string trace_id;  // 32 lower-case hexadecimal digits, not all 0
  std::string span_id;   // 16: of whoever asks
  bool sampled = false;  // somebody keeps it
  std::string state;     // tracestate, passed on as it came; empty: none
};

// "00-<trace id>-<span id>-<flags>". Nothing: no such text, or one that must not be used (the specification says to
// begin a new trace then). A later version may have more behind it.
std::optional<TraceContext> ParseTraceParent(std::string_view text);
std::string TraceParentText(const TraceContext& context);
// The members of tracestate, as they came; empty where they are not well-formed (they are to be dropped, the trace goes on).
std::string CheckedTraceState(std::string_view text);

// What a request brings.
std::optional<TraceContext> TraceContextOf(const WebRequest& request);

}  // namespace sotto
