#include "server/voice_calls.h"

#include "assistant/session_host.h"
#include "server/metrics.h"

namespace sotto {

VoiceCalls::VoiceCalls(const Services& services, Options options)
    : services_(services), options_(options), pacer_(*services.clock, options.threads) {}

VoiceCalls::~VoiceCalls() {
  for (size_t opening = opening_; opening > 0; opening = opening_) opening_.wait(opening);
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
  {
    const std::lock_guard lock(mutex_);
    Forget();
    if (refusing_ || calls_.size() + opening_ >= options_.most) {
      services_.metrics->Refused(refusing_ ? "stopping" : "calls");
      return done(tl::unexpected(Problem{503, "busy",
                                         refusing_ ? "the server is stopping and takes no more calls"
                                                   : "all lines are busy; try again in a moment",
                                         5}));
    }
    ++opening_;
  }
  const VoiceCall::Services services{services_.scheduler, services_.clock, services_.journal, services_.turns,
                                     services_.metrics,   options_.hold,   services_.webhooks};
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
}

void VoiceCalls::HangUpAll(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, held] : calls_) {
    if (const CallPtr call = held.lock()) call->HangUp(std::string(reason));
  }
}

size_t VoiceCalls::size() const {
  const std::lock_guard lock(mutex_);
  size_t size = opening_;
  for (const auto& [id, held] : calls_) {
    const CallPtr call = held.lock();
    if (call != nullptr && !call->over()) ++size;
  }
  return size;
}

}  // namespace sotto
