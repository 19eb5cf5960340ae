// Labelling over HTTP (docs/formats/openapi.yaml): the queue of `sotto label` for whoever has a key with the scope
// "label"; the key's name is the author. Where this server records calls, keys that have the scope "recordings" too hear
// what a turn sounded like. The page is web/label.html. Adds its routes; lives as long as the router.
// Any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "flywheel/label_desk.h"
#include "server/recordings.h"
#include "server/router.h"

namespace sotto {

class LabelApi {
 public:
  // By the workflow's name; the first is meant where nobody says which.
  using Desks = std::map<std::string, std::shared_ptr<LabelDesk>, std::less<>>;

  // Scheduler (reading a log is work that blocks there) and recordings (null: there are none) outlive it.
  LabelApi(Scheduler& scheduler, Desks desks, const Recordings* recordings)
      : scheduler_(scheduler), desks_(std::move(desks)), recordings_(recordings) {}

  void AddTo(Router& router);

 private:
  void Queue(Exchange exchange);
  void Sound(Exchange exchange);
  void Give(Exchange exchange);
  void Undo(Exchange exchange);
  void Agreement(Exchange exchange);
  // Null: answered with 404.
  std::shared_ptr<LabelDesk> DeskOf(const Exchange& exchange, std::string_view workflow) const;

  Scheduler& scheduler_;
  const Desks desks_;
  const Recordings* const recordings_;
};

}  // namespace sotto
