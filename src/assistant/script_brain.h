// A brain that understands the users of written dialogues (dialogue/script.h), as it does in a call: goals of plans are read
// by rules before it is asked, and it is told nothing of them.
#pragma once

#include <memory>

#include "brain/brain.h"
#include "dialogue/script.h"

namespace sotto {

// One conversation after the other; one thread.
decltype(ScriptServices::understand) MakeScriptBrain(std::shared_ptr<const Brain> brain);

}  // namespace sotto
