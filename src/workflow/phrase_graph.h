// Patterns of sentences as one graph, word by word, so that a pattern may have any number of alternatives:
//
//   (a|b c)   one of them     [x]   x or nothing     {slot}   a value
//
// Words are kept in spoken form (text/normalise.h). Immutable after the last Add; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

class PhraseGraph {
 public:
  // Without a word and without a slot: leads on by itself.
  struct Edge {
    std::string word;
    std::string slot;
    size_t to = 0;
  };

  // `owner`: whose sentences these are. The error says what is wrong with the pattern, and where in it.
  Result<void> Add(std::string_view pattern, int owner);

  // Of a node; 0 is the beginning.
  const std::vector<Edge>& edges(size_t node) const { return nodes_[node]; }
  // Whose sentence is complete at the node; -1: nobody's.
  int owner(size_t node) const {
    const auto found = owners_.find(node);
    return found == owners_.end() ? -1 : found->second;
  }
  // The names of all slots of the patterns.
  std::vector<std::string> slots() const;

 private:
  class Parser;
  std::vector<std::vector<Edge>> nodes_ = std::vector<std::vector<Edge>>(1);
  std::map<size_t, int> owners_;
};

}  // namespace sotto
