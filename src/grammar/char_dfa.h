// Deterministic automata over Unicode code points: what the inside of a JSON string or a number may be. Built
// from regular expressions, lengths and numeric bounds, combined by intersection, then spelled as bytes by
// grammar/byte_nfa.h. Internal to the grammar layer. Values; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sotto {

struct CharRange {
  char32_t first;
  char32_t last;
};
// Sorted, disjoint, not touching; no surrogates.
using CharSet = std::vector<CharRange>;

CharSet AnyChar();
// The union, brought into the form above.
CharSet Normalised(CharSet ranges);
CharSet Complement(const CharSet& set);

struct CharDfa {
  struct Edge {
    char32_t first;
    char32_t last;
    uint32_t to;
  };
  struct State {
    bool accepting = false;
    std::vector<Edge> edges;  // sorted, disjoint
  };
  std::vector<State> states;  // [0] is the start; empty: matches nothing
  bool IsEmpty() const { return states.empty(); }
};

// Nondeterministic, for building.
class CharNfa {
 public:
  uint32_t AddState() {
    states_.emplace_back();
    return static_cast<uint32_t>(states_.size() - 1);
  }
  void AddEdge(uint32_t from, char32_t first, char32_t last, uint32_t to) {
    states_[from].edges.push_back({first, last, to});
  }
  void AddEpsilon(uint32_t from, uint32_t to) { states_[from].epsilon.push_back(to); }
  void Accept(uint32_t state) { states_[state].accepting = true; }
  size_t size() const { return states_.size(); }
  // State 0 is the start. Without states that cannot be finished. kOutOfRange beyond max_states.
  Result<CharDfa> Determinise(size_t max_states) const;

 private:
  struct State {
    std::vector<CharDfa::Edge> edges;
    std::vector<uint32_t> epsilon;
    bool accepting = false;
  };
  void Close(std::vector<uint32_t>& set, std::vector<bool>& seen) const;
  std::vector<State> states_;
};

// Strings of min..max characters (no max: unbounded).
CharDfa LengthDfa(size_t min, std::optional<size_t> max);
Result<CharDfa> Intersect(const CharDfa& a, const CharDfa& b, size_t max_states);

// An ECMA-262 regular expression as JSON Schema uses it: unanchored unless ^ or $ stand at its ends.
// Literals, '.', classes, \d \w \s and their complements, groups, alternation, quantifiers, \t \n \r \f \v \0
// \xHH \uHHHH. kUnsupported: look-around, back-references, \b, \p, anchors inside.
Result<CharDfa> PatternDfa(std::string_view pattern, size_t max_states);
// The pattern of a `format`; empty for an unknown one.
std::string_view FormatPattern(std::string_view format);

// Canonical decimals: -?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?, no "-0", at most 15 digits before and `max_decimals`
// after the point, within the bounds.
struct NumberBounds {
  int max_decimals = 10;
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;
};
Result<CharDfa> NumberDfa(const NumberBounds& bounds, size_t max_states);

}  // namespace sotto
