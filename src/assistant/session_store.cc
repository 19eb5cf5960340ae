#include "assistant/session_store.h"

#include <fmt/chrono.h>
#include <sqlite3.h>

#include "dialogue/state.h"

namespace sotto {
namespace {

constexpr const char* kSchema = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
CREATE TABLE IF NOT EXISTS sessions(
  id TEXT PRIMARY KEY, workflow TEXT NOT NULL, begun_at TEXT NOT NULL, changed_at TEXT NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS events(
  session TEXT NOT NULL REFERENCES sessions(id), number INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY(session, number)) STRICT, WITHOUT ROWID;
)";

Error DatabaseError(sqlite3* database, const std::string& path, std::string_view doing) {
  const int code = database == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database);
  const ErrorCode kind = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? ErrorCode::kUnavailable
                         : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ErrorCode::kCorrupt
                                                                           : ErrorCode::kIo;
  return {kind, fmt::format("{}: cannot {}: {}", path, doing,
                            database == nullptr ? "out of memory" : sqlite3_errmsg(database))};
}

// A prepared statement with its parameters; finalised at the end of the scope.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int index, const std::string& text) {
    if (statement_ != nullptr)
      sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& Bind(int index, int64_t number) {
    if (statement_ != nullptr) sqlite3_bind_int64(statement_, index, number);
    return *this;
  }
  int Step() { return statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_); }
  void Reset() { sqlite3_reset(statement_); }
  std::string Text(int column) const {
    const auto* text = sqlite3_column_text(statement_, column);
    return text == nullptr ? ""
                           : std::string(reinterpret_cast<const char*>(text),
                                         static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
  }
  int64_t Integer(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<SessionStore>> SessionStore::Open(const std::filesystem::path& path) {
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(
      path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  std::unique_ptr<SessionStore> store(new SessionStore(database, path.string()));
  if (opened != SQLITE_OK)
    return tl::unexpected(DatabaseError(database, path.string(), "open the session store"));
  sqlite3_busy_timeout(database, 2000);
  if (sqlite3_exec(database, kSchema, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(DatabaseError(database, path.string(), "prepare the session store"));
  }
  return store;
}

SessionStore::~SessionStore() { sqlite3_close(database_); }

Result<std::vector<Event>> SessionStore::Load(const std::string& session, const std::string& workflow) {
  Statement owner(database_, "SELECT workflow FROM sessions WHERE id = ?");
  const int found = owner.Bind(1, session).Step();
  if (found == SQLITE_DONE) return std::vector<Event>{};
  if (found != SQLITE_ROW) return tl::unexpected(DatabaseError(database_, path_, "read sessions"));
  if (owner.Text(0) != workflow) {
    return MakeError(ErrorCode::kInvalidArgument, "session '{}' belongs to workflow '{}', not '{}'", session,
                     owner.Text(0), workflow);
  }
  Statement rows(database_, "SELECT event FROM events WHERE session = ? ORDER BY number");
  rows.Bind(1, session);
  std::vector<Event> events;
  int step = rows.Step();
  for (; step == SQLITE_ROW; step = rows.Step()) {
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(rows.Text(0), path_));
    auto event = EventFromJson(json);
    if (!event) return WithContext(event.error(), fmt::format("{}: session '{}'", path_, session));
    events.push_back(std::move(*event));
  }
  if (step != SQLITE_DONE) return tl::unexpected(DatabaseError(database_, path_, "read events"));
  try {
    Fold(events);
  } catch (const std::exception& error) {
    return MakeError(ErrorCode::kCorrupt, "{}: session '{}' has an event that is none: {}", path_, session,
                     error.what());
  }
  return events;
}

Result<void> SessionStore::Append(const std::string& session, const std::string& workflow,
                                  std::span<const Event> events, std::chrono::system_clock::time_point now) {
  if (events.empty()) return {};
  const std::string at =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  const auto fail = [&](std::string_view doing) {
    Error error = DatabaseError(database_, path_, doing);
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    return tl::unexpected(std::move(error));
  };
  if (sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail("begin");
  bool ended = false;
  for (const Event& event : events) {
    if (event.type == Event::Type::kEnded) ended = true;
    if (event.type == Event::Type::kReopened) ended = false;
  }
  Statement touch(
      database_,
      "INSERT INTO sessions(id, workflow, begun_at, changed_at, ended) VALUES(?1, ?2, ?3, ?3, ?4) "
      "ON CONFLICT(id) DO UPDATE SET changed_at = ?3, ended = ?4");
  if (touch.Bind(1, session).Bind(2, workflow).Bind(3, at).Bind(4, ended ? 1 : 0).Step() != SQLITE_DONE) {
    return fail("store the session");
  }
  Statement insert(database_,
                   "INSERT INTO events(session, number, at, event) "
                   "SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM events WHERE session = ?1");
  for (const Event& event : events) {
    const std::string json = ToJson(event).dump(-1, ' ', false, Json::error_handler_t::replace);
    if (insert.Bind(1, session).Bind(2, at).Bind(3, json).Step() != SQLITE_DONE)
      return fail("store an event");
    insert.Reset();
  }
  if (sqlite3_exec(database_, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) return fail("commit");
  return {};
}

Result<std::vector<SessionInfo>> SessionStore::List(int limit) {
  Statement rows(database_,
                 "SELECT id, workflow, changed_at, ended, (SELECT count(*) FROM events WHERE session = id) "
                 "FROM sessions ORDER BY changed_at DESC, id LIMIT ?");
  rows.Bind(1, int64_t{limit});
  std::vector<SessionInfo> sessions;
  int step = rows.Step();
  for (; step == SQLITE_ROW; step = rows.Step()) {
    sessions.push_back(
        {rows.Text(0), rows.Text(1), rows.Text(2), rows.Integer(3) != 0, static_cast<int>(rows.Integer(4))});
  }
  if (step != SQLITE_DONE) return tl::unexpected(DatabaseError(database_, path_, "read sessions"));
  return sessions;
}

}  // namespace sotto
