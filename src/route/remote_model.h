// A model behind an OpenAI-compatible endpoint (POST {base_url}/chat/completions), asked for calls, within a
// deadline, whatever the endpoint does: is down, slow, overloaded, sends errors with status 200, streams that
// end in the middle or never.
//
//   RemoteModel::Ask -> breaker open, or told to stay away: kUnavailable at once
//                    -> first try --too slow--> hedge: a second try beside it; who answers first counts
//                         '--failed in a way that may pass, and there is budget--> another try after a pause
//                    -> told once: the answer, the last error, kTimeout at the deadline, kCancelled
//
// Requests with the same bytes that are under way at the same time are one (single flight); each has its own
// deadline. Tries beyond the first draw on a budget that answered requests fill (0.1 a request, after
// Finagle's RetryBudget): a dead endpoint gets at most 10 % more traffic by them. 429 and 503 with Retry-After
// are obeyed: until then nothing is sent.
// Any thread. What was asked and answered stands in no error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/circuit_breaker.h"
#include "route/chat_answer.h"
#include "route/remote_context.h"

namespace sotto {

struct RemoteOptions {
  std::string name = {};
  std::string base_url = {};  // "https://api.example/v1"
  std::string model = {};     // as the endpoint calls it
  std::string api_key = {};   // sent as a bearer token unless empty
  double usd_per_million_in = 0;
  double usd_per_million_out = 0;
  Duration timeout = std::chrono::seconds(5);  // of one try
  Duration hedge_after{0};                     // 0: never
  int retries = 1;                             // of one request
  bool stream = false;
  int max_tokens = 256;
  BreakerOptions breaker = {};
};

class RemoteModel {
 public:
  struct Answer {
    ChatAnswer chat;
    int tries = 1;
    double cost = 0;  // USD
  };
  using Done = std::function<void(Result<Answer>)>;
  struct Counters {
    uint64_t asked = 0;     // requests, shared ones too
    uint64_t shared = 0;    // of those: found the same one under way
    uint64_t tries = 0;     // HTTP requests
    uint64_t retries = 0;   // of those
    uint64_t hedges = 0;    // of those
    uint64_t answered = 0;  // HTTP requests with a good answer
    uint64_t refused = 0;   // nothing was sent: breaker, Retry-After
    uint64_t late = 0;      // requests that missed their deadline
  };

  // Takes back a request: its Done is told kCancelled, unless it has been told.
  class Ticket {
   public:
    Ticket() = default;
    void Cancel();

   private:
    friend class RemoteModel;
    std::weak_ptr<void> flight_;
    std::function<void()> cancel_;
  };

  // kInvalidArgument: the URL or the model's name is none.
  static Result<std::shared_ptr<RemoteModel>> Create(RemoteOptions options,
                                                     std::shared_ptr<RemoteContext> context);
  ~RemoteModel();
  RemoteModel(const RemoteModel&) = delete;
  RemoteModel& operator=(const RemoteModel&) = delete;

  // `request`: messages and tools in OpenAI's form; model, "stream" and, where it has none, "max_tokens" are added. Never waits; `done`
  // comes from another thread, or before this returns, and neither waits nor throws.
  Ticket Ask(Json request, Duration limit, Done done);

  // An estimate before asking: `bytes` of a request, and an answer of the usual length.
  double EstimateCost(size_t bytes) const;
  const RemoteOptions& options() const;
  Counters counters() const;
  // Why it would not be asked now; empty: it would.
  std::string WhyNotNow() const;

 private:
  struct State;
  class Flight;
  RemoteModel(std::shared_ptr<RemoteContext> context, std::shared_ptr<State> state)
      : context_(std::move(context)), state_(std::move(state)) {}

  const std::shared_ptr<RemoteContext> context_;
  const std::shared_ptr<State> state_;
};

}  // namespace sotto
