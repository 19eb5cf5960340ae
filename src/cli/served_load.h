// Honest load on a `sotto serve`, for benchmarks: people who type, and people who call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cli/demo_script.h"
#include "cli/load_http.h"
#include "cli/served_process.h"
#include "core/audio.h"
#include "server/scripted_caller.h"

namespace sotto {

struct LoadTarget {
  uint16_t port = 0;
  std::string headers = {};  // of every request, each with its end of line
};

// One after the other, as people do; every turn's time.
struct TextRun {
  std::vector<double> ms;
  int64_t errors = 0;
};

// Sessions one after the other, each of all `lines`. `every`: a turn is begun so often; zero: as soon as the one before
// is answered.
Result<TextRun> TypeUntil(const LoadTarget& target, const std::vector<DemoLine>& lines, TimePoint until,
                          Duration every);

// One line of /metrics without labels; 0 where it has not been counted.
Result<double> MetricOf(const LoadTarget& target, const std::string& name);

// `transport`: websocket, audio-socket. `token`: for the first, where keys are needed. `io` and `server` outlive it.
ScriptedCaller::Dial DialOver(const std::string& transport, IoThreads& io, const ServedProcess& server,
                              const std::string& token = "");

// What callers noticed.
struct Noticed {
  std::vector<double> waited;
  int64_t finished_calls = 0;
  int64_t unanswered = 0;
  int64_t packets = 0;
  int64_t late_packets = 0;
  double longest_gap_ms = 0;

  void Add(const ScriptedCaller::Results& call);
};

// So many lines, on each one call after the other: somebody of `people`, who says these recordings.
Noticed CallOnLines(const std::vector<std::vector<Audio>>& people, const ScriptedCaller::Dial& dial,
                    int lines, int seconds);

// What the callers of the demo script say, each line of theirs; nobody interrupts.
Result<std::vector<std::vector<Audio>>> PeopleWhoSay(std::vector<DemoLine> lines);

}  // namespace sotto
