#include "nn/shared_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sotto {
namespace {

TEST(SharedTeam, OneAtATime) {
  SharedTeam team(2);
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  int turns = 0;  // guarded by the turn
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        SharedTeam::Turn turn(team);
        ASSERT_EQ(inside.fetch_add(1), 0);
        turn.team().ParallelFor(8, 1, [](size_t, size_t, size_t) {});
        ++turns;
        inside.fetch_sub(1);
        team.LetOthers();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(turns, 800);
  EXPECT_EQ(team.waiting(), 0);
}

TEST(SharedTeam, AShortTurnGoesBetweenTheLayersOfALongOne) {
  SharedTeam team(1);
  bool short_one_done = false;  // guarded by the turn
  std::thread other;
  {
    SharedTeam::Turn turn(team);
    other = std::thread([&] {
      SharedTeam::Turn mine(team);
      short_one_done = true;
    });
    while (team.waiting() == 0) std::this_thread::yield();
    EXPECT_FALSE(short_one_done);
    team.LetOthers();
    EXPECT_TRUE(short_one_done);
  }
  other.join();
}

TEST(SharedTeam, NobodyWaitsForNobody) {
  SharedTeam team(1);
  SharedTeam::Turn turn(team);
  team.LetOthers();
  EXPECT_EQ(team.waiting(), 0);
}

}  // namespace
}  // namespace sotto
