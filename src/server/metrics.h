// What the server counts, as Prometheus reads it (GET /metrics). No label and no value ever holds what a
// caller said, who they are, or a session's id: labels are names of workflows, tools, routes, stages and
// reasons. Any thread. docs/formats/metrics.md lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/scheduler.h"
#include "core/turn_record.h"

namespace sotto {

class Admission;

class ServerMetrics {
 public:
  ServerMetrics();
  ~ServerMetrics();
  ServerMetrics(const ServerMetrics&) = delete;
  ServerMetrics& operator=(const ServerMetrics&) = delete;

  // A turn is over: its stages, outcome, confidence, actions.
  void Turn(const TurnRecord& record);
  void CallBegan(const std::string& workflow);
  // `reason`: see VoiceLine::OnEnd.
  void CallEnded(const std::string& workflow, std::string_view reason);
  void SessionBegan(const std::string& workflow);
  void SessionEnded(const std::string& workflow, std::string_view reason);
  void LateFrames(int64_t frames);
  // Something was asked for and not done: busy, rate, unauthorised, ...
  void Refused(std::string_view why);
  void Request(std::string_view route, int status, Duration took);
  void Reloaded(bool worked);
  // Who was asked on the way to an answer, and what that cost. Turn counts its own.
  void Route(const std::string& workflow, std::span<const RouteStep> route);

  // What became of spans: sent, rejected, dropped (server/tracer.h).
  void Spans(std::string_view result, int64_t spans);
  // A recording is over. `result`: ready, repaired, failed.
  void Recorded(const std::string& workflow, std::string_view result, double seconds, double silenced_s,
                double lost_s);
  void RecordingDeleted(std::string_view why);
  // What admission goes by, and whether it is closed.
  void Load(const Admission& admission);

  int64_t late_frames() const;  // so far
  int64_t calls() const;        // now
  int64_t sessions() const;     // now

  // In Prometheus' text format. `scheduler`: its queues are measured now.
  std::string Text(const Scheduler::Counters& scheduler, size_t connections) const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace sotto
