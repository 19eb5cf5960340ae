// What a route's surety is learnt from: labelled turns, and the first sentences and answers of callers with goals.
#pragma once

#include <string>
#include <vector>

#include "brain/brain.h"
#include "brain/evaluation.h"
#include "route/surety.h"

namespace CLI {
class App;
}

namespace sotto {

struct LearnFlags {
  std::vector<std::string> turns;    // *.jsonl of labelled conversations
  std::vector<std::string> callers;  // callers.jsonl (docs/formats/callers.md)

  void AddTo(CLI::App& command);
  bool any() const { return !turns.empty() || !callers.empty(); }
  std::string Names() const;  // of the files, without folders
};

// How sure each turn is; of what a rule made 1.
std::vector<double> SuretyOf(const Evaluation& evaluation, const SuretyJudge& judge);

// Answers all of them with the brain and fits; turns and callers count the same as a whole. Errors: a file that cannot be
// read, too little in them.
Result<SuretyJudge> LearnSurety(std::shared_ptr<const Brain> brain, const LearnFlags& flags, Channel channel);

}  // namespace sotto
