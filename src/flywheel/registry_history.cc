// Which moment of the log a wall time is, and whether the log is whole.
#include <algorithm>
#include <cmath>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "flywheel/registry.h"
#include "flywheel/registry_schema.h"

namespace sotto {
namespace {

using Wall = std::chrono::system_clock::time_point;

struct Sample {
  Wall wall;
  std::string boot;
  double uptime_s = 0;
};

Wall Plus(Wall time, double seconds) {
  return time + std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

// Whether the clock may have shown `time` between two acts that follow each other. What it showed is known at
// both ends and, within one run of the machine, how long lies between.
bool MayShow(const Sample& a, const Sample& b, Wall time) {
  if (a.wall <= b.wall) return a.wall <= time && time < b.wall;
  const bool same_boot = a.boot == b.boot && a.boot != "unknown";
  const double between = same_boot ? std::max(0.0, b.uptime_s - a.uptime_s) : 0;
  return (a.wall <= time && time < Plus(a.wall, between)) ||
         (Plus(b.wall, -between) <= time && time < b.wall) || time == a.wall;
}

constexpr double kJump = 2;  // seconds that wall and uptime may differ by

std::string JumpBetween(const Sample& a, const Sample& b) {
  const double wall = std::chrono::duration<double>(b.wall - a.wall).count();
  if (a.boot == b.boot && a.boot != "unknown") {
    const double jump = wall - (b.uptime_s - a.uptime_s);
    if (std::fabs(jump) > kJump) return fmt::format("the clock was set by {:+.0f} s", jump);
  } else if (wall < 0) {
    return fmt::format("the clock went back by {:.0f} s or more", -wall);
  }
  return "";
}

}  // namespace

Result<std::vector<MomentState>> VersionRegistry::StatesAt(std::string_view workflow,
                                                           std::chrono::system_clock::time_point time) const {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, Acts());
  std::vector<Sample> samples;
  for (const Act& one : acts) {
    SOTTO_ASSIGN_OR_RETURN(const Wall wall, ParseActTime(one.at));
    samples.push_back({wall, one.boot, one.uptime_s});
  }
  const ActTime now = clock_();
  samples.push_back({now.wall, now.boot, now.uptime_s});
  std::vector<MomentState> moments;
  for (size_t i = 0; i + 1 < samples.size(); ++i) {
    const bool last = i + 2 == samples.size();
    if (!MayShow(samples[i], samples[i + 1], time) && !(last && time >= samples[i].wall)) continue;
    MomentState moment;
    moment.after_seq = acts[i].seq;
    moment.live = Fold(std::span(acts).first(i + 1), workflow);
    const std::string jump = JumpBetween(samples[i], samples[i + 1]);
    if (!jump.empty()) {
      moment.note = last ? fmt::format("{} after act {}", jump, acts[i].seq)
                         : fmt::format("{} between acts {} and {}", jump, acts[i].seq, acts[i + 1].seq);
    } else if (last && time > now.wall) {
      moment.note = "that is in the future: this is what is live now";
    }
    moments.push_back(std::move(moment));
  }
  if (moments.empty()) moments.push_back({0, {}, "before the first act of the registry"});
  if (moments.size() > 1) {
    for (MomentState& moment : moments) {
      if (moment.note.empty()) moment.note = "the clock showed this time more than once";
    }
  }
  return moments;
}

Result<std::vector<std::string>> VersionRegistry::Verify() const {
  std::vector<std::string> wrong;
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, ReadActs(database_));
  std::string before;
  int64_t expected = 1;
  std::vector<std::string> workflows;
  for (const Act& one : acts) {
    if (one.seq != expected) wrong.push_back(fmt::format("act {}: {} was expected here", one.seq, expected));
    expected = one.seq + 1;
    if (ChainHash(one, before) != one.hash)
      wrong.push_back(fmt::format("act {}: it is not what was written (its hash)", one.seq));
    before = one.hash;
    if (std::find(workflows.begin(), workflows.end(), one.workflow) == workflows.end())
      workflows.push_back(one.workflow);
  }
  for (const Act& one : acts) {
    if (one.kind != act::kRegistered || !one.detail.is_object()) continue;
    auto facts = VersionFactsFromJson(one.detail.value("facts", Json()));
    if (!facts || facts->id() != one.version) {
      wrong.push_back(fmt::format("act {}: the facts are not those of version {}", one.seq, one.version));
      continue;
    }
    const auto file = ReadFile(FolderOf(one.version) / "model.gguf");
    if (!file) {
      wrong.push_back(file.error().message);
    } else if (Sha256(*file) != facts->model_sha256) {
      wrong.push_back(fmt::format("{}: its hash is not that of version {}",
                                  (FolderOf(one.version) / "model.gguf").string(), one.version));
    }
  }
  if (!wrong.empty()) return wrong;  // what was changed is not gone by
  for (const std::string& workflow : workflows) {
    const LiveState live = Fold(acts, workflow);
    for (const std::string& version : {live.version, live.canary ? live.canary->candidate : std::string()}) {
      const bool known = std::any_of(acts.begin(), acts.end(), [&](const Act& one) {
        return one.kind == act::kRegistered && one.version == version;
      });
      if (!version.empty() && !known)
        wrong.push_back(
            fmt::format("workflow {}: version {} is live and was never registered", workflow, version));
    }
  }
  return wrong;
}

}  // namespace sotto
