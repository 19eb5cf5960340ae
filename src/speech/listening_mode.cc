#include "speech/listening_mode.h"

namespace sotto {

std::string_view ListeningModeName(ListeningMode mode) {
  switch (mode) {
    case ListeningMode::kOpen:
      return "open";
    case ListeningMode::kYesNo:
      return "yes_no";
    case ListeningMode::kDigits:
      return "digits";
    case ListeningMode::kAmount:
      return "amount";
    case ListeningMode::kChoice:
      return "choice";
  }
  return "open";
}

ListeningMode ListeningModeFor(const Workflow& workflow, const Expectation& expectation) {
  if (expectation.kind == Expectation::Kind::kConfirm || expectation.kind == Expectation::Kind::kOffer) {
    return expectation.tool.empty() ? ListeningMode::kOpen : ListeningMode::kYesNo;
  }
  if (expectation.kind != Expectation::Kind::kSlots || expectation.slots.size() != 1)
    return ListeningMode::kOpen;
  const ToolDef* tool = workflow.FindTool(expectation.tool);
  const Slot* slot = tool == nullptr ? nullptr : tool->FindSlot(expectation.slots.front());
  if (slot == nullptr) return ListeningMode::kOpen;
  switch (slot->entity.type) {
    case Entity::Type::kDigits:
      return ListeningMode::kDigits;
    case Entity::Type::kMoney:
    case Entity::Type::kNumber:
      return ListeningMode::kAmount;
    case Entity::Type::kEnum:
      return ListeningMode::kChoice;
    case Entity::Type::kText:
      return slot->entity.values.empty() ? ListeningMode::kOpen : ListeningMode::kChoice;
    case Entity::Type::kDate:
    case Entity::Type::kTime:
    case Entity::Type::kDuration:
    case Entity::Type::kDateRange:
      return ListeningMode::kOpen;
  }
  return ListeningMode::kOpen;
}

}  // namespace sotto
