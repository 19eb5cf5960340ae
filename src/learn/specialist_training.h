// What stands before and after the trainer when a workflow gets its specialist: the data it learns from and
// the data that judges it, the judgement, and putting the model in its place. `sotto train` starts
// `sotto-train` in between.
//
//   TrainingData data = PrepareTraining(...);   // report/generated.jsonl, held_out.jsonl, voices.jsonl, ...
//   ... sotto-train makes report/model.gguf ...
//   SpecialistJudgement judged = JudgeSpecialist(...);    // with the real decoder
//   InstallSpecialist(...);                     // model.gguf, calibration.json, card.md
//
// One thread at a time; evaluation uses the engine's threads.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "brain/calibration.h"
#include "core/json.h"
#include "workflow/workflow.h"

namespace sotto {

// done of total, of what ("generating", "evaluating valid.jsonl"); `what` changes where one job follows
// another.
using TrainingProgress = std::function<void(std::string_view what, size_t done, size_t total)>;
// A line about a row that is wrong or was left out: "file:line: why".
using TrainingNote = std::function<void(std::string_view line)>;

struct TrainingOptions {
  uint64_t seed = 1;
  int threads = 2;
  size_t count = 60000;               // conversations to generate
  std::vector<std::string> data;      // further conversations, FILE or FILE:SHARE
  std::filesystem::path public_data;  // folder of public sets; empty: none
  bool resume = false;                // keep what was generated if there is a checkpoint
};

// Where everything of one workflow lies. The report folder holds what can be made again.
struct TrainingPaths {
  explicit TrainingPaths(const std::filesystem::path& dir) : TrainingPaths(dir, dir / "report") {}
  // `made`: what can be made again lies elsewhere.
  TrainingPaths(const std::filesystem::path& dir, const std::filesystem::path& made);
  std::filesystem::path folder, report;
  std::filesystem::path generated, held_out, withheld, voices, served, unserved;
  std::filesystem::path checkpoint, candidate, metrics;
  std::filesystem::path model, calibration, card, speech, valid;
};

struct TrainingData {
  struct File {
    std::filesystem::path path;
    double share = 1;
  };
  std::vector<File> files;                                            // to learn from
  std::vector<std::pair<std::string, std::filesystem::path>> judges;  // name on the card, file
  size_t generated = 0;
  size_t seeds = 0;
  size_t voices = 0;
  std::vector<std::string> sources;  // of public sentences: "clinc150 (CC BY 3.0)"
};

// Writes the files. Every wrong row is told to `note` before the error that counts them.
Result<TrainingData> PrepareTraining(std::shared_ptr<const Workflow> workflow, const TrainingPaths& paths,
                                     const TrainingOptions& options, const TrainingProgress& progress,
                                     const TrainingNote& note);

// One evaluation set of the card.
struct SetFigures {
  std::string name;
  size_t turns = 0;
  size_t conversations = 0;
  double exact = 0;
  double name_right = 0;
  double conversation_exact = 0;
};

struct SpecialistJudgement {
  std::vector<SetFigures> sets;
  std::vector<ConfidenceFeatures> features;
  std::vector<double> confidences;  // uncalibrated
  std::vector<bool> right;
  std::string model_id;
  double mean_exact = 0;  // over the sets, without word errors
};

// `on_set` is called with each set's figures as they come; may be empty.
Result<SpecialistJudgement> JudgeSpecialist(
    std::shared_ptr<const Workflow> workflow, const std::filesystem::path& model, int threads,
    const std::vector<std::pair<std::string, std::filesystem::path>>& judges,
    const TrainingProgress& progress, const std::function<void(const SetFigures&)>& on_set);

// What the card says besides the figures.
struct CardFacts {
  Json metrics;        // of sotto-train
  std::string base;    // file of the model it started from, as a command names it; empty: none
  std::string commit;  // of the program
};

struct Installed {
  double ece = 0;
  double auroc = 0;
};

// Fits the calibration, moves the candidate to its place and writes the card.
Result<Installed> InstallSpecialist(const Workflow& workflow, const TrainingPaths& paths,
                                    const TrainingOptions& options, const TrainingData& data,
                                    const SpecialistJudgement& judged, const CardFacts& facts);

}  // namespace sotto
