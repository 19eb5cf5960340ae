// Labelling over HTTP (docs/formats/openapi.yaml): the queue of `sotto label` for whoever has a key with the scope
// "label"; the key's name is the author. The page is web/label.html. Adds its routes; lives as long as the router.
// Any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "flywheel/label_desk.h"
#include "server/router.h"

namespace sotto {

class LabelApi {
 public:
  // By the workflow's name; the first is meant where nobody says which.
  using Desks = std::map<std::string, std::shared_ptr<LabelDesk>, std::less<>>;

  // The scheduler outlives it; reading a log is work that blocks there.
  LabelApi(Scheduler& scheduler, Desks desks) : scheduler_(scheduler), desks_(std::move(desks)) {}

  void AddTo(Router& router);

 private:
  void Queue(Exchange exchange);
  void Give(Exchange exchange);
  void Undo(Exchange exchange);
  void Agreement(Exchange exchange);
  // Null: answered with 404.
  std::shared_ptr<LabelDesk> DeskOf(const Exchange& exchange, std::string_view workflow) const;

  Scheduler& scheduler_;
  const Desks desks_;
};

}  // namespace sotto
