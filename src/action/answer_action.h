// The action of tools with `role: answer`: a question to documents (retrieve/answer.h).
//
//   action:
//     use: documents.answer
//     documents: docs            # a folder of the workflow; its index is made, or brought up to date, when it is opened
//     index: /srv/policies.index # instead: one that `sotto index build` made; a newer one is noticed
//     threshold: 0.5             # confidence below which nothing is answered
//     groups: [customers]        # what the caller may see besides what is for everybody
//
// The question is what the caller said last; what was said before is its context where it is short. The result has
// answer, source ("fees.md, Cards"), document, page, headings, offset, length, quote and confidence; the failure
// no_answer has the confidence. Its backend is "documents:" and the index.
#pragma once

#include <filesystem>

#include "action/registry.h"
#include "workflow/workflow.h"

namespace sotto {

// `folder`: where the indexes of `documents` are kept. Errors name the tool: no index, a folder that is not there.
Result<RegisteredAction> MakeAnswerAction(const Workflow& workflow, const std::filesystem::path& folder);

}  // namespace sotto
