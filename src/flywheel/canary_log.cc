#include "flywheel/canary_log.h"

namespace sotto {
namespace {

constexpr const char* kCallsSchema = R"(
CREATE TABLE IF NOT EXISTS calls(
  number INTEGER PRIMARY KEY, experiment TEXT NOT NULL, at TEXT NOT NULL, session TEXT NOT NULL,
  candidate INTEGER NOT NULL, turns INTEGER NOT NULL, troubled_turns INTEGER NOT NULL, handed_over INTEGER NOT NULL,
  asked_again INTEGER NOT NULL, slow INTEGER NOT NULL, dear INTEGER NOT NULL, UNIQUE(experiment, session)) STRICT;
)";

}  // namespace

Result<std::unique_ptr<CanaryLog>> CanaryLog::Open(const std::filesystem::path& folder) {
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(folder / "calls.db", Database::Mode::kCreate,
                                                           std::chrono::milliseconds(5000)));
  SOTTO_RETURN_IF_ERROR(database.Execute(kCallsSchema));
  return std::unique_ptr<CanaryLog>(new CanaryLog(std::move(database)));
}

Result<void> CanaryLog::Append(std::string_view experiment, std::string_view at,
                               std::span<const CanaryCall> calls) {
  if (calls.empty()) return {};
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_ASSIGN_OR_RETURN(
      Statement insert,
      database_.Prepare(
          "INSERT OR IGNORE INTO calls(experiment, at, session, candidate, turns, troubled_turns, "
          "handed_over, asked_again, slow, dear) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  for (const CanaryCall& call : calls) {
    insert.Bind(1, experiment).Bind(2, at).Bind(3, std::string_view(call.session));
    insert.Bind(4, int64_t{call.candidate}).Bind(5, int64_t{call.turns});
    insert.Bind(6, int64_t{call.troubled_turns}).Bind(7, int64_t{call.handed_over});
    insert.Bind(8, int64_t{call.asked_again}).Bind(9, int64_t{call.slow}).Bind(10, int64_t{call.dear});
    SOTTO_RETURN_IF_ERROR(insert.Run());
  }
  return transaction.Commit();
}

Result<std::vector<CanaryCall>> CanaryLog::Read(std::string_view experiment) const {
  SOTTO_ASSIGN_OR_RETURN(
      Statement rows,
      database_.Prepare("SELECT session, candidate, turns, troubled_turns, handed_over, "
                        "asked_again, slow, dear FROM calls WHERE experiment = ? ORDER BY number"));
  rows.Bind(1, experiment);
  std::vector<CanaryCall> calls;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return calls;
    CanaryCall call;
    call.session = rows.Text(0);
    call.candidate = rows.Integer(1) != 0;
    call.turns = static_cast<int>(rows.Integer(2));
    call.troubled_turns = static_cast<int>(rows.Integer(3));
    call.troubled = call.troubled_turns > 0;
    call.handed_over = rows.Integer(4) != 0;
    call.asked_again = rows.Integer(5) != 0;
    call.slow = rows.Integer(6) != 0;
    call.dear = rows.Integer(7) != 0;
    calls.push_back(std::move(call));
  }
}

}  // namespace sotto
