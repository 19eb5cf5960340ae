// The specialists of a workflow's `network:` on one turn, and the rules over what they say (docs/formats/workflow.md).
// The sentence encoder's vector of the turn is computed once for all of them that read it.
//
//   SOTTO_ASSIGN_OR_RETURN(const auto network, Network::Open(workflow, context));
//   const Json by = network->Run({.text = "ich will mein geld"});     // {"language": {"label": "de", ...}, ...}
//   const NetworkDef::Rule* rule = network->Decide(by);               // language != en -> handoff
//
// Immutable; any thread. Nothing here waits or watches the clock: the budget is whose who calls (assistant/).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "specialist/annotator.h"
#include "workflow/parse.h"
#include "workflow/rule.h"
#include "workflow/workflow.h"

namespace sotto {

class Network {
 public:
  // The error is the first mistake that CheckNetwork() finds, with file and line. REQUIRES: the workflow has a network.
  static Result<std::shared_ptr<const Network>> Open(const Workflow& workflow,
                                                     const SpecialistContext& context);

  // name -> annotation. `text.vector` is computed here where one of them reads it and the caller has none.
  Json Run(TextInContext text) const;
  // The first rule that holds of what Run() said; null: none. The rule lives as long as the network.
  const NetworkDef::Rule* Decide(const Json& annotations) const;

  size_t size() const { return annotators_.size(); }
  int budget_ms() const { return definition_.budget_ms; }

 private:
  friend std::vector<Mistake> CheckNetwork(const Workflow& workflow, const SpecialistContext& context);
  Network() = default;
  std::vector<Mistake> Build(const Workflow& workflow, const SpecialistContext& context);

  NetworkDef definition_;
  std::vector<std::unique_ptr<Annotator>> annotators_;
  std::vector<sotto::Rule> rules_;  // as definition_.rules
  std::shared_ptr<const SentenceEncoder> encoder_;
  bool reads_vector_ = false;
};

// Everything that is wrong with it: a specialist that is not there or cannot be opened, one that has nothing for a turn
// (kind embed), a label that a specialist does not have. Empty: nothing, or no network.
std::vector<Mistake> CheckNetwork(const Workflow& workflow, const SpecialistContext& context);

}  // namespace sotto
