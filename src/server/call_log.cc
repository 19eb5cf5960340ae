#include "server/call_log.h"

#include "server/hand_off_view.h"

namespace sotto {
namespace {

constexpr std::chrono::minutes kAnnouncedFor{1};
constexpr std::chrono::minutes kEndedFor{10};
constexpr std::chrono::hours kOnFor{24};  // longer than any call

}  // namespace

void CallLog::Forget() {
  const TimePoint now = clock_.Now();
  for (auto place = order_.begin(); place != order_.end();) {
    const auto found = entries_.find(*place);
    if (found->second.until >= now && entries_.size() <= most_) break;  // those behind it are younger, mostly
    entries_.erase(found);
    place = order_.erase(place);
  }
}

CallLog::Entry& CallLog::At(const std::string& id) {
  Forget();
  const auto [found, is_new] = entries_.try_emplace(id);
  if (is_new) found->second.place = order_.insert(order_.end(), id);
  return found->second;
}

bool CallLog::Announce(const std::string& id, Announced announced) {
  const std::lock_guard lock(mutex_);
  Entry& entry = At(id);
  if (entry.state != std::string_view("announced")) return false;
  entry.workflow = announced.workflow;
  entry.announced = std::move(announced);
  entry.until = clock_.Now() + kAnnouncedFor;
  return true;
}

std::optional<CallLog::Announced> CallLog::Begin(const std::string& id, const std::string& workflow) {
  const std::lock_guard lock(mutex_);
  Entry& entry = At(id);
  std::optional<Announced> told;
  if (entry.state == std::string_view("announced") && entry.until >= clock_.Now()) told = entry.announced;
  entry = {.state = "on",
           .until = clock_.Now() + kOnFor,
           .announced = told,
           .workflow = told && !told->workflow.empty() ? told->workflow : workflow,
           .place = entry.place};
  return told;
}

void CallLog::SetSession(const std::string& id, const std::string& session, const std::string& workflow) {
  const std::lock_guard lock(mutex_);
  Entry& entry = At(id);
  entry.session = session;
  entry.workflow = workflow;
}

void CallLog::End(const std::string& id, std::string_view reason, const std::optional<HandOff>& hand_off) {
  const std::lock_guard lock(mutex_);
  Entry& entry = At(id);
  entry.state = "ended";
  entry.until = clock_.Now() + kEndedFor;
  entry.reason = reason;
  entry.hand_off = HandOffView(hand_off);
  order_.splice(order_.end(), order_, entry.place);
}

std::optional<Json> CallLog::Find(const std::string& id, const std::string& owner) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  if (entry.until < clock_.Now()) return std::nullopt;
  if (entry.announced && entry.announced->owner != owner) return std::nullopt;
  return Json{{"id", id},
              {"state", entry.state},
              {"workflow", entry.workflow},
              {"session", entry.session},
              {"reason", entry.reason},
              {"hand_off", entry.hand_off}};
}

}  // namespace sotto
