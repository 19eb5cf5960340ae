// Between JSON and SQL: slots as parameters, rows as data.
#pragma once

#include "base/sqlite.h"
#include "core/json.h"

namespace sotto {

// By the names in the statement; what `values` lacks is NULL. The error: a parameter without a name.
Result<void> BindNamed(Statement& statement, const Json& values);

// The row that the statement stands on, by column names.
Json RowOf(const Statement& statement);

}  // namespace sotto
