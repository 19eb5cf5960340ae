// The whole circle as steps that can be cut off anywhere: each is a command of this program, done again until it
// has ended well, and written down before the next begins. The state file is replaced by renaming; after kill -9
// at any moment the same command goes on with the step that was under way.
//
//   import -> clean -> report -> queue -> train -> (evaluate -> canary ... further commands) -> done
//
// Steps are idempotent: what one writes is replaced whole or appended under keys. Within a share of the machine:
// children inherit the niceness that is set, and are told how many threads they may use.
//
// One process at a time a folder (a lock that the system lets go of when it and its step have ended).
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "core/json.h"

namespace sotto {

struct CircleStep {
  std::string name;                    // "clean"
  std::vector<std::string> arguments;  // of this program: {"flywheel", "clean", ...}
  bool may_hold =
      false;  // exit code 1 is an outcome ("not enough turns", "the new model is worse"), not a failure
};

struct CircleState {
  std::string run;  // names this round: the time it began
  size_t next = 0;  // the first step that has not ended well
  struct Done {
    std::string step;
    int exit_code = 0;
    std::string began, ended;  // ISO 8601, UTC
  };
  std::vector<Done> done;
  bool finished = false;
};

// kCorrupt names the file; it is left as it is. kNotFound: there is none.
Result<CircleState> ReadCircleState(const std::filesystem::path& path);
Result<void> WriteCircleState(const std::filesystem::path& path, const CircleState& state);
Json ToJson(const CircleState& state);

// Runs the steps that are left in `folder` (state.json, lock). `run_step` gives its exit code. kUnavailable:
// another process is at it; kInvalidArgument: the round that was cut off had other steps (finish it with those,
// or begin anew). A step that fails ends the run with its error; the next run begins with it.
using RunStep = std::function<Result<int>(const CircleStep& step, const CircleState& state)>;
Result<CircleState> RunCircle(const std::filesystem::path& folder, const std::vector<CircleStep>& steps,
                              bool begin_anew, const RunStep& run_step);

}  // namespace sotto
