#include "route/remote_model.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "core/openai_error.h"

namespace sotto {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxAnswerBytes = size_t{1} << 20;
constexpr milliseconds kPause{100};  // before the second try; twice as long before each further one
constexpr milliseconds kLongestConnect{2000};
constexpr std::chrono::hours kLongestRetryAfter{1};
constexpr double kBudgetPerRequest = 0.1;
constexpr double kMostBudget = 10;
constexpr double kFirstBudget = 3;
constexpr double kBytesPerToken = 4;
constexpr double kUsualAnswerTokens = 40;

milliseconds AtLeastOneMs(Duration duration) {
  return std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(duration));
}

// Seconds, or a date (RFC 9110, 10.2.3).
std::optional<Duration> RetryAfter(const HttpAnswer& answer, const Clock& clock) {
  const std::string text(answer.Header("retry-after"));
  if (text.empty()) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    const time_t at = curl_getdate(text.c_str(), nullptr);
    if (at < 0) return std::nullopt;
    seconds = at - std::chrono::system_clock::to_time_t(clock.WallNow());
  }
  const Duration wait = std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 24L * 3600));
  return std::min<Duration>(wait, kLongestRetryAfter);
}

bool MayPass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout || code == ErrorCode::kIo;
}

}  // namespace

struct RemoteModel::State {
  RemoteOptions options;
  RemoteContext* const context;  // gone only after everything that it runs
  std::string url;
  std::string origin;
  mutable std::mutex mutex;
  // All below are guarded by mutex.
  CircuitBreaker breaker{BreakerOptions{}};
  std::map<std::string, std::weak_ptr<Flight>> flights;  // by the bytes of their request
  TimePoint not_before{};
  double budget = kFirstBudget;
  Counters counters;

  State(RemoteOptions given, RemoteContext* shared)
      : options(std::move(given)), context(shared), breaker(options.breaker) {
    while (options.base_url.ends_with('/')) options.base_url.pop_back();
    url = options.base_url + "/chat/completions";
    origin = HttpOrigin(url);
  }
  TimePoint Now() const { return context->clock().Now(); }
  // Guarded.
  bool Spend() {
    if (budget < 1) return false;
    budget -= 1;
    return true;
  }
};

// One request and everybody who waits for it. All of its state is guarded by the model's mutex; nobody is told
// and nothing is sent under it.
class RemoteModel::Flight : public std::enable_shared_from_this<Flight> {
 public:
  Flight(std::shared_ptr<State> state, std::string body)
      : state_(std::move(state)), body_(std::move(body)), latest_(state_->Now()) {}

  // Under the lock; false: it is over, and takes nobody any more.
  bool Join(uint64_t id, TimePoint deadline, Done done) {
    if (over_) return false;
    waiting_.push_back({id, deadline, std::move(done)});
    latest_ = std::max(latest_, deadline);
    return true;
  }

  void Begin() { Try(Kind::kFirst); }

  // Tells the one who waits by that number, and ends the flight where nobody else does.
  void Leave(uint64_t id, Error why) {
    Done told;
    std::vector<std::stop_source> stops;
    {
      const std::lock_guard lock(state_->mutex);
      const auto waiter =
          std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiter& one) { return one.id == id; });
      if (waiter == waiting_.end()) return;
      if (why.code == ErrorCode::kTimeout) ++state_->counters.late;
      told = std::move(waiter->done);
      waiting_.erase(waiter);
      if (waiting_.empty()) stops = End();
    }
    for (std::stop_source& stop : stops) stop.request_stop();
    told(tl::unexpected(std::move(why)));
  }

 private:
  enum class Kind { kFirst, kRetry, kHedge };
  struct Waiter {
    uint64_t id;
    TimePoint deadline;
    Done done;
  };
  struct Attempt {
    uint64_t pass = 0;
    std::stop_source stop;
    ChatStream stream;
    std::optional<bool> streams;  // known with the first bytes
    std::string body;
    bool over = false;
  };

  // Under the lock: no more is done for it; the tries to stop.
  std::vector<std::stop_source> End() {
    over_ = true;
    if (const auto mine = state_->flights.find(body_);
        mine != state_->flights.end() && mine->second.lock().get() == this)
      state_->flights.erase(mine);
    std::vector<std::stop_source> stops;
    for (const auto& attempt : attempts_)
      if (!attempt->over) stops.push_back(attempt->stop);
    return stops;
  }

  void Tell(Result<Answer> answer) {
    std::list<Waiter> told;
    std::vector<std::stop_source> stops;
    {
      const std::lock_guard lock(state_->mutex);
      if (over_) return;
      stops = End();
      told.swap(waiting_);
      if (!answer && answer.error().code == ErrorCode::kTimeout) state_->counters.late += told.size();
    }
    for (std::stop_source& stop : stops) stop.request_stop();
    for (Waiter& waiter : told) waiter.done(answer);
  }

  // Under the lock.
  std::optional<Error> WhyNot(TimePoint now) const {
    if (now < state_->not_before)
      return Error{ErrorCode::kUnavailable, state_->origin + ": asked to be left alone for a while"};
    if (state_->breaker.state(now) == CircuitBreaker::State::kOpen)
      return Error{ErrorCode::kUnavailable, state_->origin + ": left alone after failures"};
    return std::nullopt;
  }

  void Try(Kind kind) {
    auto attempt = std::make_shared<Attempt>();
    HttpRequest request;
    std::optional<Error> refused;
    {
      const std::lock_guard lock(state_->mutex);
      if (over_) return;
      const TimePoint now = state_->Now();
      refused = WhyNot(now);
      std::optional<uint64_t> pass;
      if (!refused) {
        pass = state_->breaker.Enter(now);
        if (!pass)
          refused = Error{ErrorCode::kUnavailable, state_->origin + ": being tried out after failures"};
      }
      if (refused) {
        if (kind == Kind::kFirst) ++state_->counters.refused;
      } else {
        attempt->pass = *pass;
        attempts_.push_back(attempt);
        ++running_;
        ++state_->counters.tries;
        state_->counters.retries += kind == Kind::kRetry ? 1 : 0;
        state_->counters.hedges += kind == Kind::kHedge ? 1 : 0;
        request = RequestOf(*attempt, std::min<Duration>(state_->options.timeout, latest_ - now));
      }
    }
    if (refused) {
      // A hedge beside a running try is only not sent.
      if (kind != Kind::kHedge) Tell(tl::unexpected(last_error_.value_or(*std::move(refused))));
      return;
    }
    const auto self = shared_from_this();
    state_->context->http().Start(
        std::move(request),
        [self, attempt](const HttpAnswer& head, std::string_view bytes) {
          const OwnThreads::Inside inside;
          return self->OnBytes(*attempt, head, bytes);
        },
        [self, attempt](Result<HttpAnswer> answer) {
          const OwnThreads::Inside inside;
          self->OnAnswer(*attempt, std::move(answer));
        });
    if (kind == Kind::kFirst && state_->options.hedge_after > Duration::zero())
      After(state_->options.hedge_after, [self] { self->Hedge(); });
  }

  HttpRequest RequestOf(const Attempt& attempt, Duration within) const {
    HttpRequest request{.method = "POST",
                        .url = state_->url,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = body_,
                        .connect = std::min(kLongestConnect, AtLeastOneMs(within)),
                        .timeout = AtLeastOneMs(within),
                        .max_answer_bytes = kMaxAnswerBytes,
                        .stop = attempt.stop.get_token()};
    if (!state_->options.api_key.empty())
      request.headers.emplace_back("Authorization", "Bearer " + state_->options.api_key);
    return request;
  }

  template <typename Work>
  void After(Duration wait, Work work) {
    state_->context->timers().Post({.not_before = state_->Now() + wait, .what = "a remote model"},
                                   [work = std::move(work)](std::stop_token) {
                                     const OwnThreads::Inside inside;
                                     work();
                                   });
  }

  void Hedge() {
    {
      const std::lock_guard lock(state_->mutex);
      if (over_ || running_ == 0 || attempts_.size() > 1 || !state_->Spend()) return;
    }
    Try(Kind::kHedge);
  }

  // On the client's thread, one attempt's pieces in order.
  bool OnBytes(Attempt& attempt, const HttpAnswer& head, std::string_view bytes) {
    if (!attempt.streams)
      attempt.streams = head.Header("content-type").find("text/event-stream") != std::string_view::npos;
    if (*attempt.streams) return attempt.stream.Feed(bytes).has_value() && !attempt.stream.done();
    attempt.body += bytes;
    return attempt.body.size() <= kMaxAnswerBytes;
  }

  // What came of one try; Retry-After of those that were told to wait.
  Result<ChatAnswer> Read(Attempt& attempt, const Result<HttpAnswer>& answer, std::optional<Duration>* wait) {
    const bool streamed = attempt.streams.value_or(false);
    // The client was told to stop where the stream said that it is over, or broke its form.
    if (streamed && (attempt.stream.done() || !attempt.stream.Feed("").has_value() || answer))
      return Named(attempt.stream.End());
    if (attempt.body.size() > kMaxAnswerBytes) {
      return MakeError(ErrorCode::kOutOfRange, "{}: an answer of more than {} bytes", state_->origin,
                       kMaxAnswerBytes);
    }
    if (!answer) return tl::unexpected(answer.error());
    if (answer->status == 200) return Named(ParseChatAnswer(attempt.body));
    const bool later = answer->status == 429 || answer->status == 408 || answer->status >= 500;
    if (answer->status == 429 || answer->status == 503) *wait = RetryAfter(*answer, state_->context->clock());
    return MakeError(later ? ErrorCode::kUnavailable : ErrorCode::kUnsupported, "{}: HTTP {}{}",
                     state_->origin, answer->status,
                     OpenAiErrorCode(answer->body.empty() ? attempt.body : answer->body));
  }
  Result<ChatAnswer> Named(Result<ChatAnswer> answer) const {
    if (!answer) return WithContext(std::move(answer).error(), state_->origin);
    return answer;
  }

  void OnAnswer(Attempt& attempt, Result<HttpAnswer> answer) {
    std::optional<Duration> wait;
    Result<ChatAnswer> chat = Read(attempt, answer, &wait);
    const bool limited = answer && answer->status == 429;
    const bool cancelled = !chat && chat.error().code == ErrorCode::kCancelled;
    // That it answers, and not what: a model that talks instead of calling is up.
    const bool up = chat || (!MayPass(chat.error().code) && chat.error().code != ErrorCode::kCorrupt &&
                             chat.error().code != ErrorCode::kOutOfRange);
    std::optional<Duration> pause;
    bool last = false;
    int tries = 0;
    {
      const std::lock_guard lock(state_->mutex);
      const TimePoint now = state_->Now();
      attempt.over = true;
      --running_;
      state_->breaker.Leave(attempt.pass,
                            cancelled || limited ? CircuitBreaker::Outcome::kUnknown
                            : up                 ? CircuitBreaker::Outcome::kAnswered
                                                 : CircuitBreaker::Outcome::kFailed,
                            now);
      if (wait) state_->not_before = std::max(state_->not_before, now + *wait);
      if (chat) {
        ++state_->counters.answered;
        state_->budget = std::min(kMostBudget, state_->budget + kBudgetPerRequest);
      }
      if (over_) return;
      tries = static_cast<int>(attempts_.size());
      if (!chat) {
        last_error_ = chat.error();
        pause = PauseBeforeNext(chat.error().code, wait, now);
        last = running_ == 0;
      }
    }
    if (chat) {
      Answer told{*std::move(chat), tries, 0};
      told.cost = (told.chat.prompt_tokens * state_->options.usd_per_million_in +
                   told.chat.completion_tokens * state_->options.usd_per_million_out) /
                  1e6;
      return Tell(std::move(told));
    }
    if (pause) {
      After(*pause, [self = shared_from_this()] { self->Try(Kind::kRetry); });
    } else if (last) {
      Tell(tl::unexpected(chat.error()));
    }
  }

  // Under the lock: how long to wait before another try; nullopt: there is none.
  std::optional<Duration> PauseBeforeNext(ErrorCode code, std::optional<Duration> wait, TimePoint now) {
    if (running_ > 0 || !MayPass(code) || retries_ >= state_->options.retries) return std::nullopt;
    Duration pause = kPause * (int64_t{1} << std::min(retries_, 6));
    if (wait) pause = std::max(pause, *wait + milliseconds(1));
    if (now + pause >= latest_ || !state_->Spend()) return std::nullopt;
    ++retries_;
    return pause;
  }

  const std::shared_ptr<State> state_;
  const std::string body_;
  std::list<Waiter> waiting_;
  TimePoint latest_;  // deadline of who waits longest
  std::vector<std::shared_ptr<Attempt>> attempts_;
  std::optional<Error> last_error_;
  int running_ = 0;
  int retries_ = 0;
  bool over_ = false;
};

void RemoteModel::Ticket::Cancel() {
  if (flight_.lock() != nullptr && cancel_) cancel_();
}

Result<std::shared_ptr<RemoteModel>> RemoteModel::Create(RemoteOptions options,
                                                         std::shared_ptr<RemoteContext> context) {
  if (HttpOrigin(options.base_url).empty() ||
      (!options.base_url.starts_with("http://") && !options.base_url.starts_with("https://"))) {
    return MakeError(ErrorCode::kInvalidArgument, "'{}' is no address of the form http(s)://host/v1",
                     HttpOrigin(options.base_url));
  }
  if (options.model.empty()) return MakeError(ErrorCode::kInvalidArgument, "the model has no name");
  return std::shared_ptr<RemoteModel>(
      new RemoteModel(context, std::make_shared<State>(std::move(options), context.get())));
}

RemoteModel::~RemoteModel() = default;

RemoteModel::Ticket RemoteModel::Ask(Json request, Duration limit, Done done) {
  const RemoteOptions& options = state_->options;
  request["model"] = options.model;
  if (!request.contains("max_tokens")) request["max_tokens"] = options.max_tokens;
  request["stream"] = options.stream;
  if (options.stream) request["stream_options"] = {{"include_usage", true}};
  std::string body = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  const TimePoint deadline = state_->Now() + limit;
  std::shared_ptr<Flight> flight;
  uint64_t id = 0;
  bool first = false;
  {
    const std::lock_guard lock(state_->mutex);
    id = ++state_->counters.asked;
    const auto under_way = state_->flights.find(body);
    if (under_way != state_->flights.end()) flight = under_way->second.lock();
    if (flight != nullptr && flight->Join(id, deadline, done)) {
      ++state_->counters.shared;
    } else {
      first = true;
      flight = std::make_shared<Flight>(state_, body);
      flight->Join(id, deadline, std::move(done));
      state_->flights[body] = flight;
    }
  }
  Ticket ticket;
  ticket.flight_ = flight;
  ticket.cancel_ = [weak = std::weak_ptr(flight), id] {
    if (const auto mine = weak.lock()) mine->Leave(id, {ErrorCode::kCancelled, "nobody wants it any more"});
  };
  state_->context->timers().Post(
      {.not_before = deadline, .what = "a remote model's deadline"},
      [weak = std::weak_ptr(flight), id, origin = state_->origin](std::stop_token) {
        const OwnThreads::Inside inside;
        if (const auto late = weak.lock())
          late->Leave(id, {ErrorCode::kTimeout, origin + ": no answer in time"});
      });
  if (first) flight->Begin();
  return ticket;
}

double RemoteModel::EstimateCost(size_t bytes) const {
  return (static_cast<double>(bytes) / kBytesPerToken * state_->options.usd_per_million_in +
          kUsualAnswerTokens * state_->options.usd_per_million_out) /
         1e6;
}

const RemoteOptions& RemoteModel::options() const { return state_->options; }

RemoteModel::Counters RemoteModel::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

std::string RemoteModel::WhyNotNow() const {
  const std::lock_guard lock(state_->mutex);
  const TimePoint now = state_->Now();
  if (now < state_->not_before) return "asked to be left alone for a while";
  if (state_->breaker.state(now) == CircuitBreaker::State::kOpen) return "left alone after failures";
  return "";
}

}  // namespace sotto
