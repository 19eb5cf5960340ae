// One logger for the program, to stderr. SOTTO_LOG (trace, debug, info, warn, error, off) sets the level; the
// default is warn, so that a command line tool prints only what it is asked for. Any thread.
// Use: Log().warn("microphone lost: {}", error.message);
#pragma once

#include <spdlog/spdlog.h>

namespace sotto {

spdlog::logger& Log();

}  // namespace sotto
