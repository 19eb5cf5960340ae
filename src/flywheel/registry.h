// What was live, when, by whom and why: every version of an assistant's understanding and every act about
// it, in one append-only log (docs/formats/registry.md).
//
//   folder/acts.db           the log: one row an act, chained by SHA-256, never changed and never deleted
//   folder/versions/VERSION/ model.gguf, calibration.json, card.md, route.json, trained_on.bin: copies
//
// An act is one row in one transaction: a crash leaves all of it or nothing, and whatever was live stays live.
// Files of a version are complete before its act is written. Wall clocks jump; the number of an act does not:
// acts are ordered by it, and StatesAt says where a wall time is ambiguous.
// One thread at a time; several processes may have the same folder open.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/sqlite.h"
#include "core/json.h"

namespace sotto {

// What a version is made of. Hashes are hexadecimal; an empty text: there is none.
struct VersionFacts {
  std::string workflow;       // name
  std::string workflow_hash;  // of workflow.yaml
  std::string model;          // Model::id()
  std::string model_sha256;   // of the file
  uint64_t model_bytes = 0;
  std::string prompt_form;  // hash of the chat template and of the specialist's own form
  std::string tools;        // hash of the tool list
  std::string calibration;  // hash of calibration.json
  std::string thresholds;   // hash of route.json
  std::string adapter;      // SHA-256 of a LoRA file
  std::string program;      // commit that registered it
  std::string parent;       // the version it was made of (quantised, continued)
  std::string method = {};  // how: "sotto train ...", "sotto quantize --method gptq ..."

  // 16 hexadecimal digits: of everything above but `program`, `parent` and `method`.
  std::string id() const;
  bool operator==(const VersionFacts&) const = default;
};
Json ToJson(const VersionFacts& facts);
Result<VersionFacts> VersionFactsFromJson(const Json& json);

// Kinds of acts. Of `canary_*`: detail["experiment"] is the name.
namespace act {
inline constexpr std::string_view kRegistered = "registered";   // detail: facts, data
inline constexpr std::string_view kEvaluated = "evaluated";     // version: the candidate; detail: the report
inline constexpr std::string_view kApproved = "approved";       // by a person
inline constexpr std::string_view kPromoted = "promoted";       // live from now on; detail: before, evidence
inline constexpr std::string_view kRolledBack = "rolled_back";  // version: live again; detail: before
inline constexpr std::string_view kCanaryStarted = "canary_started";  // detail: share, mode, options
inline constexpr std::string_view kCanaryEnded = "canary_ended";      // detail: verdict, figures
inline constexpr std::string_view kNoted = "noted";                   // a limit, a finding
}  // namespace act

// Whom the machine's own acts are by.
inline constexpr std::string_view kMachine = "sotto";

struct Act {
  int64_t seq = 0;      // 1, 2, 3, ...
  std::string at;       // wall time, ISO 8601, UTC, milliseconds
  std::string boot;     // which run of the machine (Linux: boot_id)
  double uptime_s = 0;  // seconds since then, not touched by who sets the clock
  std::string kind;
  std::string workflow;
  std::string version;
  std::string author;
  std::string reason;
  Json detail = Json::object();
  std::string hash;  // SHA-256 of all of this and of the hash before
};
Json ToJson(const Act& act);
// What `hash` must be: SHA-256 of every field and of the hash of the act before.
std::string ChainHash(const Act& act, std::string_view before);

struct Experiment {
  std::string name = {};
  std::string candidate = {};  // version
  std::string champion = {};   // version that was live when it began
  double share = 0;            // of callers, in [0, 1]
  bool shadow = false;         // the candidate only understands along
  int64_t seq = 0;             // of the act that began it
  Json options = Json::object();
  bool operator==(const Experiment&) const = default;
};

// What one workflow is served with.
struct LiveState {
  std::string version;               // empty: nothing was promoted yet
  std::string previous;              // what was live before it; empty: nothing
  int64_t seq = 0;                   // of the act that made it live
  std::optional<Experiment> canary;  // that runs
  bool operator==(const LiveState&) const = default;
};
// State as the fold of acts; of one workflow. Acts of others are passed over.
LiveState Fold(std::span<const Act> acts, std::string_view workflow);

// A moment as the log knows it.
struct MomentState {
  int64_t after_seq = 0;  // the state after this act (0: before the first)
  LiveState live;
  std::string note;  // why there are several, or why this one is uncertain; empty: neither
};

// Where acts get their time from; tests give their own.
struct ActTime {
  std::chrono::system_clock::time_point wall;
  std::string boot;
  double uptime_s = 0;
};
using ActClock = std::function<ActTime()>;
ActTime SystemActTime();

// ISO 8601, UTC: "2026-11-30", "2026-11-30T07:45", "...:00", "...:00.250", each with or without Z.
Result<std::chrono::system_clock::time_point> ParseActTime(std::string_view text);
// "2026-11-30T07:45:00.250Z".
std::string UtcStampMs(std::chrono::system_clock::time_point time);

class VersionRegistry {
 public:
  enum class Mode { kOpen, kCreate };  // kOpen: it must be there
  static Result<std::unique_ptr<VersionRegistry>> Open(const std::filesystem::path& folder, Mode mode,
                                                       ActClock clock = SystemActTime);

  struct NewAct {
    std::string kind;
    std::string workflow = {};
    std::string version = {};
    std::string author = {};
    std::string reason = {};
    Json detail = Json::object();
  };
  // Without any check but that there is an author. Acts that change what is live: those below.
  Result<Act> Record(NewAct act);

  struct FileOf {
    std::string name;            // in the version's folder
    std::filesystem::path from;  // copied; not there: left out
    std::string contents = {};   // instead of `from`
  };
  // Copies the files and records the version. A version that is known already: its first act, nothing is
  // copied. kInvalidArgument: model.gguf is not among the files or has another hash than the facts say.
  Result<Act> Register(const VersionFacts& facts, std::span<const FileOf> files, std::string_view author,
                       std::string_view reason, Json data);

  // Live from now on. By a person: with a reason. By kMachine: only on proof, an act of `evidence` that is
  // an evaluation of this version against what is live, passed, or a canary of it that ended with "promote".
  // kInvalidArgument: not registered; live already; no proof; no reason; its last evaluation was refused
  // (trained on the evaluation set), then by nobody.
  Result<Act> Promote(std::string_view workflow, std::string_view version, std::string_view author,
                      std::string_view reason, int64_t evidence);
  // Back to what was live before, or to `to`; ends a canary that runs.
  Result<Act> RollBack(std::string_view workflow, std::string_view to, std::string_view author,
                       std::string_view reason, Json detail = Json::object());

  // kInvalidArgument: nothing is live, one runs already, the candidate is not registered or live.
  Result<Act> StartCanary(std::string_view workflow, const Experiment& experiment, std::string_view author,
                          std::string_view reason);
  // `verdict`: "promote", "roll_back", "hold", "stopped". kInvalidArgument: no such experiment runs.
  Result<Act> EndCanary(std::string_view workflow, std::string_view experiment, std::string_view verdict,
                        std::string_view author, std::string_view reason, Json figures);

  Result<std::vector<Act>> Acts() const;
  Result<int64_t> LastSeq() const;
  Result<LiveState> Live(std::string_view workflow) const;
  // By id or a beginning of it that only one has. kNotFound, kInvalidArgument (several).
  Result<std::pair<std::string, VersionFacts>> Find(std::string_view version) const;
  // The folder of a version's files.
  std::filesystem::path FolderOf(std::string_view version) const { return folder_ / "versions" / version; }
  const std::filesystem::path& folder() const { return folder_; }

  // What was live at a wall time. One, unless the clock was set back over that time.
  Result<std::vector<MomentState>> StatesAt(std::string_view workflow,
                                            std::chrono::system_clock::time_point time) const;

  // The chain of hashes, the numbers and the files of what is live. Each text: what is wrong.
  Result<std::vector<std::string>> Verify() const;

 private:
  VersionRegistry(std::filesystem::path folder, Database database, ActClock clock);
  Result<Act> Insert(NewAct act);  // within a transaction
  template <typename Check>
  Result<Act> Change(NewAct act, const Check& check);

  const std::filesystem::path folder_;
  mutable Database database_;
  const ActClock clock_;
};

}  // namespace sotto
