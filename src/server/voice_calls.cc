#include "server/voice_calls.h"

#include "assistant/session_host.h"
#include "assistant/spoken_files.h"
#include "server/busy_sentence.h"
#include "server/metrics.h"

namespace sotto {
namespace {

constexpr int kSentencesAtOnce = 20;

}  // namespace

VoiceCalls::VoiceCalls(const Services& services, Options options)
    : services_(services), options_(options), pacer_(*services.clock, options.threads) {}

VoiceCalls::~VoiceCalls() {
  for (size_t opening = opening_; opening > 0; opening = opening_) opening_.wait(opening);
  for (size_t speaking = speaking_; speaking > 0; speaking = speaking_) speaking_.wait(speaking);
}

VoiceOptions VoiceCalls::OptionsFor(const ServedWorkflow& workflow, std::string channel) {
  Caller caller = workflow.caller;
  caller.channel = std::move(channel);
  return SessionHost::OptionsOf(*workflow.deployment, std::move(caller));
}

void VoiceCalls::Open(ServedWorkflowPtr workflow, VoiceOptions options, std::shared_ptr<VoiceLine> line,
                      Done done) {
  if (!workflow->speaks()) {
    return done(tl::unexpected(Problem{
        422, "no_voice", fmt::format("the workflow '{}' is served in writing only", workflow->name)}));
  }
  if (auto refusal = BeginOpening()) {
    if (line->hears_refusals() && !refusing_)
      return SayBusy(workflow, std::move(line), *std::move(refusal), std::move(done));
    return done(tl::unexpected(*std::move(refusal)));
  }
  const VoiceCall::Services services{services_.scheduler, services_.clock,      services_.journal,
                                     services_.turns,     services_.metrics,    options_.hold,
                                     services_.webhooks,  services_.recordings, services_.tracer};
  services_.scheduler->Post(
      {.priority = Priority::kUrgent, .blocks = true, .what = "opening a call"},
      [workflow = std::move(workflow), services, options = std::move(options),
       line = std::move(line)](std::stop_token) mutable {
        return VoiceCall::Open(std::move(workflow), services, std::move(options), std::move(line));
      },
      [this, done = std::move(done)](Result<CallPtr> call) {
        if (call) {
          {
            const std::lock_guard lock(mutex_);
            calls_[(*call)->id()] = *call;
          }
          done(*call);
          pacer_.Add(*std::move(call));
        } else {
          done(tl::unexpected(ToProblem(call.error())));
        }
        --opening_;
        opening_.notify_all();
      });
}

void VoiceCalls::OpenHeld(std::function<Result<HeldPtr>()> make, HeldDone done) {
  if (auto refusal = BeginOpening()) return done(tl::unexpected(*std::move(refusal)));
  services_.scheduler->Post(
      {.priority = Priority::kUrgent, .blocks = true, .what = "opening a conversation"},
      [make = std::move(make)](std::stop_token) { return make(); },
      [this, done = std::move(done)](Result<HeldPtr> call) {
        if (call) {
          {
            const std::lock_guard lock(mutex_);
            others_.push_back(*call);
          }
          done(*call);
          pacer_.Add(*std::move(call));
        } else {
          done(tl::unexpected(ToProblem(call.error())));
        }
        --opening_;
        opening_.notify_all();
      });
}

std::optional<Problem> VoiceCalls::BeginOpening() {
  const std::lock_guard lock(mutex_);
  Forget();
  auto refusal = WhyNot();
  if (!refusal) ++opening_;
  return refusal;
}

std::optional<Problem> VoiceCalls::WhyNot() {
  if (refusing_) {
    services_.metrics->Refused("stopping");
    return Problem{503, "busy", "the server is stopping and takes no more calls", 5};
  }
  if (calls_.size() + others_.size() + opening_ >= options_.most) {
    services_.metrics->Refused("calls");
    return Problem{503, "busy", "all lines are busy; try again in a moment", 5};
  }
  if (services_.admission == nullptr) return std::nullopt;
  auto problem = services_.admission->AdmitCall();
  if (problem) services_.metrics->Refused("load");
  return problem;
}

bool VoiceCalls::full() const {
  return refusing_ || size() >= options_.most ||
         (services_.admission != nullptr && services_.admission->closed_for_calls());
}

void VoiceCalls::SayBusy(const ServedWorkflowPtr& workflow, std::shared_ptr<VoiceLine> line, Problem problem,
                         Done done) {
  if (sentences_->fetch_add(1) >= kSentencesAtOnce) {
    --*sentences_;
    return done(tl::unexpected(std::move(problem)));
  }
  ++speaking_;
  services_.scheduler->Post(
      {.priority = Priority::kNormal, .blocks = true, .what = "saying that lines are busy"},
      [workflow](std::stop_token) -> Result<BusySentence::Samples> {
        return SpokenMessage(*workflow->deployment, "busy");
      },
      [this, line = std::move(line), sentences = sentences_, problem = std::move(problem),
       done = std::move(done)](Result<BusySentence::Samples> said) {
        pacer_.Add(std::make_shared<BusySentence>(said ? *said : nullptr, line, [sentences, problem, done] {
          --*sentences;
          done(tl::unexpected(problem));
        }));
        --speaking_;
        speaking_.notify_all();
      });
}

VoiceCalls::CallPtr VoiceCalls::Find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(id);
  CallPtr call = found == calls_.end() ? nullptr : found->second.lock();
  return call == nullptr || call->over() ? nullptr : call;
}

void VoiceCalls::Forget() {
  std::erase_if(calls_, [](const auto& entry) {
    const CallPtr call = entry.second.lock();
    return call == nullptr || call->over();
  });
  std::erase_if(others_, [](const std::weak_ptr<HeldCall>& held) {
    const HeldPtr call = held.lock();
    return call == nullptr || call->over();
  });
}

void VoiceCalls::HangUpAll(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, held] : calls_) {
    if (const CallPtr call = held.lock()) call->HangUp(std::string(reason));
  }
  for (const auto& held : others_) {
    if (const HeldPtr call = held.lock()) call->HangUp(std::string(reason));
  }
}

size_t VoiceCalls::size() const {
  const std::lock_guard lock(mutex_);
  size_t size = opening_;
  for (const auto& [id, held] : calls_) {
    const CallPtr call = held.lock();
    if (call != nullptr && !call->over()) ++size;
  }
  for (const auto& held : others_) {
    const HeldPtr call = held.lock();
    if (call != nullptr && !call->over()) ++size;
  }
  return size;
}

}  // namespace sotto
