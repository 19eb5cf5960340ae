#include "action/sql_action.h"

#include "action/caller_fields.h"
#include "action/sql_rows.h"
#include "base/mapped_file.h"

namespace sotto {
namespace {

constexpr const char* kDoneTable =
    "CREATE TABLE IF NOT EXISTS sotto_done (key TEXT PRIMARY KEY, result TEXT NOT NULL, customer TEXT NOT "
    "NULL DEFAULT '') STRICT, WITHOUT ROWID;";
// The column that tables of before there were callers lack.
constexpr const char* kDoneCustomer = "SELECT 1 FROM pragma_table_info('sotto_done') WHERE name = 'customer'";

Result<std::optional<Json>> FirstRow(Database& database, const std::string& sql, const Json& arguments) {
  SOTTO_ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
  SOTTO_RETURN_IF_ERROR(BindNamed(statement, arguments));
  std::optional<Json> first;
  while (true) {
    SOTTO_ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return first;
    if (!first) first = RowOf(statement);
  }
}

Result<std::vector<std::string>> StringsOf(const Json& options, const char* key) {
  std::vector<std::string> strings;
  const auto list = options.find(key);
  if (list == options.end()) return strings;
  for (const Json& item : list->is_array() ? *list : Json::array({*list})) {
    if (!item.is_string())
      return MakeError(ErrorCode::kInvalidArgument, "action.{} is not a list of texts", key);
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

Result<ToolResult> Run(Database& database, const ActionRequest& request) {
  SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  SOTTO_ASSIGN_OR_RETURN(const auto known,
                         FirstRow(database, "SELECT result, customer FROM sotto_done WHERE key = :key",
                                  Json{{"key", request.idempotency_key}}));
  if (known && !request.idempotency_key.empty()) {
    if (known->at("customer") != request.caller.customer) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: its idempotency key was used for somebody else",
                       request.tool);
    }
    SOTTO_ASSIGN_OR_RETURN(Json data, ParseJson(known->at("result").get<std::string>(), "stored result"));
    return ToolResult{true, "", std::move(data)};
  }
  const Json parameters = WithCaller(request.arguments, request.caller);
  for (const Json& refusal : request.options.value("refuse", Json::array())) {
    SOTTO_ASSIGN_OR_RETURN(const auto row, FirstRow(database, refusal.value("when", ""), parameters));
    if (row) return Failure(refusal.value("failure", "refused"), *row);
  }
  SOTTO_ASSIGN_OR_RETURN(const std::vector<std::string> statements, StringsOf(request.options, "statements"));
  if (statements.empty()) return MakeError(ErrorCode::kInvalidArgument, "action.statements is empty");
  Json data = Json::object();
  for (const std::string& sql : statements) {
    SOTTO_ASSIGN_OR_RETURN(const auto row, FirstRow(database, sql, parameters));
    if (row) data = *row;
  }
  if (!request.idempotency_key.empty()) {
    SOTTO_ASSIGN_OR_RETURN(
        Statement remember,
        database.Prepare("INSERT INTO sotto_done (key, result, customer) VALUES (?, ?, ?)"));
    SOTTO_RETURN_IF_ERROR(remember.Bind(1, request.idempotency_key)
                              .Bind(2, data.dump())
                              .Bind(3, request.caller.customer)
                              .Run());
  }
  SOTTO_RETURN_IF_ERROR(transaction.Commit());
  return ToolResult{true, "", std::move(data)};
}

}  // namespace

Result<RegisteredAction> MakeSqlAction(const std::filesystem::path& path, const std::filesystem::path& init) {
  const bool fresh = !std::filesystem::exists(path);
  SOTTO_ASSIGN_OR_RETURN(Database opened, Database::Open(path, Database::Mode::kCreate));
  auto database = std::make_shared<Database>(std::move(opened));
  if (fresh && std::filesystem::exists(init)) {
    SOTTO_ASSIGN_OR_RETURN(const std::string script, ReadFile(init));
    SOTTO_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*database));
    auto made = database->Execute(script);
    if (!made) return WithContext(std::move(made).error(), init.string());
    SOTTO_RETURN_IF_ERROR(transaction.Commit());
  }
  SOTTO_RETURN_IF_ERROR(database->Execute(kDoneTable));
  SOTTO_ASSIGN_OR_RETURN(const auto has_customer, FirstRow(*database, kDoneCustomer, Json::object()));
  if (!has_customer) {
    SOTTO_RETURN_IF_ERROR(
        database->Execute("ALTER TABLE sotto_done ADD COLUMN customer TEXT NOT NULL DEFAULT ''"));
  }
  RegisteredAction action;
  action.run = Action([database](const ActionRequest& request, std::stop_token stop) {
    database->StopOn(std::move(stop));
    auto result = Run(*database, request);
    database->StopOn({});
    return result ? *std::move(result) : FailureOf(result.error());
  });
  action.backend = [name = "sql:" + path.filename().string()](const ActionRequest&) { return name; };
  action.options = {"refuse", "statements"};
  return action;
}

}  // namespace sotto
