#include "cli/turn_sink.h"

#include "flywheel/turn_store.h"

namespace sotto {

Result<std::unique_ptr<TurnSink>> OpenTurns(const std::string& path) { return OpenTurnSink(path); }

}  // namespace sotto
