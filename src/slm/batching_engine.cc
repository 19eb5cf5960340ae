#include <algorithm>

#include "base/check.h"
#include "slm/engine.h"
#include "slm/logits_at.h"

namespace sotto {
namespace {

using Want = ForwardRequest::Want;

// How long a round waits for sessions of the last one: a small part of what a round takes.
constexpr std::chrono::microseconds kMaxLinger{200};

}  // namespace

// A call that waits; lives on its caller's stack.
struct BatchingEngine::Pending {
  ForwardRequest* request = nullptr;  // or
  LogitsRequest* logits = nullptr;
  std::span<const TokenId> left;  // tokens not computed yet
  ForwardRequest slice;           // a part of a long request
  std::condition_variable wake;
  bool in_last_round = false;  // the round being computed finishes it
  bool done = false;
  bool lead = false;  // woken to compute the next round
};

BatchingEngine::BatchingEngine(std::unique_ptr<Engine> engine, Options options)
    : engine_(std::move(engine)), options_(options) {
  SOTTO_CHECK(options.slice_tokens > 0);
}

Result<void> BatchingEngine::Forward(ForwardRequest& request) {
  SOTTO_RETURN_IF_ERROR(engine_->Check(request));
  const std::span<const TokenId> tokens = request.tokens;
  Pending mine;
  mine.request = &request;
  mine.left = tokens;
  Join(mine);
  request.tokens = tokens;
  return {};
}

Result<void> BatchingEngine::LogitsOf(LogitsRequest& request) {
  SOTTO_RETURN_IF_ERROR(engine_->Check(request));
  Pending mine;
  mine.logits = &request;
  Join(mine);
  return {};
}

void BatchingEngine::Join(Pending& mine) {
  std::unique_lock lock(mutex_);
  pending_.push_back(&mine);
  joined_.notify_one();
  while (!mine.done) {
    if (running_ && !mine.lead) {
      mine.wake.wait(lock, [&] { return mine.done || mine.lead; });
      continue;
    }
    running_ = true;
    Linger(lock);
    RunRound(lock);
    mine.lead = !mine.done;
    if (mine.done) PassOn();
  }
}

void BatchingEngine::PassOn() {
  if (n_exclusive_waiting_ > 0) {
    running_ = false;
    free_.notify_one();
  } else if (pending_.empty()) {
    running_ = false;
  } else {
    // running_ stays set: the next leader owns the engine.
    pending_.front()->lead = true;
    pending_.front()->wake.notify_one();
  }
}

void BatchingEngine::Linger(std::unique_lock<std::mutex>& lock) {
  const auto enough = static_cast<size_t>(last_batch_);
  if (enough <= pending_.size()) return;
  const auto limit = std::min<std::chrono::nanoseconds>(kMaxLinger, last_round_ / 10);
  joined_.wait_for(lock, limit, [&] { return pending_.size() >= enough; });
}

void BatchingEngine::RunRound(std::unique_lock<std::mutex>& lock) {
  // Long requests are cut while several wait; what needs all positions is not.
  const std::vector<Pending*> round(pending_.begin(), pending_.end());
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
  lock.unlock();
  const auto start = std::chrono::steady_clock::now();
  const auto run = [](const Result<void>& result) {
    SOTTO_CHECK(result.has_value(), "{}", result.error().message);  // each was checked when it came
  };
  if (!logits.empty()) run(engine_->LogitsOf(logits));
  if (!requests.empty()) run(engine_->Forward(requests));
  const auto took = std::chrono::steady_clock::now() - start;
  lock.lock();
  last_batch_ = static_cast<int>(round.size());
  last_round_ = took;
  for (Pending* pending : round) {
    if (!pending->in_last_round) continue;
    pending_.erase(std::ranges::find(pending_, pending));
    pending->done = true;
    pending->wake.notify_one();
  }
}

std::unique_lock<std::mutex> BatchingEngine::Exclusive() {
  std::unique_lock lock(mutex_);
  ++n_exclusive_waiting_;
  free_.wait(lock, [&] { return !running_; });
  --n_exclusive_waiting_;
  running_ = true;
  return lock;
}

Result<void> BatchingEngine::LogitsAt(const KvCache& cache, std::span<const TokenId> rows,
                                      std::span<float> logits, const LoraAdapter* lora) {
  return LogitsAtWith(*this, cache, rows, logits, lora);
}

Result<std::vector<float>> BatchingEngine::Embed(std::span<const TokenId> tokens) {
  std::unique_lock lock = Exclusive();
  lock.unlock();
  auto result = engine_->Embed(tokens);
  lock.lock();
  PassOn();
  return result;
}

int BatchingEngine::largest_batch() const {
  std::lock_guard lock(mutex_);
  return largest_batch_;
}

}  // namespace sotto
