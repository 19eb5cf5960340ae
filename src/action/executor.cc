#include "action/executor.h"

#include <algorithm>
#include <optional>

#include "base/log.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kDefaultTimeout{5000};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr int kDefaultRetries = 2;

int64_t OptionOr(const Json& options, const char* key, int64_t fallback) {
  const auto value = options.find(key);
  return value != options.end() && value->is_number_integer() ? value->get<int64_t>() : fallback;
}

}  // namespace

struct ActionExecutor::Job {
  ActionRequest request;
  TimePoint deadline;
  std::optional<ToolResult> result;  // guarded by the executor's mutex_
};

ActionExecutor::ActionExecutor(ActionRegistry registry)
    : registry_(std::move(registry)), worker_([this] { Work(); }) {}

ActionExecutor::~ActionExecutor() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

ToolResult ActionExecutor::Run(const ActionRequest& request) {
  if (registry_.Find(request.action) == nullptr) {
    Log().error("tool {}: no action '{}'", request.tool, request.action);
    return Failure("unknown_action");
  }
  auto job = std::make_shared<Job>();
  job->request = request;
  job->deadline = clock_.Now() +
                  std::chrono::milliseconds(OptionOr(request.options, "timeout_ms", kDefaultTimeout.count()));
  std::unique_lock lock(mutex_);
  jobs_.push_back(job);
  changed_.notify_all();
  if (!changed_.wait_until(lock, job->deadline, [&] { return job->result.has_value(); })) {
    Log().error("tool {}: action {} took longer than its deadline", request.tool, request.action);
    std::erase(jobs_, job);  // not begun: it never will be
    return Failure("timeout");
  }
  return *job->result;
}

void ActionExecutor::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const std::shared_ptr<Job> job = jobs_.front();
    jobs_.pop_front();
    lock.unlock();
    ToolResult result = RunWithRetries(job->request, job->deadline);
    lock.lock();
    job->result = std::move(result);
    changed_.notify_all();
  }
}

ToolResult ActionExecutor::RunWithRetries(const ActionRequest& request, TimePoint deadline) {
  const Action& action = *registry_.Find(request.action);
  const int64_t retries = OptionOr(request.options, "retries", kDefaultRetries);
  Duration pause = kFirstPause;
  for (int64_t attempt = 0;; ++attempt) {
    ToolResult result = action(request);
    if (result.ok || result.failure != "unavailable" || attempt >= retries) return result;
    const TimePoint again = clock_.Now() + pause;
    if (again >= deadline) return result;
    std::unique_lock lock(mutex_);
    if (changed_.wait_until(lock, again, [&] { return stopping_; })) return result;
    pause *= 2;
  }
}

}  // namespace sotto
