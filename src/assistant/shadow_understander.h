// Two who understand the same words: one whose calls are acted on, and one whose calls only go to the record.
// The turn waits for the first alone. The second is begun with the same history (the calls that were acted on)
// and asked for the whole utterance only; an error of it, or an answer that comes too late for the record, is
// no shadow. Threads: as core/understander.h says.
#pragma once

#include <memory>

#include "core/understander.h"

namespace sotto {

std::unique_ptr<Understander> MakeShadowUnderstander(std::unique_ptr<Understander> acting,
                                                     std::unique_ptr<Understander> shadow);

}  // namespace sotto
