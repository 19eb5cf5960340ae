#include "base/sqlite.h"

#include <utility>

#include "base/check.h"

namespace sotto {
namespace {

constexpr std::string_view kConstraint = "constraint: ";

Error ErrorOf(sqlite3* handle, std::string_view path) {
  const int code = sqlite3_extended_errcode(handle);
  const char* message = sqlite3_errmsg(handle);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable, fmt::format("{}: the database is locked", path)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorCode::kCorrupt, fmt::format("{}: not a usable database: {}", path, message)};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::kInvalidArgument, fmt::format("{}{}", kConstraint, message)};
    case SQLITE_CANTOPEN:
      return {ErrorCode::kNotFound, fmt::format("cannot open {}: {}", path, message)};
    case SQLITE_INTERRUPT:
      return {ErrorCode::kCancelled, fmt::format("{}: interrupted", path)};
    case SQLITE_FULL:
      return {ErrorCode::kIo, fmt::format("{}: the disk is full", path)};
    default:
      return {ErrorCode::kIo, fmt::format("{}: {}", path, message)};
  }
}

}  // namespace

std::string ConstraintOf(const Error& error) {
  return error.message.starts_with(kConstraint) ? error.message.substr(kConstraint.size()) : std::string();
}

Statement& Statement::Bind(int index, int64_t value) {
  SOTTO_CHECK(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int index, std::string_view value) {
  SOTTO_CHECK(sqlite3_bind_text(statement_.get(), index, value.data(), static_cast<int>(value.size()),
                                SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int index, double value) {
  SOTTO_CHECK(sqlite3_bind_double(statement_.get(), index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::BindNull(int index) {
  SOTTO_CHECK(sqlite3_bind_null(statement_.get(), index) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  sqlite3* handle = sqlite3_db_handle(statement_.get());
  const char* path = sqlite3_db_filename(handle, nullptr);
  Error error = ErrorOf(handle, path == nullptr ? "" : path);
  sqlite3_reset(statement_.get());
  return tl::unexpected<Error>(std::move(error));
}

Result<void> Statement::Run() {
  SOTTO_ASSIGN_OR_RETURN(const bool row, Step());
  if (row) sqlite3_reset(statement_.get());
  return {};
}

std::string_view Statement::ParameterName(int index) const {
  const char* name = sqlite3_bind_parameter_name(statement_.get(), index);
  return name == nullptr ? std::string_view() : std::string_view(name).substr(1);
}

std::string Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  return text == nullptr
             ? std::string()
             : std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

std::string_view Statement::View(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  return bytes == nullptr
             ? std::string_view()
             : std::string_view(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

Result<Database> Database::Open(const std::filesystem::path& path, Mode mode,
                                std::chrono::milliseconds busy) {
  Database database;
  database.path_ = path.string();
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | (mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (mode == Mode::kCreate ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  database.handle_.reset(handle);
  if (code != SQLITE_OK) return tl::unexpected<Error>(ErrorOf(handle, database.path_));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, static_cast<int>(busy.count()));
  if (mode == Mode::kRead) return database;
  SOTTO_RETURN_IF_ERROR(
      database.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
  return database;
}

Result<void> Database::Execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected<Error>(ErrorOf(handle_.get(), path_));
  }
  return {};
}

void Database::StopOn(std::stop_token stop) {
  *stop_ = std::move(stop);
  constexpr int kStepsBetweenLooks = 10'000;
  const auto look = [](void* token) {
    return static_cast<std::stop_token*>(token)->stop_requested() ? 1 : 0;
  };
  sqlite3_progress_handler(handle_.get(), stop_->stop_possible() ? kStepsBetweenLooks : 0, look, stop_.get());
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &statement, nullptr) != SQLITE_OK) {
    return tl::unexpected<Error>(ErrorOf(handle_.get(), path_));
  }
  if (statement == nullptr) return MakeError(ErrorCode::kInvalidArgument, "empty SQL statement");
  return Statement(statement);
}

Result<Transaction> Transaction::Begin(Database& database) {
  SOTTO_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->Execute("ROLLBACK");
}

Result<void> Transaction::Commit() {
  SOTTO_RETURN_IF_ERROR(database_->Execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace sotto
