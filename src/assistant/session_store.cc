#include "assistant/session_store.h"

#include "base/utc.h"
#include "dialogue/state.h"

namespace sotto {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE sessions(
  id TEXT PRIMARY KEY, name TEXT UNIQUE, workflow TEXT NOT NULL, begun_at TEXT NOT NULL, changed_at TEXT NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE events(
  session TEXT NOT NULL REFERENCES sessions(id), number INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL,
  PRIMARY KEY(session, number)) STRICT, WITHOUT ROWID;
)";

// Version 0 had no names; its ids were what people called them by.
constexpr const char* kFrom0To1 = R"(
ALTER TABLE sessions ADD COLUMN name TEXT;
UPDATE sessions SET name = id;
CREATE UNIQUE INDEX one_name ON sessions(name);
)";

constexpr int64_t kVersion = 1;
constexpr std::chrono::milliseconds kBusy{2000};

Result<int64_t> NumberOf(Database& database, std::string_view sql) {
  SOTTO_ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
  SOTTO_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Integer(0) : 0;
}

// Makes the tables, or brings them up to this version: all of it or nothing.
Result<void> PrepareTables(Database& database) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  SOTTO_ASSIGN_OR_RETURN(const int64_t version, NumberOf(database, "PRAGMA user_version"));
  if (version == kVersion) return {};
  if (version > kVersion) {
    return MakeError(ErrorCode::kUnsupported, "{} holds sessions of version {}; this program knows up to {}",
                     database.path(), version, kVersion);
  }
  SOTTO_ASSIGN_OR_RETURN(const int64_t tables, NumberOf(database, "SELECT count(*) FROM sqlite_schema"));
  SOTTO_ASSIGN_OR_RETURN(
      const int64_t old,
      NumberOf(database, "SELECT count(*) FROM pragma_table_info('sessions') WHERE name = 'begun_at'"));
  if (tables > 0 && old == 0) {
    return MakeError(ErrorCode::kCorrupt, "{} is a database of something else than sessions",
                     database.path());
  }
  SOTTO_RETURN_IF_ERROR(database.Execute(old == 0 ? kSchema : kFrom0To1));
  SOTTO_RETURN_IF_ERROR(database.Execute(fmt::format("PRAGMA user_version = {}", kVersion)));
  return transaction.Commit();
}

}  // namespace

Result<void> CheckCaller(const std::string& session, std::span<const Event> events, const Caller& caller) {
  const DialogueState state = Fold(events);
  if (events.empty()) return {};
  const Caller& before = state.known_as;
  const Caller& now = state.caller;
  const bool began = caller.customer == before.customer;
  const bool unknown = before.customer.empty() && (now.customer.empty() || now.customer == caller.customer);
  const bool here = before.address.empty() || before.address == caller.address;
  const bool vouched = caller.verified() && !caller.customer.empty() && caller.customer == now.customer;
  if (vouched || (here && (began || unknown))) return {};
  return MakeError(ErrorCode::kInvalidArgument, "session '{}' belongs to another caller", session);
}

Result<std::unique_ptr<SessionStore>> SessionStore::Open(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kCreate, kBusy));
  SOTTO_RETURN_IF_ERROR(PrepareTables(database));
  return std::unique_ptr<SessionStore>(new SessionStore(std::move(database)));
}

Result<std::vector<Event>> SessionStore::Load(const std::string& session, const std::string& workflow) {
  SOTTO_ASSIGN_OR_RETURN(Statement owner, database_.Prepare("SELECT workflow FROM sessions WHERE id = ?"));
  SOTTO_ASSIGN_OR_RETURN(const bool known, owner.Bind(1, session).Step());
  if (!known) return std::vector<Event>{};
  if (owner.Text(0) != workflow) {
    return MakeError(ErrorCode::kInvalidArgument, "session '{}' belongs to workflow '{}', not '{}'", session,
                     owner.Text(0), workflow);
  }
  SOTTO_ASSIGN_OR_RETURN(Statement rows,
                         database_.Prepare("SELECT event FROM events WHERE session = ? ORDER BY number"));
  rows.Bind(1, session);
  const std::string& path = database_.path();
  std::vector<Event> events;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) break;
    SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(rows.Text(0), path));
    auto event = EventFromJson(json);
    if (!event) return WithContext(event.error(), fmt::format("{}: session '{}'", path, session));
    events.push_back(std::move(*event));
  }
  try {
    Fold(events);
  } catch (const std::exception& error) {
    return MakeError(ErrorCode::kCorrupt, "{}: session '{}' has an event that is none: {}", path, session,
                     error.what());
  }
  return events;
}

Result<void> SessionStore::Append(const std::string& session, const std::string& workflow,
                                  std::span<const Event> events, std::chrono::system_clock::time_point now) {
  if (events.empty()) return {};
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_RETURN_IF_ERROR(Write(session, workflow, events, now));
  return transaction.Commit();
}

Result<void> SessionStore::AppendAll(std::span<const SessionAppend> appends) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  for (const SessionAppend& append : appends)
    SOTTO_RETURN_IF_ERROR(Write(append.session, append.workflow, append.events, append.now));
  return transaction.Commit();
}

Result<void> SessionStore::Write(const std::string& session, const std::string& workflow,
                                 std::span<const Event> events, std::chrono::system_clock::time_point now) {
  if (events.empty()) return {};
  const std::string at = UtcStamp(now);
  std::optional<bool> ended;  // as it was, where the events do not say
  for (const Event& event : events) {
    if (event.type == Event::Type::kEnded) ended = true;
    if (event.type == Event::Type::kReopened) ended = false;
  }
  if (!insert_) {
    SOTTO_ASSIGN_OR_RETURN(
        touch_, database_.Prepare(
                    "INSERT INTO sessions(id, workflow, begun_at, changed_at, ended) VALUES(?1, ?2, ?3, "
                    "?3, coalesce(?4, 0)) "
                    "ON CONFLICT(id) DO UPDATE SET changed_at = ?3, ended = coalesce(?4, ended)"));
    SOTTO_ASSIGN_OR_RETURN(
        insert_,
        database_.Prepare("INSERT INTO events(session, number, at, event) "
                          "SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM events WHERE session = ?1"));
  }
  touch_->Bind(1, session).Bind(2, workflow).Bind(3, at).BindNull(4);
  if (ended) touch_->Bind(4, int64_t{*ended});
  SOTTO_RETURN_IF_ERROR(touch_->Run());
  for (const Event& event : events) {
    const std::string json = ToJson(event).dump(-1, ' ', false, Json::error_handler_t::replace);
    SOTTO_RETURN_IF_ERROR(insert_->Bind(1, session).Bind(2, at).Bind(3, json).Run());
  }
  return {};
}

Result<void> SessionStore::Name(const std::string& session, const std::string& name) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_));
  SOTTO_ASSIGN_OR_RETURN(Statement lose, database_.Prepare("UPDATE sessions SET name = NULL WHERE name = ?"));
  SOTTO_RETURN_IF_ERROR(lose.Bind(1, name).Run());
  SOTTO_ASSIGN_OR_RETURN(Statement gain, database_.Prepare("UPDATE sessions SET name = ? WHERE id = ?"));
  SOTTO_RETURN_IF_ERROR(gain.Bind(1, name).Bind(2, session).Run());
  return transaction.Commit();
}

Result<std::string> SessionStore::Named(const std::string& name) {
  SOTTO_ASSIGN_OR_RETURN(Statement find, database_.Prepare("SELECT id FROM sessions WHERE name = ?"));
  SOTTO_ASSIGN_OR_RETURN(const bool known, find.Bind(1, name).Step());
  return known ? find.Text(0) : std::string();
}

Result<std::vector<SessionInfo>> SessionStore::List(int limit) {
  SOTTO_ASSIGN_OR_RETURN(Statement rows,
                         database_.Prepare("SELECT id, coalesce(name, ''), workflow, changed_at, ended, "
                                           "(SELECT count(*) FROM events WHERE session = id) "
                                           "FROM sessions ORDER BY changed_at DESC, id LIMIT ?"));
  rows.Bind(1, int64_t{limit});
  std::vector<SessionInfo> sessions;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return sessions;
    sessions.push_back({rows.Text(0), rows.Text(1), rows.Text(2), rows.Text(3), rows.Integer(4) != 0,
                        static_cast<int>(rows.Integer(5))});
  }
}

}  // namespace sotto
