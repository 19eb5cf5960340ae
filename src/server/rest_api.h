// The REST interface (docs/formats/openapi.yaml): conversations in writing with their turns, events and
// hand-off; what is announced of telephone calls, and how they ended. Adds its routes; lives as long as the router.
#pragma once

#include "server/access.h"
#include "server/call_log.h"
#include "server/idempotency.h"
#include "server/router.h"
#include "server/text_sessions.h"

namespace sotto {

class RestApi {
 public:
  RestApi(const Clock& clock, Access& access, TextSessions& sessions, const ServedWorkflows& workflows,
          CallLog& calls)
      : access_(access), sessions_(sessions), workflows_(workflows), calls_(calls), keys_(clock) {}

  void AddTo(Router& router);

 private:
  using Handler = void (RestApi::*)(Exchange);
  void Add(Router& router, const char* method, const char* pattern, Handler handler);
  // Once for each Idempotency-Key.
  void AddOnce(Router& router, const char* method, const char* pattern, Handler handler);

  void Workflows(Exchange exchange);
  void Begin(Exchange exchange);
  void List(Exchange exchange);
  void Get(Exchange exchange);
  void Delete(Exchange exchange);
  void Say(Exchange exchange);
  void HandOver(Exchange exchange);
  void Events(Exchange exchange);
  void AnnounceCall(Exchange exchange);
  void GetCall(Exchange exchange);

  Access& access_;
  TextSessions& sessions_;
  const ServedWorkflows& workflows_;
  CallLog& calls_;
  IdempotencyKeys keys_;
};

WebResponse ToResponse(const Json& json, int status = 200);

}  // namespace sotto
