// Nondeterministic automaton over bytes with calls into rules: what schema.cc builds and grammar.cc
// determinises. Internal to the grammar layer.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/char_dfa.h"

namespace sotto {

class ByteNfa {
 public:
  struct Edge {
    uint8_t first;
    uint8_t last;
    uint32_t to;
  };
  struct Call {
    uint32_t rule;
    uint32_t next;
  };
  struct State {
    std::vector<Edge> edges;
    std::vector<uint32_t> epsilon;
    std::vector<Call> calls;
    bool accepting = false;
  };

  uint32_t AddState() {
    states_.emplace_back();
    return static_cast<uint32_t>(states_.size() - 1);
  }
  void AddEdge(uint32_t from, uint8_t first, uint8_t last, uint32_t to) {
    states_[from].edges.push_back({first, last, to});
  }
  void AddEpsilon(uint32_t from, uint32_t to) { states_[from].epsilon.push_back(to); }
  void AddCall(uint32_t from, uint32_t rule, uint32_t next) { states_[from].calls.push_back({rule, next}); }
  void Accept(uint32_t state) { states_[state].accepting = true; }

  // The bytes themselves. Returns the state behind them.
  uint32_t AddLiteral(uint32_t from, std::string_view bytes);
  // ASCII characters as they are (numbers). Ends in `to`.
  void AddPlain(uint32_t from, const CharDfa& dfa, uint32_t to);
  // A JSON string, quotes included, each character in its one canonical spelling.
  void AddString(uint32_t from, const CharDfa& dfa, uint32_t to);

  // Could the same text lead from `a` to `a_end` and from `b` to `b_end`? True also where calls or the size
  // of the automata keep it from being told. The ends are not passed.
  bool MayOverlap(uint32_t a, uint32_t a_end, uint32_t b, uint32_t b_end) const;

  const State& state(uint32_t s) const { return states_[s]; }
  size_t size() const { return states_.size(); }

 private:
  struct Spelling;  // shared tails of one string
  void AddChars(Spelling& spelling, uint32_t from, CharRange range, uint32_t to);
  void AddEscapes(Spelling& spelling, uint32_t from, CharRange range, uint32_t to);
  void AddUtf8(Spelling& spelling, uint32_t from, CharRange range, uint32_t to);
  uint32_t Tail(Spelling& spelling, uint8_t first, uint8_t last, uint32_t to);

  std::vector<State> states_;
};

}  // namespace sotto
