#include "action/sql_rows.h"

namespace sotto {

Result<void> BindNamed(Statement& statement, const Json& values) {
  for (int i = 1; i <= statement.n_parameters(); ++i) {
    const std::string name(statement.ParameterName(i));
    if (name.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "parameter {} of the statement has no name (write :name)",
                       i);
    }
    const auto value = values.find(name);
    if (value == values.end() || value->is_null()) {
      statement.BindNull(i);
    } else if (value->is_number_integer()) {
      statement.Bind(i, value->get<int64_t>());
    } else if (value->is_number()) {
      statement.Bind(i, value->get<double>());
    } else if (value->is_boolean()) {
      statement.Bind(i, static_cast<int64_t>(value->get<bool>()));
    } else {
      statement.Bind(i, std::string_view(value->is_string() ? value->get<std::string>() : value->dump()));
    }
  }
  return {};
}

Json RowOf(const Statement& statement) {
  Json row = Json::object();
  for (int i = 0; i < statement.n_columns(); ++i) {
    Json& field = row[std::string(statement.ColumnName(i))];
    switch (statement.Type(i)) {
      case SQLITE_INTEGER:
        field = statement.Integer(i);
        break;
      case SQLITE_FLOAT:
        field = statement.Real(i);
        break;
      case SQLITE_NULL:
        field = nullptr;
        break;
      default:
        field = statement.Text(i);
    }
  }
  return row;
}

}  // namespace sotto
