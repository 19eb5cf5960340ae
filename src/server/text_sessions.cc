#include "server/text_sessions.h"

#include <atomic>

#include "assistant/brain_understander.h"
#include "assistant/grounding_view.h"
#include "assistant/state_view.h"
#include "assistant/text_session.h"
#include "base/unique_id.h"
#include "server/admission.h"
#include "server/hand_off_view.h"
#include "server/metrics.h"
#include "server/tracer.h"
#include "server/webhooks.h"

namespace sotto {
namespace {

constexpr size_t kEventsKept = 256;
constexpr size_t kFollowers = 16;
constexpr size_t kLinesKept = 50;

Problem Unknown() {
  return {404, "unknown_session", "there is no such session, or it has ended and was forgotten"};
}

std::string SseText(uint64_t id, std::string_view type, const std::string& data) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, type, data);
}

}  // namespace

struct TextSessions::Session {
  std::string id;
  std::string owner;
  std::shared_ptr<const void> held;
  ServedWorkflowPtr workflow;
  Scheduler::Strand strand;
  // Of the strand. The brain's work is done at once, on the thread that takes the turn: sessions that coincide
  // are computed together all the same (slm/engine.h).
  std::unique_ptr<Scheduler> thinking;
  std::unique_ptr<TextSession> session;
  std::chrono::system_clock::time_point began_wall{};
  std::deque<std::pair<std::string, std::string>> lines;  // what was said, and answered

  mutable std::mutex mutex;
  // All guarded by mutex.
  Json view = Json::object();  // what Get answers
  size_t waiting = 0;
  TimePoint used{};
  std::atomic<bool> closed{false};
  uint64_t next_event = 1;
  std::deque<std::pair<uint64_t, std::string>> events;
  std::vector<std::shared_ptr<StreamWriter>> followers;

  void Tell(std::string_view type, const std::string& data) {
    const std::lock_guard lock(mutex);
    const uint64_t number = next_event++;
    events.emplace_back(number, SseText(number, type, data));
    if (events.size() > kEventsKept) events.pop_front();
    std::erase_if(followers, [&](const auto& follower) { return !follower->Write(events.back().second); });
  }
};

TextSessions::TextSessions(const Services& services, Options options)
    : services_(services),
      options_(options),
      scheduler_(*services.clock, {.threads = 1, .blocking_threads = options.threads}) {}

TextSessions::~TextSessions() {
  for (size_t waiting = waiting_; waiting > 0; waiting = waiting_) waiting_.wait(waiting);
  std::vector<SessionPtr> open;
  for (const auto& [id, session] : sessions_) open.push_back(session);
  for (const SessionPtr& session : open) Close(session, "server_stops");
}

tl::expected<TextSessions::SessionPtr, Problem> TextSessions::Find(const std::string& id,
                                                                   const std::string& owner) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->owner != owner) return tl::unexpected(Unknown());
  return found->second;
}

size_t TextSessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

void TextSessions::Post(const SessionPtr& session, std::function<Answer()> work, Done done) {
  {
    const std::lock_guard lock(session->mutex);
    if (session->waiting >= options_.most_waiting) {
      services_.metrics->Refused("turns_waiting");
      return done(tl::unexpected(
          Problem{429, "turns_waiting", "turns of this session are still being answered; wait for them", 1}));
    }
    ++session->waiting;
    ++waiting_;
    session->used = services_.clock->Now();
  }
  scheduler_.Post(
      {.strand = session->strand, .blocks = true, .what = "a written turn"},
      [session, work = std::move(work)](std::stop_token) -> Result<Answer> { return work(); },
      [this, session, done = std::move(done)](Result<Answer> answer) {
        {
          const std::lock_guard lock(session->mutex);
          --session->waiting;
        }
        done(answer ? *std::move(answer) : Answer(tl::unexpected(ToProblem(answer.error()))));
        --waiting_;
        waiting_.notify_all();
      });
}

void TextSessions::Begin(ServedWorkflowPtr workflow, std::string owner, std::shared_ptr<const void> held,
                         Caller caller, std::string id, Done done, std::optional<TraceContext> trace) {
  const auto session = std::make_shared<Session>();
  session->id = id.empty() ? UniqueId() : std::move(id);
  session->owner = std::move(owner);
  session->held = std::move(held);
  session->workflow = ArmOf(std::move(workflow), caller, session->id);
  session->strand = scheduler_.NewStrand();
  session->used = services_.clock->Now();
  {
    const std::lock_guard lock(mutex_);
    if (refusing_) {
      services_.metrics->Refused("stopping");
      return done(tl::unexpected(Problem{503, "stopping", "the server is stopping", 5}));
    }
    if (services_.admission != nullptr) {
      if (auto busy = services_.admission->AdmitSession(services_.metrics->calls() > 0)) {
        services_.metrics->Refused("load");
        return done(tl::unexpected(*std::move(busy)));
      }
    }
    if (sessions_.size() >= options_.most) {
      services_.metrics->Refused("sessions");
      return done(tl::unexpected(
          Problem{503, "too_many_sessions",
                  fmt::format("{} sessions are open, more are not taken; end some", sessions_.size()), 5}));
    }
    if (!sessions_.try_emplace(session->id, session).second) {
      return done(tl::unexpected(Problem{409, "session_open", "that session is open already"}));
    }
  }
  services_.metrics->SessionBegan(session->workflow->name);
  const auto open = [this, session, caller = std::move(caller), trace = std::move(trace)]() -> Answer {
    session->thinking = std::make_unique<Scheduler>(*services_.clock);
    const Deployment& deployment = *session->workflow->deployment;
    auto opened = TextSession::Open(deployment.Services(*services_.clock, services_.journal, services_.turns),
                                    deployment.NewUnderstander(*session->thinking), session->id, caller);
    if (!opened) {
      Close(session, "not_opened");
      return tl::unexpected(ToProblem(opened.error()));
    }
    session->session = *std::move(opened);
    session->began_wall = services_.clock->WallNow();
    Answer answer = Take(*session, session->session->Begin(), trace);
    if (answer) {
      const std::lock_guard lock(session->mutex);
      (*answer)["id"] = session->id;
      (*answer)["workflow"] = session->workflow->name;
      (*answer)["version"] = deployment.version();
    }
    return answer;
  };
  Post(session, open, std::move(done));
}

TextSessions::Answer TextSessions::Take(Session& session, const TurnRecord& record,
                                        const std::optional<TraceContext>& trace) {
  services_.metrics->Turn(record);
  if (services_.tracer != nullptr && trace) services_.tracer->Turn(*trace, record, session.began_wall);
  session.lines.emplace_back(record.heard.text, record.reply.text);
  if (session.lines.size() > kLinesKept) session.lines.pop_front();
  const Deployment& deployment = *session.workflow->deployment;
  Json turn = ToJson(record);
  if (record.understood) AddGrounding(deployment.workflow(), record, &turn["understood"]);
  Json answer = {{"turn", std::move(turn)},
                 {"state", StateView(*deployment.parts().program, session.session->dialogue().state())},
                 {"ended", session.session->ended()},
                 {"hand_off", HandOffView(session.session->hand_off())}};
  {
    const std::lock_guard lock(session.mutex);
    session.used = services_.clock->Now();
    session.view = {{"id", session.id},
                    {"workflow", session.workflow->name},
                    {"version", session.workflow->deployment->version()},
                    {"turns", record.turn + 1},
                    {"state", answer["state"]},
                    {"ended", answer["ended"]},
                    {"hand_off", answer["hand_off"]}};
  }
  session.Tell("turn", answer.dump());
  if (session.session->ended()) session.Tell("ended", Json{{"reason", "ended"}}.dump());
  // At once: somebody waits for a person.
  if (session.session->hand_off())
    TellOutside(session, "session.handed_off", "handed_off", answer["hand_off"]);
  return answer;
}

void TextSessions::TellOutside(const Session& session, const char* event, std::string_view reason,
                               Json hand_off) const {
  if (services_.webhooks == nullptr) return;
  services_.webhooks->Tell(event, {{"session", session.id},
                                   {"workflow", session.workflow->name},
                                   {"reason", reason},
                                   {"hand_off", std::move(hand_off)}});
}

void TextSessions::Say(const std::string& id, const std::string& owner, std::string text, Done done,
                       std::optional<TraceContext> trace) {
  const auto found = Find(id, owner);
  if (!found) return done(tl::unexpected(found.error()));
  const SessionPtr& session = *found;
  Post(
      session,
      [this, session, text = std::move(text), trace = std::move(trace)]() -> Answer {
        if (session->session == nullptr || session->closed) return tl::unexpected(Unknown());
        if (session->session->hand_off()) {
          return tl::unexpected(Problem{409, "handed_off", "a person has taken this session over"});
        }
        return Take(*session, text.empty() ? session->session->Silence() : session->session->Say(text),
                    trace);
      },
      std::move(done));
}

void TextSessions::HandOver(const std::string& id, const std::string& owner, std::string reason, Done done) {
  const auto found = Find(id, owner);
  if (!found) return done(tl::unexpected(found.error()));
  const SessionPtr& session = *found;
  Post(
      session,
      [this, session, reason = std::move(reason)]() -> Answer {
        if (session->session == nullptr || session->closed) return tl::unexpected(Unknown());
        Json turns = Json::array();
        for (const auto& [said, reply] : session->lines) {
          turns.push_back({{"user", said}, {"assistant", reply}});
        }
        const auto& own = session->session->hand_off();
        Json answer = {{"reason", own ? own->reason : reason},
                       {"summary", own ? own->summary : ""},
                       {"state", StateView(*session->workflow->deployment->parts().program,
                                           session->session->dialogue().state())},
                       {"turns", std::move(turns)}};
        session->Tell("ended", Json{{"reason", "handed_off"}}.dump());
        Close(session, "handed_off");
        return answer;
      },
      std::move(done));
}

TextSessions::Answer TextSessions::Get(const std::string& id, const std::string& owner) const {
  const auto found = Find(id, owner);
  if (!found) return tl::unexpected(found.error());
  const std::lock_guard lock((*found)->mutex);
  return (*found)->view;
}

TextSessions::Answer TextSessions::List(const std::string& owner) const {
  Json sessions = Json::array();
  const std::lock_guard lock(mutex_);
  for (const auto& [id, session] : sessions_) {
    if (session->owner != owner) continue;
    const std::lock_guard session_lock(session->mutex);
    sessions.push_back({{"id", id}, {"workflow", session->workflow->name}});
  }
  return Json{{"sessions", std::move(sessions)}};
}

tl::expected<void, Problem> TextSessions::End(const std::string& id, const std::string& owner) {
  const auto found = Find(id, owner);
  if (!found) return tl::unexpected(found.error());
  Close(*found, "deleted");
  return {};
}

tl::expected<void, Problem> TextSessions::Follow(const std::string& id, const std::string& owner,
                                                 uint64_t last_event, std::shared_ptr<StreamWriter> writer) {
  const auto found = Find(id, owner);
  if (!found) return tl::unexpected(found.error());
  Session& session = **found;
  const std::lock_guard lock(session.mutex);
  if (session.followers.size() >= kFollowers) session.followers.erase(session.followers.begin());
  for (const auto& [number, text] : session.events) {
    if (number > last_event) writer->Write(text);
  }
  session.followers.push_back(std::move(writer));
  return {};
}

void TextSessions::Close(const SessionPtr& session, std::string_view reason) {
  Json hand_off;
  {
    const std::lock_guard lock(session->mutex);
    if (session->closed.exchange(true)) return;
    hand_off = session->view.value("hand_off", Json());
    for (const auto& follower : session->followers) follower->End();
    session->followers.clear();
  }
  services_.metrics->SessionEnded(session->workflow->name, reason);
  if (reason != "not_opened") TellOutside(*session, "session.ended", reason, std::move(hand_off));
  const std::lock_guard lock(mutex_);
  sessions_.erase(session->id);
}

void TextSessions::Sweep() {
  const TimePoint now = services_.clock->Now();
  std::vector<SessionPtr> idle;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) {
      const std::lock_guard session_lock(session->mutex);
      if (session->waiting == 0 && now - session->used > options_.idle) idle.push_back(session);
    }
  }
  for (const SessionPtr& session : idle) {
    session->Tell("ended", Json{{"reason", "idle"}}.dump());
    Close(session, "idle");
  }
}

}  // namespace sotto
