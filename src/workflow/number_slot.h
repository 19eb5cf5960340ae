// What numbers a slot takes, as the readers of spoken numbers want to know it (text/said_numbers.h).
#pragma once

#include "text/said_numbers.h"
#include "workflow/workflow.h"

namespace sotto {

NumberWanted WantedNumber(const Entity& entity);

}  // namespace sotto
