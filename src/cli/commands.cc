#include "cli/commands.h"

#include "cli/command.h"

namespace sotto {

void RegisterAll([[maybe_unused]] CLI::App& app, [[maybe_unused]] CliContext& context) {
#ifndef SOTTO_NO_BRAIN
  RegisterCall(app, context);
  RegisterEval(app, context);
#endif
  RegisterModel(app, context);
  RegisterQuantize(app, context);
}

}  // namespace sotto
