// The facts of a version from what lies on the disk: a workflow's folder and a model file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flywheel/contamination.h"
#include "flywheel/registry.h"
#include "workflow/workflow.h"

namespace sotto {

// Opens the model and checks that it fits the workflow. Errors name the file.
Result<VersionFacts> VersionFactsOf(const Workflow& workflow, const std::filesystem::path& model,
                                    int n_threads);

// Of the tool list, as a model is told it.
std::string ToolsHash(const Workflow& workflow);

// Files of conversations as fingerprints, and what they were: [{file, sha256, conversations}].
struct TrainingRecord {
  TrainedOn trained;
  Json files = Json::array();
};
Result<TrainingRecord> ReadTrainingData(const std::vector<std::string>& files);

}  // namespace sotto
