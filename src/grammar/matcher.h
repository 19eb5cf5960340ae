// Follows one decode through a grammar, byte by byte or token by token.
//
// Binding: what one turn adds to a compiled grammar: for each hole the JSON literals it may be (grounded
// candidates), and which tools are offered. States from which no text can be finished under it are dead and
// never entered, so a property whose hole has no literal is not offered, nor is its key. Immutable, shared;
// made in microseconds.
//
// Matcher: a value (copying it is a fork); not thread-safe. Every state it reaches can still be finished.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/token_table.h"

namespace sotto {

// hole_literals[i]: the texts of hole i as JSON (strings quoted: CanonicalJson), in any order; missing
// trailing holes are empty.
struct TurnFill {
  std::vector<std::vector<std::string>> hole_literals;
  std::vector<int> closed_tools;  // indices into Grammar::tools() that are not offered
};

class Binding {
 public:
  // kInvalidArgument: no text is left at all (all tools closed, say). Cost: sorting the literals, plus the
  // first time for a combination of empty holes one pass over the states.
  static Result<std::shared_ptr<const Binding>> Create(std::shared_ptr<const Grammar> grammar, TurnFill fill);

  const Grammar& grammar() const { return *grammar_; }
  const std::shared_ptr<const Grammar>& shared_grammar() const { return grammar_; }
  const Liveness& liveness() const { return *liveness_; }
  bool IsLive(StateId state) const { return liveness_->live[state] != 0; }
  // Sorted, without duplicates.
  std::span<const std::string> literals(uint32_t hole) const { return literals_[hole]; }

 private:
  Binding() = default;
  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const Liveness> liveness_;
  std::vector<std::vector<std::string>> literals_;  // [n_holes]
};

class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const Binding> binding);

  // False, and nothing changes, when the bytes are not allowed here.
  bool AcceptBytes(std::string_view bytes);
  // An end token is accepted where CanEnd(); nothing can follow it.
  bool AcceptToken(const TokenTable& table, TokenId token);
  // Would AcceptBytes accept?
  bool Allows(std::string_view bytes) const;
  // Undoes the last n accepted calls of AcceptBytes/AcceptToken. REQUIRES: n <= n_accepted().
  void Rollback(size_t n);
  size_t n_accepted() const { return history_.size(); }

  // The text so far is complete (an end token is allowed).
  bool CanEnd() const;
  // Nothing but the end can follow.
  bool MustEnd() const;
  bool ended() const { return ended_; }
  // The longest byte string that every continuation starts with; empty where there is a choice (the end is
  // one). May stop inside a UTF-8 character.
  std::string ForcedRun() const;
  // The bytes that may come next, ascending.
  std::vector<uint8_t> NextBytes() const;

  const Binding& binding() const { return *binding_; }
  const std::shared_ptr<const Binding>& shared_binding() const { return binding_; }

  // Where the matcher may stand: in a state, or inside a hole's literals [low, high) at byte `depth`.
  struct Config {
    StateId state = kDeadState;  // inside a hole: the state to go on at
    int32_t hole = -1;
    uint32_t low = 0, high = 0, depth = 0;
    int32_t stack = -1;  // top of the return stack, -1: the start rule
    bool operator==(const Config&) const = default;
  };
  std::span<const Config> configs() const { return configs_; }

 private:
  friend class MaskCache;
  friend class MaskWalker;
  // One pending return: where to go on when the rule ends. Frames are shared between configs, only ever
  // appended, and cut off by Rollback.
  struct Frame {
    int32_t parent;
    StateId next;
  };
  struct Undo {
    std::vector<Config> configs;
    size_t n_frames;
    bool ended;
  };

  // Adds the config and whatever is reached from it without reading a byte.
  void Add(const Config& config, std::vector<Config>& out);
  void EnterCalls(const Config& config, std::vector<Config>& out);
  void Step(std::span<const Config> from, uint8_t byte, std::vector<Config>& out);
  // Sets the bits of the bytes that lead on.
  void CollectBytes(std::span<const Config> from, std::bitset<256>& bytes) const;
  bool Advance(std::string_view bytes);
  int32_t Push(int32_t parent, StateId next);

  std::shared_ptr<const Binding> binding_;
  std::vector<Frame> frames_;
  std::vector<Config> configs_;
  std::vector<Config> scratch_;
  std::vector<Undo> history_;
  bool ended_ = false;
};

}  // namespace sotto
