#include "base/scheduler.h"

#include <algorithm>

#include "base/check.h"

namespace sotto {

struct Scheduler::Job {
  Options options;
  std::function<void(std::stop_token)> run;
  std::function<void(std::optional<Error>)> told;  // may be empty
  std::shared_ptr<StrandState> strand;
  std::stop_source stop;
  uint64_t sequence = 0;
  TimePoint due;  // when it could have begun
  enum class State { kDelayed, kWaiting, kRunning, kOver } state = State::kDelayed;
  bool is_told = false;
  bool yielded = false;
  std::optional<Timers::iterator> deadline;
  std::optional<Timers::iterator> release;
};

struct Scheduler::StrandState {
  std::deque<std::shared_ptr<Job>> jobs;  // that wait, the next one first
  Order order = Order::kPosted;
  bool running = false;
  std::optional<Rank> rank;  // its place in ready_[blocks]
  bool blocks = false;
};

namespace {

Error Stopping(const char* what) { return {ErrorCode::kCancelled, fmt::format("{}: stopping", what)}; }
Error TooLate(const char* what) {
  return {ErrorCode::kTimeout, fmt::format("{}: not ready by its deadline", what)};
}

}  // namespace

Scheduler::Scheduler(const Clock& clock, SchedulerOptions options) : clock_(clock), options_(options) {
  SOTTO_CHECK(options.threads >= 0 && options.blocking_threads > 0 && options.capacity > 0);
  const Lock lock(mutex_);
  idle_compute_ = options_.threads;
  for (int i = 0; i < options_.threads; ++i) StartThread([this] { RunWorker(false); }, lock);
  if (!is_inline()) StartThread([this] { KeepTime(); }, lock);
}

Scheduler::~Scheduler() {
  std::vector<std::thread> threads;
  {
    Lock lock(mutex_);
    stopping_ = true;
    std::vector<std::shared_ptr<Job>> waiting;
    for (const auto& [when, job] : releases_) waiting.push_back(job);
    for (const Ready& ready : ready_) {
      for (const auto& [rank, strand] : ready) {
        waiting.insert(waiting.end(), strand->jobs.begin(), strand->jobs.end());
      }
    }
    for (const std::shared_ptr<Job>& job : running_) {
      job->stop.request_stop();
      waiting.insert(waiting.end(), job->strand->jobs.begin(), job->strand->jobs.end());
    }
    for (const std::shared_ptr<Job>& job : waiting) Abort(job, Stopping(job->options.what), lock);
    compute_work_.notify_all();
    blocking_work_.notify_all();
    timers_changed_.notify_all();
    threads = std::move(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

Scheduler::Strand Scheduler::NewStrand(Order order) {
  auto state = std::make_shared<StrandState>();
  state->order = order;
  return Strand(std::move(state));
}

Scheduler::Ticket Scheduler::PostJob(Options options, std::function<void(std::stop_token)> run,
                                     std::function<void(std::optional<Error>)> told) {
  auto job = std::make_shared<Job>();
  job->strand = options.strand.state_ != nullptr ? options.strand.state_ : std::make_shared<StrandState>();
  job->options = std::move(options);
  job->options.strand = {};
  job->run = std::move(run);
  job->told = std::move(told);
  Lock lock(mutex_);
  ++counters_.posted;
  job->sequence = next_sequence_++;
  std::optional<Error> refusal;
  if (stopping_) {
    ++counters_.cancelled;
    refusal = Stopping(job->options.what);
  } else if (counters_.waiting >= options_.capacity) {
    ++counters_.refused;
    refusal = {ErrorCode::kUnavailable,
               fmt::format("{}: {} pieces of work wait already", job->options.what, counters_.waiting)};
  }
  if (refusal) {
    lock.unlock();
    if (job->told) job->told(std::move(refusal));
    return {};
  }
  ++counters_.waiting;
  const TimePoint now = clock_.Now();
  job->due = std::max(now, job->options.not_before);
  if (job->options.deadline != TimePoint::max()) {
    job->deadline = deadlines_.emplace(job->options.deadline, job);
    if (*job->deadline == deadlines_.begin()) timers_changed_.notify_one();
  }
  if (job->due > now) {
    job->release = releases_.emplace(job->due, job);
    if (*job->release == releases_.begin()) timers_changed_.notify_one();
  } else {
    Enqueue(job, lock);
    if (is_inline()) RunInline(lock);
  }
  return Ticket(this, job);
}

std::pair<Priority, TimePoint> Scheduler::Urgency(const Job& job) {
  return {job.options.priority, job.options.deadline};
}

void Scheduler::Enqueue(const std::shared_ptr<Job>& job, const Lock& lock) {
  job->state = Job::State::kWaiting;
  std::deque<std::shared_ptr<Job>>& jobs = job->strand->jobs;
  const auto place = job->strand->order == Order::kPosted
                         ? jobs.end()
                         : std::upper_bound(jobs.begin(), jobs.end(), job, [](const auto& a, const auto& b) {
                             return Urgency(*a) < Urgency(*b);
                           });
  jobs.insert(place, job);
  Rerank(job->strand, lock);
  if (job->options.priority != Priority::kUrgent || is_inline()) return;
  for (const std::shared_ptr<Job>& running : running_) {
    if (running->strand == job->strand) AskToYield(*running, lock);
  }
  MakeRoom(lock);
}

void Scheduler::AskToYield(Job& job, const Lock&) {
  if (!job.options.yields || std::exchange(job.yielded, true)) return;
  ++counters_.yielded;
  job.stop.request_stop();
}

void Scheduler::MakeRoom(const Lock& lock) {
  auto urgent =
      std::distance(ready_[0].begin(), ready_[0].lower_bound(Rank{Priority::kNormal, TimePoint::min(), 0}));
  // Threads that are free, and that will be soon.
  urgent -= idle_compute_;
  urgent -= std::ranges::count_if(running_, [](const auto& job) { return job->yielded; });
  // What began last has the least to lose.
  for (size_t i = running_.size(); urgent > 0 && i-- > 0;) {
    Job& job = *running_[i];
    if (job.options.blocks || !job.options.yields || job.yielded) continue;
    AskToYield(job, lock);
    --urgent;
  }
}

void Scheduler::Rerank(const std::shared_ptr<StrandState>& strand, const Lock& lock) {
  if (strand->rank) ready_[strand->blocks].erase(*std::exchange(strand->rank, std::nullopt));
  if (strand->running || strand->jobs.empty()) return;
  auto most = Urgency(*strand->jobs.front());
  if (strand->order == Order::kPosted) {
    for (const std::shared_ptr<Job>& job : strand->jobs) most = std::min(most, Urgency(*job));
  }
  const Job& first = *strand->jobs.front();
  strand->rank = Rank{most.first, most.second, first.sequence};
  strand->blocks = first.options.blocks && !is_inline();
  ready_[strand->blocks].emplace(*strand->rank, strand);
  WakeWorker(strand->blocks, lock);
}

void Scheduler::WakeWorker(bool blocks, const Lock& lock) {
  if (is_inline()) return;
  if (!blocks) {
    compute_work_.notify_one();
    return;
  }
  // A thread that was woken counts as idle until it has taken something from ready_.
  if (static_cast<size_t>(idle_blocking_) < ready_[1].size() && n_blocking_ < options_.blocking_threads) {
    ++n_blocking_;
    ++idle_blocking_;
    StartThread([this] { RunWorker(true); }, lock);
  }
  blocking_work_.notify_one();
}

void Scheduler::StartThread(std::function<void()> body, const Lock&) {
  threads_.emplace_back(std::move(body));
  ++counters_.threads;
}

bool Scheduler::Settle(Job& job, const Lock&) {
  if (job.is_told) return false;
  job.is_told = true;
  if (job.deadline) deadlines_.erase(*std::exchange(job.deadline, std::nullopt));
  if (job.release) releases_.erase(*std::exchange(job.release, std::nullopt));
  return true;
}

void Scheduler::Abort(const std::shared_ptr<Job>& job, Error why, Lock& lock) {
  if (!Settle(*job, lock)) return;
  ++(why.code == ErrorCode::kTimeout ? counters_.missed : counters_.cancelled);
  std::function<void(std::stop_token)> never;  // what it holds goes without the lock
  if (job->state != Job::State::kRunning) {
    --counters_.waiting;
    if (job->state == Job::State::kWaiting) {
      std::erase(job->strand->jobs, job);
      Rerank(job->strand, lock);
    }
    job->state = Job::State::kOver;
    never = std::move(job->run);
  }
  auto told = std::move(job->told);
  lock.unlock();
  job->stop.request_stop();
  if (told) told(std::move(why));
  told = nullptr;
  never = nullptr;
  lock.lock();
}

void Scheduler::RunFirst(const std::shared_ptr<StrandState>& strand, Lock& lock) {
  const std::shared_ptr<Job> job = strand->jobs.front();
  const TimePoint begun = clock_.Now();
  if (begun >= job->options.deadline) {
    Abort(job, TooLate(job->options.what), lock);
    return;
  }
  strand->jobs.pop_front();
  strand->running = true;
  Rerank(strand, lock);
  job->state = Job::State::kRunning;
  --counters_.waiting;
  ++counters_.running;
  counters_.waited += begun - job->due;
  counters_.waited_most = std::max(counters_.waited_most, begun - job->due);
  running_.push_back(job);
  lock.unlock();
  job->run(job->stop.get_token());
  job->run = nullptr;
  lock.lock();
  if (clock_.Now() >= job->options.deadline) {
    Abort(job, TooLate(job->options.what), lock);
  } else if (Settle(*job, lock)) {
    ++counters_.finished;
    auto told = std::move(job->told);
    lock.unlock();
    if (told) told(std::nullopt);
    told = nullptr;
    lock.lock();
  }
  job->state = Job::State::kOver;
  std::erase(running_, job);
  --counters_.running;
  strand->running = false;
  Rerank(strand, lock);
}

void Scheduler::RunInline(Lock& lock) {
  if (running_inline_) return;
  running_inline_ = true;
  while (!ready_[0].empty()) {
    const std::shared_ptr<StrandState> strand = ready_[0].begin()->second;
    RunFirst(strand, lock);
  }
  running_inline_ = false;
}

void Scheduler::RunDue() {
  Lock lock(mutex_);
  TellDue(lock);
  if (is_inline()) RunInline(lock);
}

void Scheduler::TellDue(Lock& lock) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= clock_.Now()) {
    const std::shared_ptr<Job> job = deadlines_.begin()->second;
    Abort(job, TooLate(job->options.what), lock);
  }
  while (!releases_.empty() && releases_.begin()->first <= clock_.Now()) {
    const std::shared_ptr<Job> job = releases_.begin()->second;
    releases_.erase(*std::exchange(job->release, std::nullopt));
    Enqueue(job, lock);
  }
}

void Scheduler::KeepTime() {
  Lock lock(mutex_);
  while (!stopping_) {
    TellDue(lock);
    TimePoint next = TimePoint::max();
    if (!deadlines_.empty()) next = deadlines_.begin()->first;
    if (!releases_.empty()) next = std::min(next, releases_.begin()->first);
    if (stopping_) break;
    if (next == TimePoint::max()) {
      timers_changed_.wait(lock);
    } else {
      timers_changed_.wait_for(lock, next - clock_.Now());
    }
  }
}

void Scheduler::RunWorker(bool blocks) {
  Lock lock(mutex_);
  std::condition_variable& work = blocks ? blocking_work_ : compute_work_;
  int& idle = blocks ? idle_blocking_ : idle_compute_;  // whoever starts a thread counts it as idle
  while (true) {
    work.wait(lock, [&] { return stopping_ || !ready_[blocks].empty(); });
    if (stopping_) return;
    const std::shared_ptr<StrandState> strand = ready_[blocks].begin()->second;
    --idle;
    RunFirst(strand, lock);
    ++idle;
  }
}

Scheduler::Counters Scheduler::counters() const {
  const Lock lock(mutex_);
  return counters_;
}

void Scheduler::Ticket::Cancel() {
  const std::shared_ptr<Job> job = job_.lock();
  if (job == nullptr) return;
  Lock lock(scheduler_->mutex_);
  scheduler_->Abort(job, {ErrorCode::kCancelled, fmt::format("{}: cancelled", job->options.what)}, lock);
}

}  // namespace sotto
