#include "server/act_trail.h"

#include "base/log.h"
#include "server/problem.h"

namespace sotto {
namespace {

struct Audited {
  std::string_view method;
  std::string_view pattern;
  const char* act;
};

// Everything that changes the server or what it keeps, and who listened to a call. What callers and programs do in
// their own conversations stands in turn records.
constexpr Audited kAudited[] = {
    {"POST", "/v1/reload", "reload"},
    {"GET", "/v1/recordings", "recording.list"},
    {"GET", "/v1/recordings/{id}", "recording.read"},
    {"GET", "/v1/recordings/{id}/audio", "recording.hear"},
    {"DELETE", "/v1/recordings/{id}", "recording.delete"},
    {"POST", "/v1/recordings/{id}/pause", "recording.pause"},
    {"POST", "/v1/recordings/{id}/resume", "recording.resume"},
    {"DELETE", "/v1/cache/understandings", "cache.flush"},
    {"DELETE", "/v1/sessions/{id}", "session.delete"},
    {"GET", "/v1/labels/queue", "label.read"},
    {"POST", "/v1/labels", "label.give"},
    {"POST", "/v1/labels/undo", "label.undo"},
};

const char* OutcomeOf(int status) { return status < 400 ? "done" : status < 500 ? "refused" : "failed"; }

}  // namespace

const char* AuditedAct(const Route& route) {
  for (const Audited& one : kAudited) {
    if (one.method == route.method && one.pattern == route.pattern) return one.act;
  }
  return nullptr;
}

ActLine ActTrail::LineOf(const char* act, const Client& client, const std::vector<std::string>& steps) {
  ActLine line;
  line.by = client.name;
  line.via = client.by_certificate ? "certificate" : "key";
  line.act = act;
  if (!steps.empty()) line.on = AuditedId(steps.front());
  return line;
}

void ActTrail::Do(const char* act, Exchange exchange, const std::function<void(Exchange)>& handle) {
  ActLine begun = LineOf(act, exchange.client, exchange.steps);
  begun.outcome = "begun";
  const auto waiting = std::make_shared<Exchange>(std::move(exchange));
  const auto underway = Underway();
  const auto write = [this](ActLine line) {
    return [this, line = std::move(line)](std::stop_token) { return log_.Write(line); };
  };
  const Scheduler::Options options{.strand = strand_, .blocks = true, .what = "the audit log"};
  scheduler_.Post(options, write(begun), [=, this, &handle](const Result<uint64_t>& number) {
    const auto still = underway;  // this may be destroyed while it runs
    if (!number) {
      Log().error("not done: {}: {}", begun.act, number.error().message);
      return waiting->respond(ToResponse(
          Problem{503, "not_audited", "what cannot be written down is not done; see the server's log"}));
    }
    waiting->respond = [=, this, respond = std::move(waiting->respond)](WebResponse response) {
      ActLine over = begun;
      over.outcome = OutcomeOf(response.status);
      over.of = *number;
      over.detail = std::to_string(response.status);
      const auto answer = std::make_shared<WebResponse>(std::move(response));
      scheduler_.Post(options, write(over), [over, answer, respond, still](const Result<uint64_t>& written) {
        // It is done: the line that says that it was begun is there.
        if (!written) Log().error("{}: {}", over.act, written.error().message);
        respond(std::move(*answer));
      });
    };
    handle(std::move(*waiting));
  });
}

void ActTrail::Refused(const char* act, const Client& client, const std::vector<std::string>& steps) {
  ActLine line = LineOf(act, client, steps);
  line.outcome = "refused";
  line.detail = "403";
  scheduler_.Post({.strand = strand_, .blocks = true, .what = "the audit log"},
                  [this, line = std::move(line), underway = Underway()](std::stop_token) {
                    if (const auto written = log_.Write(line); !written)
                      Log().error("{}", written.error().message);
                  });
}

std::shared_ptr<const void> ActTrail::Underway() {
  ++on_their_way_;
  return {static_cast<const void*>(this), [this](const void*) {
            --on_their_way_;
            on_their_way_.notify_all();
          }};
}

void ActTrail::Finish() {
  for (size_t n = on_their_way_; n > 0; n = on_their_way_) on_their_way_.wait(n);
}

Result<void> ActTrail::DoNow(const std::string& by, const char* act,
                             const std::function<Result<void>()>& run) {
  ActLine line;
  line.by = by;
  line.via = "program";
  line.act = act;
  line.outcome = "begun";
  SOTTO_ASSIGN_OR_RETURN(line.of, log_.Write(line));
  const Result<void> done = run();
  line.outcome = done ? "done" : "failed";
  // The message may name files; that it failed is what counts here, why stands in the server's log.
  if (const auto written = log_.Write(line); !written) Log().error("{}", written.error().message);
  return done;
}

Result<void> ActTrail::Note(const std::string& by, const char* act, std::string detail) {
  ActLine line;
  line.by = by;
  line.via = "program";
  line.act = act;
  line.outcome = "done";
  line.detail = std::move(detail);
  SOTTO_RETURN_IF_ERROR(log_.Write(line));
  return {};
}

}  // namespace sotto
