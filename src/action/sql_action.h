// The generic SQL action: a workflow's own database without code.
//
//   action:
//     use: sql
//     refuse:          # in order; a row is a failure, its columns feed the failure's text
//       - {when: "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM plans WHERE name = :plan)", failure: plan_unknown}
//     statements:      # all in one transaction; rows of the last one feed the `done` text
//       - "UPDATE lines SET plan = :plan WHERE customer = 1"
//       - "SELECT price FROM plans WHERE name = :plan"
//     returns: {price: money}
//
// Parameters are the slots by name, NULL where they are empty, and who is calling, as the session knows it and
// no slot can say: :caller_customer, :caller_verified_by, :caller_verified_at, :caller_channel,
// :caller_address (NULL where not known). What ran under an idempotency key is remembered in the table
// sotto_done of the same database, in the same transaction. What takes too long is interrupted and undone.
// Its backend is "sql:" and the database's file.
#pragma once

#include <filesystem>
#include <memory>

#include "action/registry.h"
#include "base/sqlite.h"

namespace sotto {

// Opens `database`; where it is not there yet it is made by running the script `init` (absent: an empty
// database).
Result<RegisteredAction> MakeSqlAction(const std::filesystem::path& database,
                                       const std::filesystem::path& init);

}  // namespace sotto
