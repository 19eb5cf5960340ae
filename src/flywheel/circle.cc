#include "flywheel/circle.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>

#include "base/abandoned_files.h"
#include "base/mapped_file.h"
#include "flywheel/log_time.h"

namespace sotto {
namespace {

// Held until it goes; the system lets go of it when the process ends, however it ends, and with it the step that it
// started: that inherits the lock, so that no step runs twice at a time.
class FolderLock {
 public:
  static Result<FolderLock> Take(const std::filesystem::path& folder) {
    const std::string path = (folder / "lock").string();
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
    if (file < 0) return MakeError(ErrorCode::kIo, "cannot open {}: {}", path, std::strerror(errno));
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      ::close(file);
      return MakeError(ErrorCode::kUnavailable,
                       "{}: another round, or a step of one that was cut off, is under way there",
                       folder.string());
    }
    return FolderLock(file);
  }
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace

Json ToJson(const CircleState& state) {
  Json done = Json::array();
  for (const CircleState::Done& step : state.done)
    done.push_back(
        {{"step", step.step}, {"exit_code", step.exit_code}, {"began", step.began}, {"ended", step.ended}});
  return {{"run", state.run}, {"next", state.next}, {"done", std::move(done)}, {"finished", state.finished}};
}

Result<CircleState> ReadCircleState(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return MakeError(ErrorCode::kNotFound, "{}: not there", path.string());
  SOTTO_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SOTTO_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path.string()));
  try {
    CircleState state;
    state.run = json.at("run").get<std::string>();
    state.next = json.at("next").get<size_t>();
    state.finished = json.at("finished").get<bool>();
    for (const Json& step : json.at("done"))
      state.done.push_back({step.at("step").get<std::string>(), step.at("exit_code").get<int>(),
                            step.at("began").get<std::string>(), step.at("ended").get<std::string>()});
    if (state.done.size() < state.next)
      return MakeError(ErrorCode::kCorrupt, "{}: {} steps are done, {} are written down", path.string(),
                       state.next, state.done.size());
    return state;
  } catch (const Json::exception&) {
    return MakeError(ErrorCode::kCorrupt, "{}: not the state of a round; delete it to begin anew",
                     path.string());
  }
}

Result<void> WriteCircleState(const std::filesystem::path& path, const CircleState& state) {
  return WriteFileAtomically(path, ToJson(state).dump(2) + "\n");
}

Result<CircleState> RunCircle(const std::filesystem::path& folder, const std::vector<CircleStep>& steps,
                              bool begin_anew, const RunStep& run_step) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", folder.string(), error.message());
  SOTTO_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(folder));
  RemoveAbandonedFiles(folder);  // of a round that was killed
  const std::filesystem::path file = folder / "state.json";
  CircleState state;
  auto before = ReadCircleState(file);
  if (before) {
    state = *std::move(before);
  } else if (before.error().code != ErrorCode::kNotFound) {
    return tl::unexpected(std::move(before).error());
  }
  if (begin_anew || state.finished || state.run.empty()) {
    state = {};
    state.run = UtcNow();
    SOTTO_RETURN_IF_ERROR(WriteCircleState(file, state));
  }
  for (size_t i = 0; i < state.next; ++i) {
    if (i < steps.size() && state.done[i].step == steps[i].name) continue;
    return MakeError(
        ErrorCode::kInvalidArgument,
        "{}: the round of {} had other steps ('{}' where there is '{}'): go on with those, or --anew",
        file.string(), state.run, state.done[i].step, i < steps.size() ? steps[i].name : "none");
  }
  while (state.next < steps.size()) {
    const CircleStep& step = steps[state.next];
    CircleState::Done done{step.name, 0, UtcNow(), ""};
    SOTTO_ASSIGN_OR_RETURN(done.exit_code, run_step(step, state));
    if (done.exit_code != 0 && !(done.exit_code == 1 && step.may_hold))
      return MakeError(ErrorCode::kIo, "step '{}' failed with exit code {}; the next run begins with it",
                       step.name, done.exit_code);
    done.ended = UtcNow();
    state.done.resize(state.next);
    state.done.push_back(std::move(done));
    ++state.next;
    state.finished = state.next == steps.size();
    SOTTO_RETURN_IF_ERROR(WriteCircleState(file, state));
  }
  return state;
}

}  // namespace sotto
