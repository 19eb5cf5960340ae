// Real time for many calls: whoever is added is stepped every 10 ms, on few threads. A step that is late is
// made up for by the next ones; what is later than `give_up` is not.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace sotto {

class Paced {
 public:
  virtual ~Paced() = default;
  // One step; `late`: how long after it was due. False: it was the last one. Never blocks.
  virtual bool Step(Duration late) = 0;
};

class Pacer {
 public:
  static constexpr std::chrono::milliseconds kStep{10};

  // `clock` runs by itself and outlives it.
  Pacer(const Clock& clock, int threads);
  // What is still stepped is dropped.
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Always on the same thread from now on, the one with the fewest. Any thread.
  void Add(std::shared_ptr<Paced> paced);
  size_t size() const;

 private:
  struct Entry {
    TimePoint due;
    std::shared_ptr<Paced> paced;
    // The nearest first out of a heap.
    bool operator<(const Entry& other) const { return due > other.due; }
  };
  struct Line {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Entry> entries;  // a heap; guarded by mutex
    bool stopping = false;       // guarded by mutex
    std::atomic<size_t> size{0};
    std::thread thread;
  };

  void Run(Line& line);

  const Clock& clock_;
  std::vector<std::unique_ptr<Line>> lines_;
};

}  // namespace sotto
