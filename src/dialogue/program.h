// A workflow made ready for talking: its texts parsed, its rules compiled. Immutable and shared by all
// dialogues of the workflow; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "text/consent.h"
#include "text/template.h"
#include "workflow/rule.h"
#include "workflow/workflow.h"

namespace sotto {

class DialogueProgram {
 public:
  using Variants = std::vector<ReplyTemplate>;

  struct SlotTexts {
    Variants question;
    std::vector<Rule> when;  // none or one
  };
  // Of a goal that several tools lead to.
  struct PlanTexts {
    const PlanDef* plan = nullptr;
    std::vector<const ToolDef*> tools;    // one a step
    std::vector<Variants> step_say;       // one a step
    std::vector<std::vector<Rule>> when;  // one a step: none or one
    std::vector<Variants> check_say;      // one a check
    std::vector<Rule> check_rules;
    std::vector<Rule> complete;                                             // none or one
    std::vector<std::map<std::string, Variants, std::less<>>> step_failed;  // one a step
  };
  struct ToolTexts {
    const ToolDef* tool = nullptr;
    std::vector<std::pair<PhraseList, Variants>> unlike;  // words -> what is said first
    Variants confirm;
    Variants done;
    std::map<std::string, Variants, std::less<>> failed;
    std::vector<Variants> check_say;  // one a check
    std::vector<Rule> check_rules;
    std::vector<SlotTexts> slots;  // one a slot, same order
    ToolWords words;               // that a yes may repeat
    bool acts = false;             // changes something in the world (workflow/stakes.h)
    bool reads_back = false;
    bool takes_time = false;                // has a slot for a time: "tomorrow" is a value then
    std::shared_ptr<const PlanTexts> plan;  // null: one tool does it
  };

  // The error names the tool or message and what is wrong with its text; a workflow that passed its checks
  // compiles.
  static Result<std::shared_ptr<const DialogueProgram>> Compile(std::shared_ptr<const Workflow> workflow);

  const Workflow& workflow() const { return *workflow_; }
  const std::shared_ptr<const Workflow>& shared_workflow() const { return workflow_; }
  // nullptr: no such tool.
  const ToolTexts* FindTool(std::string_view name) const;
  // REQUIRES: a key of workflow/messages.h.
  const Variants& Message(std::string_view key) const;
  const ReplyTemplate* greeting() const { return greeting_.empty() ? nullptr : &greeting_[0]; }

  // The fixed stretches of everything that can be said, each once: what a phrase cache synthesises ahead.
  std::vector<std::string> FixedParts() const;

 private:
  std::shared_ptr<const Workflow> workflow_;
  std::map<std::string, ToolTexts, std::less<>> tools_;
  std::map<std::string, Variants, std::less<>> messages_;
  Variants greeting_;
};

}  // namespace sotto
