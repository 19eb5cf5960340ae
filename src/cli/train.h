// The parts of `sotto train`: what it is asked for, where it works, and what it found out.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "brain/evaluation.h"
#include "core/json.h"
#include "workflow/workflow.h"

namespace sotto {

struct TrainFlags {
  std::string folder;
  double minutes = 20;
  int64_t steps = 0;
  uint64_t seed = 1;
  int threads = 2;
  size_t count = 60000;           // conversations to generate
  std::string base;               // empty: ../base/model.gguf, if it is there
  std::vector<std::string> data;  // further conversations, FILE or FILE:SHARE
  std::string public_data;        // folder of public sets; empty: none
  std::string teacher;            // larger model of the same vocabulary
  bool resume = false;
  bool keep_worse = false;  // replace the model even by a worse one
};

// Where everything lies. The report folder holds what can be made again.
struct TrainPaths {
  explicit TrainPaths(const std::filesystem::path& folder);
  std::filesystem::path folder, report;
  std::filesystem::path generated, held_out, withheld, served, unserved;
  std::filesystem::path checkpoint, candidate, metrics;
  std::filesystem::path model, calibration, card, speech, seeds, valid;
};

// One evaluation set of the card.
struct SetFigures {
  std::string name;
  size_t turns = 0;
  size_t conversations = 0;
  double exact = 0;
  double name_right = 0;
  double conversation_exact = 0;
};

struct TrainOutcome {
  std::vector<SetFigures> sets;
  double ece = 0;
  double auroc = 0;
  size_t calibration_turns = 0;
  size_t generated = 0;
  size_t seeds = 0;
  Json metrics;                      // of sotto-train
  std::string base;                  // name of the model it starts from, for people; empty: none
  std::vector<std::string> sources;  // "clinc150 (CC BY 3.0)"
};

// card.md: data, sizes, figures, how to make it again, limits.
std::string CardText(const Workflow& workflow, const TrainFlags& flags, const TrainOutcome& outcome);

}  // namespace sotto
