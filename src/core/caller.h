// Who is calling, as far as it is known. The host says what it knows when a session begins (the account that
// is logged in, the telephone number); a task of the workflow may verify the rest. The session carries it
// into every action: it is the only thing that says whose money is moved. Nothing that the user or the model
// says becomes part of it, but through the result of an action that verified it. A value.
#pragma once

#include <string>

#include "core/json.h"

namespace sotto {

struct Caller {
  std::string customer;     // id in the system of record; empty: not known
  std::string channel;      // voice, text, phone
  std::string address;      // telephone number, name of an API key; empty: none
  std::string verified_by;  // the tool or host that vouches for `customer`; empty: not verified
  std::string verified_at;  // ISO 8601, UTC; empty: not known

  bool verified() const { return !verified_by.empty(); }
  bool operator==(const Caller&) const = default;
};

// An object of what is known: {"customer": "1", "verified_by": "verify_caller", ...}; {} for a caller of whom
// nothing is.
Json ToJson(const Caller& caller);
// Unknown keys are left alone. The error names the key.
Result<Caller> CallerFromJson(const Json& json);

}  // namespace sotto
