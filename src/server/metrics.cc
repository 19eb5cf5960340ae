#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "server/admission.h"

namespace sotto {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries kSeconds{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                           0.2,    0.3,   0.45,  0.7,   1,    2,    5,    10};
const Histogram::BucketBoundaries kShares{0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99};

std::string Str(std::string_view text) { return std::string(text); }

}  // namespace

struct ServerMetrics::Parts {
  prometheus::Registry registry;
  Family<Counter>& turns = Count("sotto_turns_total", "Turns that are over, by outcome");
  Family<Histogram>& stage = Times("sotto_turn_stage_seconds",
                                   "Where the time of a turn went: endpoint, words, meaning, action, "
                                   "first_audio (since the end of speech was decided), voice_to_voice");
  Family<Counter>& interruptions = Count("sotto_interruptions_total", "Replies that the user broke off");
  Family<Counter>& fillers = Count("sotto_fillers_total", "Turns that had to be bridged");
  Family<Counter>& errors = Count("sotto_turn_errors_total", "Errors that turns carried");
  Family<Histogram>& confidence = Times("sotto_call_confidence", "Confidence of what was understood");
  Family<Counter>& actions = Count("sotto_actions_total", "Actions by tool and how they ended");
  Family<Histogram>& action_time = Times("sotto_action_seconds", "How long actions took");
  Family<Counter>& calls_total = Count("sotto_calls_total", "Calls that began");
  Family<Counter>& calls_ended = Count("sotto_calls_ended_total", "Calls that ended, by reason");
  Family<Gauge>& calls_now = Level("sotto_calls", "Calls now");
  Family<Counter>& sessions_total = Count("sotto_sessions_total", "Written sessions that began");
  Family<Counter>& sessions_ended = Count("sotto_sessions_ended_total", "Written sessions ended, by reason");
  Family<Gauge>& sessions_now = Level("sotto_sessions", "Written sessions now");
  Family<Counter>& late = Count("sotto_late_frames_total", "Frames of speech that came too late");
  Family<Counter>& refused = Count("sotto_refused_total", "What was asked for and not done, by reason");
  Family<Counter>& requests = Count("sotto_http_requests_total", "Requests by route and status");
  Family<Histogram>& request_time = Times("sotto_http_request_seconds", "How long answers took, by route");
  Family<Counter>& reloads = Count("sotto_reloads_total", "Reloads, by how they ended");
  Family<Counter>& route_steps = Count("sotto_route_steps_total", "Steps of routes by what became of them");
  Family<Histogram>& route_time = Times("sotto_route_step_seconds", "How long steps of routes took");
  Family<Counter>& route_cost = Count("sotto_route_cost_usd_total", "What steps of routes cost");
  Family<Gauge>& work = Level("sotto_scheduler_work", "Pieces of work that wait or run");
  Family<Counter>& work_ended = Count("sotto_scheduler_work_total", "Pieces of work by what became of them");
  Family<Gauge>& connections = Level("sotto_connections", "Open connections");
  Family<Gauge>& load =
      Level("sotto_load", "What admission goes by: cpu (0..1), late_frames (a second), queue");
  Family<Gauge>& load_limit = Level("sotto_load_limit", "Where admission closes; 0: not looked at");
  Family<Gauge>& closed = Level("sotto_admission_closed", "1 while this measure keeps calls out");
  Family<Counter>& spans = Count("sotto_trace_spans_total", "Spans by what became of them");
  Family<Counter>& recordings = Count("sotto_recordings_total", "Recordings of calls by how they came out");
  Family<Counter>& recorded = Count("sotto_recording_seconds_total",
                                    "Length of recordings: sound, silenced on purpose, lost to a slow disk");
  Family<Counter>& deleted = Count("sotto_recordings_deleted_total", "Recordings deleted, by why");
  std::atomic<int64_t> n_late{0};
  std::atomic<int64_t> n_calls{0};
  std::atomic<int64_t> n_sessions{0};

  Family<Counter>& Count(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& Level(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& Times(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  void Stage(const TurnRecord& record, const char* name, double from, double to) {
    if (from < 0 || to < 0) return;
    stage.Add({{"stage", name}, {"channel", record.channel}, {"workflow", record.workflow}}, kSeconds)
        .Observe(std::max(0.0, to - from) / 1000);
  }
};

ServerMetrics::ServerMetrics() : parts_(std::make_unique<Parts>()) {}
ServerMetrics::~ServerMetrics() = default;

void ServerMetrics::Turn(const TurnRecord& record) {
  const prometheus::Labels labels{{"workflow", record.workflow}, {"channel", record.channel}};
  parts_->turns
      .Add({{"workflow", record.workflow},
            {"channel", record.channel},
            {"outcome", Str(OutcomeName(record.outcome))}})
      .Increment();
  const TurnRecord::Times& times = record.times;
  parts_->Stage(record, "endpoint", times.speech_end, times.endpoint);
  parts_->Stage(record, "words", times.endpoint, times.final_transcript);
  parts_->Stage(record, "meaning", times.final_transcript, times.understood);
  parts_->Stage(record, "action", times.understood, times.acted);
  parts_->Stage(record, "first_audio", times.endpoint, times.first_audio);
  parts_->Stage(record, "voice_to_voice", times.speech_end, times.first_audio);
  if (record.interrupted) parts_->interruptions.Add(labels).Increment();
  if (record.fillers) parts_->fillers.Add(labels).Increment();
  if (!record.errors.empty()) {
    parts_->errors.Add(labels).Increment(static_cast<double>(record.errors.size()));
  }
  if (record.understood) {
    parts_->confidence.Add({{"workflow", record.workflow}}, kShares).Observe(record.understood->confidence);
    Route(record.workflow, record.understood->route);
  }
  for (const TurnRecord::Action& action : record.actions) {
    parts_->actions
        .Add({{"workflow", record.workflow},
              {"tool", action.request.tool},
              {"result", action.result.ok ? "ok" : action.result.failure}})
        .Increment();
    parts_->action_time.Add({{"workflow", record.workflow}, {"tool", action.request.tool}}, kSeconds)
        .Observe(action.ms / 1000);
  }
}

void ServerMetrics::CallBegan(const std::string& workflow) {
  ++parts_->n_calls;
  parts_->calls_total.Add({{"workflow", workflow}}).Increment();
  parts_->calls_now.Add({{"workflow", workflow}}).Increment();
}

void ServerMetrics::CallEnded(const std::string& workflow, std::string_view reason) {
  --parts_->n_calls;
  parts_->calls_ended.Add({{"workflow", workflow}, {"reason", Str(reason)}}).Increment();
  parts_->calls_now.Add({{"workflow", workflow}}).Decrement();
}

void ServerMetrics::SessionBegan(const std::string& workflow) {
  ++parts_->n_sessions;
  parts_->sessions_total.Add({{"workflow", workflow}}).Increment();
  parts_->sessions_now.Add({{"workflow", workflow}}).Increment();
}

void ServerMetrics::SessionEnded(const std::string& workflow, std::string_view reason) {
  --parts_->n_sessions;
  parts_->sessions_ended.Add({{"workflow", workflow}, {"reason", Str(reason)}}).Increment();
  parts_->sessions_now.Add({{"workflow", workflow}}).Decrement();
}

void ServerMetrics::Spans(std::string_view result, int64_t spans) {
  parts_->spans.Add({{"result", Str(result)}}).Increment(static_cast<double>(spans));
}

void ServerMetrics::Recorded(const std::string& workflow, std::string_view result, double seconds,
                             double silenced_s, double lost_s) {
  parts_->recordings.Add({{"workflow", workflow}, {"result", Str(result)}}).Increment();
  const auto add = [&](const char* kind, double length) {
    if (length > 0) parts_->recorded.Add({{"workflow", workflow}, {"kind", kind}}).Increment(length);
  };
  add("sound", seconds - silenced_s - lost_s);
  add("silenced", silenced_s);
  add("lost", lost_s);
}

void ServerMetrics::RecordingDeleted(std::string_view why) {
  parts_->deleted.Add({{"why", Str(why)}}).Increment();
}

void ServerMetrics::Load(const Admission& admission) {
  for (const Admission::Measure measure : Admission::kMeasures) {
    const prometheus::Labels labels{{"measure", Str(MeasureName(measure))}};
    const Admission::State state = admission.state(measure);
    parts_->load.Add(labels).Set(state.load);
    parts_->load_limit.Add(labels).Set(state.limit);
    parts_->closed.Add(labels).Set(state.closed ? 1 : 0);
  }
}

void ServerMetrics::LateFrames(int64_t frames) {
  parts_->n_late += frames;
  parts_->late.Add({}).Increment(static_cast<double>(frames));
}

void ServerMetrics::Refused(std::string_view why) { parts_->refused.Add({{"reason", Str(why)}}).Increment(); }

void ServerMetrics::Request(std::string_view route, int status, Duration took) {
  parts_->requests.Add({{"route", Str(route)}, {"status", std::to_string(status)}}).Increment();
  parts_->request_time.Add({{"route", Str(route)}}, kSeconds)
      .Observe(std::chrono::duration<double>(took).count());
}

void ServerMetrics::Route(const std::string& workflow, std::span<const RouteStep> route) {
  for (const RouteStep& step : route) {
    const prometheus::Labels labels{{"workflow", workflow}, {"step", step.step}};
    parts_->route_steps
        .Add({{"workflow", workflow}, {"step", step.step}, {"outcome", Str(OutcomeName(step.outcome))}})
        .Increment();
    if (step.outcome == RouteStep::Outcome::kSkipped) continue;
    parts_->route_time.Add(labels, kSeconds).Observe(step.ms / 1000);
    if (step.cost > 0) parts_->route_cost.Add(labels).Increment(step.cost);
  }
}

void ServerMetrics::Reloaded(bool worked) {
  parts_->reloads.Add({{"result", worked ? "ok" : "failed"}}).Increment();
}

int64_t ServerMetrics::late_frames() const { return parts_->n_late; }
int64_t ServerMetrics::calls() const { return parts_->n_calls; }
int64_t ServerMetrics::sessions() const { return parts_->n_sessions; }

std::string ServerMetrics::Text(const Scheduler::Counters& scheduler, size_t connections) const {
  parts_->work.Add({{"state", "waiting"}}).Set(static_cast<double>(scheduler.waiting));
  parts_->work.Add({{"state", "running"}}).Set(static_cast<double>(scheduler.running));
  const std::array<std::pair<const char*, uint64_t>, 4> ended{{{"finished", scheduler.finished},
                                                               {"missed", scheduler.missed},
                                                               {"refused", scheduler.refused},
                                                               {"cancelled", scheduler.cancelled}}};
  for (const auto& [result, count] : ended) {
    Counter& counter = parts_->work_ended.Add({{"result", result}});
    counter.Increment(static_cast<double>(count) - counter.Value());
  }
  parts_->connections.Add({}).Set(static_cast<double>(connections));
  return prometheus::TextSerializer().Serialize(parts_->registry.Collect());
}

}  // namespace sotto
