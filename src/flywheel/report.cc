#include "flywheel/report.h"

#include <map>

#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr size_t kMostClusters = 40;
constexpr size_t kMostStruggles = 60;

// Day by day, of turns that say when they were.
Json DaysOf(const LogView& log, const Workflow& workflow) {
  struct Day {
    size_t turns = 0, lost = 0, begun = 0, done = 0, sessions = 0, handed_off = 0;
  };
  std::map<std::string, Day> days;
  for (const auto& session : log.sessions) {
    bool handed_off = false, words = false;
    std::string first;
    for (const StoredTurn& turn : session) {
      const TurnRecord& record = turn.record;
      if (record.at.size() < 10) continue;
      const std::string date = record.at.substr(0, 10);
      if (first.empty()) first = date;
      Day& day = days[date];
      handed_off = handed_off || record.outcome == TurnRecord::Outcome::kEscalated;
      for (const Json& json : record.events) {
        const LoggedEvent event = EventOf(json);
        day.begun += event.type == "task_began" ? 1 : 0;
        day.done += event.type == "task_done" && event.name.empty() ? 1 : 0;
      }
      if (!HasWords(record)) continue;
      words = true;
      ++day.turns;
      day.lost += NotUnderstood(record, workflow.unclear_tool) ? 1 : 0;
    }
    if (words && !first.empty()) ++days[first].sessions, days[first].handed_off += handed_off ? 1 : 0;
  }
  Json list = Json::array();
  const auto share = [](size_t a, size_t b) {
    return b == 0 ? Json(nullptr) : Json(static_cast<double>(a) / static_cast<double>(b));
  };
  for (const auto& [date, day] : days)
    list.push_back({{"day", date},
                    {"turns", day.turns},
                    {"sessions", day.sessions},
                    {"completion", share(day.done, day.begun)},
                    {"fallback", share(day.lost, day.turns)},
                    {"hand_off", share(day.handed_off, day.sessions)}});
  return list;
}

}  // namespace

Json BuildReport(const ReportInput& input) {
  Json report{{"workflow", {{"name", input.workflow->name}, {"hash", input.workflow->hash}}},
              {"first", input.log->first},
              {"last", input.log->last},
              {"encoder", input.patterns->with_encoder},
              {"watched", ToJson(*input.watched)}};
  const auto clusters = [](const std::vector<RequestCluster>& all) {
    Json list = Json::array();
    for (size_t i = 0; i < std::min(all.size(), kMostClusters); ++i) list.push_back(ToJson(all[i]));
    return list;
  };
  report["requests"] = clusters(input.patterns->requests);
  report["unmet"] = clusters(input.patterns->unmet);
  Json struggles = Json::array();
  for (size_t i = 0; i < std::min(input.patterns->struggles.size(), kMostStruggles); ++i)
    struggles.push_back(ToJson(input.patterns->struggles[i]));
  report["struggles"] = std::move(struggles);
  Json drifts = Json::array();
  for (const Drift& drift : input.drifts) drifts.push_back(ToJson(drift));
  report["drift"] = std::move(drifts);
  report["days"] = DaysOf(*input.log, *input.workflow);
  if (input.cleaned != nullptr) report["cleaned"] = SummaryOf(*input.cleaned);
  if (input.proposal != nullptr) report["proposal"] = ToJson(*input.proposal);
  report["not_read"] = input.log->not_read.size();
  return report;
}

Result<void> WriteReport(const Json& report, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", folder.string(), error.message());
  SOTTO_RETURN_IF_ERROR(WriteFileAtomically(
      folder / "report.json", report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"));
  return WriteFileAtomically(folder / "report.html", ReportHtml(report));
}

}  // namespace sotto
