// One scheduler that many sessions share: their work on few threads, in order where order matters, and never
// waited for longer than its deadline.
//
//   Scheduler scheduler(clock, {.threads = 2});
//   Scheduler::Strand strand = scheduler.NewStrand();        // one a session, say
//   auto ticket = scheduler.Post({.strand = strand, .deadline = clock.Now() + 4s},
//                                [=](std::stop_token) { return brain->Read(text); },        // on a worker
//                                [=](Result<Reading> reading) { inbox->Put(reading); });    // once, anywhere
//
// Of a piece of work:            posted -> waiting -> running -> told
// It is told exactly once, with what it returned or with one of
//   kTimeout      its deadline passed, before it began (it never will) or while it ran (its stop token is
//                 set; what it returns is dropped)
//   kUnavailable  more work waits than `capacity`: the newest is refused, nothing that was taken is dropped
//   kCancelled    Cancel(), or the scheduler is stopping
// Completions are short and never block; they may come from any thread, from inside Post() or Cancel() too.
//
// Work of one strand never runs at the same time and begins in the order it was posted, or the most urgent
// first where the strand was made so (an engine that many share). Among strands the most urgent goes first,
// among equals the nearest deadline. A strand is as urgent as the most urgent work
// that waits in it: what stands before that holds it up.
// Work that can be done again or done without says so (`yields`): where something urgent waits for a thread, or
// behind it in its strand, its stop token is set; it ends early and tells what it has. What is called back by such a
// token only notes it: it must not call the scheduler.
// Work that waits for a network or a disk says so (`blocks`) and runs on threads of its own, which are
// started when they are needed: computing never waits behind it.
//
// Without threads (tests, faster than real time) Post() runs the work before it returns, on the caller's
// thread, or, from inside other work or its completion, after that; what has to wait for its time is run by
// RunDue(). One thread at a time then. Otherwise any thread may call anything, and the clock must run by
// itself.
//
// After CTranslate2's replica pool (bounded queue, depth counters), Asio's strands and earliest deadline
// first (Liu and Layland 1973).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace sotto {

enum class Priority {
  kUrgent,  // somebody waits for it in silence
  kNormal,
  kIdle,  // ahead of time: may turn out useless
};

struct SchedulerOptions {
  int threads = 0;            // that compute; 0: none, see above
  int blocking_threads = 64;  // at most, for work that blocks
  size_t capacity = 65536;    // pieces of work that wait
};

class Scheduler {
 public:
  // Work that must not run at the same time. A value: copies are the same strand.
  class Strand;
  // A piece of work that was posted. A value; empty: none.
  class Ticket;

  struct Options;  // of one piece of work
  struct Counters {
    size_t waiting = 0;  // now
    size_t running = 0;  // now
    uint64_t posted = 0;
    uint64_t finished = 0;  // in time
    uint64_t missed = 0;    // deadlines
    uint64_t refused = 0;
    uint64_t cancelled = 0;
    uint64_t yielded = 0;     // asked to end early for something urgent
    Duration waited{0};       // by all work that began, together, since it was due
    Duration waited_most{0};  // by one
    int threads = 0;          // started so far
  };

  // `clock` outlives the scheduler.
  explicit Scheduler(const Clock& clock, SchedulerOptions options = {});
  // Cancels what waits, asks what runs to stop and waits for it.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  enum class Order { kPosted, kUrgency };
  Strand NewStrand(Order order = Order::kPosted);

  // `work`: Result<T>(std::stop_token), may hold a thread until the deadline. `done`: void(Result<T>).
  template <typename Work, typename Done>
  Ticket Post(Options options, Work work, Done done);
  // Without a result that anybody would miss.
  template <typename Work>
  Ticket Post(Options options, Work work);

  // Tells what is due by the clock: deadlines, and work whose time has come. Needed without threads only.
  void RunDue();

  Counters counters() const;
  bool is_inline() const { return options_.threads == 0; }
  const Clock& clock() const { return clock_; }

 private:
  struct Job;
  struct StrandState;
  // Most urgent first; the last makes keys unique.
  using Rank = std::tuple<Priority, TimePoint, uint64_t>;
  using Ready = std::map<Rank, std::shared_ptr<StrandState>>;
  using Timers = std::multimap<TimePoint, std::shared_ptr<Job>>;
  using Lock = std::unique_lock<std::mutex>;

  Ticket PostJob(Options options, std::function<void(std::stop_token)> run,
                 std::function<void(std::optional<Error>)> told);
  static std::pair<Priority, TimePoint> Urgency(const Job& job);
  void Enqueue(const std::shared_ptr<Job>& job, const Lock&);
  // Puts the strand where it belongs in ready_.
  void Rerank(const std::shared_ptr<StrandState>& strand, const Lock&);
  void WakeWorker(bool blocks, const Lock&);
  // Asks work that yields to end early, as far as urgent work waits for a thread.
  void MakeRoom(const Lock&);
  void AskToYield(Job& job, const Lock&);
  void StartThread(std::function<void()> body, const Lock&);
  // True for the first who wants to tell the job how it ended.
  bool Settle(Job& job, const Lock&);
  // Three that release the lock while they tell or run: the job comes to nothing, the strand's first job is
  // run, what is due by the clock is told.
  void Abort(const std::shared_ptr<Job>& job, Error why, Lock& lock);
  void RunFirst(const std::shared_ptr<StrandState>& strand, Lock& lock);
  void TellDue(Lock& lock);
  void RunInline(Lock& lock);
  void RunWorker(bool blocks);
  void KeepTime();

  const Clock& clock_;
  const SchedulerOptions options_;
  mutable std::mutex mutex_;
  // All below are guarded by mutex_.
  std::condition_variable compute_work_;
  std::condition_variable blocking_work_;
  std::condition_variable timers_changed_;
  Ready ready_[2];    // [blocks]
  Timers deadlines_;  // of work that waits or runs
  Timers releases_;   // of work that has to wait for its time
  Counters counters_;
  uint64_t next_sequence_ = 0;
  int idle_blocking_ = 0;
  int idle_compute_ = 0;
  int n_blocking_ = 0;
  bool running_inline_ = false;
  bool stopping_ = false;
  std::vector<std::shared_ptr<Job>> running_;
  std::vector<std::thread> threads_;
};

class Scheduler::Strand {
 public:
  Strand() = default;

 private:
  friend class Scheduler;
  explicit Strand(std::shared_ptr<StrandState> state) : state_(std::move(state)) {}
  std::shared_ptr<StrandState> state_;
};

struct Scheduler::Options {
  Strand strand = {};  // none: of its own
  TimePoint deadline = TimePoint::max();
  Priority priority = Priority::kNormal;
  bool blocks = false;        // waits for a network, a disk or another thread
  bool yields = false;        // ends early, with what it has, where something urgent waits
  TimePoint not_before{};     // a timer; such work takes its place in the strand when its time has come
  const char* what = "work";  // for messages: static storage
};

class Scheduler::Ticket {
 public:
  Ticket() = default;
  // Work that has not begun never will; work that runs is asked to stop. Told kCancelled before this returns,
  // unless it has been told. No effect after that.
  void Cancel();

 private:
  friend class Scheduler;
  Ticket(Scheduler* scheduler, std::weak_ptr<Job> job) : scheduler_(scheduler), job_(std::move(job)) {}
  Scheduler* scheduler_ = nullptr;
  std::weak_ptr<Job> job_;  // gone once it was told and no longer runs
};

template <typename Work, typename Done>
Scheduler::Ticket Scheduler::Post(Options options, Work work, Done done) {
  using Returned = std::invoke_result_t<Work&, std::stop_token>;
  auto answer = std::make_shared<std::optional<Returned>>();
  return PostJob(
      std::move(options),
      [answer, work = std::move(work)](std::stop_token stop) mutable {
        answer->emplace(work(std::move(stop)));
      },
      [answer, done = std::move(done)](std::optional<Error> error) mutable {
        if (error) {
          done(Returned(tl::unexpect, *std::move(error)));
        } else {
          done(*std::move(*answer));
        }
      });
}

template <typename Work>
Scheduler::Ticket Scheduler::Post(Options options, Work work) {
  return PostJob(
      std::move(options), [work = std::move(work)](std::stop_token stop) mutable { work(std::move(stop)); },
      nullptr);
}

}  // namespace sotto
