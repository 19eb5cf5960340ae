// The workflow in memory: one immutable value that the brain, the dialogue, the learner and the voice share
// (shared_ptr<const Workflow>). The file format is docs/formats/workflow.md; workflow/parse.h reads and
// checks it.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/conversation.h"
#include "core/tool.h"

namespace sotto {

struct EntityValue {
  std::string value;                  // as in the tool call: "last_month"
  std::string spoken;                 // as said by Sotto: "last month"; by default `value` with '_' as ' '
  std::vector<std::string> synonyms;  // other ways people say it, besides `spoken`
};

struct Entity {
  enum class Type {
    kEnum,    // one of `values`
    kDigits,  // a string of exactly `length` digits (0: any length)
    kMoney,   // a number of `currency`, at most two decimals
    kNumber,  // any number
    kText,    // free text: a span of the user's words or one of `values`
    kDate,
  };
  std::string name;
  Type type = Type::kEnum;
  std::vector<EntityValue> values;
  int length = 0;
  std::string currency = "USD";
  std::optional<double> min;
  std::optional<double> max;
};

struct Slot {
  std::string name;
  Entity entity;  // by value: the slot's own view, `only:` already applied to entity.values
  std::string entity_name;
  bool required = false;  // to act
  bool grounded = true;   // the value must have been said or be listed (brain)
  std::string ask;        // "the amount", "which account to transfer from"
  std::string description;
};

// A rule over slots, checked whenever the slots in it are known: "from_account != to_account".
struct Check {
  std::string rule;
  std::string say;
  std::vector<std::string> clear;  // slots that are emptied when the rule fails
};

struct ToolDef {
  std::string name;
  std::string description;
  std::vector<Slot> slots;
  std::vector<Check> checks;
  std::string confirm;  // template; empty: acts without asking
  std::string action;   // name in the action registry; empty: only talk
  Json action_options = Json::object();
  std::string done;                           // template over slots and the result's data
  std::map<std::string, std::string> failed;  // failure code -> template
  std::vector<std::string> related;           // tools that may inherit this one's arguments
  bool requires_verified = false;
  std::vector<std::string>
      examples;  // "move {amount} from {from_account}"; {slot} is filled by the generator

  const Slot* FindSlot(std::string_view slot) const;
};

struct Workflow {
  std::string name;
  std::string language = "en";
  std::filesystem::path folder;  // where model.gguf, seed.jsonl, ... lie
  struct Assistant {
    std::string name;
    std::string greeting;
    std::string voice = "rms";
  } assistant;
  std::map<std::string, Entity> entities;
  std::vector<ToolDef> tools;
  // Name of the tool that stands for "not understood or not served"; every workflow has one.
  std::string unclear_tool = "intent_unclear";
  Json policy = Json::object();    // dialogue section, as written (the dialogue layer gives it meaning)
  Json messages = Json::object();  // texts of the patterns, as written

  const ToolDef* FindTool(std::string_view tool) const;
};

// JSON Schema of one tool as the OpenAI `tools` array has it (no `required`: while people talk every argument
// may be absent).
ToolSpec ToToolSpec(const ToolDef& tool);
// All of them, in file order.
std::vector<ToolSpec> ToToolSpecs(const Workflow& workflow);

}  // namespace sotto
