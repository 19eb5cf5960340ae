// What a set of generated conversations covers: how often each tool, slot, value, kind of turn and transition
// between tools occurs, and how many different sentences there are.
#pragma once

#include <map>
#include <set>
#include <string>

#include "learn/simulator.h"

namespace sotto {

class Coverage {
 public:
  void Add(const SimulatedConversation& played);

  // Everything as JSON; keys in alphabetical order.
  Json ToJson() const;
  // The same for people. `workflow` names what should occur: what never does is listed.
  std::string ToText(const Workflow& workflow) const;

 private:
  using Counts = std::map<std::string, size_t>;
  size_t n_conversations_ = 0;
  size_t n_turns_ = 0;
  Counts tools_, arguments_, values_, patterns_, transitions_, expectations_;
  std::set<size_t> sentences_;  // hashes
};

}  // namespace sotto
