// A small workflow for the tests of this folder: two tasks with all kinds of slots, and the talk around them.
#pragma once

#include <memory>

#include "workflow/messages.h"
#include "workflow/workflow.h"

namespace sotto {

inline Slot TestSlot(std::string name, Entity::Type type, std::vector<std::string> values, bool required) {
  Slot slot;
  slot.name = name;
  slot.entity_name = type == Entity::Type::kEnum ? "account" : name;
  slot.entity.type = type;
  if (type == Entity::Type::kDigits) slot.entity.length = 4;
  for (std::string& value : values) slot.entity.values.push_back({value, value, {}});
  slot.required = required;
  slot.ask = "the " + name;
  return slot;
}

inline std::shared_ptr<Workflow> TestWorkflow() {
  auto workflow = std::make_shared<Workflow>();
  workflow->name = "test";
  for (const MessageDef& message : MessageDefs()) workflow->texts[message.key] = message.texts;
  ToolDef move;
  move.name = "move_money";
  move.description = "Move money between accounts";
  move.doing = "moving money";
  move.slots = {TestSlot("amount", Entity::Type::kMoney, {}, true),
                TestSlot("from_account", Entity::Type::kEnum, {"checking", "savings"}, true),
                TestSlot("to_account", Entity::Type::kEnum, {"checking", "savings"}, true)};
  move.checks = {{"from_account != to_account", {"Those are the same."}, {"to_account"}}};
  move.confirm = {"Move {amount}?"};
  move.examples = {"move {amount} from {from_account} to {to_account}", "move money",
                   "put {amount} in {to_account}"};
  ToolDef pay;
  pay.name = "pay_someone";
  pay.description = "Pay someone";
  pay.doing = "paying";
  pay.slots = {TestSlot("payee", Entity::Type::kText, {}, true),
               TestSlot("amount", Entity::Type::kMoney, {}, true),
               TestSlot("card", Entity::Type::kDigits, {}, false)};
  pay.examples = {"pay {payee} {amount}", "pay {payee} with card {card}", "i want to pay someone"};
  pay.related = {"move_money"};
  workflow->tools = {move, pay};
  const auto talk = [&](const char* name, ToolRole role) {
    ToolDef tool;
    tool.name = name;
    tool.role = role;
    workflow->tools.push_back(tool);
  };
  talk("greeting", ToolRole::kGreeting);
  talk("goodbye", ToolRole::kGoodbye);
  talk("thank_you", ToolRole::kThanks);
  talk("intent_unclear", ToolRole::kUnclear);
  return workflow;
}

}  // namespace sotto
