#include "assistant/journal.h"

#include <utility>

namespace sotto {

Result<std::vector<Event>> Journal::Load(const std::string& session, const std::string& workflow) {
  const std::lock_guard lock(mutex_);
  return store_.Load(session, workflow);
}

void Journal::Append(std::string session, std::string workflow, std::vector<Event> events,
                     std::chrono::system_clock::time_point now, Done done) {
  {
    const std::lock_guard lock(waiting_mutex_);
    waiting_.push_back({{std::move(session), std::move(workflow), std::move(events), now}, std::move(done)});
    if (std::exchange(posted_, true)) return;
  }
  scheduler_.Post(
      {.strand = strand_, .priority = Priority::kUrgent, .blocks = true, .what = "the journal"},
      [this](std::stop_token) -> Result<void> {
        WriteWaiting();
        return {};
      },
      [this](const Result<void>& ran) {
        if (ran) return;
        for (const Waiting& one : TakeWaiting()) one.done(ran);  // it never began
      });
}

std::vector<Journal::Waiting> Journal::TakeWaiting() {
  const std::lock_guard lock(waiting_mutex_);
  posted_ = false;
  return std::exchange(waiting_, {});
}

void Journal::WriteWaiting() {
  std::vector<Waiting> taken = TakeWaiting();
  if (taken.empty()) return;
  std::vector<SessionAppend> appends;
  for (Waiting& one : taken) appends.push_back(std::move(one.append));
  std::vector<Result<void>> stored(taken.size());
  {
    const std::lock_guard lock(mutex_);
    if (const auto all = store_.AppendAll(appends); !all) {
      // One that cannot be stored must not keep the others from it.
      if (appends.size() == 1) stored.front() = all;
      for (size_t i = 0; i < appends.size() && appends.size() > 1; ++i)
        stored[i] = store_.AppendAll({&appends[i], 1});
    }
  }
  {
    const std::lock_guard lock(waiting_mutex_);
    ++counters_.writes;
    counters_.appends += taken.size();
  }
  for (size_t i = 0; i < taken.size(); ++i) taken[i].done(std::move(stored[i]));
}

Journal::Counters Journal::counters() const {
  const std::lock_guard lock(waiting_mutex_);
  return counters_;
}

}  // namespace sotto
