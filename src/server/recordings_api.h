// Recordings over HTTP (docs/formats/recordings.md): listed, fetched, deleted, and, while a call is recorded, paused. Adds
// its routes; lives as long as the router.
#pragma once

#include "server/recordings.h"
#include "server/router.h"

namespace sotto {

class RecordingsApi {
 public:
  // `recordings` null: this server has none, and says so. `scheduler`: for what blocks.
  RecordingsApi(Scheduler& scheduler, Recordings* recordings)
      : scheduler_(scheduler), recordings_(recordings) {}

  void AddTo(Router& router);

 private:
  void List(const Exchange& exchange);
  void Get(const Exchange& exchange);
  void Audio(const Exchange& exchange);
  void Delete(Exchange exchange);
  void Pause(const Exchange& exchange, bool paused);

  Scheduler& scheduler_;
  Recordings* const recordings_;
};

}  // namespace sotto
