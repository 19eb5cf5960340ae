// espeak-ng, where the machine has it: loaded at run time only (it is GPL-3, and nothing here links it).
// Quick and in many languages, but hard to understand.
#pragma once

#include <memory>
#include <string>

#include "speech/synthesizer.h"

namespace sotto {

// `voice`: espeak's name, such as en-us. kUnavailable where the library is not installed. The library is not
// reentrant: sentences take turns.
Result<std::shared_ptr<Synthesizer>> OpenEspeak(const std::string& voice);

}  // namespace sotto
