#include "flywheel/registry.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>

#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/sha256.h"
#include "flywheel/kept_reason.h"
#include "flywheel/people.h"
#include "flywheel/registry_schema.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kRegistryBusy{5000};

Result<int64_t> OneNumber(Database& database, std::string_view sql) {
  SOTTO_ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
  SOTTO_ASSIGN_OR_RETURN(const bool row, statement.Step());
  const int64_t value = row ? statement.Integer(0) : 0;
  while (row) {
    SOTTO_ASSIGN_OR_RETURN(const bool more, statement.Step());
    if (!more) break;
  }
  return value;
}

Result<void> PrepareActs(Database& database) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  SOTTO_ASSIGN_OR_RETURN(const int64_t version, OneNumber(database, "PRAGMA user_version"));
  if (version == kActsVersion) return {};
  SOTTO_ASSIGN_OR_RETURN(const int64_t tables, OneNumber(database, "SELECT count(*) FROM sqlite_schema"));
  if (version > kActsVersion) {
    return MakeError(ErrorCode::kUnsupported, "{} is a registry of version {}; this program knows up to {}",
                     database.path(), version, kActsVersion);
  }
  if (tables > 0) {
    return MakeError(ErrorCode::kCorrupt, "{} is a database of something else than a registry",
                     database.path());
  }
  SOTTO_RETURN_IF_ERROR(database.Execute(kActsSchema));
  SOTTO_RETURN_IF_ERROR(database.Execute(fmt::format("PRAGMA user_version = {}", kActsVersion)));
  return transaction.Commit();
}

Act ActOf(const Statement& row) {
  Act act;
  act.seq = row.Integer(0);
  act.at = row.Text(1);
  act.boot = row.Text(2);
  act.uptime_s = row.Real(3);
  act.kind = row.Text(4);
  act.workflow = row.Text(5);
  act.version = row.Text(6);
  act.author = row.Text(7);
  act.reason = row.Text(8);
  act.detail = Json::parse(row.Text(9), nullptr, false);
  act.hash = row.Text(10);
  return act;
}

// The right that a person's act takes; nothing: anybody who can write there may.
std::optional<Right> RightTo(std::string_view kind, const Json& detail) {
  if (kind == act::kApproved) return Right::kApprove;
  if (kind == act::kRolledBack) return Right::kRollBack;
  if (kind == act::kPromoted || kind == act::kCanaryStarted) return Right::kPromote;
  if (kind == act::kCanaryEnded)
    return detail.value("verdict", "") == "promoted_by_person" ? Right::kPromote : Right::kRollBack;
  return std::nullopt;
}

// To a temporary name, synced, then renamed.
Result<void> CopyDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  SOTTO_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(from));
  return WriteFileAtomically(to, bytes);
}

void SyncFolder(const std::filesystem::path& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  fsync(file);
  close(file);
}

// What came from a command line may be no UTF-8: U+FFFD stands for what is not.
Json Valid(const Json& json) {
  return Json::parse(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

bool IsBlank(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isspace(static_cast<unsigned char>(c)); });
}

}  // namespace

std::string VersionFacts::id() const {
  return HashName(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", workflow, workflow_hash, model,
                              model_sha256, prompt_form, tools, calibration, thresholds, adapter));
}

Json ToJson(const VersionFacts& facts) {
  return {{"workflow", facts.workflow},
          {"workflow_hash", facts.workflow_hash},
          {"model", facts.model},
          {"model_sha256", facts.model_sha256},
          {"model_bytes", facts.model_bytes},
          {"prompt_form", facts.prompt_form},
          {"tools", facts.tools},
          {"calibration", facts.calibration},
          {"thresholds", facts.thresholds},
          {"adapter", facts.adapter},
          {"program", facts.program},
          {"parent", facts.parent},
          {"method", facts.method}};
}

Result<VersionFacts> VersionFactsFromJson(const Json& json) {
  if (!json.is_object()) return MakeError(ErrorCode::kCorrupt, "facts of a version are not an object");
  VersionFacts facts;
  const struct {
    const char* key;
    std::string* to;
  } texts[] = {{"workflow", &facts.workflow},
               {"workflow_hash", &facts.workflow_hash},
               {"model", &facts.model},
               {"model_sha256", &facts.model_sha256},
               {"prompt_form", &facts.prompt_form},
               {"tools", &facts.tools},
               {"calibration", &facts.calibration},
               {"thresholds", &facts.thresholds},
               {"adapter", &facts.adapter},
               {"program", &facts.program},
               {"parent", &facts.parent},
               {"method", &facts.method}};
  for (const auto& text : texts) {
    const auto found = json.find(text.key);
    if (found == json.end()) continue;
    if (!found->is_string()) return MakeError(ErrorCode::kCorrupt, "{} is not a text", text.key);
    *text.to = found->get<std::string>();
  }
  const auto bytes = json.find("model_bytes");
  if (bytes != json.end()) {
    if (!bytes->is_number_unsigned() && !bytes->is_number_integer())
      return MakeError(ErrorCode::kCorrupt, "model_bytes is not a whole number");
    facts.model_bytes = bytes->get<uint64_t>();
  }
  return facts;
}

Json ToJson(const Act& act) {
  return {{"seq", act.seq},           {"at", act.at},           {"kind", act.kind},
          {"workflow", act.workflow}, {"version", act.version}, {"author", act.author},
          {"reason", act.reason},     {"detail", act.detail},   {"hash", act.hash}};
}

std::string ChainHash(const Act& act, std::string_view before) {
  return Sha256(fmt::format("{}\n{}\n{}\n{}\n{:.3f}\n{}\n{}\n{}\n{}\n{}\n{}", before, act.seq, act.at,
                            act.boot, act.uptime_s, act.kind, act.workflow, act.version, act.author,
                            act.reason, act.detail.dump()));
}

LiveState Fold(std::span<const Act> acts, std::string_view workflow) {
  LiveState live;
  for (const Act& one : acts) {
    if (one.workflow != workflow) continue;
    if (one.kind == act::kPromoted || one.kind == act::kRolledBack) {
      live.previous = live.version;
      live.version = one.version;
      live.seq = one.seq;
      live.canary.reset();
    } else if (one.kind == act::kCanaryStarted) {
      Experiment experiment;
      experiment.name = one.detail.value("experiment", "");
      experiment.candidate = one.version;
      experiment.champion = live.version;
      experiment.share = one.detail.value("share", 0.0);
      experiment.shadow = one.detail.value("mode", "") == "shadow";
      experiment.seq = one.seq;
      experiment.options = one.detail.value("options", Json::object());
      live.canary = std::move(experiment);
    } else if (one.kind == act::kCanaryEnded) {
      live.canary.reset();
    }
  }
  return live;
}

ActTime SystemActTime() {
  static const std::string boot = [] {
    auto id = ReadFile("/proc/sys/kernel/random/boot_id");
    std::string text = id ? *std::move(id) : std::string("unknown");
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    return text;
  }();
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return {std::chrono::system_clock::now(), boot,
          static_cast<double>(up.tv_sec) + static_cast<double>(up.tv_nsec) * 1e-9};
}

std::string UtcStampMs(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto days = std::chrono::floor<std::chrono::days>(ms);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss day(ms - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     day.hours().count(), day.minutes().count(), day.seconds().count(),
                     day.subseconds().count());
}

Result<std::chrono::system_clock::time_point> ParseActTime(std::string_view text) {
  const std::string copy(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, read = 0;
  double second = 0;
  const auto wrong = [&] {
    return MakeError(ErrorCode::kInvalidArgument,
                     "'{}' is no time; write it in UTC as 2026-11-30T07:45:00Z or 2026-11-30", text);
  };
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &read) != 3) return wrong();
  std::string_view rest = std::string_view(copy).substr(static_cast<size_t>(read));
  if (!rest.empty() && (rest[0] == 'T' || rest[0] == ' ')) {
    int more = 0;
    const std::string time(rest.substr(1));
    if (std::sscanf(time.c_str(), "%2d:%2d%n", &hour, &minute, &more) != 2) return wrong();
    size_t at = static_cast<size_t>(more);
    if (at < time.size() && time[at] == ':') {
      int seconds_read = 0;
      if (std::sscanf(time.c_str() + at, ":%lf%n", &second, &seconds_read) != 1) return wrong();
      at += static_cast<size_t>(seconds_read);
    }
    rest = rest.substr(1 + at);
  }
  if (rest == "Z") rest = {};
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!rest.empty() || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      !(second < 60))
    return wrong();
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::milliseconds(static_cast<int64_t>(second * 1000 + 0.5));
}

VersionRegistry::VersionRegistry(std::filesystem::path folder, Database database, ActClock clock)
    : folder_(std::move(folder)), database_(std::move(database)), clock_(std::move(clock)) {}

Result<std::unique_ptr<VersionRegistry>> VersionRegistry::Open(const std::filesystem::path& folder, Mode mode,
                                                               ActClock clock) {
  const std::filesystem::path log = folder / "acts.db";
  std::error_code failed;
  if (mode == Mode::kOpen && !std::filesystem::exists(log, failed)) {
    return MakeError(ErrorCode::kNotFound,
                     "{} is no registry (acts.db is not there); `sotto flywheel register` makes one",
                     folder.string());
  }
  std::filesystem::create_directories(folder / "versions", failed);
  if (failed) return MakeError(ErrorCode::kIo, "{}: {}", folder.string(), failed.message());
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(log, Database::Mode::kCreate, kRegistryBusy));
  SOTTO_RETURN_IF_ERROR(PrepareActs(database));
  return std::unique_ptr<VersionRegistry>(new VersionRegistry(folder, std::move(database), std::move(clock)));
}

Result<Act> VersionRegistry::Insert(NewAct made) {
  Act act;
  std::string before;
  {
    SOTTO_ASSIGN_OR_RETURN(Statement last,
                           database_.Prepare("SELECT seq, hash FROM acts ORDER BY seq DESC LIMIT 1"));
    SOTTO_ASSIGN_OR_RETURN(const bool row, last.Step());
    act.seq = row ? last.Integer(0) + 1 : 1;
    if (row) before = last.Text(1);
  }
  const ActTime now = clock_();
  act.at = UtcStampMs(now.wall);
  act.boot = now.boot;
  act.uptime_s = now.uptime_s;
  act.kind = std::move(made.kind);
  act.workflow = std::move(made.workflow);
  act.version = std::move(made.version);
  act.author = Valid(made.author).get<std::string>();
  act.reason = Valid(made.reason).get<std::string>();
  // What a person wrote; the machine's own reasons are figures and versions.
  if (act.author != kMachine && act.kind != act::kEvaluated) {
    SOTTO_ASSIGN_OR_RETURN(act.reason, KeptReason(act.reason));
  }
  act.detail = Valid(made.detail);
  act.hash = ChainHash(act, before);
  SOTTO_ASSIGN_OR_RETURN(Statement insert,
                         database_.Prepare("INSERT INTO acts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  insert.Bind(1, act.seq).Bind(2, std::string_view(act.at)).Bind(3, std::string_view(act.boot));
  insert.Bind(4, act.uptime_s).Bind(5, std::string_view(act.kind)).Bind(6, std::string_view(act.workflow));
  insert.Bind(7, std::string_view(act.version)).Bind(8, std::string_view(act.author));
  const std::string detail = act.detail.dump();
  insert.Bind(9, std::string_view(act.reason)).Bind(10, std::string_view(detail));
  insert.Bind(11, std::string_view(act.hash));
  SOTTO_RETURN_IF_ERROR(insert.Run());
  return act;
}

// `check` gets all acts and may still change the act; what it refuses is not written.
template <typename Check>
Result<Act> VersionRegistry::Change(NewAct act, const Check& check) {
  if (IsBlank(act.author))
    return MakeError(ErrorCode::kInvalidArgument, "an act needs an author (--by NAME)");
  if (const auto right = RightTo(act.kind, act.detail); right && act.author != kMachine) {
    SOTTO_ASSIGN_OR_RETURN(const People people, People::Of(folder_));
    SOTTO_RETURN_IF_ERROR(people.Check(act.author, *right));
    act.detail["right"] = {{"to", RightName(*right)}, {"by", people.basis()}, {"login", ProcessLogin()}};
  }
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, Acts());
  SOTTO_RETURN_IF_ERROR(check(acts, act));
  SOTTO_ASSIGN_OR_RETURN(Act done, Insert(std::move(act)));
  SOTTO_RETURN_IF_ERROR(transaction.Commit());
  return done;
}

Result<Act> VersionRegistry::Record(NewAct act) {
  return Change(std::move(act), [](const std::vector<Act>&, NewAct&) -> Result<void> { return {}; });
}

namespace {

const Act* RegisteredAs(std::span<const Act> acts, std::string_view version) {
  for (const Act& one : acts) {
    if (one.kind == act::kRegistered && one.version == version) return &one;
  }
  return nullptr;
}

Result<void> NeedsRegistered(std::span<const Act> acts, std::string_view workflow, std::string_view version) {
  const Act* found = RegisteredAs(acts, version);
  if (found == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "version {} is not registered; `sotto flywheel register`",
                     version);
  if (found->workflow != workflow)
    return MakeError(ErrorCode::kInvalidArgument, "version {} is one of workflow {}, not of {}", version,
                     found->workflow, workflow);
  return {};
}

Result<void> NeedsReason(std::string_view author, std::string_view reason) {
  if (author != kMachine && IsBlank(reason))
    return MakeError(ErrorCode::kInvalidArgument, "what a person decides needs a reason (--reason TEXT)");
  return {};
}

// Whether the act proves that `version` may take the place of `live` without a person.
bool Proves(const Act& evidence, std::string_view version, std::string_view live) {
  if (evidence.version != version) return false;
  if (evidence.kind == act::kEvaluated) {
    return evidence.detail.value("verdict", "") == "pass" && evidence.detail.value("champion", "") == live;
  }
  return evidence.kind == act::kCanaryEnded && evidence.detail.value("verdict", "") == "promote" &&
         evidence.detail.value("champion", "") == live;
}

}  // namespace

Result<Act> VersionRegistry::Register(const VersionFacts& facts, std::span<const FileOf> files,
                                      std::string_view author, std::string_view reason, Json data) {
  const std::string version = facts.id();
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> before, Acts());
  if (const Act* known = RegisteredAs(before, version)) return *known;
  const auto model =
      std::find_if(files.begin(), files.end(), [](const FileOf& file) { return file.name == "model.gguf"; });
  if (model == files.end()) return MakeError(ErrorCode::kInvalidArgument, "a version needs its model.gguf");
  const std::filesystem::path folder = FolderOf(version);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return MakeError(ErrorCode::kIo, "{}: {}", folder.string(), failed.message());
  for (const FileOf& file : files) {
    if (!file.contents.empty()) {
      SOTTO_RETURN_IF_ERROR(WriteFileAtomically(folder / file.name, file.contents));
    } else if (std::filesystem::exists(file.from, failed)) {
      SOTTO_RETURN_IF_ERROR(CopyDurably(file.from, folder / file.name));
    }
  }
  SyncFolder(folder);
  SyncFolder(folder_ / "versions");
  SOTTO_ASSIGN_OR_RETURN(const std::string copied, ReadFile(folder / "model.gguf"));
  if (Sha256(copied) != facts.model_sha256) {
    return MakeError(ErrorCode::kInvalidArgument, "{} changed while it was being registered",
                     model->from.string());
  }
  NewAct act{std::string(act::kRegistered),
             facts.workflow,
             version,
             std::string(author),
             std::string(reason),
             {{"facts", ToJson(facts)}, {"data", std::move(data)}}};
  return Change(std::move(act), [](const std::vector<Act>&, NewAct&) -> Result<void> { return {}; });
}

Result<Act> VersionRegistry::Promote(std::string_view workflow, std::string_view version,
                                     std::string_view author, std::string_view reason, int64_t evidence) {
  SOTTO_RETURN_IF_ERROR(NeedsReason(author, reason));
  NewAct made{std::string(act::kPromoted), std::string(workflow), std::string(version),
              std::string(author),         std::string(reason),   Json::object()};
  return Change(std::move(made), [&](const std::vector<Act>& acts, NewAct& act) -> Result<void> {
    SOTTO_RETURN_IF_ERROR(NeedsRegistered(acts, workflow, version));
    const LiveState live = Fold(acts, workflow);
    if (live.version == version)
      return MakeError(ErrorCode::kInvalidArgument, "version {} is live already", version);
    const Act* judged = nullptr;
    const Act* proof = nullptr;
    for (const Act& one : acts) {
      if (one.kind == act::kEvaluated && one.version == version) judged = &one;
      if (one.seq == evidence) proof = &one;
    }
    if (judged != nullptr && judged->detail.value("verdict", "") == "refused") {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "the last evaluation of {} (act {}) was refused: {}; evaluate it on data that it was not "
          "trained on first",
          version, judged->seq, judged->reason);
    }
    if (evidence != 0 && proof == nullptr)
      return MakeError(ErrorCode::kInvalidArgument, "there is no act {} to be the evidence", evidence);
    if (author == kMachine && (proof == nullptr || !Proves(*proof, version, live.version))) {
      return MakeError(
          ErrorCode::kInvalidArgument,
          "{} proves nothing about {} against {}, which is live: a person may promote it, with a "
          "reason (--by, --reason)",
          proof == nullptr ? "no evidence" : fmt::format("act {} ({})", evidence, proof->kind), version,
          live.version.empty() ? "nothing" : live.version);
    }
    act.detail["before"] = live.version;
    if (proof != nullptr) act.detail["evidence"] = evidence;
    return {};
  });
}

Result<Act> VersionRegistry::RollBack(std::string_view workflow, std::string_view to, std::string_view author,
                                      std::string_view reason, Json detail) {
  SOTTO_RETURN_IF_ERROR(NeedsReason(author, reason));
  NewAct made{std::string(act::kRolledBack), std::string(workflow), std::string(to),
              std::string(author),           std::string(reason),   std::move(detail)};
  return Change(std::move(made), [&](const std::vector<Act>& acts, NewAct& act) -> Result<void> {
    const LiveState live = Fold(acts, workflow);
    if (act.version.empty()) act.version = live.previous;
    if (act.version.empty())
      return MakeError(ErrorCode::kInvalidArgument, "before {} nothing of workflow {} was live",
                       live.version.empty() ? "now" : live.version, workflow);
    if (act.version == live.version)
      return MakeError(ErrorCode::kInvalidArgument, "version {} is live already", act.version);
    SOTTO_RETURN_IF_ERROR(NeedsRegistered(acts, workflow, act.version));
    act.detail["before"] = live.version;
    if (live.canary) act.detail["ended"] = live.canary->name;
    return {};
  });
}

Result<Act> VersionRegistry::StartCanary(std::string_view workflow, const Experiment& experiment,
                                         std::string_view author, std::string_view reason) {
  SOTTO_RETURN_IF_ERROR(NeedsReason(author, reason));
  NewAct made{std::string(act::kCanaryStarted),
              std::string(workflow),
              experiment.candidate,
              std::string(author),
              std::string(reason),
              {{"experiment", experiment.name},
               {"share", experiment.share},
               {"mode", experiment.shadow ? "shadow" : "canary"},
               {"options", experiment.options}}};
  return Change(std::move(made), [&](const std::vector<Act>& acts, NewAct& act) -> Result<void> {
    const LiveState live = Fold(acts, workflow);
    if (live.version.empty())
      return MakeError(ErrorCode::kInvalidArgument, "nothing of workflow {} is live: promote a version first",
                       workflow);
    if (live.canary)
      return MakeError(ErrorCode::kInvalidArgument, "canary '{}' of workflow {} runs: end it first",
                       live.canary->name, workflow);
    if (experiment.name.empty() || !(experiment.share > 0 && experiment.share <= 1))
      return MakeError(ErrorCode::kInvalidArgument, "a canary needs a name and a share in (0, 1]");
    for (const Act& one : acts) {
      if (one.kind == act::kCanaryStarted && one.detail.value("experiment", "") == experiment.name)
        return MakeError(
            ErrorCode::kInvalidArgument,
            "there was a canary '{}' before (act {}): take another name, callers are shared out by it",
            experiment.name, one.seq);
    }
    SOTTO_RETURN_IF_ERROR(NeedsRegistered(acts, workflow, experiment.candidate));
    if (experiment.candidate == live.version)
      return MakeError(ErrorCode::kInvalidArgument, "version {} is live already", experiment.candidate);
    act.detail["champion"] = live.version;
    return {};
  });
}

Result<Act> VersionRegistry::EndCanary(std::string_view workflow, std::string_view experiment,
                                       std::string_view verdict, std::string_view author,
                                       std::string_view reason, Json figures) {
  NewAct made{std::string(act::kCanaryEnded),
              std::string(workflow),
              "",
              std::string(author),
              std::string(reason),
              {{"experiment", experiment}, {"verdict", verdict}}};
  made.detail["figures"] = std::move(figures);
  return Change(std::move(made), [&](const std::vector<Act>& acts, NewAct& act) -> Result<void> {
    const LiveState live = Fold(acts, workflow);
    if (!live.canary || live.canary->name != experiment)
      return MakeError(ErrorCode::kInvalidArgument, "no canary '{}' of workflow {} runs", experiment,
                       workflow);
    act.version = live.canary->candidate;
    act.detail["champion"] = live.canary->champion;
    return {};
  });
}

Result<std::vector<Act>> ReadActs(Database& database) {
  SOTTO_ASSIGN_OR_RETURN(
      Statement rows,
      database.Prepare(
          "SELECT seq, at, boot, uptime_s, kind, workflow, version, author, reason, detail, hash "
          "FROM acts ORDER BY seq"));
  std::vector<Act> acts;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return acts;
    acts.push_back(ActOf(rows));
    if (acts.back().detail.is_discarded())
      return MakeError(ErrorCode::kCorrupt, "{}: act {}: its detail is not JSON", database.path(),
                       acts.back().seq);
  }
}

// Only what this program wrote is gone by: a row that somebody changed is an error, and what is served goes on.
Result<std::vector<Act>> VersionRegistry::Acts() const {
  SOTTO_ASSIGN_OR_RETURN(std::vector<Act> acts, ReadActs(database_));
  std::string_view before;
  for (const Act& one : acts) {
    if (!one.detail.is_object() || ChainHash(one, before) != one.hash) {
      return MakeError(ErrorCode::kCorrupt,
                       "{}: act {} is not what was written; `sotto history --verify` lists what is wrong",
                       database_.path(), one.seq);
    }
    before = one.hash;
  }
  return acts;
}

Result<int64_t> VersionRegistry::LastSeq() const {
  return OneNumber(database_, "SELECT coalesce(max(seq), 0) FROM acts");
}

Result<LiveState> VersionRegistry::Live(std::string_view workflow) const {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, Acts());
  return Fold(acts, workflow);
}

Result<std::pair<std::string, VersionFacts>> VersionRegistry::Find(std::string_view version) const {
  SOTTO_ASSIGN_OR_RETURN(const std::vector<Act> acts, Acts());
  const Act* found = nullptr;
  for (const Act& one : acts) {
    if (one.kind != act::kRegistered || version.empty() || !one.version.starts_with(version)) continue;
    if (found != nullptr)
      return MakeError(ErrorCode::kInvalidArgument, "'{}' may be {} or {}: write more of it", version,
                       found->version, one.version);
    found = &one;
  }
  if (found == nullptr)
    return MakeError(ErrorCode::kNotFound, "{}: no version '{}' (see `sotto flywheel inventory`)",
                     folder_.string(), version);
  SOTTO_ASSIGN_OR_RETURN(VersionFacts facts, VersionFactsFromJson(found->detail.value("facts", Json())));
  return std::pair(found->version, std::move(facts));
}

}  // namespace sotto
