// Profiles in SQLite: one row a remembered payment of a customer, terminal or device.
#include "base/sqlite.h"
#include "screen/profiles.h"

namespace sotto {
namespace {

constexpr int kProfileVersion = 1;
constexpr const char* kSchema =
    "DROP TABLE IF EXISTS past; DROP TABLE IF EXISTS about;"
    "CREATE TABLE about (version INTEGER NOT NULL, delay_days INTEGER NOT NULL);"
    "CREATE TABLE past (kind INTEGER NOT NULL, name TEXT NOT NULL, time INTEGER NOT NULL, amount REAL NOT "
    "NULL,"
    " label INTEGER NOT NULL);";

}  // namespace

Result<void> Profiles::Save(const std::filesystem::path& path) const {
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kCreate));
  SOTTO_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  SOTTO_RETURN_IF_ERROR(database.Execute(kSchema));
  SOTTO_ASSIGN_OR_RETURN(Statement about, database.Prepare("INSERT INTO about VALUES (?, ?)"));
  SOTTO_RETURN_IF_ERROR(about.Bind(1, int64_t{kProfileVersion}).Bind(2, int64_t{options_.delay_days}).Run());
  SOTTO_ASSIGN_OR_RETURN(Statement insert, database.Prepare("INSERT INTO past VALUES (?, ?, ?, ?, ?)"));
  int64_t kind = 0;
  for (const Histories* histories : {&customers_, &terminals_, &devices_}) {
    for (const auto& [name, history] : *histories) {
      for (const Past& past : history) {
        SOTTO_RETURN_IF_ERROR(insert.Bind(1, kind)
                                  .Bind(2, std::string_view(name))
                                  .Bind(3, past.time)
                                  .Bind(4, static_cast<double>(past.amount))
                                  .Bind(5, static_cast<int64_t>(past.label))
                                  .Run());
      }
    }
    ++kind;
  }
  return database.Execute("COMMIT");
}

Result<Profiles> Profiles::Load(const std::filesystem::path& path) {
  SOTTO_ASSIGN_OR_RETURN(Database database, Database::Open(path, Database::Mode::kOpen));
  SOTTO_ASSIGN_OR_RETURN(Statement about, database.Prepare("SELECT version, delay_days FROM about"));
  SOTTO_ASSIGN_OR_RETURN(const bool known, about.Step());
  if (!known || about.Integer(0) != kProfileVersion)
    return MakeError(ErrorCode::kCorrupt, "{}: is no file of profiles of this version", path.string());
  Profiles profiles({.delay_days = static_cast<int>(about.Integer(1))});
  SOTTO_ASSIGN_OR_RETURN(Statement rows,
                         database.Prepare("SELECT kind, name, time, amount, label FROM past ORDER BY time"));
  for (;;) {
    SOTTO_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return profiles;
    const int64_t kind = rows.Integer(0);
    const int64_t label = rows.Integer(4);
    if (kind < 0 || kind > 2 || label < -1 || label > 1)
      return MakeError(ErrorCode::kCorrupt, "{}: holds a row that is none", path.string());
    Histories& histories = kind == 0   ? profiles.customers_
                           : kind == 1 ? profiles.terminals_
                                       : profiles.devices_;
    histories[rows.Text(1)].push_back(
        {rows.Integer(2), static_cast<float>(rows.Real(3)), static_cast<FraudLabel>(label)});
  }
}

}  // namespace sotto
