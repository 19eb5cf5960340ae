// Looks at payments before they are made (the `screen:` section of a workflow): an ActionRunner in front of another one. For
// each tool of the section the screen (screen/screener.h) is asked what it thinks of the payment, against what it has
// seen this customer and these payees do:
//
//   pass, review   it is made; `screen` in the result's data says what was thought, where that was more than nothing
//   step_up        failure `step_up`: not before the caller is verified once more; after that it is made
//   hold           failure `held`: a person decides
//
// A verdict is stored under the request's idempotency key before anything is done, so that a request that is run again
// after a crash is not judged anew; what was made is remembered, here and over restarts. Verdicts that cannot be stored or
// reckoned make nothing: `unavailable`. Any thread; some 0.2 ms a payment, in the thread that starts it.
#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "core/action.h"
#include "workflow/workflow.h"

namespace sotto {

// `runner` itself where the workflow screens nothing. `databases`: where screen.db is kept, as OpenRunner takes it
// (action/actions.h). `clock` outlives it. The error names the file and the line of `screen:`.
Result<std::shared_ptr<ActionRunner>> WithScreening(const Workflow& workflow,
                                                    std::shared_ptr<ActionRunner> runner,
                                                    const std::filesystem::path& databases,
                                                    const Clock& clock);

// Whether the screen that the workflow names can be opened: a folder as written, or screens/NAME beside the workflows or in
// the working folder.
Result<void> CheckScreen(const Workflow& workflow);

}  // namespace sotto
