// A JSON Schema (or a list of tools) compiled to a byte automaton: exactly the canonical JSON texts that the
// schema allows, byte for byte.
//
//   Grammar (compiled once, immutable, shared)
//   -> Binding (one turn: what fills the holes, which tools are offered)
//   -> Matcher (one decode: matcher.h) -> TokenMask (token_mask.h)
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
// edges (enter a rule or a hole, then go on at a return state). Design: XGrammar
// (https://arxiv.org/abs/2411.15100), with the non-recursive part determinised completely. Threads:
// everything here is immutable after compilation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tool.h"

namespace sotto {

struct GrammarOptions {
  // A property schema with {"x-hole": "NAME"} is a hole: its texts are given per turn (Binding). The rest of
  // the property's schema is then only documentation.
  bool holes = true;
  size_t max_states = 60000;  // beyond: kOutOfRange, names the path that grew
};

struct ToolGrammarOptions {
  // True for every argument whose value is given per turn: hole "TOOL.ARGUMENT". Null: none.
  std::function<bool(const ToolSpec& tool, const std::string& argument)> is_hole;
  // Every top-level argument may be absent whatever `required` says: people say things one by one.
  bool arguments_optional = true;
  bool several_calls = true;  // one call or any number in a row; false: exactly one
  std::string before_call;    // "<tool_call>\n" for models that were taught so
  std::string after_call;
  std::string between_calls;
  std::string name_key = "name";
  std::string arguments_key = "arguments";  // "parameters" for Llama
  size_t max_states = 60000;
};

using StateId = uint32_t;
inline constexpr StateId kDeadState = 0;  // never entered

// Which states can be finished for a set of empty holes and closed tools. Shared between turns of the same
// shape.
struct Liveness {
  uint64_t key = 0;                // of the empty holes and closed tools, unique in its grammar
  std::vector<uint8_t> live;       // [n_states]
  std::vector<uint8_t> rule_live;  // [n_rules]
};

class Grammar {
 public:
  // `source` names the schema in errors: "tool 'pay_bill': $.properties.amount: no keyword 'foo'".
  static Result<std::shared_ptr<const Grammar>> FromSchema(const Json& schema, std::string_view source,
                                                           const GrammarOptions& options = {});

  size_t n_states() const { return n_states_; }
  size_t n_holes() const { return holes_.size(); }
  // In order of appearance: "transfer_money.amount".
  std::span<const std::string> holes() const { return holes_; }
  // -1: there is none of that name.
  int FindHole(std::string_view name) const;
  // Tools in the order given, refused ones left out; empty for FromSchema. A gate is a tool's index here.
  std::span<const std::string> tools() const { return tools_; }
  int FindTool(std::string_view name) const;
  // Of schema and options: the same on every machine.
  uint64_t hash() const { return hash_; }

  // The automaton, for Matcher and MaskCache.
  struct CallEdge {
    bool is_hole;
    uint32_t target;  // rule or hole
    StateId next;     // where to go on afterwards
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
  // The tool that must be offered for this state to be entered; -1: none.
  int gate(StateId state) const { return gates_[state]; }
  // Whether the state can still be finished depends on the holes and gates (Liveness).
  bool IsFragile(StateId state) const { return fragile_[state] != 0; }

  // Which states can be finished when these holes are empty and these tools closed ([n_holes], [n_tools];
  // true: so). Cached: any thread. `key` 0: nothing is empty or closed.
  std::shared_ptr<const Liveness> FindLiveness(const std::vector<bool>& empty_holes,
                                               const std::vector<bool>& closed_tools) const;

 private:
  friend class GrammarBuilder;
  Liveness ComputeLiveness(const std::vector<bool>& empty_holes, const std::vector<bool>& closed_tools) const;

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
  std::vector<int16_t> gates_;                         // [n_states]
  std::vector<uint8_t> fragile_;                       // [n_states]
  std::vector<uint32_t> before_begin_;                 // [n_states + 1], into before_
  std::vector<StateId> before_;                        // states with a byte edge into this one
  std::vector<std::vector<uint32_t>> callers_;         // [n_rules]: indices into calls_
  std::vector<std::pair<StateId, uint32_t>> returns_;  // (next state, index into calls_), sorted
  std::vector<StateId> call_owner_;                    // [calls_]: the state the edge leaves
  std::vector<StateId> rule_starts_;
  std::vector<std::string> holes_;
  std::vector<std::string> tools_;
  uint64_t hash_ = 0;

  struct LivenessCache;
  std::shared_ptr<LivenessCache> liveness_;  // shared by copies; guarded inside
};

// {"name": "TOOL", "arguments": {...}} over a list of tools.
struct ToolGrammar {
  struct Refused {
    std::string tool;
    Error error;  // names the tool and the JSON path
  };
  std::shared_ptr<const Grammar> grammar;
  std::vector<Refused> refused;  // tools whose schema is not supported or matches nothing; the others work
};

// kInvalidArgument: no tools, a name twice, or no tool left.
Result<ToolGrammar> CompileTools(std::span<const ToolSpec> tools, const ToolGrammarOptions& options = {});

// `value` as the grammar spells it: {"a": 1, "b": ["x", "y"]}. Use it for hole literals:
// CanonicalJson("at&t").
std::string CanonicalJson(const Json& value);

}  // namespace sotto
