// Rules over slots: "from_account != to_account", "amount <= 5000 and payee != 'gym'", "not (a == b or c >
// 1)".
//
// Operators: == != < <= > >= and or not ( ). Operands: slot names, numbers, quoted strings; a bare word that
// is no slot is a string (an enum value). Strings compare case-insensitively, numbers by value; numbers also
// compare with digit strings. A day equals the name of its weekday ("day != sunday"); days and times of day
// are ordered by time. Immutable; any thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace sotto {

// "sunday" to "saturday".
std::span<const std::string_view> WeekdayNames();

class Rule {
 public:
  // `slots`: the names that stand for slots. The error says what was expected, without a place.
  static Result<Rule> Parse(std::string_view text, const std::vector<std::string>& slots);

  // Whether the rule holds for these slot values; nothing where the answer depends on a slot without a value.
  std::optional<bool> Holds(const Json& values) const;

  // The slots in it, each once, in order.
  const std::vector<std::string>& slots() const { return slots_; }
  // (slot, bare word) pairs compared with each other, for checking that the word is a value of the slot;
  // (bare word, bare word) where no slot is in the comparison.
  const std::vector<std::pair<std::string, std::string>>& words() const { return words_; }

  struct Node;

 private:
  std::shared_ptr<const Node> root_;
  std::vector<std::string> slots_;
  std::vector<std::pair<std::string, std::string>> words_;
};

}  // namespace sotto
