#include "cli/served_load.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "base/unique_id.h"
#include "cli/recorded_caller.h"
#include "core/json.h"
#include "server/call_client.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;

// Calls dial over this time, not all at once.
constexpr milliseconds kDialWithin{4000};

}  // namespace

Result<TextRun> TypeUntil(const LoadTarget& target, const std::vector<DemoLine>& lines, TimePoint until,
                          Duration every) {
  const SystemClock clock;
  SOTTO_ASSIGN_OR_RETURN(LoadConnection connection, LoadConnection::Open(target.port, target.headers));
  TextRun run;
  TimePoint due = clock.Now();
  while (clock.Now() < until) {
    SOTTO_ASSIGN_OR_RETURN(const auto begun, connection.Ask("POST", "/v1/sessions", "{}"));
    if (begun.status != 201) return MakeError(ErrorCode::kUnavailable, "no session: {}", begun.body);
    const std::string id = Json::parse(begun.body)["id"];
    for (size_t i = 0; i < lines.size() && clock.Now() < until; ++i) {
      std::this_thread::sleep_until(due);
      const TimePoint began = every.count() > 0 ? due : clock.Now();
      due += every;
      SOTTO_ASSIGN_OR_RETURN(const auto answer, connection.Ask("POST", "/v1/sessions/" + id + "/turns",
                                                               Json{{"text", lines[i].text}}.dump()));
      run.ms.push_back(Milliseconds(clock.Now() - began));
      run.errors += answer.status != 200;
      if (answer.status != 200) break;
    }
    SOTTO_RETURN_IF_ERROR(connection.Ask("DELETE", "/v1/sessions/" + id));
  }
  return run;
}

Result<double> MetricOf(const LoadTarget& target, const std::string& name) {
  SOTTO_ASSIGN_OR_RETURN(LoadConnection connection, LoadConnection::Open(target.port, target.headers));
  SOTTO_ASSIGN_OR_RETURN(const auto answer, connection.Ask("GET", "/metrics"));
  const size_t at = answer.body.find("\n" + name + " ");
  return at == std::string::npos ? 0.0 : std::strtod(answer.body.c_str() + at + name.size() + 2, nullptr);
}

ScriptedCaller::Dial DialOver(const std::string& transport, IoThreads& io, const ServedProcess& server,
                              const std::string& token) {
  if (transport == "websocket") {
    Json start = {{"type", "start"}, {"echo_cancellation", false}};
    if (!token.empty()) start["token"] = token;
    return [&io, &server, start](CallClient::Callbacks callbacks) {
      return CallOverWebSocket(io, server.http_port(), start, {}, std::move(callbacks));
    };
  }
  return [&io, &server](CallClient::Callbacks callbacks) {
    return CallOverAudioSocket(io, server.audio_socket_port(), UniqueId().substr(0, 16), 8000,
                               std::move(callbacks));
  };
}

void Noticed::Add(const ScriptedCaller::Results& call) {
  waited.insert(waited.end(), call.waited.begin(), call.waited.end());
  finished_calls += call.over;
  unanswered += call.unanswered;
  packets += call.packets;
  late_packets += call.late_packets;
  longest_gap_ms = std::max(longest_gap_ms, call.longest_gap_ms);
}

Noticed CallOnLines(const std::vector<std::vector<Audio>>& people, const ScriptedCaller::Dial& dial,
                    int lines, int seconds) {
  const SystemClock clock;
  Pacer pacer(clock, 1);
  const TimePoint began = clock.Now();
  const TimePoint until = began + std::chrono::seconds(seconds);
  std::vector<std::shared_ptr<ScriptedCaller>> on(static_cast<size_t>(lines));
  std::vector<TimePoint> dials(on.size());
  for (size_t i = 0; i < dials.size(); ++i)
    dials[i] = began + kDialWithin * static_cast<int64_t>(i) / static_cast<int64_t>(dials.size());
  Noticed noticed;
  size_t number = 0;
  while (clock.Now() < until) {
    for (size_t i = 0; i < on.size(); ++i) {
      if (on[i] != nullptr && on[i]->results().over) {
        noticed.Add(on[i]->results());
        on[i] = nullptr;
        dials[i] = clock.Now() + milliseconds(500);
      }
      if (on[i] != nullptr || clock.Now() < dials[i]) continue;
      on[i] = std::make_shared<ScriptedCaller>(clock, people[number++ % people.size()], dial,
                                               ScriptedCaller::Options{});
      pacer.Add(on[i]);
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  for (const auto& caller : on) {
    if (caller != nullptr) noticed.Add(caller->results());
  }
  return noticed;
}

Result<std::vector<std::vector<Audio>>> PeopleWhoSay(std::vector<DemoLine> lines) {
  for (DemoLine& line : lines) line.interrupts = false;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<SpokenLines> recorded, RecordCallers(lines));
  std::vector<std::vector<Audio>> people;
  for (const SpokenLines& person : recorded) {
    people.emplace_back();
    for (const RecordedCaller::Recording& recording : person)
      people.back().push_back({TrimAndFade(recording.audio.samples, 160)});
  }
  return people;
}

}  // namespace sotto
