#include "base/serial.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/own_threads.h"

namespace sotto {
namespace {

TEST(Serial, WhatComesFromInsideComesAfterwards) {
  Serial serial;
  std::vector<int> order;
  serial.Do([&] {
    serial.Do([&] {
      order.push_back(2);
      serial.Do([&] { order.push_back(4); });
    });
    serial.Do([&] { order.push_back(3); });
    order.push_back(1);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Serial, OneAtATimeFromManyThreads) {
  Serial serial;
  int running = 0;
  int most = 0;
  int done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        serial.Do([&] {
          most = std::max(most, ++running);
          ++done;
          --running;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 20000);
  EXPECT_EQ(most, 1);
}

TEST(Serial, ItsEndWaitsForWhatRunsElsewhere) {
  Serial serial;
  std::atomic<bool> running{false};
  std::atomic<bool> go_on{false};
  std::vector<int> order;
  std::thread other([&] {
    serial.Do([&] {
      running = true;
      running.notify_all();
      go_on.wait(false);
      order.push_back(1);
    });
  });
  running.wait(false);
  std::thread third([&] {
    go_on = true;
    go_on.notify_all();
  });
  serial.DoAndWait([&] { order.push_back(2); });
  other.join();
  third.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  // From inside it cannot wait.
  serial.Do([&] {
    serial.DoAndWait([&] { order.push_back(4); });
    order.push_back(3);
  });
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

// Waits for its thread when it ends, though that thread is the last to let go of it.
TEST(OwnThreads, TheLastOwnerMayBeOneOfThem) {
  struct Holder {
    std::thread thread;
    std::atomic<bool>* ended = nullptr;
    ~Holder() {
      thread.join();
      *ended = true;
      ended->notify_all();
    }
  };
  std::atomic<bool> ended{false};
  std::atomic<bool> let_go{false};
  auto holder = OwnThreads::Share(new Holder);
  holder->ended = &ended;
  holder->thread = std::thread([&let_go, &holder] {
    let_go.wait(false);
    const OwnThreads::Inside inside;
    holder.reset();
  });
  let_go = true;
  let_go.notify_all();
  ended.wait(false);
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace sotto
