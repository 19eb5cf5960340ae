#include "server/pacer.h"

#include <algorithm>
#include <utility>

#include "base/prompt_thread.h"

namespace sotto {
namespace {

constexpr std::chrono::milliseconds kGiveUp{200};

}  // namespace

Pacer::Pacer(const Clock& clock, int threads) : clock_(clock) {
  for (int i = 0; i < threads; ++i) lines_.push_back(std::make_unique<Line>());
  for (const auto& line : lines_) line->thread = std::thread([this, &line = *line] { Run(line); });
}

Pacer::~Pacer() {
  for (const auto& line : lines_) {
    {
      const std::lock_guard lock(line->mutex);
      line->stopping = true;
    }
    line->changed.notify_all();
    line->thread.join();
  }
}

void Pacer::Add(std::shared_ptr<Paced> paced) {
  Line& line = **std::min_element(lines_.begin(), lines_.end(),
                                  [](const auto& a, const auto& b) { return a->size < b->size; });
  {
    const std::lock_guard lock(line.mutex);
    line.entries.push_back({clock_.Now(), std::move(paced)});
    std::push_heap(line.entries.begin(), line.entries.end());
    ++line.size;
  }
  line.changed.notify_all();
}

size_t Pacer::size() const {
  size_t size = 0;
  for (const auto& line : lines_) size += line->size;
  return size;
}

void Pacer::Run(Line& line) {
  WakePromptly();  // whoever computes beside it has longer slices
  std::unique_lock lock(line.mutex);
  while (!line.stopping) {
    if (line.entries.empty()) {
      line.changed.wait(lock);
      continue;
    }
    const TimePoint due = line.entries.front().due;
    if (clock_.Now() < due) {
      line.changed.wait_until(lock, due);
      continue;
    }
    std::pop_heap(line.entries.begin(), line.entries.end());
    Entry entry = std::move(line.entries.back());
    line.entries.pop_back();
    lock.unlock();
    const TimePoint now = clock_.Now();
    const bool more = entry.paced->Step(now - due);
    if (!more) entry.paced.reset();  // a session ends outside of the lock
    lock.lock();
    if (!more) {
      --line.size;
      continue;
    }
    entry.due = now - due > kGiveUp ? now + kStep : due + kStep;
    line.entries.push_back(std::move(entry));
    std::push_heap(line.entries.begin(), line.entries.end());
  }
}

}  // namespace sotto
