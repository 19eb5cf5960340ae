#include "assistant/journal.h"

#include <utility>

namespace sotto {

Result<std::vector<Event>> Journal::Load(const std::string& session, const std::string& workflow) {
  const std::lock_guard lock(mutex_);
  return store_.Load(session, workflow);
}

void Journal::Append(std::string session, std::string workflow, std::vector<Event> events,
                     std::chrono::system_clock::time_point now, Done done) {
  scheduler_.Post(
      {.strand = strand_, .priority = Priority::kUrgent, .blocks = true, .what = "the journal"},
      [this, session = std::move(session), workflow = std::move(workflow), events = std::move(events),
       now](std::stop_token) {
        const std::lock_guard lock(mutex_);
        return store_.Append(session, workflow, events, now);
      },
      std::move(done));
}

}  // namespace sotto
