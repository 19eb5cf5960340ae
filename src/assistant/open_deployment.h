// A deployment from what lies on the disk: the workflow's folder, its model, its databases, and for voice the
// recognisers and synthesizers by name. Takes as long as these take to open (a second, with voice).
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "assistant/deployment.h"
#include "assistant/open_route.h"

namespace sotto {

struct DeploymentSources {
  std::filesystem::path workflow = {};  // its folder, or its workflow.yaml
  std::filesystem::path model = {};     // empty: model.gguf in the folder
  BrainOptions brain = {};
  std::filesystem::path databases = {};  // see OpenRunner (action/actions.h)

  std::shared_ptr<RouteResources> route = nullptr;  // null: nobody is asked but the brain

  bool spoken = true;                 // the rest is of no use to a deployment for text
  std::string recognizer = {};        // as in speech/backends.h; empty: the workflow's
  std::string synthesizer = "flite";  // the same
  std::string voice = {};             // empty: the workflow's
  int ready_recognizers = 1;          // so many callers never wait for a recognizer to start
};

// Where the work of a deployment's sessions runs. Both outlive it.
struct DeploymentSchedulers {
  Scheduler& sessions;
  // Of sentences. Another one than that of the sessions: nothing runs in real time, steps wait for sentences
  // and actions instead of being late.
  Scheduler& synthesis;
};

// How long each part took to open (ms), in order.
using StartTimes = std::vector<std::pair<std::string, double>>;

// Errors name the file or the option. Fixed sentences are synthesised ahead of time, in the background.
Result<std::shared_ptr<const Deployment>> OpenDeployment(const DeploymentSources& sources,
                                                         const DeploymentSchedulers& schedulers,
                                                         StartTimes* times = nullptr);

// The same ears, mouth, actions and program with another brain: takes as long as a route takes to open. `shadow`
// understands along; null: nobody does. kInvalidArgument: the brain is of another workflow than `base`.
Result<std::shared_ptr<const Deployment>> WithBrain(const Deployment& base,
                                                    std::shared_ptr<const Brain> brain,
                                                    std::shared_ptr<const Brain> shadow,
                                                    const std::shared_ptr<RouteResources>& route,
                                                    Release release);

}  // namespace sotto
