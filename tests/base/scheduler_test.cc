#include "base/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <string>

namespace sotto {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Stop = std::stop_token;

// Without threads.
class InlineScheduler : public ::testing::Test {
 protected:
  // Work that only notes that it ran, and how it ended.
  Scheduler::Ticket Note(Scheduler::Options options, const std::string& name) {
    return scheduler_.Post(
        std::move(options),
        [this, name](Stop) -> Result<std::string> {
          ran_.push_back(name);
          return name;
        },
        [this, name](const Result<std::string>& result) {
          told_.push_back(name + (result ? "" : " " + std::string(ErrorCodeName(result.error().code))));
        });
  }

  FakeClock clock_;
  Scheduler scheduler_{clock_, {.threads = 0, .capacity = 3}};
  std::vector<std::string> ran_;
  std::vector<std::string> told_;
};

TEST_F(InlineScheduler, RunsBeforePostReturns) {
  int got = 0;
  scheduler_.Post(
      {}, [](Stop) -> Result<int> { return 7; }, [&](Result<int> result) { got = *result; });
  EXPECT_EQ(got, 7);
  EXPECT_EQ(scheduler_.counters().finished, 1u);
}

TEST_F(InlineScheduler, WorkPostedFromWorkRunsAfterIt) {
  scheduler_.Post({}, [this](Stop) {
    Note({}, "second");
    ran_.push_back("first");
  });
  EXPECT_THAT(ran_, ElementsAre("first", "second"));
}

TEST_F(InlineScheduler, AResultThatComesAfterItsDeadlineIsDropped) {
  std::optional<Result<int>> told;
  scheduler_.Post(
      {.deadline = clock_.Now() + seconds(2), .what = "reading"},
      [this](Stop) -> Result<int> {
        clock_.Advance(seconds(2));
        return 7;
      },
      [&](Result<int> result) { told = std::move(result); });
  ASSERT_TRUE(told && !*told);
  EXPECT_EQ(told->error().code, ErrorCode::kTimeout);
  EXPECT_THAT(told->error().message, HasSubstr("reading"));
  EXPECT_EQ(scheduler_.counters().missed, 1u);
  EXPECT_EQ(scheduler_.counters().finished, 0u);
}

TEST_F(InlineScheduler, WorkWhoseDeadlinePassesWhileItWaitsNeverBegins) {
  scheduler_.Post({}, [this](Stop) {
    Note({.deadline = clock_.Now() + seconds(1)}, "late");
    clock_.Advance(seconds(1));
  });
  EXPECT_THAT(ran_, ElementsAre());
  EXPECT_THAT(told_, ElementsAre("late timeout"));
}

TEST_F(InlineScheduler, TimersRunWhenTheirTimeHasCome) {
  Note({.not_before = clock_.Now() + seconds(2)}, "two");
  Note({.not_before = clock_.Now() + seconds(1)}, "one");
  Note({.deadline = clock_.Now() + seconds(1), .not_before = clock_.Now() + hours(1)}, "never");
  scheduler_.RunDue();
  EXPECT_THAT(ran_, ElementsAre());
  clock_.Advance(seconds(1));
  scheduler_.RunDue();
  EXPECT_THAT(ran_, ElementsAre("one"));
  EXPECT_THAT(told_, ElementsAre("never timeout", "one"));
  clock_.Advance(seconds(1));
  scheduler_.RunDue();
  EXPECT_THAT(ran_, ElementsAre("one", "two"));
  EXPECT_EQ(scheduler_.counters().waiting, 0u);
}

TEST_F(InlineScheduler, CancelledWorkNeverBeginsAndIsToldOnce) {
  auto ticket = Note({.not_before = clock_.Now() + seconds(1)}, "one");
  ticket.Cancel();
  ticket.Cancel();
  clock_.Advance(seconds(1));
  scheduler_.RunDue();
  EXPECT_THAT(ran_, ElementsAre());
  EXPECT_THAT(told_, ElementsAre("one cancelled"));
  Note({}, "done").Cancel();
  EXPECT_THAT(told_, ElementsAre("one cancelled", "done"));
}

TEST_F(InlineScheduler, WhatIsTooMuchIsRefusedAndWhatWasTakenIsKept) {
  for (const char* name : {"a", "b", "c", "d"}) Note({.not_before = clock_.Now() + seconds(1)}, name);
  EXPECT_THAT(told_, ElementsAre("d unavailable"));
  clock_.Advance(seconds(1));
  scheduler_.RunDue();
  EXPECT_THAT(ran_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(scheduler_.counters().refused, 1u);
}

TEST(Scheduler, WorkOfAStrandKeepsItsOrderAndNeverRunsAtTheSameTime) {
  constexpr int kStrands = 6, kEach = 300;
  const SystemClock clock;
  std::vector<std::vector<int>> seen(kStrands);  // each guarded by its strand alone
  std::latch all(kStrands * kEach);
  Scheduler scheduler(clock, {.threads = 4});
  std::vector<Scheduler::Strand> strands;
  for (int s = 0; s < kStrands; ++s) strands.push_back(scheduler.NewStrand());
  for (int i = 0; i < kEach; ++i) {
    for (size_t s = 0; s < kStrands; ++s) {
      const Priority priority = i % 3 == 0 ? Priority::kUrgent : Priority::kIdle;
      scheduler.Post(
          {.strand = strands[s], .priority = priority, .blocks = i % 7 == 0},
          [&seen, s, i](Stop) -> Result<int> {
            seen[s].push_back(i);
            return i;
          },
          [&](Result<int> result) {
            EXPECT_TRUE(result);
            all.count_down();
          });
    }
  }
  all.wait();
  for (const std::vector<int>& one : seen) {
    ASSERT_EQ(one.size(), static_cast<size_t>(kEach));
    EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
  }
  EXPECT_EQ(scheduler.counters().finished, static_cast<uint64_t>(kStrands * kEach));
}

TEST(Scheduler, ADeadlineIsToldWhileTheWorkStillRuns) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  std::promise<Result<int>> told;
  std::promise<void> returned;
  scheduler.Post(
      {.deadline = clock.Now() + milliseconds(5)},
      [&](Stop stop) -> Result<int> {
        std::mutex mutex;
        std::condition_variable_any stopped;
        std::unique_lock lock(mutex);
        stopped.wait(lock, stop, [] { return false; });  // until it is asked to stop
        returned.set_value();
        return 1;
      },
      [&](Result<int> result) { told.set_value(std::move(result)); });
  const Result<int> result = told.get_future().get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  returned.get_future().wait();
}

TEST(Scheduler, TheMostUrgentGoesFirstAndAmongEqualsTheNearestDeadline) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  std::latch began(1), go(1), all(5);
  scheduler.Post({}, [&](Stop) {
    began.count_down();
    go.wait();
  });
  began.wait();
  std::vector<std::string> order;  // by the one worker
  const auto post = [&](const char* name, Priority priority, Duration within) {
    scheduler.Post({.deadline = clock.Now() + within, .priority = priority}, [&order, &all, name](Stop) {
      order.emplace_back(name);
      all.count_down();
    });
  };
  post("idle", Priority::kIdle, hours(1));
  post("normal", Priority::kNormal, hours(1));
  post("urgent, later", Priority::kUrgent, hours(3));
  post("urgent", Priority::kUrgent, hours(2));
  post("normal, sooner", Priority::kNormal, milliseconds(3599999));
  go.count_down();
  all.wait();
  EXPECT_THAT(order, ElementsAre("urgent", "urgent, later", "normal, sooner", "normal", "idle"));
}

// Ends when it is asked to stop, and only then.
Result<std::string> UntilAsked(const Stop& stop) {
  std::promise<void> asked;
  const std::stop_callback told(stop, [&] { asked.set_value(); });
  asked.get_future().wait();
  return "as far as it was";
}

TEST(Scheduler, WorkThatYieldsMakesRoomForWhatIsUrgentAndTellsWhatItHas) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 1});
  std::promise<std::string> partial, final;
  std::latch begun(1);
  scheduler.Post(
      {.priority = Priority::kIdle, .yields = true},
      [&](Stop stop) {
        begun.count_down();
        return UntilAsked(stop);
      },
      [&](Result<std::string> result) { partial.set_value(*result); });
  begun.wait();
  // Work of its own rank waits.
  std::atomic<bool> other = false;
  scheduler.Post({.priority = Priority::kNormal}, [&](Stop) { other = true; });
  EXPECT_EQ(scheduler.counters().yielded, 0u);
  scheduler.Post(
      {.priority = Priority::kUrgent}, [&](Stop) -> Result<std::string> { return other ? "last" : "first"; },
      [&](Result<std::string> result) { final.set_value(*result); });
  EXPECT_EQ(partial.get_future().get(), "as far as it was");
  EXPECT_EQ(final.get_future().get(), "first");
  EXPECT_EQ(scheduler.counters().yielded, 1u);
}

TEST(Scheduler, WorkThatYieldsDoesNotHoldUpItsOwnStrandNorGiveWayToAFreeThread) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 2});
  const Scheduler::Strand strand = scheduler.NewStrand();
  std::promise<void> partial, elsewhere, final;
  std::latch begun(1);
  scheduler.Post(
      {.strand = strand, .yields = true},
      [&](Stop stop) {
        begun.count_down();
        return UntilAsked(stop);
      },
      [&](const Result<std::string>&) { partial.set_value(); });
  begun.wait();
  scheduler.Post({.priority = Priority::kUrgent}, [&](Stop) { elsewhere.set_value(); });
  elsewhere.get_future().wait();
  EXPECT_EQ(scheduler.counters().yielded, 0u) << "a thread was free";
  scheduler.Post({.strand = strand, .priority = Priority::kUrgent}, [&](Stop) { final.set_value(); });
  partial.get_future().wait();
  final.get_future().wait();
  EXPECT_EQ(scheduler.counters().yielded, 1u);
}

TEST(Scheduler, AnEngineThatManyShareServesTheMostUrgentFirst) {
  const SystemClock clock;
  Scheduler scheduler(clock, {.threads = 2});
  const Scheduler::Strand engine = scheduler.NewStrand(Scheduler::Order::kUrgency);
  std::latch began(1), go(1), all(4);
  scheduler.Post({.strand = engine}, [&](Stop) {
    began.count_down();
    go.wait();
  });
  began.wait();
  std::vector<int> order;  // guarded by the strand
  int number = 0;
  for (const Priority priority : {Priority::kIdle, Priority::kUrgent, Priority::kNormal, Priority::kUrgent}) {
    scheduler.Post({.strand = engine, .priority = priority}, [&order, &all, n = number++](Stop) {
      order.push_back(n);
      all.count_down();
    });
  }
  go.count_down();
  all.wait();
  EXPECT_THAT(order, ElementsAre(1, 3, 2, 0));
}

TEST(Scheduler, WorkThatBlocksDoesNotHoldUpWorkThatComputes) {
  constexpr int kBlocking = 12;
  const SystemClock clock;
  std::latch go(1), all(kBlocking);
  Scheduler scheduler(clock, {.threads = 1, .blocking_threads = 4});
  for (int i = 0; i < kBlocking; ++i) {
    scheduler.Post({.blocks = true}, [&](Stop) {
      go.wait();
      all.count_down();
    });
  }
  scheduler.Post({}, [&](Stop) { go.count_down(); });
  all.wait();
  EXPECT_LE(scheduler.counters().threads, 1 + 1 + 4);
}

TEST(Scheduler, StoppingTellsEverybodyOnce) {
  constexpr int kWork = 100;
  const SystemClock clock;
  std::vector<std::atomic<int>> told(kWork);
  std::atomic<int> cancelled = 0;
  {
    Scheduler scheduler(clock, {.threads = 2});
    for (size_t i = 0; i < kWork; ++i) {
      Scheduler::Options options{.deadline = clock.Now() + hours(1)};
      if (i % 2 == 0) options.not_before = clock.Now() + hours(2);
      scheduler.Post(
          std::move(options), [](Stop) -> Result<int> { return 0; },
          [&, i](const Result<int>& result) {
            ++told[i];
            if (!result && result.error().code == ErrorCode::kCancelled) ++cancelled;
          });
    }
  }
  for (const std::atomic<int>& times : told) EXPECT_EQ(times, 1);
  EXPECT_GE(cancelled, kWork / 2);
}

}  // namespace
}  // namespace sotto
