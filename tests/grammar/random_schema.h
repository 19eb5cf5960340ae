// Random schemas of the supported subset, some of which match nothing.
#pragma once

#include "base/random.h"
#include "core/json.h"

namespace sotto {

Json RandomSchema(Random& random);

}  // namespace sotto
