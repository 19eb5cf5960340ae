// What may no longer be kept, and that it went: TurnStore::Delete.
#include <array>
#include <filesystem>

#include "flywheel/kept_reason.h"
#include "flywheel/log_time.h"
#include "flywheel/turn_store.h"

namespace sotto {
namespace {

constexpr int kFarAheadDays = 400;  // nothing was stored for so long: rather the clock is wrong

constexpr std::array<const char*, kDataKinds> kTables{"turn_words", "turn_values", "turn_audio", "turns"};

Result<std::string> OneText(Database& database, const std::string& sql) {
  SOTTO_ASSIGN_OR_RETURN(Statement read, database.Prepare(sql));
  SOTTO_ASSIGN_OR_RETURN(const bool row, read.Step());
  return row ? read.Text(0) : std::string();
}

Result<void> CheckClock(Database& database, const Purge& purge) {
  SOTTO_ASSIGN_OR_RETURN(const std::string newest, OneText(database, "SELECT max(at) FROM turns"));
  SOTTO_ASSIGN_OR_RETURN(const std::string stored, OneText(database, "SELECT max(stored_at) FROM turns"));
  if (newest > DaysBefore(purge.now, -1))
    return MakeError(ErrorCode::kInvalidArgument,
                     "the clock says {}, but a turn is of {}: set it right, or say --trust-clock", purge.now,
                     newest);
  if (!stored.empty() && DaysBefore(purge.now, kFarAheadDays) > stored)
    return MakeError(ErrorCode::kInvalidArgument,
                     "the clock says {}, {} days after the last turn was stored ({}): if that is right, say "
                     "--trust-clock",
                     purge.now, kFarAheadDays, stored);
  return {};
}

// The recordings go before what names them: after a crash nothing lies about that nobody knows of.
Result<void> RemoveRecordings(Database& database, const std::string& chosen, const std::string& bound) {
  SOTTO_ASSIGN_OR_RETURN(
      Statement rows, database.Prepare(fmt::format("SELECT path FROM turn_audio WHERE id IN ({})", chosen)));
  rows.Bind(1, bound);
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return {};
    const std::string path = rows.Text(0);
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) return MakeError(ErrorCode::kIo, "{}: cannot be deleted: {}", path, error.message());
  }
}

}  // namespace

Result<Purged> TurnStore::Delete(const Purge& purge, bool only_count) {
  if (purge.who.empty() || purge.reason.empty())
    return MakeError(ErrorCode::kInvalidArgument, "a purge needs who does it and why");
  if (!ParseUtc(purge.now)) return MakeError(ErrorCode::kInvalidArgument, "'{}' is no time", purge.now);
  const std::lock_guard lock(mutex_);
  if (!purge.trust_clock && purge.session.empty()) SOTTO_RETURN_IF_ERROR(CheckClock(database_, purge));
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_RETURN_IF_ERROR(database_.Execute("INSERT INTO purging VALUES (1)"));
  Purged purged;
  std::string what;
  for (size_t kind = 0; kind < kDataKinds; ++kind) {
    // Metrics last: their row is what the others hang on.
    const std::optional<int>& metrics = purge.days[static_cast<size_t>(DataKind::kMetrics)];
    std::optional<int> days = purge.days[kind];
    if (metrics && (!days || *days > *metrics)) days = metrics;
    std::string chosen, bound;
    if (!purge.session.empty()) {
      chosen = "SELECT id FROM turns WHERE session = ?1";
      bound = purge.session;
      what = "session " + purge.session;
    } else if (days) {
      chosen = "SELECT id FROM turns WHERE coalesce(nullif(at, ''), stored_at) < ?1";
      bound = DaysBefore(purge.now, *days);
      what += fmt::format("{}{} before {}", what.empty() ? "" : ", ",
                          DataKindName(static_cast<DataKind>(kind)), bound);
    } else {
      continue;
    }
    if (kind == static_cast<size_t>(DataKind::kAudio) && !only_count)
      SOTTO_RETURN_IF_ERROR(RemoveRecordings(database_, chosen, bound));
    SOTTO_ASSIGN_OR_RETURN(Statement erase, database_.Prepare(fmt::format("DELETE FROM {} WHERE id IN ({})",
                                                                          kTables[kind], chosen)));
    SOTTO_RETURN_IF_ERROR(erase.Bind(1, bound).Run());
    purged.rows[kind] = database_.changes();
  }
  if (what.empty())
    return MakeError(ErrorCode::kInvalidArgument, "a purge of nothing: name a kind of data or a session");
  if (only_count) return purged;  // rolled back
  SOTTO_RETURN_IF_ERROR(database_.Execute("DELETE FROM purging"));
  SOTTO_ASSIGN_OR_RETURN(
      Statement note,
      database_.Prepare("INSERT INTO purges(at, who, reason, what, words, \"values\", audio, metrics) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
  SOTTO_ASSIGN_OR_RETURN(const std::string reason, KeptReason(purge.reason));
  note.Bind(1, purge.now).Bind(2, purge.who).Bind(3, reason).Bind(4, what);
  for (size_t kind = 0; kind < kDataKinds; ++kind) note.Bind(static_cast<int>(kind) + 5, purged.rows[kind]);
  SOTTO_RETURN_IF_ERROR(note.Run());
  SOTTO_RETURN_IF_ERROR(transaction.Commit());
  // Nor in the write-ahead log.
  SOTTO_RETURN_IF_ERROR(database_.Execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  return purged;
}

}  // namespace sotto
