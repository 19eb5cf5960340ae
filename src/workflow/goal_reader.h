// Finds a workflow's goals in what somebody said, by rules: the `says` patterns of its plans. The whole sentence must be
// one, politeness and hesitation around it left out; values are read as everywhere else (text/said_numbers.h), listed
// ones by their names. What is not read so is nobody's goal: the model understands it as ever.
// Immutable after construction; any thread. Some 20 us a sentence.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/conversation.h"
#include "core/tool.h"
#include "workflow/phrase_graph.h"
#include "workflow/workflow.h"

namespace sotto {

class GoalReader {
 public:
  // Of a workflow that passed its checks.
  explicit GoalReader(std::shared_ptr<const Workflow> workflow);

  const Workflow& workflow() const { return *workflow_; }
  // None where nothing or more than one thing could be meant.
  std::optional<ToolCall> Read(std::string_view text) const;

  // A goal beside another request: "move everything above 500 to savings and pay netflix". The longest half that is one.
  struct Half {
    ToolCall goal;
    std::string rest;    // what else was said, as it was said
    bool first = false;  // the goal was said first
  };
  // None where the whole is a goal, or no half is.
  std::optional<Half> ReadHalf(std::string_view text) const;
  // What the words say about the goal that `expectation` is about: the value that was asked for, or a slot's `phrases`
  // ("above six hundred"). None where it is about no goal, or the words say nothing of it.
  std::optional<ToolCall> ReadAnswer(std::string_view text, const Expectation& expectation) const;

 private:
  class Search;
  const std::shared_ptr<const Workflow> workflow_;
  PhraseGraph graph_;  // owners: indices of the workflow's plans
};

}  // namespace sotto
