// Dialogues written as text, to test a workflow with: docs/formats/dialogue_test.md.
//
//   == a transfer is read back
//   user: move 200 from checking to savings
//   call: transfer_money(amount=200, from_account=checking, to_account=savings)
//   bot: Transfer $200.00 from checking to savings?
//   user: yes
//   call: affirm()
//   event: action_began
//   bot: Done.*
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/action.h"
#include "dialogue/dialogue.h"

namespace sotto {

struct ScriptTurn {
  struct Check {
    enum class Kind { kBot, kNotBot, kEvent, kNoEvent, kExpect, kSlots, kHandOff, kEnded };
    Kind kind = Kind::kBot;
    std::string text;
    int line = 0;
  };
  int line = 0;
  std::string text;
  bool silence = false;
  std::vector<Understanding::Call> calls;
  std::vector<ToolResult> results;  // of the turn's actions, in order; then real or made-up ones
  std::vector<Check> checks;
};

struct DialogueScript {
  std::string file;
  int line = 0;
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;  // of the policy
  std::vector<ScriptTurn> turns;                              // the first is the greeting
};

// Every dialogue of the text. `workflow` gives the arguments their types. The error names file and line.
Result<std::vector<DialogueScript>> ParseScripts(std::string_view text, std::string_view file,
                                                 const Workflow& workflow);
// Of one file, or of all *.txt files of a folder, by name.
Result<std::vector<DialogueScript>> ReadScripts(const std::filesystem::path& path, const Workflow& workflow);

// "transfer_money(amount=200, payee=\"gas company\") @0.5"
Result<Understanding::Call> ParseCall(std::string_view text, const Workflow& workflow);

// "confirm: never" as in the policy section. The error names the key or the value.
Result<void> SetPolicy(Workflow& workflow, const std::string& key, const std::string& value);

struct ScriptServices {
  // Makes the runner of one dialogue's actions, fresh each time; null: results are made up.
  std::function<Result<std::shared_ptr<ActionRunner>>()> make_runner;
  Caller caller;  // who talks
  // The brain; null: the calls of the script.
  std::function<Result<Understanding>(const Dialogue& dialogue, const Conversation& history,
                                      const std::string& text)>
      understand;
};

struct ScriptOutcome {
  std::vector<std::string> failures;  // "file:line: ..."; none: passed
  std::string transcript;             // who said what
};

ScriptOutcome RunScript(std::shared_ptr<const Workflow> workflow, const DialogueScript& script,
                        const ScriptServices& services);

// A result with something of the right type in every field that the tool's action returns, as if it had
// succeeded.
ToolResult MadeUpResult(const ToolDef& tool);

// '*' stands for any text.
bool MatchesPattern(std::string_view pattern, std::string_view text);

}  // namespace sotto
