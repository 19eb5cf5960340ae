// The words a generator speaks with: patterns per tool and kind of turn, the ways values are said, and what
// people say besides (greetings, fillers, nonsense). Two sources: the general book that is compiled into the
// program (src/learn/data/general.yaml, thesaurus.yaml) and the workflow's own `phrases.yaml`, if it has one;
// to them come the `examples:` of the workflow file and patterns made from its seeds (learn/delexicalise.h).
// The notation is docs/formats/phrases.md. Immutable once it is built; any number of threads may read it.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "learn/own_words.h"
#include "learn/pattern.h"
#include "workflow/workflow.h"

namespace sotto {

// What a turn about a tool is.
enum class TurnKind {
  kAsk,    // a complete request
  kNext,   // a request that refers to what was just done: inherits its arguments
  kFill,   // part of an answer while the task is open
  kAgain,  // the same once more with another value: "and my savings?"
};

struct ToolPhrases {
  std::vector<Pattern> ask, next, fill, again;
  std::vector<Pattern> nouns;  // "the transfer": for coming back to it
  const std::vector<Pattern>& of(TurnKind kind) const;
};

class PhraseBook {
 public:
  // The general book plus `workflow.folder / "phrases.yaml"` plus the workflow's examples. Errors name the
  // file and the entry.
  static Result<PhraseBook> Load(const Workflow& workflow);

  // Never null for a tool of the workflow.
  const ToolPhrases& ForTool(std::string_view tool) const;
  void AddPattern(std::string_view tool, TurnKind kind, Pattern pattern);
  const Macros& macros() const { return macros_; }

  // Ways to say `value` of `slot`, each a pattern without slots. Empty: say the value itself. `form` empty:
  // the general form; an unknown form falls back to it.
  const std::vector<Pattern>& ValueForms(std::string_view slot, std::string_view value,
                                         std::string_view form) const;
  void AddValueForm(std::string_view slot, std::string_view value, Pattern pattern);
  // Free-text values to draw from ("payee"); empty where there are none.
  const std::vector<Pattern>& Names(std::string_view slot) const;

  // General phrases by name ("greeting", "affirm", "opener", "fix", ...). Empty where unknown.
  const std::vector<Pattern>& General(std::string_view name) const;

  // Other words for up to kLongestSynonym words; null where none are known.
  static constexpr size_t kLongestSynonym = 4;
  const std::vector<std::string>* Synonyms(std::string_view words) const;
  // What people say for an enum value besides what its workflow says; null where nothing is known.
  const std::vector<std::string>* ValueWords(std::string_view slot, std::string_view value) const;
  // A word that requests begin with ("book", "cancel").
  bool IsVerb(std::string_view word) const { return verbs_.contains(word); }
  // The text has a word that the workflow is about (learn/own_words.h).
  bool IsAboutWorkflow(std::string_view spoken) const { return HasAnyOf(own_words_, spoken); }

  // Patterns in all, for the coverage report.
  size_t n_patterns() const;

 private:
  using Lists = std::map<std::string, std::vector<Pattern>, std::less<>>;

  Result<void> Merge(std::string_view yaml, const std::string& source, const Workflow* workflow);

  bool use_examples_ = true;
  Macros macros_;
  std::map<std::string, ToolPhrases, std::less<>> tools_;
  Lists values_;   // "slot=value" or "slot=value:form"
  Lists names_;    // slot
  Lists general_;  // name
  using Words = std::map<std::string, std::vector<std::string>, std::less<>>;
  void AddGroup(const std::vector<std::string>& group);
  void AddValueWords(const Slot& slot);

  Words synonyms_;
  Words general_value_words_;  // of a value of whatever workflow
  Words value_words_;          // "slot=value", of this one
  std::set<std::string, std::less<>> verbs_;
  WordSet own_words_;
};

}  // namespace sotto
