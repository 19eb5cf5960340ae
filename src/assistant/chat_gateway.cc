#include "assistant/chat_gateway.h"

#include <algorithm>

#include "assistant/privacy_guard.h"
#include "base/http_client.h"
#include "base/sha256.h"

namespace sotto {
namespace {

constexpr size_t kMostKeptBytes = size_t{16} << 20;
// Whose language the detector of personal data reads.
constexpr const char* kChatLanguage = "en";

// Whether the same would be answered again, whenever it is asked.
bool MayBeKept(const Json& request) {
  const auto temperature = request.find("temperature");
  if (temperature == request.end() || !temperature->is_number() || *temperature != 0) return false;
  const Json& messages = request.at("messages");
  return std::none_of(messages.begin(), messages.end(), [](const Json& message) {
    return message.is_object() && message.value("role", "") == "tool";
  });
}

}  // namespace

struct ChatGateway::Shared {
  std::shared_ptr<RouteResources> resources;
  std::vector<const RouteConfig::Model*> endpoints;  // of its configuration
  PrivacyRule rule = PrivacyRule::kLocal;
  std::function<std::shared_ptr<OutboundGuard>()> new_guard;  // null where nothing leaves
  std::unique_ptr<TimedLru<Answer>> kept;                     // null: nothing is kept
};

// One request on its way from endpoint to endpoint. Whoever answers calls; one at a time.
class ChatGateway::Passage : public std::enable_shared_from_this<Passage> {
 public:
  Passage(std::shared_ptr<Shared> shared, Json request, std::string key, Done done)
      : shared_(std::move(shared)),
        request_(std::move(request)),
        request_bytes_(shared_->resources->spending() != nullptr ? request_.dump().size() : 0),
        key_(std::move(key)),
        done_(std::move(done)),
        guard_(shared_->new_guard()) {}

  void Next() {
    for (; at_ < shared_->endpoints.size(); ++at_) {
      const RouteConfig::Model& endpoint = *shared_->endpoints[at_];
      const std::shared_ptr<RemoteModel> model = shared_->resources->Remote(endpoint.name);
      if (std::string why = WhyNot(*model); !why.empty()) {
        answer_.route.push_back({endpoint.name, RouteStep::Outcome::kSkipped, std::move(why)});
        continue;
      }
      // Again for each: the audit has a line for every time that something leaves.
      auto messages = guard_->Outgoing(
          {endpoint.name, HttpOrigin(model->options().base_url), shared_->rule, request_.at("messages")});
      if (!messages) return done_(WithContext(std::move(messages).error(), "privacy"));
      Json request = request_;
      request["messages"] = *std::move(messages);
      asked_at_ = shared_->resources->clock().Now();
      model->Ask(std::move(request), std::chrono::milliseconds(endpoint.timeout_ms),
                 [self = shared_from_this(), model](Result<RemoteModel::Answer> answer) {
                   self->OnAnswer(*model, std::move(answer));
                 });
      return;
    }
    std::string all = "no endpoint answered";
    for (const RouteStep& step : answer_.route) all += fmt::format("; {}: {}", step.step, step.why);
    done_(MakeError(late_ ? ErrorCode::kTimeout : ErrorCode::kUnavailable, "{}", all));
  }

 private:
  std::string WhyNot(const RemoteModel& model) const {
    const auto& spending = shared_->resources->spending();
    if (spending != nullptr && !spending->Allows(model.EstimateCost(request_bytes_)))
      return fmt::format("the {:.2f} USD of the day are spent", spending->most());
    return model.WhyNotNow();
  }

  void OnAnswer(const RemoteModel& model, Result<RemoteModel::Answer> got) {
    const RouteConfig::Model& endpoint = *shared_->endpoints[at_];
    RouteStep step{endpoint.name, RouteStep::Outcome::kAccepted};
    step.ms = Milliseconds(shared_->resources->clock().Now() - asked_at_);
    if (got) {
      step.cost = got->cost;
      if (const auto& spending = shared_->resources->spending()) spending->Add(got->cost);
      got = Restored(*std::move(got));
    }
    if (!got) {
      late_ = late_ || got.error().code == ErrorCode::kTimeout;
      step.outcome =
          got.error().code == ErrorCode::kTimeout ? RouteStep::Outcome::kLate : RouteStep::Outcome::kFailed;
      step.why = got.error().message;
      answer_.cost += step.cost;
      answer_.route.push_back(std::move(step));
      ++at_;
      return Next();
    }
    answer_.cost += step.cost;
    answer_.route.push_back(std::move(step));
    answer_.content = std::move(got->chat.content);
    answer_.calls = std::move(got->chat.calls);
    answer_.finish = answer_.calls.empty() ? (got->chat.finish.empty() ? "stop" : got->chat.finish)
                                           : std::string("tool_calls");
    answer_.model = model.options().model;
    answer_.prompt_tokens = got->chat.prompt_tokens;
    answer_.completion_tokens = got->chat.completion_tokens;
    if (!key_.empty()) Keep();
    done_(std::move(answer_));
  }

  Result<RemoteModel::Answer> Restored(RemoteModel::Answer answer) {
    SOTTO_ASSIGN_OR_RETURN(answer.chat.content, guard_->IncomingText(answer.chat.content));
    SOTTO_ASSIGN_OR_RETURN(answer.chat.calls, guard_->Incoming(std::move(answer.chat.calls)));
    return answer;
  }

  void Keep() const {
    size_t bytes = answer_.content.size();
    for (const ToolCall& call : answer_.calls) bytes += call.name.size() + call.arguments.dump().size();
    Answer kept = answer_;
    kept.kept = true;
    kept.cost = 0;
    kept.route = {{kCacheStep, RouteStep::Outcome::kAccepted}};
    shared_->kept->Keep(key_, std::move(kept), bytes,
                        std::chrono::seconds(shared_->resources->config().cache->ttl_s), {});
  }

  const std::shared_ptr<Shared> shared_;
  const Json request_;
  const size_t request_bytes_;  // what its cost is estimated from; 0 where nobody asks
  const std::string key_;       // empty: not kept
  const Done done_;
  const std::shared_ptr<OutboundGuard> guard_;
  size_t at_ = 0;
  TimePoint asked_at_;
  bool late_ = false;
  Answer answer_;
};

Result<std::shared_ptr<ChatGateway>> ChatGateway::Create(std::shared_ptr<RouteResources> resources) {
  auto shared = std::make_shared<Shared>();
  shared->resources = std::move(resources);
  const RouteConfig& config = shared->resources->config();
  for (const std::string& step : config.steps) {
    const RouteConfig::Model* model = config.Find(step);
    if (model != nullptr && model->remote()) shared->endpoints.push_back(model);
  }
  if (!config.privacy.empty()) {
    SOTTO_ASSIGN_OR_RETURN(shared->rule, ParsePrivacyRule(config.privacy));
  }
  if (!shared->endpoints.empty() && shared->rule != PrivacyRule::kLocal) {
    SOTTO_ASSIGN_OR_RETURN(shared->new_guard,
                           GuardsOf("auto", kChatLanguage, config.audit, shared->resources->clock()));
  }
  if (config.cache && config.cache->ttl_s > 0) {
    shared->kept = std::make_unique<TimedLru<Answer>>(
        shared->resources->clock(), static_cast<size_t>(config.cache->entries), kMostKeptBytes);
  }
  return std::shared_ptr<ChatGateway>(new ChatGateway(std::move(shared)));
}

std::optional<std::string> ChatGateway::WhyNot() const {
  if (shared_->endpoints.empty()) return "the route names no endpoint";
  if (shared_->rule == PrivacyRule::kLocal)
    return "route: privacy: default is local, so that nothing leaves this machine";
  return std::nullopt;
}

void ChatGateway::Complete(Json request, const std::string& tenant, Done done) {
  if (auto why = WhyNot()) return done(MakeError(ErrorCode::kUnavailable, "{}", *why));
  std::string key;
  if (shared_->kept != nullptr && MayBeKept(request)) {
    // The tenant's length first: no tenant's key is another's with a part of the request.
    key = Sha256(fmt::format("{}:{}{}", tenant.size(), tenant,
                             request.dump(-1, ' ', false, Json::error_handler_t::replace)));
    if (auto kept = shared_->kept->Find(key)) return done(*std::move(kept));
  }
  std::make_shared<Passage>(shared_, std::move(request), std::move(key), std::move(done))->Next();
}

}  // namespace sotto
