// A JSON Schema compiled to a byte automaton: exactly the canonical JSON texts that the schema allows, byte for
// byte.
//
//   Grammar (compiled once, immutable, shared) -> Matcher (one decode: matcher.h) -> TokenMask (token_mask.h)
//
// Canonical JSON: ", " and ": " as separators, properties in schema order, each character spelled one way
// (raw UTF-8; \" \\ \b \f \n \r \t; \u00xx for the other control characters), numbers as shortest decimals
// without exponent.
//
// Schemas: type (also a list), properties, required, additionalProperties (false, or absent: closed all the
// same), enum, const, pattern, minLength, maxLength, format (date, time, date-time, email, uuid, ipv4,
// hostname, uri), minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf 10^-n, items, minItems,
// maxItems, anyOf, oneOf (alternatives that overlap are an error), $ref into $defs / definitions, also
// recursive, and annotations (title, description, default, examples, ...). Anything else is an error that
// names the JSON path. A schema that no text satisfies is an error.
//
// Layout: one deterministic automaton (rule) for everything that is not recursive and one for each recursive
// $ref, states numbered through all rules, dense transition table over byte classes. A state may have call
// edges (enter a rule, then go on at a return state). From every state that can be entered some text can be
// finished. Design: XGrammar (https://arxiv.org/abs/2411.15100), with the non-recursive part determinised
// completely. Threads: everything here is immutable after compilation.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace sotto {

using StateId = uint32_t;
inline constexpr StateId kDeadState = 0;  // never entered

class Grammar {
 public:
  static constexpr size_t kMaxStates = 60000;

  // `source` names the schema in errors: "argument 'amount': $.minimum: not a number". More than `max_states`:
  // kOutOfRange, names the path that grew.
  static Result<std::shared_ptr<const Grammar>> FromSchema(const Json& schema, std::string_view source,
                                                           size_t max_states = kMaxStates);

  size_t n_states() const { return n_states_; }

  // The automaton, for Matcher and MaskCache.
  struct CallEdge {
    uint32_t rule;
    StateId next;  // where to go on afterwards
  };
  StateId start() const { return rule_starts_[0]; }
  StateId rule_start(uint32_t rule) const { return rule_starts_[rule]; }
  size_t n_rules() const { return rule_starts_.size(); }
  size_t n_classes() const { return n_classes_; }
  // The lowest byte of a class and how many bytes it has.
  uint8_t class_byte(size_t c) const { return class_byte_[c]; }
  size_t class_size(size_t c) const { return class_size_[c]; }
  uint8_t byte_class(uint8_t byte) const { return byte_class_[byte]; }
  StateId Next(StateId state, uint8_t byte) const {
    return transitions_[state * n_classes_ + byte_class_[byte]];
  }
  std::span<const StateId> row(StateId state) const {
    return {transitions_.data() + state * n_classes_, n_classes_};
  }
  bool IsAccepting(StateId state) const { return (flags_[state] & kAccepting) != 0; }
  // Some byte leads on from here.
  bool HasBytes(StateId state) const { return (flags_[state] & kHasBytes) != 0; }
  bool HasCalls(StateId state) const { return (flags_[state] & kHasCalls) != 0; }
  std::span<const CallEdge> calls(StateId state) const {
    return {calls_.data() + call_begin_[state], call_begin_[state + 1] - call_begin_[state]};
  }

 private:
  friend class GrammarBuilder;

  static constexpr uint8_t kAccepting = 1;
  static constexpr uint8_t kHasCalls = 2;
  static constexpr uint8_t kHasBytes = 4;

  size_t n_states_ = 0;
  size_t n_classes_ = 0;
  uint8_t byte_class_[256] = {};
  std::vector<uint8_t> class_byte_;   // [n_classes]
  std::vector<uint16_t> class_size_;  // [n_classes]
  std::vector<StateId> transitions_;  // [n_states, n_classes]
  std::vector<uint8_t> flags_;        // [n_states]
  std::vector<uint32_t> call_begin_;  // [n_states + 1]
  std::vector<CallEdge> calls_;
  std::vector<StateId> rule_starts_;
};

// `value` as the grammar spells it: {"a": 1, "b": ["x", "y"]}.
std::string CanonicalJson(const Json& value);

}  // namespace sotto
