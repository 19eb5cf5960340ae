// A conversation that the server holds in real time, whoever answers in it: stepped by the pacer, counted, and hung up
// from outside. All but Step from any thread.
#pragma once

#include <string>

#include "server/pacer.h"

namespace sotto {

class HeldCall : public Paced {
 public:
  virtual void HangUp(std::string reason) = 0;
  virtual bool over() const = 0;
};

}  // namespace sotto
