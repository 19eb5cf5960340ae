// What the HTTP port answers: who asks is checked, then the route's handler is called; every answer is counted
// and carries what browsers need to be told. Also the page, health, metrics and reloads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "server/access.h"
#include "server/act_trail.h"
#include "server/asterisk_streams.h"
#include "server/cache_api.h"
#include "server/label_api.h"
#include "server/media_streams.h"
#include "server/metrics.h"
#include "server/openai_api.h"
#include "server/realtime_socket.h"
#include "server/recordings_api.h"
#include "server/rest_api.h"
#include "server/router.h"
#include "server/rtvi_socket.h"
#include "server/search_api.h"
#include "server/specialist_api.h"
#include "server/voice_calls.h"
#include "server/voice_socket.h"

namespace sotto {

class Service final : public HttpHandler {
 public:
  struct Parts {
    const Clock* clock = nullptr;
    Scheduler* scheduler = nullptr;
    Access* access = nullptr;
    ServedWorkflows* workflows = nullptr;
    TextSessions* sessions = nullptr;
    VoiceCalls* calls = nullptr;
    const Admission* admission = nullptr;
    CallLog* call_log = nullptr;
    LanguageModels* models = nullptr;
    ChatGateway* gateway = nullptr;  // null: no models elsewhere
    ServerMetrics* metrics = nullptr;
    std::function<size_t()> connections;   // now
    std::function<Result<void>()> reload;  // blocks
    bool page = true;
    CarrierOptions carriers;
    SearchApi::Indexes indexes;
    Recordings* recordings = nullptr;  // null: there are none
    Tracer* tracer = nullptr;
    LabelApi::Desks desks;
    std::shared_ptr<AnswerCache> cache;  // served to other Sottos; null: none is
    ActTrail* trail = nullptr;           // null: acts are not written down
  };

  explicit Service(Parts parts);

  Router& router() { return router_; }
  // What /readyz says. Not ready: new sessions and calls are refused elsewhere.
  void SetReady(bool ready) { ready_ = ready; }

  void Handle(WebRequest request, HttpRespond respond) override;
  std::variant<WebSocketAccept, WebResponse> Upgrade(const WebRequest& request) override;
  size_t MaxBody(std::string_view target) const override;
  WebResponse Refuse(int status, std::string_view why) override;

 private:
  void AddRoutes();
  void EndSpan(Span span, int status);
  void Answer(const WebRequest& request, std::optional<TraceContext> trace, HttpRespond respond);

  const Parts parts_;
  Router router_;
  RestApi rest_;
  VoiceSockets sockets_;
  RealtimeSockets realtime_;
  RtviSockets rtvi_;
  MediaStreams streams_;
  AsteriskStreams asterisk_;
  OpenAiApi openai_;
  SpecialistApi specialists_;
  SearchApi search_;
  RecordingsApi recordings_;
  LabelApi labels_;
  CacheApi cache_;
  std::atomic<bool> ready_{false};
};

}  // namespace sotto
