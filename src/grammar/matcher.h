// Follows one decode through a grammar, byte by byte. A value (copying it is a fork); not thread-safe. Every
// state it reaches can still be finished.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"

namespace sotto {

class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const Grammar> grammar);

  // False, and nothing changes, when the bytes are not allowed here.
  bool AcceptBytes(std::string_view bytes);

  // The text so far is complete.
  bool CanEnd() const;
  // Nothing but the end can follow.
  bool MustEnd() const { return NextBytes().empty(); }
  // The longest byte string that every continuation starts with; empty where there is a choice (the end is
  // one). May stop inside a UTF-8 character.
  std::string ForcedRun() const;
  // The bytes that may come next, ascending.
  std::vector<uint8_t> NextBytes() const;

  const Grammar& grammar() const { return *grammar_; }

  // Where the matcher may stand.
  struct Config {
    StateId state = kDeadState;
    int32_t stack = -1;  // top of the return stack, -1: the start rule
    bool operator==(const Config&) const = default;
  };
  std::span<const Config> configs() const { return configs_; }

 private:
  friend class MaskWalker;
  // One pending return: where to go on when the rule ends. Frames are shared between configs and only ever
  // appended.
  struct Frame {
    int32_t parent;
    StateId next;
  };

  // Adds the config and whatever is reached from it without reading a byte.
  void Add(const Config& config, std::vector<Config>& out);
  void EnterCalls(const Config& config, std::vector<Config>& out);
  void Step(std::span<const Config> from, uint8_t byte, std::vector<Config>& out);
  // Sets the bits of the bytes that lead on.
  void CollectBytes(std::span<const Config> from, std::bitset<256>& bytes) const;
  bool Advance(std::string_view bytes);
  int32_t Push(int32_t parent, StateId next);

  std::shared_ptr<const Grammar> grammar_;
  std::vector<Frame> frames_;
  std::vector<Config> configs_;
  std::vector<Config> scratch_;
};

}  // namespace sotto
