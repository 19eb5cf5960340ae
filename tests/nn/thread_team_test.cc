#include "nn/thread_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

namespace sotto {
namespace {

TEST(ThreadTeam, EveryItemOnce) {
  for (const size_t n_threads : {1, 2, 3, 8}) {
    ThreadTeam team(n_threads);
    EXPECT_EQ(team.size(), n_threads);
    for (const size_t n_items : {0, 1, 5, 64, 1000}) {
      for (const size_t chunk : {1, 3, 64, 5000}) {
        std::vector<int> count(n_items, 0);
        team.ParallelFor(n_items, chunk, [&](size_t begin, size_t end, size_t member) {
          ASSERT_LT(member, n_threads);
          ASSERT_LE(end - begin, chunk);
          for (size_t i = begin; i < end; ++i) ++count[i];
        });
        for (const int c : count) ASSERT_EQ(c, 1);
      }
    }
  }
}

TEST(ThreadTeam, ManyShortForksSeeEachOthersResults) {
  ThreadTeam team(3);
  std::vector<size_t> values(48, 0);
  for (size_t round = 0; round < 3000; ++round) {
    team.ParallelFor(values.size(), 4, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) ASSERT_EQ(values[i]++, round);
    });
  }
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), size_t{0}), 48u * 3000u);
}

TEST(ThreadTeam, WorksWhileAWorkerIsBlocked) {
  // One member is held inside its chunk until all other chunks are done.
  ThreadTeam team(2);
  std::atomic<int> done{0};
  team.ParallelFor(20, 1, [&](size_t begin, size_t, size_t) {
    if (begin == 0) {
      while (done.load() < 19) std::this_thread::yield();
    } else {
      ++done;
    }
  });
  EXPECT_EQ(done.load(), 19);
}

TEST(ThreadTeam, StartsAndStopsWithoutWork) {
  for (int i = 0; i < 20; ++i) ThreadTeam team(4);
}

}  // namespace
}  // namespace sotto
