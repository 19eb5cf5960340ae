// Where callers struggle: counted from the events of the dialogue.
#pragma once

#include <vector>

#include "flywheel/patterns.h"

namespace sotto {

std::vector<Struggle> FindStruggles(const LogView& log);

}  // namespace sotto
