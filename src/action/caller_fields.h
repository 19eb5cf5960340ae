// Who is calling, as actions that are not the bank's are told: parameters of SQL statements and headers of
// HTTP requests. What the session says, and never a slot's value.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/caller.h"

namespace sotto {

// `arguments` with caller_customer, caller_verified_by, caller_verified_at, caller_channel and caller_address
// in place of whatever they had under those names; null where not known.
Json WithCaller(Json arguments, const Caller& caller);

// Sotto-Caller-Customer, -Verified-By, -Verified-At, -Channel, -Address: those that are known,
// percent-encoded where they are not plain visible ASCII, so that no value can end a header.
std::vector<std::pair<std::string, std::string>> CallerHeaders(const Caller& caller);

}  // namespace sotto
