// The weekly report: what callers wanted, what nobody serves, where they struggled, how that has changed, and what
// it cost. As JSON, and as one HTML file with its plots in it, which asks nobody for anything.
#pragma once

#include <filesystem>
#include <string>

#include "flywheel/clean.h"
#include "flywheel/patterns.h"
#include "flywheel/proposal.h"
#include "flywheel/watch.h"

namespace sotto {

struct ReportInput {
  const LogView* log = nullptr;
  const Workflow* workflow = nullptr;
  const Patterns* patterns = nullptr;
  const Watched* watched = nullptr;
  std::vector<Drift> drifts;           // against training, against the time before
  const Cleaned* cleaned = nullptr;    // may be null
  const Proposal* proposal = nullptr;  // may be null
};

Json BuildReport(const ReportInput& input);
// report_html.cc. REQUIRES: of BuildReport.
std::string ReportHtml(const Json& report);
// report.json and report.html in `folder`.
Result<void> WriteReport(const Json& report, const std::filesystem::path& folder);

}  // namespace sotto
