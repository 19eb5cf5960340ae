// The action of tools with `role: answer` in a program that was built without documents (SOTTO_SERVER=OFF).
#include "action/answer_action.h"

namespace sotto {

Result<RegisteredAction> MakeAnswerAction(const Workflow& workflow, const std::filesystem::path& /*folder*/) {
  return MakeError(
      ErrorCode::kUnsupported,
      "workflow '{}' answers from documents, which this build cannot read; scripts/serve builds the "
      "program with them",
      workflow.name);
}

}  // namespace sotto
