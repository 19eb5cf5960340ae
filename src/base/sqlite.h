// SQLite as this project uses it: errors as Results, statements that are reset by themselves, transactions
// that roll back unless they are committed. WAL mode, foreign keys on, full sync: a committed transaction
// survives a crash. Threads: a Database and its statements belong to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sotto {

// Compiled once, used many times. Rows: while (statement.Step().value()) ...
class Statement {
 public:
  // From 1. Binding what does not exist is a bug.
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, std::string_view value);
  Statement& Bind(int index, double value);
  Statement& BindNull(int index);
  // Parameters are 1 to n_parameters(); ":name" is "name", empty: it has none.
  int n_parameters() const { return sqlite3_bind_parameter_count(statement_.get()); }
  std::string_view ParameterName(int index) const;

  // True: a row is there. After the last row (false) or an error the statement is reset and can be bound
  // anew.
  Result<bool> Step();
  // For statements without rows.
  Result<void> Run();

  int64_t Integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  double Real(int column) const { return sqlite3_column_double(statement_.get(), column); }
  std::string Text(int column) const;
  // The bytes of a text or blob without a copy: valid until the next Step.
  std::string_view View(int column) const;
  // SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.
  int Type(int column) const { return sqlite3_column_type(statement_.get(), column); }
  bool IsNull(int column) const { return Type(column) == SQLITE_NULL; }
  int n_columns() const { return sqlite3_column_count(statement_.get()); }
  // Valid until the statement runs anew.
  std::string_view ColumnName(int column) const { return sqlite3_column_name(statement_.get(), column); }

 private:
  friend class Database;
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalise> statement_;
};

class Database {
 public:
  // kOpen: the file must be there; kRead: and is never written to, nor anything beside it.
  enum class Mode { kOpen, kCreate, kRead };
  // Waits up to `busy` for other writers. Errors name the file: kNotFound, kUnavailable (locked), kCorrupt,
  // kIo.
  static Result<Database> Open(const std::filesystem::path& path, Mode mode,
                               std::chrono::milliseconds busy = std::chrono::milliseconds(1000));

  // One or several statements without parameters.
  Result<void> Execute(const std::string& sql);
  Result<Statement> Prepare(std::string_view sql);
  int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  int changes() const { return sqlite3_changes(handle_.get()); }
  const std::string& path() const { return path_; }
  // From now on statements end with kCancelled once `stop` is set; a token that can never be set ends that.
  void StopOn(std::stop_token stop);

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  Database() = default;

  std::string path_;
  std::unique_ptr<std::stop_token> stop_ = std::make_unique<std::stop_token>();  // SQLite looks at it
  std::unique_ptr<sqlite3, Close> handle_;
};

// BEGIN IMMEDIATE now; ROLLBACK at the end of the scope unless Commit() succeeded.
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  Result<void> Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

// Of a failed constraint: the text after "constraint failed: ", or RAISE's message. Empty: no such error.
std::string ConstraintOf(const Error& error);

}  // namespace sotto
