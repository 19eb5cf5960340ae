// Patterns: sentences with holes, the notation that phrase books (docs/formats/phrases.md) are written in.
//
//   (a|b|c)         one of them; an empty one is allowed
//   [x]             x or nothing
//   {slot}          a value of the slot, said in one of its forms
//   {slot:form}     the same in a named form ({amount:bare}: the number without its unit)
//   @slot=value     these words mean that value: "i lost @reason=lost my {card_type} card"
//   <name>          a macro of the phrase book: "<do> move {amount}"
//
// A Pattern is immutable after Parse and expands differently on every call.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace sotto {

// One part of an expansion, in the order of the sentence.
struct Piece {
  enum class Kind { kWords, kSlot, kImplied } kind = Kind::kWords;
  std::string text;  // kWords: the words; kSlot, kImplied: the slot's name
  std::string form;  // kSlot: the form, may be empty; kImplied: the value
};

// " @slot=value" to put behind a pattern's words; nothing where the notation cannot spell the value.
std::optional<std::string> ImpliedMark(std::string_view slot, std::string_view value);

using Macros = std::map<std::string, std::string, std::less<>>;

class Pattern {
 public:
  // The error says what is wrong and where in `text`. Macros may use other macros, not themselves.
  static Result<Pattern> Parse(std::string_view text, const Macros& macros = {});

  std::vector<Piece> Expand(Random& random) const;
  // Every slot named anywhere, in order of appearance, once.
  const std::vector<std::string>& slots() const { return slots_; }
  // How many different sentences there are, slots counted once; at most 1e9.
  double n_expansions() const { return n_expansions_; }
  const std::string& source() const { return source_; }

 private:
  struct Node;
  using Sequence = std::vector<Node>;
  struct Node {
    Piece piece;  // a leaf, when `choices` is empty
    std::vector<Sequence> choices;
  };
  class Parser;

  static void ExpandInto(const Sequence& sequence, Random& random, std::vector<Piece>& out);
  static double Count(const Sequence& sequence);

  Sequence root_;
  std::vector<std::string> slots_;
  double n_expansions_ = 1;
  std::string source_;
};

}  // namespace sotto
