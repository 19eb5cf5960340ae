// The section `screen:` in a program that was built without screening (SOTTO_SERVER=OFF).
#include "assistant/screening_runner.h"

namespace sotto {

Result<void> CheckScreen(const Workflow& workflow) {
  if (workflow.screen.path.empty()) return {};
  return MakeError(
      ErrorCode::kUnsupported,
      "workflow '{}' screens payments, which this build cannot; scripts/serve builds the program with it",
      workflow.name);
}

Result<std::shared_ptr<ActionRunner>> WithScreening(const Workflow& workflow,
                                                    std::shared_ptr<ActionRunner> runner,
                                                    const std::filesystem::path& /*databases*/,
                                                    const Clock& /*clock*/) {
  SOTTO_RETURN_IF_ERROR(CheckScreen(workflow));
  return runner;
}

}  // namespace sotto
