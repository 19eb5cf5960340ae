#include "flywheel/turn_store.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "base/sha256.h"
#include "base/unique_id.h"
#include "base/utc.h"
#include "flywheel/turn_store_parts.h"
#include "flywheel/turn_store_schema.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kWaitForWriters{10000};
constexpr size_t kSecretDigits = 32;
constexpr const char* kColumns = "t.id, t.source, t.metrics, w.json, v.json, a.path";
constexpr const char* kFromTurns =
    "FROM turns t "
    "LEFT JOIN turn_words w ON w.id = t.id LEFT JOIN turn_values v ON v.id = t.id "
    "LEFT JOIN turn_audio a ON a.id = t.id ";

std::string NowUtc() { return UtcStamp(std::chrono::system_clock::now()); }

std::string DumpOf(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A file that is there and is no database of ours is left as it is.
Result<void> LookBeforeOpening(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  if (std::filesystem::is_directory(path, error))
    return MakeError(ErrorCode::kCorrupt, "{}: a folder, not a turn store", path.string());
  std::ifstream file(path, std::ios::binary);
  char header[100] = {};
  file.read(header, sizeof(header));
  if (file.gcount() == 0) {
    if (file.bad() || !std::ifstream(path))
      return MakeError(ErrorCode::kIo, "{}: cannot be read", path.string());
    return {};
  }
  if (std::memcmp(header, "SQLite format 3", 16) != 0)
    return MakeError(ErrorCode::kCorrupt, "{}: not a turn store (no SQLite file); it is left as it is",
                     path.string());
  // As SQLite sees it, with what stands in its write-ahead log.
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> close(handle, sqlite3_close_v2);
  if (opened != SQLITE_OK) return MakeError(ErrorCode::kIo, "{}: {}", path.string(), sqlite3_errmsg(handle));
  sqlite3_busy_timeout(handle, static_cast<int>(kWaitForWriters.count()));
  const auto number = [&](const char* sql) -> Result<int64_t> {
    sqlite3_stmt* statement = nullptr;
    int64_t value = 0;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, nullptr);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (code == SQLITE_ROW) return value;
    return MakeError(code == SQLITE_BUSY ? ErrorCode::kUnavailable : ErrorCode::kCorrupt,
                     "{}: not a usable turn store: {}", path.string(), sqlite3_errmsg(handle));
  };
  SOTTO_ASSIGN_OR_RETURN(const int64_t application, number("PRAGMA application_id"));
  SOTTO_ASSIGN_OR_RETURN(const int64_t tables, number("SELECT count(*) FROM sqlite_master"));
  if (application != kTurnStoreApplication && tables > 0)
    return MakeError(ErrorCode::kCorrupt, "{}: a database of something else, not a turn store",
                     path.string());
  return {};
}

Result<void> CreateTables(Database& database) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  // Another process may have been first.
  SOTTO_ASSIGN_OR_RETURN(Statement there,
                         database.Prepare("SELECT count(*) FROM sqlite_master WHERE name = 'turns'"));
  SOTTO_ASSIGN_OR_RETURN(const bool row, there.Step());
  const bool made = row && there.Integer(0) > 0;
  SOTTO_RETURN_IF_ERROR(there.Step());
  if (made) return {};
  SOTTO_RETURN_IF_ERROR(database.Execute(kTurnStoreSchema));
  for (const char* table : kAppendOnlyTables) {
    SOTTO_RETURN_IF_ERROR(database.Execute(fmt::format(
        "CREATE TRIGGER {0}_stay BEFORE UPDATE ON {0} BEGIN SELECT RAISE(ABORT, "
        "'the log is append-only'); END;"
        "CREATE TRIGGER {0}_remain BEFORE DELETE ON {0} WHEN NOT EXISTS (SELECT 1 FROM purging) BEGIN "
        "SELECT RAISE(ABORT, 'the log is append-only: sotto logs purge'); END;",
        table)));
  }
  SOTTO_RETURN_IF_ERROR(database.Execute(
      "CREATE TRIGGER purges_stay BEFORE UPDATE ON purges BEGIN SELECT RAISE(ABORT, 'append-only'); END;"
      "CREATE TRIGGER purges_remain BEFORE DELETE ON purges BEGIN SELECT RAISE(ABORT, 'append-only'); END;"));
  SOTTO_ASSIGN_OR_RETURN(Statement meta,
                         database.Prepare("INSERT INTO meta VALUES ('version', ?1), ('secret', ?2)"));
  SOTTO_RETURN_IF_ERROR(meta.Bind(1, std::to_string(kTurnStoreVersion)).Bind(2, UniqueId()).Run());
  SOTTO_RETURN_IF_ERROR(database.Execute(fmt::format("PRAGMA application_id = {}", kTurnStoreApplication)));
  return transaction.Commit();
}

Result<std::string> MetaOf(Database& database, std::string_view key) {
  SOTTO_ASSIGN_OR_RETURN(Statement read, database.Prepare("SELECT value FROM meta WHERE key = ?1"));
  read.Bind(1, key);
  SOTTO_ASSIGN_OR_RETURN(const bool row, read.Step());
  if (!row) return MakeError(ErrorCode::kCorrupt, "{}: no '{}' in meta", database.path(), key);
  return read.Text(0);
}

// The conditions of a query and what they bind, in order.
struct Where {
  std::string sql = "WHERE 1";
  std::vector<std::string> values;

  explicit Where(const TurnQuery& query) {
    Add("session = ?", query.session);
    Add("workflow = ?", query.workflow);
    Add("at >= ?", query.since);
    Add("at < ?", query.until);
  }
  void Add(const char* condition, const std::string& value) {
    if (value.empty()) return;
    sql += fmt::format(" AND {}", condition);
    values.push_back(value);
  }
  void Bind(Statement& statement, int repeat = 1) const {
    int index = 0;
    for (int i = 0; i < repeat; ++i)
      for (const std::string& value : values) statement.Bind(++index, std::string_view(value));
  }
};

}  // namespace

std::string_view DataKindName(DataKind kind) {
  static constexpr std::string_view kNames[kDataKinds] = {"words", "values", "audio", "metrics"};
  return kNames[static_cast<size_t>(kind)];
}

TurnStore::TurnStore(Database database, Options options)
    : database_(std::move(database)), options_(std::move(options)) {}

Result<std::unique_ptr<TurnStore>> TurnStore::Open(const std::filesystem::path& path, Options options) {
  std::error_code error;
  if (!options.create && !std::filesystem::exists(path, error))
    return MakeError(ErrorCode::kNotFound, "{}: no turn store there", path.string());
  SOTTO_RETURN_IF_ERROR(LookBeforeOpening(path));
  // SQLite takes an empty file for an empty database: who only reads makes no store of it.
  if (!options.create && std::filesystem::file_size(path, error) == 0)
    return MakeError(ErrorCode::kInvalidArgument, "{}: an empty file, no turn store", path.string());
  const bool fresh = !std::filesystem::exists(path, error);
  SOTTO_ASSIGN_OR_RETURN(
      Database database,
      Database::Open(path, options.create ? Database::Mode::kCreate : Database::Mode::kOpen,
                     kWaitForWriters));
  if (fresh)
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
  // What is deleted is overwritten.
  SOTTO_RETURN_IF_ERROR(database.Execute("PRAGMA secure_delete = ON"));
  SOTTO_RETURN_IF_ERROR(CreateTables(database));
  SOTTO_ASSIGN_OR_RETURN(const std::string version, MetaOf(database, "version"));
  if (version != std::to_string(kTurnStoreVersion))
    return MakeError(ErrorCode::kUnsupported, "{}: a turn store of version {}; this program knows {}",
                     path.string(), version, kTurnStoreVersion);
  std::unique_ptr<TurnStore> store(new TurnStore(std::move(database), std::move(options)));
  SOTTO_RETURN_IF_ERROR(store->Prepare());
  return store;
}

Result<void> TurnStore::Prepare() {
  SOTTO_ASSIGN_OR_RETURN(secret_, MetaOf(database_, "secret"));
  if (options_.most_bytes > 0) {
    SOTTO_ASSIGN_OR_RETURN(Statement size, database_.Prepare("PRAGMA page_size"));
    SOTTO_ASSIGN_OR_RETURN(const bool row, size.Step());
    const int64_t page = row ? std::max<int64_t>(1, size.Integer(0)) : 4096;
    SOTTO_RETURN_IF_ERROR(database_.Execute(
        fmt::format("PRAGMA max_page_count = {}", std::max<int64_t>(1, options_.most_bytes / page))));
  }
  SOTTO_ASSIGN_OR_RETURN(
      insert_turn_,
      database_.Prepare("INSERT INTO turns(key, session, turn, at, workflow, workflow_hash, model, outcome, "
                        "source, stored_at, metrics) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
                        "ON CONFLICT(key) DO NOTHING"));
  SOTTO_ASSIGN_OR_RETURN(insert_words_, database_.Prepare("INSERT INTO turn_words VALUES (?1, ?2)"));
  SOTTO_ASSIGN_OR_RETURN(insert_values_, database_.Prepare("INSERT INTO turn_values VALUES (?1, ?2)"));
  return {};
}

Result<bool> TurnStore::Insert(const TurnRecord& record, const std::string& source, const std::string& now) {
  Json json = ToJson(record);
  const std::string key = Sha256(DumpOf(json));
  const RecordParts parts = SplitRecord(std::move(json));
  const std::string metrics = DumpOf(parts.metrics);
  insert_turn_->Bind(1, key).Bind(2, record.session).Bind(3, int64_t{record.turn}).Bind(4, record.at);
  insert_turn_->Bind(5, record.workflow).Bind(6, record.workflow_hash);
  insert_turn_->Bind(7, record.understood ? record.understood->model : std::string());
  insert_turn_->Bind(8, OutcomeName(record.outcome)).Bind(9, source).Bind(10, now).Bind(11, metrics);
  SOTTO_RETURN_IF_ERROR(insert_turn_->Run());
  if (database_.changes() == 0) return false;
  const int64_t id = database_.last_id();
  SOTTO_RETURN_IF_ERROR(insert_words_->Bind(1, id).Bind(2, DumpOf(parts.words)).Run());
  SOTTO_RETURN_IF_ERROR(insert_values_->Bind(1, id).Bind(2, DumpOf(parts.values)).Run());
  return true;
}

Result<void> TurnStore::Write(const TurnRecord& record) {
  SOTTO_RETURN_IF_ERROR(AddAll({&record, 1}, options_.source));
  return {};
}

Result<size_t> TurnStore::AddAll(std::span<const TurnRecord> records, const std::string& source) {
  const std::string now = NowUtc();
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  size_t added = 0;
  for (const TurnRecord& record : records) {
    SOTTO_ASSIGN_OR_RETURN(const bool fresh, Insert(record, source, now));
    added += fresh ? 1 : 0;
  }
  SOTTO_RETURN_IF_ERROR(transaction.Commit());
  return added;
}

Result<void> TurnStore::SetAudio(const std::string& session, int turn, const std::string& path) {
  const std::lock_guard lock(mutex_);
  SOTTO_ASSIGN_OR_RETURN(
      Statement insert,
      database_.Prepare("INSERT INTO turn_audio SELECT id, ?3 FROM turns WHERE session = ?1 AND turn = ?2 "
                        "ORDER BY id DESC LIMIT 1"));
  const auto done = insert.Bind(1, session).Bind(2, int64_t{turn}).Bind(3, path).Run();
  if (!done) {
    if (ConstraintOf(done.error()).empty()) return done;
    return MakeError(ErrorCode::kInvalidArgument, "turn {} of {} has a recording", turn, session);
  }
  if (database_.changes() == 0)
    return MakeError(ErrorCode::kNotFound, "{}: no turn {} of session {}", database_.path(), turn, session);
  return {};
}

Result<StoredTurn> TurnStore::Read(Statement& row) {
  StoredTurn turn;
  turn.id = row.Integer(0);
  turn.source = row.Text(1);
  const std::string where = fmt::format("{}: turn {}", database_.path(), turn.id);
  RecordParts parts;
  SOTTO_ASSIGN_OR_RETURN(parts.metrics, ParseJson(row.Text(2), where));
  turn.has_words = !row.IsNull(3);
  turn.has_values = !row.IsNull(4);
  if (turn.has_words) {
    SOTTO_ASSIGN_OR_RETURN(parts.words, ParseJson(row.Text(3), where + " (words)"));
  }
  if (turn.has_values) {
    SOTTO_ASSIGN_OR_RETURN(parts.values, ParseJson(row.Text(4), where + " (values)"));
  }
  turn.audio = row.Text(5);
  auto record = TurnRecordFromJson(JoinRecord(std::move(parts)));
  if (!record) return WithContext(std::move(record).error(), where);
  turn.record = *std::move(record);
  return turn;
}

Result<void> TurnStore::EachSession(const TurnQuery& query, std::vector<std::string>* errors,
                                    const Visit& visit) {
  const std::lock_guard lock(mutex_);
  const Where where(query);
  SOTTO_ASSIGN_OR_RETURN(Statement rows,
                         database_.Prepare(fmt::format(
                             "SELECT {}, t.session {} JOIN (SELECT session AS s, min(id) AS first "
                             "FROM turns {} GROUP BY session) ON s = t.session {} ORDER BY first, t.id",
                             kColumns, kFromTurns, where.sql, where.sql)));
  where.Bind(rows, 2);
  std::vector<StoredTurn> session;
  std::string id;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) break;
    if (std::string of = rows.Text(6); of != id) {
      if (!session.empty()) SOTTO_RETURN_IF_ERROR(visit(std::exchange(session, {})));
      id = std::move(of);
    }
    auto turn = Read(rows);
    if (turn) {
      session.push_back(*std::move(turn));
    } else if (errors == nullptr) {
      return tl::unexpected(std::move(turn).error());
    } else {
      errors->push_back(std::move(turn).error().message);
    }
  }
  if (!session.empty()) SOTTO_RETURN_IF_ERROR(visit(std::move(session)));
  return {};
}

Result<std::vector<StoredTurn>> TurnStore::ReadAll(const TurnQuery& query, std::vector<std::string>* errors) {
  std::vector<StoredTurn> all;
  SOTTO_RETURN_IF_ERROR(EachSession(query, errors, [&](std::vector<StoredTurn> session) -> Result<void> {
    std::move(session.begin(), session.end(), std::back_inserter(all));
    return {};
  }));
  return all;
}

Result<int64_t> TurnStore::Count(const TurnQuery& query) {
  const std::lock_guard lock(mutex_);
  const Where where(query);
  SOTTO_ASSIGN_OR_RETURN(Statement count,
                         database_.Prepare(fmt::format("SELECT count(*) FROM turns t {}", where.sql)));
  where.Bind(count);
  SOTTO_ASSIGN_OR_RETURN(const bool row, count.Step());
  return row ? count.Integer(0) : 0;
}

Result<std::string> TurnStore::NameOf(std::string_view foreign_id) {
  return Sha256(fmt::format("{}/{}", secret_, foreign_id)).substr(0, kSecretDigits);
}

Result<std::unique_ptr<TurnSink>> OpenTurnSink(const std::string& path) {
  if (IsTurnStorePath(path)) {
    SOTTO_ASSIGN_OR_RETURN(std::unique_ptr<TurnSink> store, TurnStore::Open(path));
    return store;
  }
  SOTTO_ASSIGN_OR_RETURN(std::unique_ptr<TurnSink> log, TurnLog::Open(path));
  return log;
}

bool IsTurnStorePath(const std::filesystem::path& path) {
  return path.extension() == ".sqlite" || path.extension() == ".db";
}

std::vector<std::span<const StoredTurn>> SessionParts(std::span<const StoredTurn> session) {
  std::vector<std::span<const StoredTurn>> parts;
  for (size_t begin = 0; begin < session.size();) {
    size_t end = begin + 1;
    while (end < session.size() && session[end].record.turn > session[end - 1].record.turn) ++end;
    parts.push_back(session.subspan(begin, end - begin));
    begin = end;
  }
  return parts;
}

}  // namespace sotto
