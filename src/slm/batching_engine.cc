#include <algorithm>
#include <utility>

#include "base/check.h"
#include "slm/engine.h"
#include "slm/logits_at.h"

namespace sotto {
namespace {

using Want = ForwardRequest::Want;

// How long a round waits for sessions of the last one: a small part of what a round takes.
constexpr std::chrono::microseconds kMaxLinger{200};
// After callers coincided, so many rounds of single ones until the team's threads share the work again.
constexpr int kCrowdedRounds = 64;

}  // namespace

// A call that waits; lives on its caller's stack.
struct BatchingEngine::Pending {
  ForwardRequest* request = nullptr;  // or
  LogitsRequest* logits = nullptr;
  std::span<const TokenId> left;  // tokens not computed yet
  ForwardRequest slice;           // a part of a long request
  std::condition_variable wake;
  bool in_last_round = false;  // the round being computed finishes it
  bool taken = false;          // by a round
  bool done = false;
  Lane* lead = nullptr;  // woken to compute the next round there; the lane runs for it already
};

BatchingEngine::BatchingEngine(std::unique_ptr<Engine> engine, Options options)
    : BatchingEngine(std::move(engine), {}, options) {}

BatchingEngine::BatchingEngine(std::unique_ptr<Engine> engine, std::vector<std::unique_ptr<Engine>> lanes,
                               Options options)
    : options_(options) {
  SOTTO_CHECK(options.slice_tokens > 0);
  lanes_.push_back({std::move(engine)});
  for (std::unique_ptr<Engine>& lane : lanes) {
    SOTTO_CHECK(&lane->model() == &model());
    lanes_.push_back({std::move(lane)});
  }
}

Result<void> BatchingEngine::Forward(ForwardRequest& request) {
  SOTTO_RETURN_IF_ERROR(lanes_.front().engine->Check(request));
  const std::span<const TokenId> tokens = request.tokens;
  Pending mine;
  mine.request = &request;
  mine.left = tokens;
  Join(mine);
  request.tokens = tokens;
  return {};
}

Result<void> BatchingEngine::LogitsOf(LogitsRequest& request) {
  SOTTO_RETURN_IF_ERROR(lanes_.front().engine->Check(request));
  Pending mine;
  mine.logits = &request;
  Join(mine);
  return {};
}

BatchingEngine::Lane* BatchingEngine::FreeLane() {
  if (lanes_.size() == 1) return running_ == 0 ? &lanes_.front() : nullptr;
  if (running_ == 0 && crowded_ == 0 && n_exclusive_waiting_ == 0) return &lanes_.front();
  if (running_ > 0) crowded_ = kCrowdedRounds;
  if (running_ + 1 >= static_cast<int>(lanes_.size())) return nullptr;
  const auto free =
      std::find_if(lanes_.begin() + 1, lanes_.end(), [](const Lane& lane) { return !lane.running; });
  return free == lanes_.end() ? nullptr : &*free;
}

void BatchingEngine::Join(Pending& mine) {
  std::unique_lock lock(mutex_);
  pending_.push_back(&mine);
  if (lanes_.size() == 1) joined_.notify_one();
  while (!mine.done) {
    Lane* lane = std::exchange(mine.lead, nullptr);
    if (lane == nullptr && !mine.taken && (lane = FreeLane()) != nullptr) {
      lane->running = true;
      most_at_once_ = std::max(most_at_once_, ++running_);
    }
    if (lane == nullptr) {
      mine.wake.wait(lock, [&] { return mine.done || mine.lead != nullptr; });
      continue;
    }
    if (lanes_.size() == 1) Linger(lock, *lane);
    RunRound(lock, *lane, mine);
    if (mine.done) {
      PassOn(*lane);
    } else {
      mine.lead = lane;
    }
  }
}

void BatchingEngine::PassOn(Lane& lane) {
  lane.running = false;
  --running_;
  if (n_exclusive_waiting_ > 0 && !lanes_.front().running) {
    free_.notify_one();
    if (lanes_.size() == 1) return;
  }
  const auto next = std::find_if(pending_.begin(), pending_.end(),
                                 [](const Pending* pending) { return pending->lead == nullptr; });
  if (next == pending_.end()) return;
  Lane* const free = FreeLane();
  if (free == nullptr) return;
  // It runs from now on: the next leader owns it.
  free->running = true;
  ++running_;
  (*next)->lead = free;
  (*next)->wake.notify_one();
}

void BatchingEngine::Linger(std::unique_lock<std::mutex>& lock, const Lane& lane) {
  const auto enough = static_cast<size_t>(lane.last_batch);
  if (enough <= pending_.size()) return;
  const auto limit = std::min<std::chrono::nanoseconds>(kMaxLinger, lane.last_round / 10);
  joined_.wait_for(lock, limit, [&] { return pending_.size() >= enough; });
}

// Those who wait are shared out among the lanes; whoever leads another one is left to it.
void BatchingEngine::RunRound(std::unique_lock<std::mutex>& lock, Lane& lane, Pending& leader) {
  const size_t n_lanes = std::max<size_t>(1, lanes_.size() - 1);
  const size_t most = (pending_.size() + n_lanes - 1) / n_lanes;
  std::vector<Pending*> round{&leader};
  for (Pending* pending : pending_) {
    if (round.size() < most && pending != &leader && pending->lead == nullptr) round.push_back(pending);
  }
  for (Pending* pending : round) pending->taken = true;
  std::erase_if(pending_, [](const Pending* pending) { return pending->taken; });
  // Long requests are cut while several wait; what needs all positions is not.
  std::vector<ForwardRequest*> requests;
  std::vector<LogitsRequest*> logits;
  const auto slice_tokens = static_cast<size_t>(options_.slice_tokens);
  for (Pending* pending : round) {
    if (pending->logits != nullptr) {
      pending->in_last_round = true;
      logits.push_back(pending->logits);
      continue;
    }
    const Want want = pending->request->want;
    const bool cut = round.size() > 1 && pending->left.size() > slice_tokens && want != Want::kAllPositions &&
                     want != Want::kArgmax && want != Want::kHidden;
    if (cut) {
      pending->slice.cache = pending->request->cache;
      pending->slice.tokens = pending->left.first(slice_tokens);
      pending->slice.want = Want::kNone;
      pending->slice.lora = pending->request->lora;
      pending->left = pending->left.subspan(slice_tokens);
      requests.push_back(&pending->slice);
    } else {
      pending->request->tokens = pending->left;
      pending->left = {};
      pending->in_last_round = true;
      requests.push_back(pending->request);
    }
  }
  largest_batch_ = std::max(largest_batch_, static_cast<int>(round.size()));
  if (running_ > 1 || round.size() > 1) {
    crowded_ = kCrowdedRounds;
  } else if (crowded_ > 0) {
    --crowded_;
  }
  lock.unlock();
  const auto start = std::chrono::steady_clock::now();
  const auto run = [](const Result<void>& result) {
    SOTTO_CHECK(result.has_value(), "{}", result.error().message);  // each was checked when it came
  };
  if (!logits.empty()) run(lane.engine->LogitsOf(logits));
  if (!requests.empty()) run(lane.engine->Forward(requests));
  const auto took = std::chrono::steady_clock::now() - start;
  lock.lock();
  lane.last_batch = static_cast<int>(round.size());
  lane.last_round = took;
  for (auto it = round.rbegin(); it != round.rend(); ++it) {
    Pending* const pending = *it;
    pending->taken = false;
    if (pending->in_last_round) {
      pending->done = true;
      pending->wake.notify_one();
    } else {
      pending_.push_front(pending);
    }
  }
}

std::unique_lock<std::mutex> BatchingEngine::Exclusive() {
  std::unique_lock lock(mutex_);
  ++n_exclusive_waiting_;
  free_.wait(lock, [&] { return !lanes_.front().running; });
  --n_exclusive_waiting_;
  lanes_.front().running = true;
  ++running_;
  return lock;
}

Result<void> BatchingEngine::LogitsAt(const KvCache& cache, std::span<const TokenId> rows,
                                      std::span<float> logits, const LoraAdapter* lora) {
  return LogitsAtWith(*this, cache, rows, logits, lora);
}

Result<std::vector<float>> BatchingEngine::Embed(std::span<const TokenId> tokens) {
  std::unique_lock lock = Exclusive();
  lock.unlock();
  auto result = lanes_.front().engine->Embed(tokens);
  lock.lock();
  PassOn(lanes_.front());
  return result;
}

int BatchingEngine::largest_batch() const {
  std::lock_guard lock(mutex_);
  return largest_batch_;
}

int BatchingEngine::most_at_once() const {
  std::lock_guard lock(mutex_);
  return most_at_once_;
}

}  // namespace sotto
