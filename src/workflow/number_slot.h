// What numbers a slot takes, as the readers of spoken numbers want to know it (text/said_numbers.h).
#pragma once

#include "text/said_numbers.h"
#include "workflow/workflow.h"

namespace sotto {

NumberWanted WantedNumber(const Entity& entity);
// Where the slot that `usual` names has the value that it names.
NumberWanted WantedNumber(const Entity& entity, const Entity::UsualFor& usual);

}  // namespace sotto
