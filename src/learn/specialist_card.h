// card.md of a specialist: data, sizes, figures, how to make it again, limits.
#pragma once

#include <string>

#include "learn/specialist_training.h"

namespace sotto {

std::string CardText(const Workflow& workflow, const TrainingOptions& options, const TrainingData& data,
                     const SpecialistJudgement& judged, const CardFacts& facts, const Installed& installed);

}  // namespace sotto
