#include "action/executor.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "base/check.h"
#include "base/log.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};

Result<int64_t> WholeNumber(const Json& options, const char* key, int64_t fallback, int64_t least,
                            int64_t most) {
  const auto found = options.find(key);
  if (found == options.end()) return fallback;
  if (found->is_number_integer() && *found >= least && *found <= most) return found->get<int64_t>();
  return MakeError(ErrorCode::kInvalidArgument, "{} is {}, expected a whole number from {} to {}", key,
                   found->dump(), least, most);
}

}  // namespace

Result<ActionLimits> ReadActionLimits(const Json& options, int concurrency) {
  ActionLimits limits;
  SOTTO_ASSIGN_OR_RETURN(const int64_t timeout_ms,
                         WholeNumber(options, "timeout_ms", limits.timeout.count(), 1, 3'600'000));
  limits.timeout = std::chrono::milliseconds(timeout_ms);
  SOTTO_ASSIGN_OR_RETURN(const int64_t retries, WholeNumber(options, "retries", limits.retries, 0, 10));
  limits.retries = static_cast<int>(retries);
  SOTTO_ASSIGN_OR_RETURN(const int64_t at_once, WholeNumber(options, "concurrency", concurrency, 1, 64));
  limits.backend.concurrency = static_cast<int>(at_once);
  SOTTO_ASSIGN_OR_RETURN(const int64_t queue,
                         WholeNumber(options, "queue", limits.backend.queue, 0, 100'000));
  limits.backend.queue = static_cast<int>(queue);
  const auto breaker = options.find("breaker");
  if (breaker == options.end()) return limits;
  BreakerOptions& to = limits.backend.breaker;
  if (!breaker->is_object())
    return MakeError(ErrorCode::kInvalidArgument, "breaker is {}, expected {{failures: 5, open_ms: 10000}}",
                     breaker->dump());
  for (const auto& [key, value] : breaker->items()) {
    if (key != "failures" && key != "open_ms")
      return MakeError(ErrorCode::kInvalidArgument, "breaker.{}: expected failures or open_ms", key);
  }
  SOTTO_ASSIGN_OR_RETURN(const int64_t failures, WholeNumber(*breaker, "failures", to.failures, 0, 1000));
  to.failures = static_cast<int>(failures);
  SOTTO_ASSIGN_OR_RETURN(const int64_t open_ms, WholeNumber(*breaker, "open_ms", 10'000, 1, 3'600'000));
  to.open = std::chrono::milliseconds(open_ms);
  return limits;
}

// What the executor, its timers and the actions on their way share.
class ActionExecutor::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(ActionRegistry registry, Scheduler& scheduler)
      : registry_(std::move(registry)), scheduler_(scheduler) {}

  void Start(ActionRequest request, Done done);
  void End();
  std::vector<BackendCounters> counters() const;

 private:
  struct Backend;
  struct Job;
  using JobPtr = std::shared_ptr<Job>;
  using Lock = std::unique_lock<std::mutex>;

  // Starts what may run.
  void Pump(Backend& backend);
  void Launch(const JobPtr& job);
  void OnTried(const JobPtr& job, int number, ToolResult result);
  // Both timers; `set`: false where the scheduler would not take them.
  void OnDeadline(const JobPtr& job, bool set);
  void OnPauseOver(const JobPtr& job, bool set);
  void SetTimer(const JobPtr& job, TimePoint when, Scheduler::Ticket Job::*timer,
                void (Core::*then)(const JobPtr&, bool));
  // Counts the result and takes the job's completion; call Tell::Now without the lock.
  struct Tell {
    Done done;
    ToolResult result;
    std::array<Scheduler::Ticket, 2> timers;
    void Now() {
      for (Scheduler::Ticket& timer : timers) timer.Cancel();
      if (done) done(std::move(result));
    }
  };
  Tell Settle(const JobPtr& job, ToolResult result, const Lock&);
  TimePoint Now() const { return scheduler_.clock().Now(); }

  const ActionRegistry registry_;
  Scheduler& scheduler_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  // Guarded by mutex_:
  std::map<std::string, std::unique_ptr<Backend>> backends_;
  std::vector<JobPtr> jobs_;  // not told yet, or still running
  bool ending_ = false;
};

struct ActionExecutor::Core::Backend {
  explicit Backend(const ActionLimits::OfBackend& limits_) : limits(limits_), breaker(limits_.breaker) {}
  const ActionLimits::OfBackend limits;
  CircuitBreaker breaker;
  std::deque<JobPtr> ready;
  BackendCounters counters;
};

// Guarded by the executor's mutex_, but for what is const.
struct ActionExecutor::Core::Job {
  Job(ActionRequest request_, const RegisteredAction& action_, Backend& backend_)
      : request(std::move(request_)), action(action_), backend(backend_) {}
  const ActionRequest request;
  const RegisteredAction& action;
  Backend& backend;
  Done done;
  std::stop_source stop;
  TimePoint started;
  TimePoint deadline;
  int retries_left = 0;
  Duration pause = kFirstPause;
  enum class State { kWaiting, kRunning, kPausing, kOver } state = State::kWaiting;
  bool told = false;
  int tries = 0;
  std::optional<uint64_t> pass;  // the breaker's, of a running try that has not failed yet
  std::string last_failure;
  Scheduler::Ticket deadline_timer;
  Scheduler::Ticket pause_timer;
};

ActionExecutor::ActionExecutor(ActionRegistry registry, Scheduler& scheduler)
    : core_(std::make_shared<Core>(std::move(registry), scheduler)) {}

ActionExecutor::~ActionExecutor() { core_->End(); }

void ActionExecutor::Start(ActionRequest request, Done done) {
  core_->Start(std::move(request), std::move(done));
}

std::vector<BackendCounters> ActionExecutor::counters() const { return core_->counters(); }

void ActionExecutor::Core::Start(ActionRequest request, Done done) {
  const RegisteredAction* action = registry_.Find(request.action);
  if (action == nullptr) {
    Log().error("tool {}: no action '{}'", request.tool, request.action);
    return done(Failure("unknown_action"));
  }
  const auto limits = ReadActionLimits(request.options, action->concurrency);
  if (!limits) {
    Log().error("tool {}: action.{}", request.tool, limits.error().message);
    return done(Failure("invalid_arguments"));
  }
  const std::string name = action->backend(request);
  Lock lock(mutex_);
  std::unique_ptr<Backend>& made = backends_[name];
  if (made == nullptr) {
    made = std::make_unique<Backend>(limits->backend);
    made->counters.backend = name;
  }
  Backend& backend = *made;
  BackendCounters& counters = backend.counters;
  const auto job = std::make_shared<Job>(std::move(request), *action, backend);
  job->done = std::move(done);
  job->started = Now();
  job->deadline = job->started + limits->timeout;
  job->retries_left = limits->retries;
  ++counters.requests;
  const bool full = counters.running >= static_cast<size_t>(backend.limits.concurrency) &&
                    counters.waiting >= static_cast<size_t>(backend.limits.queue);
  const char* refused = ending_                                                        ? "cancelled"
                        : backend.breaker.state(Now()) == CircuitBreaker::State::kOpen ? "unavailable"
                        : full                                                         ? "busy"
                                                                                       : nullptr;
  if (refused != nullptr) {
    counters.kept_away += refused == std::string_view("unavailable");
    job->state = Job::State::kOver;
    Tell tell = Settle(job, Failure(refused), lock);
    lock.unlock();
    if (refused == std::string_view("busy")) Log().warn("{}: the queue is full", name);
    return tell.Now();
  }
  ++counters.waiting;
  backend.ready.push_back(job);
  jobs_.push_back(job);
  lock.unlock();
  SetTimer(job, job->deadline, &Job::deadline_timer, &Core::OnDeadline);
  Pump(backend);
}

void ActionExecutor::Core::Pump(Backend& backend) {
  while (true) {
    Lock lock(mutex_);
    if (backend.ready.empty()) return;
    const bool open = backend.breaker.state(Now()) == CircuitBreaker::State::kOpen;
    if (!open && backend.counters.running >= static_cast<size_t>(backend.limits.concurrency)) return;
    const JobPtr job = backend.ready.front();
    backend.ready.pop_front();
    --backend.counters.waiting;
    job->pass = backend.breaker.Enter(Now());
    if (!job->pass) {
      ++backend.counters.kept_away;
      job->state = Job::State::kOver;
      Tell tell = Settle(job, Failure("unavailable"), lock);
      lock.unlock();
      tell.Now();
      continue;
    }
    job->state = Job::State::kRunning;
    ++job->tries;
    ++backend.counters.running;
    lock.unlock();
    Launch(job);
  }
}

void ActionExecutor::Core::Launch(const JobPtr& job) {
  const int number = job->tries;  // nobody changes it while the try runs
  const auto told = [core = shared_from_this(), job, number](ToolResult result) {
    core->OnTried(job, number, std::move(result));
  };
  if (const auto* start = std::get_if<AsyncAction>(&job->action.run)) {
    (*start)(job->request, job->stop.get_token(), told);
    return;
  }
  scheduler_.Post(
      {.blocks = true, .what = "an action"},
      [job, told](const std::stop_token&) -> Result<void> {
        told(std::get<Action>(job->action.run)(job->request, job->stop.get_token()));
        return {};
      },
      [told](const Result<void>& ran) {
        if (!ran) told(FailureOf(ran.error()));  // it never began
      });
}

void ActionExecutor::Core::OnTried(const JobPtr& job, int number, ToolResult result) {
  Backend& backend = job->backend;
  Lock lock(mutex_);
  if (job->state != Job::State::kRunning || job->tries != number) return;
  const TimePoint now = Now();
  const std::string& failure = result.failure;
  const bool failed = !result.ok && (failure == "unavailable" || failure == "timeout");
  const auto outcome = failed                                 ? CircuitBreaker::Outcome::kFailed
                       : !result.ok && failure == "cancelled" ? CircuitBreaker::Outcome::kUnknown
                                                              : CircuitBreaker::Outcome::kAnswered;
  if (job->pass) backend.breaker.Leave(*std::exchange(job->pass, std::nullopt), outcome, now);
  --backend.counters.running;
  const bool again = !job->told && !ending_ && !result.ok && failure == "unavailable" &&
                     job->retries_left > 0 && now + job->pause < job->deadline &&
                     backend.breaker.state(now) != CircuitBreaker::State::kOpen;
  if (again) {
    --job->retries_left;
    ++backend.counters.retries;
    ++backend.counters.waiting;
    job->state = Job::State::kPausing;
    job->last_failure = failure;
    const TimePoint when = now + std::exchange(job->pause, 2 * job->pause);
    lock.unlock();
    SetTimer(job, when, &Job::pause_timer, &Core::OnPauseOver);
    return Pump(backend);
  }
  job->state = Job::State::kOver;
  Tell tell;
  if (job->told) {
    ++backend.counters.late;
    std::erase(jobs_, job);
  } else {
    tell = Settle(job, std::move(result), lock);
  }
  lock.unlock();
  tell.Now();
  Pump(backend);
  lock.lock();
  if (jobs_.empty()) ended_.notify_all();
}

void ActionExecutor::Core::OnDeadline(const JobPtr& job, bool set) {
  Backend& backend = job->backend;
  Lock lock(mutex_);
  if (job->told) return;
  const bool running = job->state == Job::State::kRunning;
  if (running) {
    if (job->pass)
      backend.breaker.Leave(*std::exchange(job->pass, std::nullopt), CircuitBreaker::Outcome::kFailed, Now());
  } else {
    std::erase(backend.ready, job);
    --backend.counters.waiting;
    job->state = Job::State::kOver;
  }
  Tell tell = Settle(job, Failure(set ? "timeout" : "busy"), lock);
  lock.unlock();
  Log().error("tool {}: {}: {}", job->request.tool, backend.counters.backend,
              !set      ? "the program has too much to do"
              : running ? "no answer by the deadline"
                        : "still waiting for the backend at the deadline");
  job->stop.request_stop();
  tell.Now();
  Pump(backend);
}

void ActionExecutor::Core::OnPauseOver(const JobPtr& job, bool set) {
  Lock lock(mutex_);
  if (job->state != Job::State::kPausing) return;
  if (set) {
    job->state = Job::State::kWaiting;
    job->backend.ready.push_back(job);
    lock.unlock();
    return Pump(job->backend);
  }
  --job->backend.counters.waiting;
  job->state = Job::State::kOver;
  Tell tell = Settle(job, Failure(job->last_failure), lock);
  lock.unlock();
  tell.Now();
}

void ActionExecutor::Core::SetTimer(const JobPtr& job, TimePoint when, Scheduler::Ticket Job::*timer,
                                    void (Core::*then)(const JobPtr&, bool)) {
  const std::weak_ptr<Core> weak = weak_from_this();
  const auto call = [weak, job, then](bool set) {
    if (const auto core = weak.lock()) (core.get()->*then)(job, set);
  };
  Scheduler::Ticket ticket = scheduler_.Post(
      {.priority = Priority::kUrgent, .not_before = when, .what = "an action's timer"},
      [call](const std::stop_token&) -> Result<void> {
        call(true);
        return {};
      },
      [call](const Result<void>& rang) {
        if (!rang && rang.error().code == ErrorCode::kUnavailable) call(false);
      });
  Lock lock(mutex_);
  if (!job->told) {
    (*job).*timer = std::move(ticket);
    return;
  }
  lock.unlock();
  ticket.Cancel();
}

ActionExecutor::Core::Tell ActionExecutor::Core::Settle(const JobPtr& job, ToolResult result, const Lock&) {
  SOTTO_CHECK(!job->told);
  job->told = true;
  if (job->state == Job::State::kOver) std::erase(jobs_, job);
  BackendCounters& counters = job->backend.counters;
  uint64_t& counter = result.ok                         ? counters.succeeded
                      : result.failure == "unavailable" ? counters.unavailable
                      : result.failure == "timeout"     ? counters.timeouts
                      : result.failure == "busy"        ? counters.busy
                      : result.failure == "cancelled"   ? counters.cancelled
                                                        : counters.failed;
  ++counter;
  counters.took += Now() - job->started;
  return {std::move(job->done),
          std::move(result),
          {std::exchange(job->deadline_timer, {}), std::exchange(job->pause_timer, {})}};
}

void ActionExecutor::Core::End() {
  Lock lock(mutex_);
  ending_ = true;
  const std::vector<JobPtr> jobs = jobs_;
  std::vector<Tell> tells;
  for (auto& [name, backend] : backends_) backend->ready.clear();
  for (const JobPtr& job : jobs) {
    if (job->state != Job::State::kRunning) job->state = Job::State::kOver;
    if (!job->told) tells.push_back(Settle(job, Failure("cancelled"), lock));
  }
  lock.unlock();
  for (const JobPtr& job : jobs) job->stop.request_stop();
  for (Tell& tell : tells) tell.Now();
  lock.lock();
  ended_.wait(lock, [&] { return jobs_.empty(); });
}

std::vector<BackendCounters> ActionExecutor::Core::counters() const {
  const std::lock_guard lock(mutex_);
  std::vector<BackendCounters> counters;
  for (const auto& [name, backend] : backends_) {
    counters.push_back(backend->counters);
    counters.back().breaker = backend->breaker.state(Now());
    counters.back().breaker_opened = backend->breaker.times_opened();
  }
  return counters;
}

}  // namespace sotto
