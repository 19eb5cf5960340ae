#include "server/idempotency.h"

#include "server/problem.h"

namespace sotto {
namespace {

constexpr std::chrono::minutes kRemembered{10};

}  // namespace

std::optional<WebResponse> IdempotencyKeys::Find(const std::string& key, uint64_t request) {
  const std::lock_guard lock(mutex_);
  const TimePoint now = clock_.Now();
  while (!order_.empty() && (order_.size() > most_ || now - entries_.at(order_.front()).at > kRemembered)) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    order_.push_back(key);
    entries_[key] = {request, now, std::nullopt, std::prev(order_.end())};
    return std::nullopt;
  }
  if (found->second.request != request) {
    return ToResponse(Problem{422, "idempotency_key_reused",
                              "this Idempotency-Key was sent with another request before; use a new one"});
  }
  if (!found->second.response) {
    return ToResponse(Problem{409, "in_progress", "the same request is being answered; wait for it", 1});
  }
  WebResponse again = *found->second.response;
  again.headers.emplace_back("Idempotent-Replayed", "true");
  return again;
}

void IdempotencyKeys::Remember(const std::string& key, const WebResponse& response) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(key); found != entries_.end()) found->second.response = response;
}

void IdempotencyKeys::Forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  order_.erase(found->second.place);
  entries_.erase(found);
}

}  // namespace sotto
