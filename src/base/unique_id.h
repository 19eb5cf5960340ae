// Ids that nobody else has and nobody can guess: 128 random bits as 32 lower-case hexadecimal digits. A
// session's id is one: it is part of the idempotency key of everything that the session does, and whoever
// knows it may continue the session. Any thread.
#pragma once

#include <string>

#include "base/random.h"

namespace sotto {

// From the system's generator (getrandom).
std::string UniqueId();
// The same form from a seed: tests and replays. Unique only as far as the seed is.
std::string UniqueId(Random& random);

}  // namespace sotto
