// The prompt form of the models that `sotto train` makes (docs/formats/specialist.md). The tools are in the
// weights, not in the prompt.
#pragma once

#include <memory>

#include "brain/prompt.h"

namespace sotto {

bool IsSpecialist(const Model& model);
Result<std::unique_ptr<const PromptForm>> MakeSpecialistPrompt(std::shared_ptr<const Model> model);

}  // namespace sotto
