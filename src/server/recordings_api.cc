#include "server/recordings_api.h"

#include "server/rest_api.h"

namespace sotto {
namespace {

WebResponse NoRecording() {
  return ToResponse(Problem{404, "unknown_recording", "there is no such recording, or it is kept no longer"});
}

}  // namespace

void RecordingsApi::AddTo(Router& router) {
  const auto add = [&](const char* method, const char* pattern, auto handle) {
    router.Add({method, pattern, scope::kRecordings, [this, handle](Exchange exchange) {
                  if (recordings_ == nullptr) {
                    return exchange.respond(ToResponse(
                        Problem{404, "no_recordings", "this server records nothing (--recordings)"}));
                  }
                  handle(std::move(exchange));
                }});
  };
  add("GET", "/v1/recordings", [this](const Exchange& exchange) { List(exchange); });
  add("GET", "/v1/recordings/{id}", [this](const Exchange& exchange) { Get(exchange); });
  add("GET", "/v1/recordings/{id}/audio", [this](const Exchange& exchange) { Audio(exchange); });
  add("DELETE", "/v1/recordings/{id}", [this](Exchange exchange) { Delete(std::move(exchange)); });
  add("POST", "/v1/recordings/{id}/pause", [this](const Exchange& exchange) { Pause(exchange, true); });
  add("POST", "/v1/recordings/{id}/resume", [this](const Exchange& exchange) { Pause(exchange, false); });
}

void RecordingsApi::List(const Exchange& exchange) {
  const std::string* session = exchange.request.Query("session");
  exchange.respond(ToResponse(recordings_->List(session == nullptr ? "" : *session)));
}

void RecordingsApi::Get(const Exchange& exchange) {
  const auto found = recordings_->Find(exchange.steps[0]);
  exchange.respond(found ? ToResponse(*found) : NoRecording());
}

void RecordingsApi::Audio(const Exchange& exchange) {
  const std::string& id = exchange.steps[0];
  if (recordings_->Running(id) != nullptr)
    return exchange.respond(ToResponse(
        Problem{409, "recording", "this call is still being recorded; ask again when it is over"}));
  const std::filesystem::path file = recordings_->FileOf(id);
  if (file.empty()) return exchange.respond(NoRecording());
  WebResponse response;
  response.type = "audio/wav";
  response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}.wav\"", id));
  response.file = file;
  exchange.respond(std::move(response));
}

void RecordingsApi::Delete(Exchange exchange) {
  const std::string id = exchange.steps[0];
  if (recordings_->Running(id) != nullptr)
    return exchange.respond(ToResponse(Problem{409, "recording", "this call is still being recorded"}));
  scheduler_.Post(
      {.blocks = true, .what = "deleting a recording"},
      [recordings = recordings_, id](std::stop_token) -> Result<bool> { return recordings->Delete(id); },
      [respond = std::move(exchange.respond)](Result<bool> deleted) {
        if (!deleted) return respond(ToResponse(ToProblem(deleted.error())));
        if (!*deleted) return respond(NoRecording());
        WebResponse response;
        response.status = 204;
        response.type.clear();
        respond(std::move(response));
      });
}

void RecordingsApi::Pause(const Exchange& exchange, bool paused) {
  const std::string& id = exchange.steps[0];
  const auto running = recordings_->Running(id);
  if (running == nullptr) {
    return exchange.respond(recordings_->Find(id)
                                ? ToResponse(Problem{409, "not_recording", "this call is over"})
                                : NoRecording());
  }
  running->Ask(paused);
  exchange.respond(ToResponse(*recordings_->Find(id)));
}

}  // namespace sotto
