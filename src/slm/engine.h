// Computes a model: appends tokens to KV caches and returns logits.
//
//   auto engine = Engine::Create(model, {.n_threads = 2});
//   KvCache cache = (*engine)->NewCache();
//   ForwardRequest request{.cache = &cache, .tokens = tokens};   // prefill
//   (*engine)->Forward(request);                                // request.logits: next token's
//
// A result depends neither on what else is in the batch, nor on how the tokens were cut into calls, nor on
// the number of threads: bit for bit the same (on one instruction set).
// Engine: one thread at a time. BatchingEngine: any thread; calls that coincide become one batch.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/error.h"
#include "nn/shared_team.h"
#include "slm/kv_cache.h"
#include "slm/lora.h"
#include "slm/model.h"

namespace sotto {

struct ForwardRequest {
  enum class Want {
    kNone,          // only extend the cache
    kLast,          // all logits of the last position
    kLastRows,      // the logits of `rows` at the last position, in their order
    kAllPositions,  // all logits of every position: [tokens.size()][n_vocab]
    kArgmax,        // argmax of every position, no logits kept
    kHidden,        // the normalised hidden state of every position; LogitsOf makes logits of them
  };
  static constexpr int kNowhere = -1;

  KvCache* cache = nullptr;
  // Appended at positions cache->size() ...; may be empty if the last position's hidden state is in the
  // cache.
  std::span<const TokenId> tokens = {};
  Want want = Want::kLast;
  std::span<const TokenId> rows = {};
  // kHidden: the logits at this one of `tokens`, too; of `rows`, or where there are none of all tokens.
  int logits_at = kNowhere;
  const LoraAdapter* lora = nullptr;  // must be the same for all tokens of a cache

  // Out; capacity is kept from call to call.
  std::vector<float> logits = {};
  std::vector<TokenId> argmax = {};  // kLast: 1, kAllPositions and kArgmax: one a position
  std::vector<float> hidden = {};    // kHidden: [tokens.size()][d_model]
};

struct EngineOptions {
  int n_threads = 0;  // 0: as many as there are cores
  std::shared_ptr<SharedTeam> team =
      nullptr;                 // compute on these threads, with other engines; null: on its own
  int max_batch_tokens = 512;  // longer inputs are cut; bounds the scratch memory
};

// Logits of some rows from a hidden state that kHidden gave: the values that a Forward gives.
struct LogitsRequest {
  std::span<const float> hidden;       // [d_model]
  std::span<const TokenId> rows = {};  // empty: all tokens
  const LoraAdapter* lora = nullptr;
  std::vector<float> logits = {};  // out
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Create(std::shared_ptr<const Model> model, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Model& model() const;
  const EngineOptions& options() const;
  KvCache NewCache() const;

  // All requests in one batch; their caches must be different objects. On an error (token id out of range,
  // context full, adapter of another model) nothing has changed. REQUIRES: a decoder.
  Result<void> Forward(std::span<ForwardRequest* const> requests);
  Result<void> Forward(ForwardRequest& request);

  // Logits of some rows at the last position of `cache`, without computing anything else.
  // The same values as a Forward gives. An error where the last position's state is not known: nothing was
  // computed since the last Truncate.
  Result<void> LogitsAt(const KvCache& cache, std::span<const TokenId> rows, std::span<float> logits,
                        const LoraAdapter* lora = nullptr);

  // Requests for all tokens are one product. An error (token id out of range) before anything is computed.
  Result<void> LogitsOf(std::span<LogitsRequest* const> requests);
  Result<void> LogitsOf(LogitsRequest& request);

  // Whether it would take the request as it stands; computes nothing. Any thread.
  Result<void> Check(const ForwardRequest& request) const;
  Result<void> Check(const LogitsRequest& request) const;

  // The L2-normalised embedding of a text. REQUIRES: an encoder.
  Result<std::vector<float>> Embed(std::span<const TokenId> tokens);

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// An Engine for many threads. There is no engine thread: a caller that finds the engine free computes the
// batch of everybody who waits (flat combining), so a single session pays no hand-over and nothing runs when
// idle. Long inputs are cut while others wait, so that a prefill delays a decode step by one slice at most.
//
// With several engines (lanes) of one small model as many batches are computed at once, each on its caller's
// thread alone: what is gained by splitting a small product among threads is less than what it costs to wait
// for them, where other callers have work for those threads. While nobody else is there the first lane's
// threads share the work.
class BatchingEngine {
 public:
  struct Options {
    int slice_tokens = 64;  // of one request a round, while others wait
  };

  explicit BatchingEngine(std::unique_ptr<Engine> engine) : BatchingEngine(std::move(engine), Options()) {}
  BatchingEngine(std::unique_ptr<Engine> engine, Options options);
  // `lanes`: engines of the same model as `engine`, of one thread each; computed with where callers coincide.
  BatchingEngine(std::unique_ptr<Engine> engine, std::vector<std::unique_ptr<Engine>> lanes, Options options);

  const Model& model() const { return lanes_.front().engine->model(); }
  KvCache NewCache() const { return lanes_.front().engine->NewCache(); }

  // Blocks until done. An error concerns this request only.
  Result<void> Forward(ForwardRequest& request);
  Result<void> LogitsAt(const KvCache& cache, std::span<const TokenId> rows, std::span<float> logits,
                        const LoraAdapter* lora = nullptr);
  Result<void> LogitsOf(LogitsRequest& request);
  Result<std::vector<float>> Embed(std::span<const TokenId> tokens);

  // Largest number of requests that one batch has held so far.
  int largest_batch() const;
  // Largest number of batches that were computed at the same time.
  int most_at_once() const;

 private:
  struct Pending;
  struct Lane {
    std::unique_ptr<Engine> engine;
    bool running = false;
    int last_batch = 0;
    std::chrono::nanoseconds last_round{0};
  };

  // Waits until `mine` is computed, or computes it with everybody who waits.
  void Join(Pending& mine);
  // One batch of `leader`, whom no round has taken, and of others who wait. `lock` is held on entry and exit, not
  // while computing.
  void RunRound(std::unique_lock<std::mutex>& lock, Lane& lane, Pending& leader);
  // Waits a moment for the sessions of the last batch to come back, so that they stay one batch.
  void Linger(std::unique_lock<std::mutex>& lock, const Lane& lane);
  // Where a round could be computed now; null: nowhere.
  Lane* FreeLane();
  // Blocks until nobody else computes on the first lane.
  std::unique_lock<std::mutex> Exclusive();
  void PassOn(Lane& lane);

  const Options options_;
  mutable std::mutex mutex_;
  // All below are guarded by mutex_.
  std::vector<Lane> lanes_;         // the first computes on the team, the others on their callers' threads
  std::condition_variable free_;    // for Exclusive
  std::condition_variable joined_;  // for Linger
  std::deque<Pending*> pending_;    // whom no round has taken yet
  int running_ = 0;                 // lanes
  int crowded_ = 0;                 // > 0: callers coincided a short while ago
  int n_exclusive_waiting_ = 0;
  int largest_batch_ = 0;
  int most_at_once_ = 0;
};

}  // namespace sotto
